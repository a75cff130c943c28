"""Promise: no signed request and no websocket follows a redirect."""

import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

import aiohttp
import ccxt
import pytest
import requests

from bitget_margin import CancelUnresolved, Outcome
from bitget_margin.adapter.errors import PlaceUnresolved
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.emulator import Emulator, ccxt_urls
from support.broken import broken_venue
from support.client import CROSS, Client, Flavour, close, config, load_markets

BTC = "BTC/USDT"
REDIRECTS = [301, 302, 303, 307, 308]
CANCEL = CROSS | {"timeout": 400}
OPTIONS = {"batchCancel": {"timeout": 400}, "defaultMarginMode": None}
"""The methods of the spot account are called on purpose."""
TIME = b'{"code":"00000","msg":"success","data":{"serverTime":"1800000000000"}}'


class Host:
    """A server with a fixed response that records its requests."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.head = b"HTTP/1.1 200 OK\r\n"
        self.body = TIME

    def speak(self, connection: socket.socket, over: threading.Event) -> None:
        """Record a request and send the response."""
        request = b""
        while not _is_complete(request) and (part := connection.recv(65_536)):
            request += part
        if request:
            self.requests.append(request)
            length = str(len(self.body)).encode()
            headers = b"Content-Type: application/json\r\nConnection: close\r\nContent-Length: " + length + b"\r\n\r\n"
            connection.sendall(self.head + headers + self.body)


def _is_complete(request: bytes) -> bool:
    head, end, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return bool(end) and len(body) >= (int(length[1]) if length else 0)


@contextlib.contextmanager
def redirecting(status: int, where: str = "", body: bytes = b"") -> Iterator[tuple[str, Host, Host]]:
    """Run a host that redirects, by default to another host; yield its URL and both hosts."""
    first, other = Host(), Host()
    with broken_venue(other.speak) as other_url, broken_venue(first.speak) as url:
        # Another host name and another port.
        location = where or other_url.replace("127.0.0.1", "localhost") + "/api/v2/public/time"
        first.head = f"HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\n".encode()
        first.body = body
        yield url, first, other


def own_session(flavour: Flavour) -> Any:
    """Return a session of the user's."""
    return requests.Session() if flavour is Flavour.SYNC else aiohttp.ClientSession()


@pytest.fixture(params=["its own", "the user's"])
def caller(request: pytest.FixtureRequest, flavour: Flavour, venue: Emulator) -> Iterator[Client]:
    """Return a client with its own session, and one with a session of the user's."""
    made = Client(flavour, config(venue, options=OPTIONS, timeout=2_000, enableRateLimit=False, verify=False))
    if request.param == "the user's":
        made.set_session(lambda: own_session(flavour))
    yield made
    made.close()


Ask = Callable[[Client], Any]
OURS: dict[str, Ask] = {
    "cancel_orders": lambda client: client("cancel_orders", ["11"], BTC, CANCEL),
    "cancel_order": lambda client: client("cancel_order", "11", BTC, CANCEL),
    "batch_cancel": lambda client: client("batch_cancel", ["11"], BTC, params={"timeout": 400}),
    "cancel_all_orders": lambda client: client("cancel_all_orders", BTC, CANCEL),
    "create_order": lambda client: client("create_order", BTC, "limit", "buy", 0.001, 50_000, CANCEL),
    "create_orders": lambda client: client(
        "create_orders", [{"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.001, "price": 5e4}], CANCEL
    ),
    "fetch_order": lambda client: client("fetch_order", "11", BTC, CANCEL),
    "fetch_open_orders": lambda client: client("fetch_open_orders", BTC, None, None, CANCEL),
    "fetch_balance": lambda client: client("fetch_balance", CANCEL),
}
STOCK: dict[str, Ask] = {
    "fetch_balance": lambda client: client("fetch_balance"),
    "create_order": lambda client: client("create_order", BTC, "limit", "buy", 0.001, 50_000),
    "cancel_order": lambda client: client("cancel_order", "11", BTC),
    "fetch_open_orders": lambda client: client("fetch_open_orders", BTC),
    "fetch_my_trades": lambda client: client("fetch_my_trades", BTC),
    "implicit GET": lambda client: client("private_spot_get_v2_spot_account_info"),
    "implicit POST": lambda client: client("privateSpotPostV2SpotTradeCancelOrder", {"symbol": "BTCUSDT"}),
}


@pytest.mark.parametrize("ask", [*OURS.values(), *STOCK.values()], ids=[*OURS, *(f"stock {name}" for name in STOCK)])
def test_no_signed_request_is_redirected(caller: Client, ask: Ask) -> None:
    refuse_redirect(caller, ask, 307)


@pytest.fixture
def client(client: Client) -> Client:
    """Return an exchange whose methods of the spot account are called on purpose."""
    client.exchange.options["defaultMarginMode"] = None
    return client


@pytest.mark.parametrize("ask", ["fetch_balance", "implicit POST"])
def test_no_kind_of_redirect_is_followed(client: Client, ask: str) -> None:
    for status in REDIRECTS:
        refuse_redirect(client, STOCK[ask], status)


def refuse_redirect(caller: Client, ask: Ask, status: int) -> None:
    """Redirect a request and check that only the first host receives it."""
    with redirecting(status) as (url, first, other):
        caller.point_to(url)
        with pytest.raises(ccxt.NetworkError) as caught:
            ask(caller)
    assert b"ACCESS-KEY" in first.requests[0]
    assert other.requests == []
    if ask in STOCK.values():  # our own methods end with their deadline and the last error
        assert f"HTTP {status} redirects to localhost, and was not followed" in str(caught.value)


@pytest.mark.parametrize("where", ["/login", "//localhost:9/", "?again", "", "http://[bad", "ftp://x/", "http://x y/"])
def test_a_redirect_is_an_error_wherever_it_leads(client: Client, where: str) -> None:
    with redirecting(307, where or " ") as (url, first, _):
        client.point_to(url)
        with pytest.raises(CancelUnresolved):
            client("cancel_orders", ["11"], BTC, CANCEL)
    assert all(b"ACCESS-KEY" in request and b"/login" not in request for request in first.requests)


REFUSED = b'{"code":"40017","msg":"refused"}'
BODIES = [b"", b"<html>", REFUSED, b'{"code":"00000","data":{}}']


@pytest.mark.parametrize(
    ("status", "body"), [*((307, body) for body in BODIES), (300, REFUSED), (302, REFUSED), (304, b"")]
)
def test_what_was_redirected_may_have_been_executed(client: Client, status: int, body: bytes) -> None:
    with redirecting(status, body=body) as (url, _, _):
        client.point_to(url)
        with pytest.raises(CancelUnresolved) as caught:
            client("cancel_orders", ["11"], BTC, CANCEL)
        assert [result.outcome for result in caught.value.report.results] == [Outcome.UNKNOWN]
        with pytest.raises(PlaceUnresolved):
            client("create_order", BTC, "limit", "buy", 0.001, 50_000, CANCEL)
        with pytest.raises(PlaceUnresolved):
            OURS["create_orders"](client)


def test_public_requests_are_redirected_as_in_stock_ccxt(client: Client) -> None:
    with redirecting(307) as (url, _, other):
        client.point_to(url)
        with pytest.raises(ccxt.NetworkError):
            client("fetch_balance")
        assert client("fetch_time") == 1_800_000_000_000
    assert len(other.requests) == 1
    assert b"ACCESS-" not in other.requests[0]


def test_the_session_is_the_one_that_was_given(flavour: Flavour) -> None:
    async def check() -> None:
        session = own_session(flavour)
        exchange = flavour.cls({"session": session})
        assert exchange.session is session
        for closing in (session.close(), None if flavour is Flavour.SYNC else close(exchange)):
            if closing is not None:
                await closing

    asyncio.run(check())


def test_a_proxy_redirects_no_signed_request_either(client: Client) -> None:
    with redirecting(307) as (url, first, other):
        client.point_to("http://venue.invalid")
        client.exchange.httpProxy = url
        with pytest.raises(ccxt.NetworkError, match="was not followed"):
            client("fetch_balance")
    assert b"ACCESS-KEY" in first.requests[0]
    assert other.requests == []


WATCH: dict[str, Callable[[Any], Any]] = {
    "orders": lambda exchange: exchange.watch_orders(BTC, params=CROSS),
    "stock orders": lambda exchange: exchange.watch_orders(BTC, params={"uta": False}),
    "ticker": lambda exchange: exchange.watch_ticker(BTC),
}
REDIRECTED = "HTTP {} redirects to localhost, and was not followed"


@pytest.mark.parametrize(
    ("watch", "status", "text"),
    [
        *((watch, status, REDIRECTED.format(status)) for watch in WATCH for status in REDIRECTS),
        ("ticker", 403, "403"),
    ],
)
async def test_no_websocket_is_redirected(venue: Emulator, kind: Enum, watch: str, status: int, text: str) -> None:
    exchange = Flavour.PRO.cls(config(venue, options={"defaultMarginMode": None}))
    await load_markets(exchange)
    exchange.learn_account_kind(AccountKind(kind.value))
    with redirecting(status) as (url, first, other):
        exchange.urls = exchange.urls | ccxt_urls(url)
        with pytest.raises(ccxt.NetworkError, match=text):
            await asyncio.wait_for(WATCH[watch](exchange), 5)
        await close(exchange)
    assert b"Upgrade: websocket" in first.requests[0]
    assert other.requests == []
