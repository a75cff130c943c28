"""Requests and responses of the venue, independent of the HTTP server that carries them."""

import json
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from bitget_margin.emulator.behaviour.faults import FaultKind

JSON = "application/json"
NO_RESPONSE = 0
"""Status of a request that gets no response."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """Request as it was received.

    :param query: the query string as received, still percent-encoded
    :param headers: header names in lower case
    :param body: the raw bytes, or None if they could not be received
    :param ip: address of the client
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes | None
    ip: str


class Delivery(Enum):
    """Way in which a response reaches the client."""

    SENT = auto()
    RESET = auto()
    """The connection is reset instead."""
    HELD = auto()
    """Nothing is sent while the client waits."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """Response, and the way in which it is sent.

    :param status: of HTTP, or ``NO_RESPONSE``
    :param delay_ms: time between the request's arrival and sending
    :param trickle_ms: time over which it is sent byte by byte
    :param refuse_ms: time for which new connections are refused afterwards
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_ms: int = 0
    trickle_ms: int = 0
    content_type: str = JSON
    delivery: Delivery = Delivery.SENT
    refuse_ms: int = 0


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """Request to the venue's API, with its effect.

    :param at_ms: time of arrival on the venue's clock, ms since the epoch
    :param uid: the account, empty for public and for unrecognised requests
    :param status: HTTP status of the response, 0 for none
    :param executed: whether it was executed, also where that is done only later
    :param fault: the fault that it met
    """

    at_ms: int
    uid: str
    method: str
    path: str
    query: str
    body: str
    status: int
    executed: bool
    fault: FaultKind | None


class RequestHistory:
    """Latest requests; older ones are dropped, which bounds the memory of a long run.

    :param most: number of requests that are kept
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._all: deque[RequestRecord] = deque()
        self._of: dict[str, deque[RequestRecord]] = defaultdict(deque)

    def add(self, record: RequestRecord) -> None:
        """Add a request."""
        if len(self._all) == self._most:
            # The oldest of all is the oldest of its account too.
            self._of[self._all.popleft().uid].popleft()
        self._all.append(record)
        self._of[record.uid].append(record)

    def all(self) -> tuple[RequestRecord, ...]:
        """Return all requests, oldest first."""
        return tuple(self._all)

    def of(self, uid: str) -> tuple[RequestRecord, ...]:
        """Return the requests of an account, oldest first, without reading the others."""
        return tuple(self._of.get(uid, ()))

    def clear(self) -> None:
        """Remove all requests."""
        self._all.clear()
        self._of.clear()


def success(data: Any, now_ms: int) -> bytes:
    """Return the body of a success."""
    return encode({"code": "00000", "msg": "success", "requestTime": now_ms, "data": data})


def failure(code: str, text: str, now_ms: int) -> bytes:
    """Return the body of an error."""
    return encode({"code": code, "msg": text, "requestTime": now_ms, "data": None})


def encode(content: Any) -> bytes:
    """Return compact JSON."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
