"""A signed request follows no redirect and a signed POST is not repeated; the session itself stays as it is."""

from typing import Any
from unittest import mock

import aiohttp
import ccxt
import pytest
import requests
import urllib3
from requests.adapters import HTTPAdapter

from bitget_margin import async_support, bitget
from bitget_margin.adapter import sessions
from bitget_margin.adapter.handshakes import without_redirects
from bitget_margin.adapter.sessions import WithoutRedirects, for_request, keep_connections, sending
from support.calling import exchange

SIGNED = {"ACCESS-KEY": "key"}
RETRY = urllib3.Retry(3, allowed_methods=None)
URL = "http://127.0.0.1/api"


def redirected(status: int) -> aiohttp.WSServerHandshakeError:
    """Return the exception of a handshake that another status than 101 answers."""
    request: Any = mock.Mock()
    headers: Any = {"Location": "http://localhost/api"}
    return aiohttp.WSServerHandshakeError(request, (), status=status, headers=headers)


# -- which requests ---------------------------------------------------------------------------------------------------


def test_only_a_signed_request_gets_the_session_without_redirects() -> None:
    made, session = exchange(), requests.Session()
    made.session = session
    assert made.session is session
    with sending(SIGNED):
        assert isinstance(made.session, WithoutRedirects)
        with sending({}):
            assert made.session is session
        assert isinstance(made.session, WithoutRedirects)
    assert made.session is session
    with pytest.raises(OSError, match="lost"), sending(SIGNED):
        raise OSError("lost")
    assert made.session is session
    with sending(SIGNED):
        assert for_request(None) is None


@pytest.mark.parametrize("flavour", [bitget, async_support.bitget])
def test_an_object_that_is_left_at_the_end_of_the_interpreter_prints_no_traceback(
    flavour: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python has emptied the modules by then; before, ccxt closes the session, or warns of an open one."""
    made = flavour()
    ended = mock.Mock()
    made.logger = made.session = ended
    made.__del__()
    assert ended.close.called or ended.warning.called
    with monkeypatch.context() as at_the_end:
        at_the_end.setattr(sessions, "for_request", None)
        made.__del__()
    made.session = None


@pytest.mark.parametrize("name", ["get", "post", "put", "patch", "delete"])
def test_the_methods_that_ccxt_calls_follow_no_redirect(name: str) -> None:
    session = mock.Mock()
    getattr(WithoutRedirects(session), name)(URL, data="x")
    getattr(session, name).assert_called_once_with(URL, data="x", allow_redirects=False)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_of_any_method_follows_no_redirect(method: str) -> None:
    """Also where the user's session is no session of requests, and has no adapters."""
    session = mock.Mock(spec=["request"])
    assert WithoutRedirects(session).request(method, URL, data="x") is session.request.return_value
    session.request.assert_called_once_with(method, URL, data="x", allow_redirects=False)


def test_everything_else_of_a_session_is_its_own() -> None:
    session = mock.Mock()
    wrapped = WithoutRedirects(session)
    assert wrapped.cookies is session.cookies
    assert wrapped.close is session.close
    with pytest.raises(AttributeError):
        WithoutRedirects(object()).close  # noqa: B018 - reading it raises


# -- no POST is repeated ----------------------------------------------------------------------------------------------


class Plain:
    """An adapter of the user's own, without retries."""

    def __init__(self) -> None:
        self.proxy = "mine"


def senders(session: requests.Session, method: str) -> list[Any]:
    """Return the sessions that send a signed request of this method."""
    sent: list[Any] = []

    def record(self: Any, *args: Any, **named: Any) -> None:
        sent.append(self)

    with mock.patch.object(requests.Session, "request", record):
        WithoutRedirects(session).request(method, URL)
    return sent


@pytest.mark.parametrize("method", ["POST", "post"])
def test_a_post_is_sent_once_by_the_connections_and_with_the_cookies_of_the_session(method: str) -> None:
    session, adapter, plain = requests.Session(), HTTPAdapter(max_retries=RETRY), Plain()
    session.mount("http://", adapter)
    session.mount("http://plain", plain)  # type: ignore[arg-type]  # it need not be one of requests' classes
    (sender,) = senders(session, method)
    assert type(sender) is requests.Session
    assert {**vars(sender), "adapters": None} == {**vars(session), "adapters": None}
    assert sender.cookies is session.cookies
    assert list(sender.adapters) == list(session.adapters)
    copied = sender.get_adapter(URL)
    assert type(copied) is HTTPAdapter
    assert (copied.max_retries.total, copied.max_retries.read) == (0, False)
    assert copied.poolmanager is adapter.poolmanager
    assert vars(sender.get_adapter("http://plain/")) == {"proxy": "mine"}
    assert session.get_adapter(URL) is adapter
    assert adapter.max_retries is RETRY


def test_a_query_may_be_repeated_as_the_session_does() -> None:
    session = requests.Session()
    assert senders(session, "GET") == [session]


@pytest.mark.parametrize("adapters", [None, [], "adapters"])
def test_a_session_with_adapters_of_another_kind_sends_by_itself(adapters: object) -> None:
    session = mock.Mock(adapters=adapters)
    WithoutRedirects(session).request("POST", URL)
    session.request.assert_called_once_with("POST", URL, allow_redirects=False)


# -- connections ------------------------------------------------------------------------------------------------------


def test_requests_side_by_side_keep_their_connections_without_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """With the 10 connections of requests, each further one is dropped, and a warning logged."""
    pool = exchange().session.get_adapter(URL).poolmanager.connection_from_url(URL)
    used = [pool._get_conn() for _ in range(100)]
    for connection in used:
        pool._put_conn(connection)
    assert caplog.records == []


def test_a_session_of_the_user_stays_as_it_is() -> None:
    session, mounted = requests.Session(), HTTPAdapter()
    session.mount("http://", mounted)
    assert bitget({"session": session}).session.get_adapter(URL) is mounted
    keep_connections(None)


# -- websockets -------------------------------------------------------------------------------------------------------


class Connecting:
    """One of ccxt's clients, which connects by the method of the session."""

    async def create_connection(self, session: Any) -> Any:
        return await session.ws_connect(URL, autoping=False)


async def connect(failure: Exception) -> Any:
    """Return the request of a handshake, which ends in this failure."""
    client: Any = without_redirects(Connecting())
    async with aiohttp.ClientSession() as session:
        with mock.patch.object(session, "request", mock.AsyncMock(side_effect=failure)) as request:
            try:
                await client.create_connection(session)
            finally:
                assert request.call_args.kwargs["allow_redirects"] is False


async def test_a_handshake_follows_no_redirect() -> None:
    message = "websocket http://127.0.0.1/api: HTTP 307 redirects to localhost, and was not followed"
    with pytest.raises(ccxt.NetworkError, match=f"^{message}") as caught:
        await connect(error := redirected(307))
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("failure", [redirected(403), OSError("refused")])
async def test_another_failure_of_a_handshake_is_aiohttps_own(failure: Exception) -> None:
    with pytest.raises(type(failure)) as caught:
        await connect(failure)
    assert caught.value is failure
