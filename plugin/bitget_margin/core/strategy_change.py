"""Cancels and changes of strategy orders, each with proof."""

from collections.abc import Mapping
from dataclasses import dataclass

from bitget_margin.core import strategy_api
from bitget_margin.core.change import Change, ChangeResult, Lookup, Sight, change_once
from bitget_margin.core.effects import Fault, Flow, Reply
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.outcome import Outcome
from bitget_margin.core.requests import CallContext, pause, send_requests
from bitget_margin.core.strategy_queries import TYPES, FoundStrategy, find_strategy, query_sub_orders
from bitget_margin.core.strategy_row import StrategyRow, StrategyState, StrategyTerms, StrategyType
from bitget_margin.core.verdicts import SUCCESS, Verdict, hint_gone


@dataclass(slots=True)
class StrategyCancel:
    """Evidence about the cancel of one strategy order. Times are in milliseconds of the caller's clock."""

    target: OrderRef
    types: tuple[StrategyType, ...] = TYPES
    """The types that it may have."""
    row: StrategyRow | None = None
    outcome: Outcome | None = None
    acknowledged: bool = False
    maybe_executed: bool = False
    """Whether a cancel without a clear response may have been executed."""
    fault: Fault | None = None
    """The last refusal, or the reply that was lost."""
    error: Exception | None = None
    """The exception of a request that was certainly not executed, and that a retry would not help."""
    sent_ms: tuple[float, ...] = ()
    refused_ms: tuple[float, ...] = ()
    misses_ms: tuple[float, ...] = ()

    @property
    def is_gone(self) -> bool:
        """Whether the last refusal says that there is no such order: that it has ended, or never was."""
        return self.fault is not None and hint_gone(self.fault.code, self.fault.text)

    @property
    def may_be_ended_by_it(self) -> bool:
        """Whether it was seen, or a cancel may have ended it: then it is not unknown to the venue, whatever it says."""
        return self.row is not None or self.acknowledged or self.maybe_executed


def cancel_strategy(ctx: CallContext, cancel: StrategyCancel) -> Flow[None]:
    """Cancel a strategy order, again if it still waits, until its end is proven or the time is up.

    Without `confirm`, an acknowledgement ends the call.
    """
    pacing, tries = ctx.settings.pacing, 0
    while True:
        now_ms = ctx.deadline.clock()
        if not cancel.sent_ms or now_ms - cancel.sent_ms[-1] >= pacing.recancel_ms:
            yield from _send(ctx, cancel)
            if cancel.error is not None:
                cancel.outcome = Outcome.NOT_SENT
                return
            if cancel.acknowledged and not ctx.settings.confirm:
                cancel.outcome = Outcome.ACCEPTED
                return
        found = yield from find_strategy(ctx, cancel.target, cancel.types, both_lists=True)
        if not isinstance(found, Fault):
            yield from _record(ctx, cancel, found)
        if cancel.outcome is not None or not (yield from pause(ctx, pacing.poll_ms(tries))):
            cancel.outcome = cancel.outcome or Outcome.UNKNOWN
            return
        tries += 1


def _send(ctx: CallContext, cancel: StrategyCancel) -> Flow[None]:
    is_first = not cancel.sent_ms
    (reply,) = yield from send_requests(ctx, [ctx.bounded(strategy_api.cancel_request(cancel.target))])
    cancel.sent_ms = (*cancel.sent_ms, ctx.deadline.clock())
    if isinstance(reply, Reply):
        # The response has no data: only its code acknowledges.
        cancel.acknowledged = isinstance(reply.body, Mapping) and reply.body.get("code") == SUCCESS
        cancel.fault = None
        return
    cancel.fault = reply
    verdict = ctx.verdict(reply)
    if verdict in {Verdict.DEFINITIVE, Verdict.CLOCK} and is_first:
        cancel.error = reply.error
    elif verdict is Verdict.AMBIGUOUS:
        cancel.maybe_executed = True
    elif verdict not in {Verdict.UNSENT, Verdict.LIMITED}:
        cancel.refused_ms = (*cancel.refused_ms, ctx.deadline.clock())


def _record(ctx: CallContext, cancel: StrategyCancel, found: FoundStrategy) -> Flow[None]:
    pacing, now_ms = ctx.settings.pacing, ctx.deadline.clock()
    if found.row is not None:
        cancel.row, cancel.misses_ms = found.row, ()
        if found.row.state.ended:
            cancel.outcome = yield from _outcome_of(ctx, found.row)
        elif _are_apart(cancel.refused_ms, pacing.refusals_ms):
            cancel.outcome = Outcome.OPEN
    elif found.absent and cancel.is_gone and not cancel.may_be_ended_by_it:
        cancel.misses_ms = (*cancel.misses_ms, now_ms)
        if _are_apart(cancel.misses_ms, pacing.recheck_ms):
            cancel.outcome = Outcome.NOT_FOUND


def _outcome_of(ctx: CallContext, row: StrategyRow) -> Flow[Outcome | None]:
    """Return the outcome that the row of an ended order proves.

    Without a status, only an order that it has placed tells the two ends apart: its absence proves nothing.
    """
    if row.state is not StrategyState.ENDED:
        return Outcome.FILLED if row.state is StrategyState.FIRED else Outcome.CANCELED
    placed = yield from query_sub_orders(ctx, row.order_id)
    return Outcome.FILLED if placed and not isinstance(placed, Fault) else None


def _are_apart(times_ms: tuple[float, ...], least_ms: float) -> bool:
    return len(times_ms) > 1 and times_ms[-1] - times_ms[0] >= least_ms


def modify_strategy(ctx: CallContext, order_id: str, terms: StrategyTerms) -> Flow[ChangeResult[StrategyRow]]:
    """Give a strategy order these terms; an acknowledgement is no proof, its row is."""
    target = OrderRef(terms.symbol, IdKind.ORDER, order_id)

    def look_up() -> Flow[Lookup[StrategyRow]]:
        found = yield from find_strategy(ctx, target, (terms.condition.type,))
        if isinstance(found, Fault):
            return Lookup(Sight.NOTHING)
        if found.row is None:
            return Lookup(Sight.NOT_YET if found.absent else Sight.NOTHING)
        if found.row.state.ended or found.row.state is StrategyState.SUBMITTING:
            return Lookup(Sight.IMPOSSIBLE, found.row)
        return Lookup(Sight.DONE if terms.fits(found.row) else Sight.NOT_YET, found.row)

    return (
        yield from change_once(
            Change(
                ctx,
                lambda api: None if api.KIND is AccountKind.CLASSIC else strategy_api.modify_request(target, terms),
                lambda _: None,
                look_up,
            )
        )
    )
