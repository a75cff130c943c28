"""Driver of the async and the websocket class: runs a flow with coroutines."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any

from bitget_margin.adapter import ccxt_errors, rate_limits, transport
from bitget_margin.adapter.errors import cause_of, documented
from bitget_margin.adapter.transport import PACED, monotonic_ms
from bitget_margin.core.effects import (
    Block,
    Effect,
    Flow,
    LoadMarkets,
    Reply,
    ReplyOrFault,
    Resync,
    Send,
    SendAll,
    T,
    TimeUp,
    Wait,
)


class AsyncDriver:
    """Runs a flow with coroutines; requests that do not depend on each other run concurrently."""

    def __init__(self, exchange: Any) -> None:
        self._exchange = exchange

    async def run(self, flow: Flow[T]) -> T:
        """Return what the flow returns; a cancellation is raised in the flow, so that it carries the report."""
        value, error = None, None
        try:
            while True:
                effect = transport.advance(flow, value, error)
                value, error = None, None
                try:
                    value = await self._perform(effect)
                except BaseException as raised:  # noqa: BLE001 - raised again by the flow
                    error = raised
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]  # the flow's own return value

    async def _perform(self, effect: Effect) -> object:
        match effect:
            case SendAll(sends):
                return tuple(await asyncio.gather(*(self._send(send) for send in sends)))
            case Block(work, allowed_ms):
                return await _run_within(work, allowed_ms)
            case Wait(until_ms):
                await asyncio.sleep(max(0.0, until_ms - monotonic_ms()) / 1_000)
            case LoadMarkets(deadline_ms):
                await self._load_markets(deadline_ms)
            case Resync(deadline_ms):
                await self._resync(deadline_ms)
        return None

    async def _send(self, send: Send) -> ReplyOrFault:
        unsent = await self.run(rate_limits.acquire(self._exchange, send))
        if unsent is not None:
            return unsent
        allowed_ms = transport.allowed_ms(send)
        try:
            send.reply = await self._request(send, allowed_ms)
            rate_limits.record_reply(self._exchange, send, send.reply)
        except TimeoutError:
            send.reply = transport.timed_out(self._exchange, send, allowed_ms)
        return send.reply

    async def _request(self, send: Send, allowed_ms: float) -> ReplyOrFault:
        token = PACED.set(True)
        try:
            return Reply(await asyncio.wait_for(transport.request(self._exchange, send), max(0.0, allowed_ms) / 1_000))
        except TimeoutError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the request may have been executed
            return ccxt_errors.reply(error)
        finally:
            PACED.reset(token)

    async def _load_markets(self, deadline_ms: float) -> None:
        # ccxt shares one loading between all callers, so it is not canceled when the time of this call is up.
        loading = asyncio.ensure_future(self._exchange.load_markets())
        loading.add_done_callback(_retrieve_exception)
        try:
            await asyncio.wait_for(asyncio.shield(loading), max(0.0, deadline_ms - monotonic_ms()) / 1_000)
        except TimeoutError:
            raise transport.no_markets(self._exchange) from None
        except Exception as error:  # noqa: BLE001 - it is raised again
            raise documented(f"{self._exchange.id} load_markets()", error) from cause_of(error)

    async def _resync(self, deadline_ms: float) -> None:
        # If this fails, the retried request is rejected again, with the reason.
        with contextlib.suppress(Exception):
            left_ms = max(0.0, deadline_ms - monotonic_ms())
            await asyncio.wait_for(self._exchange.load_time_difference(), left_ms / 1_000)


async def _run_within(work: Callable[[], object], allowed_ms: float) -> object:
    """Run blocking work in a daemon thread; raise TimeUp and leave the thread alone after `allowed_ms`.

    Not in the loop's executor: it has few threads, which also resolve host names, and one that hangs keeps the program
    alive.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[object] = loop.create_future()

    def resolve(value: object, error: Exception | None) -> None:
        if not done.done():
            done.set_result(value) if error is None else done.set_exception(error)

    def run() -> None:
        value, error = None, None
        try:
            value = work()
        except Exception as raised:  # noqa: BLE001 - passed to the waiting coroutine
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(resolve, value, error)

    threading.Thread(target=run, daemon=True).start()
    try:
        finished, _ = await asyncio.wait({done}, timeout=max(0.0, allowed_ms) / 1_000)
    finally:
        done.cancel()  # no effect once it is done
    if not finished:
        raise TimeUp
    return done.result()


def _retrieve_exception(loading: asyncio.Future[object]) -> None:
    """Retrieve the exception of a loading without a waiter, so that asyncio does not log it."""
    if not loading.cancelled():
        loading.exception()
