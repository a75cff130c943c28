"""Order and fill lists of a unified account, and the query of one order."""

from dataclasses import replace
from typing import Final

from bitget_margin.emulator.api.paging import PageRange, in_history, listed_as_open, shown_fills, with_sums
from bitget_margin.emulator.api.request import PrivateRequest, Row
from bitget_margin.emulator.api.v3.category import (
    Category,
    in_case,
    is_requested,
    read_category,
    read_optional_category,
)
from bitget_margin.emulator.api.v3.rows import change_row, change_type, fill_row, open_order_row, order_row
from bitget_margin.emulator.behaviour.knobs import EmptyLists, PartialStatus, RecordAmounts
from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.balance_changes import ChangeKind
from bitget_margin.emulator.market.orders import Fill, Order, Status

_CAP: Final = 100
_DAY_MS: Final = 86_400_000
_WIDEST_RANGE_MS: Final = 30 * _DAY_MS
_OLDEST_START_MS: Final = 90 * _DAY_MS


def unfilled_orders(request: PrivateRequest) -> Row:
    """List the live orders, newest first."""
    page = _read_page(request, min(_CAP, request.knobs.open_orders_cap))
    orders = page.orders(listed_as_open(request, _orders(request, read_optional_category(request.params))))
    return _page(request, [open_order_row(order, *_details(request, order)) for order in orders], "orderId")


def history_orders(request: PrivateRequest) -> Row:
    """List the ended orders, newest first."""
    page = _read_closed_page(request)
    found = _orders(request, read_category(request.params))
    orders = page.orders(order for order in found if in_history(request, order))
    rows = [order_row(with_sums(request, order), *_details(request, order)) for order in orders]
    return _page(request, rows, "orderId")


def order_info(request: PrivateRequest) -> Row:
    """Return one order, live or ended."""
    order_id, client_oid = request.params.optional_text("orderId"), request.params.optional_text("clientOid")
    if order_id is None and client_oid is None:
        raise VenueError(Refusal.EMPTY_PARAMETER, "orderId")
    order = request.engine.orders.find(request.account.uid, None, order_id, client_oid)
    if order is None or not (order.live or in_history(request, order)):
        raise VenueError(Refusal.NO_SUCH_ORDER)
    row = order_row(with_sums(request, order), *_details(request, order))
    return row | {"category": in_case(str(row["category"]), request.knobs.category_case)}


def fills(request: PrivateRequest) -> Row:
    """List the trades, newest first."""
    page = _read_closed_page(request)
    order_id, category = request.params.optional_text("orderId"), read_optional_category(request.params)
    every = list(request.engine.market.symbols)
    symbols = [symbol.symbol for symbol in request.symbols()] if request.knobs.fills_by_symbol else every
    found = [
        fill
        for fill in shown_fills(request, request.engine.orders.fills_of(request.account.uid, *symbols))
        if order_id in (None, fill.order.order_id) and is_requested(fill.order, category)
    ]
    rows = [fill_row(fill) for fill in page.fills(found)]
    return _page(request, rows, "execId")


def financial_records(request: PrivateRequest) -> Row:
    """List the changes of the balances by margin orders, newest first."""
    category, page = read_category(request.params), _read_closed_page(request)
    coin, kind = map(request.params.optional_text, ("coin", "type"))
    signed = request.knobs.record_amounts is RecordAmounts.SIGNED
    interest_in, shown_ms = Category(request.knobs.interest_category), request.now_ms - request.knobs.loans_lag_ms
    changes = [
        change
        for change in request.engine.changes.of(request.account.uid)
        if (
            category is interest_in and change.at_ms <= shown_ms
            if change.kind is ChangeKind.INTEREST
            else category is Category.MARGIN
        )
    ]
    wanted = (change for change in changes if coin in (None, change.coin) and kind in (None, change_type(change)))
    return _page(request, [change_row(change, category, signed=signed) for change in page.changes(wanted)], "id")


def _read_page(request: PrivateRequest, cap: int) -> PageRange:
    params = request.params
    start_ms, end_ms = params.integer("startTime", 0), params.optional_integer("endTime")
    if end_ms is not None and start_ms > end_ms:
        raise VenueError(Refusal.RANGE_REVERSED)
    limit = params.integer("limit", _CAP)
    # The venue refuses too large a limit of candles; whether it does so here is not documented.
    if not 0 < limit <= _CAP:
        raise VenueError(Refusal.BAD_PARAMETER, "limit")
    return PageRange(start_ms, end_ms, params.optional_integer("cursor"), min(limit, cap))


def _read_closed_page(request: PrivateRequest) -> PageRange:
    """Read a page of ended orders or fills: it covers 30 of the last 90 days, by default the last 30."""
    page = _read_page(request, _CAP)
    start_ms, end_ms = request.params.optional_integer("startTime"), page.end_ms
    if start_ms is None:
        end_ms = request.now_ms if end_ms is None else end_ms
        start_ms = max(end_ms - _WIDEST_RANGE_MS, 0)
    elif end_ms is None:
        end_ms = start_ms + _WIDEST_RANGE_MS
    if end_ms - start_ms > _WIDEST_RANGE_MS:
        raise VenueError(Refusal.OVER_30_DAYS)
    if start_ms < request.now_ms - _OLDEST_START_MS:
        raise VenueError(Refusal.TOO_OLD)
    return replace(page, start_ms=start_ms, end_ms=end_ms)


def _orders(request: PrivateRequest, category: Category | None) -> list[Order]:
    """Return the orders of the requested symbols and of this category, newest first."""
    found = request.engine.orders.of_account(request.account.uid, *(symbol.symbol for symbol in request.symbols()))
    return [order for order in found if is_requested(order, category)]


def _details(request: PrivateRequest, order: Order) -> tuple[str, list[Fill]]:
    """Return the spelling of a partly filled order's status, and the order's fills."""
    spelling = request.knobs.partial_status
    text = Status.PARTIALLY_FILLED if spelling is PartialStatus.DOCUMENTED else spelling
    return text, request.engine.orders.fills_of_order(order)


def _page(request: PrivateRequest, rows: list[Row], id_name: str) -> Row:
    # Every page with rows has a cursor, as captured: only an empty page shows that there are no more rows.
    null = not rows and request.knobs.empty_lists is EmptyLists.NULL
    for row in rows:
        row["category"] = in_case(str(row["category"]), request.knobs.category_case)
    return {"list": None if null else rows, "cursor": rows[-1][id_name] if rows else None}
