"""Pages of orders and fills: which rows, how many, and in which order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from bitget_margin.emulator.api.parameters import Params
from bitget_margin.emulator.api.request import PrivateRequest
from bitget_margin.emulator.api.v2.rows import Row, fill_row, order_row
from bitget_margin.emulator.behaviour.knobs import PartialStatus, WithoutSymbol
from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.order import Order

_DEFAULT_LIMIT = 100
_HISTORY_CAP = 500
_DAY_MS = 86_400_000
_WIDEST_RANGE_MS = 90 * _DAY_MS
_OLDEST_START_MS = 92 * _DAY_MS


@dataclass(frozen=True, slots=True)
class Page:
    """Which rows are asked for; an id beats the range of time, a closed range beats ``below_id``."""

    order_id: str | None
    client_oid: str | None
    start_ms: int
    end_ms: int | None
    below_id: int | None
    limit: int

    def cut(self, rows: Iterable[tuple[str, int, Row]]) -> tuple[list[Row], str | None, str | None]:
        """Return the rows of the page with their highest and lowest id.

        :param rows: id, time in ms since the epoch, and row; newest first
        """
        page = list(islice((entry for entry in rows if self._wants(entry[0], entry[1])), self.limit))
        return [row for _, _, row in page], page[0][0] if page else None, page[-1][0] if page else None

    def _wants(self, row_id: str, at_ms: int) -> bool:
        if self.order_id or self.client_oid:
            return True
        if at_ms < self.start_ms:
            return False
        if self.end_ms is not None:
            return at_ms <= self.end_ms
        return self.below_id is None or int(row_id) < self.below_id


def _read_page(params: Params, cap: int, oldest_ms: int | None) -> Page:
    order_id, client_oid = params.optional_text("orderId"), params.optional_text("clientOid")
    start_ms, end_ms = params.integer("startTime"), params.optional_integer("endTime")
    limit = params.optional_integer("limit")
    below_id = params.optional_integer("idLessThan") if end_ms is None else None
    if limit == 0:
        raise VenueError(Refusal.BAD_PARAMETER, "limit")
    if not (order_id or client_oid):
        if end_ms is not None and start_ms > end_ms:
            raise VenueError(Refusal.RANGE_REVERSED)
        if end_ms is not None and end_ms - start_ms > _WIDEST_RANGE_MS:
            raise VenueError(Refusal.RANGE_TOO_WIDE)
        if oldest_ms is not None and start_ms < oldest_ms:
            raise VenueError(Refusal.TOO_OLD)
    return Page(order_id, client_oid, start_ms, end_ms, below_id, min(limit or _DEFAULT_LIMIT, cap))


def open_orders(call: PrivateRequest) -> Row:
    """List the live orders of a symbol, newest first."""
    knobs = call.knobs.now
    anywhere = knobs.open_orders_without_symbol is WithoutSymbol.ANSWER and call.params.optional_text("symbol") is None
    symbols = list(call.engine.market.symbols) if anywhere else [call.symbol().symbol]
    page = _read_page(call.params, knobs.open_orders_cap, None)
    orders = [
        order for symbol in symbols for order in call.engine.orders.of_account(call.account.uid, symbol) if order.live
    ]
    orders.sort(key=lambda order: order.order_id, reverse=True)
    return _order_page(call, page, orders, PartialStatus.PARTIAL_FILL)


def history_orders(call: PrivateRequest) -> Row:
    """List the ended orders of a symbol, newest first."""
    symbol = call.symbol().symbol
    page = _read_page(call.params, _HISTORY_CAP, call.now_ms - _OLDEST_START_MS)
    visible_ms = call.now_ms - call.knobs.now.history_lag_ms
    orders = [
        order
        for order in call.engine.orders.of_account(call.account.uid, symbol)
        if not order.live and order.updated_ms <= visible_ms
    ]
    return _order_page(call, page, orders, PartialStatus.PARTIALLY_FILL)


def fills(call: PrivateRequest) -> Row:
    """List the trades of a symbol, newest first."""
    symbol = call.symbol().symbol
    page = _read_page(call.params, _HISTORY_CAP, call.now_ms - _OLDEST_START_MS)
    rows, max_id, min_id = page.cut(
        (fill.trade_id, fill.at_ms, fill_row(fill))
        for fill in call.engine.orders.fills_of(call.account.uid, symbol)
        if _is_asked(page, fill.order)
    )
    return {"fills": rows, "maxId": max_id, "minId": min_id}


def _order_page(call: PrivateRequest, page: Page, orders: Iterable[Order], documented: PartialStatus) -> Row:
    knobs = call.knobs.now
    spelling = documented if knobs.partial_status is PartialStatus.DOCUMENTED else knobs.partial_status
    rows, max_id, min_id = page.cut(
        (order.order_id, order.created_ms, order_row(order, spelling)) for order in orders if _is_asked(page, order)
    )
    return {knobs.list_key.value: rows, "maxId": max_id, "minId": min_id}


def _is_asked(page: Page, order: Order) -> bool:
    return page.order_id in (None, order.order_id) and page.client_oid in (None, order.client_oid)
