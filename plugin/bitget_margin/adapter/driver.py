"""What the sync and the async driver share: how one request is paced, bounded and read."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, Final

import ccxt

from bitget_margin.adapter import windows
from bitget_margin.adapter.context import LIST
from bitget_margin.adapter.desk import now_ms
from bitget_margin.core.account import AccountKind
from bitget_margin.core.call import Fault, Reply, Send
from bitget_margin.core.window import Window

if TYPE_CHECKING:
    from bitget_margin.adapter.margin import CrossedMargin

_APIS: Final = {AccountKind.CLASSIC: ["private", "margin"], AccountKind.UNIFIED: ["private", "uta"]}
_COST: Final = {"cost": 2}


def departure_ms(exchange: CrossedMargin, send: Send) -> float | Fault:
    """Return when this request may leave, or the fault that it never left because its time is up before that."""
    now = now_ms()
    if now >= send.deadline_ms:
        return _unsent(exchange, send, "no time was left before the deadline")
    if not exchange.enableRateLimit:
        return now
    at_ms = _window(exchange, send).reserve(now, send.deadline_ms)
    if at_ms is None:
        return _unsent(exchange, send, "the rate limit left no room before the deadline")
    return at_ms


def pause_ms(exchange: CrossedMargin, send: Send, at_ms: float) -> float:
    """Return how long the request still has to wait for its place, and for what left before it to have arrived."""
    now = now_ms()
    ready_ms = _window(exchange, send).ready_ms(now) if exchange.enableRateLimit else now
    return min(max(at_ms, ready_ms), send.deadline_ms) - now


def leave(exchange: CrossedMargin, send: Send, at_ms: float) -> Fault | None:
    """Note that the request leaves; or return the fault that it does not, because its time is up by now."""
    now = now_ms()
    if now >= send.deadline_ms:
        stay(exchange, send, at_ms)
        return _unsent(exchange, send, "the rate limit left no room before the deadline")
    send.started, send.left_ms = True, now
    if exchange.enableRateLimit:
        _window(exchange, send).leave(now)
    return None


def answered(exchange: CrossedMargin, send: Send, at_ms: float, reply: Reply) -> None:
    """Note that the request has been answered, and so had arrived; or that it never found a connection."""
    if not exchange.enableRateLimit or send.left_ms is None:
        return
    if isinstance(reply, Fault) and not reply.sent:
        _window(exchange, send).unsent(at_ms, send.left_ms)
    else:
        _window(exchange, send).answered(send.left_ms, now_ms())


def stay(exchange: CrossedMargin, send: Send, at_ms: float) -> None:
    """Give the place in the window back: the call was interrupted before this request left."""
    if exchange.enableRateLimit:
        _window(exchange, send).give_back(at_ms)


def _window(exchange: CrossedMargin, send: Send) -> Window:
    url = exchange.urls["api"]["margin"]
    account = windows.account_name(exchange.options.get("uid"), exchange.apiKey, url)
    return windows.window(account, send.call.endpoint)


def allowed_ms(send: Send) -> float:
    """Return how long the request may take from now."""
    return min(send.request_ms, send.deadline_ms - now_ms())


def request(exchange: Any, send: Send) -> Any:
    """Start the request through ccxt: its answer, or in the async flavour the coroutine that brings it.

    Never repeated by ccxt itself: whether to send again is for the flow to decide.
    """
    endpoint, params = send.call.endpoint, send.call.params
    body = params if isinstance(params, Mapping) else {LIST: params}
    named = {**body, "maxRetriesOnFailure": 0}
    return exchange.request(endpoint.path, _APIS[endpoint.kind], endpoint.method, named, config=_COST)


def timed_out(exchange: CrossedMargin, send: Send, after_ms: float) -> Fault:
    """Return the fault of a request that was left alone because its time was up: it may have been executed."""
    path = send.call.endpoint.path
    said = f"{path} did not answer within {after_ms:.0f} ms"
    return Fault(ccxt.RequestTimeout(f"{exchange.id} {said}"), text=said)


def placed_too_slowly(exchange: CrossedMargin) -> Fault:
    """Return the fault of a placing that was left alone because its time was up."""
    return Fault(ccxt.RequestTimeout(f"{exchange.id} did not answer in time"))


def no_markets(exchange: CrossedMargin) -> ccxt.RequestTimeout:
    """Return the exception for markets that did not load within the time of the call: no order was touched."""
    return ccxt.RequestTimeout(f"{exchange.id}: the markets did not load in time; nothing else was sent")


def advance(flow: Generator[Any, Any, Any], value: Any, error: BaseException | None) -> Any:
    """Hand the flow what came of its last effect, and return the next one."""
    return flow.send(value) if error is None else flow.throw(error)


def _unsent(exchange: CrossedMargin, send: Send, why: str) -> Fault:
    error = ccxt.RequestTimeout(f"{exchange.id} {send.call.endpoint.path} was not sent: {why}")
    return Fault(error, text=why, sent=False)
