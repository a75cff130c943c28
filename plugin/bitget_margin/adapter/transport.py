"""Requests through ccxt, for both drivers: parameters, time limits and faults without a response."""

import time
from collections.abc import Generator, Mapping
from contextvars import ContextVar
from typing import Any, Final

import ccxt

from bitget_margin.adapter.awaited_change import note_change_sent
from bitget_margin.adapter.ccxt_types import MarginExchange
from bitget_margin.core.effects import Fault, Send
from bitget_margin.core.endpoints import AccountKind

LIST: Final = "bitget_margin_list"
"""Parameter with a list that is the whole body of a request: ccxt accepts only a dict."""
PACED: Final = ContextVar("PACED", default=False)
"""Whether the current request has waited for its own rate window, so that ccxt's pacing is skipped."""
_APIS: Final = {AccountKind.CLASSIC: "margin", AccountKind.UNIFIED: "uta"}
_COST: Final = {"cost": 2}


def allowed_ms(send: Send) -> float:
    """Return how long the request may take from now."""
    return min(send.request_ms, send.deadline_ms - monotonic_ms())


def request(exchange: Any, send: Send) -> Any:
    """Send the request through ccxt once; return its response, in the async flavour a coroutine.

    ccxt's own retries are off: only the flow decides whether to send again.
    """
    endpoint, params = send.call.endpoint, send.call.params
    if not endpoint.is_read:
        note_change_sent()
    body = params if isinstance(params, Mapping) else {LIST: params}
    named = {**body, "maxRetriesOnFailure": 0}
    api = ["public" if endpoint.is_public else "private", _APIS[endpoint.kind]]
    return exchange.request(endpoint.path, api, endpoint.method, named, config=_COST)


def timed_out(exchange: MarginExchange, send: Send, after_ms: float) -> Fault:
    """Return the fault of a request without a response in its time: it may have been executed."""
    message = f"{send.call.endpoint.path} did not respond within {after_ms:.0f} ms"
    return Fault(ccxt.RequestTimeout(f"{exchange.id} {message}"), text=message)


def no_markets(exchange: MarginExchange) -> ccxt.RequestTimeout:
    """Return the exception for markets that did not load within the time of the call: no order was touched."""
    return ccxt.RequestTimeout(f"{exchange.id}: the markets did not load in time; nothing else was sent")


def advance(flow: Generator[Any, Any, Any], value: Any, error: BaseException | None) -> Any:
    """Pass the result of the last effect to the flow and return its next effect."""
    return flow.send(value) if error is None else flow.throw(error)


def header(headers: object, name: str) -> Any:
    """Return the value of a response header; None if it is missing. `name` is in lower case."""
    if not isinstance(headers, Mapping):
        return None
    return next((value for key, value in headers.items() if str(key).lower() == name), None)


def monotonic_ms() -> float:
    """Return milliseconds of a clock that only moves forward."""
    return time.monotonic() * 1_000
