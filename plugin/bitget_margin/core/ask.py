"""Questions that change nothing: asked again until the venue answers, or the time is up."""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from typing import TypeVar

from bitget_margin.core import wire
from bitget_margin.core.call import Answer, Call, Endpoint, Fault, Flow, Send, Wait
from bitget_margin.core.codes import Verdict, refuses_parameters, verdict
from bitget_margin.core.delivery import Desk, deliver
from bitget_margin.core.row import CLOCK_GRAIN_MS, Row
from bitget_margin.core.target import Target

A = TypeVar("A")


class Unreadable(Exception):
    """The venue answered with success, and the body is not what its documents say."""


def ask(
    desk: Desk,
    call: Call | Send,
    read: Callable[[object], A | None],
    final: Callable[[Fault], bool] = lambda _: False,
) -> Flow[A | Fault]:
    """Return what `read` makes of the answer, or the last fault once the venue has refused or the time is up.

    `final` says of a fault that would be asked about again that it is an answer after all.
    """
    tries = 0
    while True:
        send = call if isinstance(call, Send) else desk.send(call)
        (reply,) = yield from deliver(desk, [send])
        if isinstance(reply, Answer):
            answer = read(reply.body)
            if answer is not None:
                return answer
            fault = Fault(Unreadable(f"{send.call.endpoint.path} answered {reprlib.repr(reply.body)}"), body=reply.body)
        else:
            fault = reply
        pause_ms = desk.settings.pacing.poll_ms(tries)
        if verdict(fault) is not Verdict.AMBIGUOUS or final(fault) or desk.deadline.left_ms() <= pause_ms:
            return fault
        tries += 1
        yield Wait(desk.deadline.now_ms() + pause_ms)


def find(desk: Desk, target: Target, *, placed_in_call: bool = False) -> Flow[Row | Fault | None]:
    """Return the row of one order: a live one, else the newest that ended; None if the venue shows none.

    With `placed_in_call`, an ended one counts only if it was placed after the call began, by the venue's own clock:
    a client order id may have belonged to an older order.
    """
    for endpoint in (Endpoint.OPEN_ORDERS, Endpoint.HISTORY_ORDERS):
        call = wire.by_id(endpoint, target.symbol, target.kind, target.value, desk.since_ms)
        send = desk.send(call)
        asked = yield from ask(desk, send, wire.read_page)
        page = wire.page_of(asked) if isinstance(asked, Fault) else asked
        if page is None:
            return asked if isinstance(asked, Fault) else None
        ours = [row for row in page.rows if row.symbol == target.symbol and row.key(target.kind) == target.value]
        if placed_in_call:
            began = began_ms(desk, page, send)
            ours = [row for row in ours if not row.state.ended or placed_since(row, began)]
        if ours:
            return max(ours, key=lambda row: row.number or 0)
    return None


def began_ms(desk: Desk, page: wire.Page, send: Send) -> float | None:
    """Return when this call began on the venue's own clock: a little late, by the time that the request travelled.

    Late rather than early: what ended before the call must not count as ended by it.
    """
    if page.sent_ms is None or send.left_ms is None:
        return None
    return page.sent_ms - (send.left_ms - desk.deadline.start_ms)


def placed_since(row: Row, began: float | None) -> bool:
    """Whether an order was placed after the call began, on the venue's own clock."""
    return began is not None and row.created_ms is not None and row.created_ms >= began - CLOCK_GRAIN_MS


def _whole_page(body: object) -> wire.Page | None:
    """Read a page of which every row counts: one that cannot be read may be an order that lives."""
    page = wire.read_page(body)
    return page if page is not None and len(page.rows) == page.size else None


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
    below: str | None = None
    since_ms = desk.since_ms if since_ms is None else since_ms
    while at_most is None or len(found) < at_most:
        call = wire.page(Endpoint.OPEN_ORDERS, symbol, since_ms, below)
        page = yield from ask(desk, call, _whole_page, refuses_parameters if symbol is None else lambda _: False)
        if isinstance(page, Fault):
            return page
        fresh = {row.order_id: row for row in page.rows if row.order_id not in found}
        found.update(fresh)
        numbers = [row.number for row in fresh.values() if row.number is not None]
        if not numbers:
            break
        below = str(min(numbers))
    return tuple(row for row in found.values() if symbol is None or row.symbol == symbol)
