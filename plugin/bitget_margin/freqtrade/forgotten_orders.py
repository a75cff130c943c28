"""Resting orders that the operator has forgotten: they count as gone, and are canceled if they show alive after all.

No proof has ended them, so they stay stored and are looked up now and then. What they turn out to have filled is booked
into their trade while it is open, since its exits must not sell these coins again; later, the user is warned.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import ccxt

from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.budget import Budget
from bitget_margin.freqtrade.client import VenueClient, epoch_ms
from bitget_margin.freqtrade.compat import Trade
from bitget_margin.freqtrade.lost_orders import FIRST_SECONDS, LAST_SECONDS
from bitget_margin.freqtrade.order_store import OrderStore
from bitget_margin.freqtrade.resting_orders import RestingOrders
from bitget_margin.freqtrade.tracked_order import Phase, TrackedOrder, apply_row
from bitget_margin.freqtrade.trade_rows import key_of

WATCHED_MS: Final = 30 * 24 * 3_600_000
"""Time for which a forgotten order is looked up; later, only the looks at its pair show it."""


@dataclass(eq=False, kw_only=True)
class ForgottenOrders:
    """Watch on the orders that the operator has forgotten."""

    resting: RestingOrders
    store: OrderStore
    client: VenueClient
    alerts: Alerts
    lock: threading.RLock
    clock: Callable[[], float] = time.monotonic
    epoch_ms: Callable[[], int] = epoch_ms
    _alive: dict[str, TrackedOrder] = field(default_factory=dict, init=False)
    """Orders that the venue has shown as open and whose end is not proven yet, by client order id."""
    _next: dict[str, tuple[float, float]] = field(default_factory=dict, init=False)
    """Time of the next lookup, and the pause after it, by client order id; in seconds."""

    def note_alive(self, order: TrackedOrder, row: Mapping[str, Any]) -> None:
        """Note that the venue shows a forgotten order as open: the next loop cancels it.

        :param row: ccxt's order structure
        """
        self._note(apply_row(_looked_up(order), row))

    def alive_of(self, trade: Trade) -> list[TrackedOrder]:
        """Return the orders of a trade that the venue has shown as open: they hold coins until their end is proven."""
        return [order for order in self._alive.values() if order.trade == key_of(trade)]

    def process_loop(self, budget: Budget) -> None:
        """Look up the forgotten orders that are due, and cancel those that are alive."""
        with self.lock:
            for pair, orders in self._due().items():
                if budget.left_ms():
                    self._look_up(pair, orders, budget)
            for pair, orders in _by_pair(self._alive.values()).items():
                if budget.left_ms():
                    self._cancel(pair, orders, budget)

    def _due(self) -> dict[str, list[TrackedOrder]]:
        """Return the orders to look up now, by pair."""
        now, oldest_ms = self.clock(), self.epoch_ms() - WATCHED_MS
        return _by_pair(
            order
            for order in self.store.in_phase(Phase.FORGOTTEN)
            if (order.forgotten_ms or 0) >= oldest_ms
            and order.client_id not in self._alive
            and self._next.get(order.client_id, (now, 0.0))[0] <= now
        )

    def _look_up(self, pair: str, orders: Sequence[TrackedOrder], budget: Budget) -> None:
        for order in orders:
            if order.client_id not in self._next:
                self.resting.changed(order.trade)  # for a reader, it was open before the start
            _, pause = self._next.get(order.client_id, (0.0, FIRST_SECONDS))
            self._next[order.client_id] = self.clock() + pause, min(2 * pause, LAST_SECONDS)
        about = f"The forgotten orders on {pair}"
        try:
            viewed = self.client.view(pair, [_looked_up(order) for order in orders], budget, self.store.key())
        except ccxt.BaseError as error:
            self.alerts.warn(f"{about} could not be looked up: {error}", about)
            return
        self.alerts.clear(about)
        for order, found in zip(orders, viewed.orders, strict=True):
            # Fills that are known without a row show no end, unless they are all.
            if found is not None and found.phase is Phase.LIVE:
                self._note(found)
            elif found is not None:
                self._record(order, found)
        if viewed.own:
            self.resting.take_in(pair, viewed.own)

    def _note(self, order: TrackedOrder | None) -> None:
        if order is not None and order.phase is Phase.LIVE:
            self._alive[order.client_id] = order

    def _cancel(self, pair: str, orders: Sequence[TrackedOrder], budget: Budget) -> None:
        """Cancel orders that are alive; what is not proven is canceled again by the next loop."""
        done = self.client.cancel(pair, orders, budget)
        for now in done.orders:
            name = f"{_named(now)}, which the operator has forgotten, was alive"
            about = f"forgotten {now.client_id}"
            known = self.store.by_client_id(now.client_id)
            if now.phase is Phase.ENDED or now.client_id in done.missing or known is None:
                del self._alive[now.client_id]
            if now.phase is Phase.ENDED:
                self.alerts.clear(about)
                self.alerts.warn(f"{name}: it is canceled." if now.remaining else f"{name}, and has filled.")
            elif now.client_id in self._alive:
                reason = done.unresolved[now.client_id]
                self.alerts.warn(f"{name}, and is not proven canceled ({reason}): every loop cancels it again.", about)
            if known is not None:
                self._record(known, now)

    def _record(self, order: TrackedOrder, found: TrackedOrder) -> None:
        """Store what the venue shows of an order, its fills and its end; warn of the fills.

        :param order: as it is stored
        """
        if found.phase is Phase.ENDED:
            after = replace(found, reason=order.reason)
        else:
            after = replace(order, order_id=found.order_id, filled=found.filled, average=found.average)
        trade = None if order.trade is None else trade_rows.open_trades().get(order.trade)
        if trade is None:
            # Settled: no trade gets these fills, and none is opened again for them.
            self.store.update([(order, replace(after, settled=True))])
        else:
            self.resting.record(trade, [order], [after])
        more = after.filled - order.filled
        if more > 0:
            done = f"{_named(after)}, which the operator has forgotten, has filled {more:.8g} {after.side}"
            booked = "freqtrade does not count it" if trade is None else f"it is booked into trade {trade.id}"
            self.alerts.warn(f"{done}: {booked}. Look at the account.")


def _looked_up(order: TrackedOrder) -> TrackedOrder:
    """Return an order as one whose end is not known, so that a row of the venue changes it."""
    return replace(order, phase=Phase.INTENDED)


def _named(order: TrackedOrder) -> str:
    return f"Resting {order.side} {order.order_id or order.client_id} on {order.pair} (trade {order.trade_id})"


def _by_pair(orders: Iterable[TrackedOrder]) -> dict[str, list[TrackedOrder]]:
    pairs: dict[str, list[TrackedOrder]] = {}
    for order in orders:
        pairs.setdefault(order.pair, []).append(order)
    return pairs
