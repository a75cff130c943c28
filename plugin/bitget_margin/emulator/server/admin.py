"""HTTP interface to the control of the venue: plain JSON, for loopback clients only."""

import ipaddress
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from bitget_margin.emulator.behaviour.faults import FAULT_DURATION_MS, FaultRule, check_duration_ms
from bitget_margin.emulator.control import Control
from bitget_margin.emulator.errors import VenueError
from bitget_margin.emulator.market.decimals import write_decimal
from bitget_margin.emulator.market.orders import Order
from bitget_margin.emulator.messages import HttpRequest, HttpResponse, encode

ADMIN_PREFIX = "/admin/"
_UID = "uid"
_Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Action:
    """Action of the interface.

    :param run: returns the JSON content of the response, or the response itself
    :param optional: names of optional fields, None to leave the check of all names to `run`
    """

    run: Callable[[Control, _Fields], Any]
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] | None = ()


def handle_admin(control: Control, request: HttpRequest) -> HttpResponse:
    """Handle a request to the control of the venue."""
    if not _is_loopback(request.ip):
        return _respond(HTTPStatus.FORBIDDEN, {"error": "the admin interface answers loopback clients only"})
    action = _ACTIONS.get((request.method, request.path))
    if action is None:
        known = ", ".join(" ".join(route) for route in _ACTIONS)
        return _respond(HTTPStatus.NOT_FOUND, {"error": f"no such action; there are {known}"})
    try:
        content = action.run(control, _read_fields(request, action))
    except (ValueError, VenueError) as error:
        return _respond(HTTPStatus.BAD_REQUEST, {"error": str(error)})
    return content if isinstance(content, HttpResponse) else _respond(HTTPStatus.OK, content)


def _set_price(control: Control, given: _Fields) -> _Fields:
    control.set_price(given["symbol"], given["price"], given.get("liquidity"))
    return {}


def _reset_knobs(control: Control, given: _Fields) -> _Fields:
    control.reset_knobs(given[_UID])
    return asdict(control.knobs())


def _faults(control: Control, given: _Fields) -> list[_Fields]:
    return [asdict(rule) for rule in (control.faults_of(given[_UID]) if _UID in given else control.faults)]


def _clear_faults(control: Control, given: _Fields) -> list[_Fields]:
    control.clear_faults(given.get(_UID))
    return _faults(control, {})


def _refuse(_control: Control, given: _Fields) -> HttpResponse:
    duration_ms = given.get("duration_ms", FAULT_DURATION_MS)
    check_duration_ms(duration_ms)
    # The server refuses connections once this response is sent.
    return replace(_respond(HTTPStatus.OK, {}), refuse_ms=duration_ms)


def _requests(control: Control, given: _Fields) -> list[_Fields]:
    return [asdict(record) for record in (control.requests_of(given[_UID]) if _UID in given else control.requests)]


_ACTIONS: Mapping[tuple[str, str], _Action] = {
    ("POST", f"{ADMIN_PREFIX}price"): _Action(_set_price, ("symbol", "price"), ("liquidity",)),
    ("POST", f"{ADMIN_PREFIX}fill"): _Action(
        lambda control, given: _order_fields(control.fill(given["orderId"], given.get("amount"))),
        ("orderId",),
        ("amount",),
    ),
    ("POST", f"{ADMIN_PREFIX}cancel"): _Action(
        lambda control, given: _order_fields(control.cancel(given["orderId"])), ("orderId",)
    ),
    ("POST", f"{ADMIN_PREFIX}knobs"): _Action(lambda control, given: asdict(control.knobs(**given)), optional=None),
    ("POST", f"{ADMIN_PREFIX}knobs/reset"): _Action(_reset_knobs, (_UID,)),
    ("POST", f"{ADMIN_PREFIX}faults"): _Action(
        lambda control, given: asdict(control.add_fault(**given)),
        ("kind",),
        tuple(field.name for field in fields(FaultRule) if field.name != "kind"),
    ),
    ("POST", f"{ADMIN_PREFIX}faults/clear"): _Action(_clear_faults, optional=(_UID,)),
    ("POST", f"{ADMIN_PREFIX}refuse"): _Action(_refuse, optional=("duration_ms",)),
    ("GET", f"{ADMIN_PREFIX}knobs"): _Action(
        lambda control, given: asdict(control.knobs(given.get(_UID))), optional=(_UID,)
    ),
    ("GET", f"{ADMIN_PREFIX}faults"): _Action(_faults, optional=(_UID,)),
    ("GET", f"{ADMIN_PREFIX}orders"): _Action(
        lambda control, given: [_order_fields(order) for order in control.orders(given.get(_UID))], optional=(_UID,)
    ),
    ("GET", f"{ADMIN_PREFIX}requests"): _Action(_requests, optional=(_UID,)),
}


def _read_fields(request: HttpRequest, action: _Action) -> _Fields:
    given = dict(parse_qsl(request.query)) if request.method != "POST" else _read_json(request)
    missing = [name for name in action.required if given.get(name) is None]
    if missing:
        raise ValueError(f"missing: {', '.join(missing)}")
    if action.optional is not None:
        known = (*action.required, *action.optional)
        unknown = sorted(given.keys() - {*known})
        if unknown:
            raise ValueError(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}")
    for name in ("symbol", "orderId", _UID):
        if name in given and not isinstance(given[name], str):
            raise ValueError(f"{name} must be text, not {given[name]!r}")
    return given


def _read_json(request: HttpRequest) -> _Fields:
    try:
        content = json.loads(request.body or b"", parse_float=Decimal)
    except (ValueError, RecursionError, ArithmeticError) as error:
        raise ValueError(f"the body is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise ValueError("the body must be a JSON object")  # noqa: TRY004 - it is the client's value that is wrong
    return content


def _order_fields(order: Order) -> _Fields:
    content = asdict(order)
    # Named as in the requests that take an order id.
    shown = {"orderId": content.pop("order_id"), **content}
    return {name: write_decimal(value) if isinstance(value, Decimal) else value for name, value in shown.items()}


def _is_loopback(ip: str) -> bool:
    try:
        return ipaddress.ip_address(ip).is_loopback
    except ValueError:
        return False


def _respond(status: HTTPStatus, content: Any) -> HttpResponse:
    return HttpResponse(status.value, encode(content))
