"""Effects of faults on the data of a request's result, and on the response that carries it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from bitget_margin.emulator.api.params import Params
from bitget_margin.emulator.api.request import Row
from bitget_margin.emulator.api.v3.endpoints import UNIFIED_ARRAYS
from bitget_margin.emulator.behaviour.faults import FaultKind, FaultRule
from bitget_margin.emulator.market.orders import Status
from bitget_margin.emulator.messages import NO_RESPONSE, Delivery, HttpResponse, failure

UNASKED_ORDER_ID = "1000000000000000007"
UNASKED_CLIENT_ID = "nobody-asked"
UNASKED_TRADE_ID = "1000000000000000008"
"""Ids of an order and a trade that do not exist: they are below those of every run of the venue."""

_HTML = "text/html"
_ORDER_ID = "orderId"
_SYMBOL = "symbol"
_CLIENT_ID = "clientOid"
_SUCCESSES = "successList"
_FAILURES = "failureList"
_CLASSIC_BATCHES = ("/batch-place-order", "/batch-cancel-order")
_UNASKED_ORDER: Row = {_ORDER_ID: UNASKED_ORDER_ID, "clientOid": UNASKED_CLIENT_ID}
_UNASKED_IDS: Row = _UNASKED_ORDER | {
    "tradeId": UNASKED_TRADE_ID,
    "execId": UNASKED_TRADE_ID,
    "execLinkId": UNASKED_TRADE_ID,
}
_STATUSES = ("status", "orderStatus")
_OTHER_SYMBOLS = ("LTCUSDT", "BCHUSDT")
"""Symbols that the emulator does not trade, so that a changed row cannot become one of another requested order."""


def altered_data(fault: FaultRule, data: Any, path: str = "") -> Any:
    """Return the data of a request's result as it is sent under a fault."""
    if fault.kind in (FaultKind.OTHER_ANSWER, FaultKind.OTHER_ANSWER_BEFORE):
        return _other(path)
    if fault.kind is FaultKind.ITEM_CODE_AFTER:
        return _failed(fault, data, path)
    alter = _DATA_CHANGES.get(fault.kind)
    return data if alter is None else alter(data)


def with_failed_items(fault: FaultRule, data: Any, items: Sequence[Params], path: str) -> Any:
    """Return the result of a batch of which some items were not executed.

    :param data: result of the others, None if there are none
    """
    ids: list[Row] = [{name: item.text_or_empty(name) for name in (_ORDER_ID, _CLIENT_ID)} for item in items]
    rows = [_failure(fault, row, path) for row in ids]
    if path in UNIFIED_ARRAYS:
        return [*rows, *(data or ())]
    if not path.endswith(_CLASSIC_BATCHES):
        return data
    whole = data or {_SUCCESSES: [], _FAILURES: []}
    return whole | {_FAILURES: [*rows, *(whole[_FAILURES] or ())]}


def altered_response(fault: FaultRule, response: HttpResponse, now_ms: int) -> HttpResponse:
    """Return the response that is sent under a fault."""
    if fault.response_code is not None:
        return replace(response, status=fault.status, body=failure(fault.response_code, fault.text, now_ms))
    if fault.kind is FaultKind.SLOW_BYTES:
        return replace(response, trickle_ms=fault.duration_ms)
    if fault.kind is FaultKind.REFUSE:
        return replace(_unsent(response, Delivery.RESET), refuse_ms=fault.duration_ms)
    alter = _RESPONSE_CHANGES.get(fault.kind)
    return response if alter is None else alter(response)


def _failed(fault: FaultRule, data: Any, path: str) -> Any:
    """Return the result of a batch in which items that succeeded are reported as failed."""
    if path in UNIFIED_ARRAYS and isinstance(data, list):
        good = [i for i, row in enumerate(data) if "code" not in row][: fault.items]
        return [_failure(fault, row, path) if i in good else row for i, row in enumerate(data)]
    if not path.endswith(_CLASSIC_BATCHES) or not isinstance(data, dict):
        return data
    rows = data[_SUCCESSES] or []
    failed = rows[: fault.items]
    failures = [*(_failure(fault, row, path) for row in failed), *(data[_FAILURES] or ())]
    return {_SUCCESSES: rows[len(failed) :], _FAILURES: failures}


def _failure(fault: FaultRule, ids: Row, path: str) -> Row:
    """Return the row of a failed item for the kind of account; a new order that failed has no order id."""
    unified = path in UNIFIED_ARRAYS
    row = dict(ids)
    if "place" in path:
        row = {_CLIENT_ID: ids.get(_CLIENT_ID, "")} if unified else row | {_ORDER_ID: ""}
    code, text = ("code", "msg") if unified else ("errorCode", "errorMsg")
    return row | {text: fault.text} | ({} if fault.code is None else {code: fault.code})


def _other(path: str) -> Any:
    """Return the result of a request about an order that does not exist."""
    if path in UNIFIED_ARRAYS:
        return [_UNASKED_ORDER]
    return {_SUCCESSES: [_UNASKED_ORDER], _FAILURES: []} if path.endswith(_CLASSIC_BATCHES) else _UNASKED_ORDER


def _with_lists(data: Any, change: Callable[[str, list[Any]], Any]) -> Any:
    """Return data with its lists of rows changed; the name is empty if the data is a list itself."""
    if isinstance(data, list):
        return change("", data)
    if not isinstance(data, dict) or _ORDER_ID in data:  # an order may have lists, but none of them has orders
        return data
    return {name: change(name, value) if isinstance(value, list) else value for name, value in data.items()}


def _other_row(rows: list[Any]) -> list[Row]:
    """Return a row like the first one, but of an order that does not exist; none for lists without orders."""
    if not rows:
        return [_UNASKED_ORDER]
    ids = {name: value for name, value in _UNASKED_IDS.items() if name in rows[0]}
    return [rows[0] | ids] if ids else []


def _with_other_symbol(row: Any) -> Any:
    """Return the row of an order with another symbol and as canceled; other values stay as they are."""
    if not isinstance(row, dict) or not {_ORDER_ID, _SYMBOL} <= row.keys():
        return row
    symbol = next(other for other in _OTHER_SYMBOLS if other != row[_SYMBOL])
    return row | {_SYMBOL: symbol} | {name: Status.CANCELLED.value for name in _STATUSES if name in row}


_DATA_CHANGES: Mapping[FaultKind, Callable[[Any], Any]] = MappingProxyType(
    {
        FaultKind.NULL_DATA: lambda _: None,
        FaultKind.NULL_LISTS: lambda data: _with_lists(data, lambda *_: None),
        FaultKind.MISSING_LISTS: lambda _: {},
        FaultKind.UNASKED_IDS: lambda data: _with_lists(
            data, lambda name, rows: rows if name == _FAILURES else [*rows, *_other_row(rows)]
        ),
        FaultKind.TWICE: lambda data: _with_lists(data, lambda _, rows: [row for row in rows for _ in range(2)]),
        FaultKind.WRONG_SYMBOL: lambda data: _with_lists(
            _with_other_symbol(data), lambda _, rows: [_with_other_symbol(row) for row in rows]
        ),
    }
)


def _unsent(response: HttpResponse, delivery: Delivery) -> HttpResponse:
    return replace(response, status=NO_RESPONSE, body=b"", delivery=delivery)


def _page(response: HttpResponse, status: HTTPStatus, title: str) -> HttpResponse:
    body = f"<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center></body></html>"
    # A page is sent by a gateway in front of the venue, without the venue's headers.
    return replace(response, status=status.value, body=body.encode(), headers={}, content_type=_HTML)


_RESPONSE_CHANGES: Mapping[FaultKind, Callable[[HttpResponse], HttpResponse]] = MappingProxyType(
    {
        FaultKind.RESET_BEFORE: lambda response: _unsent(response, Delivery.RESET),
        FaultKind.RESET_AFTER: lambda response: _unsent(response, Delivery.RESET),
        FaultKind.STALL_BEFORE: lambda response: _unsent(response, Delivery.HELD),
        FaultKind.STALL_AFTER: lambda response: _unsent(response, Delivery.HELD),
        # Half of a JSON object is never valid JSON.
        FaultKind.TRUNCATED_JSON: lambda response: replace(
            response, status=HTTPStatus.OK.value, body=response.body[: len(response.body) // 2]
        ),
        FaultKind.HTML_200: lambda response: _page(response, HTTPStatus.OK, "Under maintenance"),
        FaultKind.HTML_502: lambda response: _page(response, HTTPStatus.BAD_GATEWAY, "502 Bad Gateway"),
        FaultKind.LATE: lambda response: _page(response, HTTPStatus.BAD_GATEWAY, "502 Bad Gateway"),
        FaultKind.UNAVAILABLE: lambda response: _page(
            response, HTTPStatus.SERVICE_UNAVAILABLE, "503 Service Temporarily Unavailable"
        ),
        FaultKind.EMPTY_BODY: lambda response: replace(response, status=HTTPStatus.OK.value, body=b""),
    }
)
