"""Resting orders of a dry run: no request is sent for them, and the order book of the venue fills them.

The state of an order is its record in the bot's own tables, so it is kept over a restart. As freqtrade's own orders of
a dry run, it is filled as a whole once the other side of the book has reached its price: what happens between two loops
is not seen.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import ccxt

from bitget_margin.core.outcome import CancelReport
from bitget_margin.freqtrade.budget import Budget
from bitget_margin.freqtrade.client import CancelBatchResult, VenueClient, ViewedOrders
from bitget_margin.freqtrade.ladder_spec import SELL
from bitget_margin.freqtrade.tracked_order import SIMULATED_PREFIX, Phase, TrackedOrder


@dataclass(frozen=True, slots=True)
class BestPrices:
    """The best prices of an order book; None where a side is empty."""

    bid: float | None
    ask: float | None

    def fills(self, order: TrackedOrder) -> bool:
        """Whether somebody takes an order at its price."""
        if order.side == SELL:
            return self.bid is not None and self.bid >= order.price
        return self.ask is not None and self.ask <= order.price


@dataclass(eq=False)
class DryRunClient(VenueClient):
    """Orders of a dry run.

    :param best_prices: returns the best prices of a pair, or raises
    """

    best_prices: Callable[[str], BestPrices]

    def view(self, pair: str, orders: Sequence[TrackedOrder], budget: Budget, key: str | None = None) -> ViewedOrders:
        """Return these orders, filled where the order book has reached them.

        :raises ccxt.BaseError: there is no order book to be had
        """
        resting = [order for order in orders if order.phase is Phase.LIVE]
        best = self.best_prices(pair) if resting else None
        now = tuple(_at(order, best) if order.order_id is not None else None for order in orders)
        # Without an id, the bot has ended before the order was there.
        return ViewedOrders(now, (), frozenset(order.client_id for order in orders if order.order_id is None))

    def view_rows(self, pair: str, orders: Sequence[TrackedOrder], budget: Budget) -> Mapping[str, Mapping[str, Any]]:
        """Return no rows: freqtrade's own orders are its own."""
        return {}

    def open_rows(
        self, pair: str, orders: Sequence[TrackedOrder], budget: Budget, key: str
    ) -> Sequence[Mapping[str, Any]]:
        """Return these orders as ccxt's structures."""
        viewed = self.view(pair, orders, budget).orders
        return [order.to_ccxt() for order in viewed if order is not None and order.phase.open]

    def open_rows_everywhere(self, budget: Budget, key: str) -> Sequence[Mapping[str, Any]]:
        """Refuse: each pair has an order book of its own.

        :raises ccxt.ArgumentsRequired: always
        """
        raise ccxt.ArgumentsRequired("a dry run looks at one pair after the other")

    def open_ids(self, pair: str, budget: Budget) -> list[str]:
        """Return no ids: orders of others are none of a dry run."""
        return []

    def cancel(
        self, pair: str, orders: Sequence[TrackedOrder], budget: Budget, others: Sequence[str] = ()
    ) -> CancelBatchResult:
        """Cancel these orders, but for those that the order book has filled before."""
        try:
            now: Sequence[TrackedOrder | None] = self.view(pair, orders, budget).orders
        except ccxt.BaseError:
            now = orders
        return CancelBatchResult(
            tuple(_ended(after or before) for before, after in zip(orders, now, strict=True)), None, {}
        )

    def cancel_one(self, order_id: str, pair: str, timeout_ms: float) -> CancelReport:
        """Refuse: freqtrade cancels its own orders of a dry run itself.

        :raises ccxt.NotSupported: always
        """
        raise ccxt.NotSupported(f"order {order_id} on {pair} is none of a dry run's ladders")

    def place(
        self, pair: str, orders: Sequence[TrackedOrder], budget: Budget, loan_type: str | None = None
    ) -> list[TrackedOrder]:
        """Let these orders rest."""
        return [
            replace(order, phase=Phase.LIVE, order_id=f"{SIMULATED_PREFIX}{order.client_id}", reason=None)
            for order in orders
        ]


def _at(order: TrackedOrder, best: BestPrices | None) -> TrackedOrder:
    """Return an order as it is at these prices."""
    if order.phase is not Phase.LIVE or best is None or not best.fills(order):
        return order
    return replace(order, phase=Phase.ENDED, filled=order.amount, average=order.price)


def _ended(order: TrackedOrder) -> TrackedOrder:
    return replace(order, phase=Phase.ENDED) if order.phase.open else order
