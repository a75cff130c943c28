"""Driver of the sync class: runs a flow with blocking calls."""

import contextlib
import contextvars
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from bitget_margin.adapter import ccxt_errors, rate_limits, transport
from bitget_margin.adapter.errors import documented
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


class ThreadedDriver:
    """Runs a flow with blocking calls, one request after the other."""

    def __init__(self, exchange: Any) -> None:
        self._exchange = exchange

    def run(self, flow: Flow[T]) -> T:
        """Return what the flow returns; an interrupt is raised in the flow, so that it carries the report."""
        value, error = None, None
        try:
            while True:
                effect = transport.advance(flow, value, error)
                value, error = None, None
                try:
                    value = self._perform(effect)
                except BaseException as raised:  # noqa: BLE001 - raised again by the flow
                    error = raised
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]  # the flow's own return value

    def _perform(self, effect: Effect) -> object:
        match effect:
            case SendAll(sends):
                return tuple(self._send(send) for send in sends)
            case Block(work, allowed_ms):
                return _run_within(work, allowed_ms)
            case Wait(until_ms):
                time.sleep(max(0.0, until_ms - monotonic_ms()) / 1_000)
            case LoadMarkets(deadline_ms):
                self._load_markets(deadline_ms)
            case Resync(deadline_ms):
                self._resync(deadline_ms)
        return None

    def _send(self, send: Send) -> ReplyOrFault:
        unsent = self.run(rate_limits.acquire(self._exchange, send))
        if unsent is not None:
            return unsent
        allowed_ms = transport.allowed_ms(send)
        try:
            send.reply = self._request(send, allowed_ms)
            rate_limits.record_reply(self._exchange, send, send.reply)
        except TimeUp:
            send.reply = transport.timed_out(self._exchange, send, allowed_ms)
        return send.reply

    def _request(self, send: Send, allowed_ms: float) -> ReplyOrFault:
        token = PACED.set(True)
        try:
            return Reply(_run_within(lambda: transport.request(self._exchange, send), allowed_ms))
        except TimeUp:
            raise
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the request may have been executed
            return ccxt_errors.reply(error)
        finally:
            PACED.reset(token)

    def _load_markets(self, deadline_ms: float) -> None:
        try:
            _run_within(self._exchange.load_markets, deadline_ms - monotonic_ms())
        except TimeUp:
            raise transport.no_markets(self._exchange) from None
        except Exception as error:
            raise documented(f"{self._exchange.id} load_markets()", error) from error

    def _resync(self, deadline_ms: float) -> None:
        # If this fails, the retried request is rejected again, with the reason.
        with contextlib.suppress(Exception):
            _run_within(self._exchange.load_time_difference, deadline_ms - monotonic_ms())


def _run_within(work: Callable[[], T], allowed_ms: float) -> T:
    """Run work in a thread of its own; raise TimeUp and leave the thread alone after `allowed_ms`.

    A thread, since `requests` has no timeout for a whole request.
    """
    results: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            results.put((work(), None))
        except BaseException as error:  # noqa: BLE001 - passed to the waiting thread
            results.put((None, error))

    threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True).start()
    try:
        value, error = results.get(timeout=max(0.0, allowed_ms) / 1_000)
    except queue.Empty:
        raise TimeUp from None
    if error is not None:
        raise error
    return value  # type: ignore[return-value]  # a value, as there is no error
