"""Pages of a unified account's orders and fills, and one order alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from bitget_margin.emulator.api.parameters import Params
from bitget_margin.emulator.api.request import PrivateRequest
from bitget_margin.emulator.api.v2.rows import Row
from bitget_margin.emulator.api.v3.category import Category, read_any_category, read_category
from bitget_margin.emulator.api.v3.rows import fill_row, open_order_row, order_row
from bitget_margin.emulator.behaviour.knobs import EmptyLists, PartialStatus
from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.order import Fill, Order, Status

_CAP: Final = 100
_DAY_MS: Final = 86_400_000
_WIDEST_RANGE_MS: Final = 30 * _DAY_MS
_OLDEST_START_MS: Final = 90 * _DAY_MS


@dataclass(frozen=True, slots=True)
class Page:
    """Which rows are asked for: of a range of time, below the id of the page before."""

    start_ms: int
    end_ms: int | None
    below_id: int | None
    limit: int

    def wants(self, row_id: str, at_ms: int) -> bool:
        """Return whether a row of that time is in the range and not of a page before."""
        if at_ms < self.start_ms or (self.end_ms is not None and at_ms > self.end_ms):
            return False
        return self.below_id is None or int(row_id) < self.below_id


def unfilled_orders(call: PrivateRequest) -> Row:
    """List the live orders, newest first."""
    page = _read_page(call.params, min(_CAP, call.knobs.now.open_orders_cap))
    orders = _cut(page, (order for order in _orders(call, read_any_category(call.params)) if order.live))
    spelling = _spelling(call)
    fills = _fills_of(call, orders)
    rows = [open_order_row(order, spelling, fills[order.order_id]) for order in orders]
    return _answer(call, rows, orders[-1].order_id if orders else None)


def history_orders(call: PrivateRequest) -> Row:
    """List the ended orders, newest first."""
    page = _read_closed_page(call)
    orders = _cut(page, (order for order in _orders(call, read_category(call.params)) if _is_history(call, order)))
    spelling = _spelling(call)
    fills = _fills_of(call, orders)
    rows = [order_row(order, spelling, fills[order.order_id]) for order in orders]
    return _answer(call, rows, orders[-1].order_id if orders else None)


def order_info(call: PrivateRequest) -> Row:
    """Return one order, live or ended."""
    order_id, client_oid = call.params.optional_text("orderId"), call.params.optional_text("clientOid")
    if order_id is None and client_oid is None:
        raise VenueError(Refusal.EMPTY_PARAMETER, "orderId")
    order = call.engine.orders.find(call.account.uid, None, order_id, client_oid)
    if order is None or not (order.live or _is_history(call, order)):
        raise VenueError(Refusal.NO_SUCH_ORDER)
    return order_row(order, _spelling(call), _fills_of(call, [order])[order.order_id])


def fills(call: PrivateRequest) -> Row:
    """List the trades, newest first."""
    page = _read_closed_page(call)
    order_id, category = call.params.optional_text("orderId"), read_any_category(call.params)
    found = [
        fill
        for symbol in _symbols(call, category)
        for fill in call.engine.orders.fills_of(call.account.uid, symbol)
        if page.wants(fill.trade_id, fill.at_ms) and order_id in (None, fill.order.order_id)
    ]
    found.sort(key=lambda fill: fill.trade_id, reverse=True)
    shown = found[: page.limit]
    return _answer(call, [fill_row(fill) for fill in shown], shown[-1].trade_id if shown else None)


def _read_page(params: Params, cap: int) -> Page:
    start_ms, end_ms = params.integer_or("startTime", 0), params.optional_integer("endTime")
    if end_ms is not None and start_ms > end_ms:
        raise VenueError(Refusal.RANGE_REVERSED)
    limit = params.integer_or("limit", _CAP)
    # Too large a limit is refused where that was tried out, at the candles.
    if not 0 < limit <= _CAP:
        raise VenueError(Refusal.BAD_PARAMETER, "limit")
    return Page(start_ms, end_ms, params.optional_integer("cursor"), min(limit, cap))


def _read_closed_page(call: PrivateRequest) -> Page:
    """Read a page of what has ended: a request covers 30 of the last 90 days, the last 30 unless it says otherwise."""
    page = _read_page(call.params, _CAP)
    start_ms, end_ms = call.params.optional_integer("startTime"), page.end_ms
    if start_ms is None:
        end_ms = call.now_ms if end_ms is None else end_ms
        start_ms = max(end_ms - _WIDEST_RANGE_MS, 0)
    elif end_ms is None:
        end_ms = start_ms + _WIDEST_RANGE_MS
    if end_ms - start_ms > _WIDEST_RANGE_MS:
        raise VenueError(Refusal.OVER_30_DAYS)
    if start_ms < call.now_ms - _OLDEST_START_MS:
        raise VenueError(Refusal.TOO_OLD)
    return Page(start_ms, end_ms, page.below_id, page.limit)


def _cut(page: Page, orders: Iterable[Order]) -> list[Order]:
    wanted = (order for order in orders if page.wants(order.order_id, order.created_ms))
    return list(islice(wanted, page.limit))


def _answer(call: PrivateRequest, rows: list[Row], last_id: str | None) -> Row:
    # A captured page of one row has a cursor too: that there is nothing more is only known from an empty page.
    null = not rows and call.knobs.now.empty_lists is EmptyLists.NULL
    return {"list": None if null else rows, "cursor": last_id}


def _orders(call: PrivateRequest, category: Category) -> list[Order]:
    orders = [
        order
        for symbol in _symbols(call, category)
        for order in call.engine.orders.of_account(call.account.uid, symbol)
    ]
    return sorted(orders, key=lambda order: order.order_id, reverse=True)


def _symbols(call: PrivateRequest, category: Category) -> list[str]:
    """Return the symbols to look through: the one asked for or all, and none where there are no orders."""
    asked = call.params.optional_text("symbol")
    symbols = list(call.engine.market.symbols) if asked is None else [call.symbol_named(asked).symbol]
    return symbols if category is Category.MARGIN else []


def _is_history(call: PrivateRequest, order: Order) -> bool:
    return not order.live and order.updated_ms <= call.now_ms - call.knobs.now.history_lag_ms


def _fills_of(call: PrivateRequest, orders: Sequence[Order]) -> dict[str, list[Fill]]:
    """Return the trades of each of some orders."""
    found: dict[str, list[Fill]] = {order.order_id: [] for order in orders}
    for symbol in {order.symbol for order in orders if order.filled}:
        for fill in call.engine.orders.fills_of(call.account.uid, symbol):
            if fill.order.order_id in found:
                found[fill.order.order_id].append(fill)
    return found


def _spelling(call: PrivateRequest) -> str:
    spelling = call.knobs.now.partial_status
    return Status.PARTIALLY_FILLED if spelling is PartialStatus.DOCUMENTED else spelling
