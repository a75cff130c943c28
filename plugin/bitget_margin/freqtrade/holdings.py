"""What the balance shows of a coin, beside what freqtrade's trades should have of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import ccxt

from bitget_margin.freqtrade import bookkeeping
from bitget_margin.freqtrade.base import Trade

logger: Final = logging.getLogger("bitget_margin")

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

    def booked(self, coin: str) -> float:
        """Return what the open trades should have of a coin."""
        trades = Trade.get_trades_proxy(is_open=True)
        return sum(bookkeeping.left(trade) for trade in trades if self.base_of(trade.pair) == coin)

    def has_others(self, coin: str, holding: Holding) -> bool:
        """Whether the wallet has more of a coin than the open trades should have: it is not the bot's alone."""
        return holding.total > self.booked(coin) * (1 + REL_TOLERANCE)

    def shows(self, coin: str, holding: Holding, missing: float) -> bool:
        """Whether the coins of the open trades are all there, with less missing than this."""
        return holding.total > self.booked(coin) - missing
