"""The owner's HTTP interface: plain JSON, for loopback clients only."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from dataclasses import fields as dataclass_fields
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from bitget_margin.emulator.behaviour.faults import FAULT_DURATION_MS, FaultRule, check_duration_ms
from bitget_margin.emulator.control import Control
from bitget_margin.emulator.errors import VenueError
from bitget_margin.emulator.market.decimals import write_decimal
from bitget_margin.emulator.market.order import Order
from bitget_margin.emulator.messages import HttpRequest, HttpResponse, encode

ADMIN_PREFIX = "/admin/"
_UID = "uid"
_Fields = dict[str, Any]


def handle_admin(owner: Control, request: HttpRequest) -> HttpResponse:
    """Answer a request of the owner."""
    if not _is_loopback(request.ip):
        return _answer(HTTPStatus.FORBIDDEN, {"error": "the admin interface answers loopback clients only"})
    action = _ACTIONS.get((request.method, request.path))
    if action is None:
        known = ", ".join(" ".join(route) for route in _ACTIONS)
        return _answer(HTTPStatus.NOT_FOUND, {"error": f"no such action; there are {known}"})
    try:
        content = action(owner, _read_fields(request))
    except (ValueError, VenueError) as error:
        return _answer(HTTPStatus.BAD_REQUEST, {"error": str(error)})
    return content if isinstance(content, HttpResponse) else _answer(HTTPStatus.OK, content)


def _price(owner: Control, fields: _Fields) -> _Fields:
    _check(fields, required=("symbol", "price"), optional=("liquidity",))
    owner.set_price(fields["symbol"], fields["price"], fields.get("liquidity"))
    return {}


def _fill(owner: Control, fields: _Fields) -> _Fields:
    _check(fields, required=("orderId",), optional=("amount",))
    return _order_fields(owner.fill(fields["orderId"], fields.get("amount")))


def _cancel(owner: Control, fields: _Fields) -> _Fields:
    _check(fields, required=("orderId",))
    return _order_fields(owner.cancel(fields["orderId"]))


def _change_knobs(owner: Control, fields: _Fields) -> _Fields:
    _check_texts(fields)
    return asdict(owner.knobs(**fields))


def _show_knobs(owner: Control, fields: _Fields) -> _Fields:
    _check(fields, optional=(_UID,))
    return asdict(owner.knobs(fields.get(_UID)))


def _reset_knobs(owner: Control, fields: _Fields) -> _Fields:
    _check(fields, required=(_UID,))
    owner.reset_knobs(fields[_UID])
    return asdict(owner.knobs())


def _add_fault(owner: Control, fields: _Fields) -> _Fields:
    names = [field.name for field in dataclass_fields(FaultRule)]
    _check(fields, required=("kind",), optional=tuple(name for name in names if name != "kind"))
    return asdict(owner.add_fault(**fields))


def _show_faults(owner: Control, _fields: _Fields) -> list[_Fields]:
    return [asdict(rule) for rule in owner.faults]


def _clear_faults(owner: Control, fields: _Fields) -> list[_Fields]:
    _check(fields, optional=(_UID,))
    owner.clear_faults(fields.get(_UID))
    return _show_faults(owner, fields)


def _refuse(_owner: Control, fields: _Fields) -> HttpResponse:
    _check(fields, optional=("duration_ms",))
    duration_ms = fields.get("duration_ms", FAULT_DURATION_MS)
    check_duration_ms(duration_ms)
    # The server refuses once this answer is out.
    return replace(_answer(HTTPStatus.OK, {}), refuse_ms=duration_ms)


def _orders(owner: Control, fields: _Fields) -> list[_Fields]:
    _check(fields, optional=(_UID,))
    return [_order_fields(order) for order in owner.orders(fields.get(_UID))]


def _requests(owner: Control, fields: _Fields) -> list[_Fields]:
    _check(fields, optional=(_UID,))
    records = owner.requests_of(fields[_UID]) if _UID in fields else owner.requests
    return [asdict(record) for record in records]


_ACTIONS: Mapping[tuple[str, str], Callable[[Control, _Fields], Any]] = {
    ("POST", f"{ADMIN_PREFIX}price"): _price,
    ("POST", f"{ADMIN_PREFIX}fill"): _fill,
    ("POST", f"{ADMIN_PREFIX}cancel"): _cancel,
    ("POST", f"{ADMIN_PREFIX}knobs"): _change_knobs,
    ("POST", f"{ADMIN_PREFIX}knobs/reset"): _reset_knobs,
    ("POST", f"{ADMIN_PREFIX}faults"): _add_fault,
    ("POST", f"{ADMIN_PREFIX}faults/clear"): _clear_faults,
    ("POST", f"{ADMIN_PREFIX}refuse"): _refuse,
    ("GET", f"{ADMIN_PREFIX}knobs"): _show_knobs,
    ("GET", f"{ADMIN_PREFIX}faults"): _show_faults,
    ("GET", f"{ADMIN_PREFIX}orders"): _orders,
    ("GET", f"{ADMIN_PREFIX}requests"): _requests,
}


def _read_fields(request: HttpRequest) -> _Fields:
    if request.method != "POST":
        return dict(parse_qsl(request.query))
    try:
        fields = json.loads(request.body or b"", parse_float=Decimal)
    except (ValueError, RecursionError, ArithmeticError) as error:
        raise ValueError(f"the body is not JSON: {error}") from None
    if not isinstance(fields, dict):
        raise ValueError("the body must be a JSON object")  # noqa: TRY004 - it is the client's value that is wrong
    return fields


def _check(fields: _Fields, *, required: tuple[str, ...] = (), optional: tuple[str, ...] = ()) -> None:
    missing = [name for name in required if fields.get(name) is None]
    if missing:
        raise ValueError(f"missing: {', '.join(missing)}")
    unknown = sorted(fields.keys() - {*required, *optional})
    if unknown:
        raise ValueError(f"unknown: {', '.join(unknown)}; there are {', '.join((*required, *optional))}")
    _check_texts(fields)


def _check_texts(fields: _Fields) -> None:
    for name in ("symbol", "orderId", _UID):
        if name in fields and not isinstance(fields[name], str):
            raise ValueError(f"{name} must be text, not {fields[name]!r}")


def _order_fields(order: Order) -> _Fields:
    fields = asdict(order)
    # Named as the calls that take it name it.
    shown = {"orderId": fields.pop("order_id"), **fields}
    return {name: write_decimal(value) if isinstance(value, Decimal) else value for name, value in shown.items()}


def _is_loopback(ip: str) -> bool:
    try:
        return ipaddress.ip_address(ip).is_loopback
    except ValueError:
        return False


def _answer(status: HTTPStatus, content: Any) -> HttpResponse:
    return HttpResponse(status.value, encode(content))
