"""What the balance shows of a coin, beside what freqtrade's trades should have of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import ccxt

from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.compat import Trade

logger: Final = logging.getLogger("bitget_margin")

_RECENT_SECONDS: Final = 60.0
RECHECK_SECONDS: Final = 1.5
"""Between two look-ups, and between two balances, as proof that an order is not there."""
REL_TOLERANCE: Final = 0.002
"""How far wallet and books may be apart: fees that freqtrade estimates, dust of earlier trades."""


@dataclass(frozen=True, slots=True)
class Holding:
    """Balance of one coin."""

    total: float
    free: float
    frozen: float


@dataclass(frozen=True, slots=True)
class Holdings:
    """Balance readings, held against the books.

    :param fetch: returns ccxt's balance of the cross margin account, or raises
    :param base_of: returns the base coin of a pair
    :param freezes: returns whether the balance shows what margin orders hold: on classic accounts only
    """

    fetch: Callable[[], Mapping[str, Any]]
    base_of: Callable[[str], str]
    freezes: Callable[[], bool]
    clock: Callable[[], float] = time.monotonic
    _seen: dict[str, tuple[float, float]] = field(default_factory=dict)
    """The total of each coin as freqtrade itself read it last, and when, in seconds."""

    def read(self, coin: str) -> Holding | None:
        """Return the balance of a coin now; None where there is no answer, or one that does not show the account."""
        try:
            balance = self.fetch()
        except ccxt.BaseError as error:
            logger.warning("The balance of %s cannot be read: %s", coin, error)
            return None
        if not any((balance.get("total") or {}).values()):
            return None
        found = balance.get(coin) or {}
        return Holding(*(float(found.get(name) or 0.0) for name in ("total", "free", "used")))

    def remember(self, balances: Mapping[str, Any]) -> None:
        """Remember a balance that freqtrade has read, as it does before each exit."""
        now = self.clock()
        totals = {coin: found.get("total") for coin, found in balances.items() if isinstance(found, Mapping)}
        self._seen.update({coin: (float(total), now) for coin, total in totals.items() if total is not None})

    def last_total(self, coin: str) -> float | None:
        """Return the total of a coin that freqtrade read a moment ago; None where it did not."""
        total, at = self._seen.get(coin, (0.0, float("-inf")))
        return total if self.clock() - at <= _RECENT_SECONDS else None

    def booked(self, coin: str) -> float:
        """Return what the open trades should have of a coin."""
        trades = Trade.get_trades_proxy(is_open=True)
        return sum(trade_rows.remaining_amount(trade) for trade in trades if self.base_of(trade.pair) == coin)

    def has_others(self, coin: str, total: float) -> bool:
        """Whether so much of a coin is more than the open trades should have: it is not the bot's alone."""
        return total > self.booked(coin) * (1 + REL_TOLERANCE)

    def shows(self, coin: str, total: float, missing: float) -> bool:
        """Whether so much of a coin is what the open trades should have, but for less than what may be missing."""
        return total > self.booked(coin) - missing
