"""What the core asks of the world, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from bitget_margin.core.endpoints import Endpoint

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the venue; its parameters are a list where the body is one."""

    endpoint: Endpoint
    params: Mapping[str, Any] | Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Reply:
    """The venue answered with its success code; the body as it was parsed, which may be anything."""

    body: object


@dataclass(frozen=True, slots=True)
class Fault:
    """No success: the exception that stock ccxt raises for it, and what of the venue's answer could be read.

    `code` and `text` are None unless a body in the venue's own form was parsed. `sent` is False only where the
    request certainly never left.
    """

    error: Exception
    code: str | None = None
    text: str | None = None
    status: int | None = None
    sent: bool = True
    body: object = None
    is_transient: bool = False
    """Whether stock ccxt makes of it that the venue did not answer in time or is not available: no refusal."""


ReplyOrFault: TypeAlias = Reply | Fault


@dataclass(slots=True)
class Send:
    """A request to make: at most `request_ms` long, and over by `deadline_ms` of the caller's clock."""

    call: Call
    request_ms: float
    deadline_ms: float
    started: bool = False
    """Set by the driver as it hands the request to the network: until then it was certainly not executed.

    Taken back once the reply has been counted.
    """
    reply: ReplyOrFault | None = None
    """Set by the driver as soon as it is there, so that an interrupt in the same group does not lose it."""
    is_cancel: bool = False
    """Whether it belongs to a cancel: then it does not wait for a shared rate window that does not answer."""
    slot_ms: float | None = None
    """Its place in the window of this process; None before it left, and where nothing is paced."""
    left_ms: float | None = None
    """When it was handed out, on the caller's clock."""


@dataclass(frozen=True, slots=True)
class SendAll:
    """Requests that do not depend on each other; the answer is a tuple of replies in the same order."""

    sends: tuple[Send, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """Let time pass until then, on the caller's clock."""

    until_ms: float


@dataclass(frozen=True, slots=True)
class Resync:
    """Measure the venue's clock again, because it refused our timestamp."""

    deadline_ms: float


@dataclass(frozen=True, slots=True)
class LoadMarkets:
    """Load the markets if they are not loaded."""

    deadline_ms: float


class TimeUp(Exception):
    """Raised into a flow whose `Block` took longer than allowed."""


@dataclass(frozen=True, slots=True)
class Block:
    """Run blocking work in a thread of its own. The reply is its result; what it raises is raised in the flow.

    After `allowed_ms` the thread is left alone and `TimeUp` is raised.
    """

    work: Callable[[], object]
    allowed_ms: float


Effect: TypeAlias = SendAll | Wait | Resync | LoadMarkets | Block
Flow: TypeAlias = Generator[Effect, Any, T]
Clock: TypeAlias = Callable[[], float]
"""Milliseconds that only go forward."""


def run_concurrently(flows: Iterable[Flow[T]]) -> Flow[tuple[T, ...]]:
    """Run independent flows in step and return their results in the same order."""
    running = list(flows)
    results: dict[int, T] = {}
    effects: dict[int, Effect] = {}

    def advance(i: int, value: Any) -> None:
        try:
            effects[i] = running[i].send(value)
        except StopIteration as stop:
            results[i] = stop.value
            effects.pop(i, None)

    for i in range(len(running)):
        advance(i, None)
    while effects:
        sending = {i: effect.sends for i, effect in effects.items() if isinstance(effect, SendAll)}
        waiting = {i: effect.until_ms for i, effect in effects.items() if isinstance(effect, Wait)}
        others = effects.keys() - sending.keys() - waiting.keys()
        if others:
            # A new measurement of the clock, say: before anything is sent again.
            for i in sorted(others):
                advance(i, (yield effects[i]))
        elif sending:
            replies: tuple[ReplyOrFault, ...] = yield SendAll(
                tuple(send for sends in sending.values() for send in sends)
            )
            start = 0
            for i, sends in sending.items():
                advance(i, replies[start : start + len(sends)])
                start += len(sends)
        else:
            yield Wait(max(waiting.values()))
            for i in waiting:
                advance(i, None)
    return tuple(results[i] for i in range(len(running)))
