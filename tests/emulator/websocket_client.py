"""Client of the private websocket, which shares no code with the emulator."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp

from bitget_margin.emulator import Account, Emulator

PATIENCE_SECONDS = 5
LOGGED_IN = {"event": "login", "code": 0}
CLOSED = frozenset({aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR})


class WebSocketClient:
    """Connected websocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def request(self, message: object) -> Any:
        """Send a message, as JSON unless it is text, and return the next message."""
        await (self.socket.send_str(message) if isinstance(message, str) else self.socket.send_json(message))
        return await self.receive()

    async def receive(self) -> Any:
        """Return the next message."""
        message = await asyncio.wait_for(self.socket.receive(), PATIENCE_SECONDS)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        return message.data if message.data == "pong" else message.json()

    async def receive_row(self) -> dict[str, Any]:
        """Return the one row of the next push."""
        push = await self.receive()
        assert (push["action"], push["arg"]["channel"], len(push["data"])) == ("snapshot", "orders-crossed", 1)
        return dict(push["data"][0])

    async def ended(self) -> bool:
        """Return whether the connection ends without another message."""
        with contextlib.suppress(ConnectionError):
            message = await asyncio.wait_for(self.socket.receive(), PATIENCE_SECONDS)
            return message.type in CLOSED
        return True

    async def silent(self) -> bool:
        """Return whether no message was sent before the responses to two pings, of which one may overtake a push."""
        return [await self.request("ping") for _ in range(2)] == ["pong"] * 2


def login(account: Account, now_ms: int, **replaced: object) -> dict[str, Any]:
    """Return a login, with some of its fields replaced."""
    timestamp = str(now_ms // 1000)
    digest = hmac.new(account.secret.encode(), f"{timestamp}GET/user/verify".encode(), hashlib.sha256).digest()
    own = {
        "apiKey": account.api_key,
        "passphrase": account.password,
        "timestamp": timestamp,
        "sign": base64.b64encode(digest).decode(),
    }
    return {"op": "login", "args": [own | replaced]}


def arg(symbol: str = "BTCUSDT", **replaced: object) -> dict[str, object]:
    """Return the argument of a subscription."""
    return {"instType": "MARGIN", "channel": "orders-crossed", "instId": symbol} | replaced


@contextlib.asynccontextmanager
async def connected(venue: Emulator, version: str = "v2") -> AsyncIterator[WebSocketClient]:
    """Connect to the private websocket of classic accounts, or of unified ones (`v3`)."""
    url = f"{venue.url.replace('http', 'ws', 1)}/{version}/ws/private"
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        yield WebSocketClient(socket)


@contextlib.asynccontextmanager
async def subscribed(
    venue: Emulator, clock: Callable[[], int], *symbols: str, account: Account | None = None
) -> AsyncIterator[WebSocketClient]:
    """Connect, log in, by default with the first account, and subscribe to its orders of some symbols."""
    async with connected(venue) as connection:
        assert await connection.request(login(account or venue.accounts[0], clock())) == LOGGED_IN
        for symbol in symbols or ("BTCUSDT",):
            answer = await connection.request({"op": "subscribe", "args": [arg(symbol)]})
            assert answer == {"event": "subscribe", "arg": arg(symbol)}
        yield connection
