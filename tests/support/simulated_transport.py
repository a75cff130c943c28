"""Simulated transport and clock: whole calls of the exchange classes without waiting.

The objects behave like those of `requests` and `aiohttp`, so that ccxt's own parsing and error handling run.
"""

import asyncio
import json
import selectors
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace, TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest
import requests
import requests.structures
import urllib3.exceptions

from bitget_margin.adapter import transport as clocks
from bitget_margin.drivers import beside, threaded
from support.fuzzing import Choices
from support.hostile import Hostile, Served, written

REQUESTS_MAX: Final = 1_500
DELAYS_S: Final = (0.005, 0.005, 0.005, 0.02, 0.1, 0.3, 0.6)
HTTP_STATUSES: Final = (*[200] * 14, 400, 400, 403, 404, 429, 500, 502, 503, 504, 204, 302, 418, 520, 999)
CONTENT_TYPES: Final = ("application/json", "application/json", "text/html", "text/plain; charset=x", "", "image/png")


class Hung(BaseException):
    """The call does not end; not an `Exception`, so that it is not handled as a fault."""


class Clock:
    """A clock that advances only in `sleep`."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def monotonic(self) -> float:
        """Replace `time.monotonic`."""
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Replace `time.sleep`."""
        self.now_s += max(0.0, seconds)


class Wire:
    """Common part of both transports: hand requests to the hostile venue and return its responses."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.venue = Hostile(Choices(b""))
        self.sent: list[tuple[str, str]] = []
        self.parse: Callable[[str], Any] = json.loads

    def start_case(self, venue: Hostile, parse: Callable[[str], Any]) -> None:
        """Start a case with the JSON parser of the client."""
        self.venue, self.parse = venue, parse
        self.sent.clear()

    def send(self, method: str, url: str) -> float:
        """Record a request and return its duration in seconds."""
        self.sent.append((method, urlsplit(url).path))
        if len(self.sent) > REQUESTS_MAX:
            raise Hung("one request after the other")
        return self.venue.choices.pick(DELAYS_S)

    def is_lost(self) -> bool:
        """Whether a request ends without a response."""
        return self.venue.choices.once_in(16)

    def respond(self, url: str, body: bytes | None) -> tuple[int, str, bytes]:
        """Return status, content type and body of the response."""
        choices, parts = self.venue.choices, urlsplit(url)
        params = json.loads(body) if body else dict(parse_qsl(parts.query))
        content = written(self.venue.answer(parts.path, params), choices)
        status = choices.pick(HTTP_STATUSES)
        self.venue.served.append(Served(parts.path, params, status, parsed(content, self.parse)))
        return status, choices.pick(CONTENT_TYPES), content


def parsed(content: bytes, parse: Callable[[str], Any]) -> Any:
    """Return a body as a client parses it; None if it is no JSON."""
    try:
        return parse(content.decode(errors="replace").strip())
    except (ValueError, RecursionError):
        return None


class Session:
    """Replacement of `requests.Session`."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.headers: dict[str, str] = {}
        self.cookies: dict[str, str] = {}

    def request(self, method: str, url: str, *, data: bytes | None, headers: Mapping[str, str], **_: Any) -> Any:
        """Return the response, or raise, as `requests` does."""
        self._wire.clock.sleep(self._wire.send(method, url))
        if self._wire.is_lost():
            raise self._wire.venue.choices.pick(sync_errors())
        status, kind, content = self._wire.respond(url, data)
        response = requests.Response()
        response.status_code, response.reason, response.url = status, "Whatever", url
        response.headers = requests.structures.CaseInsensitiveDict({"Content-Type": kind})
        response._content = content
        return response

    def close(self) -> None:
        """Do nothing."""


class AsyncSession:
    """Replacement of `aiohttp.ClientSession`."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.headers: dict[str, str] = {}

    def get(self, url: Any, *, data: bytes | None, **_: Any) -> Any:
        """Return the response to a GET."""
        return AsyncResponse(self._wire, "GET", str(url), data)

    def post(self, url: Any, *, data: bytes | None, **_: Any) -> Any:
        """Return the response to a POST."""
        return AsyncResponse(self._wire, "POST", str(url), data)


class AsyncResponse:
    """Replacement of the context manager, and the response, of `aiohttp`."""

    def __init__(self, wire: Wire, method: str, url: str, data: bytes | None) -> None:
        self._wire, self._url, self._data = wire, url, data
        self._takes_s = wire.send(method, url)
        self.reason = "Whatever"
        self.content = object()

    async def __aenter__(self) -> Self:
        await asyncio.sleep(self._takes_s)
        if self._wire.is_lost():
            raise self._wire.venue.choices.pick(async_errors())
        self.status, kind, self._content = self._wire.respond(self._url, self._data)
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
    """Return exceptions of `requests`."""
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
    """Return exceptions of `aiohttp`."""
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
    """Selector that advances the clock instead of waiting."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise Hung("no event will wake this loop")
        self._clock.sleep(timeout)
        return super().select(0)


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Event loop on the simulated clock."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(_Selector(clock))
        self._clock = clock

    def time(self) -> float:
        """Return the clock's time."""
        return self._clock.now_s


class _ThreadInTurn:
    """Replacement of a thread that runs at its start: the order of requests, and of choices, is always the same."""

    def __init__(self, target: Callable[..., object], args: tuple[Any, ...], daemon: bool) -> None:
        self.start = partial(target, *args)


@contextmanager
def simulated_time(clock: Clock) -> Iterator[None]:
    """Make the package use this clock."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clocks, "time", clock)
        patch.setattr(threaded, "time", clock)
        patch.setattr(beside, "threading", SimpleNamespace(Thread=_ThreadInTurn, Event=threading.Event))
        yield
