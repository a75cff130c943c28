"""Look up canceled orders in order history and open orders, and record what their rows prove.

History is read first, because an ended order is there. Many orders are looked up by page, few by id. A page that does
not show an order proves nothing; an answer of both lists to the id of the order alone that shows no row is half of the
proof of NOT_FOUND.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from bitget_margin.core.cancel_state import OrderState
from bitget_margin.core.effects import Fault, Flow, run_concurrently
from bitget_margin.core.order_ref import IdKind
from bitget_margin.core.order_row import VENUE_CLOCK_RESOLUTION_MS, OrderRow, RowState
from bitget_margin.core.queries import Pager, call_began_ms, match_rows, span_of
from bitget_margin.core.requests import CallContext, send_requests
from bitget_margin.core.responses import Listing, OrderQuery, page_of
from bitget_margin.core.settings import Pacing
from bitget_margin.core.verdicts import Verdict

PAGE_FROM: Final = 2
"""From how many orders on a page is read instead of each order by id."""
BY_ID_MAX: Final = 20
"""Maximum number of orders looked up by id in one round: more would use up the rate limit that the cancels need."""
_PAGES_MAX: Final = 2
"""Maximum number of pages of a list in search of a few orders."""
_ORDERS_PER_PAGE: Final = 50
"""Number of orders that justify one further page."""
_OPEN_PAGES_MAX: Final = 6
"""Maximum number of pages where only the end of open orders decides: an account can have 400 of them."""


@dataclass(slots=True)
class OrderLookup:
    """The rows of one order that one round of lookups has shown."""

    order: OrderState
    ended: OrderRow | None = None
    live: OrderRow | None = None
    absent_from: set[Listing] = field(default_factory=set)
    """Lists that returned no row to a query for this order alone."""
    open_complete: bool = False
    """Whether the list of open orders was read to its end."""
    began_ms: float | None = None
    """Start of the call, on the venue's clock."""

    @property
    def open_answered(self) -> bool:
        """Whether a live order would have been shown."""
        return Listing.OPEN in self.absent_from or self.open_complete

    @property
    def undecided(self) -> bool:
        """Whether further queries in this round can add evidence."""
        if self.ended is None and self.live is None:
            return True
        # An ended row under a client order id proves nothing while a younger order of that id may live.
        return self.order.evidence.order_id is None and self.live is None and not self.open_answered

    def add_row(self, row: OrderRow) -> None:
        """Keep a row if it is of this order; of several under one client order id, the newest."""
        target, order_id = self.order.ref, self.order.evidence.order_id
        matches = row.order_id == order_id if order_id is not None else row.client_id == target.value
        if not matches or row.symbol != target.symbol:
            return
        if target.kind is IdKind.CLIENT and row.client_id not in {None, target.value}:
            # The order id that was bound to the client order id is of an order with another one.
            self.order.evidence.bound_id = None
            return
        if order_id is None and not self._may_be_meant(row):
            return
        known = self.ended if row.state.ended else self.live
        if known is not None and (known.number or 0) > (row.number or 0):
            return
        if row.state.ended:
            self.ended = row
        else:
            self.live = row

    def _may_be_meant(self, row: OrderRow) -> bool:
        """Whether a row under the client order id may be of the order that had it when the call began."""
        began_ms, placed_ms = self.began_ms, row.created_ms
        later = began_ms is not None and placed_ms is not None and placed_ms > began_ms + VENUE_CLOCK_RESOLUTION_MS
        return row.state is not RowState.UNREADABLE and not later

    def record(self, now_ms: float, pacing: Pacing) -> None:
        """Record the evidence of this round."""
        ended, live, evidence = self.ended, self.live, self.order.evidence
        if ended is not None and live is not None and ended.order_id == live.order_id:
            live = None
        if live is not None:
            evidence.record_row(live, now_ms)
        elif ended is not None and evidence.order_id is not None:
            evidence.record_row(ended, now_ms)
        elif ended is not None and self.open_answered:
            evidence.record_possible_namesake(ended, now_ms, self.began_ms, pacing)
        elif ended is None and self.absent_from == set(Listing):
            evidence.record_absence(now_ms, pacing)


def reconcile(ctx: CallContext, orders: Sequence[OrderState]) -> Flow[None]:
    """Look these orders up once, record the evidence, and schedule the next lookup of the unresolved."""
    by_symbol: dict[str, list[OrderLookup]] = {}
    for order in orders:
        by_symbol.setdefault(order.ref.symbol, []).append(OrderLookup(order))
    yield from run_concurrently(_reconcile_symbol(ctx, symbol, lookups) for symbol, lookups in by_symbol.items())
    now_ms, pacing = ctx.deadline.clock(), ctx.settings.pacing
    for lookup in (lookup for lookups in by_symbol.values() for lookup in lookups):
        lookup.record(now_ms, pacing)
        lookup.order.evidence.decide_open(pacing)
        if lookup.order.outcome is None:
            lookup.order.schedule.schedule_lookup(now_ms, pacing)


def _reconcile_symbol(ctx: CallContext, symbol: str, lookups: Sequence[OrderLookup]) -> Flow[None]:
    for listing in (Listing.HISTORY, Listing.OPEN):
        undecided = [lookup for lookup in lookups if lookup.undecided]
        if len(undecided) >= PAGE_FROM:
            yield from _read_pages(ctx, listing, symbol, undecided)
    # By id, those that no page has shown: first those with the fewest lookups by id.
    undecided = [lookup for lookup in lookups if lookup.undecided]
    chosen = sorted(undecided, key=lambda lookup: lookup.order.schedule.lookups_by_id)[:BY_ID_MAX]
    queries = [(lookup, query) for lookup in chosen for query in _queries(ctx, lookup.order)]
    if len(chosen) == 1:
        # One order that has ended is in history: its second query is not needed.
        yield from _read_by_id(ctx, queries[:1])
        queries = queries[1:] if chosen[0].undecided else []
    yield from _read_by_id(ctx, queries)
    # One answer for both lists shows one order of a client order id: it may be of another symbol, or not the youngest.
    namesakes = [lookup for lookup in chosen if lookup.order.evidence.order_id is None and not lookup.absent_from]
    for listing in (Listing.HISTORY, Listing.OPEN):
        undecided = [each for each in namesakes if each.undecided and (listing is Listing.OPEN or each.ended is None)]
        if undecided:
            yield from _read_pages(ctx, listing, symbol, undecided, _OPEN_PAGES_MAX)


def _queries(ctx: CallContext, order: OrderState) -> tuple[OrderQuery, ...]:
    """Return the queries for one order, by its order id where that is known."""
    order_id, target = order.evidence.order_id, order.ref
    kind, value = (IdKind.CLIENT, target.value) if order_id is None else (IdKind.ORDER, order_id)
    return ctx.api.order_queries(target.symbol, kind, value, ctx.since_ms)


def _read_pages(
    ctx: CallContext, listing: Listing, symbol: str, lookups: Sequence[OrderLookup], pages_max: int = _PAGES_MAX
) -> Flow[None]:
    """Read pages of a list while they can show more of these orders; a fault ends the reading."""
    ids = [(lookup, lookup.order.evidence.order_id) for lookup in lookups]
    by_order_id = {order_id: lookup for lookup, order_id in ids if order_id is not None}
    by_client_id = {lookup.order.ref.value: lookup for lookup, order_id in ids if order_id is None}
    pager = Pager(
        ctx,
        listing,
        symbol,
        ctx.since_ms,
        span=span_of(order_id for _, order_id in ids),
        pages_max=pages_max + len(lookups) // _ORDERS_PER_PAGE,
        is_final=lambda _: True,
    )
    while any(lookup.undecided for lookup in lookups):
        found = yield from pager.next_page()
        if found is None or isinstance(found, Fault):
            return
        began_ms = call_began_ms(ctx, found.page, found.send)
        open_complete = listing is Listing.OPEN and pager.is_whole and (not found.rows or found.page.last)
        for lookup in lookups:
            lookup.began_ms, lookup.open_complete = began_ms, open_complete
        for lookup, row in match_rows(found.rows, by_order_id, by_client_id):
            lookup.add_row(row)


def _read_by_id(ctx: CallContext, queries: Sequence[tuple[OrderLookup, OrderQuery]]) -> Flow[None]:
    """Send one query for each order and list, and keep the rows."""
    read = ctx.api.read_order
    for lookup, _ in queries:
        lookup.order.schedule.lookups_by_id += 1
    sends = [ctx.bounded(query.call) for _, query in queries]
    replies = yield from send_requests(ctx, sends)
    for (lookup, query), send, reply in zip(queries, sends, replies, strict=True):
        page, evidence = page_of(reply, read), lookup.order.evidence
        if page is None:
            if isinstance(reply, Fault) and ctx.verdict(reply) in {Verdict.DEFINITIVE, Verdict.CLOCK}:
                lookup.order.schedule.lookups_refused = True
                evidence.code, evidence.reason = reply.code, reply.text
            continue
        if evidence.order_id is None and not page.whole:
            continue  # a row that cannot be read may be of the younger order of this client order id
        lookup.began_ms = call_began_ms(ctx, page, send)
        # Rows of other orders would show that the filter was ignored: then absence proves nothing.
        if page.size == 0:
            lookup.absent_from.update(query.lists)
        for row in page.rows:
            lookup.add_row(row)
            if row.order_id == evidence.order_id and row.symbol != lookup.order.ref.symbol:
                evidence.reason = f"the order is listed under {row.symbol}"
