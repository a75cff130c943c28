"""Messages for the user: to the log, where what repeats is folded, and through the bot unless one was just sent."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from bitget_margin.freqtrade.repeated_warnings import ABOUT, RepeatedWarnings, without_times

logger = logging.getLogger("bitget_margin")

_REPEAT_SECONDS: Final = 600.0
"""Pause before a warning about the same thing is sent again."""


@dataclass(eq=False)
class Alerts:
    """Warnings to the log and to freqtrade's messages; `send` is set once a strategy can send them."""

    clock: Callable[[], float] = time.monotonic
    send: Callable[[str], object] | None = None
    repeated: RepeatedWarnings = field(default_factory=RepeatedWarnings)
    """Series of the warnings in the log, which end once their subject is cleared."""
    _sent_at: dict[str, float] = field(default_factory=dict, init=False)

    def warn(self, text: str, about: str | None = None) -> None:
        """Log a warning and send it; warnings `about` the same thing are sent every ten minutes at most."""
        logger.warning(text, extra={ABOUT: about})
        now, key = self.clock(), about or without_times(text)
        if self.send is not None and now - self._sent_at.get(key, float("-inf")) >= _REPEAT_SECONDS:
            self._sent_at[key] = now
            self.send(text)

    def clear(self, about: str) -> None:
        """Forget that a warning about this was sent: the next one is sent at once; log how often it has repeated."""
        self._sent_at.pop(about, None)
        for text in self.repeated.end(about):
            logger.info(text)

    def send_info(self, text: str) -> None:
        """Log what went as it should, and send it."""
        logger.info(text)
        if self.send is not None:
            self.send(text)

    @staticmethod
    def info(text: str) -> None:
        """Log what went as it should."""
        logger.info(text)
