"""Look-ups: what the venue's own rows say about orders. History first, because that is where an ended order is.

Many orders are asked for by page, few by id. A page that does not show an order proves nothing; that both look-ups
by id do not know it is one of the two legs of NOT_FOUND.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from bitget_margin.core.cancel_state import OrderState
from bitget_margin.core.effects import Fault, Flow, Reply, Send, run_concurrently
from bitget_margin.core.order_ref import IdKind
from bitget_margin.core.order_row import VENUE_CLOCK_RESOLUTION_MS, OrderRow, RowState, lowest_number
from bitget_margin.core.queries import call_began_ms
from bitget_margin.core.requests import CallContext, send_requests
from bitget_margin.core.responses import Listing, OrderQuery, Page, page_of
from bitget_margin.core.settings import Pacing
from bitget_margin.core.verdicts import Verdict

PAGE_FROM: Final = 2
"""From how many orders on a page is asked for, instead of each by id."""
BY_ID_MAX: Final = 20
"""How many are asked for by id in one round: more would eat the rate limit that the cancels need."""
_ORDERS_PER_PAGE: Final = 50
"""How many orders one further page is worth."""


@dataclass(slots=True)
class OrderLookup:
    """What one round of look-ups showed of one order."""

    order: OrderState
    ended: OrderRow | None = None
    live: OrderRow | None = None
    absent_from: set[Listing] = field(default_factory=set)
    """Lists that do not know the order, by the answer to the question for it alone."""
    open_complete: bool = False
    began_ms: float | None = None
    """When the call began, on the venue's clock."""

    @property
    def answered(self) -> bool:
        """Whether this round has shown what there is to see."""
        return self.ended is not None or self.live is not None

    def take_row(self, row: OrderRow) -> None:
        """Keep a row if it is about this order; of several under one client order id, the newest."""
        target, order_id = self.order.ref, self.order.order_id
        ours = row.order_id == order_id if order_id is not None else row.client_id == target.value
        if not ours or row.symbol != target.symbol:
            return
        if target.kind is IdKind.CLIENT and row.client_id not in {None, target.value}:
            # The order id that was told beside our name is of an order with another name.
            self.order.bound_id = None
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
        """Whether a row under our client order id may be about the order that had it when the call began."""
        later = (
            self.began_ms is not None
            and row.created_ms is not None
            and row.created_ms > self.began_ms + VENUE_CLOCK_RESOLUTION_MS
        )
        return row.state is not RowState.UNREADABLE and not later

    def record(self, now_ms: float, pacing: Pacing) -> None:
        """Write into the ledger what this round proves."""
        ended, live = self.ended, self.live
        if ended is not None and live is not None and ended.order_id == live.order_id:
            live = None
        if live is not None:
            self.order.record_row(live, now_ms)
        elif ended is not None and self.order.order_id is not None:
            self.order.record_row(ended, now_ms)
        elif ended is not None and (Listing.OPEN in self.absent_from or self.open_complete):
            self.order.record_possible_namesake(ended, now_ms, self.began_ms, pacing)
        elif ended is None and self.absent_from == set(Listing):
            self.order.record_absence(now_ms, pacing)


def reconcile(ctx: CallContext, entries: Sequence[OrderState]) -> Flow[None]:
    """Ask the venue about these entries once, and book what it says."""
    symbols = dict.fromkeys(entry.ref.symbol for entry in entries)
    looks = [OrderLookup(entry) for entry in entries]
    yield from run_concurrently(
        _reconcile_symbol(ctx, symbol, [look for look in looks if look.order.ref.symbol == symbol])
        for symbol in symbols
    )
    now_ms, pacing = ctx.deadline.now_ms(), ctx.settings.pacing
    for look in looks:
        look.record(now_ms, pacing)
        look.order.decide_open(pacing)
        if look.order.outcome is None:
            look.order.schedule_lookup(now_ms, pacing)


def _reconcile_symbol(ctx: CallContext, symbol: str, looks: Sequence[OrderLookup]) -> Flow[None]:
    for listing in (Listing.HISTORY, Listing.OPEN):
        asked = [look for look in looks if _undecided(look)]
        if len(asked) >= PAGE_FROM:
            yield from _read_pages(ctx, listing, symbol, asked)
    # By id what no page showed: first those that were asked for least.
    left = sorted((look for look in looks if _undecided(look)), key=lambda look: look.order.lookups_by_id)[:BY_ID_MAX]
    questions = [(look, question) for look in left for question in _questions(ctx, look.order)]
    if len(left) == 1:
        # One order that has ended is in history: the other question is spared.
        yield from _read_by_id(ctx, questions[:1])
        questions = questions[1:] if _undecided(left[0]) else []
    yield from _read_by_id(ctx, questions)
    # One answer for both lists shows one order of a name, which may be of another symbol, or not the youngest.
    namesakes = [look for look in left if look.order.order_id is None and not look.absent_from]
    for listing in (Listing.HISTORY, Listing.OPEN):
        doubtful = [look for look in namesakes if _undecided(look) and (listing is Listing.OPEN or look.ended is None)]
        if doubtful:
            yield from _read_pages(ctx, listing, symbol, doubtful)


def _questions(ctx: CallContext, entry: OrderState) -> tuple[OrderQuery, ...]:
    """Return the questions for one order, by its order id where that is known."""
    order_id, target = entry.order_id, entry.ref
    kind, value = (IdKind.CLIENT, target.value) if order_id is None else (IdKind.ORDER, order_id)
    return ctx.api.by_id(target.symbol, kind, value, ctx.since_ms)


def _undecided(look: OrderLookup) -> bool:
    if not look.answered:
        return True
    # An ended row under a client order id says nothing while a younger order of that name may live.
    return (
        look.order.order_id is None
        and look.live is None
        and not (Listing.OPEN in look.absent_from or look.open_complete)
    )


def _read_pages(ctx: CallContext, listing: Listing, symbol: str, looks: Sequence[OrderLookup]) -> Flow[None]:
    known = [number for look in looks if (number := look.order.number) is not None]
    named_only = any(look.order.order_id is None for look in looks)
    # Without an order id, the newest page is the place to begin.
    dialect = ctx.api
    cursor = dialect.cursor_from(max(known)) if known and not named_only else None
    seen: set[str] = set()
    whole = True
    for _ in range(2 + len(looks) // _ORDERS_PER_PAGE):
        send = ctx.bounded(dialect.page(listing, symbol, ctx.since_ms, cursor))
        (reply,) = yield from send_requests(ctx, [send])
        page = dialect.read_page(reply.body) if isinstance(reply, Reply) else None
        if page is None:
            return
        _set_clock(ctx, looks, page, send)
        fresh = [row for row in page.rows if row.order_id not in seen]
        seen.update(row.order_id for row in fresh)
        _assign_rows(fresh, looks)
        whole = whole and page.whole
        if listing is Listing.OPEN and whole and (not fresh or page.last):
            for look in looks:
                look.open_complete = True
        # Absence from history proves nothing; open orders are read until a page brings nothing new.
        goes_on = page.cursor is not None and (page.full or listing is Listing.OPEN)
        if not fresh or not goes_on or not any(_undecided(look) for look in looks):
            return
        lowest = lowest_number(fresh)
        if lowest is not None and known and not named_only and lowest <= min(known):
            return
        cursor = page.cursor


def _set_clock(ctx: CallContext, looks: Sequence[OrderLookup], page: Page, send: Send) -> None:
    """Note when this call began on the venue's clock."""
    began = call_began_ms(ctx, page, send)
    for look in looks:
        look.began_ms = began


def _assign_rows(rows: Sequence[OrderRow], looks: Sequence[OrderLookup]) -> None:
    by_id = {look.order.order_id: look for look in looks if look.order.order_id is not None}
    by_name = {look.order.ref.value: look for look in looks if look.order.order_id is None}
    for row in rows:
        # One order may have been named by both of its ids.
        for look in (by_id.get(row.order_id), by_name.get(row.client_id or "")):
            if look is not None:
                look.take_row(row)


def _read_by_id(ctx: CallContext, asked: Sequence[tuple[OrderLookup, OrderQuery]]) -> Flow[None]:
    read = ctx.api.read_found
    for look, _ in asked:
        look.order.lookups_by_id += 1
    sends = [ctx.bounded(question.call) for _, question in asked]
    replies = yield from send_requests(ctx, sends)
    for (look, question), send, reply in zip(asked, sends, replies, strict=True):
        page = page_of(reply, read)
        if page is None:
            if isinstance(reply, Fault):
                _stop_lookups(ctx, look.order, reply)
            continue
        if look.order.order_id is None and not page.whole:
            continue  # a row that cannot be read may be the younger order of this name
        _set_clock(ctx, [look], page, send)
        for row in page.rows:
            look.take_row(row)
        # Rows that are not ours would show that the venue did not filter: then absence says nothing.
        if page.size == 0:
            look.absent_from.update(question.lists)
        for row in page.rows:
            if row.order_id == look.order.order_id and row.symbol != look.order.ref.symbol:
                look.order.reason = f"the venue shows this order under {row.symbol}"


def _stop_lookups(ctx: CallContext, entry: OrderState, fault: Fault) -> None:
    """End the look-ups of an order whose own look-up the venue refuses for good."""
    if ctx.verdict(fault) in {Verdict.DEFINITIVE, Verdict.CLOCK}:
        entry.unreadable = True
        entry.code, entry.reason = fault.code, fault.text
