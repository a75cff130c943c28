"""A request is told as not sent only if it was tried once: whoever tries again may have sent it before."""

from __future__ import annotations

import contextlib
import inspect
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import ccxt
import pytest
import requests
import urllib3
from requests.adapters import HTTPAdapter

from bitget_margin import CancelUnresolved, Outcome
from bitget_margin.adapter.errors import PlaceUnresolved
from bitget_margin.emulator import Emulator
from support.client import CROSS, Client, Flavour, config

BTC = "BTC/USDT"
CANCEL = CROSS | {"timeout": 400}
ORDER = (BTC, "limit", "buy", 0.001, 50_000, CANCEL)
TRIES = 3
LOST = (requests.RequestException, urllib3.exceptions.HTTPError, aiohttp.ClientError, OSError, ccxt.NetworkError)


@contextlib.contextmanager
def heard_once() -> Iterator[tuple[str, list[bytes]]]:
    """Run a venue that takes one request, hangs up, and is gone from then on; yield its URL and what it took."""
    heard: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                heard.append(connection.recv(65_536))
                listener.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", heard
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=2)


def again(send: Callable[..., Any]) -> Callable[..., Any]:
    """Try again whatever was lost, as wrappers do."""

    async def sending(*args: Any, **named: Any) -> Any:
        for left in reversed(range(TRIES)):
            try:
                return await send(*args, **named)
            except LOST:
                if left == 0:
                    raise
        return None

    def sent(*args: Any, **named: Any) -> Any:
        for left in reversed(range(TRIES)):
            try:
                return send(*args, **named)
            except LOST:
                if left == 0:
                    raise
        return None

    return sending if inspect.iscoroutinefunction(send) else sent


# -- sessions of requests ---------------------------------------------------------------------------------------------


def retries(**named: Any) -> Callable[[], requests.Session]:
    """Return a session with urllib3's own retries."""

    def made() -> requests.Session:
        session = requests.Session()
        session.mount("http://", HTTPAdapter(max_retries=urllib3.Retry(**named)))
        return session

    return made


class AgainSession(requests.Session):
    request = again(requests.Session.request)


class AgainInside(requests.Session):
    send = again(requests.Session.send)


class AgainAdapter(HTTPAdapter):
    send = again(HTTPAdapter.send)


class AgainRetry(urllib3.Retry):
    """Its own way to count."""

    def increment(self, *args: Any, **named: Any) -> Any:
        return super().increment(*args, **named)


class Wrapped:
    """A session of no known class, around a known one."""

    def __init__(self, session: Any, *names: str) -> None:
        self._inner, self._names = session, names

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return again(found) if name in self._names else found


def mounted(adapter: HTTPAdapter) -> requests.Session:
    session = requests.Session()
    session.mount("http://", adapter)
    return session


def patched() -> requests.Session:
    session = requests.Session()
    session.request = again(session.request)  # type: ignore[method-assign]
    return session


RETRYING_SYNC: dict[str, Callable[[], Any]] = {
    "Retry over every method": retries(total=3, allowed_methods=None),
    "Retry of reads": retries(total=None, connect=1, read=1, allowed_methods=None),
    "Retry of others": retries(total=2, other=2, allowed_methods=["POST", "GET"]),
    "a Retry of one's own": lambda: mounted(HTTPAdapter(max_retries=AgainRetry(2, allowed_methods=None))),
    "a session's request": AgainSession,
    "a session's send": AgainInside,
    "an adapter's send": lambda: mounted(AgainAdapter()),
    "a method put in": patched,
    "no session of theirs": lambda: Wrapped(requests.Session(), "request"),
}


# -- sessions of aiohttp ----------------------------------------------------------------------------------------------


async def middleware(request: Any, handler: Any) -> Any:
    return await again(handler)(request)


def post_again(session: aiohttp.ClientSession) -> Any:
    """Return a session whose posts are tried again, as retrying clients do."""

    class Context:
        def __init__(self, *args: Any, **named: Any) -> None:
            self._send = lambda: session.post(*args, **named)

        async def __aenter__(self) -> Any:
            for left in reversed(range(TRIES)):
                try:
                    self._context = self._send()
                    return await self._context.__aenter__()
                except LOST:
                    if left == 0:
                        raise
            return None

        async def __aexit__(self, *error: object) -> Any:
            return await self._context.__aexit__(*error)

    class Retrying:
        post = Context

        def __getattr__(self, name: str) -> Any:
            return getattr(session, name)

    return Retrying()


def request_again() -> aiohttp.ClientSession:
    session = aiohttp.ClientSession()
    object.__setattr__(session, "_request", again(session._request))
    return session


RETRYING_ASYNC: dict[str, Callable[[], Any]] = {
    "a middleware": lambda: aiohttp.ClientSession(middlewares=(middleware,)),
    "a client": lambda: post_again(aiohttp.ClientSession()),
    "a method put in": request_again,
}


# -- the promise ------------------------------------------------------------------------------------------------------

CASES = [
    *((Flavour.SYNC, name, make) for name, make in RETRYING_SYNC.items()),
    *((flavour, name, make) for flavour in (Flavour.ASYNC, Flavour.PRO) for name, make in RETRYING_ASYNC.items()),
]


@contextlib.contextmanager
def client_of(flavour: Flavour, venue: Emulator, make: Callable[[], Any] | None, **more: Any) -> Iterator[Client]:
    """Make a client with a session of the user's, inside its loop."""
    client = Client(flavour, config(venue, enableRateLimit=False, timeout=2_000, **more))

    async def given() -> Any:
        if make is None:
            return None
        if not client.exchange.synchronous and client.exchange.session is not None:
            await client.exchange.session.close()  # by which the markets were loaded
        return make()

    session = client._loop.run_until_complete(given())
    if session is not None:
        client.exchange.own_session = False
        client.exchange.session = session
    try:
        yield client
    finally:
        if session is not None:
            closing = session.close()
            if inspect.isawaitable(closing):
                client._loop.run_until_complete(closing)
        client.close()


def elsewhere(client: Client, url: str) -> None:
    client.exchange.urls = client.exchange.urls | {"api": dict.fromkeys(client.exchange.urls["api"], url)}


@pytest.mark.parametrize(("flavour", "name", "make"), CASES, ids=[f"{case[0].value}-{case[1]}" for case in CASES])
def test_what_was_tried_again_may_have_been_sent(flavour: Flavour, name: str, make: Any, venue: Emulator) -> None:
    """The first try is heard and executed, and the last one finds nobody."""
    with client_of(flavour, venue, make) as client:
        with heard_once() as (url, heard):
            elsewhere(client, url)
            with pytest.raises(CancelUnresolved) as caught:
                client("cancel_orders", ["11"], BTC, CANCEL)
        assert b"cancel" in heard[0]
        assert [result.outcome for result in caught.value.report.results] == [Outcome.UNKNOWN]
        with heard_once() as (url, heard):
            elsewhere(client, url)
            with pytest.raises(PlaceUnresolved):
                client("create_order", *ORDER)
        assert b"place-order" in heard[0]


@pytest.mark.parametrize("flavour", list(Flavour), ids=lambda flavour: flavour.value)
def test_a_class_of_one_s_own_that_tries_again_is_seen_too(flavour: Flavour, venue: Emulator) -> None:
    with client_of(flavour, venue, None) as client:
        exchange = client.exchange
        exchange.__class__ = type("bitget", (flavour.cls,), {"fetch": again(flavour.cls.fetch)})
        with heard_once() as (url, heard):
            elsewhere(client, url)
            with pytest.raises(PlaceUnresolved):
                client("create_order", *ORDER)
        assert b"place-order" in heard[0]


SINGLE_SYNC: dict[str, Callable[[], Any] | None] = {
    "its own": None,
    "the user's": requests.Session,
    "no retries": lambda: mounted(HTTPAdapter(max_retries=0)),
}
SINGLE_ASYNC: dict[str, Callable[[], Any] | None] = {"its own": None, "the user's": aiohttp.ClientSession}
SINGLE = [
    *((Flavour.SYNC, name, make) for name, make in SINGLE_SYNC.items()),
    *((flavour, name, make) for flavour in (Flavour.ASYNC, Flavour.PRO) for name, make in SINGLE_ASYNC.items()),
]


@pytest.mark.parametrize("why", ["refused", "no such host", "proxy", "too slow"])
@pytest.mark.parametrize(("flavour", "name", "make"), SINGLE, ids=[f"{case[0].value}-{case[1]}" for case in SINGLE])
def test_one_try_that_found_no_connection_sent_nothing(
    flavour: Flavour, name: str, make: Any, why: str, venue: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody listens, the name is unknown, the proxy does not answer, or nobody takes the connection in time."""
    with client_of(flavour, venue, make) as client:
        elsewhere(client, "http://nobody.example" if why == "no such host" else "http://127.0.0.1:9")
        if why == "proxy":
            client.exchange.httpProxy = "http://127.0.0.1:9"
        elif why == "no such host":
            monkeypatch.setattr(socket, "getaddrinfo", unknown_host)
        elif why == "too slow":
            monkeypatch.setattr(urllib3.util.connection, "create_connection", too_slow)
            monkeypatch.setattr(aiohttp.TCPConnector, "connect", too_slow_connector)
        with pytest.raises(CancelUnresolved) as caught:
            client("cancel_orders", ["11"], BTC, CANCEL)
        assert [result.outcome for result in caught.value.report.results] == [Outcome.NOT_SENT]
        with pytest.raises(ccxt.NetworkError) as placing:
            client("create_order", *ORDER)
        assert not isinstance(placing.value, PlaceUnresolved)


def unknown_host(*args: Any, **named: Any) -> Any:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def too_slow(*args: Any, **named: Any) -> Any:
    raise TimeoutError("timed out")


async def too_slow_connector(*args: Any, **named: Any) -> Any:
    raise TimeoutError
