"""The venue as a function from requests to answers, with no server around it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import localcontext
from http import HTTPStatus
from typing import Any

from .account import Account, AccountKind
from .auth import identify, verify
from .call import PrivateCall, PublicCall
from .decimals import EXACT
from .engine import Engine
from .knobs import KnobBoard, Knobs
from .message import Answer, Incoming, RequestRecord, failure, success
from .params import Params
from .private import PRIVATE_ENDPOINTS
from .public import PUBLIC_ENDPOINTS
from .symbol import Symbol
from .texts import Refusal, VenueError
from .unified import (
    UNIFIED_ARRAYS,
    UNIFIED_BATCH_CANCEL,
    UNIFIED_PER_SECOND,
    UNIFIED_PREFIX,
    UNIFIED_PRIVATE_ENDPOINTS,
    UNIFIED_PUBLIC_ENDPOINTS,
    required_kind,
)
from .unified_refusal import in_unified_terms
from .window import Window, Windows

PUBLIC_PER_SECOND = 20
PRIVATE_PER_SECOND = 10
BATCH_CANCELS = ("/batch-cancel-order", UNIFIED_BATCH_CANCEL)
REMAINING_HEADER = "x-mbx-used-remain-limit"
#: Older records are forgotten, so that a long run does not fill the memory.
REQUESTS_KEPT = 100_000
_UNIFIED_PUBLIC = (f"{UNIFIED_PREFIX}market/", f"{UNIFIED_PREFIX}public/")
_PUBLIC = {**PUBLIC_ENDPOINTS, **UNIFIED_PUBLIC_ENDPOINTS}
_PRIVATE = {**PRIVATE_ENDPOINTS, **UNIFIED_PRIVATE_ENDPOINTS}

#: Returns the time in ms since the epoch.
Clock = Callable[[], int]


@dataclass(slots=True)
class _Trace:
    """What was learned about a request before it succeeded or failed."""

    uid: str = ""
    window: Window | None = None


class Venue:
    """Accounts, trading floor, knobs and rate windows; every use of them goes through the lock."""

    def __init__(self, accounts: Sequence[Account], symbols: Sequence[Symbol], knobs: Knobs, clock: Clock) -> None:
        _refuse_twins("account", [account.uid for account in accounts])
        _refuse_twins("account", [account.api_key for account in accounts])
        _refuse_twins("symbol", [symbol.symbol for symbol in symbols])
        self.accounts = tuple(accounts)
        self.engine = Engine(symbols, accounts, clock())
        self.knobs = KnobBoard(knobs)
        self.records: deque[RequestRecord] = deque(maxlen=REQUESTS_KEPT)
        self.errors: list[Exception] = []
        self._accounts_by_key = {account.api_key: account for account in accounts}
        self._clock = clock
        self._lock = threading.RLock()
        self._windows = Windows()
        self._cancels = Windows()

    @contextmanager
    def opened(self) -> Iterator[int]:
        """Give exclusive use of an up-to-date venue, with exact arithmetic, and the time in ms since the epoch."""
        with self._lock, localcontext(EXACT):
            now_ms = self._clock()
            self.engine.settle(now_ms)
            yield now_ms

    def handle(self, request: Incoming) -> Answer:
        """Answer a request the way the venue does; nothing that arrives can raise an exception."""
        with self.opened() as now_ms:
            trace = _Trace()
            try:
                status, body = HTTPStatus.OK, success(self._dispatch(request, trace, now_ms), now_ms)
            except VenueError as refused:
                error = in_unified_terms(refused) if request.path.startswith(UNIFIED_PREFIX) else refused
                status, body = error.refusal.status, failure(error, self.knobs.now.language, now_ms)
            except Exception as bug:  # noqa: BLE001 - a bug of ours must look like one of the venue's, and be found
                self.errors.append(bug)
                unforeseen = VenueError(Refusal.SYSTEM_ERROR)
                status, body = unforeseen.refusal.status, failure(unforeseen, self.knobs.now.language, now_ms)
            self.records.append(
                RequestRecord(
                    at_ms=now_ms,
                    uid=trace.uid,
                    method=request.method,
                    path=request.path,
                    query=request.query,
                    body=(request.body or b"").decode("utf-8", "replace"),
                    status=status.value,
                )
            )
            headers = {REMAINING_HEADER: str(trace.window.left(now_ms))} if trace.window else {}
            knobs, batch = self.knobs.now, request.path.endswith(BATCH_CANCELS)
            delay_ms = knobs.latency_ms + (knobs.batch_cancel_stall_ms if batch else 0)
            return Answer(status.value, body, headers, delay_ms, knobs.batch_cancel_trickle_ms if batch else 0)

    def _dispatch(self, request: Incoming, trace: _Trace, now_ms: int) -> Any:
        if request.body is None:
            raise VenueError(Refusal.BAD_BODY, "body")
        route = (request.method, request.path)
        public = _PUBLIC.get(route)
        if public is not None:
            self._admit(trace, request.ip, request.path, PUBLIC_PER_SECOND, now_ms)
            return public(PublicCall(self.engine, self.knobs, _params(request, request.body), now_ms))
        private = _PRIVATE.get(route)
        if private is None and not _is_unified_private(request.path):
            raise VenueError(Refusal.UNKNOWN_URL)
        account = identify(self._accounts_by_key, request)
        trace.uid = account.uid
        if account.kind is not required_kind(request.path):
            classic = account.kind is AccountKind.CLASSIC
            raise VenueError(Refusal.CLASSIC_ACCOUNT if classic else Refusal.UNIFIED_ACCOUNT)
        if private is None:
            raise VenueError(Refusal.UNKNOWN_URL)
        per_second = UNIFIED_PER_SECOND.get(request.path, PRIVATE_PER_SECOND)
        trace.window = self._windows.of(account.uid, request.path, per_second)
        verify(account, request, now_ms)
        self._admit(trace, account.uid, request.path, per_second, now_ms)
        params = _params(request, request.body)
        return private(PrivateCall(self.engine, self.knobs, params, now_ms, account, self._cancels))

    def _admit(self, trace: _Trace, client: str, endpoint: str, limit: int, now_ms: int) -> None:
        trace.window = self._windows.of(client, endpoint, limit)
        if not trace.window.admit(now_ms):
            raise VenueError(Refusal.TOO_MANY_REQUESTS)


def _params(request: Incoming, body: bytes) -> Params:
    if request.path in UNIFIED_ARRAYS:
        return Params.from_array(body)
    return Params.from_body(body) if request.method == "POST" else Params.from_query(request.query)


def _is_unified_private(path: str) -> bool:
    return path.startswith(UNIFIED_PREFIX) and not path.startswith(_UNIFIED_PUBLIC)


def _refuse_twins(noun: str, names: Sequence[str]) -> None:
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise ValueError(f"every {noun} must be its own, but there are several {', '.join(twins)}")
