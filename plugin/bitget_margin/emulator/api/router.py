"""Router of the venue: a function from HTTP requests to responses, without a server."""

from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from typing import Any

from bitget_margin.emulator.api.auth import identify, verify
from bitget_margin.emulator.api.fault_responses import altered_data, altered_response, with_failed_items
from bitget_margin.emulator.api.params import Params
from bitget_margin.emulator.api.rate_limit import SlidingWindow, SlidingWindows
from bitget_margin.emulator.api.request import PrivateEndpoint, PrivateRequest, PublicRequest
from bitget_margin.emulator.api.v2.endpoints import PRIVATE_ENDPOINTS, PUBLIC_ENDPOINTS
from bitget_margin.emulator.api.v3.endpoints import (
    UNIFIED_ARRAYS,
    UNIFIED_BATCH_CANCEL,
    UNIFIED_PER_SECOND,
    UNIFIED_PREFIX,
    UNIFIED_PRIVATE_ENDPOINTS,
    UNIFIED_PUBLIC_ENDPOINTS,
    required_kind,
)
from bitget_margin.emulator.api.v3.errors import in_unified_terms
from bitget_margin.emulator.api.venue import Venue
from bitget_margin.emulator.behaviour.faults import FAULT_REFUSALS, FaultKind, FaultRule
from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.wallet import AccountKind
from bitget_margin.emulator.messages import HttpRequest, HttpResponse, RequestRecord, failure, success

PUBLIC_PER_SECOND = 20
PRIVATE_PER_SECOND = 10
REMAINING_HEADER = "x-mbx-used-remain-limit"
_BATCH_CANCELS = ("/batch-cancel-order", UNIFIED_BATCH_CANCEL)
_UNIFIED_PUBLIC = (f"{UNIFIED_PREFIX}market/", f"{UNIFIED_PREFIX}public/")
_PUBLIC = {**PUBLIC_ENDPOINTS, **UNIFIED_PUBLIC_ENDPOINTS}
_PRIVATE = {**PRIVATE_ENDPOINTS, **UNIFIED_PRIVATE_ENDPOINTS}
PATHS = tuple(dict.fromkeys(path for _, path in (*_PUBLIC, *_PRIVATE)))
"""Paths of all endpoints."""


@dataclass(slots=True)
class _Trace:
    """Facts about a request that are collected while it is handled.

    :param uid: the account, empty for public and unrecognised requests
    """

    uid: str = ""
    window: SlidingWindow | None = None
    fault: FaultRule | None = None
    executed: bool = False


class Router:
    """Handles requests: finds the endpoint, checks signature and rate limit, applies faults, keeps records."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._windows = SlidingWindows()
        self._cancels = SlidingWindows()

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Handle a request as the venue does; no request can raise an exception."""
        with self._venue.opened() as now_ms:
            trace = _Trace()
            response = self._respond(request, trace, now_ms)
            self._venue.requests.add(
                RequestRecord(
                    at_ms=now_ms,
                    uid=trace.uid,
                    method=request.method,
                    path=request.path,
                    query=request.query,
                    body=(request.body or b"").decode("utf-8", "replace"),
                    status=response.status,
                    executed=trace.executed,
                    fault=trace.fault.kind if trace.fault else None,
                )
            )
            return response

    def _respond(self, request: HttpRequest, trace: _Trace, now_ms: int) -> HttpResponse:
        error = None
        data: Any = None
        try:
            data = self._dispatch(request, trace, now_ms)
        except VenueError as refused:
            error = in_unified_terms(refused) if request.path.startswith(UNIFIED_PREFIX) else refused
        except Exception as bug:  # noqa: BLE001 - a bug of the emulator looks like one of the venue, and is recorded
            self._venue.errors.append(bug)
            error = VenueError(Refusal.SYSTEM_ERROR)
        knobs, batch = self._venue.knobs.of(trace.uid), request.path.endswith(_BATCH_CANCELS)
        if trace.fault is not None:
            error = _fault_error(trace.fault.kind, request.path, error)
            data = altered_data(trace.fault, data, request.path)
        response = HttpResponse(
            status=(error.refusal.status if error else HTTPStatus.OK).value,
            body=failure(error.refusal.code, error.text(knobs.language), now_ms) if error else success(data, now_ms),
            headers={REMAINING_HEADER: str(trace.window.left(now_ms))} if trace.window else {},
            delay_ms=knobs.latency_ms + (knobs.batch_cancel_stall_ms if batch else 0),
            trickle_ms=knobs.batch_cancel_trickle_ms if batch else 0,
        )
        return response if trace.fault is None else altered_response(trace.fault, response, now_ms)

    def _dispatch(self, request: HttpRequest, trace: _Trace, now_ms: int) -> Any:
        if request.body is None:
            raise VenueError(Refusal.BAD_BODY, "body")
        venue, path = self._venue, request.path
        route = (request.method, path)
        public = _PUBLIC.get(route)
        if public is not None:
            trace.window = window = self._windows.of(request.ip, path, PUBLIC_PER_SECOND)
            if not self._admit(window, path, trace, now_ms, public=True):
                return None
            data = public(PublicRequest(venue.engine, _params(request, request.body), now_ms))
            trace.executed = True
            return data
        private = _PRIVATE.get(route)
        if private is None and not _is_unified_private(path):
            raise VenueError(Refusal.UNKNOWN_URL)
        account = identify(venue.accounts_by_key, request)
        trace.uid = account.uid
        if account.kind is not required_kind(path):
            raise _wrong_kind(path)
        if private is None:
            raise VenueError(Refusal.UNKNOWN_URL)
        per_second = UNIFIED_PER_SECOND.get(path, PRIVATE_PER_SECOND)
        trace.window = window = self._windows.of(account.uid, path, per_second)
        verify(account, request, now_ms)
        if not self._admit(window, path, trace, now_ms, public=False):
            return None
        params = _params(request, request.body)
        parsed = PrivateRequest(venue.engine, params, now_ms, account, venue.knobs, self._cancels)
        return self._execute(private, parsed, trace, path)

    def _execute(self, endpoint: PrivateEndpoint, request: PrivateRequest, trace: _Trace, path: str) -> Any:
        """Execute a request once, or as its fault requires."""
        fault = trace.fault
        kind = None if fault is None else fault.kind
        if fault is not None and kind is FaultKind.LATE:
            self._venue.engine.at(request.now_ms + fault.duration_ms, partial(_attempt, endpoint, request))
            trace.executed = True
            return None
        if fault is not None and kind is FaultKind.ITEM_CODE_BEFORE:
            rest, failed = request.params.without_items(fault.items)
            data = None if rest is None else endpoint(replace(request, params=rest))
            trace.executed = rest is not None
            return with_failed_items(fault, data, failed, path)
        if kind is FaultKind.REPEAT:
            trace.executed = _attempt(endpoint, request, request.now_ms)
            if trace.window is not None and not trace.window.admit(request.now_ms):
                raise VenueError(Refusal.TOO_MANY_REQUESTS)
        data = endpoint(request)
        trace.executed = True
        return data

    def _admit(self, window: SlidingWindow, path: str, trace: _Trace, now_ms: int, *, public: bool) -> bool:
        """Count a request in its rate window, unless its fault prevents that; return whether it was counted.

        A request that the window refuses meets no fault, and one that a fault stops uses no room of the window.
        """
        if not window.left(now_ms):
            raise VenueError(Refusal.TOO_MANY_REQUESTS)
        trace.fault = self._venue.faults.draw(path, trace.uid, public=public)
        kind = None if trace.fault is None else trace.fault.kind
        # The items of a batch that remain are executed.
        return (kind is None or kind.executes or kind is FaultKind.ITEM_CODE_BEFORE) and window.admit(now_ms)


def _attempt(endpoint: PrivateEndpoint, request: PrivateRequest, now_ms: int) -> bool:
    """Execute a request without a response, and return whether it was executed."""
    try:
        endpoint(replace(request, now_ms=now_ms))
    except VenueError:
        return False
    return True


def _fault_error(kind: FaultKind, path: str, error: VenueError | None) -> VenueError | None:
    """Return the error of a request under a fault.

    :param error: its error without the fault
    """
    if kind in (FaultKind.OTHER_ANSWER, FaultKind.OTHER_ANSWER_BEFORE):
        return None  # the response is about another request, whatever the result of this one
    if kind is FaultKind.UNIFIED:
        return _wrong_kind(path)
    refusal = FAULT_REFUSALS.get(kind)
    return error if refusal is None else VenueError(refusal)


def _wrong_kind(path: str) -> VenueError:
    classic = required_kind(path) is AccountKind.UNIFIED
    return VenueError(Refusal.CLASSIC_ACCOUNT if classic else Refusal.UNIFIED_ACCOUNT)


def _params(request: HttpRequest, body: bytes) -> Params:
    if request.path in UNIFIED_ARRAYS:
        return Params.from_array(body)
    return Params.from_body(body) if request.method == "POST" else Params.from_query(request.query)


def _is_unified_private(path: str) -> bool:
    return path.startswith(UNIFIED_PREFIX) and not path.startswith(_UNIFIED_PUBLIC)
