"""Look-ups: what the venue's own rows say about orders. History first, because that is where an ended order is.

Many orders are asked for by page, few by id. A page that does not show an order proves nothing; that both look-ups
by id do not know it is one of the two legs of NOT_FOUND.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from bitget_margin.core.cancel_state import Entry
from bitget_margin.core.effects import Answer, Fault, Flow, Send, together
from bitget_margin.core.order_ref import IdKind
from bitget_margin.core.order_row import CLOCK_GRAIN_MS, Row, State, lowest_number
from bitget_margin.core.queries import began_ms
from bitget_margin.core.requests import Desk, deliver
from bitget_margin.core.responses import Listing, Page, Question, page_of
from bitget_margin.core.settings import Pacing
from bitget_margin.core.verdicts import Verdict

PAGE_FROM: Final = 2
"""From how many orders on a page is asked for, instead of each by id."""
BY_ID_MAX: Final = 20
"""How many are asked for by id in one round: more would eat the rate limit that the cancels need."""
_ORDERS_PER_PAGE: Final = 50
"""How many orders one further page is worth."""


@dataclass(slots=True)
class Look:
    """What one round of look-ups showed of one order."""

    entry: Entry
    ended: Row | None = None
    live: Row | None = None
    absent_from: set[Listing] = field(default_factory=set)
    """Lists that do not know the order, by the answer to the question for it alone."""
    open_complete: bool = False
    began_ms: float | None = None
    """When the call began, on the venue's clock."""

    @property
    def answered(self) -> bool:
        """Whether this round has shown what there is to see."""
        return self.ended is not None or self.live is not None

    def take(self, row: Row) -> None:
        """Keep a row if it is about this order; of several under one client order id, the newest."""
        target, order_id = self.entry.target, self.entry.order_id
        ours = row.order_id == order_id if order_id is not None else row.client_id == target.value
        if not ours or row.symbol != target.symbol:
            return
        if target.kind is IdKind.CLIENT and row.client_id not in {None, target.value}:
            # The order id that was told beside our name is of an order with another name.
            self.entry.bound_id = None
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

    def _may_be_meant(self, row: Row) -> bool:
        """Whether a row under our client order id may be about the order that had it when the call began."""
        later = (
            self.began_ms is not None and row.created_ms is not None and row.created_ms > self.began_ms + CLOCK_GRAIN_MS
        )
        return row.state is not State.UNREADABLE and not later

    def book(self, now_ms: float, pacing: Pacing) -> None:
        """Write into the ledger what this round proves."""
        ended, live = self.ended, self.live
        if ended is not None and live is not None and ended.order_id == live.order_id:
            live = None
        if live is not None:
            self.entry.saw(live, now_ms)
        elif ended is not None and self.entry.order_id is not None:
            self.entry.saw(ended, now_ms)
        elif ended is not None and (Listing.OPEN in self.absent_from or self.open_complete):
            self.entry.saw_candidate(ended, now_ms, self.began_ms, pacing)
        elif ended is None and self.absent_from == set(Listing):
            self.entry.absent(now_ms, pacing)


def look_up(desk: Desk, entries: Sequence[Entry]) -> Flow[None]:
    """Ask the venue about these entries once, and book what it says."""
    symbols = dict.fromkeys(entry.target.symbol for entry in entries)
    looks = [Look(entry) for entry in entries]
    yield from together(
        _look_up_symbol(desk, symbol, [look for look in looks if look.entry.target.symbol == symbol])
        for symbol in symbols
    )
    now_ms, pacing = desk.deadline.now_ms(), desk.settings.pacing
    for look in looks:
        look.book(now_ms, pacing)
        look.entry.judge(pacing)
        if look.entry.outcome is None:
            look.entry.schedule_look(now_ms, pacing)


def _look_up_symbol(desk: Desk, symbol: str, looks: Sequence[Look]) -> Flow[None]:
    for listing in (Listing.HISTORY, Listing.OPEN):
        asked = [look for look in looks if _undecided(look)]
        if len(asked) >= PAGE_FROM:
            yield from _read_pages(desk, listing, symbol, asked)
    # By id what no page showed: first those that were asked for least.
    left = sorted((look for look in looks if _undecided(look)), key=lambda look: look.entry.looks_by_id)[:BY_ID_MAX]
    questions = [(look, question) for look in left for question in _questions(desk, look.entry)]
    if len(left) == 1:
        # One order that has ended is in history: the other question is spared.
        yield from _read_by_id(desk, questions[:1])
        questions = questions[1:] if _undecided(left[0]) else []
    yield from _read_by_id(desk, questions)
    # One answer for both lists shows one order of a name, which may be of another symbol, or not the youngest.
    namesakes = [look for look in left if look.entry.order_id is None and not look.absent_from]
    for listing in (Listing.HISTORY, Listing.OPEN):
        doubtful = [look for look in namesakes if _undecided(look) and (listing is Listing.OPEN or look.ended is None)]
        if doubtful:
            yield from _read_pages(desk, listing, symbol, doubtful)


def _questions(desk: Desk, entry: Entry) -> tuple[Question, ...]:
    """Return the questions for one order, by its order id where that is known."""
    order_id, target = entry.order_id, entry.target
    kind, value = (IdKind.CLIENT, target.value) if order_id is None else (IdKind.ORDER, order_id)
    return desk.dialect.by_id(target.symbol, kind, value, desk.since_ms)


def _undecided(look: Look) -> bool:
    if not look.answered:
        return True
    # An ended row under a client order id says nothing while a younger order of that name may live.
    return (
        look.entry.order_id is None
        and look.live is None
        and not (Listing.OPEN in look.absent_from or look.open_complete)
    )


def _read_pages(desk: Desk, listing: Listing, symbol: str, looks: Sequence[Look]) -> Flow[None]:
    known = [number for look in looks if (number := look.entry.number) is not None]
    named_only = any(look.entry.order_id is None for look in looks)
    # Without an order id, the newest page is the place to begin.
    dialect = desk.dialect
    cursor = dialect.cursor_from(max(known)) if known and not named_only else None
    seen: set[str] = set()
    whole = True
    for _ in range(2 + len(looks) // _ORDERS_PER_PAGE):
        send = desk.send(dialect.page(listing, symbol, desk.since_ms, cursor))
        (reply,) = yield from deliver(desk, [send])
        page = dialect.read_page(reply.body) if isinstance(reply, Answer) else None
        if page is None:
            return
        _set_clock(desk, looks, page, send)
        fresh = [row for row in page.rows if row.order_id not in seen]
        seen.update(row.order_id for row in fresh)
        _share_out(fresh, looks)
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


def _set_clock(desk: Desk, looks: Sequence[Look], page: Page, send: Send) -> None:
    """Note when this call began on the venue's clock."""
    began = began_ms(desk, page, send)
    for look in looks:
        look.began_ms = began


def _share_out(rows: Sequence[Row], looks: Sequence[Look]) -> None:
    by_id = {look.entry.order_id: look for look in looks if look.entry.order_id is not None}
    by_name = {look.entry.target.value: look for look in looks if look.entry.order_id is None}
    for row in rows:
        # One order may have been named by both of its ids.
        for look in (by_id.get(row.order_id), by_name.get(row.client_id or "")):
            if look is not None:
                look.take(row)


def _read_by_id(desk: Desk, asked: Sequence[tuple[Look, Question]]) -> Flow[None]:
    read = desk.dialect.read_found
    for look, _ in asked:
        look.entry.looks_by_id += 1
    sends = [desk.send(question.call) for _, question in asked]
    replies = yield from deliver(desk, sends)
    for (look, question), send, reply in zip(asked, sends, replies, strict=True):
        page = page_of(reply, read)
        if page is None:
            if isinstance(reply, Fault):
                _give_up(desk, look.entry, reply)
            continue
        if look.entry.order_id is None and not page.whole:
            continue  # a row that cannot be read may be the younger order of this name
        _set_clock(desk, [look], page, send)
        for row in page.rows:
            look.take(row)
        # Rows that are not ours would show that the venue did not filter: then absence says nothing.
        if page.size == 0:
            look.absent_from.update(question.listings)
        for row in page.rows:
            if row.order_id == look.entry.order_id and row.symbol != look.entry.target.symbol:
                look.entry.reason = f"the venue shows this order under {row.symbol}"


def _give_up(desk: Desk, entry: Entry, fault: Fault) -> None:
    """End the look-ups of an order whose own look-up the venue refuses for good."""
    if desk.verdict(fault) in {Verdict.DEFINITIVE, Verdict.CLOCK}:
        entry.unreadable = True
        entry.code, entry.reason = fault.code, fault.text
