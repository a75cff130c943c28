"""All orders and fills of the venue, and the ways to find them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from bitget_margin.emulator.order import Fill, Order


class Orders:
    """Orders by id, account, symbol and client id; ids grow with time."""

    def __init__(self) -> None:
        self._by_id: dict[str, Order] = {}
        self._live: dict[str, dict[str, None]] = defaultdict(dict)
        self._of_account: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._of_client_id: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._fills: dict[tuple[str, str], list[Fill]] = defaultdict(list)
        self._observers: list[Callable[[Order], object]] = []

    def observe(self, observer: Callable[[Order], object]) -> None:
        """Have something called with each new and each changed order."""
        self._observers.append(observer)

    def add(self, order: Order) -> None:
        """Take in a new order."""
        self._of_account[order.uid, order.symbol].append(order.order_id)
        self._of_client_id[order.uid, order.client_oid].append(order.order_id)
        self.update(order)

    def update(self, order: Order) -> None:
        """Put a changed order in the place of the old one."""
        self._by_id[order.order_id] = order
        if order.live:
            self._live[order.symbol][order.order_id] = None
        else:
            self._live[order.symbol].pop(order.order_id, None)
        for observer in self._observers:
            observer(order)

    def add_fill(self, fill: Fill) -> None:
        """Take in a trade."""
        self._fills[fill.order.uid, fill.order.symbol].append(fill)

    def get(self, order_id: str) -> Order | None:
        """Return the order with this id."""
        return self._by_id.get(order_id)

    def everything(self) -> Iterable[Order]:
        """Return all orders, oldest first."""
        return self._by_id.values()

    def live_of(self, symbol: str) -> list[Order]:
        """Return the live orders of a symbol, oldest first."""
        return [self._by_id[order_id] for order_id in self._live[symbol]]

    def of_account(self, uid: str, symbol: str) -> list[Order]:
        """Return the orders of an account and symbol, newest first."""
        return [self._by_id[order_id] for order_id in reversed(self._of_account[uid, symbol])]

    def fills_of(self, uid: str, symbol: str) -> list[Fill]:
        """Return the trades of an account and symbol, newest first."""
        return self._fills[uid, symbol][::-1]

    def fills_of_order(self, order: Order) -> list[Fill]:
        """Return the trades of one order, oldest first."""
        return [fill for fill in self._fills[order.uid, order.symbol] if fill.order.order_id == order.order_id]

    def live_with_client_id(self, uid: str, client_oid: str) -> Order | None:
        """Return the newest live order of an account with this client id."""
        return next((order for order in self._with_client_id(uid, client_oid) if order.live), None)

    def find(self, uid: str, symbol: str | None, order_id: str | None, client_oid: str | None) -> Order | None:
        """Return an account's order by order id or else by client id, a live one first.

        :param symbol: orders of other ones do not count; None for any
        """
        if order_id is not None:
            order = self._by_id.get(order_id)
            return order if order and order.uid == uid and symbol in (None, order.symbol) else None
        found = [order for order in self._with_client_id(uid, client_oid or "") if symbol in (None, order.symbol)]
        return next((order for order in found if order.live), found[0] if found else None)

    def _with_client_id(self, uid: str, client_oid: str) -> list[Order]:
        return [self._by_id[order_id] for order_id in reversed(self._of_client_id.get((uid, client_oid), ()))]
