"""Lookups of resting orders that a later loop processes: a slow venue does not hold up the exits of this one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from bitget_margin.drivers.beside import Beside
from bitget_margin.freqtrade.client import VenueClient, ViewedOrders
from bitget_margin.freqtrade.order_store import OrderStore
from bitget_margin.freqtrade.tracked_order import TrackedOrder


@dataclass(frozen=True, slots=True)
class LateView:
    """Lookup of a pair that has ended.

    :ivar orders: the orders that have not changed since it began
    :ivar viewing: returns what it shows of them, or raises what the lookup raised
    """

    pair: str
    orders: list[TrackedOrder]
    viewing: Callable[[], ViewedOrders]


@dataclass(eq=False, slots=True)
class LateViews:
    """Lookups that have begun, one for each pair at most."""

    client: VenueClient
    store: OrderStore
    _running: dict[str, tuple[Sequence[TrackedOrder], Beside[ViewedOrders]]] = field(default_factory=dict, init=False)

    def __contains__(self, pair: str) -> bool:
        return pair in self._running

    def begin(self, pair: str, orders: Sequence[TrackedOrder]) -> None:
        """Begin the lookup of a pair."""
        key, budget = self.store.key(), self.client.pace.loop_budget()
        self._running[pair] = orders, Beside(partial(self.client.view, pair, orders, budget, key))

    def ended(self, current: Mapping[str, TrackedOrder]) -> Iterator[LateView]:
        """Yield the lookups that have ended, each once.

        :param current: the orders as they are now, by client order id; those that have changed are left out
        """
        for pair, (orders, view) in list(self._running.items()):
            if view.ended(0.0):
                del self._running[pair]
                kept = [current.get(order.client_id) == order for order in orders]
                same = [order for order, is_kept in zip(orders, kept, strict=True) if is_kept]
                yield LateView(pair, same, partial(_shown, view, kept))


def _shown(view: Beside[ViewedOrders], kept: Sequence[bool]) -> ViewedOrders:
    viewed = view.result()
    return replace(viewed, orders=tuple(order for order, is_kept in zip(viewed.orders, kept, strict=True) if is_kept))
