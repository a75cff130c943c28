"""HTTP server in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future

from aiohttp import web

from bitget_margin.emulator.messages import Delivery, HttpRequest, HttpResponse
from bitget_margin.emulator.server.port import Port

_SHUTDOWN_SECONDS = 0.1
_REOPEN_SECONDS = 0.02
"""Interval of attempts to open the port again, if another program has taken it."""
_NO_LINGER = struct.pack("ii", 1, 0)
"""Socket option with which closing a socket resets its connection."""

RequestHandler = Callable[[HttpRequest], HttpResponse]
ConnectionHandlers = Mapping[str, Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]]
"""Functions by path, each of which serves a connection for as long as it lasts."""


class Server:
    """HTTP server that passes requests to a function.

    :param handle: called in the server's thread
    :param handlers: called in the server's thread for connections to these paths
    :param port: 0 for any free one
    """

    def __init__(self, handle: RequestHandler, handlers: ConnectionHandlers, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._handle = handle
        self._handlers = handlers
        self._service: _Service | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the server; returns once it listens, or raises the OSError that prevents it."""
        if self._thread is not None:
            raise RuntimeError("the server already runs")
        listening: Future[int] = Future()
        self._thread = threading.Thread(target=self._run, args=(listening,), name="bitget-emulator", daemon=True)
        self._thread.start()
        try:
            self.port = listening.result()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Close all connections; returns once the port is free again."""
        if self._service is not None:
            self._service.loop.call_soon_threadsafe(self._service.stopping.set)
            self._service = None
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def refuse_connections(self, duration_ms: int) -> None:
        """Reset all connections and refuse new ones for a while; returns once that is in effect."""
        if self._service is None:
            raise RuntimeError("the server does not run")
        asyncio.run_coroutine_threadsafe(self._service.refuse(duration_ms), self._service.loop).result()

    def _run(self, listening: Future[int]) -> None:
        try:
            asyncio.run(self._serve(listening))
        except Exception as error:  # noqa: BLE001 - it is raised in the thread that waits for the start
            listening.set_exception(error)

    async def _serve(self, listening: Future[int]) -> None:
        service = _Service(self._handle, self._handlers, self.host, self.port)
        await service.start()
        try:
            self._service = service
            listening.set_result(service.port.number)
            await service.stopping.wait()
        finally:
            await service.stop()


class _Service:
    """Server within its thread's event loop."""

    def __init__(self, handle: RequestHandler, handlers: ConnectionHandlers, host: str, port: int) -> None:
        self.loop = asyncio.get_running_loop()
        self.stopping = asyncio.Event()
        self._handle = handle
        self._handlers = handlers
        # Bodies stay compressed, since a signature covers the bytes as they were sent. Handlers are canceled with their
        # connection, so that nothing is held for a client that has disconnected.
        self._web = web.Server(self._reply, access_log=None, auto_decompress=False, handler_cancellation=True)
        self._runner = web.ServerRunner(self._web, shutdown_timeout=_SHUTDOWN_SECONDS)
        self.port = Port(host, port, self._web)
        self._opens_at = 0.0
        self._opening: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Listen."""
        await self._runner.setup()
        try:
            self.port.open()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close all connections and the port."""
        if self._opening is not None:
            self._opening.cancel()
        await self.port.release()
        await self._runner.cleanup()

    async def refuse(self, duration_ms: int, excepted: asyncio.BaseTransport | None = None) -> None:
        """Reset all connections except one, and refuse new ones for a while."""
        if self.stopping.is_set():
            return
        self._opens_at = max(self._opens_at, self.loop.time() + duration_ms / 1000)
        if self._opening is not None:
            self._opening.cancel()
        self._opening = self.loop.call_at(self._opens_at, self._open_again)
        await self.port.shut()
        for connection in self._web.connections:
            if connection.transport is not excepted:
                _reset(connection.transport)

    def _open_again(self) -> None:
        try:
            self.port.open()
        except OSError:
            self._opening = self.loop.call_later(_REOPEN_SECONDS, self._open_again)

    async def _reply(self, request: web.BaseRequest) -> web.StreamResponse:
        handler = self._handlers.get(request.path)
        if handler is not None:
            return await handler(request)
        arrived = self.loop.time()
        # The arrival of all requests up to now is noted before the first of them is handled.
        await asyncio.sleep(0)
        response = self._handle(await _read(request))
        if response.delay_ms:
            # The delay includes the computation: a response about many orders is as fast as one about a single order.
            await asyncio.sleep(arrived + response.delay_ms / 1000 - self.loop.time())
        if response.delivery is Delivery.HELD:
            await self.stopping.wait()
        sent = response.delivery is Delivery.SENT
        web_response = await _send(request, response) if sent else web.Response()
        if response.refuse_ms:
            # The shield keeps the refusal in effect though this handler is canceled with its connection.
            await asyncio.shield(self.refuse(response.refuse_ms, request.transport if sent else None))
        if not sent:
            _reset(request.transport)
        return web_response


async def _send(request: web.BaseRequest, response: HttpResponse) -> web.StreamResponse:
    if response.trickle_ms:
        return await _trickle(request, response)
    web_response = web.Response(
        status=response.status, body=response.body, headers=response.headers, content_type=response.content_type
    )
    if response.refuse_ms:
        # The response is sent before any connection is closed.
        web_response.force_close()
        await web_response.prepare(request)
        await web_response.write_eof()
    return web_response


async def _trickle(request: web.BaseRequest, response: HttpResponse) -> web.StreamResponse:
    """Send the body one byte at a time, like a very slow connection."""
    web_response = web.StreamResponse(status=response.status, headers=response.headers)
    web_response.content_type = response.content_type
    web_response.content_length = len(response.body)
    loop = asyncio.get_running_loop()
    started = loop.time()
    await web_response.prepare(request)
    with contextlib.suppress(ConnectionResetError):  # the client has disconnected
        for i in range(len(response.body)):
            await web_response.write(response.body[i : i + 1])
            due = started + response.trickle_ms / 1000 * (i + 1) / len(response.body)
            await asyncio.sleep(max(due - loop.time(), 0))
        await web_response.write_eof()
    return web_response


def _reset(transport: asyncio.BaseTransport | None) -> None:
    """Reset a connection, unless it is closed already."""
    if not isinstance(transport, asyncio.WriteTransport):
        return
    connection: socket.socket = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()


async def _read(request: web.BaseRequest) -> HttpRequest:
    path, _, query = request.raw_path.partition("?")
    return HttpRequest(
        method=request.method,
        path=path,
        query=query,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await _read_body(request),
        ip=request.remote or "",
    )


async def _read_body(request: web.BaseRequest) -> bytes | None:
    with contextlib.suppress(web.HTTPException, web.RequestPayloadError):
        return await request.read()
    return None
