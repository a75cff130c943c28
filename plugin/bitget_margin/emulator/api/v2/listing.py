"""Order and fill lists of a classic account."""

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from functools import partial

from bitget_margin.emulator.api.paging import PageRange, in_history, listed_as_open, shown_fills, with_sums
from bitget_margin.emulator.api.request import PrivateRequest, Row
from bitget_margin.emulator.api.v2.rows import change_row, fill_row, liquidation_order_row, liquidation_row, order_row
from bitget_margin.emulator.behaviour.knobs import EmptyLists, PartialStatus, RecordAmounts, WithoutSymbol
from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.balance_changes import ChangeKind
from bitget_margin.emulator.market.orders import Order
from bitget_margin.emulator.market.symbol import Symbol

_DEFAULT_LIMIT = 100
_HISTORY_CAP = 500
_DAY_MS = 86_400_000
_WIDEST_RANGE_MS = 90 * _DAY_MS
_OLDEST_START_MS = 92 * _DAY_MS


class LiquidationType(StrEnum):
    """Way in which a liquidation exchanges coins."""

    PLACE_ORDER = "place_order"
    SWAP = "swap"


def open_orders(request: PrivateRequest) -> Row:
    """List the live orders of a symbol, newest first."""
    anywhere = request.knobs.open_orders_without_symbol is WithoutSymbol.ANSWER
    symbols = request.symbols() if anywhere else [request.symbol()]
    page = _read_page(request, request.knobs.open_orders_cap, None)
    return _order_page(request, symbols, page, partial(listed_as_open, request), PartialStatus.PARTIAL_FILL)


def history_orders(request: PrivateRequest) -> Row:
    """List the ended orders of a symbol, newest first."""
    symbols, page = [request.symbol()], _read_history_page(request)
    return _order_page(request, symbols, page, partial(_ended, request), PartialStatus.PARTIALLY_FILL)


def fills(request: PrivateRequest) -> Row:
    """List the trades of a symbol, newest first."""
    symbol, page = request.symbol().symbol, _read_history_page(request)
    found = shown_fills(request, request.engine.orders.fills_of(request.account.uid, symbol))
    rows = [fill_row(fill) for fill in page.fills(fill for fill in found if _is_requested(request, fill.order))]
    return _page(request, "fills", rows, "tradeId")


def financial_records(request: PrivateRequest) -> Row:
    """List the changes of the balances, newest first."""
    page, coin, kind = _read_history_page(request), *map(request.params.optional_text, ("coin", "marginType"))
    changes = [c for c in request.engine.changes.of(request.account.uid) if c.kind is not ChangeKind.INTEREST]
    found = page.changes(change for change in changes if coin in (None, change.coin) and kind in (None, change.kind))
    signed = request.knobs.record_amounts is RecordAmounts.SIGNED
    return _page(request, "resultList", [change_row(change, signed=signed) for change in found], "marginId")


def liquidations(request: PrivateRequest) -> Row:
    """List the liquidations of the account, newest first."""
    page, shown_ms = _read_history_page(request), request.now_ms - request.knobs.loans_lag_ms
    found = (one for one in request.engine.liquidations.of(request.account.uid) if one.at_ms <= shown_ms)
    return _page(request, "resultList", [liquidation_row(one) for one in page.liquidations(found)], "liqId")


def liquidation_orders(request: PrivateRequest) -> Row:
    """List the orders by which the venue has liquidated the account, newest first; there are no swaps."""
    end_ms = request.params.optional_integer("endTime")
    oldest_ms = max((request.now_ms if end_ms is None else end_ms) - _WIDEST_RANGE_MS, 0)
    page = _read_page(request, _HISTORY_CAP, None, default_start_ms=oldest_ms)
    kind = request.params.choice("type", LiquidationType, LiquidationType.PLACE_ORDER)
    symbols = [symbol.symbol for symbol in request.symbols()]
    found = (order for order in request.engine.orders.of_account(request.account.uid, *symbols) if order.is_liquidation)
    orders = page.orders(_ended(request, found)) if kind is LiquidationType.PLACE_ORDER else []
    rows = [liquidation_order_row(order) for order in orders]
    return {"resultList": rows, "idLessThan": rows[-1]["orderId"] if rows else None}


def _read_page(
    request: PrivateRequest, cap: int, oldest_ms: int | None, *, default_start_ms: int | None = None
) -> PageRange:
    """Read the range of a page: an id takes precedence over times, and a closed range of time over `idLessThan`."""
    params = request.params
    by_id = params.optional_text("orderId") or params.optional_text("clientOid")
    start_ms = params.integer("startTime", default_start_ms)
    end_ms, limit = params.optional_integer("endTime"), _read_limit(request, cap)
    below_id = params.optional_integer("idLessThan") if end_ms is None else None
    if by_id:
        return PageRange(0, None, None, limit)
    if end_ms is not None and start_ms > end_ms:
        raise VenueError(Refusal.RANGE_REVERSED)
    if end_ms is not None and end_ms - start_ms > _WIDEST_RANGE_MS:
        raise VenueError(Refusal.RANGE_TOO_WIDE)
    if oldest_ms is not None and start_ms < oldest_ms:
        raise VenueError(Refusal.TOO_OLD)
    return PageRange(start_ms, end_ms, below_id, limit)


def _read_history_page(request: PrivateRequest) -> PageRange:
    return _read_page(request, _HISTORY_CAP, request.now_ms - _OLDEST_START_MS)


def _read_limit(request: PrivateRequest, cap: int) -> int:
    limit = request.params.optional_integer("limit")
    if limit == 0:
        raise VenueError(Refusal.BAD_PARAMETER, "limit")
    return min(limit or _DEFAULT_LIMIT, cap)


def _order_page(
    request: PrivateRequest,
    symbols: Sequence[Symbol],
    page: PageRange,
    listed: Callable[[Iterable[Order]], Iterable[Order]],
    documented: PartialStatus,
) -> Row:
    knobs = request.knobs
    spelling = documented if knobs.partial_status is PartialStatus.DOCUMENTED else knobs.partial_status
    of_account = request.engine.orders.of_account(request.account.uid, *(symbol.symbol for symbol in symbols))
    found = [order for order in of_account if not order.is_spot]
    orders = page.orders(order for order in listed(found) if _is_requested(request, order))
    return _page(request, knobs.list_key.value, [order_row(order, spelling) for order in orders], "orderId")


def _ended(request: PrivateRequest, orders: Iterable[Order]) -> Iterable[Order]:
    return (with_sums(request, order) for order in orders if in_history(request, order))


def _is_requested(request: PrivateRequest, order: Order) -> bool:
    order_id, client_oid = request.params.optional_text("orderId"), request.params.optional_text("clientOid")
    return order_id in (None, order.order_id) and client_oid in (None, order.client_oid)


def _page(request: PrivateRequest, name: str, rows: list[Row], id_name: str) -> Row:
    max_id, min_id = (rows[0][id_name], rows[-1][id_name]) if rows else (None, None)
    null = not rows and request.knobs.empty_lists is EmptyLists.NULL
    return {name: None if null else rows, "maxId": max_id, "minId": min_id}
