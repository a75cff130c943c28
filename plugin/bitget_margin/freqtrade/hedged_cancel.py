"""A batch cancel beside lookups of its orders, for a venue that answers late.

A row that shows the end of an order needs no response to its cancel, and a cancel changes nothing if it is executed
twice. So where the response takes long, the orders are looked up meanwhile, and those that are shown as live are
canceled again. An exit waits for one more lookup where the cancel may have been executed and its time is over: what it
does not sell now follows after freqtrade's booking of its order, a loop later.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import ccxt

from bitget_margin.core.outcome import Outcome
from bitget_margin.drivers.beside import Beside
from bitget_margin.freqtrade.budget import Budget
from bitget_margin.freqtrade.client import CancelBatchResult, VenueClient, ViewedOrders
from bitget_margin.freqtrade.tracked_order import TrackedOrder

FIRST_LOOKUP_SECONDS: Final = 0.3
"""Time without a response to a cancel after which its orders are looked up."""
_NEXT_LOOKUP_SECONDS: Final = 0.8
"""Time between two lookups: history may show the end of an order later."""
_LOOKUPS_MAX: Final = 4
"""Number of lookups after one cancel: there are as many threads."""
_SENDS_MAX: Final = 3
_POLL_SECONDS: Final = 0.02


@dataclass(eq=False, slots=True)
class HedgedCancel:
    """One cancel of orders of a pair.

    :param looks_last: whether there is time for one more lookup after the budget
    """

    client: VenueClient
    pair: str
    orders: Sequence[TrackedOrder]
    budget: Budget
    looks_last: bool = False
    clock: Callable[[], float] = time.monotonic
    _ended: dict[str, TrackedOrder] = field(default_factory=dict, init=False)
    """Orders that lookups have shown as ended, by client order id."""
    _views: list[Beside[ViewedOrders]] = field(default_factory=list, init=False)
    """Lookups that are under way."""

    def run(self) -> CancelBatchResult:
        """Cancel the orders; return what the response, or lookups before it, prove about them."""
        left = list(self.orders)
        for _ in range(_SENDS_MAX):
            sent = Beside(partial(self.client.cancel, self.pair, tuple(left), self.budget))
            shows_live = not sent.ended(FIRST_LOOKUP_SECONDS) and self._look_beside(sent, left)
            left = [order for order in left if order.client_id not in self._ended]
            if not left:
                return CancelBatchResult(tuple(self._ended[order.client_id] for order in self.orders), None, {})
            if not shows_live or not self.budget.left_ms():
                break
        done = sent.result()
        if self.looks_last and not shows_live and _may_be_executed(done):
            self._look_last([order for order in left if order.client_id in done.unresolved])
        return _with_ended(done, self.orders, self._ended)

    def _look_beside(self, sent: Beside[CancelBatchResult], left: Sequence[TrackedOrder]) -> bool:
        """Look orders up until the cancel has ended or all are shown as ended; return whether one is shown as live."""
        self._views.clear()
        begun, next_at = 0, self.clock()
        while not sent.ended(_POLL_SECONDS):
            if begun < _LOOKUPS_MAX and self.clock() >= next_at and self.budget.left_ms():
                self._begin_lookup(left)
                begun, next_at = begun + 1, self.clock() + _NEXT_LOOKUP_SECONDS
            if self._read_ended():
                return True
            if self._are_ended(left):
                return False
        return False

    def _look_last(self, left: Sequence[TrackedOrder]) -> None:
        """Wait for one more lookup and those that are under way, until all orders are shown as ended."""
        ends_at = self.clock() + self._last_look_ms() / 1_000
        self._begin_lookup(left)
        while self._views and not self._are_ended(left) and self.clock() < ends_at:
            self._views[0].ended(_POLL_SECONDS)
            self._read_ended()

    def _begin_lookup(self, left: Sequence[TrackedOrder]) -> None:
        budget = Budget(self.budget.left_ms() + self._last_look_ms())
        self._views.append(Beside(partial(self.client.view, self.pair, left, budget)))

    def _last_look_ms(self) -> float:
        """Return the time of the last look, by what the venue needs now: it may have slowed down since the cancel."""
        return self.client.pace.last_look_ms() if self.looks_last else 0.0

    def _are_ended(self, orders: Sequence[TrackedOrder]) -> bool:
        return all(order.client_id in self._ended for order in orders)

    def _read_ended(self) -> bool:
        """Read the lookups that have ended; return whether one shows an order as live."""
        ended = [view for view in self._views if view.ended(0.0)]
        self._views = [view for view in self._views if view not in ended]
        shows_live = [self._shows_live(view) for view in ended]
        return any(shows_live)

    def _shows_live(self, view: Beside[ViewedOrders]) -> bool:
        """Keep the orders that a lookup shows as ended; return whether it shows one as live."""
        try:
            viewed = view.result()
        except ccxt.BaseError:
            return False  # the cancel looks them up, too
        # Of an order that no list shows, its fills alone are known: history may show its end later.
        orders = [order for order in viewed.orders if order is not None and order.client_id not in viewed.missing]
        self._ended |= {order.client_id: order for order in orders if not order.phase.open}
        return any(order.phase.open and order.client_id not in self._ended for order in orders)


def _may_be_executed(done: CancelBatchResult) -> bool:
    """Whether orders may have ended by this cancel that no row has shown as ended."""
    return done.report is not None and bool(done.report.of(Outcome.UNKNOWN))


def _with_ended(
    done: CancelBatchResult, orders: Sequence[TrackedOrder], ended: Mapping[str, TrackedOrder]
) -> CancelBatchResult:
    """Return the result of a cancel of some orders together with those that lookups have shown as ended."""
    if not ended:
        return done
    by_name = {**{order.client_id: order for order in done.orders}, **ended}
    return replace(
        done,
        orders=tuple(by_name[order.client_id] for order in orders),
        report=None,
        unresolved={name: reason for name, reason in done.unresolved.items() if name not in ended},
        missing=done.missing - ended.keys(),
    )
