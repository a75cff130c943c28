"""Requests and parsers of API v3, for margin orders of a unified account.

Parsers accept any body: they return the documented types, or None. Based on
https://www.bitget.com/api-doc/uta/trade/ (Cancel-Batch, Cancel-Order, Cancel-All-Order, Place-Batch, Get-Order-Details,
Get-Order-Pending, Get-Order-History) and uta/account/Get-Account-Assets, as of December 2025.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from bitget_margin.core.effects import Call
from bitget_margin.core.endpoints import UNIFIED_BATCH_MAX, AccountKind, Endpoint
from bitget_margin.core.frozen_amounts import parse_frozen
from bitget_margin.core.key_rights import KeyRights, unified_rights
from bitget_margin.core.margin_pairs import MarginPair, read_pairs, unified_pair
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.order_row import UNIFIED_FIELDS, parse_row, text
from bitget_margin.core.record_pages import (
    NoSuchRecords,
    RecordKind,
    RecordPage,
    RecordQuery,
    TimeSpan,
    record_page,
)
from bitget_margin.core.responses import (
    BatchResponse,
    FillRow,
    Listing,
    OrderQuery,
    Page,
    as_mapping,
    data_of,
    fields_of,
    list_of,
    parse_fills,
    parse_items,
    sent_ms_of,
)
from bitget_margin.core.verdicts import SUCCESS

KIND: Final = AccountKind.UNIFIED
BATCH_MAX: Final = UNIFIED_BATCH_MAX
"""Maximum number of orders in one request."""
FREEZES: Final = False
"""Whether the balance is documented to show the amounts that open margin orders freeze."""

CATEGORY: Final = "MARGIN"
"""Category of margin orders, in requests and in rows."""
SPOT_CATEGORY: Final = "SPOT"
"""Category of spot orders, which share the wallet of a unified account with margin orders."""

RECORDS_MAX: Final = 100
"""Most rows of one page of records."""
RECORD_WINDOW_MS: Final = 30 * 86_400_000
"""Longest span of time of one request for records."""
NEEDS_END: Final = True
"""Whether a request for records needs the end of its span: its default is not documented."""

_ENDPOINTS: Final = {Listing.OPEN: Endpoint.UNIFIED_OPEN_ORDERS, Listing.HISTORY: Endpoint.UNIFIED_HISTORY_ORDERS}
_RECORDS: Final = {
    RecordKind.ORDERS: (Endpoint.UNIFIED_HISTORY_ORDERS, "orderId"),
    RecordKind.FILLS: (Endpoint.UNIFIED_FILLS, "execId"),
    RecordKind.FINANCIAL: (Endpoint.UNIFIED_FINANCIAL_RECORDS, "id"),
    RecordKind.INTEREST: (Endpoint.UNIFIED_FINANCIAL_RECORDS, "id"),
    RecordKind.OTHER_INTEREST: (Endpoint.UNIFIED_FINANCIAL_RECORDS, "id"),
}
"""Endpoint of each kind of records, and the field with the id."""
_CATEGORIES: Final = {RecordKind.OTHER_INTEREST: "OTHER"}
"""Category of records that are not of margin orders."""
_INTEREST_TYPE: Final = {"type": "INTEREST_SETTLEMENT_OUT"}
"""Financial records of interest, by the page of enumerations (uta/enum, December 2025)."""
_TYPES: Final = {RecordKind.INTEREST: _INTEREST_TYPE, RecordKind.OTHER_INTEREST: _INTEREST_TYPE}
_PAGE_LIMIT: Final = 100
_SUCCESSES: Final = frozenset({None, "0", SUCCESS})
"""Codes of an entry that was executed: the page shows none, the page of the websocket shows 0."""


def batch_cancel_request(batch: Sequence[OrderRef]) -> Call:
    """Return the request that cancels one batch: a bare list, each item with its category."""
    return Call(Endpoint.UNIFIED_BATCH_CANCEL, [_item_of(target) for target in batch])


def batch_place_request(_symbol: str, orders: Sequence[Mapping[str, Any]]) -> Call:
    """Return the request that places orders, given as the endpoint expects them."""
    return Call(Endpoint.UNIFIED_BATCH_PLACE, list(orders))


def single_place_request(order: Mapping[str, Any]) -> Call:
    """Return the request that places one order, given as the endpoint expects it."""
    return Call(Endpoint.UNIFIED_PLACE, order)


def single_cancel_request(target: OrderRef) -> Call:
    """Return the request that cancels one order at the single endpoint."""
    return Call(Endpoint.UNIFIED_CANCEL, _item_of(target))


def cancel_all_request(symbol: str | None) -> Call | None:
    """Return the request that cancels all margin orders of a symbol, or of the account, listed or not."""
    params = {"category": CATEGORY}
    return Call(Endpoint.UNIFIED_CANCEL_ALL, params if symbol is None else {**params, "symbol": symbol})


def edit_request(target: OrderRef, changes: Mapping[str, str]) -> Call | None:
    """Return the request that changes the amount or the price of an order; its id stays the same.

    Symbol and category are optional on the page of December 2025, and required since September 2026.
    """
    return Call(Endpoint.UNIFIED_EDIT, {**_item_of(target), **changes})


def countdown_request(seconds: int) -> Call | None:
    """Return the request that starts the timer of the account anew; with 0 it ends it."""
    return Call(Endpoint.UNIFIED_COUNTDOWN, {"countdown": str(seconds)})


def page_request(listing: Listing, symbol: str | None, _since_ms: int, cursor: str | None) -> Call:
    """Return the request for a page of orders, newest first: the page of the cursor, or the newest."""
    params = {"category": CATEGORY, "limit": str(_PAGE_LIMIT)}
    if symbol is not None:
        params["symbol"] = symbol
    if cursor is not None:
        params["cursor"] = cursor
    return Call(_ENDPOINTS[listing], params)


def spot_page_request(cursor: str | None) -> Call:
    """Return the request for a page of open spot orders: the page of the cursor, or the newest."""
    params = {"category": SPOT_CATEGORY, "limit": str(_PAGE_LIMIT)}
    return Call(Endpoint.UNIFIED_OPEN_ORDERS, params if cursor is None else {**params, "cursor": cursor})


def first_cursor(_newest: int) -> str | None:
    """Return None: cursors are opaque and cannot be derived from an order id."""
    return None


def order_queries(_symbol: str, kind: IdKind, value: str, _since_ms: int) -> tuple[OrderQuery, ...]:
    """Return the query for one order: one endpoint returns it, live or ended."""
    return (OrderQuery(Call(Endpoint.UNIFIED_ORDER, {kind.value: value}), (Listing.HISTORY, Listing.OPEN)),)


def fills_request(symbol: str, since_ms: int) -> Call:
    """Return the request for the newest fills of margin orders; they are not filtered by symbol."""
    params = {"category": CATEGORY, "symbol": symbol, "startTime": str(since_ms), "limit": str(_PAGE_LIMIT)}
    return Call(Endpoint.UNIFIED_FILLS, params)


def order_fills_request(_symbol: str, _order_id: str, _since_ms: int) -> Call | None:
    """Return None: the query for one order shows its sums at any age."""
    return None


def records_request(sought: RecordQuery, span: TimeSpan, cursor: str | None, size: int) -> Call:
    """Return the request for a page of records, newest first: the page of the cursor, or the newest of the span."""
    if sought.kind not in _RECORDS:
        raise NoSuchRecords(sought.kind.value)
    filters = {"symbol": sought.symbol, "coin": sought.coin, "orderId": sought.order_id, "cursor": cursor}
    params = {name: value for name, value in filters.items() if value is not None} | _TYPES.get(sought.kind, {})
    category = _CATEGORIES.get(sought.kind, CATEGORY)
    end = {} if span.end_ms is None else {"endTime": str(span.end_ms)}
    return Call(
        _RECORDS[sought.kind][0],
        {"category": category, "startTime": str(span.start_ms), **end, "limit": str(size), **params},
    )


def record_reader(kind: RecordKind) -> Callable[[object], RecordPage | None]:
    """Return the parser of pages of records; rows of other categories are left out."""
    id_field, category = _RECORDS[kind][1], _CATEGORIES.get(kind, CATEGORY)

    def read(body: object) -> RecordPage | None:
        cursor = text(fields_of(body).get("cursor"))
        return record_page(
            list_of(body, "list"),
            id_field,
            full=lambda rows: cursor is not None and rows >= _PAGE_LIMIT,
            cursor=cursor,
            is_ours=lambda raw: raw.get("category") is None or is_of_category(raw, category),
        )

    return read


def assets_request(extra: Mapping[str, Any] | None) -> Call:
    """Return the request for the balances."""
    return Call(Endpoint.UNIFIED_ASSETS, extra or {})


def account_request() -> Call:
    """Return the request for the settings of the account, which is refused for a classic account."""
    return Call(Endpoint.UNIFIED_SETTINGS, {})


def key_request() -> Call:
    """Return the request for the rights of the API key (uta/account/Get-Account-Info)."""
    return Call(Endpoint.UNIFIED_ACCOUNT, {})


def margin_pairs_request() -> Call:
    """Return the request for the list of margin pairs (uta/public/Instruments)."""
    return Call(Endpoint.UNIFIED_INSTRUMENTS, {"category": CATEGORY})


def read_margin_pairs(body: object) -> tuple[MarginPair, ...] | None:
    """Return the margin pairs with their numbers; None without a list."""
    return read_pairs(body, unified_pair)


def read_settings(body: object) -> Mapping[str, Any] | None:
    """Return the settings of the account; None where there are none."""
    data = data_of(body)
    return data if isinstance(data, Mapping) else None


def read_uid(body: object) -> str | None:
    """Return the UID of the account."""
    return text(fields_of(body).get("uid"))


def read_key(body: object) -> KeyRights | None:
    """Return the rights of the API key; None without fields."""
    fields = fields_of(body)
    return unified_rights(fields) if fields else None


def read_assets(body: object) -> list[Any] | None:
    """Return the rows of the balances as received; None where there is no list."""
    rows = fields_of(body).get("assets")
    return rows if isinstance(rows, list) else None


def read_frozen(body: object) -> Mapping[str, Decimal] | None:
    """Return the frozen amount of each coin; None where a row cannot be read."""
    return parse_frozen(read_assets(body), "locked")


def read_batch(body: object) -> BatchResponse | None:
    """Read the response to a batch: one list, in which failed entries have a code; None without a list."""
    data = data_of(body)
    return _parse_batch(data) if isinstance(data, list) else None


def read_single(body: object) -> BatchResponse | None:
    """Read the response to a single cancel or order, as a batch of one."""
    response = _parse_batch([data_of(body)])
    return None if response.unreadable else response


def read_cancel_all(body: object) -> BatchResponse | None:
    """Read the response to a cancel of all orders: a list in which failed entries have a code; None without one."""
    listed = list_of(body, "list")
    return _parse_batch(listed) if isinstance(listed, list) else None


def read_fills(body: object) -> tuple[FillRow, ...] | None:
    """Read a page of fills; None without a list, with an unreadable row, or if it may have been cut off."""
    return parse_fills(list_of(body, "list"), _PAGE_LIMIT, created="createdTime", amount="execQty", price="execPrice")


def read_page(body: object) -> Page | None:
    """Read a page of orders; None where there is no list."""
    listed = list_of(body, "list")
    if not isinstance(listed, list):
        return None
    return _page(body, listed, text(fields_of(body).get("cursor")) if listed else None)


def read_spot_page(body: object) -> Page | None:
    """Read a page of open spot orders; None where there is no list."""
    listed = list_of(body, "list")
    if not isinstance(listed, list):
        return None
    return _page(body, listed, text(fields_of(body).get("cursor")) if listed else None, SPOT_CATEGORY)


def read_order(body: object) -> Page | None:
    """Read the response to the query for one order, as a page of one row."""
    data = fields_of(body)
    return _page(body, [data], None) if data else None


def _item_of(target: OrderRef) -> dict[str, str]:
    return {target.kind.value: target.value, "category": CATEGORY, "symbol": target.symbol}


def _page(body: object, listed: Sequence[object], cursor: str | None, category: str = CATEGORY) -> Page:
    ours = (raw for raw in listed if is_of_category(raw, category))
    rows = tuple(found for raw in ours if (found := parse_row(raw, UNIFIED_FIELDS)) is not None)
    return Page(rows, len(listed), sent_ms_of(body), cursor, full=len(listed) >= _PAGE_LIMIT)


def is_margin(raw: object) -> bool:
    """Whether a row is of category margin, in any spelling; rows of other categories may have the same symbol."""
    return is_of_category(raw, CATEGORY)


def is_of_category(raw: object, category: str) -> bool:
    """Whether a row is of this category, in any spelling."""
    named = text(as_mapping(raw).get("category"))
    return named is not None and named.upper() == category


def _parse_batch(listed: Sequence[object]) -> BatchResponse:
    items, unreadable = parse_items(listed, reason="msg", code="code")
    successes = tuple(item for item in items if item.code in _SUCCESSES)
    return BatchResponse(successes, tuple(item for item in items if item.code not in _SUCCESSES), unreadable)
