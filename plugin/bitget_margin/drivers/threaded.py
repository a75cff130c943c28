"""Driver of the sync class: runs a flow with blocking calls."""

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any

from bitget_margin.adapter import ccxt_errors, rate_limits, round_trips, transport
from bitget_margin.adapter.errors import cause_of, documented
from bitget_margin.adapter.transport import PACED, monotonic_ms
from bitget_margin.core.effects import (
    Block,
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
    TimeUp,
    Wait,
)
from bitget_margin.drivers.beside import Beside


class ThreadedDriver:
    """Runs a flow with blocking calls, and requests that do not depend on each other side by side."""

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
                return self._send_all(sends)
            case Block(work, allowed_ms):
                return _run_within(work, allowed_ms)
            case Wait(until_ms):
                time.sleep(max(0.0, until_ms - monotonic_ms()) / 1_000)
            case LoadMarkets(deadline_ms):
                self._load_markets(deadline_ms)
            case Resync(deadline_ms):
                self._resync(deadline_ms)
        return None

    def _send_all(self, sends: Sequence[Send]) -> tuple[ReplyOrFault, ...]:
        """Send requests, each once its rate window has room; return their replies, in the order of the requests.

        An interrupt records the replies that have come, so that the report of the call has them.
        """
        running: list[_Request] = []
        try:
            for send in sends:
                unsent = self.run(rate_limits.acquire(self._exchange, send))
                running.append(_Request(self._exchange, send, unsent))
            return tuple(request.wait() for request in running)
        except BaseException:
            for request in running:
                request.record_if_ended()
            raise

    def _load_markets(self, deadline_ms: float) -> None:
        try:
            _run_within(self._exchange.load_markets, deadline_ms - monotonic_ms())
        except TimeUp:
            raise transport.no_markets(self._exchange) from None
        except Exception as error:  # noqa: BLE001 - it is raised again
            raise documented(f"{self._exchange.id} load_markets()", error) from cause_of(error)

    def _resync(self, deadline_ms: float) -> None:
        # If this fails, the retried request is rejected again, with the reason.
        with contextlib.suppress(Exception):
            _run_within(self._exchange.load_time_difference, deadline_ms - monotonic_ms())


class _Request:
    """Request that runs in a thread of its own; one that found no time to leave has its fault at once."""

    def __init__(self, exchange: Any, send: Send, unsent: Fault | None) -> None:
        self._exchange = exchange
        self._send = send
        self._unsent = unsent
        if unsent is None:
            self._allowed_ms = transport.allowed_ms(send)
            self._started_ms = monotonic_ms()
            token = PACED.set(True)
            try:
                self._work = Beside(lambda: transport.request(exchange, send))
            finally:
                PACED.reset(token)

    def wait(self) -> ReplyOrFault:
        """Return the reply, or the fault of a request without one in its time."""
        if self._unsent is not None:
            return self._unsent
        exchange, send = self._exchange, self._send
        try:
            send.reply = _reply(self._work, self._allowed_ms - (monotonic_ms() - self._started_ms))
            # Others may have been sent, or waited for, since it came.
            rate_limits.record_reply(exchange, send, send.reply, self._work.ended_ms)
        except TimeUp:
            endpoint = send.call.endpoint
            if endpoint.is_read and not endpoint.is_public:
                # A venue this slow needs more time; a change that hangs says nothing.
                round_trips.record(exchange, self._allowed_ms)
            send.reply = transport.timed_out(exchange, send, self._allowed_ms)
        return send.reply

    def record_if_ended(self) -> None:
        """Record the reply if it has come, and nobody has waited for it."""
        if self._unsent is None and self._send.reply is None and self._work.ended(0):
            with contextlib.suppress(BaseException):  # an interrupt of its own
                self.wait()


def _reply(work: Beside[Any], allowed_ms: float) -> ReplyOrFault:
    try:
        return Reply(_result_within(work, allowed_ms))
    except TimeUp:
        raise
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the request may have been executed
        return ccxt_errors.reply(error)


def _result_within(work: Beside[T], allowed_ms: float) -> T:
    """Return the result of work, or raise what it raised; raise TimeUp and leave the thread alone after that time."""
    if not work.ended(allowed_ms / 1_000):
        raise TimeUp
    return work.result()


def _run_within(work: Callable[[], T], allowed_ms: float) -> T:
    """Run work in a thread of its own; raise TimeUp and leave the thread alone after `allowed_ms`."""
    return _result_within(Beside(work), allowed_ms)
