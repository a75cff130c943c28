"""Runs a flow with coroutines, for the async and the websocket class."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from bitget_margin.adapter import ccxt_errors, rate_limits, transport
from bitget_margin.adapter.errors import documented
from bitget_margin.adapter.rate_limits import Knock, Pause, Step
from bitget_margin.adapter.transport import PACED, monotonic_ms
from bitget_margin.core.effects import (
    Effect,
    Fault,
    Flow,
    LoadMarkets,
    Reply,
    ReplyOrFault,
    Resync,
    Send,
    SendAll,
    T,
    Wait,
)
from bitget_margin.rate_limit import LimiterDown


class AsyncDriver:
    """Runs a flow with coroutines; requests that do not depend on each other run side by side."""

    def __init__(self, exchange: Any) -> None:
        self._exchange = exchange

    async def run(self, flow: Flow[T]) -> T:
        """Return what the flow returns; a cancellation goes through the flow, so that it carries the report."""
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
            case Wait(until_ms):
                await asyncio.sleep(max(0.0, until_ms - monotonic_ms()) / 1_000)
            case LoadMarkets(deadline_ms):
                await self._load_markets(deadline_ms)
            case Resync(deadline_ms):
                await self._resync(deadline_ms)
        return None

    async def _send(self, send: Send) -> ReplyOrFault:
        unsent = await self._depart(send)
        if unsent is not None:
            return unsent
        allowed_ms = transport.allowed_ms(send)
        try:
            send.reply = await _paced(lambda: transport.request(self._exchange, send), allowed_ms)
            rate_limits.record_reply(self._exchange, send, send.reply)
        except TimeoutError:
            send.reply = transport.timed_out(self._exchange, send, allowed_ms)
        return send.reply

    async def _depart(self, send: Send) -> Fault | None:
        with contextlib.closing(rate_limits.acquire(self._exchange, send)) as steps:
            answer: object = None
            while True:
                try:
                    step = steps.send(answer)
                except StopIteration as stop:
                    return stop.value  # type: ignore[no-any-return]  # what the steps return
                answer = await _step(step)

    async def _load_markets(self, deadline_ms: float) -> None:
        # ccxt shares one loading between all callers: it is left to them, not cancelled, when our time is up.
        loading = asyncio.ensure_future(self._exchange.load_markets())
        loading.add_done_callback(_forget)
        try:
            await asyncio.wait_for(asyncio.shield(loading), max(0.0, deadline_ms - monotonic_ms()) / 1_000)
        except TimeoutError:
            raise transport.no_markets(self._exchange) from None
        except Exception as error:
            raise documented(f"{self._exchange.id} load_markets()", error) from error

    async def _resync(self, deadline_ms: float) -> None:
        # Where this fails, the repeated request is refused again and tells why.
        with contextlib.suppress(Exception):
            left_ms = max(0.0, deadline_ms - monotonic_ms())
            await asyncio.wait_for(self._exchange.load_time_difference(), left_ms / 1_000)


async def _step(step: Step) -> object:
    match step:
        case Pause(ms):
            await asyncio.sleep(max(0.0, ms) / 1_000)
            return None
        case Knock(ask, allowed_ms):
            try:
                return await asyncio.wait_for(_in_thread(ask), allowed_ms / 1_000)
            except TimeoutError:
                return LimiterDown(f"no answer within {allowed_ms:.0f} ms")
            except Exception as error:  # noqa: BLE001 - a store that fails must not cost an order its cancel
                return error


async def _in_thread(work: Callable[[], object]) -> object:
    """Return what comes of work that blocks, in a thread of its own.

    Not one of the loop's: it has few, host names are looked up with them, and one that hangs keeps a program alive.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[object] = loop.create_future()

    def tell(value: object, error: Exception | None) -> None:
        if not done.done():
            done.set_result(value) if error is None else done.set_exception(error)

    def run() -> None:
        value, error = None, None
        try:
            value = work()
        except Exception as raised:  # noqa: BLE001 - handed to the coroutine that waits
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(tell, value, error)

    threading.Thread(target=run, daemon=True).start()
    return await done


async def _paced(work: Callable[[], Awaitable[object]], allowed_ms: float) -> ReplyOrFault:
    """Run what has waited for its own window: ccxt's pacing is skipped."""
    paced = PACED.set(True)
    try:
        return await _reply(asyncio.wait_for(work(), max(0.0, allowed_ms) / 1_000))
    finally:
        PACED.reset(paced)


def _forget(loading: asyncio.Future[object]) -> None:
    """Read the outcome of a loading that nobody waits for any more, so that asyncio does not complain."""
    if not loading.cancelled():
        loading.exception()


async def _reply(work: Awaitable[object]) -> ReplyOrFault:
    try:
        return Reply(await work)
    except TimeoutError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the request may have been executed
        return ccxt_errors.reply(error)
