"""A redirect is not followed with a key: not by our requests, not by stock ccxt's, and not by a websocket."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import ccxt
import pytest
import requests

from bitget_margin import CancelUnresolved, Outcome
from bitget_margin.adapter.errors import PlaceUnresolved
from bitget_margin.emulator import Emulator
from support.broken import broken_venue
from support.client import CROSS, Client, Flavour, close, config, load_markets

BTC = "BTC/USDT"
REDIRECTS = [301, 302, 303, 307, 308]
CANCEL = CROSS | {"timeout": 250}
BATCH = {"batchCancel": {"timeout": 250}}
TIME = b'{"code":"00000","msg":"success","data":{"serverTime":"1800000000000"}}'


class Host:
    """A server of somebody else: what it was sent, and how it answers."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.head = b"HTTP/1.1 200 OK\r\n"
        self.body = TIME

    def speak(self, connection: socket.socket, over: threading.Event) -> None:
        """Take a request down, and answer it."""
        heard = b""
        while not _is_whole(heard) and (part := connection.recv(65_536)):
            heard += part
        if heard:
            self.heard.append(heard)
            length = str(len(self.body)).encode()
            headers = b"Content-Type: application/json\r\nConnection: close\r\nContent-Length: " + length + b"\r\n\r\n"
            connection.sendall(self.head + headers + self.body)


def _is_whole(heard: bytes) -> bool:
    head, end, body = heard.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return bool(end) and len(body) >= (int(length[1]) if length else 0)


@contextlib.contextmanager
def redirecting(status: int, where: str = "", body: bytes = b"") -> Iterator[tuple[str, Host, Host]]:
    """Run a host that redirects, by default to another one; yield its URL, itself and the other one."""
    gate, other = Host(), Host()
    with broken_venue(other.speak) as other_url, broken_venue(gate.speak) as url:
        # By another name, and on another port.
        location = where or other_url.replace("127.0.0.1", "localhost") + "/api/v2/public/time"
        gate.head = f"HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\n".encode()
        gate.body = body
        yield url, gate, other


def elsewhere(exchange: Any, url: str) -> None:
    """Send everything to a host, websockets too."""
    api = {name: url for name in exchange.urls["api"] if name != "ws"}
    ws = dict.fromkeys(exchange.urls["api"].get("ws", {}), url.replace("http", "ws", 1) + "/ws")
    exchange.urls = exchange.urls | {"api": api | {"ws": ws}}


def own_session(flavour: Flavour) -> Any:
    """Return a session as a user makes one."""
    return requests.Session() if flavour is Flavour.SYNC else aiohttp.ClientSession()


@pytest.fixture(params=["its own", "the user's"])
def caller(request: pytest.FixtureRequest, flavour: Flavour, venue: Emulator) -> Iterator[Client]:
    """Return a client with ccxt's own session, and one with a session of the user's."""
    made = Client(flavour, config(venue, options=BATCH, timeout=2_000, enableRateLimit=False))
    if request.param == "the user's" and flavour is Flavour.SYNC:
        made.exchange.session = requests.Session()
    elif request.param == "the user's":

        async def given() -> None:
            if made.exchange.session is not None:
                await made.exchange.session.close()  # by which the markets were loaded
            made.exchange.own_session = False
            made.exchange.session = aiohttp.ClientSession()

        made._loop.run_until_complete(given())
        session = made.exchange.session
    yield made
    if request.param == "the user's" and flavour is not Flavour.SYNC:
        made._loop.run_until_complete(session.close())
    made.close()


Ask = Callable[[Client], Any]
OURS: dict[str, Ask] = {
    "cancel_orders": lambda client: client("cancel_orders", ["11"], BTC, CANCEL),
    "cancel_order": lambda client: client("cancel_order", "11", BTC, CANCEL),
    "batch_cancel": lambda client: client("batch_cancel", ["11"], BTC, params={"timeout": 250}),
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
    """Whoever sends it, by whatever session, and the user reads what happened."""
    refuse_redirect(caller, ask, 307)


@pytest.mark.parametrize("ask", ["fetch_balance", "implicit POST"])
def test_no_kind_of_redirect_is_followed(client: Client, ask: str) -> None:
    """HTTP has five, of which two repeat the whole request."""
    for status in REDIRECTS:
        refuse_redirect(client, STOCK[ask], status)


def refuse_redirect(caller: Client, ask: Ask, status: int) -> None:
    """Redirect a request, and see that only the first host has heard of it."""
    with redirecting(status) as (url, gate, other):
        elsewhere(caller.exchange, url)
        with pytest.raises(ccxt.NetworkError) as caught:
            ask(caller)
    assert b"ACCESS-KEY" in gate.heard[0]
    assert other.heard == []
    if ask in STOCK.values():  # ours end by their time, with whatever came last
        assert f"HTTP {status} redirects to localhost, and was not followed" in str(caught.value)


@pytest.mark.parametrize("where", ["/login", "//localhost:9/", "?again", "", "http://[bad", "ftp://x/", "http://x y/"])
def test_a_redirect_is_an_error_wherever_it_leads(client: Client, where: str) -> None:
    """To another path of the same host, nowhere, or to what no client can read."""
    with redirecting(307, where or " ") as (url, gate, _):
        elsewhere(client.exchange, url)
        with pytest.raises(CancelUnresolved):
            client("cancel_orders", ["11"], BTC, CANCEL)
    assert all(b"ACCESS-KEY" in heard and b"/login" not in heard for heard in gate.heard)


REFUSED = b'{"code":"40017","msg":"refused"}'
BODIES = [b"", b"<html>", REFUSED, b'{"code":"00000","data":{}}']


@pytest.mark.parametrize(
    ("status", "body"), [*((307, body) for body in BODIES), (300, REFUSED), (302, REFUSED), (304, b"")]
)
def test_what_was_redirected_may_have_been_executed(client: Client, status: int, body: bytes) -> None:
    """Whatever stands in its body: it proves no end, no refusal and no order."""
    with redirecting(status, body=body) as (url, _, _):
        elsewhere(client.exchange, url)
        with pytest.raises(CancelUnresolved) as caught:
            client("cancel_orders", ["11"], BTC, CANCEL)
        assert [result.outcome for result in caught.value.report.results] == [Outcome.UNKNOWN]
        with pytest.raises(PlaceUnresolved):
            client("create_order", BTC, "limit", "buy", 0.001, 50_000, CANCEL)
        with pytest.raises(PlaceUnresolved):
            OURS["create_orders"](client)


def test_public_requests_are_redirected_as_in_stock_ccxt(client: Client) -> None:
    """They carry no key, and the session is the user's own again after a signed one."""
    with redirecting(307) as (url, _, other):
        elsewhere(client.exchange, url)
        with pytest.raises(ccxt.NetworkError):
            client("fetch_balance")
        assert client("fetch_time") == 1_800_000_000_000
    assert len(other.heard) == 1
    assert b"ACCESS-" not in other.heard[0]


def test_the_session_is_the_one_that_was_given(flavour: Flavour) -> None:
    """To everybody but ccxt's own sending."""

    async def check() -> None:
        session = own_session(flavour)
        exchange = flavour.cls({"session": session})
        assert exchange.session is session
        if flavour is Flavour.SYNC:
            session.close()
        else:
            await session.close()
            await close(exchange)

    asyncio.run(check())


def test_a_proxy_redirects_no_signed_request_either(client: Client) -> None:
    with redirecting(307) as (url, gate, other):
        elsewhere(client.exchange, "http://venue.invalid")
        client.exchange.httpProxy = url
        with pytest.raises(ccxt.NetworkError, match="was not followed"):
            client("fetch_balance")
    assert b"ACCESS-KEY" in gate.heard[0]
    assert other.heard == []


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize("watch", ["orders", "stock orders", "ticker"])
async def test_no_websocket_is_redirected(venue: Emulator, watch: str, status: int) -> None:
    """So nobody logs in elsewhere; the user reads what happened."""
    exchange = Flavour.PRO.cls(config(venue))
    await load_markets(exchange)
    with redirecting(status) as (url, gate, other):
        elsewhere(exchange, url)
        calls = {
            "orders": lambda: exchange.watch_orders(BTC, params=CROSS | {"uta": False}),
            "stock orders": lambda: exchange.watch_orders(BTC, params={"uta": False}),
            "ticker": lambda: exchange.watch_ticker(BTC),
        }
        with pytest.raises(ccxt.NetworkError, match=f"HTTP {status} redirects to localhost, and was not followed"):
            await asyncio.wait_for(calls[watch](), 5)
        await close(exchange)
    assert b"Upgrade: websocket" in gate.heard[0]
    assert other.heard == []


async def test_a_websocket_that_is_refused_says_so_as_in_stock_ccxt(venue: Emulator) -> None:
    exchange = Flavour.PRO.cls(config(venue))
    await load_markets(exchange)
    with redirecting(403) as (url, _, _):
        elsewhere(exchange, url)
        with pytest.raises(ccxt.NetworkError, match="403"):
            await asyncio.wait_for(exchange.watch_ticker(BTC), 5)
        await close(exchange)
