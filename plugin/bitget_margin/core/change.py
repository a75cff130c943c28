"""Flow of a request that changes something: sent once, then looked up until its outcome is proven.

The outcome by the response to the request, and by the lookups after it:

    a response that proves the change           DONE
    a code that proves that nothing happened    REFUSED, unless the change itself may have caused it
    any other code                              looked up; REFUSED after two lookups that do not show the change
    no response, or one that proves nothing     looked up until the deadline, then UNRESOLVED: the request may be on
                                                its way
    a lookup that shows the change              DONE, whatever the response was
    two lookups that show its impossibility     IMPOSSIBLE, whatever the response was

A request is sent again only after a rate limit or a rejected timestamp, and only once two lookups have not shown the
change: a gateway may have sent it twice, and returned the response to the second one.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Generic, TypeVar

from bitget_margin.core.api import Api
from bitget_margin.core.effects import Call, Fault, Flow, Reply, ReplyOrFault, Send
from bitget_margin.core.requests import CallContext, Unreadable, pause, resync, send_requests
from bitget_margin.core.verdicts import Verdict

A = TypeVar("A")


class ChangeOutcome(Enum):
    """Proven result of a change."""

    DONE = "done"
    REFUSED = "certainly not done"
    IMPOSSIBLE = "not done, and it cannot be done any more"
    OTHER_KIND = "not sent: this account kind has no such endpoint"
    UNRESOLVED = "it may have been done, or may still be"


class Sight(Enum):
    """State that one lookup shows."""

    DONE = "the change"
    NOT_YET = "the state without the change"
    IMPOSSIBLE = "a state in which the change can never be done"
    NOTHING = "nothing: it was not answered"


@dataclass(frozen=True, slots=True)
class Lookup(Generic[A]):
    """Result of one lookup; `found` is the record that it has shown."""

    sight: Sight
    found: A | None = None


@dataclass(frozen=True, slots=True)
class ChangeResult(Generic[A]):
    """Result of a change: its outcome, the last record, and the failed reply to its request."""

    outcome: ChangeOutcome
    found: A | None = None
    fault: Fault | None = None


@dataclass(slots=True)
class Change(Generic[A]):
    """A request that changes something, and the ways to prove that it did."""

    ctx: CallContext
    request: Callable[[Api], Call | None]
    """Builds the request; None for an account kind without such an endpoint."""
    read: Callable[[object], A | None]
    """Returns the record that the body of a response proves; None if a lookup has to."""
    look_up: Callable[[], Flow[Lookup[A]]] | None = None
    """Looks the change up once; None if no query shows it."""
    may_cause: Collection[str] = ()
    """Codes that the change itself may cause, as where a gateway sends it twice: they prove nothing."""

    last: A | None = field(default=None, init=False)
    """The record that the last lookup has shown."""


_NOT_EXECUTED: Final = frozenset({Verdict.UNSENT, Verdict.DEFINITIVE, Verdict.REFUSED})
"""Verdicts that prove that nothing was changed."""
_AGAIN: Final = frozenset({Verdict.LIMITED, Verdict.CLOCK})
"""Verdicts after which a request is sent again, once lookups have not shown the change."""


def change_once(change: Change[A]) -> Flow[ChangeResult[A]]:
    """Send the request and return its proven outcome, or UNRESOLVED at the deadline."""
    ctx = change.ctx
    while True:
        api, resynced_before = ctx.api, ctx.resynced_ms is not None
        call = change.request(api)
        if call is None:
            return ChangeResult(ChangeOutcome.OTHER_KIND)
        # The request may take all the time that one lookup after it does not need.
        request_ms, spare_ms = ctx.settings.timeout_ms - ctx.settings.request_ms, ctx.settings.request_ms
        send = Send(call, request_ms, ctx.deadline.at_ms - spare_ms, urgent=ctx.urgent)
        (reply,) = yield from send_requests(ctx, [send], resend=False)
        if isinstance(reply, Fault) and ctx.is_other_kind(reply) and ctx.api is not api:
            continue
        result = yield from _outcome(change, reply)
        verdict = ctx.verdict(reply) if isinstance(reply, Fault) else None
        is_again = verdict in _AGAIN and not (verdict is Verdict.CLOCK and resynced_before)
        if result.outcome is not ChangeOutcome.REFUSED or not is_again or change.look_up is None:
            return result
        if ctx.deadline.left_ms() <= ctx.settings.request_ms:
            return result


def _outcome(change: Change[A], reply: ReplyOrFault) -> Flow[ChangeResult[A]]:
    """Return the outcome that the reply to the request proves, or lookups after it."""
    ctx = change.ctx
    if isinstance(reply, Reply):
        record = change.read(reply.body)
        if record is not None:
            return ChangeResult(ChangeOutcome.DONE, record)
        fault, is_refused = Fault(Unreadable("the response does not show the change"), body=reply.body), False
    else:
        fault, verdict = reply, ctx.verdict(reply)
        if verdict in _NOT_EXECUTED and fault.code not in change.may_cause:
            return ChangeResult(ChangeOutcome.REFUSED, fault=fault)
        if verdict is Verdict.CLOCK and ctx.resynced_ms is None:
            yield from resync(ctx)
        is_refused = verdict is not Verdict.AMBIGUOUS
    if change.look_up is None:
        # A code that refuses is no proof, but nothing else can be known.
        return ChangeResult(ChangeOutcome.REFUSED if is_refused else ChangeOutcome.UNRESOLVED, fault=fault)
    outcome = yield from _resolve(change, change.look_up, is_refused=is_refused)
    return ChangeResult(outcome, change.last, fault)


def _resolve(change: Change[A], look_up: Callable[[], Flow[Lookup[A]]], *, is_refused: bool) -> Flow[ChangeOutcome]:
    """Look the change up until its outcome is proven or the time is up."""
    ctx, pacing, tries = change.ctx, change.ctx.settings.pacing, 0
    first_ms: dict[Sight, float] = {}
    while True:
        lookup = yield from look_up()
        change.last = lookup.found or change.last
        if lookup.sight is Sight.DONE:
            return ChangeOutcome.DONE
        now_ms = ctx.deadline.clock()
        pause_ms = pacing.poll_ms(tries)
        if lookup.sight is not Sight.NOTHING:
            # A state that was seen before counts only as long as no lookup has shown another one.
            first_ms = {lookup.sight: first_ms.get(lookup.sight, now_ms)}
            is_proof = is_refused or lookup.sight is Sight.IMPOSSIBLE
            left_ms = first_ms[lookup.sight] + pacing.recheck_ms - now_ms
            if is_proof and left_ms <= 0:
                impossible = lookup.sight is Sight.IMPOSSIBLE and not is_refused
                return ChangeOutcome.IMPOSSIBLE if impossible else ChangeOutcome.REFUSED
            if is_proof:
                pause_ms = min(pause_ms, left_ms)
        if not (yield from pause(ctx, pause_ms)):
            return ChangeOutcome.UNRESOLVED
        tries += 1
