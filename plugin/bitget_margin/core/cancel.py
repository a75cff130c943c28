"""The flow of a cancel: send, look, send again what lives, until every order has its proof or the time is up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bitget_margin.core.api import api_of
from bitget_margin.core.cancel_state import OrderState
from bitget_margin.core.effects import Fault, Flow, Reply, ReplyOrFault, Send, Wait
from bitget_margin.core.order_ref import OrderRef, batches
from bitget_margin.core.outcome import Outcome
from bitget_margin.core.reconcile import reconcile
from bitget_margin.core.requests import CallContext, send_requests
from bitget_margin.core.verdicts import Verdict, hint_gone

_LAST_LOOKUP_MS: Final = 250.0
"""How long before the deadline, at most, an order that is not proven is looked up for the last time."""
TIMER_SLACK_MS: Final = 1.0
"""A sleep may end this much early."""
_REFUSALS: Final = frozenset(
    {Verdict.REFUSED, Verdict.STATE, Verdict.DUPLICATE, Verdict.NOT_CANCELED, Verdict.ENDED, Verdict.GONE},
)
"""What is a known refusal of a cancel."""


def cancel(ctx: CallContext) -> Flow[None]:
    """Cancel every entry of the desk's ledger that has no outcome, and give each the one that is proven."""
    yield from run_until_resolved(ctx)
    ctx.cancel_state.resolve_remaining()


def interrupt(ctx: CallContext) -> None:
    """Close the ledger of a flow that ended early, with the replies that had come in by then."""
    flying, ctx.cancel_state.in_flight = ctx.cancel_state.in_flight, []
    for send, batch in flying:
        ctx.cancel_state.requests += send.started
        if send.reply is not None:
            _record_reply(ctx, send, batch, send.reply)
        elif send.started:
            for entry in batch:
                entry.record_attempt(ctx.deadline.now_ms())
    ctx.cancel_state.resolve_remaining()


def run_until_resolved(ctx: CallContext) -> Flow[None]:
    """Do the same, but leave open what is not proven, for a caller that has more to ask."""
    while True:
        now_ms = ctx.deadline.now_ms() + TIMER_SLACK_MS
        due = [entry for entry in ctx.cancel_state.unresolved() if _next_cancel_ms(ctx, entry) <= now_ms]
        if due:
            yield from _send_cancels(ctx, due)
        now_ms = ctx.deadline.now_ms() + TIMER_SLACK_MS
        looks = [entry for entry in ctx.cancel_state.unresolved() if _next_lookup_ms(ctx, entry) <= now_ms]
        if looks:
            yield from reconcile(ctx, looks)
        pause_ms = _pause_ms(ctx)
        if pause_ms is None:
            return
        yield Wait(ctx.deadline.now_ms() + pause_ms)


def _next_cancel_ms(ctx: CallContext, entry: OrderState) -> float:
    at_ms = entry.next_cancel_ms(ctx.settings.pacing) if ctx.cancel_state.error is None else None
    return float("inf") if at_ms is None else at_ms


def _next_lookup_ms(ctx: CallContext, entry: OrderState) -> float:
    if entry.attempted_ms is None or entry.unreadable:
        return float("inf")
    # It lives, and no cancel will be sent any more: nothing is left to find out.
    settled = ctx.cancel_state.error is not None and entry.row is not None and not entry.acknowledged
    return float("inf") if settled else entry.next_lookup_ms


def _pause_ms(ctx: CallContext) -> float | None:
    """Return how long to wait for the next thing to do; None if there is none, or no time for it."""
    now_ms, left_ms = ctx.deadline.now_ms(), ctx.deadline.left_ms()
    next_ms = min(
        (min(_next_cancel_ms(ctx, entry), _next_lookup_ms(ctx, entry)) for entry in ctx.cancel_state.unresolved()),
        default=float("inf"),
    )
    if next_ms == float("inf") or left_ms <= TIMER_SLACK_MS:
        return None
    pause_ms = max(0.0, next_ms - now_ms)
    if pause_ms < left_ms:
        return pause_ms
    # Nothing is due any more in this call: one last look, shortly before the deadline.
    pause_ms = left_ms - min(_LAST_LOOKUP_MS, ctx.settings.timeout_ms / 10)
    looks = [entry for entry in ctx.cancel_state.unresolved() if _next_lookup_ms(ctx, entry) < float("inf")]
    if pause_ms <= TIMER_SLACK_MS or not looks:
        return None
    for entry in looks:
        entry.next_lookup_ms = now_ms + pause_ms
    return pause_ms


def _send_cancels(ctx: CallContext, due: Sequence[OrderState]) -> Flow[None]:
    """Send one cancel for each of these entries, and book what the venue says."""
    cancel_state = ctx.cancel_state
    by_target: dict[OrderRef, list[OrderState]] = {}
    for entry in due:
        # Named by both of its ids, it is sent once: its name may have gone to a younger order by now.
        entry.sent_ref = entry.cancel_ref
        by_target.setdefault(entry.cancel_ref, []).append(entry)
    dialect = ctx.api
    size = 1 if ctx.use_single_endpoint else min(ctx.settings.batch_size, dialect.batch_max)
    groups: list[tuple[OrderRef, ...]] = list(batches(by_target, size))
    calls = [
        dialect.single_cancel(group[0]) if ctx.use_single_endpoint else dialect.batch_cancel(group) for group in groups
    ]
    sends = [ctx.bounded(call) for call in calls]
    named = [tuple(entry for target in group for entry in by_target[target]) for group in groups]
    cancel_state.in_flight = list(zip(sends, named, strict=True))
    replies = yield from send_requests(ctx, sends)
    cancel_state.in_flight = []
    for send, batch, reply in zip(sends, named, replies, strict=True):
        _record_reply(ctx, send, batch, reply)


def _record_reply(ctx: CallContext, send: Send, batch: Sequence[OrderState], reply: ReplyOrFault) -> None:
    now_ms = ctx.deadline.now_ms()
    if isinstance(reply, Reply):
        dialect = api_of(send.call.endpoint.kind)
        answer = (dialect.read_single if ctx.use_single_endpoint else dialect.read_batch)(reply.body)
        if answer is not None:
            ctx.cancel_state.record_answer(answer, batch, now_ms, ctx.settings.pacing)
        else:
            for entry in batch:
                entry.record_attempt(now_ms)
                entry.record_ambiguous("the venue's answer has no list that can be read")
    else:
        _record_fault(ctx, batch, reply)
    for entry in batch:
        entry.next_lookup_ms = now_ms
        if entry.acknowledged and not ctx.settings.confirm:
            entry.outcome = Outcome.ACCEPTED


def _record_fault(ctx: CallContext, batch: Sequence[OrderState], fault: Fault) -> None:
    why, now_ms = ctx.verdict(fault), ctx.deadline.now_ms()
    if why in {Verdict.DEFINITIVE, Verdict.CLOCK} and ctx.cancel_state.error is None:
        ctx.cancel_state.error = fault.error
    for entry in batch:
        if why in _REFUSALS or (why is Verdict.UNSETTLED and hint_gone(fault.code, fault.text)):
            entry.record_attempt(now_ms)
            entry.record_refusal(now_ms, fault.code, fault.text)
            entry.info, entry.error = _raw_entry(fault.body), fault.error
        elif why in {Verdict.AMBIGUOUS, Verdict.UNSETTLED}:
            entry.record_attempt(now_ms)
            entry.record_ambiguous(fault.text or str(fault.error), fault.code)
        else:
            entry.resend_ms = now_ms + (0 if ctx.is_other_kind(fault) else ctx.settings.pacing.limited_ms)
            entry.code, entry.reason = fault.code, fault.text or str(fault.error)


def _raw_entry(body: object) -> dict[str, object] | None:
    return body if isinstance(body, dict) else None
