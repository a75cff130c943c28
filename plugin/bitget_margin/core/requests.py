"""Requests that get through: what the venue refused without executing is sent again while there is time."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from bitget_margin.core.api import Dialect, dialect_of
from bitget_margin.core.cancel_state import Ledger
from bitget_margin.core.effects import Answer, Call, Fault, Flow, Reply, Resync, Send, SendAll, Wait
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.settings import Deadline, Settings
from bitget_margin.core.verdicts import Verdict, says_kind, verdict

Progress: TypeAlias = Callable[[int, int, str], object]
"""Called with how many symbols are done, how many there are, and the last one."""


def _forget(_kind: AccountKind) -> None:
    """Keep it for this call alone."""


def _silent(done: int, total: int, symbol: str) -> None:
    """Tell nobody."""


@dataclass(slots=True)
class Desk:
    """Where one call does its work: its ledger, its bounds, and `since_ms`, the epoch from which look-ups ask."""

    ledger: Ledger
    settings: Settings
    deadline: Deadline
    since_ms: int
    progress: Progress = _silent
    urgent: bool = False
    """Whether this call cancels: then it does not wait for a shared rate window that does not answer."""
    single: bool = False
    """Whether orders go to the endpoint for one order instead of the batch endpoint."""
    resynced_ms: float | None = None
    """When the venue's clock was measured again: requests that left before get one more try."""

    dialect: Dialect = field(default_factory=lambda: dialect_of(AccountKind.CLASSIC))
    learn: Callable[[AccountKind], object] = _forget
    """Told what kind of account this is, as soon as the venue has said that it is another one than was taken for."""
    turned: bool = False

    began_ms: float = field(init=False)
    """When the call began; its deadline may be set again while it runs."""

    def __post_init__(self) -> None:
        self.began_ms = self.deadline.start_ms

    def verdict(self, fault: Fault) -> Verdict:
        """Return what this fault says about the execution of its request, by what is known of the account by now.

        A request for the other kind of account was not executed, and can be asked again in the right words.
        """
        return Verdict.UNSENT if self.is_other_kind(fault) else verdict(fault)

    def is_other_kind(self, fault: Fault) -> bool:
        """Whether the request was for the kind of account that this one has turned out not to be."""
        return says_kind(fault) is self.dialect.kind

    def see_kind(self, fault: Fault) -> None:
        """Speak to the kind of account that the venue tells of: once, so that two answers cannot lead in circles."""
        kind = says_kind(fault)
        if kind is not None and kind is not self.dialect.kind and not self.turned:
            self.turned = True
            self.dialect = dialect_of(kind)
            self.learn(kind)

    def send(self, call: Call) -> Send:
        """Return the request within the bounds of this call."""
        return Send(call, self.settings.request_ms, self.deadline.at_ms, urgent=self.urgent)


def deliver(desk: Desk, sends: Sequence[Send], *, resend: bool = True) -> Flow[tuple[Reply, ...]]:
    """Send requests that do not depend on each other, and return their replies in the same order.

    A 429 is waited out; a refused timestamp gets one new measurement of the venue's clock. Neither was executed, so
    sending again cannot do anything twice.

    :param resend: with False, these are returned: a caller that places orders looks before it sends again
    """
    replies: dict[int, Reply] = {}
    pending = list(range(len(sends)))
    while pending:
        left_ms = desk.deadline.now_ms()
        for i in pending:
            sends[i].started, sends[i].reply = False, None
        answers: tuple[Reply, ...] = yield SendAll(tuple(sends[i] for i in pending))
        again: list[int] = []
        limited = clock_refused = False
        for i, reply in zip(pending, answers, strict=True):
            replies[i] = reply
            sends[i].started = False  # counted and answered: an interrupt from here on finds the reply
            if not isinstance(reply, Fault):
                desk.ledger.requests += 1
                continue
            desk.ledger.requests += reply.sent
            desk.ledger.last_fault = reply
            desk.see_kind(reply)
            why = desk.verdict(reply)
            if why is Verdict.LIMITED and resend:
                limited = True
                again.append(i)
            elif why is Verdict.CLOCK and resend and (desk.resynced_ms is None or left_ms < desk.resynced_ms):
                clock_refused = True
                again.append(i)
        if clock_refused and desk.resynced_ms is None:
            desk.resynced_ms = desk.deadline.now_ms()
            desk.ledger.requests += 1
            yield Resync(desk.deadline.at_ms)
        if limited:
            pause_ms = desk.settings.pacing.limited_ms
            if desk.deadline.left_ms() <= pause_ms:
                break
            yield Wait(desk.deadline.now_ms() + pause_ms)
        pending = again
    return tuple(replies[i] for i in range(len(sends)))


A = TypeVar("A")


class Unreadable(Exception):
    """The venue answered with success, and the body is not what its documents say."""


@dataclass(slots=True)
class Asked(Generic[A]):
    """A question and what came of it: what was read, or the last fault; `send` is the request that brought it."""

    send: Send
    answer: A | Fault


def ask(
    desk: Desk,
    call: Callable[[Dialect], Call],
    read: Callable[[Dialect], Callable[[object], A | None]],
    final: Callable[[Fault], bool] = lambda _: False,
) -> Flow[Asked[A]]:
    """Return what `read` makes of the answer, or the last fault once the venue has refused or the time is up.

    `final` says of a fault that would be asked about again that it is an answer after all.
    """
    tries = 0
    while True:
        dialect = desk.dialect
        send = desk.send(call(dialect))
        (reply,) = yield from deliver(desk, [send])
        if isinstance(reply, Answer):
            answer = read(dialect)(reply.body)
            if answer is not None:
                return Asked(send, answer)
            fault = Fault(Unreadable(f"{send.call.endpoint.path} answered {reprlib.repr(reply.body)}"), body=reply.body)
        else:
            fault = reply
        if desk.is_other_kind(fault) and desk.dialect is not dialect:
            continue
        pause_ms = desk.settings.pacing.poll_ms(tries)
        again = not fault.sent or desk.verdict(fault) in {Verdict.AMBIGUOUS, Verdict.UNSETTLED}
        if not again or final(fault) or desk.deadline.left_ms() <= pause_ms:
            return Asked(send, fault)
        tries += 1
        yield Wait(desk.deadline.now_ms() + pause_ms)
