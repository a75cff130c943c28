"""When a request may leave: its place in the window of this process, or in one that several processes share."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

import ccxt

from bitget_margin.adapter import windows
from bitget_margin.adapter.asking import rate_gate
from bitget_margin.adapter.clock import now_ms
from bitget_margin.core.call import Fault, Reply, Send
from bitget_margin.core.window import PERIOD_MS
from bitget_margin.gates import Gate, GateDown, Place, WhenDown

if TYPE_CHECKING:
    from bitget_margin.adapter.margin import CrossedMargin

_NO_TIME: Final = "no time was left before the deadline"
_NO_ROOM: Final = "the rate limit left no room before the deadline"


_AGAIN_MS: Final = 100.0
"""Between two looks at whether a store that failed may be asked again."""


class _Turn(Enum):
    """What a request does that gets no place in a shared window."""

    ALONE = "alone"
    """It goes by the window of this process."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Let so much time pass."""

    ms: float


@dataclass(frozen=True, slots=True)
class Knock:
    """Ask a shared window, which blocks; what it raises, or GateDown where it takes longer, is the answer too."""

    ask: Callable[[], Place | None]
    allowed_ms: float


Step: TypeAlias = Pause | Knock
Departure: TypeAlias = Generator[Step, object, Fault | None]


def depart(exchange: CrossedMargin, send: Send) -> Departure:
    """Wait until the request may leave, and note that it does; return the fault if it does not before its time is up.

    The drivers do what is yielded. Closed early, it gives its place back.
    """
    if now_ms() >= send.deadline_ms:
        return unsent(exchange, send, _NO_TIME)
    if not exchange.enableRateLimit:
        return _leave(exchange, send)
    gate = rate_gate(exchange)
    if gate is not None:
        shared = yield from _shared(exchange, send, gate)
        if shared is not _Turn.ALONE:
            return shared or _leave(exchange, send)
    window = windows.window_of(exchange, send.call.endpoint)
    at_ms = window.reserve(now_ms(), send.deadline_ms)
    if at_ms is None:
        return unsent(exchange, send, _NO_ROOM)
    try:
        # What left before has to have arrived, too.
        while (until_ms := max(at_ms, window.ready_ms(now_ms()))) > now_ms() < send.deadline_ms:
            yield Pause(min(until_ms, send.deadline_ms) - now_ms())
        fault = _leave(exchange, send)
    except BaseException:
        window.give_back(at_ms)
        raise
    if fault is None:
        send.place_ms = at_ms
        window.leave(send.left_ms or 0.0)
    else:
        window.give_back(at_ms)
    return fault


def answered(exchange: CrossedMargin, send: Send, reply: Reply) -> None:
    """Note that the request has been answered, and so had arrived; or that it never found a connection."""
    if not exchange.enableRateLimit or send.left_ms is None:
        return
    window = windows.window_of(exchange, send.call.endpoint)
    if isinstance(reply, Fault) and not reply.sent:
        window.unsent(send.place_ms, send.left_ms)
    else:
        window.answered(send.left_ms, now_ms())


def unsent(exchange: CrossedMargin, send: Send, why: str) -> Fault:
    """Return the fault of a request that certainly never left."""
    error = ccxt.RequestTimeout(f"{exchange.id} {send.call.endpoint.path} was not sent: {why}")
    return Fault(error, text=why, sent=False)


def _shared(exchange: CrossedMargin, send: Send, gate: Gate) -> Generator[Step, object, Fault | _Turn | None]:
    """Wait for a place in a shared window: None once it is there, or whatever else is to be done."""
    name = windows.shared_name(exchange, send.call.endpoint)
    while (left_ms := send.deadline_ms - now_ms()) > 0:
        answer: object = GateDown("it has just failed")
        if not gate.is_resting():
            ask = partial(gate.reserve, name, send.call.endpoint.per_second, PERIOD_MS, left_ms)
            answer = yield Knock(ask, min(gate.timeout_ms, left_ms))
            if isinstance(answer, Exception):
                gate.failed(answer)
            else:
                gate.answered()
        if isinstance(answer, Exception):
            if send.urgent:
                return _Turn.ALONE
            if gate.when_down is WhenDown.FAIL:
                return unsent(exchange, send, f"the shared rate window {gate.url} cannot be asked ({answer})")
            yield Pause(min(_AGAIN_MS, left_ms))
        elif isinstance(answer, Place):
            yield Pause(answer.wait_ms)
            if answer.kept:
                return None
        else:
            return unsent(exchange, send, _NO_ROOM)
    return unsent(exchange, send, _NO_ROOM)


def _leave(exchange: CrossedMargin, send: Send) -> Fault | None:
    """Note that the request leaves, if there is still time."""
    now = now_ms()
    if now >= send.deadline_ms:
        return unsent(exchange, send, _NO_ROOM)
    send.started, send.left_ms = True, now
    return None
