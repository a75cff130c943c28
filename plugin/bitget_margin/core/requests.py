"""Send requests; retry those that were rejected before execution, until the deadline of the call."""

import reprlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from bitget_margin.core.api import Api, api_of
from bitget_margin.core.effects import Call, Fault, Flow, Reply, ReplyOrFault, Resync, Send, SendAll, Wait
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.settings import Deadline, Settings
from bitget_margin.core.verdicts import Verdict, named_account_kind, verdict_of_fault


@dataclass(slots=True)
class CallContext:
    """State shared by all requests of one API call."""

    settings: Settings
    deadline: Deadline
    since_ms: int
    """Start time for order queries, epoch ms."""
    urgent: bool = False
    """Whether this call cancels orders or places urgent ones: see `Send.urgent`."""
    reads_only: bool = False
    """Whether this call changes nothing: then a request may take all the time that is left."""
    api: Api = field(default_factory=lambda: api_of(AccountKind.CLASSIC))
    on_account_kind: Callable[[AccountKind], object] = lambda _: None
    """Called with the account kind that a response names, where it is not the assumed one."""
    kind_is_assumed: bool = False
    """Whether the account kind was not known when the call began."""
    kind_corrected: bool = False

    requests: int = 0
    """Requests that were sent, as far as they are answered or known to be lost."""
    last_fault: Fault | None = None
    resynced_ms: float | None = None
    """Time of the last measurement of the venue's clock: requests sent before it get one more try."""
    began_ms: float = field(init=False)
    """Start of the call; its deadline may be set again while it runs."""

    def __post_init__(self) -> None:
        self.began_ms = self.deadline.start_ms

    def verdict(self, fault: Fault) -> Verdict:
        """Return what a fault proves about the execution of its request.

        A request for the other account kind was not executed: it can be sent again to the right API.
        """
        return Verdict.UNSENT if self.is_other_kind(fault) else verdict_of_fault(fault)

    def is_other_kind(self, fault: Fault) -> bool:
        """Whether the request was for another account kind than the one that is known by now."""
        return named_account_kind(fault) is self.api.KIND

    def correct_kind(self, fault: Fault) -> None:
        """Switch to the account kind that a fault names, at most once: two responses cannot cause a loop."""
        kind = named_account_kind(fault)
        if kind is not None and kind is not self.api.KIND and not self.kind_corrected:
            self.kind_corrected = True
            self.api = api_of(kind)
            self.on_account_kind(kind)

    def bounded(self, call: Call) -> Send:
        """Return the request with the time limits of this call."""
        settings = self.settings
        if not call.endpoint.is_read:
            limit_ms = settings.change_ms
        else:
            limit_ms = settings.timeout_ms if self.reads_only else settings.lookup_ms
        return Send(call, limit_ms, self.deadline.at_ms, urgent=self.urgent)


def pause(ctx: CallContext, pause_ms: float) -> Flow[bool]:
    """Wait, if the call has time left after that; return whether it had."""
    if ctx.deadline.left_ms() <= pause_ms:
        return False
    yield Wait(ctx.deadline.clock() + pause_ms)
    return True


def send_requests(ctx: CallContext, sends: Sequence[Send], *, resend: bool = True) -> Flow[tuple[ReplyOrFault, ...]]:
    """Send independent requests, and return their replies in the same order.

    After a 429, a request is sent again when the rate limit window has passed; after a rejected timestamp, once, when
    the venue's clock has been measured again. Neither was executed, so nothing is executed twice.

    :param resend: with False, these faults are returned: a caller that places orders queries them before it retries
    """
    replies: dict[int, ReplyOrFault] = {}
    pending = list(range(len(sends)))
    while pending:
        began_ms = ctx.deadline.clock()
        for i in pending:
            sends[i].started, sends[i].reply = False, None
        received: tuple[ReplyOrFault, ...] = yield SendAll(tuple(sends[i] for i in pending))
        limited: list[int] = []
        clock_refused: list[int] = []
        for i, reply in zip(pending, received, strict=True):
            replies[i] = reply
            sends[i].started = False  # counted here: an interrupt from here on must not count it again
            if not isinstance(reply, Fault):
                ctx.requests += 1
                continue
            ctx.requests += reply.sent
            ctx.last_fault = reply
            ctx.correct_kind(reply)
            why = ctx.verdict(reply)
            if why is Verdict.LIMITED and resend:
                limited.append(i)
            elif why is Verdict.CLOCK and resend and (ctx.resynced_ms is None or began_ms < ctx.resynced_ms):
                clock_refused.append(i)
        if clock_refused and ctx.resynced_ms is None:
            yield from resync(ctx)
        if limited and not (yield from pause(ctx, ctx.settings.pacing.limited_ms)):
            break
        pending = sorted(limited + clock_refused)
    return tuple(replies[i] for i in range(len(sends)))


def resync(ctx: CallContext) -> Flow[None]:
    """Measure the venue's clock again."""
    ctx.resynced_ms = ctx.deadline.clock()
    ctx.requests += 1
    yield Resync(ctx.deadline.at_ms)


A = TypeVar("A")


class Unreadable(Exception):
    """A response of success whose body is not as documented."""


@dataclass(slots=True)
class QueryResult(Generic[A]):
    """The parsed result of a query, or its last fault; `send` is the request that returned it."""

    send: Send
    result: A | Fault


def query(
    ctx: CallContext,
    call: Callable[[Api], Call],
    read: Callable[[Api], Callable[[object], A | None]],
    final: Callable[[Fault], bool] = lambda _: False,
) -> Flow[QueryResult[A]]:
    """Repeat a query until it is answered, refused or out of time; return the result or the last fault.

    :param final: whether to return a fault that would be retried otherwise
    """
    tries, answered = 0, None
    while True:
        api = ctx.api
        send = ctx.bounded(call(api))
        (reply,) = yield from send_requests(ctx, [send])
        if isinstance(reply, Reply):
            result = read(api)(reply.body)
            if result is not None:
                return QueryResult(send, result)
            fault = Fault(Unreadable(f"{send.call.endpoint.path} answered {reprlib.repr(reply.body)}"), body=reply.body)
        else:
            fault = reply
        if fault.sent:
            answered = fault
        elif answered is not None and fault.error.__cause__ is None:  # the reason why there was no time for another try
            fault.error.__cause__ = answered.error
        if ctx.is_other_kind(fault) and ctx.api is not api:
            continue
        retryable = not fault.sent or ctx.verdict(fault) in {Verdict.AMBIGUOUS, Verdict.UNSETTLED}
        if not retryable or final(fault) or not (yield from pause(ctx, ctx.settings.pacing.poll_ms(tries))):
            return QueryResult(send, fault)
        tries += 1
