"""What a fault does to the result of a request, and to the answer that carries it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from .faults import FaultKind, FaultRule
from .message import NO_ANSWER, Answer, Delivery
from .order import Status
from .rows import Row

#: The ids of an order that nobody placed and of a trade that never was: below those of every run of the venue.
UNASKED_ORDER_ID = "1000000000000000007"
UNASKED_CLIENT_ID = "nobody-asked"
UNASKED_TRADE_ID = "1000000000000000008"

_HTML = "text/html"
_ORDER_ID = "orderId"
_SYMBOL = "symbol"
_FAILURES = "failureList"
_UNASKED_ORDER: Row = {_ORDER_ID: UNASKED_ORDER_ID, "clientOid": UNASKED_CLIENT_ID}
_UNASKED_IDS: Row = _UNASKED_ORDER | {
    "tradeId": UNASKED_TRADE_ID,
    "execId": UNASKED_TRADE_ID,
    "execLinkId": UNASKED_TRADE_ID,
}
_STATUSES = ("status", "orderStatus")
_OTHER_SYMBOLS = ("ETHUSDT", "BTCUSDT")


def spoiled(fault: FaultRule, data: Any) -> Any:
    """Return the result of a request as it is sent under a fault."""
    spoil = _SPOILS.get(fault.kind)
    return data if spoil is None else spoil(data)


def disguised(fault: FaultRule, answer: Answer) -> Answer:
    """Return what is sent instead of an answer under a fault."""
    if fault.kind is FaultKind.SLOW_BYTES:
        return replace(answer, trickle_ms=fault.duration_ms)
    if fault.kind is FaultKind.REFUSE:
        return replace(_unanswered(answer, Delivery.RESET), refuse_ms=fault.duration_ms)
    disguise = _DISGUISES.get(fault.kind)
    return answer if disguise is None else disguise(answer)


def _with_lists(data: Any, change: Callable[[str, list[Any]], Any]) -> Any:
    """Return data with its lists of rows changed; the name of a list that is all of the data is empty."""
    if isinstance(data, list):
        return change("", data)
    if not isinstance(data, dict) or _ORDER_ID in data:  # an order may have lists, but none of them has orders
        return data
    return {name: change(name, value) if isinstance(value, list) else value for name, value in data.items()}


def _unask(data: Any) -> Any:
    return _with_lists(data, lambda name, rows: rows if name == _FAILURES else [*rows, *_unasked(rows)])


def _unasked(rows: list[Any]) -> list[Row]:
    """Return a row like the first one, but of an order that nobody placed; none for lists of something else."""
    if not rows:
        return [_UNASKED_ORDER]
    ids = {name: value for name, value in _UNASKED_IDS.items() if name in rows[0]}
    return [rows[0] | ids] if ids else []


def _twice(data: Any) -> Any:
    return _with_lists(data, lambda _, rows: [row for row in rows for _ in range(2)])


def _misplace(data: Any) -> Any:
    return _with_lists(_misplaced(data), lambda _, rows: [_misplaced(row) for row in rows])


def _misplaced(row: Any) -> Any:
    """Return the row of an order with another symbol and as cancelled; anything else stays as it is."""
    if not isinstance(row, dict) or not {_ORDER_ID, _SYMBOL} <= row.keys():
        return row
    symbol = next(other for other in _OTHER_SYMBOLS if other != row[_SYMBOL])
    return row | {_SYMBOL: symbol} | {name: Status.CANCELLED.value for name in _STATUSES if name in row}


_SPOILS: Mapping[FaultKind, Callable[[Any], Any]] = MappingProxyType(
    {
        FaultKind.NULL_DATA: lambda _: None,
        FaultKind.NULL_LISTS: lambda data: _with_lists(data, lambda *_: None),
        FaultKind.MISSING_LISTS: lambda _: {},
        FaultKind.UNASKED_IDS: _unask,
        FaultKind.TWICE: _twice,
        FaultKind.WRONG_SYMBOL: _misplace,
    }
)


def _unanswered(answer: Answer, delivery: Delivery) -> Answer:
    return replace(answer, status=NO_ANSWER, body=b"", delivery=delivery)


def _cut(answer: Answer) -> Answer:
    # Half of an object is never an object, whatever it holds.
    return replace(answer, status=HTTPStatus.OK.value, body=answer.body[: len(answer.body) // 2])


def _page(answer: Answer, status: HTTPStatus, title: str) -> Answer:
    body = f"<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center></body></html>"
    # A page comes from something in front of the venue, which knows nothing of the venue's headers.
    return replace(answer, status=status.value, body=body.encode(), headers={}, content_type=_HTML)


_DISGUISES: Mapping[FaultKind, Callable[[Answer], Answer]] = MappingProxyType(
    {
        FaultKind.RESET_BEFORE: lambda answer: _unanswered(answer, Delivery.RESET),
        FaultKind.RESET_AFTER: lambda answer: _unanswered(answer, Delivery.RESET),
        FaultKind.STALL_BEFORE: lambda answer: _unanswered(answer, Delivery.HELD),
        FaultKind.STALL_AFTER: lambda answer: _unanswered(answer, Delivery.HELD),
        FaultKind.TRUNCATED_JSON: _cut,
        FaultKind.HTML_200: lambda answer: _page(answer, HTTPStatus.OK, "Under maintenance"),
        FaultKind.HTML_502: lambda answer: _page(answer, HTTPStatus.BAD_GATEWAY, "502 Bad Gateway"),
        FaultKind.UNAVAILABLE: lambda answer: _page(
            answer, HTTPStatus.SERVICE_UNAVAILABLE, "503 Service Temporarily Unavailable"
        ),
        FaultKind.EMPTY_BODY: lambda answer: replace(answer, status=HTTPStatus.OK.value, body=b""),
    }
)
