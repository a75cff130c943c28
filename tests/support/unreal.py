"""A transport that does not exist, and a clock of its own: whole calls of the exchange classes, without waiting.

What ccxt gets is what `requests` and `aiohttp` would give it, so that its own parsing and error handling run.
"""

from __future__ import annotations

import asyncio
import json
import queue
import selectors
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace, TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest
import requests
import requests.structures
import urllib3.exceptions

from bitget_margin.adapter import transport as clocks
from bitget_margin.drivers import threaded
from support.fuzzing import Choices
from support.hostile import Hostile, Served, written

REQUESTS_MAX: Final = 1_500
PATIENCE_S: Final = 30
DELAYS_S: Final = (0.005, 0.005, 0.005, 0.02, 0.1, 0.3, 0.6)
HTTP_STATUSES: Final = (*[200] * 14, 400, 400, 403, 404, 429, 500, 502, 503, 504, 204, 302, 418, 520, 999)
CONTENT_TYPES: Final = ("application/json", "application/json", "text/html", "text/plain; charset=x", "", "image/png")


class Hung(BaseException):
    """The call went on and on; not an `Exception`, so that nobody takes it for a fault."""


class Clock:
    """A time that goes on when it is told to."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def monotonic(self) -> float:
        """Stand in for `time.monotonic`."""
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Stand in for `time.sleep`."""
        self.now_s += max(0.0, seconds)


class Wire:
    """What both transports share: a request goes to the hostile venue, and something comes back."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.venue = Hostile(Choices(b""))
        self.sent: list[tuple[str, str]] = []
        self.parse: Callable[[str], Any] = json.loads

    def speak_for(self, venue: Hostile, parse: Callable[[str], Any]) -> None:
        """Begin a case, with the parser that the client has for JSON."""
        self.venue, self.parse = venue, parse
        self.sent.clear()

    def leaves(self, method: str, url: str) -> float:
        """Note a request, and return how many seconds it takes."""
        self.sent.append((method, urlsplit(url).path))
        if len(self.sent) > REQUESTS_MAX:
            raise Hung("one request after the other")
        return self.venue.choices.pick(DELAYS_S)

    def fails(self) -> bool:
        """Whether a request ends without an answer."""
        return self.venue.choices.once_in(16)

    def answers(self, url: str, body: bytes | None) -> tuple[int, str, bytes]:
        """Return status, content type and body of the answer to a request."""
        choices, parts = self.venue.choices, urlsplit(url)
        params = json.loads(body) if body else dict(parse_qsl(parts.query))
        content = written(self.venue.answer(parts.path, params), choices)
        status = choices.pick(HTTP_STATUSES)
        self.venue.served.append(Served(parts.path, params, status, parsed(content, self.parse)))
        return status, choices.pick(CONTENT_TYPES), content


def parsed(content: bytes, parse: Callable[[str], Any]) -> Any:
    """Return what a client makes of a body; None where it is no JSON."""
    try:
        return parse(content.decode(errors="replace").strip())
    except (ValueError, RecursionError):
        return None


class Session:
    """Stands in for `requests.Session`."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.headers: dict[str, str] = {}
        self.cookies: dict[str, str] = {}

    def request(self, method: str, url: str, *, data: bytes | None, headers: Mapping[str, str], **_: Any) -> Any:
        """Answer as `requests` does."""
        self._wire.clock.sleep(self._wire.leaves(method, url))
        if self._wire.fails():
            raise self._wire.venue.choices.pick(sync_errors())
        status, kind, content = self._wire.answers(url, data)
        response = requests.Response()
        response.status_code, response.reason, response.url = status, "Whatever", url
        response.headers = requests.structures.CaseInsensitiveDict({"Content-Type": kind})
        response._content = content
        return response

    def close(self) -> None:
        """Do nothing."""


class AsyncSession:
    """Stands in for `aiohttp.ClientSession`."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.headers: dict[str, str] = {}

    def get(self, url: Any, *, data: bytes | None, **_: Any) -> Any:
        """Answer a question."""
        return AsyncResponse(self._wire, "GET", str(url), data)

    def post(self, url: Any, *, data: bytes | None, **_: Any) -> Any:
        """Answer an order."""
        return AsyncResponse(self._wire, "POST", str(url), data)


class AsyncResponse:
    """Stands in for the context manager, and the response, of `aiohttp`."""

    def __init__(self, wire: Wire, method: str, url: str, data: bytes | None) -> None:
        self._wire, self._url, self._data = wire, url, data
        self._takes_s = wire.leaves(method, url)
        self.reason = "Whatever"
        self.content = object()

    async def __aenter__(self) -> Self:
        await asyncio.sleep(self._takes_s)
        if self._wire.fails():
            raise self._wire.venue.choices.pick(async_errors())
        self.status, kind, self._content = self._wire.answers(self._url, self._data)
        self.headers = {"Content-Type": kind}
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    async def text(self, errors: str = "strict") -> str:
        """Return the body as text."""
        return self._content.decode(errors=errors)


def sync_errors() -> tuple[Exception, ...]:
    """Return what `requests` raises."""
    protocol = urllib3.exceptions.ProtocolError("Connection aborted.", ConnectionResetError(104, "reset"))
    return (
        requests.exceptions.ConnectionError(protocol),
        requests.exceptions.ReadTimeout("Read timed out."),
        requests.exceptions.ChunkedEncodingError(protocol),
        requests.exceptions.ContentDecodingError("incorrect header check"),
        requests.exceptions.TooManyRedirects("Exceeded 30 redirects."),
        requests.exceptions.SSLError("certificate verify failed"),
        requests.exceptions.InvalidURL("Failed to parse: http://"),
        UnicodeError("label empty or too long"),
    )


def async_errors() -> tuple[Exception, ...]:
    """Return what `aiohttp` raises."""
    return (
        aiohttp.ServerDisconnectedError(),
        aiohttp.ClientPayloadError("Response payload is not completed"),
        aiohttp.ClientOSError(104, "reset"),
        aiohttp.ClientError("whatever"),
        aiohttp.InvalidURL("http://"),
        TimeoutError(),
        aiohttp.ServerTimeoutError("Timeout on reading data from socket"),
        ValueError("label empty or too long"),
    )


class _Selector(selectors.DefaultSelector):
    """Lets the clock go on instead of waiting."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise Hung("nobody will ever wake this loop")
        self._clock.sleep(timeout)
        return super().select(0)


class UnrealLoop(asyncio.SelectorEventLoop):
    """An event loop on a clock that goes on when it is told to."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(_Selector(clock))
        self._clock = clock

    def time(self) -> float:
        """Return the clock's time."""
        return self._clock.now_s


class _Patient(queue.SimpleQueue[Any]):
    """Waits for a thread by the real clock, of which the call knows nothing."""

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        try:
            return super().get(block, None if timeout is None else PATIENCE_S)
        except queue.Empty:
            raise Hung("nothing came of it") from None


@contextmanager
def unreal_time(clock: Clock) -> Iterator[None]:
    """Let the package live by this clock."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clocks, "time", clock)
        patch.setattr(threaded, "time", clock)
        patch.setattr(threaded, "queue", SimpleNamespace(SimpleQueue=_Patient, Empty=queue.Empty))
        yield
