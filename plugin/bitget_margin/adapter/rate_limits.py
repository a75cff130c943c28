"""When a request may leave: its place in the window of this process, or in one that several processes share."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import partial
from http import HTTPStatus
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import ccxt

from bitget_margin.adapter.ccxt_types import MarginExchange
from bitget_margin.adapter.params import RATE_GATE, UID, shared_limiter_of
from bitget_margin.adapter.transport import monotonic_ms
from bitget_margin.core.effects import Fault, ReplyOrFault, Send
from bitget_margin.core.endpoints import Endpoint
from bitget_margin.rate_limit import LimiterDown, SharedLimiter, Slot, WhenDown
from bitget_margin.rate_limit.registry import _forget, window
from bitget_margin.rate_limit.window import PERIOD_MS, Window

_NO_TIME: Final = "no time was left before the deadline"
_NO_ROOM: Final = "the rate limit left no room before the deadline"
_AGAIN_MS: Final = 100.0
"""Between two looks at whether a store that failed may be asked again."""


class _Turn(Enum):
    """By which window a request leaves."""

    SHARED = "shared"
    """It has a place in the one that processes share."""
    ALONE = "alone"
    """It goes by the window of this process."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Let so much time pass."""

    ms: float


@dataclass(frozen=True, slots=True)
class Knock:
    """Ask a shared window, which blocks; what it raises, or GateDown where it takes longer, is the answer too."""

    ask: Callable[[], Slot | None]
    allowed_ms: float


Step: TypeAlias = Pause | Knock
Departure: TypeAlias = Generator[Step, object, Fault | None]


def acquire(exchange: MarginExchange, send: Send) -> Departure:
    """Wait until the request may leave, and note that it does; return the fault if it does not before its time is up.

    The drivers do what is yielded. Closed early, it gives its place in the window of this process back; one in a shared
    window that was given ahead of time is lost until then.
    """
    if (now := monotonic_ms()) >= send.deadline_ms:
        return unsent_fault(exchange, send, _NO_TIME)
    if not exchange.enableRateLimit:
        _leave(send, now)
        return None
    gate = shared_limiter_of(exchange)
    shared = _Turn.ALONE if gate is None else (yield from _shared(exchange, send, gate))
    if isinstance(shared, Fault):
        return shared
    window = window_of(exchange, send.call.endpoint)
    now = monotonic_ms()
    # Where the store fails next, the window of this process knows what has left.
    at_ms = window.record_slot(now) if shared is _Turn.SHARED else window.reserve(now, send.deadline_ms)
    if at_ms is None:
        return unsent_fault(exchange, send, _NO_ROOM)
    try:
        while (now := monotonic_ms()) < send.deadline_ms:
            until_ms: float | None = at_ms if at_ms > now else window.start(now)
            if until_ms is None:
                send.slot_ms = at_ms
                _leave(send, now)
                return None
            yield Pause(min(until_ms, send.deadline_ms) - now)
    except BaseException:
        window.release(at_ms)
        raise
    window.release(at_ms)
    return unsent_fault(exchange, send, _NO_ROOM)


def record_reply(exchange: MarginExchange, send: Send, reply: ReplyOrFault) -> None:
    """Note that the request has been answered, and so had arrived; or that it never found a connection."""
    if not exchange.enableRateLimit or send.left_ms is None:
        return
    window = window_of(exchange, send.call.endpoint)
    if isinstance(reply, Fault) and not reply.sent:
        window.withdraw(send.slot_ms, send.left_ms)
    else:
        window.record_arrival(send.left_ms, monotonic_ms())


def unsent_fault(exchange: MarginExchange, send: Send, why: str) -> Fault:
    """Return the fault of a request that certainly never left."""
    error = ccxt.RequestTimeout(f"{exchange.id} {send.call.endpoint.path} was not sent: {why}")
    return Fault(error, text=why, sent=False)


def _shared(exchange: MarginExchange, send: Send, gate: SharedLimiter) -> Generator[Step, object, Fault | _Turn]:
    """Wait for a place in a shared window, or find out that there is none."""
    name = shared_name(exchange, send.call.endpoint)
    why = _NO_ROOM
    while (left_ms := send.deadline_ms - monotonic_ms()) > 0:
        answer: object = LimiterDown("it has just failed")
        if not gate.in_backoff():
            ask = partial(gate.reserve, name, send.call.endpoint.per_second, PERIOD_MS, left_ms)
            answer = yield Knock(ask, min(gate.timeout_ms, left_ms))
            if isinstance(answer, Exception):
                gate.record_failure(answer)
            else:
                gate.record_success()
        if isinstance(answer, Exception):
            if send.is_cancel:
                return _Turn.ALONE
            why = f"the shared rate window {gate.url} cannot be asked ({answer})"
            if gate.when_down is WhenDown.FAIL:
                break
            yield Pause(min(_AGAIN_MS, left_ms))
        elif isinstance(answer, Slot):
            yield Pause(answer.wait_ms)
            if answer.kept:
                return _Turn.SHARED
        else:
            break
    return unsent_fault(exchange, send, why)


def _leave(send: Send, now: float) -> None:
    send.started, send.left_ms = True, now


QUOTA_HEADER: Final = "x-mbx-used-remain-limit"
"""How many requests to this endpoint are left: https://www.bitget.com/api-doc/common/faq, question 11."""
_ENDPOINTS: Final = {f"/api/{endpoint.path}": endpoint for endpoint in Endpoint}
_logger: Final = logging.getLogger("bitget_margin.windows")

_uids: Final[dict[str, str]] = {}
"""What the venue has said of whose account it is, by the name that goes by the key."""


def window_of(exchange: MarginExchange, endpoint: Endpoint) -> Window:
    """Return the window that counts for an exchange object."""
    return window(_account(exchange), endpoint)


def shared_name(exchange: MarginExchange, endpoint: Endpoint) -> str:
    """Return the name of the window among processes."""
    return f"{_account(exchange)} {endpoint.path}"


def account_name(uid: object, api_key: object, url: object) -> str:
    """Name the account whose window counts: its UID, else a hash of its key; `url` keeps venues apart."""
    who = f"uid {uid}" if uid else hashlib.sha256(str(api_key).encode()).hexdigest()
    return f"{url} {who}"


def learn_quota(exchange: MarginExchange, status: int, url: object, headers: object) -> None:
    """Take in what an answer says of the quota: the only sign of other programs on the account.

    :param status: the HTTP status of the answer
    :param url: of the request
    :param headers: of the answer
    """
    endpoint = _ENDPOINTS.get(urlsplit(url).path) if isinstance(url, str) else None
    if endpoint is None or not exchange.enableRateLimit:
        return
    refused = status == HTTPStatus.TOO_MANY_REQUESTS
    left = 0 if refused else _left(headers)
    # What processes take of a window that they share, its store knows better.
    if left is None or (not refused and exchange.options.get(RATE_GATE) is not None):
        return
    strangers = window_of(exchange, endpoint).record_quota(left, monotonic_ms())
    if refused:
        _logger.warning("%s: the venue's rate limit is used up; %d requests were not ours", endpoint.path, strangers)
    elif strangers:
        _logger.info("%s: %d requests were not ours, %d are left", endpoint.path, strangers, left)


def known_uid(exchange: MarginExchange) -> str | None:
    """Return the UID that this process has learned for the key."""
    return _uids.get(_account(exchange))


def learn_uid(exchange: MarginExchange, uid: str) -> None:
    """Remember the UID, for every exchange object with this key."""
    _uids[_account(exchange)] = uid
    exchange.options[UID] = uid


def _left(headers: object) -> int | None:
    if not isinstance(headers, Mapping):
        return None
    value: Any = next((value for name, value in headers.items() if str(name).lower() == QUOTA_HEADER), None)
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else None


def _account(exchange: MarginExchange) -> str:
    return account_name(exchange.options.get(UID), exchange.apiKey, exchange.urls["api"]["margin"])


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
