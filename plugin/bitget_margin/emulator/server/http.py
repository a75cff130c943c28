"""An HTTP server in a thread of its own."""

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
#: How often to try to open again, should somebody have taken the port.
_REOPEN_SECONDS = 0.02
#: Closing a socket that lingers for no time resets its connection.
_NO_LINGER = struct.pack("ii", 1, 0)

#: Serves a connection for as long as it lasts.
ConnectionHandler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Server:
    """Carries requests to a function and its answers back.

    :param answer: called in the server's thread
    :param talks: what serves connections to these paths, in the server's thread
    :param port: 0 for any free one
    """

    def __init__(
        self,
        answer: Callable[[HttpRequest], HttpResponse],
        talks: Mapping[str, ConnectionHandler],
        host: str,
        port: int,
    ) -> None:
        self.host = host
        self.port = port
        self._answer = answer
        self._talks = talks
        self._service: _Service | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Return once the server listens, or raise the OSError that prevents it."""
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
        """Close all connections and return once the port is free again."""
        if self._service is not None:
            self._service.loop.call_soon_threadsafe(self._service.stopping.set)
            self._service = None
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def refuse_connections(self, duration_ms: int) -> None:
        """Reset all connections and refuse new ones for a while; return once it is so."""
        if self._service is None:
            raise RuntimeError("the server does not run")
        asyncio.run_coroutine_threadsafe(self._service.refuse(duration_ms), self._service.loop).result()

    def _run(self, listening: Future[int]) -> None:
        try:
            asyncio.run(self._serve(listening))
        except Exception as error:  # noqa: BLE001 - it is raised in the thread that waits for the start
            listening.set_exception(error)

    async def _serve(self, listening: Future[int]) -> None:
        service = _Service(self._answer, self._talks, self.host, self.port)
        await service.start()
        try:
            self._service = service
            listening.set_result(service.port.number)
            await service.stopping.wait()
        finally:
            await service.stop()


class _Service:
    """What runs in the server's thread."""

    def __init__(
        self,
        answer: Callable[[HttpRequest], HttpResponse],
        talks: Mapping[str, ConnectionHandler],
        host: str,
        port: int,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.stopping = asyncio.Event()
        self._answer = answer
        self._talks = talks
        # Bodies stay compressed, since a signature covers the bytes as they were sent. Handlers end with their
        # connection, so that nothing is held for a client that has left.
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
        """Close everything."""
        if self._opening is not None:
            self._opening.cancel()
        await self.port.release()
        await self._runner.cleanup()

    async def refuse(self, duration_ms: int, spared: asyncio.BaseTransport | None = None) -> None:
        """Reset all connections but one, and let nobody connect for a while."""
        if self.stopping.is_set():
            return
        self._opens_at = max(self._opens_at, self.loop.time() + duration_ms / 1000)
        if self._opening is not None:
            self._opening.cancel()
        self._opening = self.loop.call_at(self._opens_at, self._open_again)
        await self.port.shut()
        for connection in self._web.connections:
            if connection.transport is not spared:
                _reset(connection.transport)

    def _open_again(self) -> None:
        try:
            self.port.open()
        except OSError:
            self._opening = self.loop.call_later(_REOPEN_SECONDS, self._open_again)

    async def _reply(self, request: web.BaseRequest) -> web.StreamResponse:
        talk = self._talks.get(request.path)
        if talk is not None:
            return await talk(request)
        arrived = self.loop.time()
        # Whatever has arrived by now is noted before the first of it is computed.
        await asyncio.sleep(0)
        answer = self._answer(await _read(request))
        if answer.delay_ms:
            # What is computed here counts: an answer about many orders is no later than one about a single order.
            await asyncio.sleep(arrived + answer.delay_ms / 1000 - self.loop.time())
        if answer.delivery is Delivery.HELD:
            await self.stopping.wait()
        sent = answer.delivery is Delivery.SENT
        response = await _send(request, answer) if sent else web.Response()
        if answer.refuse_ms:
            # This handler may end with its connection, but not the refusal. Whoever sees the one sees the other.
            await asyncio.shield(self.refuse(answer.refuse_ms, request.transport if sent else None))
        if not sent:
            _reset(request.transport)
        return response


async def _send(request: web.BaseRequest, answer: HttpResponse) -> web.StreamResponse:
    if answer.trickle_ms:
        return await _trickle(request, answer)
    response = web.Response(
        status=answer.status, body=answer.body, headers=answer.headers, content_type=answer.content_type
    )
    if answer.refuse_ms:
        # It has to be out before anything is closed.
        response.force_close()
        await response.prepare(request)
        await response.write_eof()
    return response


async def _trickle(request: web.BaseRequest, answer: HttpResponse) -> web.StreamResponse:
    """Send the body one byte at a time, as a line that hardly holds does."""
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_type = answer.content_type
    response.content_length = len(answer.body)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await response.prepare(request)
    with contextlib.suppress(ConnectionResetError):  # the client has had enough
        for i in range(len(answer.body)):
            await response.write(answer.body[i : i + 1])
            due = begun + answer.trickle_ms / 1000 * (i + 1) / len(answer.body)
            await asyncio.sleep(max(due - loop.time(), 0))
        await response.write_eof()
    return response


def _reset(transport: asyncio.BaseTransport | None) -> None:
    """Close a connection the hard way, unless it is gone already."""
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
