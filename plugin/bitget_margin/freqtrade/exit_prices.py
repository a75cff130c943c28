"""Prices of the open trades, asked for ahead while the venue is slow.

In every loop, freqtrade asks for the price of one trade after the other, and exits in between; with position
adjustment, it asks for all of them once more. An exit cancels resting orders first, which takes a round trip that an
exit without them does not have: all trades behind it would see their stop-loss later. So the next prices are on their
way while one is waited for, and while an exit order is sent, and one that has just come answers twice.

A price that is too old, late or missing is asked for by freqtrade itself, as without this.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import ccxt

from bitget_margin.adapter.transport import monotonic_ms
from bitget_margin.drivers.beside import Beside
from bitget_margin.rate_limit.window import Window

logger = logging.getLogger("bitget_margin")

SLOW_SECONDS: Final = 0.125
"""Time of each of the last prices from which on the next ones are asked for ahead."""
PRICE_SECONDS: Final = 1.0
"""Age up to which a price that has come decides on an exit."""
PER_SECOND: Final = 10
"""Number of prices that are asked for ahead, at a time and per second. freqtrade itself asks a slow venue for 8 at
most, and the venue takes 20 from one address:
https://www.bitget.com/api-doc/spot/market/Get-Tickers and https://www.bitget.com/api-doc/spot/market/Get-Orderbook"""
AFTER_EXIT: Final = 3
"""Number of prices that are asked for beside an exit order: new connections take processor time that it needs, too."""
PAUSE_SECONDS: Final = 10.0
"""Time without questions ahead after one that was refused as one too many, or came late."""
_LEAST_WAIT_SECONDS: Final = 1.0
_LATE: Final = 2.0
"""Multiple of the shortest time of the last prices after which one is late: a single request may hang."""
_KEPT: Final = 4
"""Number of the last prices that count."""
_TOO_MANY: Final = (ccxt.DDoSProtection, ccxt.RateLimitExceeded)


@dataclass(frozen=True, slots=True)
class Ask:
    """A question for a price: its kind, such as a ticker, and the request for one pair, sent once."""

    kind: Hashable
    fetch: Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A price that was asked for, with the time at which it came."""

    since: float
    reading: Beside[tuple[Any, float]]


@dataclass(eq=False, kw_only=True)
class ExitPrices:
    """Prices that decide on the exits of one bot, and on changes of its positions.

    :param pairs: returns the pairs of the open trades, in the order in which freqtrade asks for their prices
    """

    pairs: Callable[[], Iterable[str]]
    clock: Callable[[], float] = time.monotonic
    _window: Window = field(default_factory=lambda: Window(PER_SECOND), init=False)
    _thread: int | None = field(default=None, init=False)
    """The thread of the loop: exits that a user forces come from another one."""
    _left: list[str] = field(default_factory=list, init=False)
    """Pairs for which freqtrade has not asked yet, since it began with the first trade."""
    _ask: Ask | None = field(default=None, init=False)
    """The last question of freqtrade, for any pair."""
    _asked: dict[tuple[Hashable, str], _Asked] = field(default_factory=dict, init=False)
    """Prices that were asked for, by kind and pair."""
    _took_seconds: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT), init=False)
    _paused_until: float = field(default=0.0, init=False)

    def begin_loop(self) -> None:
        """Begin a loop of freqtrade, in this thread."""
        self._thread = threading.get_ident()
        self._left.clear()
        self._asked.clear()

    def of(self, pair: str, ask: Ask) -> Any:
        """Return the price of a pair, as it was asked for ahead; None where freqtrade asks for it itself."""
        price = self._ahead(pair, ask) if self._is_needed() else None
        if price is None:
            # Counted on a quick venue, too: it may be slow a moment later.
            self._window.record_slot(monotonic_ms())
        return price

    def note_own(self, took_seconds: float) -> None:
        """Note how long freqtrade has waited for a price that it has asked for itself."""
        self._took_seconds.append(took_seconds)

    def ask_anew(self) -> None:
        """Ask for the next prices, beside an exit order: those that have come would be too old after it."""
        if not self._is_needed() or self._ask is None:
            return
        try:
            self._asked = {key: asked for key, asked in self._asked.items() if not asked.reading.ended(0.0)}
            self._ask_ahead(self._ask, AFTER_EXIT)
        except Exception:
            logger.exception("The next prices could not be asked for ahead; freqtrade asks for them")

    def _is_needed(self) -> bool:
        is_known = len(self._took_seconds) == _KEPT
        return threading.get_ident() == self._thread and is_known and self._usual_seconds() >= SLOW_SECONDS

    def _usual_seconds(self) -> float:
        return min(tuple(self._took_seconds))

    def _late_seconds(self) -> float:
        return max(_LEAST_WAIT_SECONDS, _LATE * self._usual_seconds())

    def _ahead(self, pair: str, ask: Ask) -> Any:
        try:
            if pair not in self._left:
                self._left = list(self.pairs())
            if pair in self._left:
                self._ask = ask
                del self._left[: self._left.index(pair)]
                self._ask_ahead(ask, PER_SECOND)
                del self._left[0]
            asked = self._asked.get((ask.kind, pair))
            price = None if asked is None else self._price(asked)
        except Exception:
            logger.exception("The price of %s could not be asked for ahead; freqtrade asks for it", pair)
            price = None
        if price is None:
            self._asked.pop((ask.kind, pair), None)
        return price

    def _ask_ahead(self, ask: Ask, most: int) -> None:
        for pair in self._left[:most]:
            asked = self._asked.get((ask.kind, pair))
            if asked is not None:
                if not self._is_too_old(asked):
                    continue
                del self._asked[ask.kind, pair]
            now_ms = monotonic_ms()
            if self.clock() >= self._paused_until and self._window.reserve(now_ms, now_ms) is not None:
                self._asked[ask.kind, pair] = _Asked(self.clock(), Beside(partial(self._read, ask, pair)))

    def _read(self, ask: Ask, pair: str) -> tuple[Any, float]:
        since = self.clock()
        price, now = ask.fetch(pair), self.clock()
        self._took_seconds.append(now - since)
        return price, now

    def _price(self, asked: _Asked) -> Any:
        """Return a price as soon as it is there; None if it is late or missing."""
        if not asked.reading.ended(asked.since + self._late_seconds() - self.clock()):
            self._pause()
            return None
        try:
            return asked.reading.result()[0]
        except Exception as error:  # noqa: BLE001 - freqtrade asks again, and reports what fails then
            if isinstance(error.__cause__, _TOO_MANY):
                self._pause()
            return None

    def _pause(self) -> None:
        self._paused_until = self.clock() + PAUSE_SECONDS

    def _is_too_old(self, asked: _Asked) -> bool:
        """Whether a price has come too long ago to be used, or was late."""
        if not asked.reading.ended(0.0):
            return False
        try:
            came_at = asked.reading.result()[1]
        except Exception:  # noqa: BLE001 - freqtrade asks again, and reports what fails then
            return False
        return self.clock() - came_at > PRICE_SECONDS or came_at - asked.since > self._late_seconds()
