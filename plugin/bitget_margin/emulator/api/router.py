"""The venue as a function from requests to answers, with no server around it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import localcontext
from functools import partial
from http import HTTPStatus
from typing import Any

from bitget_margin.emulator.api.auth import identify, verify
from bitget_margin.emulator.api.fault_responses import altered_data, altered_response, with_failed_items
from bitget_margin.emulator.api.order_feed import OrderFeed
from bitget_margin.emulator.api.parameters import Params
from bitget_margin.emulator.api.request import PrivateEndpoint, PrivateRequest, PublicRequest
from bitget_margin.emulator.api.sliding_window import SlidingWindow, SlidingWindows
from bitget_margin.emulator.api.v2.endpoints import PRIVATE_ENDPOINTS
from bitget_margin.emulator.api.v2.market_data import PUBLIC_ENDPOINTS
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
from bitget_margin.emulator.behaviour.faults import FAULT_REFUSALS, FaultBoard, FaultKind, FaultRule
from bitget_margin.emulator.behaviour.knobs import KnobBoard, KnobBoards, Knobs
from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.decimals import EXACT
from bitget_margin.emulator.market.engine import Engine
from bitget_margin.emulator.market.symbol import Symbol
from bitget_margin.emulator.market.wallet import Account, AccountKind
from bitget_margin.emulator.messages import HttpRequest, HttpResponse, RequestHistory, RequestRecord, failure, success

PUBLIC_PER_SECOND = 20
PRIVATE_PER_SECOND = 10
BATCH_CANCELS = ("/batch-cancel-order", UNIFIED_BATCH_CANCEL)
REMAINING_HEADER = "x-mbx-used-remain-limit"
REQUESTS_KEPT = 100_000
_UNIFIED_PUBLIC = (f"{UNIFIED_PREFIX}market/", f"{UNIFIED_PREFIX}public/")
_PUBLIC = {**PUBLIC_ENDPOINTS, **UNIFIED_PUBLIC_ENDPOINTS}
_PRIVATE = {**PRIVATE_ENDPOINTS, **UNIFIED_PRIVATE_ENDPOINTS}

#: Returns the time in ms since the epoch.
Clock = Callable[[], int]


@dataclass(slots=True)
class _Trace:
    """What was learned about a request before it succeeded or failed."""

    knobs: KnobBoard
    uid: str = ""
    window: SlidingWindow | None = None
    fault: FaultRule | None = None
    executed: bool = False


class Venue:
    """Accounts, trading floor, knobs and rate windows; every use of them goes through the lock."""

    def __init__(
        self, accounts: Sequence[Account], symbols: Sequence[Symbol], knobs: Knobs, clock: Clock, fault_seed: int
    ) -> None:
        _refuse_twins("account", [account.uid for account in accounts])
        _refuse_twins("account", [account.api_key for account in accounts])
        _refuse_twins("symbol", [symbol.symbol for symbol in symbols])
        self.accounts = tuple(accounts)
        self.knobs = KnobBoards(knobs)
        self.engine = Engine(symbols, accounts, clock(), lambda uid: self.knobs.of(uid).now.fees_in_bgb)
        self.feed = OrderFeed(self.engine.orders, self.knobs)
        self.faults = FaultBoard(fault_seed)
        self.records = RequestHistory(REQUESTS_KEPT)
        self.errors: list[Exception] = []
        self.paths = tuple(dict.fromkeys(path for _, path in (*_PUBLIC, *_PRIVATE)))
        self._accounts_by_key = {account.api_key: account for account in accounts}
        self._clock = clock
        self._lock = threading.RLock()
        self._windows = SlidingWindows()
        self._cancels = SlidingWindows()

    def turn(self, uid: str, kind: AccountKind) -> None:
        """Replace an account by the same one of another kind."""
        self.accounts = tuple(replace(known, kind=kind) if known.uid == uid else known for known in self.accounts)
        self._accounts_by_key = {account.api_key: account for account in self.accounts}

    @contextmanager
    def opened(self) -> Iterator[int]:
        """Give exclusive use of an up-to-date venue, with exact arithmetic, and the time in ms since the epoch."""
        with self._lock, localcontext(EXACT):
            now_ms = self._clock()
            self.engine.settle(now_ms)
            yield now_ms
            if self.engine.due_ms is not None:
                self.feed.announce(self.engine.due_ms, now_ms)

    def settle(self) -> None:
        """Do what is due, though nobody asks for anything."""
        with self.opened():
            pass

    def account_with(self, api_key: str) -> Account | None:
        """Return the account that has this key."""
        return self._accounts_by_key.get(api_key)

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer a request the way the venue does; nothing that arrives can raise an exception."""
        with self.opened() as now_ms:
            trace = _Trace(self.knobs.general)
            answer = self._answer(request, trace, now_ms)
            self.records.add(
                RequestRecord(
                    at_ms=now_ms,
                    uid=trace.uid,
                    method=request.method,
                    path=request.path,
                    query=request.query,
                    body=(request.body or b"").decode("utf-8", "replace"),
                    status=answer.status,
                    executed=trace.executed,
                    fault=trace.fault.kind if trace.fault else None,
                )
            )
            return answer

    def _answer(self, request: HttpRequest, trace: _Trace, now_ms: int) -> HttpResponse:
        error = None
        data: Any = None
        try:
            data = self._dispatch(request, trace, now_ms)
        except VenueError as refused:
            error = in_unified_terms(refused) if request.path.startswith(UNIFIED_PREFIX) else refused
        except Exception as bug:  # noqa: BLE001 - a bug of ours must look like one of the venue's, and be found
            self.errors.append(bug)
            error = VenueError(Refusal.SYSTEM_ERROR)
        knobs, batch = trace.knobs.now, request.path.endswith(BATCH_CANCELS)
        if trace.fault is not None:
            error = _fault_error(trace.fault.kind, request.path, error)
            data = altered_data(trace.fault, data, request.path)
        answer = HttpResponse(
            status=(error.refusal.status if error else HTTPStatus.OK).value,
            body=failure(error, knobs.language, now_ms) if error else success(data, now_ms),
            headers={REMAINING_HEADER: str(trace.window.left(now_ms))} if trace.window else {},
            delay_ms=knobs.latency_ms + (knobs.batch_cancel_stall_ms if batch else 0),
            trickle_ms=knobs.batch_cancel_trickle_ms if batch else 0,
        )
        return answer if trace.fault is None else altered_response(trace.fault, answer, now_ms)

    def _dispatch(self, request: HttpRequest, trace: _Trace, now_ms: int) -> Any:
        if request.body is None:
            raise VenueError(Refusal.BAD_BODY, "body")
        route = (request.method, request.path)
        public = _PUBLIC.get(route)
        if public is not None:
            trace.window = window = self._windows.of(request.ip, request.path, PUBLIC_PER_SECOND)
            if not self._admit(window, request.path, trace, now_ms, public=True):
                return None
            data = public(PublicRequest(self.engine, trace.knobs, _params(request, request.body), now_ms))
            trace.executed = True
            return data
        private = _PRIVATE.get(route)
        if private is None and not _is_unified_private(request.path):
            raise VenueError(Refusal.UNKNOWN_URL)
        account = identify(self._accounts_by_key, request)
        trace.uid, trace.knobs = account.uid, self.knobs.of(account.uid)
        if account.kind is not required_kind(request.path):
            raise _wrong_kind(request.path)
        if private is None:
            raise VenueError(Refusal.UNKNOWN_URL)
        per_second = UNIFIED_PER_SECOND.get(request.path, PRIVATE_PER_SECOND)
        trace.window = window = self._windows.of(account.uid, request.path, per_second)
        verify(account, request, now_ms)
        if not self._admit(window, request.path, trace, now_ms, public=False):
            return None
        params = _params(request, request.body)
        call = PrivateRequest(self.engine, trace.knobs, params, now_ms, account, self._cancels)
        return self._carry_out(private, call, trace, request.path)

    def _carry_out(self, endpoint: PrivateEndpoint, call: PrivateRequest, trace: _Trace, path: str) -> Any:
        """Do what a request asks for: once, or as its fault wants it."""
        fault = trace.fault
        kind = None if fault is None else fault.kind
        if fault is not None and kind is FaultKind.LATE:
            self.engine.at(call.now_ms + fault.duration_ms, partial(self._attempt, endpoint, call))
            trace.executed = True
            return None
        if fault is not None and kind is FaultKind.ITEM_CODE_BEFORE:
            rest, failed = call.params.without_items(fault.items)
            data = None if rest is None else endpoint(replace(call, params=rest))
            trace.executed = rest is not None
            return with_failed_items(fault, data, failed, path)
        if kind is FaultKind.REPEAT:
            trace.executed = self._attempt(endpoint, call, call.now_ms)
            if trace.window is not None and not trace.window.admit(call.now_ms):
                raise VenueError(Refusal.TOO_MANY_REQUESTS)
        data = endpoint(call)
        trace.executed = True
        return data

    def _attempt(self, endpoint: PrivateEndpoint, call: PrivateRequest, now_ms: int) -> bool:
        """Do what a request asks for, whose answer nobody gets; return whether it was done."""
        try:
            endpoint(replace(call, now_ms=now_ms))
        except VenueError:
            return False
        return True

    def _admit(self, window: SlidingWindow, path: str, trace: _Trace, now_ms: int, *, public: bool) -> bool:
        """Let a request into its rate window, unless it meets a fault that keeps it out; return whether it is in.

        A request that the window refuses meets no fault, and one that a fault keeps out uses up no room.
        """
        if not window.left(now_ms):
            raise VenueError(Refusal.TOO_MANY_REQUESTS)
        trace.fault = self.faults.draw(path, trace.uid, public=public)
        kind = None if trace.fault is None else trace.fault.kind
        # What is left of a batch is executed.
        return (kind is None or kind.executes or kind is FaultKind.ITEM_CODE_BEFORE) and window.admit(now_ms)


def _fault_error(kind: FaultKind, path: str, error: VenueError | None) -> VenueError | None:
    """Return what a request is refused for under a fault.

    :param error: what it would be refused for without
    """
    if kind in (FaultKind.OTHER_ANSWER, FaultKind.OTHER_ANSWER_BEFORE):
        return None  # whatever became of the request, the answer is about another one
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


def _refuse_twins(noun: str, names: Sequence[str]) -> None:
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise ValueError(f"every {noun} must be its own, but there are several {', '.join(twins)}")
