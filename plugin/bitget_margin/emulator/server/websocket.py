"""Websockets: they carry the words of a conversation, and what is pushed into it."""

from __future__ import annotations

import asyncio
import contextlib

from aiohttp import WSMsgType, web

from bitget_margin.emulator.api.order_feed import Push
from bitget_margin.emulator.api.router import Venue
from bitget_margin.emulator.server.websocket_session import PING, WebSocketSession

#: Where a classic account listens to its own orders.
PRIVATE_SOCKET = "/v2/ws/private"
_LARGEST_MESSAGE = 65_536
#: How often at most the venue is reminded of what is due, on a clock that may stand still.
_SHORTEST_NAP_SECONDS = 0.01


async def serve_websocket(venue: Venue, request: web.BaseRequest) -> web.StreamResponse:
    """Serve one connection until it ends."""
    socket = web.WebSocketResponse(max_msg_size=_LARGEST_MESSAGE)
    if not socket.can_prepare(request).ok:
        return web.Response(status=400, text="this is a websocket")
    await socket.prepare(request)
    await _WebSocketConnection(venue, request, socket).run()
    return socket


class _WebSocketConnection:
    """A connected websocket."""

    def __init__(self, venue: Venue, request: web.BaseRequest, socket: web.WebSocketResponse) -> None:
        self._venue = venue
        self._request = request
        self._socket = socket
        self._loop = asyncio.get_running_loop()
        self._conversation = WebSocketSession(venue, self)
        self._pushes: asyncio.Queue[tuple[float, Push]] = asyncio.Queue()
        self._pushed = 0
        self._alarm: asyncio.TimerHandle | None = None
        self._silence: asyncio.TimerHandle | None = None
        self._closing: asyncio.Future[bool] | None = None

    def push(self, push: Push) -> None:
        """Take a message, in any thread."""
        at = self._loop.time() + push.delay_ms / 1000
        self._loop.call_soon_threadsafe(self._pushes.put_nowait, (at, push))

    def due_in(self, delay_ms: int) -> None:
        """Have the venue looked at when something is due, in any thread."""
        self._loop.call_soon_threadsafe(self._set_alarm, max(delay_ms / 1000, _SHORTEST_NAP_SECONDS))

    async def run(self) -> None:
        """Talk until the connection ends."""
        sending = asyncio.ensure_future(self._send_pushes())
        self._heard()
        try:
            async for message in self._socket:
                if message.type is WSMsgType.ERROR:
                    break
                text = message.data if message.type is WSMsgType.TEXT else ""  # the venue does not understand bytes
                if text == PING:
                    self._heard()
                for answer in self._conversation.answers(text):
                    await self._socket.send_str(answer)
                if self._conversation.over:
                    await self._socket.close()
        except ConnectionResetError:
            pass  # it left while it was being answered
        finally:
            self._conversation.end()
            sending.cancel()
            for timer in (self._alarm, self._silence):
                if timer is not None:
                    timer.cancel()

    async def _send_pushes(self) -> None:
        with contextlib.suppress(ConnectionResetError):
            while True:
                at, push = await self._pushes.get()
                await asyncio.sleep(max(at - self._loop.time(), 0))
                self._pushed += 1
                if push.drop_every and self._pushed % push.drop_every == 0:
                    self._drop()
                    return
                for _ in range(push.copies):
                    await self._socket.send_str(push.text)

    def _drop(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()

    def _heard(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
        self._silence = self._loop.call_later(self._conversation.patience_ms / 1000, self._give_up)

    def _give_up(self) -> None:
        # A task that nobody holds may vanish before it is done.
        self._closing = asyncio.ensure_future(self._socket.close())

    def _set_alarm(self, delay_seconds: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._loop.call_later(delay_seconds, self._venue.settle)
