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

from bitget_margin.adapter.transport import monotonic_ms
from bitget_margin.drivers.beside import Beside
from bitget_margin.freqtrade.budget import QUICK_MS, Pace
from bitget_margin.freqtrade.compat import DDosProtection
from bitget_margin.rate_limit.window import Window

logger = logging.getLogger("bitget_margin")

PRICE_SECONDS: Final = 1.0
"""Age up to which a price decides on an exit."""
AHEAD: Final = 12
"""Number of trades whose prices are asked for side by side."""
PER_SECOND: Final = 15
"""Requests of this bot per second. The venue takes 20 of one address:
https://www.bitget.com/api-doc/spot/market/Get-Tickers and https://www.bitget.com/api-doc/spot/market/Get-Orderbook"""
PAUSE_SECONDS: Final = 60.0
"""Time without prices ahead after the venue has refused one: other programs ask from the same address."""
_LEAST_WAIT_SECONDS: Final = 1.0
_LATE: Final = 2.0
"""Multiple of the longest time of the last prices after which one is late: a single request may hang."""
_KEPT: Final = 8
"""Number of the last prices that count."""


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
    pace: Pace
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
        if not self._is_needed():
            return None
        try:
            if pair not in self._left:
                self._left = list(self.pairs())
            if pair in self._left:
                self._ask = ask
                del self._left[: self._left.index(pair)]
                self._ask_ahead(ask)
                del self._left[0]
            asked = self._asked.get((ask.kind, pair))
            price = None if asked is None else self._price(asked)
        except Exception:
            logger.exception("The price of %s could not be asked for ahead; freqtrade asks for it", pair)
            price = None
        if price is None:
            self._asked.pop((ask.kind, pair), None)
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
            self._ask_ahead(self._ask)
        except Exception:
            logger.exception("The next prices could not be asked for ahead; freqtrade asks for them")

    def _is_needed(self) -> bool:
        is_quick = self.pace.is_quick and self._longest_seconds() * 1_000 < QUICK_MS
        return threading.get_ident() == self._thread and not is_quick and self.clock() >= self._paused_until

    def _longest_seconds(self) -> float:
        return max(tuple(self._took_seconds), default=0.0)

    def _ask_ahead(self, ask: Ask) -> None:
        for pair in self._left[:AHEAD]:
            asked = self._asked.get((ask.kind, pair))
            if asked is not None and not self._is_too_old(asked):
                continue
            now_ms = monotonic_ms()
            if self._window.reserve(now_ms, now_ms) is None:
                return
            self._asked[ask.kind, pair] = _Asked(self.clock(), Beside(partial(self._read, ask, pair)))

    def _read(self, ask: Ask, pair: str) -> tuple[Any, float]:
        since = self.clock()
        price, now = ask.fetch(pair), self.clock()
        self._took_seconds.append(now - since)
        return price, now

    def _price(self, asked: _Asked) -> Any:
        """Return a price as soon as it is there; None if it is late or missing."""
        late_seconds = max(_LEAST_WAIT_SECONDS, _LATE * self._longest_seconds())
        if not asked.reading.ended(asked.since + late_seconds - self.clock()):
            return None
        try:
            return asked.reading.result()[0]
        except DDosProtection:
            self._paused_until = self.clock() + PAUSE_SECONDS
            return None
        except Exception:  # noqa: BLE001 - freqtrade asks again, and reports what fails then
            return None

    def _is_too_old(self, asked: _Asked) -> bool:
        """Whether a price has come too long ago to be used."""
        if not asked.reading.ended(0.0):
            return False
        try:
            came_at = asked.reading.result()[1]
        except Exception:  # noqa: BLE001 - freqtrade asks again, and reports what fails then
            return False
        return self.clock() - came_at > PRICE_SECONDS
