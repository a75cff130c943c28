"""Orders that were given up, and are still watched.

An order is given up where lookups and the balance show that it was never placed. It is looked up on, in growing
intervals, and taken in if it shows after all.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import ccxt

from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.budget import Budget
from bitget_margin.freqtrade.client import VenueClient, epoch_ms
from bitget_margin.freqtrade.order_store import OrderStore
from bitget_margin.freqtrade.resting_orders import RestingOrders
from bitget_margin.freqtrade.tracked_order import Origin, Phase, TrackedOrder

FIRST_SECONDS: Final = 5.0
"""Pause between the first two lookups; each pause is twice the one before."""
LAST_SECONDS: Final = 300.0
"""Longest pause between two lookups."""
FORGET_AFTER_MS: Final = {Origin.FREQTRADE: 3_600_000, Origin.LADDER: 24 * 3_600_000}
"""Age from which a lost order is not looked up; the venue refuses requests older than half a minute."""


@dataclass(eq=False, kw_only=True)
class LostOrders:
    """Watch on the orders that were given up.

    :param adopt: hands an order of freqtrade's own to freqtrade
    """

    resting: RestingOrders
    store: OrderStore
    client: VenueClient
    alerts: Alerts
    lock: threading.RLock
    adopt: Callable[[TrackedOrder], object]
    clock: Callable[[], float] = time.monotonic
    epoch_ms: Callable[[], int] = epoch_ms
    _next: dict[str, tuple[float, float]] = field(default_factory=dict, init=False)
    """Time of the next lookup, and the pause after it, by client order id; in seconds."""

    def look_up(self, budget: Budget) -> None:
        """Look up the lost orders that are due, pair by pair, and take in those that show."""
        with self.lock:
            for pair, orders in self._due().items():
                if not budget.left_ms():
                    continue
                try:
                    self.take_in_shown(pair, orders, budget)
                except ccxt.BaseError as error:
                    about = f"The orders on {pair} that were given up"
                    self.alerts.warn(f"{about} could not be looked up: {error}", about)

    def take_in_shown(self, pair: str, orders: Sequence[TrackedOrder], budget: Budget) -> list[TrackedOrder]:
        """Look up orders that are taken as not placed, take in those that show, and return the others.

        :raises ccxt.BaseError: no answer in time, or a refusal
        """
        viewed = self.client.view(pair, [replace(order, phase=Phase.INTENDED) for order in orders], budget)
        missing = []
        for order, found in zip(orders, viewed.orders, strict=True):
            if found is None:
                missing.append(order)
                continue
            if order.client_id in viewed.missing:
                # Its fills are known without a row: they count, and show no end.
                more = replace(order, filled=found.filled, average=found.average)
                self._record(order, more)
                missing.append(more)
                continue
            self._next.pop(order.client_id, None)
            if order.origin is Origin.FREQTRADE:
                # Live until freqtrade has it: an ended order that could not be handed over would be looked up no more.
                self.store.update([(order, replace(found, phase=Phase.LIVE))])
                self.adopt(found)
            else:
                self.alerts.warn(
                    f"Resting {found.side} {found.order_id} on {found.pair} (trade {found.trade_id}) was given up, and "
                    "is there: it is taken in again."
                )
                self._record(order, found)
        return missing

    def _record(self, before: TrackedOrder, after: TrackedOrder) -> None:
        trade = None if after.trade is None else trade_rows.open_trades().get(after.trade)
        self.resting.record(trade, [before], [after])

    def _due(self) -> dict[str, list[TrackedOrder]]:
        """Return the orders to look up now, by pair; forget those that are too old."""
        due: dict[str, list[TrackedOrder]] = {}
        now = self.clock()
        for order in self.store.in_phase(Phase.LOST):
            if self.epoch_ms() - order.intended_ms > FORGET_AFTER_MS[order.origin]:
                if order.origin is Origin.FREQTRADE:
                    self.store.forget(order)
                continue
            at, pause = self._next.get(order.client_id, (now, FIRST_SECONDS))
            if at <= now:
                self._next[order.client_id] = (now + pause, min(2 * pause, LAST_SECONDS))
                due.setdefault(order.pair, []).append(order)
        return due
