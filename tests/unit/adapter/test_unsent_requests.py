"""A request was never sent only if it was tried once and found no connection; a retry by anybody is no proof."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any
from unittest import mock

import aiohttp
import ccxt
import pytest
import requests
import urllib3
from requests.adapters import HTTPAdapter

import bitget_margin
from bitget_margin.adapter.unsent_requests import never_connected
from support.calling import exchange
from support.client import close

CLOSED = "http://127.0.0.1:9"
SIGNED = {"ACCESS-KEY": "key"}
POST = (f"{CLOSED}/api", "POST", SIGNED, "{}")


def found_none(error: BaseException) -> bool:
    """Return the verdict that a driver would get: without the frames of this file, which caught the exception."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals is globals():
        trace = trace.tb_next
    return never_connected(error.with_traceback(trace))


def failed(made: Any, headers: object = SIGNED) -> ccxt.NetworkError:
    """Return the exception of a request in the sync flavour."""
    with pytest.raises(ccxt.NetworkError) as caught:
        made.fetch(f"{CLOSED}/api", "POST", headers, "{}")
    error: ccxt.NetworkError = caught.value
    return error


def sync(adapter: HTTPAdapter | None = None, session: Any = None) -> Any:
    """Return a sync exchange with a session of the user's."""
    made = exchange()
    made.session = session or requests.Session()
    if adapter is not None:
        made.session.mount("http://", adapter)
    return made


@pytest.fixture
async def client() -> AsyncIterator[Any]:
    """Yield an exchange of the async flavour."""
    made = bitget_margin.async_support.bitget({"apiKey": "key", "secret": "secret", "password": "passphrase"})
    yield made
    await close(made)


async def failed_async(awaitable: Any) -> ccxt.NetworkError:
    """Return the exception of a request in the async flavour."""
    with pytest.raises(ccxt.NetworkError) as caught:
        await awaitable
    error: ccxt.NetworkError = caught.value
    return error


async def too_slow(*args: Any, **named: Any) -> Any:
    raise TimeoutError


# -- one try ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [SIGNED, {}])
@pytest.mark.parametrize("proxy", [None, CLOSED])
def test_a_refused_connection_proves_it(headers: Any, proxy: str | None) -> None:
    made = sync()
    made.httpProxy = proxy
    assert found_none(failed(made, headers))


@pytest.mark.parametrize("failure", [TimeoutError("timed out"), OSError(101, "Network is unreachable")])
def test_a_connection_that_was_not_made_in_time_or_at_all_proves_it(failure: Exception) -> None:
    with mock.patch.object(urllib3.util.connection, "create_connection", side_effect=failure):
        assert found_none(failed(sync()))


async def test_a_refused_connection_of_the_async_flavour_proves_it(client: Any) -> None:
    assert found_none(await failed_async(client.fetch(*POST)))
    assert found_none(await failed_async(asyncio.wait_for(client.fetch(*POST), 5)))


async def test_a_connection_of_the_async_flavour_that_was_not_made_in_time_proves_it(client: Any) -> None:
    with mock.patch.object(aiohttp.TCPConnector, "connect", too_slow):
        assert found_none(await failed_async(client.fetch(*POST)))


# -- no proof ---------------------------------------------------------------------------------------------------------


class RetryingSend(requests.Session):
    def send(self, *args: Any, **named: Any) -> Any:
        return super().send(*args, **named)


class RetryingAdapter(HTTPAdapter):
    def send(self, *args: Any, **named: Any) -> Any:
        return super().send(*args, **named)


class CustomRetry(urllib3.Retry):
    def increment(self, *args: Any, **named: Any) -> Any:
        return super().increment(*args, **named)


ONCE_MORE = urllib3.Retry(1, allowed_methods=None, backoff_factor=0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: sync(HTTPAdapter(max_retries=ONCE_MORE)),
        lambda: sync(HTTPAdapter(max_retries=CustomRetry(0))),
        lambda: sync(RetryingAdapter()),
        lambda: sync(session=RetryingSend()),
    ],
    ids=["Retry", "subclass of Retry", "adapter", "session"],
)
def test_what_may_have_retried_proves_nothing(make: Callable[[], Any]) -> None:
    """Whatever is in the traceback beside the client's own functions may have sent the request before."""
    assert not found_none(failed(make(), {}))


async def test_a_middleware_or_a_caller_that_may_have_retried_proves_nothing(client: Any) -> None:
    async def middleware(request: Any, handler: Any) -> Any:
        return await handler(request)

    error = await failed_async(client.fetch(*POST))
    assert not never_connected(error), "the function that called it may have called it before"
    await client.session.close()
    client.session = aiohttp.ClientSession(middlewares=(middleware,))
    assert not found_none(await failed_async(client.fetch(*POST)))
    await client.session.close()


def test_a_caller_that_may_have_retried_proves_nothing() -> None:
    assert not never_connected(failed(sync()))


@pytest.mark.parametrize(
    "cause", [None, requests.ConnectionError(), requests.ConnectionError("text"), aiohttp.ClientConnectionError()]
)
def test_an_exception_without_the_trace_of_a_client_proves_nothing(cause: Exception | None) -> None:
    error = ccxt.NetworkError("bitget")
    error.__cause__ = cause
    assert not never_connected(error)


def test_a_server_that_does_not_respond_may_have_the_request() -> None:
    made = sync()
    made.timeout = 50
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(ccxt.NetworkError) as caught:
        made.fetch(f"http://127.0.0.1:{silent.getsockname()[1]}/api", "POST", SIGNED, "{}")
    assert not found_none(caught.value)


async def test_a_server_that_closes_the_connection_may_have_the_request(client: Any) -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api"
    async with server:
        assert not found_none(await failed_async(client.fetch(url, *POST[1:])))
