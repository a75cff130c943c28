"""Messages for the user: to the log always, through the bot unless a similar one was just sent."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

logger = logging.getLogger("bitget_margin")

_REPEAT_SECONDS: Final = 600.0
"""Pause before a warning about the same thing is sent again."""


@dataclass(eq=False)
class Alerts:
    """Warnings to the log and to freqtrade's messages; `send` is set once a strategy can send them."""

    clock: Callable[[], float] = time.monotonic
    send: Callable[[str], object] | None = None
    _sent_at: dict[str, float] = field(default_factory=dict, init=False)

    def warn(self, text: str, about: str | None = None) -> None:
        """Log a warning and send it; warnings `about` the same thing are sent every ten minutes at most."""
        logger.warning(text)
        now, key = self.clock(), about or text
        if self.send is not None and now - self._sent_at.get(key, float("-inf")) >= _REPEAT_SECONDS:
            self._sent_at[key] = now
            self.send(text)

    def clear(self, about: str) -> None:
        """Forget that a warning about this was sent: the next one is sent at once."""
        self._sent_at.pop(about, None)

    def send_info(self, text: str) -> None:
        """Log what went as it should, and send it."""
        logger.info(text)
        if self.send is not None:
            self.send(text)

    @staticmethod
    def info(text: str) -> None:
        """Log what went as it should."""
        logger.info(text)
