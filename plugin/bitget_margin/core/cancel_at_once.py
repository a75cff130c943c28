"""One request that cancels every order of a symbol or account, instead of many batches.

Unified accounts have it. It also cancels orders that no list has shown, and those that are placed meanwhile: it is for
cancels of all orders alone. Its response is evidence like that of a batch. An order that it leaves out is looked up,
and canceled again if it lives; one that it alone names is looked up by id, and reported with the others.
"""

from collections.abc import Sequence
from typing import Final

from bitget_margin.core.cancel_state import CancelState, OrderState
from bitget_margin.core.effects import Fault, Flow, Reply, ReplyOrFault
from bitget_margin.core.order_ref import IdKind, OrderRef, order_number
from bitget_margin.core.outcome import Outcome
from bitget_margin.core.reconcile import BY_ID_MAX
from bitget_margin.core.requests import CallContext, send_requests
from bitget_margin.core.responses import BatchResponse, page_of
from bitget_margin.core.verdicts import Verdict

_MAYBE_EXECUTED: Final = frozenset({Verdict.AMBIGUOUS, Verdict.UNSETTLED, Verdict.ENDED, Verdict.GONE})
"""Verdicts after which orders are looked up; an account without orders is refused as one whose order is gone."""


def cancel_at_once(ctx: CallContext, state: CancelState, symbols: Sequence[str | None]) -> Flow[None]:
    """Cancel all orders of each of these symbols with one request, where the listed ones exceed a batch.

    :param symbols: None stands for all symbols
    """
    for symbol in symbols:
        orders = [
            order
            for order in state.unresolved()
            if order.evidence.attempted_ms is None and symbol in {None, order.ref.symbol}
        ]
        call = ctx.api.cancel_all_request(symbol)
        if call is None or len(orders) <= min(ctx.settings.batch_size, ctx.api.BATCH_MAX) or state.error is not None:
            continue
        send = ctx.bounded(call)
        state.in_flight = [(send, tuple(orders))]
        (reply,) = yield from send_requests(ctx, [send])
        state.in_flight = []
        response = ctx.api.read_cancel_all(reply.body) if isinstance(reply, Reply) else None
        if response is None:
            _record_no_list(ctx, orders, reply)
        else:
            _record_response(ctx, orders, response)
            yield from _look_up_unlisted(ctx, state, symbol, response)
        for order in orders:
            order.schedule.lookup_ms = ctx.deadline.clock()


def _record_response(ctx: CallContext, orders: Sequence[OrderState], response: BatchResponse) -> None:
    """Record how the response lists each of these orders."""
    successes = {item.order_id: item for item in response.successes}
    failures = {item.order_id: item for item in response.failures}
    now_ms = ctx.deadline.clock()
    for order in orders:
        success, failure = successes.get(order.ref.value), failures.get(order.ref.value)
        if success is None and failure is None:
            order.evidence.record_ambiguous(now_ms, None, "the response does not list this order")
            continue
        order.record_item(success, failure, now_ms, ctx.settings.pacing, complete=True)
        if order.evidence.acknowledged and not ctx.settings.confirm:
            order.evidence.outcome = Outcome.ACCEPTED


def _record_no_list(ctx: CallContext, orders: Sequence[OrderState], reply: ReplyOrFault) -> None:
    """Record a response without a list, or none; a refusal says nothing about batches, which are sent next."""
    now_ms = ctx.deadline.clock()
    why, code, reason = Verdict.AMBIGUOUS, None, "the response has no list that can be read"
    if isinstance(reply, Fault):
        why, code, reason = ctx.verdict(reply), reply.code, reply.text or str(reply.error)
    for order in orders:
        if why in _MAYBE_EXECUTED:
            order.evidence.record_ambiguous(now_ms, code, reason)
        else:
            pause_ms = ctx.settings.pacing.limited_ms if why in {Verdict.LIMITED, Verdict.UNSENT} else 0
            order.record_not_executed(code, reason, now_ms + pause_ms)


def _look_up_unlisted(ctx: CallContext, state: CancelState, symbol: str | None, response: BatchResponse) -> Flow[None]:
    """Look up orders by id that only the response names; those that the venue does not show stay raw items."""
    listed = {order.ref.value for order in state.orders.values()}
    items = [item for item in (*response.successes, *response.failures) if item.order_id not in listed]
    state.unasked += [item.raw for item in items] + list(response.unreadable)
    named = [item.order_id for item in items if item.order_id is not None and order_number(item.order_id)]
    queries = [ctx.api.order_queries("", IdKind.ORDER, name, ctx.since_ms)[0] for name in named[:BY_ID_MAX]]
    replies = yield from send_requests(ctx, [ctx.bounded(query.call) for query in queries])
    for name, reply in zip(named, replies, strict=False):
        page = page_of(reply, ctx.api.read_order)
        for row in () if page is None else page.rows:
            if row.order_id == name and symbol in {None, row.symbol}:
                order = state.add(OrderRef(row.symbol, IdKind.ORDER, name))
                order.evidence.record_row(row, ctx.deadline.clock())
