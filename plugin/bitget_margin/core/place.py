"""Flow of a new order: sent once, and whatever is not proven by the answer is settled by look-ups, never by sending.

Only what was certainly not executed is sent again: for the other account kind; and after too many requests, or a
refused timestamp, once look-ups and the account make sure: a gateway that repeats a request may have had it executed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from bitget_margin.core.api import Api
from bitget_margin.core.effects import Call, Fault, Flow, Reply, ReplyOrFault, Resync, Send, Wait
from bitget_margin.core.frozen_amounts import Coins, unexplained
from bitget_margin.core.order_ref import IdKind
from bitget_margin.core.order_row import VENUE_CLOCK_RESOLUTION_MS, OrderRow
from bitget_margin.core.place_state import CLOCKS_APART_MS, Age, Doubt, Fate, PlaceState, age_of
from bitget_margin.core.queries import Pager, query_open_orders
from bitget_margin.core.requests import CallContext, send_requests
from bitget_margin.core.responses import BatchAnswer, Listing, page_of, sent_ms_of
from bitget_margin.core.verdicts import Verdict

PAGE_FROM: Final = 2
"""From how many orders on the lists are read, instead of asking for each by its client order id."""
_PAGES_MAX: Final = 20
_FILLS_EXPLAINED_MAX: Final = 5
"""How many fills of unknown orders are looked up by their order id; more of them prove nothing."""
_LEAST_SHARE: Final = Decimal("0.01")
"""The share of an order that is a trace of it where coins are frozen that no listed order holds: most may be filled."""

Build = Callable[[Api, Sequence[PlaceState]], Call]
"""Returns the request that places these orders."""


@dataclass(slots=True)
class Placement:
    """One call that places orders of one symbol."""

    ctx: CallContext
    symbol: str
    coins: Coins
    """Base and quote coin of each symbol, under the venue's own names."""
    states: tuple[PlaceState, ...]
    build: Build
    is_single: bool
    """Whether the endpoint for one order is used."""
    stop_when_missed: bool = False
    """End once two look-ups have missed what is in doubt, not at the deadline."""
    began_ms: float | None = None
    """When the call began on the venue's clock, rather too early than too late; None until a look-up has shown it."""
    other_ids: set[str] = field(default_factory=set)
    """Order ids that look-ups have shown under other client order ids."""

    def unsettled(self) -> list[PlaceState]:
        """Return the orders whose fate is not proven."""
        return [state for state in self.states if state.fate is None]

    def is_known(self, order_id: str) -> bool:
        """Whether this order id is not that of an unsettled order: a look-up or the answer has shown whose it is."""
        return order_id in self.other_ids or any(state.order_id == order_id for state in self.states)


def place(placement: Placement) -> Flow[None]:
    """Send the orders, and settle each as far as the time goes."""
    yield from _send(placement)
    yield from _settle(placement)


def _send(placement: Placement) -> Flow[None]:
    ctx, todo = placement.ctx, list(placement.states)
    while todo:
        api = ctx.api
        (reply,) = yield from send_requests(ctx, [_request(ctx, placement.build(api, todo))], resend=False)
        if isinstance(reply, Fault) and ctx.is_other_kind(reply) and ctx.api is not api:
            continue
        if isinstance(reply, Fault) and ctx.verdict(reply) is Verdict.CLOCK and ctx.resynced_ms is None:
            ctx.resynced_ms = ctx.deadline.now_ms()
            ctx.cancel_state.requests += 1
            yield Resync(ctx.deadline.at_ms)
            for state in todo:
                state.fail(Verdict.LIMITED, fault=reply)
        else:
            _record(placement, api, todo, reply)
        limited = [state for state in todo if state.is_limited]
        refused = (yield from _prove_limited(placement, limited)) if limited else []
        todo = refused if ctx.deadline.left_ms() > ctx.settings.request_ms else []
        for state in refused:
            if state in todo:
                state.misses_ms = ()
            else:
                state.fate = Fate.REFUSED


def _prove_limited(placement: Placement, states: Sequence[PlaceState]) -> Flow[list[PlaceState]]:
    """Wait until there is room again; return the orders that were not placed before, by look-ups and the account."""
    ctx, pacing = placement.ctx, placement.ctx.settings.pacing
    pause_ms = max(pacing.limited_ms, pacing.recheck_ms)
    yield from _look(placement, states)
    missed = [state for state in states if state.fate is None]
    if not missed or ctx.deadline.left_ms() <= pause_ms:
        return []
    yield Wait(ctx.deadline.now_ms() + pause_ms)
    yield from _look(placement, missed)
    missed = [state for state in missed if state.fate is None and state.is_missed_twice(pacing)]
    return (yield from _without_trace(placement, missed)) if missed else []


def _request(ctx: CallContext, call: Call) -> Send:
    """Return the request that places: it may take what look-ups after it do not need."""
    until_ms = ctx.deadline.at_ms - ctx.settings.request_ms
    return Send(call, ctx.settings.timeout_ms - ctx.settings.request_ms, until_ms)


def _record(placement: Placement, api: Api, states: Sequence[PlaceState], reply: ReplyOrFault) -> None:
    if isinstance(reply, Fault):
        for state in states:
            state.fail(placement.ctx.verdict(reply), fault=reply)
        return
    read = api.read_single if placement.is_single else api.read_batch
    answer = read(reply.body)
    if answer is None:
        for state in states:
            state.leave_open()
        return
    if placement.is_single:
        _record_single(states[0], answer)
    else:
        _record_batch(states, answer)


def _record_single(state: PlaceState, answer: BatchAnswer) -> None:
    for item in answer.failures:
        state.fail_item(item)
    for item in answer.successes:
        state.acknowledge(item)


def _record_batch(states: Sequence[PlaceState], answer: BatchAnswer) -> None:
    """Record the entries by client order id: what the request did not name says nothing of it."""
    taken = {item.client_id: item for item in answer.successes}
    failed = {item.client_id: item for item in answer.failures}
    for state in states:
        success, failure = taken.get(state.ref.value), failed.get(state.ref.value)
        if success is not None and failure is None:
            state.acknowledge(success)
        elif failure is not None and success is None:
            state.fail_item(failure)
        else:
            state.leave_open()


# -- look-ups -----------------------------------------------------------------------------------------------------


def _settle(placement: Placement) -> Flow[None]:
    """Look up what is not proven, until it is, or the time is up."""
    ctx, tries = placement.ctx, 0
    pacing = ctx.settings.pacing
    while todo := placement.unsettled():
        yield from _look(placement, todo)
        refused = [s for s in placement.unsettled() if s.doubt is Doubt.REFUSED_IN_WORDS and s.is_missed_twice(pacing)]
        for state in (yield from _without_trace(placement, refused)) if refused else ():
            state.fate = Fate.REFUSED
        todo = placement.unsettled()
        if not todo or (placement.stop_when_missed and all(state.is_missed_twice(pacing) for state in todo)):
            return
        now_ms = ctx.deadline.now_ms()
        rechecks = [at_ms for state in todo if (at_ms := state.recheck_ms(pacing)) is not None and at_ms > now_ms]
        pause_ms = min([pacing.poll_ms(tries), *(at_ms - now_ms for at_ms in rechecks)])
        if ctx.deadline.left_ms() <= pause_ms:
            return
        tries += 1
        yield Wait(now_ms + pause_ms)


def _look(placement: Placement, states: Sequence[PlaceState]) -> Flow[None]:
    """Look these orders up once, in both lists; what is shown in neither is missed."""
    unclear: set[str] = set()
    if len(states) < PAGE_FROM:
        conclusive = yield from _ask_by_name(placement, states[0])
    if len(states) >= PAGE_FROM or not conclusive:
        conclusive = True
        for listing in (Listing.OPEN, Listing.HISTORY):
            if all(state.fate is not None for state in states):
                return
            whole = yield from _read_list(placement, listing, states, unclear)
            conclusive = conclusive and whole
    if conclusive:
        for state in states:
            if state.fate is None and state.ref.value not in unclear:
                state.miss(placement.ctx.deadline.now_ms())


def _ask_by_name(placement: Placement, state: PlaceState) -> Flow[bool]:
    """Ask for one order by its client order id; return whether the answers are conclusive."""
    ctx, api = placement.ctx, placement.ctx.api
    questions = api.order_queries(placement.symbol, IdKind.CLIENT, state.ref.value, ctx.since_ms)
    sends = [ctx.bounded(question.call) for question in questions]
    replies = yield from send_requests(ctx, sends)
    absent: set[Listing] = set()
    for question, reply in zip(questions, replies, strict=True):
        page = page_of(reply, api.read_found)
        if page is None:
            continue
        _set_began(placement, page.sent_ms)
        _show(placement, page.rows, [state], set())
        if page.size == 0:
            absent.update(question.lists)
    return state.fate is not None or absent == set(Listing)


def _read_list(placement: Placement, listing: Listing, states: Sequence[PlaceState], unclear: set[str]) -> Flow[bool]:
    """Read a list, newest first, as far back as the call began; return whether it would have shown these orders."""
    ctx = placement.ctx
    # One attempt for each page: the caller repeats the whole lookup.
    pager = Pager(ctx, listing, placement.symbol, ctx.since_ms, pages_max=_PAGES_MAX, is_final=lambda _: True)
    while (found := (yield from pager.next_page())) is not None:
        if isinstance(found, Fault):
            return False
        _set_began(placement, found.page.sent_ms)
        _show(placement, found.rows, states, unclear)
        if not found.page.whole:
            return False
        if listing is Listing.HISTORY and _is_before(found.rows, placement.began_ms):
            return True
    return pager.at_end


def _show(placement: Placement, rows: Iterable[OrderRow], states: Sequence[PlaceState], unclear: set[str]) -> None:
    by_name = {state.ref.value: state for state in states}
    for row in rows:
        state = by_name.get(row.client_id or "")
        if row.client_id is None:
            # It may be of any of them, unless it was there before.
            if age_of(row, placement.began_ms) is not Age.BEFORE:
                unclear.update(by_name)
        elif state is None:
            placement.other_ids.add(row.order_id)
        elif state.see(row, placement.began_ms):
            unclear.add(state.ref.value)


def _set_began(placement: Placement, sent_ms: int | None) -> None:
    """Note when the call began on the venue's clock: by the time that has passed here since, answer included."""
    if sent_ms is not None:
        deadline = placement.ctx.deadline
        began_ms = sent_ms - (deadline.now_ms() - deadline.start_ms)
        placement.began_ms = min(began_ms, placement.began_ms or began_ms)


def _is_before(rows: Sequence[OrderRow], began_ms: float | None) -> bool:
    """Whether a page has reached orders that were placed before the call began."""
    created = [row.created_ms for row in rows]
    return began_ms is not None and any(
        at_ms is not None and at_ms < began_ms - VENUE_CLOCK_RESOLUTION_MS for at_ms in created
    )


# -- the account, as proof that nothing was placed ----------------------------------------------------------------


def _without_trace(placement: Placement, states: Sequence[PlaceState]) -> Flow[list[PlaceState]]:
    """Return those of these orders of which the account shows no trace: nothing that they hold, no fill of theirs."""
    ctx, api = placement.ctx, placement.ctx.api
    (balance,) = yield from send_requests(ctx, [ctx.bounded(api.assets_request(None))])
    held = api.read_frozen(balance.body) if isinstance(balance, Reply) else None
    if not isinstance(balance, Reply) or not held:
        return []  # an empty balance does not show the account
    _set_began(placement, sent_ms_of(balance.body))
    if placement.began_ms is None:
        return []
    call = api.fills_request(placement.symbol, int(placement.began_ms - CLOCKS_APART_MS))
    (fills,) = yield from send_requests(ctx, [ctx.bounded(call)])
    filled = api.read_fills(fills.body) if isinstance(fills, Reply) else None
    if filled is None:
        return []
    sides = {state.terms.side for state in states}
    traces = {
        fill.order_id
        for fill in filled
        if not placement.is_known(fill.order_id)
        and fill.symbol in {None, placement.symbol}
        and any(fill.side.endswith(side) for side in sides)
        and (fill.at_ms is None or fill.at_ms >= placement.began_ms - CLOCKS_APART_MS)
    }
    if not (yield from _are_of_others(placement, traces, states)):
        return []
    return (yield from _without_coins(placement, states, held)) if api.FREEZES else list(states)


def _are_of_others(placement: Placement, order_ids: set[str], states: Sequence[PlaceState]) -> Flow[bool]:
    """Look up orders that have filled since the call began; return whether all of them have other names."""
    ctx, api = placement.ctx, placement.ctx.api
    if len(order_ids) > _FILLS_EXPLAINED_MAX:
        return False
    for order_id in order_ids:
        question = api.order_queries(placement.symbol, IdKind.ORDER, order_id, ctx.since_ms)[0]
        (reply,) = yield from send_requests(ctx, [ctx.bounded(question.call)])
        page = page_of(reply, api.read_found)
        rows = [] if page is None else [row for row in page.rows if row.order_id == order_id]
        if not rows:
            return False
        _show(placement, rows, states, set())
        if any(row.client_id is None for row in rows):
            return False
    return all(state.fate is None for state in states)


def _without_coins(
    placement: Placement, states: Sequence[PlaceState], held: Mapping[str, Decimal]
) -> Flow[list[PlaceState]]:
    """Return the orders for which too little is frozen, beside what those hold that are listed."""
    if all(_is_too_little(placement, state, held) for state in states):
        return list(states)
    rows = yield from query_open_orders(placement.ctx, None)
    if isinstance(rows, Fault):
        rows = yield from query_open_orders(placement.ctx, placement.symbol)
    if isinstance(rows, Fault):
        return []
    listed = {row.client_id for row in rows}
    left = unexplained(rows, held, placement.coins)
    return [s for s in states if s.ref.value not in listed and _is_too_little(placement, s, left)]


def _is_too_little(placement: Placement, state: PlaceState, held: Mapping[str, Decimal]) -> bool:
    """Whether less is frozen than a small rest of this order would hold."""
    base, quote = placement.coins[placement.symbol]
    terms = state.terms
    if terms.side != "buy":
        return held.get(base, Decimal(0)) < (terms.base or Decimal(0)) * _LEAST_SHARE
    cost = terms.quote if terms.base is None else terms.base * (terms.price or Decimal(0))
    return held.get(quote, Decimal(0)) < (cost or Decimal(0)) * _LEAST_SHARE
