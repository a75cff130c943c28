"""Cancel orders: send, look up, cancel again what lives, until every order is proven or time is up."""

from collections.abc import Sequence
from typing import Final

from bitget_margin.core.api import api_of
from bitget_margin.core.cancel_state import NEVER, CancelState, OrderState
from bitget_margin.core.effects import Fault, Flow, Reply, ReplyOrFault, Send, Wait
from bitget_margin.core.order_ref import OrderRef, batches
from bitget_margin.core.outcome import Outcome
from bitget_margin.core.reconcile import reconcile
from bitget_margin.core.requests import CallContext, send_requests
from bitget_margin.core.verdicts import Verdict, hint_gone

_LAST_LOOKUP_MS: Final = 250.0
"""Time before the deadline, at most, of the last lookup of an order without proof."""
TIMER_SLACK_MS: Final = 1.0
"""A sleep may end this much early."""
_REFUSALS: Final = frozenset(
    {Verdict.REFUSED, Verdict.STATE, Verdict.DUPLICATE, Verdict.NOT_CANCELED, Verdict.ENDED, Verdict.GONE},
)
"""Verdicts that make a fault the refusal of every order of its request."""


def cancel(ctx: CallContext, state: CancelState) -> Flow[None]:
    """Cancel every order that has no outcome, and give each the outcome that is proven."""
    yield from run_until_resolved(ctx, state)
    state.resolve_remaining()


def interrupt(ctx: CallContext, state: CancelState) -> None:
    """Resolve the orders of a flow that ended early, by the replies that had come in."""
    in_flight, state.in_flight = state.in_flight, []
    for send, batch in in_flight:
        ctx.requests += send.started
        if send.reply is not None:
            _record_reply(ctx, state, send, batch, send.reply)
        elif send.started:
            for order in batch:
                order.evidence.record_attempt(ctx.deadline.clock())
    state.resolve_remaining()


def run_until_resolved(ctx: CallContext, state: CancelState) -> Flow[None]:
    """Cancel every order that has no outcome; leave those without proof to the caller."""
    while True:
        now_ms = ctx.deadline.clock() + TIMER_SLACK_MS
        due = [order for order in state.unresolved() if _next_cancel_ms(ctx, state, order) <= now_ms]
        if due:
            yield from _send_cancels(ctx, state, due)
        now_ms = ctx.deadline.clock() + TIMER_SLACK_MS
        due = [order for order in state.unresolved() if _next_lookup_ms(state, order) <= now_ms]
        if due:
            yield from reconcile(ctx, due)
        pause_ms = _pause_ms(ctx, state)
        if pause_ms is None:
            return
        yield Wait(ctx.deadline.clock() + pause_ms)


def _next_cancel_ms(ctx: CallContext, state: CancelState, order: OrderState) -> float:
    return NEVER if state.error is not None else order.schedule.next_cancel_ms(ctx.settings.pacing)


def _next_lookup_ms(state: CancelState, order: OrderState) -> float:
    return order.schedule.next_lookup_ms(is_last=state.error is not None)


def _pause_ms(ctx: CallContext, state: CancelState) -> float | None:
    """Return the time until the next request; None if there is none, or no time for it."""
    now_ms, left_ms = ctx.deadline.clock(), ctx.deadline.left_ms()
    next_ms = min(
        (min(_next_cancel_ms(ctx, state, order), _next_lookup_ms(state, order)) for order in state.unresolved()),
        default=NEVER,
    )
    if next_ms == NEVER or left_ms <= TIMER_SLACK_MS:
        return None
    pause_ms = max(0.0, next_ms - now_ms)
    if pause_ms < left_ms:
        return pause_ms
    # Nothing more is due in this call: one last lookup, shortly before the deadline.
    pause_ms = left_ms - min(_LAST_LOOKUP_MS, ctx.settings.timeout_ms / 10)
    remaining = [order for order in state.unresolved() if _next_lookup_ms(state, order) < NEVER]
    if pause_ms <= TIMER_SLACK_MS or not remaining:
        return None
    for order in remaining:
        order.schedule.lookup_ms = now_ms + pause_ms
    return pause_ms


def _send_cancels(ctx: CallContext, state: CancelState, due: Sequence[OrderState]) -> Flow[None]:
    """Send one cancel for each of these orders, and record the replies."""
    by_target: dict[OrderRef, list[OrderState]] = {}
    for order in due:
        # Named by both of its ids, an order is sent once: a younger order may have its client order id by now.
        order.schedule.sent_ref = order.schedule.cancel_ref
        by_target.setdefault(order.schedule.cancel_ref, []).append(order)
    api, single = ctx.api, state.use_single_endpoint
    groups = list(batches(by_target, 1 if single else min(ctx.settings.batch_size, api.BATCH_MAX)))
    sends = [
        ctx.bounded(api.single_cancel_request(group[0]) if single else api.batch_cancel_request(group))
        for group in groups
    ]
    named = [tuple(order for target in group for order in by_target[target]) for group in groups]
    state.in_flight = list(zip(sends, named, strict=True))
    replies = yield from send_requests(ctx, sends)
    state.in_flight = []
    for send, batch, reply in zip(sends, named, replies, strict=True):
        _record_reply(ctx, state, send, batch, reply)


def _record_reply(
    ctx: CallContext, state: CancelState, send: Send, batch: Sequence[OrderState], reply: ReplyOrFault
) -> None:
    now_ms = ctx.deadline.clock()
    if isinstance(reply, Reply):
        api = api_of(send.call.endpoint.kind)
        response = (api.read_single if state.use_single_endpoint else api.read_batch)(reply.body)
        if response is not None:
            state.record_response(response, batch, now_ms, ctx.settings.pacing)
        else:
            for order in batch:
                order.evidence.record_ambiguous(now_ms, None, "the response has no list that can be read")
    else:
        _record_fault(ctx, state, batch, reply)
    for order in batch:
        order.schedule.lookup_ms = now_ms
        if order.evidence.acknowledged and not ctx.settings.confirm:
            order.evidence.outcome = Outcome.ACCEPTED


def _record_fault(ctx: CallContext, state: CancelState, batch: Sequence[OrderState], fault: Fault) -> None:
    why, now_ms = ctx.verdict(fault), ctx.deadline.clock()
    reason = fault.text or str(fault.error)
    if why in {Verdict.DEFINITIVE, Verdict.CLOCK} and state.error is None:
        state.error = fault.error
    for order in batch:
        evidence = order.evidence
        if why in _REFUSALS or (why is Verdict.UNSETTLED and hint_gone(fault.code, fault.text)):
            evidence.record_refusal(now_ms, fault.code, fault.text)
            evidence.info = fault.body if isinstance(fault.body, dict) else None
            evidence.error = fault.error
        elif why in {Verdict.AMBIGUOUS, Verdict.UNSETTLED}:
            evidence.record_ambiguous(now_ms, fault.code, reason)
        else:
            pause_ms = 0 if ctx.is_other_kind(fault) else ctx.settings.pacing.limited_ms
            order.record_not_executed(fault.code, reason, now_ms + pause_ms)
