"""What the sync and the async driver share: how one request is paced, bounded and read."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from contextvars import ContextVar
from typing import Any, Final

import ccxt

from bitget_margin.adapter.ccxt_types import MarginExchange
from bitget_margin.core.effects import Fault, Send
from bitget_margin.core.endpoints import AccountKind

_APIS: Final = {AccountKind.CLASSIC: ["private", "margin"], AccountKind.UNIFIED: ["private", "uta"]}
_COST: Final = {"cost": 2}


def allowed_ms(send: Send) -> float:
    """Return how long the request may take from now."""
    return min(send.request_ms, send.deadline_ms - monotonic_ms())


def request(exchange: Any, send: Send) -> Any:
    """Start the request through ccxt: its answer, or in the async flavour the coroutine that brings it.

    Never repeated by ccxt itself: whether to send again is for the flow to decide.
    """
    endpoint, params = send.call.endpoint, send.call.params
    body = params if isinstance(params, Mapping) else {LIST: params}
    named = {**body, "maxRetriesOnFailure": 0}
    return exchange.request(endpoint.path, _APIS[endpoint.kind], endpoint.method, named, config=_COST)


def timed_out(exchange: MarginExchange, send: Send, after_ms: float) -> Fault:
    """Return the fault of a request that was left alone because its time was up: it may have been executed."""
    path = send.call.endpoint.path
    said = f"{path} did not answer within {after_ms:.0f} ms"
    return Fault(ccxt.RequestTimeout(f"{exchange.id} {said}"), text=said)


def no_markets(exchange: MarginExchange) -> ccxt.RequestTimeout:
    """Return the exception for markets that did not load within the time of the call: no order was touched."""
    return ccxt.RequestTimeout(f"{exchange.id}: the markets did not load in time; nothing else was sent")


def advance(flow: Generator[Any, Any, Any], value: Any, error: BaseException | None) -> Any:
    """Hand the flow what came of its last effect, and return the next one."""
    return flow.send(value) if error is None else flow.throw(error)


def monotonic_ms() -> float:
    """Return a time that only goes forward."""
    return time.monotonic() * 1_000


LIST: Final = "bitget_margin_list"
"""Under this name, parameters hold the list that is the whole body of a request: ccxt wants a dict, to look for options
of its own in it."""

PACED: Final = ContextVar("PACED", default=False)
"""Set while a request of ours goes through ccxt: it has waited for its own window, so ccxt's pacing is skipped."""
