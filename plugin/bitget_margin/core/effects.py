"""Effects that the flows of the core yield to a driver, and their replies."""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias, TypeVar

from bitget_margin.core.endpoints import Endpoint

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """Request to an endpoint; its parameters are a list where the body is one."""

    endpoint: Endpoint
    params: Mapping[str, Any] | Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Reply:
    """Response with the code of success; the body is the parsed JSON, of any type."""

    body: object


@dataclass(frozen=True, slots=True)
class Fault:
    """Failed request: the exception that stock ccxt raises for it, and the readable parts of the response.

    `code` and `text` are None unless the body is an error in the documented form. `sent` is False only where the
    request was certainly not sent.
    """

    error: Exception
    code: str | None = None
    text: str | None = None
    status: int | None = None
    sent: bool = True
    body: object = None
    is_transient: bool = False
    """Whether stock ccxt takes it for a timeout or an unavailable exchange, which is no refusal."""


ReplyOrFault: TypeAlias = Reply | Fault


@dataclass(slots=True)
class Send:
    """Request to send, with its time limit and its deadline on the caller's clock."""

    call: Call
    request_ms: float
    deadline_ms: float
    started: bool = False
    """Set by the driver when the request goes to the network: before, it was certainly not executed.

    Reset when the reply has been counted.
    """
    reply: ReplyOrFault | None = None
    """Set by the driver on arrival, so that an interrupt of the same group does not lose it."""
    urgent: bool = False
    """Whether it leaves without the shared rate limiter while that is down: of a cancel, or an urgent order.

    Queries do so in any case.
    """
    slot_ms: float | None = None
    """Its slot in the rate window of this process; None before it left, and without rate limiting."""
    left_ms: float | None = None
    """Time at which it left, on the caller's clock."""


@dataclass(frozen=True, slots=True)
class SendAll:
    """Send independent requests; the reply is a tuple of their replies in the same order."""

    sends: tuple[Send, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait until a time on the caller's clock."""

    until_ms: float


@dataclass(frozen=True, slots=True)
class Resync:
    """Measure the venue's clock again, after a rejected timestamp."""

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


def run_concurrently(flows: Iterable[Flow[T]]) -> Flow[tuple[T, ...]]:
    """Run independent flows concurrently, and return their results in the same order."""
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
            # Before the others send again: they may depend on a new measurement of the clock.
            for i in sorted(others):
                advance(i, (yield effects[i]))
        elif sending:
            replies = iter((yield SendAll(tuple(send for sends in sending.values() for send in sends))))
            for i, sends in sending.items():
                advance(i, tuple(islice(replies, len(sends))))
        else:
            yield Wait(max(waiting.values()))
            for i in waiting:
                advance(i, None)
    return tuple(results[i] for i in range(len(running)))
