"""Query of the order that a triggered strategy order has placed, with its fills."""

from dataclasses import dataclass
from typing import Final

from bitget_margin.core.effects import Fault, Flow
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.order_row import OrderRow
from bitget_margin.core.place_state import CLOCKS_APART_MS
from bitget_margin.core.queries import Pager, find_order, query_open_orders
from bitget_margin.core.requests import CallContext
from bitget_margin.core.responses import Listing, decimal
from bitget_margin.core.strategy_queries import query_sub_orders
from bitget_margin.core.strategy_row import StrategyRow, SubOrder

_PLACED_WITHIN_MS: Final = 10_000.0
"""Longest time between a trigger and the order that it places."""
_PAGES_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """Order that a strategy order has placed, by its own row or by that of the list of sub-orders."""

    row: OrderRow | None
    sub_order: SubOrder | None = None


def query_placed(ctx: CallContext, strategy: StrategyRow, side: str | None = None) -> Flow[PlacedOrder | Fault | None]:
    """Return the order that a triggered strategy order has placed; None where none is certain.

    The list of sub-orders names it. Where that is empty, it is the one order of this symbol, side and amount that was
    placed as the strategy order triggered, under no client order id that somebody has chosen.

    :param side: its side, where the row of the strategy order does not show it
    """
    sub_orders = yield from query_sub_orders(ctx, strategy.order_id)
    if isinstance(sub_orders, Fault):
        return sub_orders
    if sub_orders:
        sub_order = sub_orders[0]
        target = OrderRef(strategy.symbol, IdKind.ORDER, sub_order.order_id)
        row = yield from find_order(ctx, target)
        return PlacedOrder(None if isinstance(row, Fault) else row, sub_order)
    found = yield from _search(ctx, strategy, side or strategy.side)
    return found if found is None or isinstance(found, Fault) else PlacedOrder(found)


def _search(ctx: CallContext, strategy: StrategyRow, side: str | None) -> Flow[OrderRow | Fault | None]:
    triggered_ms = strategy.updated_ms
    if triggered_ms is None or side is None:
        return None
    rows = yield from query_open_orders(ctx, strategy.symbol)
    if isinstance(rows, Fault):
        return rows
    first_ms, last_ms = triggered_ms - CLOCKS_APART_MS, triggered_ms + _PLACED_WITHIN_MS
    pager = Pager(ctx, Listing.HISTORY, strategy.symbol, int(first_ms), pages_max=_PAGES_MAX)
    while (page := (yield from pager.next_page())) is not None:
        if isinstance(page, Fault):
            return page
        if any((row.created_ms or 0) < first_ms for row in page.rows):
            break
    candidates = {
        row.order_id: row
        for row in (*rows, *pager.rows.values())
        if first_ms <= (row.created_ms or 0) <= last_ms and _fits(row, strategy, side)
    }
    return next(iter(candidates.values())) if len(candidates) == 1 else None


def _fits(row: OrderRow, strategy: StrategyRow, side: str) -> bool:
    amount = decimal(row.raw.get(row.fields.ordered))
    is_chosen = row.client_id is not None and not row.client_id.isdecimal()
    same_side = str(row.raw.get("side")).lower() == side
    return row.symbol == strategy.symbol and same_side and not is_chosen and amount == strategy.amount
