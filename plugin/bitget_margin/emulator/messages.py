"""Requests and answers, independent of the HTTP server that carries them."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from bitget_margin.emulator.behaviour.faults import FaultKind
from bitget_margin.emulator.errors import Language, VenueError

JSON = "application/json"
#: The status of a request that gets no answer.
NO_RESPONSE = 0


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it arrived.

    :param query: the query string as received, still percent-encoded
    :param headers: header names in lower case
    :param body: the raw bytes, or None when they could not be received
    :param ip: address of the client
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes | None
    ip: str


class Delivery(Enum):
    """How an answer reaches the client, if it does."""

    SENT = auto()
    #: The connection is reset instead.
    RESET = auto()
    #: Nothing is sent while the client waits.
    HELD = auto()


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What is sent back.

    :param status: of HTTP, or ``NO_ANSWER``
    :param delay_ms: how long after the request's arrival to send it
    :param trickle_ms: how long to take over sending it, byte by byte
    :param refuse_ms: how long nobody can connect afterwards
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
    """A request to the venue's API that arrived.

    :param at_ms: when, ms since the epoch, on the venue's clock
    :param uid: the account, empty for public and for unrecognised requests
    :param status: what was sent, 0 for no answer
    :param executed: whether it was carried out, whatever was sent; also where that is done only later
    :param fault: what it met
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


def success(data: Any, now_ms: int) -> bytes:
    """Return the venue's envelope around a result."""
    return encode({"code": "00000", "msg": "success", "requestTime": now_ms, "data": data})


def failure(error: VenueError, language: Language, now_ms: int) -> bytes:
    """Return the venue's envelope around a refusal."""
    return refusal(error.refusal.code, error.text(language), now_ms)


def refusal(code: str, text: str, now_ms: int) -> bytes:
    """Return the venue's envelope around any code."""
    return encode({"code": code, "msg": text, "requestTime": now_ms, "data": None})


def encode(content: Any) -> bytes:
    """Return compact JSON."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


class RequestHistory:
    """The latest requests; older ones are forgotten, so that a long run does not fill the memory.

    :param most: how many are kept
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._all: deque[RequestRecord] = deque()
        self._of: dict[str, deque[RequestRecord]] = defaultdict(deque)

    def add(self, record: RequestRecord) -> None:
        """Take in a request."""
        if len(self._all) == self._most:
            # The oldest of all is the oldest of its account too.
            self._of[self._all.popleft().uid].popleft()
        self._all.append(record)
        self._of[record.uid].append(record)

    def everything(self) -> tuple[RequestRecord, ...]:
        """Return all of them, oldest first."""
        return tuple(self._all)

    def of(self, uid: str) -> tuple[RequestRecord, ...]:
        """Return those of an account, oldest first, without a look at the others."""
        return tuple(self._of.get(uid, ()))

    def clear(self) -> None:
        """Forget them."""
        self._all.clear()
        self._of.clear()
