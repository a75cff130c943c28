"""Requests and parsers of API v2, for margin orders of a classic account.

Parsers accept any body: they return the documented types, or None. Based on
https://www.bitget.com/api-doc/margin/cross/trade/ (Cross-Batch-Cancel-Order, Cross-Cancel-Order, Get-Cross-Open-Orders,
Get-Cross-Order-History) and margin/cross/account/Get-Cross-Assets, as of December 2025.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from bitget_margin.core.effects import Call
from bitget_margin.core.endpoints import CLASSIC_BATCH_MAX, AccountKind, Endpoint
from bitget_margin.core.frozen_amounts import parse_frozen
from bitget_margin.core.key_rights import KeyRights, classic_rights
from bitget_margin.core.margin_pairs import MarginPair, classic_pair, read_pairs
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.order_row import CLASSIC_FIELDS, lowest_number, parse_row, text
from bitget_margin.core.record_pages import RecordKind, RecordPage, RecordQuery, TimeSpan, record_page
from bitget_margin.core.responses import (
    BatchItem,
    BatchResponse,
    FillRow,
    Listing,
    OrderQuery,
    Page,
    data_of,
    fields_of,
    list_of,
    parse_fills,
    parse_items,
    sent_ms_of,
)

KIND: Final = AccountKind.CLASSIC
BATCH_MAX: Final = CLASSIC_BATCH_MAX
"""Maximum number of orders in one request."""
FREEZES: Final = True
"""Whether the balance is documented to show the amounts that open margin orders freeze."""

WINDOW_MS: Final = 89 * 86_400_000
"""Time span of order queries: a day less than the documented 90 days, to allow for a slow clock."""

RECORDS_MAX: Final = 500
"""Most rows of one page of records."""
RECORD_WINDOW_MS: Final = 90 * 86_400_000
"""Longest span of time of one request for records."""
NEEDS_END: Final = False
"""Whether a request for records needs the end of its span."""

_ENDPOINTS: Final = {Listing.OPEN: Endpoint.OPEN_ORDERS, Listing.HISTORY: Endpoint.HISTORY_ORDERS}
_LIMITS: Final = {Listing.OPEN: 100, Listing.HISTORY: 500}
_RECORDS: Final = {
    RecordKind.ORDERS: (Endpoint.HISTORY_ORDERS, ("orderList", "resultList"), "orderId"),
    RecordKind.FILLS: (Endpoint.FILLS, ("fills",), "tradeId"),
    RecordKind.FINANCIAL: (Endpoint.FINANCIAL_RECORDS, ("resultList",), "marginId"),
    RecordKind.LIQUIDATIONS: (Endpoint.LIQUIDATIONS, ("resultList",), "liqId"),
    RecordKind.INTEREST: (Endpoint.INTEREST_HISTORY, ("resultList",), "interestId"),
}
"""Endpoint of each kind of records, the names that its list may have, and the field with the id."""
_FILLS_LIMIT: Final = 100
_PAGE_SIZE_STEP: Final = 10
"""A page whose length is no multiple of this was not cut off: maximum page sizes are round numbers."""


def batch_cancel_request(batch: Sequence[OrderRef]) -> Call:
    """Return the request that cancels one batch."""
    items = [{target.kind.value: target.value} for target in batch]
    return Call(Endpoint.BATCH_CANCEL, {"symbol": batch[0].symbol, "orderIdList": items})


def batch_place_request(symbol: str, orders: Sequence[Mapping[str, Any]]) -> Call:
    """Return the request that places orders, given as the endpoint expects them."""
    return Call(Endpoint.BATCH_PLACE, {"symbol": symbol, "orderList": list(orders)})


def single_place_request(order: Mapping[str, Any]) -> Call:
    """Return the request that places one order, given as the endpoint expects it."""
    return Call(Endpoint.PLACE, order)


def single_cancel_request(target: OrderRef) -> Call:
    """Return the request that cancels one order at the single endpoint."""
    return Call(Endpoint.CANCEL, {"symbol": target.symbol, target.kind.value: target.value})


def cancel_all_request(_symbol: str | None) -> Call | None:
    """Return None: a classic account has no endpoint that cancels all margin orders."""
    return None


def edit_request(_target: OrderRef, _changes: Mapping[str, str]) -> Call | None:
    """Return None: a classic account has no endpoint that changes a margin order."""
    return None


def countdown_request(_seconds: int) -> Call | None:
    """Return None: a classic account has no timer that cancels orders."""
    return None


def page_request(listing: Listing, symbol: str | None, since_ms: int, cursor: str | None) -> Call:
    """Return the request for a page of orders, newest first: with ids below the cursor, or the newest.

    Without `endTime`: together with `startTime` it overrides `idLessThan`, and every page would be the first.
    """
    params: dict[str, Any] = {} if symbol is None else {"symbol": symbol}
    params |= {"startTime": str(since_ms), "limit": str(_LIMITS[listing])}
    if cursor is not None:
        params["idLessThan"] = cursor
    return Call(_ENDPOINTS[listing], params)


def first_cursor(newest: int) -> str | None:
    """Return the cursor of the page that begins at this order id."""
    return str(newest + 1)


def order_queries(symbol: str, kind: IdKind, value: str, since_ms: int) -> tuple[OrderQuery, ...]:
    """Return the queries for one order; the id overrides the start time, which is required all the same."""
    params = {"symbol": symbol, "startTime": str(since_ms), kind.value: value}
    return tuple(
        OrderQuery(Call(_ENDPOINTS[listing], params), (listing,)) for listing in (Listing.HISTORY, Listing.OPEN)
    )


def fills_request(symbol: str, since_ms: int) -> Call:
    """Return the request for the newest fills of a symbol."""
    return Call(Endpoint.FILLS, {"symbol": symbol, "startTime": str(since_ms), "limit": str(_FILLS_LIMIT)})


def order_fills_request(symbol: str, order_id: str, since_ms: int) -> Call | None:
    """Return the request for the fills of one order; unlike rows of orders, they are as recent as the fill itself."""
    params = {"symbol": symbol, "orderId": order_id, "startTime": str(since_ms), "limit": str(_FILLS_LIMIT)}
    return Call(Endpoint.FILLS, params)


def records_request(sought: RecordQuery, span: TimeSpan, cursor: str | None, size: int) -> Call:
    """Return the request for a page of records: the newest of the span, or those with ids below the cursor.

    Without an end beside a cursor: a closed span overrides `idLessThan`.
    """
    filters = {"symbol": sought.symbol, "coin": sought.coin, "orderId": sought.order_id}
    params = {name: value for name, value in filters.items() if value is not None}
    params |= {"startTime": str(span.start_ms), "limit": str(size)}
    if cursor is not None:
        params["idLessThan"] = cursor
    elif span.end_ms is not None:
        params["endTime"] = str(span.end_ms)
    return Call(_RECORDS[sought.kind][0], params)


def record_reader(kind: RecordKind) -> Callable[[object], RecordPage | None]:
    """Return the parser of pages of records."""
    _, names, id_field = _RECORDS[kind]
    return lambda body: record_page(list_of(body, *names), id_field, full=_may_be_cut_off)


def assets_request(extra: Mapping[str, Any] | None) -> Call:
    """Return the request for the balances."""
    return Call(Endpoint.ASSETS, extra or {})


def account_request() -> Call:
    """Return the request for account information (spot/account/Get-Account-Info)."""
    return Call(Endpoint.ACCOUNT, {})


def key_request() -> Call:
    """Return the request for the rights of the API key: those of the account are in the same response."""
    return Call(Endpoint.ACCOUNT, {})


def margin_pairs_request() -> Call:
    """Return the request for the list of margin pairs (margin/common/support-currencies)."""
    return Call(Endpoint.MARGIN_PAIRS, {})


def read_margin_pairs(body: object) -> tuple[MarginPair, ...] | None:
    """Return the margin pairs with their numbers; None without a list."""
    return read_pairs(body, classic_pair)


def read_uid(body: object) -> str | None:
    """Return the UID of the account."""
    return text(fields_of(body).get("userId"))


def read_key(body: object) -> KeyRights | None:
    """Return the rights of the API key; None without fields."""
    fields = fields_of(body)
    return classic_rights(fields) if fields else None


def read_assets(body: object) -> list[Any] | None:
    """Return the rows of the balances as received; None where there is no list."""
    data = data_of(body)
    return data if isinstance(data, list) else None


def read_frozen(body: object) -> Mapping[str, Decimal] | None:
    """Return the frozen amount of each coin; None where a row cannot be read."""
    return parse_frozen(data_of(body), "frozen")


def read_batch(body: object) -> BatchResponse | None:
    """Read the response to a batch of cancels or new orders; None where it has neither list."""
    lists = [fields_of(body).get(name) for name in ("successList", "failureList")]
    if not any(isinstance(listed, list) for listed in lists):
        return None
    (successes, unnamed), (failures, unnamed_failures) = map(_items, lists)
    return BatchResponse(successes, failures, unnamed + unnamed_failures)


def read_cancel_all(_body: object) -> BatchResponse | None:
    """Return None: there is no such endpoint."""
    return None


def read_single(body: object) -> BatchResponse | None:
    """Read the response to a single cancel or order, as a batch of one."""
    items, _ = _items([data_of(body)])
    return BatchResponse(items, ()) if items else None


def read_fills(body: object) -> tuple[FillRow, ...] | None:
    """Read a page of fills; None without a list, with an unreadable row, or if it may have been cut off."""
    return parse_fills(list_of(body, "fills"), _FILLS_LIMIT, created="cTime", amount="size", price="priceAvg")


def read_page(body: object) -> Page | None:
    """Read a page of orders; None where there is no list, which is not the same as an empty one.

    The list is documented as `orderList`; the first version of the API has `resultList`. A short page of open orders is
    not the last one: a default page size is documented, no maximum.
    """
    listed = list_of(body, "orderList", "resultList")
    if not isinstance(listed, list):
        return None
    rows = tuple(found for raw in listed if (found := parse_row(raw, CLASSIC_FIELDS)) is not None)
    lowest = lowest_number(rows)
    cursor = None if lowest is None else str(lowest)
    return Page(rows, len(listed), sent_ms_of(body), cursor, full=_may_be_cut_off(len(listed)))


def read_order(body: object) -> Page | None:
    """Read the response to a query for one order, which is a page like any other."""
    return read_page(body)


def _may_be_cut_off(rows: int) -> bool:
    return rows % _PAGE_SIZE_STEP == 0


def _items(listed: object) -> tuple[tuple[BatchItem, ...], tuple[Mapping[str, Any], ...]]:
    return parse_items(listed, reason="errorMsg", code="errorCode")
