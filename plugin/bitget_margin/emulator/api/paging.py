"""Pages of orders and fills: selection of rows by time and id."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar

from bitget_margin.emulator.api.request import PrivateRequest
from bitget_margin.emulator.market.balance_changes import BalanceChange
from bitget_margin.emulator.market.decimals import ZERO
from bitget_margin.emulator.market.loan_records import LiquidationRecord
from bitget_margin.emulator.market.orders import Fill, Order

T = TypeVar("T", Order, Fill, BalanceChange, LiquidationRecord)


@dataclass(frozen=True, slots=True)
class PageRange:
    """Range of the rows of a page: both times belong to it, and ids are below `below_id`.

    :param limit: most rows of the page
    """

    start_ms: int
    end_ms: int | None
    below_id: int | None
    limit: int

    def orders(self, orders: Iterable[Order]) -> list[Order]:
        """Return the orders of the page, by their time of creation, in the given order."""
        return self._cut(orders, lambda order: (order.order_id, order.created_ms))

    def fills(self, fills: Iterable[Fill]) -> list[Fill]:
        """Return the fills of the page in the given order."""
        return self._cut(fills, lambda fill: (fill.trade_id, fill.at_ms))

    def changes(self, changes: Iterable[BalanceChange]) -> list[BalanceChange]:
        """Return the changes of balances of the page in the given order."""
        return self._cut(changes, lambda change: (change.change_id, change.at_ms))

    def liquidations(self, liquidations: Iterable[LiquidationRecord]) -> list[LiquidationRecord]:
        """Return the liquidations of the page in the given order."""
        return self._cut(liquidations, lambda one: (one.liquidation_id, one.at_ms))

    def _cut(self, rows: Iterable[T], key: Callable[[T], tuple[str, int]]) -> list[T]:
        return list(islice((row for row in rows if self._contains(*key(row))), self.limit))

    def _contains(self, row_id: str, at_ms: int) -> bool:
        if at_ms < self.start_ms or (self.end_ms is not None and at_ms > self.end_ms):
            return False
        return self.below_id is None or int(row_id) < self.below_id


def listed_as_open(request: PrivateRequest, orders: Iterable[Order]) -> Iterator[Order]:
    """Yield the orders that open-orders lists: those that live, and those whose end it does not show yet.

    New ones are left out as long as they are late.
    """
    since_ms = request.now_ms - request.knobs.open_orders_lag_ms
    until_ms = request.now_ms - request.knobs.open_orders_late_ms
    for order in orders:
        if order.created_ms > until_ms:
            continue
        if order.live:
            yield order
        elif order.updated_ms > since_ms:
            yield request.engine.orders.before_end(order)


def with_sums(request: PrivateRequest, order: Order) -> Order:
    """Return an order as its row shows it: without its fills while the sums of an ended order lag."""
    if order.live or order.updated_ms <= request.now_ms - request.knobs.sums_lag_ms:
        return order
    return replace(order, filled=ZERO, quote_filled=ZERO)


def shown_fills(request: PrivateRequest, fills: Iterable[Fill]) -> Iterator[Fill]:
    """Yield the trades that fills lists already."""
    return (fill for fill in fills if fill.at_ms <= request.now_ms - request.knobs.fills_lag_ms)


def in_history(request: PrivateRequest, order: Order) -> bool:
    """Return whether an order has ended, and is already listed as such."""
    return not order.live and order.updated_ms <= request.now_ms - request.knobs.history_lag_ms
