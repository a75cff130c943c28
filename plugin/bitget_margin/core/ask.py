"""Questions that change nothing: asked again until the venue answers, or the time is up."""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from bitget_margin.core.account import AccountKind
from bitget_margin.core.answers import Listing, Page, Question, page_of
from bitget_margin.core.call import Answer, Call, Fault, Flow, Send, Wait
from bitget_margin.core.codes import Verdict, refuses_parameters
from bitget_margin.core.delivery import Desk, deliver
from bitget_margin.core.dialect import Dialect
from bitget_margin.core.row import CLOCK_GRAIN_MS, Row
from bitget_margin.core.target import Target

A = TypeVar("A")


class Unreadable(Exception):
    """The venue answered with success, and the body is not what its documents say."""


@dataclass(slots=True)
class Asked(Generic[A]):
    """A question and what came of it: what was read, or the last fault; `send` is the request that brought it."""

    send: Send
    answer: A | Fault


def ask(
    desk: Desk,
    call: Callable[[Dialect], Call],
    read: Callable[[Dialect], Callable[[object], A | None]],
    final: Callable[[Fault], bool] = lambda _: False,
) -> Flow[Asked[A]]:
    """Return what `read` makes of the answer, or the last fault once the venue has refused or the time is up.

    `final` says of a fault that would be asked about again that it is an answer after all.
    """
    tries = 0
    while True:
        dialect = desk.dialect
        send = desk.send(call(dialect))
        (reply,) = yield from deliver(desk, [send])
        if isinstance(reply, Answer):
            answer = read(dialect)(reply.body)
            if answer is not None:
                return Asked(send, answer)
            fault = Fault(Unreadable(f"{send.call.endpoint.path} answered {reprlib.repr(reply.body)}"), body=reply.body)
        else:
            fault = reply
        if desk.is_other_kind(fault) and desk.dialect is not dialect:
            continue
        pause_ms = desk.settings.pacing.poll_ms(tries)
        again = not fault.sent or desk.verdict(fault) in {Verdict.AMBIGUOUS, Verdict.UNSETTLED}
        if not again or final(fault) or desk.deadline.left_ms() <= pause_ms:
            return Asked(send, fault)
        tries += 1
        yield Wait(desk.deadline.now_ms() + pause_ms)


def find(desk: Desk, target: Target, *, placed_in_call: bool = False) -> Flow[Row | Fault | None]:
    """Return the row of one order: a live one, else the newest that ended; None if the venue shows none.

    With `placed_in_call`, an ended one counts only if it was placed after the call began, by the venue's own clock:
    a client order id may have belonged to an older order.
    """
    spoken_for: set[Listing] = set()
    for listing in (Listing.OPEN, Listing.HISTORY):
        if listing in spoken_for:
            continue
        asked = yield from ask(
            desk,
            partial(_call_for, target, listing, desk.since_ms),
            lambda dialect: dialect.read_found,
        )
        spoken_for.update(_question(target, listing, desk.since_ms, desk.dialect).listings)
        page = _page_or_fault(asked.answer, desk.dialect)
        if isinstance(page, Fault):
            return page
        ours = [row for row in page.rows if row.symbol == target.symbol and row.key(target.kind) == target.value]
        if placed_in_call:
            began = began_ms(desk, page, asked.send)
            ours = [row for row in ours if not row.state.ended or placed_since(row, began)]
        if ours:
            return max(ours, key=lambda row: row.number or 0)
    return None


def _page_or_fault(answer: Page | Fault, dialect: Dialect) -> Page | Fault:
    """Return the page that an answer comes to: that the venue does not know an order is an empty one."""
    page = page_of(answer, dialect.read_found) if isinstance(answer, Fault) else answer
    return answer if page is None else page


def _question(target: Target, listing: Listing, since_ms: int, dialect: Dialect) -> Question:
    """Return the question for an order that speaks for a list."""
    questions = dialect.by_id(target.symbol, target.kind, target.value, since_ms)
    return next(question for question in questions if listing in question.listings)


def _call_for(target: Target, listing: Listing, since_ms: int, dialect: Dialect) -> Call:
    return _question(target, listing, since_ms, dialect).call


def _open_page(symbol: str | None, since_ms: int, kind: AccountKind, cursor: str | None, dialect: Dialect) -> Call:
    """Return the request for a page of open orders; a cursor means nothing to an account of another kind."""
    return dialect.page(Listing.OPEN, symbol, since_ms, cursor if dialect.kind is kind else None)


def began_ms(desk: Desk, page: Page, send: Send) -> float | None:
    """Return when this call began on the venue's own clock: a little late, by the time that the request travelled.

    Late rather than early: what ended before the call must not count as ended by it.
    """
    if page.sent_ms is None or send.left_ms is None:
        return None
    return page.sent_ms - (send.left_ms - desk.deadline.start_ms)


def placed_since(row: Row, began: float | None) -> bool:
    """Whether an order was placed after the call began, on the venue's own clock."""
    return began is not None and row.created_ms is not None and row.created_ms >= began - CLOCK_GRAIN_MS


def _whole_page(dialect: Dialect) -> Callable[[object], Page | None]:
    """Return a reader of pages of which every row counts: one that cannot be read may be an order that lives."""

    def read(body: object) -> Page | None:
        page = dialect.read_page(body)
        return page if page is not None and page.whole else None

    return read


def list_open(
    desk: Desk,
    symbol: str | None,
    *,
    since_ms: int | None = None,
    at_most: int | None = None,
) -> Flow[tuple[Row, ...] | Fault]:
    """Return the open orders of one symbol, or of all, over all pages: the last one is known by bringing no new id.

    A short page is not taken for the last one: the venue documents a default limit for this endpoint, not its cap.
    """
    found: dict[str, Row] = {}
    cursor: str | None = None
    since_ms = desk.since_ms if since_ms is None else since_ms
    kind = desk.dialect.kind
    while at_most is None or len(found) < at_most:
        asked = yield from ask(
            desk,
            partial(_open_page, symbol, since_ms, kind, cursor),
            _whole_page,
            refuses_parameters if symbol is None else lambda _: False,
        )
        page = asked.answer
        if isinstance(page, Fault):
            return page
        if desk.dialect.kind is not kind:
            # Another account since: what was found is not its own, and neither is the cursor.
            kind, cursor = desk.dialect.kind, None
            found.clear()
            continue
        fresh = {row.order_id: row for row in page.rows if row.order_id not in found}
        found.update(fresh)
        cursor = page.cursor
        if not fresh or cursor is None:
            break
    return tuple(row for row in found.values() if symbol is None or row.symbol == symbol)
