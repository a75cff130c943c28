"""Driver of the sync class: runs a flow with blocking calls."""

import contextlib
import time
from collections.abc import Callable
from typing import Any

from bitget_margin.adapter import ccxt_errors, rate_limits, round_trips, transport
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
from bitget_margin.drivers.beside import Beside


class ThreadedDriver:
    """Runs a flow with blocking calls: queries side by side, other requests one after the other."""

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
                running = [self._start(send) for send in sends]
                return tuple(finish() for finish in running)
            case Block(work, allowed_ms):
                return _run_within(work, allowed_ms)
            case Wait(until_ms):
                time.sleep(max(0.0, until_ms - monotonic_ms()) / 1_000)
            case LoadMarkets(deadline_ms):
                self._load_markets(deadline_ms)
            case Resync(deadline_ms):
                self._resync(deadline_ms)
        return None

    def _start(self, send: Send) -> Callable[[], ReplyOrFault]:
        """Send a request; return a function that waits for its reply, which has come already unless it is a query."""
        unsent = self.run(rate_limits.acquire(self._exchange, send))
        if unsent is not None:
            return lambda: unsent
        allowed_ms = transport.allowed_ms(send)
        started_ms = monotonic_ms()
        token = PACED.set(True)
        try:
            work = Beside(lambda: transport.request(self._exchange, send))
        finally:
            PACED.reset(token)

        def finish() -> ReplyOrFault:
            try:
                send.reply = self._reply(work, allowed_ms - (monotonic_ms() - started_ms))
                # Others may have been sent, or waited for, since it came.
                rate_limits.record_reply(self._exchange, send, send.reply, work.ended_ms)
            except TimeUp:
                if send.call.endpoint.is_read:  # a venue this slow needs more time; a change that hangs says nothing
                    round_trips.record(self._exchange, allowed_ms)
                send.reply = transport.timed_out(self._exchange, send, allowed_ms)
            return send.reply

        if send.call.endpoint.is_read:
            return finish
        reply = finish()
        return lambda: reply

    def _reply(self, work: Beside[Any], allowed_ms: float) -> ReplyOrFault:
        try:
            return Reply(_result_within(work, allowed_ms))
        except TimeUp:
            raise
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the request may have been executed
            return ccxt_errors.reply(error)

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


def _result_within(work: Beside[T], allowed_ms: float) -> T:
    """Return the result of work, or raise what it raised; raise TimeUp and leave the thread alone after that time."""
    if not work.ended(allowed_ms / 1_000):
        raise TimeUp
    return work.result()


def _run_within(work: Callable[[], T], allowed_ms: float) -> T:
    """Run work in a thread of its own; raise TimeUp and leave the thread alone after `allowed_ms`."""
    return _result_within(Beside(work), allowed_ms)
