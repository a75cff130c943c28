"""Requests through ccxt, for both drivers: parameters, time limits and faults without a response."""

import threading
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

import ccxt

from bitget_margin.adapter.ccxt_types import MarginExchange
from bitget_margin.core.effects import Fault, Send
from bitget_margin.core.endpoints import AccountKind

LIST: Final = "bitget_margin_list"
"""Parameter with a list that is the whole body of a request: ccxt accepts only a dict."""
PACED: Final = ContextVar("PACED", default=False)
"""Whether the current request has waited for its own rate window, so that ccxt's pacing is skipped."""
_CHANGE: Final[ContextVar["AwaitedChange | None"]] = ContextVar("_CHANGE", default=None)
"""The change that the current requests make, if somebody waits for it to be sent."""
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


class AwaitedChange:
    """Requests that change something, for a thread that asks for their effect.

    It asks once the first of them is sent: threads do not run in the order of their begin.
    """

    def __init__(self) -> None:
        self._is_sent = False
        self._is_known = threading.Event()

    def note_sent(self) -> None:
        """Note that a request is being sent."""
        self._is_sent = True
        self._is_known.set()

    def wait(self, seconds: float) -> bool:
        """Wait until a request is sent, or until it is known that none will be, this long at most.

        :returns: whether one was sent
        """
        self._is_known.wait(seconds)
        return self._is_sent

    @contextmanager
    def made_here(self) -> Iterator[None]:
        """Let the requests of this block, also those of its threads, be the ones that make this change."""
        token = _CHANGE.set(self)
        try:
            yield
        finally:
            _CHANGE.reset(token)
            self._is_known.set()


def note_change_sent() -> None:
    """Note that a request that changes something is being sent."""
    change = _CHANGE.get()
    if change is not None:
        change.note_sent()


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
