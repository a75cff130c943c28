"""Promise: a session or wrapper that retries by itself repeats no POST and makes no order "not sent"."""

import contextlib
import inspect
import socket
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
from bitget_margin.adapter.sessions import WithoutRedirects, for_request, sending
from bitget_margin.emulator import Emulator
from support.broken import recording_venue
from support.client import CROSS, Client, Flavour, config

BTC = "BTC/USDT"
CANCEL = CROSS | {"timeout": 400}
ORDER = (BTC, "limit", "buy", 0.001, 50_000, CANCEL)
TRIES = 3
LOST = (requests.RequestException, urllib3.exceptions.HTTPError, aiohttp.ClientError, OSError, ccxt.NetworkError)
RETRY = urllib3.Retry(total=3, allowed_methods=None, backoff_factor=0)


def retried(send: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that retries after a network error, as wrappers do."""

    async def send_async(*args: Any, **named: Any) -> Any:
        for left in reversed(range(TRIES)):
            try:
                return await send(*args, **named)
            except LOST:
                if left == 0:
                    raise
        return None

    def send_sync(*args: Any, **named: Any) -> Any:
        for left in reversed(range(TRIES)):
            try:
                return send(*args, **named)
            except LOST:
                if left == 0:
                    raise
        return None

    return send_async if inspect.iscoroutinefunction(send) else send_sync


# -- sessions of requests ---------------------------------------------------------------------------------------------


class RetryingSession(requests.Session):
    request = retried(requests.Session.request)


class RetryingSend(requests.Session):
    send = retried(requests.Session.send)


class RetryingAdapter(HTTPAdapter):
    send = retried(HTTPAdapter.send)


class CustomRetry(urllib3.Retry):
    """A subclass with a counter of its own."""

    def increment(self, *args: Any, **named: Any) -> Any:
        return super().increment(*args, **named)


class Wrapped:
    """An object that behaves like a session and retries."""

    def __init__(self, session: Any) -> None:
        self._inner = session

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return retried(found) if name == "request" else found


def mounted(adapter: HTTPAdapter) -> requests.Session:
    session = requests.Session()
    session.mount("http://", adapter)
    return session


def mounted_retry(**named: Any) -> Callable[[], requests.Session]:
    """Return a session with urllib3's own retries."""
    return lambda: mounted(HTTPAdapter(max_retries=urllib3.Retry(**named)))


def patched() -> requests.Session:
    session = requests.Session()
    session.request = retried(session.request)  # type: ignore[method-assign]
    return session


RETRYING_SYNC: dict[str, Callable[[], Any]] = {
    "Retry over every method": mounted_retry(total=3, allowed_methods=None),
    "Retry of reads": mounted_retry(total=None, connect=1, read=1, allowed_methods=None),
    "Retry of others": mounted_retry(total=2, other=2, allowed_methods=["POST", "GET"]),
    "subclass of Retry": lambda: mounted(HTTPAdapter(max_retries=CustomRetry(2, allowed_methods=None))),
    "subclass with request": RetryingSession,
    "subclass with send": RetryingSend,
    "adapter with send": lambda: mounted(RetryingAdapter()),
    "patched method": patched,
    "other class": lambda: Wrapped(requests.Session()),
}


# -- sessions of aiohttp ----------------------------------------------------------------------------------------------


async def middleware(request: Any, handler: Any) -> Any:
    return await retried(handler)(request)


def retrying_client(session: aiohttp.ClientSession) -> Any:
    """Return a client whose `post` retries, as libraries provide it."""

    class Context:
        def __init__(self, *args: Any, **named: Any) -> None:
            self._send = lambda: session.post(*args, **named)

        async def __aenter__(self) -> Any:
            async def enter() -> Any:
                self._context = self._send()
                return await self._context.__aenter__()

            return await retried(enter)()

        async def __aexit__(self, *error: object) -> Any:
            return await self._context.__aexit__(*error)

    class Retrying:
        post = Context

        def __getattr__(self, name: str) -> Any:
            return getattr(session, name)

    return Retrying()


def patched_async() -> aiohttp.ClientSession:
    session = aiohttp.ClientSession()
    object.__setattr__(session, "_request", retried(session._request))
    return session


RETRYING_ASYNC: dict[str, Callable[[], Any]] = {
    "middleware": lambda: aiohttp.ClientSession(middlewares=(middleware,)),
    "client": lambda: retrying_client(aiohttp.ClientSession()),
    "patched method": patched_async,
}


# -- the promise ------------------------------------------------------------------------------------------------------

Make = Callable[[], Any]


def cases(sync: dict[str, Make | None], asynchronous: dict[str, Make | None]) -> Any:
    """Run a test with each session of the flavours."""
    return pytest.mark.parametrize(
        ("flavour", "make"),
        [
            pytest.param(flavour, make, id=f"{flavour.value}-{name}")
            for flavour in Flavour
            for name, make in (sync if flavour is Flavour.SYNC else asynchronous).items()
        ],
    )


@contextlib.contextmanager
def client_of(flavour: Flavour, venue: Emulator, make: Make | None) -> Iterator[Client]:
    """Yield a client with a session of the user's, or with its own."""
    client = Client(flavour, config(venue, enableRateLimit=False, timeout=2_000, verify=False))
    if make is not None:
        client.set_session(make)
    try:
        yield client
    finally:
        client.close()


def must_be_unresolved(client: Client, method: str, *args: Any) -> Any:
    """Call a method while the server executes one request and then refuses connections; return the exception."""
    for _ in range(TRIES):  # a busy machine may run out of time before it has sent anything
        with recording_venue(1) as (url, requested):
            client.point_to(url)
            with pytest.raises((CancelUnresolved, PlaceUnresolved, ccxt.RequestTimeout)) as caught:
                client(method, *args)
        if any(requested):
            break
    assert (b"cancel" if "cancel" in method else b"place-order") in requested[0]
    return caught.value


@cases({**RETRYING_SYNC}, {**RETRYING_ASYNC})
def test_what_was_tried_again_may_have_been_sent(flavour: Flavour, make: Make, venue: Emulator) -> None:
    with client_of(flavour, venue, make) as client:
        error = must_be_unresolved(client, "cancel_orders", ["11"], BTC, CANCEL)
        assert [result.outcome for result in error.report.results] == [Outcome.UNKNOWN]
        must_be_unresolved(client, "create_order", *ORDER)


def test_a_class_of_one_s_own_that_tries_again_is_seen_too(flavour: Flavour, venue: Emulator) -> None:
    with client_of(flavour, venue, None) as client:
        client.exchange.__class__ = type("bitget", (flavour.cls,), {"fetch": retried(flavour.cls.fetch)})
        must_be_unresolved(client, "create_order", *ORDER)


@pytest.mark.parametrize("why", ["refused", "no such host", "proxy", "too slow"])
@cases(
    {"own": None, "user's": requests.Session, "no retries": lambda: mounted(HTTPAdapter(max_retries=0))},
    {"own": None, "user's": aiohttp.ClientSession},
)
def test_one_try_that_found_no_connection_sent_nothing(
    flavour: Flavour, make: Make | None, why: str, venue: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with client_of(flavour, venue, make) as client:
        client.point_to("http://nobody.example" if why == "no such host" else "http://127.0.0.1:9")
        if why == "proxy":
            client.exchange.httpProxy = "http://127.0.0.1:9"
        elif why == "no such host":
            monkeypatch.setattr(socket, "getaddrinfo", unknown_host)
        elif why == "too slow":
            monkeypatch.setattr(urllib3.util.connection, "create_connection", too_slow)
            monkeypatch.setattr(aiohttp.TCPConnector, "connect", too_slow_async)
        with pytest.raises(CancelUnresolved) as caught:
            client("cancel_orders", ["11"], BTC, CANCEL)
        assert [result.outcome for result in caught.value.report.results] == [Outcome.NOT_SENT]
        with pytest.raises(ccxt.NetworkError) as placing:
            client("create_order", *ORDER[:-1], CROSS | {"timeout": 2_000})
        assert not isinstance(placing.value, PlaceUnresolved)


def unknown_host(*args: Any, **named: Any) -> Any:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def too_slow(*args: Any, **named: Any) -> Any:
    raise TimeoutError("timed out")


async def too_slow_async(*args: Any, **named: Any) -> Any:
    raise TimeoutError


def test_an_order_goes_out_once_by_a_session_that_retries(venue: Emulator) -> None:
    with (
        client_of(Flavour.SYNC, venue, lambda: mounted(HTTPAdapter(max_retries=RETRY))) as client,
        recording_venue() as (url, requested),
    ):
        client.point_to(url)
        with pytest.raises(PlaceUnresolved):
            client("create_order", BTC, "market", "sell", 0.001, None, CROSS | {"timeout": 900})
    posts = [request for request in requested if request.startswith(b"POST")]
    lookups = [request for request in requested if request.startswith(b"GET")]
    assert len(posts) == 1
    assert len(lookups) > len(posts), "lookups may be repeated: they change nothing"


def test_the_session_itself_stays_as_it_was_given() -> None:
    with mounted(HTTPAdapter(max_retries=RETRY)) as session, recording_venue() as (url, requested):
        session.headers["x-mine"] = "kept"
        session.cookies.set("mine", "kept")
        adapter = session.get_adapter(url)
        with sending({"ACCESS-KEY": "k"}):
            sent_by = for_request(session)
        assert isinstance(sent_by, WithoutRedirects)
        with pytest.raises(requests.ConnectionError):
            sent_by.request("POST", url)
        assert len(requested) == 1
        assert b"x-mine: kept" in requested[0]
        assert b"mine=kept" in requested[0]
        assert session.get_adapter(url) is adapter
        assert adapter.max_retries is RETRY
        with pytest.raises(requests.ConnectionError):
            session.request("POST", url)
        assert len(requested) == 1 + 4, "the user's own requests are retried as before"
