"""What the user is told: in the log always, and as a message of the bot once until it is news again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

logger = logging.getLogger("bitget_margin")

_REPEAT_SECONDS: Final = 600.0


class Alerts:
    """Warnings to the log and to freqtrade's messages; `send` is set once a strategy is there to send them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.send: Callable[[str], object] | None = None
        self._clock = clock
        self._told: dict[str, float] = {}

    def warn(self, text: str, about: str | None = None) -> None:
        """Shout; what is `about` the same thing is sent as a message again after ten minutes only."""
        logger.warning(text)
        now, key = self._clock(), about or text
        if self.send is not None and now - self._told.get(key, float("-inf")) >= _REPEAT_SECONDS:
            self._told[key] = now
            self.send(text)

    def clear(self, about: str) -> None:
        """Forget what was told about this: the next time is news."""
        self._told.pop(about, None)

    @staticmethod
    def info(text: str) -> None:
        """Log what went as it should."""
        logger.info(text)
