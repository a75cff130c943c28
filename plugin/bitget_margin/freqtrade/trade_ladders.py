"""The simulated resting orders of one trade of a backtest."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bitget_margin.freqtrade.candle_fills import CandlePrices
from bitget_margin.freqtrade.tracked_order import Phase, TrackedOrder


@dataclass(slots=True)
class TradeLadders:
    """The ladders of a trade, and what the candle that freqtrade is in has done to them."""

    orders: dict[str, list[TrackedOrder]] = field(default_factory=dict)
    """All orders by ladder, at their numbers."""
    ending: bool = False
    pending: tuple[CandlePrices, Sequence[Any]] | None = None
    """The candle whose exits freqtrade is about to confirm, and those that come after the first of them."""

    def is_ending(self) -> bool:
        """Whether an order of this candle closes the last coins."""
        return self.ending

    def live(self) -> list[TrackedOrder]:
        """Return the orders that rest."""
        return [order for ladder in self.orders.values() for order in ladder if order.phase is Phase.LIVE]

    def due(self, candle: CandlePrices) -> list[TrackedOrder]:
        """Return the orders that rest since a candle before this one."""
        at_ms = int(candle.at.timestamp() * 1_000)
        return [order for order in self.live() if order.intended_ms < at_ms]

    def has(self, order: TrackedOrder) -> bool:
        """Whether an order is as it was."""
        return self.orders[order.ladder][order.number] is order

    def update(self, order: TrackedOrder) -> None:
        """Replace an order by its new state."""
        self.orders[order.ladder][order.number] = order

    def cancel(self) -> Sequence[TrackedOrder]:
        """End all orders that still rest; return them."""
        canceled = self.live()
        for order in canceled:
            self.update(replace(order, phase=Phase.ENDED))
        return canceled
