"""Flow that places orders: sent once; what the response does not prove is resolved by lookups.

An order is sent again only if it was certainly not executed: at once for the other account kind; after a 429 or a
rejected timestamp once lookups, balance and fills confirm it, because a gateway may have sent the request twice.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from bitget_margin.core.api import Api
from bitget_margin.core.effects import Call, Fault, Flow, Reply, ReplyOrFault, Send
from bitget_margin.core.frozen_amounts import Coins, unexplained
from bitget_margin.core.order_ref import IdKind
from bitget_margin.core.order_row import VENUE_CLOCK_RESOLUTION_MS, OrderRow
from bitget_margin.core.place_state import CLOCKS_APART_MS, Age, Doubt, PlaceOutcome, PlaceState, age_of
from bitget_margin.core.queries import Pager, query_open_orders
from bitget_margin.core.requests import CallContext, pause, resync, send_requests
from bitget_margin.core.responses import BatchResponse, Listing, page_of, sent_ms_of
from bitget_margin.core.verdicts import Verdict

PAGE_FROM: Final = 2
"""From how many orders on the lists are read, instead of querying each order by its client order id."""
_PAGES_MAX: Final = 20
"""Pages of a list that one lookup reads at most."""
_UNKNOWN_FILLS_MAX: Final = 5
"""Maximum number of orders with fills that are looked up by order id; more of them prove nothing."""
_TRACE_SHARE: Final = Decimal("0.01")
"""Share of an order that counts as a trace of it when it is frozen. Most of the order may have filled."""

Build = Callable[[Api, Sequence[PlaceState]], Call]
"""Builds the request that places these orders."""


@dataclass(slots=True)
class Placement:
    """State of one call that places orders of one symbol."""

    ctx: CallContext
    symbol: str
    coins: Coins
    states: tuple[PlaceState, ...]
    build: Build
    is_single: bool
    """Whether the single-order endpoint is used."""
    stop_when_missed: bool = False
    """Whether the call ends when two lookups have missed every unresolved order, before the deadline."""
    began_ms: float | None = None
    """Start of the call on the venue's clock, never too late; None until a response has shown it."""
    other_ids: set[str] = field(default_factory=set)
    """Order ids that lookups have shown under other client order ids."""

    def unresolved(self) -> list[PlaceState]:
        """Return the orders without a proven outcome."""
        return [state for state in self.states if state.outcome is None]

    def is_known(self, order_id: str) -> bool:
        """Whether this order id is certainly not that of an unresolved order."""
        return order_id in self.other_ids or any(state.order_id == order_id for state in self.states)


def place(placement: Placement) -> Flow[None]:
    """Send the orders, and resolve each by lookups until the deadline."""
    yield from _send(placement)
    yield from _resolve(placement)


def _send(placement: Placement) -> Flow[None]:
    ctx, todo = placement.ctx, list(placement.states)
    while todo:
        api = ctx.api
        # The request may take all the time that one lookup after it does not need.
        request_ms, spare_ms = ctx.settings.timeout_ms - ctx.settings.request_ms, ctx.settings.request_ms
        send = Send(placement.build(api, todo), request_ms, ctx.deadline.at_ms - spare_ms, urgent=ctx.urgent)
        (reply,) = yield from send_requests(ctx, [send], resend=False)
        if isinstance(reply, Fault) and ctx.is_other_kind(reply) and ctx.api is not api:
            continue
        if isinstance(reply, Fault) and ctx.verdict(reply) is Verdict.CLOCK and ctx.resynced_ms is None:
            yield from resync(ctx)
            for state in todo:
                state.record_failure(Verdict.LIMITED, fault=reply)
        else:
            _record(placement, api, todo, reply)
        limited = [state for state in todo if state.is_limited]
        refused = (yield from _confirm_not_placed(placement, limited)) if limited else []
        todo = refused if ctx.deadline.left_ms() > ctx.settings.request_ms else []
        for state in refused:
            if state in todo:
                state.misses_ms = ()
            else:
                state.outcome = PlaceOutcome.REFUSED


def _confirm_not_placed(placement: Placement, states: Sequence[PlaceState]) -> Flow[list[PlaceState]]:
    """Wait out the rate limit; return the orders that lookups, balance and fills prove not to be placed."""
    ctx, pacing = placement.ctx, placement.ctx.settings.pacing
    pause_ms = max(pacing.limited_ms, pacing.recheck_ms)
    yield from _lookup(placement, states)
    missed = [state for state in states if state.outcome is None]
    if not missed or not (yield from pause(ctx, pause_ms)):
        return []
    yield from _lookup(placement, missed)
    missed = [state for state in missed if state.outcome is None and state.is_missed_twice(pacing)]
    return (yield from _without_trace(placement, missed)) if missed else []


def _record(placement: Placement, api: Api, states: Sequence[PlaceState], reply: ReplyOrFault) -> None:
    if isinstance(reply, Fault):
        for state in states:
            state.record_failure(placement.ctx.verdict(reply), fault=reply)
        return
    read = api.read_single if placement.is_single else api.read_batch
    response = read(reply.body)
    if response is None:
        for state in states:
            state.record_ambiguous()
        return
    if placement.is_single:
        for item in response.failures:
            states[0].record_failed_item(item)
        for item in response.successes:
            states[0].record_success(item)
    else:
        _record_batch(states, response)


def _record_batch(states: Sequence[PlaceState], response: BatchResponse) -> None:
    """Record the entries of the response by client order id; entries of other orders are ignored."""
    successes = {item.client_id: item for item in response.successes}
    failures = {item.client_id: item for item in response.failures}
    for state in states:
        success, failure = successes.get(state.ref.value), failures.get(state.ref.value)
        if success is not None and failure is None:
            state.record_success(success)
        elif failure is not None and success is None:
            state.record_failed_item(failure)
        else:
            state.record_ambiguous()


# -- lookups ------------------------------------------------------------------------------------------------------


def _resolve(placement: Placement) -> Flow[None]:
    """Look up unresolved orders until their outcome is proven or the time is up."""
    ctx, tries = placement.ctx, 0
    pacing = ctx.settings.pacing
    while todo := placement.unresolved():
        yield from _lookup(placement, todo)
        refused = [s for s in placement.unresolved() if s.doubt is Doubt.REFUSED_UNPROVEN and s.is_missed_twice(pacing)]
        for state in (yield from _without_trace(placement, refused)) if refused else ():
            state.outcome = PlaceOutcome.REFUSED
        todo = placement.unresolved()
        if not todo or (placement.stop_when_missed and all(state.is_missed_twice(pacing) for state in todo)):
            return
        now_ms = ctx.deadline.clock()
        rechecks = [at_ms for state in todo if (at_ms := state.recheck_ms(pacing)) is not None and at_ms > now_ms]
        pause_ms = min([pacing.poll_ms(tries), *(at_ms - now_ms for at_ms in rechecks)])
        if not (yield from pause(ctx, pause_ms)):
            return
        tries += 1


def _lookup(placement: Placement, states: Sequence[PlaceState]) -> Flow[None]:
    """Look these orders up once in both lists, and record a miss for each that neither shows."""
    unclear: set[str] = set()
    if len(states) < PAGE_FROM:
        conclusive = yield from _query_by_client_id(placement, states[0])
    if len(states) >= PAGE_FROM or not conclusive:
        conclusive = True
        for listing in (Listing.OPEN, Listing.HISTORY):
            if all(state.outcome is not None for state in states):
                return
            whole = yield from _read_pages(placement, listing, states, unclear)
            conclusive = conclusive and whole
    if conclusive:
        for state in states:
            if state.outcome is None and state.ref.value not in unclear:
                state.record_miss(placement.ctx.deadline.clock())


def _query_by_client_id(placement: Placement, state: PlaceState) -> Flow[bool]:
    """Query one order by its client order id; return whether the responses show it or prove its absence."""
    ctx, api = placement.ctx, placement.ctx.api
    queries = api.order_queries(placement.symbol, IdKind.CLIENT, state.ref.value, ctx.since_ms)
    replies = yield from send_requests(ctx, [ctx.bounded(query.call) for query in queries])
    absent: set[Listing] = set()
    for query, reply in zip(queries, replies, strict=True):
        page = page_of(reply, api.read_order)
        if page is None:
            continue
        _note_began(placement, page.sent_ms)
        _record_rows(placement, page.rows, [state], set())
        if page.size == 0:
            absent.update(query.lists)
    return state.outcome is not None or absent == set(Listing)


def _read_pages(placement: Placement, listing: Listing, states: Sequence[PlaceState], unclear: set[str]) -> Flow[bool]:
    """Read a list back to the start of the call; return whether it would have shown these orders."""
    ctx = placement.ctx
    # One attempt for each page: the caller repeats the whole lookup.
    pager = Pager(ctx, listing, placement.symbol, ctx.since_ms, pages_max=_PAGES_MAX, is_final=lambda _: True)
    while (found := (yield from pager.next_page())) is not None:
        if isinstance(found, Fault):
            return False
        _note_began(placement, found.page.sent_ms)
        _record_rows(placement, found.rows, states, unclear)
        if not found.page.whole:
            return False
        if listing is Listing.HISTORY and _has_older(found.rows, placement.began_ms):
            return True
    return pager.at_end


def _record_rows(
    placement: Placement, rows: Iterable[OrderRow], states: Sequence[PlaceState], unclear: set[str]
) -> None:
    """Record rows under the client order ids of these orders; collect in `unclear` what they leave open."""
    by_client_id = {state.ref.value: state for state in states}
    for row in rows:
        state = by_client_id.get(row.client_id or "")
        if row.client_id is None:
            # It may be of any of them, unless it was placed before the call.
            if age_of(row, placement.began_ms) is not Age.BEFORE:
                unclear.update(by_client_id)
        elif state is None:
            placement.other_ids.add(row.order_id)
        elif state.record_row(row, placement.began_ms):
            unclear.add(state.ref.value)


def _note_began(placement: Placement, sent_ms: int | None) -> None:
    """Derive the start of the call on the venue's clock from the time of a response."""
    if sent_ms is not None:
        deadline = placement.ctx.deadline
        began_ms = sent_ms - (deadline.clock() - deadline.start_ms)
        placement.began_ms = min(began_ms, placement.began_ms or began_ms)


def _has_older(rows: Sequence[OrderRow], began_ms: float | None) -> bool:
    """Whether one of these orders was placed before the call began."""
    created = [row.created_ms for row in rows]
    return began_ms is not None and any(
        at_ms is not None and at_ms < began_ms - VENUE_CLOCK_RESOLUTION_MS for at_ms in created
    )


# -- balance and fills, as proof that nothing was placed -----------------------------------------------------------


def _without_trace(placement: Placement, states: Sequence[PlaceState]) -> Flow[list[PlaceState]]:
    """Return the orders of which the account shows no trace: neither a fill nor a frozen amount."""
    ctx, api = placement.ctx, placement.ctx.api
    (balance,) = yield from send_requests(ctx, [ctx.bounded(api.assets_request(None))])
    frozen = api.read_frozen(balance.body) if isinstance(balance, Reply) else None
    if not isinstance(balance, Reply) or not frozen:
        return []  # an empty balance is not that of the account
    _note_began(placement, sent_ms_of(balance.body))
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
    if not (yield from _are_known(placement, traces, states)):
        return []
    return (yield from _with_nothing_frozen(placement, states, frozen)) if api.FREEZES else list(states)


def _are_known(placement: Placement, order_ids: set[str], states: Sequence[PlaceState]) -> Flow[bool]:
    """Look up orders with fills since the call began; return whether all have other client order ids."""
    ctx, api = placement.ctx, placement.ctx.api
    if len(order_ids) > _UNKNOWN_FILLS_MAX:
        return False
    for order_id in order_ids:
        query = api.order_queries(placement.symbol, IdKind.ORDER, order_id, ctx.since_ms)[0]
        (reply,) = yield from send_requests(ctx, [ctx.bounded(query.call)])
        page = page_of(reply, api.read_order)
        rows = [] if page is None else [row for row in page.rows if row.order_id == order_id]
        if not rows:
            return False
        _record_rows(placement, rows, states, set())
        if any(row.client_id is None for row in rows):
            return False
    return all(state.outcome is None for state in states)


def _with_nothing_frozen(
    placement: Placement, states: Sequence[PlaceState], frozen: Mapping[str, Decimal]
) -> Flow[list[PlaceState]]:
    """Return the orders for which too little is frozen besides the amounts of listed orders."""
    if all(_freezes_too_little(placement, state, frozen) for state in states):
        return list(states)
    rows = yield from query_open_orders(placement.ctx, None)
    if isinstance(rows, Fault):
        rows = yield from query_open_orders(placement.ctx, placement.symbol)
    if isinstance(rows, Fault):
        return []
    listed = {row.client_id for row in rows}
    left = unexplained(rows, frozen, placement.coins)
    return [s for s in states if s.ref.value not in listed and _freezes_too_little(placement, s, left)]


def _freezes_too_little(placement: Placement, state: PlaceState, frozen: Mapping[str, Decimal]) -> bool:
    """Whether less is frozen than a small rest of this order would freeze."""
    base, quote = placement.coins[placement.symbol]
    terms = state.terms
    if terms.side != "buy":
        return frozen.get(base, Decimal(0)) < (terms.base or Decimal(0)) * _TRACE_SHARE
    cost = terms.quote if terms.base is None else terms.base * (terms.price or Decimal(0))
    return frozen.get(quote, Decimal(0)) < (cost or Decimal(0)) * _TRACE_SHARE
