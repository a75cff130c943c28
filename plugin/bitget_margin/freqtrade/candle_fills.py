"""Fills of resting limit orders by candles, as far as a candle can prove them.

A candle shows how far the price went, not in which order. An order is filled in two cases: the price had to pass it on
its way from the open to an exit of the same candle, or nothing else happens in the candle.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from bitget_margin.freqtrade.ladder_spec import SELL
from bitget_margin.freqtrade.tracked_order import TrackedOrder

_STEP_TOLERANCE: Final = 1e-6
"""Share of a price step that a difference of floats may be off."""


class FillRule(Enum):
    """Distance that the price has to go until an order is filled; the values are those of the configuration."""

    THROUGH = "through"
    """One step of the price beyond the order: whoever was first in the book at its price is served then."""
    TOUCH = "touch"
    """To the price of the order."""


@dataclass(frozen=True, slots=True)
class CandlePrices:
    """The beginning of a candle, its first price, and its extremes."""

    at: datetime
    open: float
    high: float
    low: float

    def extreme(self, side: str) -> float:
        """Return the price of the candle that is best for orders of a side."""
        return self.high if side == SELL else self.low


def reached(orders: Collection[TrackedOrder], price: float, beyond: float) -> Sequence[TrackedOrder]:
    """Return the orders that are filled where the price goes that far, in the order in which it passes them.

    :param beyond: how far beyond an order the price has to go, in quote coins
    """
    least = beyond * (1 - _STEP_TOLERANCE)
    sells = [order for order in orders if order.side == SELL and price - order.price >= least]
    buys = [order for order in orders if order.side != SELL and order.price - price >= least]
    sells.sort(key=lambda order: order.price)
    buys.sort(key=lambda order: -order.price)
    return [*buys, *sells]
