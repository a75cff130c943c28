"""Requests that get through: what the venue refused without executing is sent again while there is time."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from bitget_margin.core.api import Api, api_of
from bitget_margin.core.cancel_state import CancelState
from bitget_margin.core.effects import Call, Fault, Flow, Reply, ReplyOrFault, Resync, Send, SendAll, Wait
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.settings import Deadline, Settings
from bitget_margin.core.verdicts import Verdict, named_account_kind, verdict_of_fault

Progress: TypeAlias = Callable[[int, int, str], object]
"""Called with how many symbols are done, how many there are, and the last one."""


def _forget(_kind: AccountKind) -> None:
    """Keep it for this call alone."""


def _silent(done: int, total: int, symbol: str) -> None:
    """Tell nobody."""


@dataclass(slots=True)
class CallContext:
    """Where one call does its work: its ledger, its bounds, and `since_ms`, the epoch from which look-ups ask."""

    cancel_state: CancelState
    settings: Settings
    deadline: Deadline
    since_ms: int
    progress: Progress = _silent
    is_cancel: bool = False
    """Whether this call cancels: then it does not wait for a shared rate window that does not answer."""
    use_single_endpoint: bool = False
    """Whether orders go to the endpoint for one order instead of the batch endpoint."""
    resynced_ms: float | None = None
    """When the venue's clock was measured again: requests that left before get one more try."""

    api: Api = field(default_factory=lambda: api_of(AccountKind.CLASSIC))
    on_account_kind: Callable[[AccountKind], object] = _forget
    """Told what kind of account this is, as soon as the venue has said that it is another one than was taken for."""
    kind_corrected: bool = False

    began_ms: float = field(init=False)
    """When the call began; its deadline may be set again while it runs."""

    def __post_init__(self) -> None:
        self.began_ms = self.deadline.start_ms

    def verdict(self, fault: Fault) -> Verdict:
        """Return what this fault says about the execution of its request, by what is known of the account by now.

        A request for the other kind of account was not executed, and can be asked again in the right words.
        """
        return Verdict.UNSENT if self.is_other_kind(fault) else verdict_of_fault(fault)

    def is_other_kind(self, fault: Fault) -> bool:
        """Whether the request was for the kind of account that this one has turned out not to be."""
        return named_account_kind(fault) is self.api.kind

    def correct_kind(self, fault: Fault) -> None:
        """Speak to the kind of account that the venue tells of: once, so that two answers cannot lead in circles."""
        kind = named_account_kind(fault)
        if kind is not None and kind is not self.api.kind and not self.kind_corrected:
            self.kind_corrected = True
            self.api = api_of(kind)
            self.on_account_kind(kind)

    def bounded(self, call: Call) -> Send:
        """Return the request within the bounds of this call."""
        return Send(call, self.settings.request_ms, self.deadline.at_ms, is_cancel=self.is_cancel)


def send_requests(ctx: CallContext, sends: Sequence[Send], *, resend: bool = True) -> Flow[tuple[ReplyOrFault, ...]]:
    """Send requests that do not depend on each other, and return their replies in the same order.

    A 429 is waited out; a refused timestamp gets one new measurement of the venue's clock. Neither was executed, so
    sending again cannot do anything twice.

    :param resend: with False, these are returned: a caller that places orders looks before it sends again
    """
    replies: dict[int, ReplyOrFault] = {}
    pending = list(range(len(sends)))
    while pending:
        left_ms = ctx.deadline.now_ms()
        for i in pending:
            sends[i].started, sends[i].reply = False, None
        answers: tuple[ReplyOrFault, ...] = yield SendAll(tuple(sends[i] for i in pending))
        again: list[int] = []
        limited = clock_refused = False
        for i, reply in zip(pending, answers, strict=True):
            replies[i] = reply
            sends[i].started = False  # counted and answered: an interrupt from here on finds the reply
            if not isinstance(reply, Fault):
                ctx.cancel_state.requests += 1
                continue
            ctx.cancel_state.requests += reply.sent
            ctx.cancel_state.last_fault = reply
            ctx.correct_kind(reply)
            why = ctx.verdict(reply)
            if why is Verdict.LIMITED and resend:
                limited = True
                again.append(i)
            elif why is Verdict.CLOCK and resend and (ctx.resynced_ms is None or left_ms < ctx.resynced_ms):
                clock_refused = True
                again.append(i)
        if clock_refused and ctx.resynced_ms is None:
            ctx.resynced_ms = ctx.deadline.now_ms()
            ctx.cancel_state.requests += 1
            yield Resync(ctx.deadline.at_ms)
        if limited:
            pause_ms = ctx.settings.pacing.limited_ms
            if ctx.deadline.left_ms() <= pause_ms:
                break
            yield Wait(ctx.deadline.now_ms() + pause_ms)
        pending = again
    return tuple(replies[i] for i in range(len(sends)))


A = TypeVar("A")


class Unreadable(Exception):
    """The venue answered with success, and the body is not what its documents say."""


@dataclass(slots=True)
class QueryResult(Generic[A]):
    """A question and what came of it: what was read, or the last fault; `send` is the request that brought it."""

    send: Send
    result: A | Fault


def query(
    ctx: CallContext,
    call: Callable[[Api], Call],
    read: Callable[[Api], Callable[[object], A | None]],
    final: Callable[[Fault], bool] = lambda _: False,
) -> Flow[QueryResult[A]]:
    """Return what `read` makes of the answer, or the last fault once the venue has refused or the time is up.

    `final` says of a fault that would be asked about again that it is an answer after all.
    """
    tries = 0
    while True:
        dialect = ctx.api
        send = ctx.bounded(call(dialect))
        (reply,) = yield from send_requests(ctx, [send])
        if isinstance(reply, Reply):
            answer = read(dialect)(reply.body)
            if answer is not None:
                return QueryResult(send, answer)
            fault = Fault(Unreadable(f"{send.call.endpoint.path} answered {reprlib.repr(reply.body)}"), body=reply.body)
        else:
            fault = reply
        if ctx.is_other_kind(fault) and ctx.api is not dialect:
            continue
        pause_ms = ctx.settings.pacing.poll_ms(tries)
        again = not fault.sent or ctx.verdict(fault) in {Verdict.AMBIGUOUS, Verdict.UNSETTLED}
        if not again or final(fault) or ctx.deadline.left_ms() <= pause_ms:
            return QueryResult(send, fault)
        tries += 1
        yield Wait(ctx.deadline.now_ms() + pause_ms)
