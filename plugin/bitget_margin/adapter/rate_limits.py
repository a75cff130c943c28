"""Rate limiting of signed requests, by a window of this process or one shared with other processes."""

import hashlib
import logging
from functools import partial
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import ccxt

from bitget_margin.adapter import round_trips
from bitget_margin.adapter.ccxt_types import MarginExchange
from bitget_margin.adapter.params import RATE_GATE, UID, shared_limiter_of
from bitget_margin.adapter.transport import header, monotonic_ms
from bitget_margin.core.effects import Block, Fault, Flow, ReplyOrFault, Send, TimeUp, Wait
from bitget_margin.core.endpoints import Endpoint
from bitget_margin.rate_limit import LimiterDown, SharedLimiter, Slot, WhenDown
from bitget_margin.rate_limit.registry import rename, window_for
from bitget_margin.rate_limit.window import PERIOD_MS, Window

QUOTA_HEADER: Final = "x-mbx-used-remain-limit"
"""Remaining requests to this endpoint: https://www.bitget.com/api-doc/common/faq, question 11."""
_NO_TIME: Final = "no time was left before the deadline"
_NO_SLOT: Final = "the rate limit left no room before the deadline"
_RETRY_MS: Final = 100.0
"""Pause between two checks whether a store that failed may be tried again."""
_STORE_SHARE: Final = 0.25
"""Part of its time that a request waits for the store, where it leaves without it in the end."""
_ENDPOINTS: Final = {f"/api/{endpoint.path}": endpoint for endpoint in Endpoint}
_logger: Final = logging.getLogger("bitget_margin.windows")

_uids: Final[dict[str, str]] = {}
"""UIDs that the venue has reported, by the account name that is derived from the key."""


def acquire(exchange: MarginExchange, send: Send) -> Flow[Fault | None]:
    """Wait until the request may leave and record its departure; return a fault after its deadline.

    Closed early, it releases its slot in the window of this process; one that a shared window reserved ahead is lost.
    """
    if (now_ms := monotonic_ms()) >= send.deadline_ms:
        return unsent_fault(exchange, send, _NO_TIME)
    if not exchange.enableRateLimit:
        _record_departure(send, now_ms)
        return None
    limiter = None if send.call.endpoint.is_public else shared_limiter_of(exchange)
    granted = limiter is not None and (yield from _acquire_shared(exchange, send, limiter))
    if isinstance(granted, Fault):
        return granted
    window = window_of(exchange, send.call.endpoint)
    now_ms = monotonic_ms()
    # Shared slots are recorded here too: the window of this process takes over when the store fails.
    at_ms = window.record_slot(now_ms) if granted else window.reserve(now_ms, send.deadline_ms)
    if at_ms is None:
        return unsent_fault(exchange, send, _NO_SLOT)
    try:
        while (now_ms := monotonic_ms()) < send.deadline_ms:
            until_ms = at_ms if at_ms > now_ms else window.start(now_ms)
            if until_ms is None:
                send.slot_ms = at_ms
                _record_departure(send, now_ms)
                return None
            yield Wait(min(until_ms, send.deadline_ms))
    except BaseException:
        window.release(at_ms)
        raise
    window.release(at_ms)
    return unsent_fault(exchange, send, _NO_SLOT)


def _acquire_shared(exchange: MarginExchange, send: Send, limiter: SharedLimiter) -> Flow[Fault | bool]:
    """Wait for a slot in a shared window; return whether one was granted, or the fault of the request.

    False while the store is down, for queries and urgent requests: the window of this process then decides.
    """
    endpoint = send.call.endpoint
    why = _NO_SLOT
    is_free = send.urgent or endpoint.is_read
    while (left_ms := send.deadline_ms - monotonic_ms()) > 0:
        allowed_ms = min(limiter.timeout_ms, left_ms * _STORE_SHARE if is_free else left_ms)
        slot = yield from _reserve_shared(limiter, shared_name(exchange, endpoint), send, left_ms, allowed_ms)
        if isinstance(slot, Slot):
            yield Wait(monotonic_ms() + slot.wait_ms)
            if slot.kept:
                return True
            continue
        if slot is None:
            break
        if is_free:
            return False
        why = f"the shared rate window {limiter.url} is down ({slot})"
        if limiter.when_down is WhenDown.FAIL:
            break
        yield Wait(monotonic_ms() + min(_RETRY_MS, left_ms))
    return unsent_fault(exchange, send, why)


def _reserve_shared(
    limiter: SharedLimiter, name: str, send: Send, left_ms: float, allowed_ms: float
) -> Flow[Slot | Exception | None]:
    """Request one slot from the store; None if there is none in time, an exception if the store is down."""
    if not limiter.may_try():
        return LimiterDown(f"it has just failed: {limiter.failure}")
    limit = send.call.endpoint.per_second
    try:
        slot: Slot | None = yield Block(partial(limiter.reserve, name, limit, PERIOD_MS, left_ms), allowed_ms)
    except Exception as error:  # noqa: BLE001 - a store that fails must not cost an order its cancel
        failure = LimiterDown(f"no response within {allowed_ms:.0f} ms") if isinstance(error, TimeUp) else error
        limiter.record_failure(failure)
        return failure
    limiter.record_success()
    return slot


def record_reply(exchange: MarginExchange, send: Send, reply: ReplyOrFault, came_ms: float | None = None) -> None:
    """Record the round trip of a request, and that it had arrived, or that it never found a connection.

    :param came_ms: time at which the reply came; now if not given
    """
    if send.left_ms is None:
        return
    came_ms = monotonic_ms() if came_ms is None else came_ms
    if not send.call.endpoint.is_public and (not isinstance(reply, Fault) or reply.sent):
        round_trips.record(exchange, came_ms - send.left_ms)
    if not exchange.enableRateLimit:
        return
    window = window_of(exchange, send.call.endpoint)
    if isinstance(reply, Fault) and not reply.sent:
        window.withdraw(send.slot_ms, send.left_ms)
    else:
        window.record_arrival(send.left_ms, came_ms)


def unsent_fault(exchange: MarginExchange, send: Send, why: str) -> Fault:
    """Return the fault of a request that certainly never left."""
    error = ccxt.RequestTimeout(f"{exchange.id} {send.call.endpoint.path} was not sent: {why}")
    return Fault(error, text=why, sent=False)


def window_of(exchange: MarginExchange, endpoint: Endpoint) -> Window:
    """Return the window of this process for an endpoint of the exchange object's account."""
    return window_for(_account(exchange), endpoint.path, endpoint.per_second)


def shared_name(exchange: MarginExchange, endpoint: Endpoint) -> str:
    """Return the name of the window that processes share."""
    return f"{_account(exchange)} {endpoint.path}"


def account_name(uid: object, api_key: object, url: object) -> str:
    """Return the account's name for rate windows: its UID, else a hash of its key; `url` separates venues."""
    account = f"uid {uid}" if uid else hashlib.sha256(str(api_key).encode()).hexdigest()
    return f"{url} {account}"


def learn_quota(exchange: MarginExchange, status: int, url: object, headers: object, *, counted: bool) -> None:
    """Count requests of other programs on the account, from the remaining quota in a response.

    :param counted: whether the request has waited for its window; one of ccxt's own methods is counted here
    :param status: HTTP status of the response
    :param url: URL of the request
    :param headers: headers of the response
    """
    endpoint = _ENDPOINTS.get(urlsplit(url).path) if isinstance(url, str) else None
    if endpoint is None or not exchange.enableRateLimit:
        return
    refused = status == HTTPStatus.TOO_MANY_REQUESTS
    remaining = 0 if refused else _remaining(headers)
    if remaining is None or (not refused and _store_counts(exchange)):
        return
    window, now_ms = window_of(exchange, endpoint), monotonic_ms()
    if not counted and not refused:
        window.record_uncounted(now_ms)
    foreign = window.record_quota(remaining, now_ms, ours=0 if refused else 1)
    if refused:
        _logger.warning("%s: the rate limit is used up; %d requests were of other programs", endpoint.path, foreign)
    elif foreign:
        _logger.info("%s: %d requests were of other programs, %d are left", endpoint.path, foreign, remaining)


def _store_counts(exchange: MarginExchange) -> bool:
    """Whether the store of a shared window counts what the processes that share it use."""
    if exchange.options.get(RATE_GATE) is None:
        return False
    try:
        limiter = shared_limiter_of(exchange)
    except ccxt.BadRequest:
        return True  # a response has come: nothing may fail after it
    return limiter is not None and not limiter.is_down


def known_uid(exchange: MarginExchange) -> str | None:
    """Return the UID that this process has learned for the key."""
    return _uids.get(_account(exchange))


def learn_uid(exchange: MarginExchange, uid: str) -> None:
    """Store the UID for every exchange object with this key; the windows of the key go on as those of the account."""
    account = _account(exchange)
    _uids[account] = uid
    exchange.options[UID] = uid
    rename(account, _account(exchange))


def _record_departure(send: Send, now_ms: float) -> None:
    send.started, send.left_ms = True, now_ms


def _remaining(headers: object) -> int | None:
    value = header(headers, QUOTA_HEADER)
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else None


def _account(exchange: MarginExchange) -> str:
    return account_name(exchange.options.get(UID), exchange.apiKey, exchange.urls["api"]["margin"])
