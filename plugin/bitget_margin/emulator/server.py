"""An HTTP server in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future

from aiohttp import web

from .message import Answer, Incoming

_SHUTDOWN_SECONDS = 0.1
_TURNS_TO_ACCEPT = 10


class Server:
    """Carries requests to a function and its answers back.

    :param answer: called in the server's thread
    :param port: 0 for any free one
    """

    def __init__(self, answer: Callable[[Incoming], Answer], host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._answer = answer
        self._stop: Callable[[], object] | None = None
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
        if self._stop is not None:
            self._stop()
            self._stop = None
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self, listening: Future[int]) -> None:
        try:
            asyncio.run(self._serve(listening))
        except Exception as error:  # noqa: BLE001 - it is raised in the thread that waits for the start
            listening.set_exception(error)

    async def _serve(self, listening: Future[int]) -> None:
        loop, stopping = asyncio.get_running_loop(), asyncio.Event()
        # Bodies stay compressed, since a signature covers the bytes as they were sent.
        runner = web.ServerRunner(
            web.Server(self._reply, access_log=None, auto_decompress=False),
            shutdown_timeout=_SHUTDOWN_SECONDS,
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, self.host, self.port).start()
            self._stop = lambda: loop.call_soon_threadsafe(stopping.set)
            listening.set_result(runner.addresses[0][1])
            await stopping.wait()
            # A connection that was made just now takes some turns of the loop until the runner can close it.
            for _ in range(_TURNS_TO_ACCEPT):
                await asyncio.sleep(0)
        finally:
            await runner.cleanup()

    async def _reply(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        answer = self._answer(
            Incoming(
                method=request.method,
                path=path,
                query=query,
                headers={name.lower(): value for name, value in request.headers.items()},
                body=await _read_body(request),
                ip=request.remote or "",
            )
        )
        if answer.delay_ms:
            await asyncio.sleep(answer.delay_ms / 1000)
        if answer.trickle_ms:
            return await _trickle(request, answer)
        return web.Response(
            status=answer.status, body=answer.body, headers=answer.headers, content_type="application/json"
        )


async def _trickle(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    """Send the body one byte at a time, as a line that hardly holds does."""
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_type = "application/json"
    response.content_length = len(answer.body)
    await response.prepare(request)
    with contextlib.suppress(ConnectionResetError):  # the client has had enough
        for i in range(len(answer.body)):
            await response.write(answer.body[i : i + 1])
            await asyncio.sleep(answer.trickle_ms / 1000 / len(answer.body))
        await response.write_eof()
    return response


async def _read_body(request: web.BaseRequest) -> bytes | None:
    with contextlib.suppress(web.HTTPException, web.RequestPayloadError):
        return await request.read()
    return None
