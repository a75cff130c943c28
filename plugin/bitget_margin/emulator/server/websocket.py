"""Websocket server: carries the messages of a session and the pushes of its subscriptions."""

import asyncio
import contextlib

from aiohttp import WSMsgType, web

from bitget_margin.emulator.api.private_feed import Push
from bitget_margin.emulator.api.venue import Venue
from bitget_margin.emulator.market.wallet import AccountKind
from bitget_margin.emulator.server.websocket_session import PING, WebSocketSession

PRIVATE_SOCKETS = {"/v2/ws/private": AccountKind.CLASSIC, "/v3/ws/private": AccountKind.UNIFIED}
"""Paths of the private websockets, and the account kinds that they serve."""
_SWAP_PATIENCE_SECONDS = 0.05
"""Time after which a push that was to follow the next one is sent without it."""
_LARGEST_MESSAGE = 65_536
_SHORTEST_ALARM_SECONDS = 0.01
"""Shortest interval of calls of `Venue.settle`, since the venue's clock may stand still."""


async def serve_websocket(venue: Venue, kind: AccountKind, request: web.BaseRequest) -> web.StreamResponse:
    """Serve one connection until it ends.

    :param kind: the account kind whose channels it has
    """
    socket = web.WebSocketResponse(max_msg_size=_LARGEST_MESSAGE)
    if not socket.can_prepare(request).ok:
        return web.Response(status=400, text="this is a websocket")
    await socket.prepare(request)
    await _WebSocketConnection(venue, kind, request, socket).run()
    return socket


class _WebSocketConnection:
    """Connected websocket, which listens to the private feed."""

    def __init__(
        self, venue: Venue, kind: AccountKind, request: web.BaseRequest, socket: web.WebSocketResponse
    ) -> None:
        self._venue = venue
        self._request = request
        self._socket = socket
        self._loop = asyncio.get_running_loop()
        self._session = WebSocketSession(venue, kind, self)
        self._pushes: asyncio.Queue[tuple[float, Push]] = asyncio.Queue()
        self._pushed = 0
        self._alarm: asyncio.TimerHandle | None = None
        self._silence: asyncio.TimerHandle | None = None
        self._closing: asyncio.Future[bool] | None = None

    def push(self, push: Push) -> None:
        """Queue a message; callable in any thread."""
        at = self._loop.time() + push.delay_ms / 1000
        self._loop.call_soon_threadsafe(self._pushes.put_nowait, (at, push))

    def due_in(self, delay_ms: int) -> None:
        """Schedule a call of `Venue.settle`; callable in any thread."""
        self._loop.call_soon_threadsafe(self._set_alarm, max(delay_ms / 1000, _SHORTEST_ALARM_SECONDS))

    async def run(self) -> None:
        """Handle messages until the connection ends."""
        sending = asyncio.ensure_future(self._send_pushes())
        self._restart_silence()
        try:
            async for message in self._socket:
                if message.type is WSMsgType.ERROR:
                    break
                text = message.data if message.type is WSMsgType.TEXT else ""  # the venue refuses binary messages
                if text == PING:
                    self._restart_silence()
                for response in self._session.handle(text):
                    await self._socket.send_str(response)
                if self._session.over:
                    await self._socket.close()
        except ConnectionResetError:
            pass  # the client has disconnected before the response
        finally:
            self._session.end()
            sending.cancel()
            for timer in (self._alarm, self._silence):
                if timer is not None:
                    timer.cancel()

    async def _send_pushes(self) -> None:
        with contextlib.suppress(ConnectionResetError):
            held: Push | None = None
            while True:
                try:
                    at, push = await asyncio.wait_for(self._pushes.get(), _SWAP_PATIENCE_SECONDS if held else None)
                except TimeoutError:
                    await self._send_push(held)
                    held = None
                    continue
                await asyncio.sleep(max(at - self._loop.time(), 0))
                self._pushed += 1
                if self._is_due(push.drop_every):
                    if self._request.transport is not None:
                        self._request.transport.abort()
                    return
                if self._is_due(push.lose_every):
                    continue
                if held is None and self._is_due(push.swap_every):
                    held = push
                    continue
                await self._send_push(push)
                await self._send_push(held)
                held = None

    def _is_due(self, every: int) -> bool:
        return bool(every) and self._pushed % every == 0

    async def _send_push(self, push: Push | None) -> None:
        if push is not None:
            for _ in range(push.copies):
                await self._socket.send_str(push.text)

    def _restart_silence(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
        self._silence = self._loop.call_later(self._session.ping_patience_ms / 1000, self._close)

    def _close(self) -> None:
        # A task without a reference can be garbage-collected before it is done.
        self._closing = asyncio.ensure_future(self._socket.close())

    def _set_alarm(self, delay_seconds: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._loop.call_later(delay_seconds, self._venue.settle)
