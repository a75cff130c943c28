"""What the venue shows of orders that nobody cancels here: open-orders first, then history-orders for the rest.

That an order is not shown proves nothing: history lags, and between two questions an order may pass from one answer
to the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from bitget_margin.core.api import Api
from bitget_margin.core.effects import Call, Fault, Flow, Send
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.order_ref import IdKind, OrderRef, number
from bitget_margin.core.order_row import VENUE_CLOCK_RESOLUTION_MS, OrderRow, RowState, lowest_number
from bitget_margin.core.requests import CallContext, query
from bitget_margin.core.responses import Listing, OrderQuery, Page, page_of
from bitget_margin.core.verdicts import refuses_parameters

_PAGES_MAX: Final = 10


def fetch_orders_by_id(
    ctx: CallContext,
    symbol: str,
    targets: Sequence[OrderRef],
    *,
    placed_in_call: bool = False,
    thorough: bool = False,
) -> Flow[Mapping[OrderRef, OrderRow] | Fault]:
    """Return the rows of those of these orders that the venue shows, live or ended; or why it did not answer.

    With `placed_in_call`, an ended one counts only if it was placed after the call began, by the venue's own clock:
    a client order id may have belonged to an older order. With `thorough`, open orders are read until a page brings
    nothing new, however short the pages are.
    """
    shown: dict[OrderRef, OrderRow] = {}
    for listing in (Listing.OPEN, Listing.HISTORY):
        missing = [target for target in targets if target not in shown]
        fault = yield from _read(ctx, listing, symbol, missing, shown, placed_in_call=placed_in_call, thorough=thorough)
        if fault is not None:
            return fault
    return shown


def _read(
    ctx: CallContext,
    listing: Listing,
    symbol: str,
    targets: Sequence[OrderRef],
    shown: dict[OrderRef, OrderRow],
    *,
    placed_in_call: bool,
    thorough: bool,
) -> Flow[Fault | None]:
    numbers = [number(target.value) if target.kind is IdKind.ORDER else None for target in targets]
    known = [found for found in numbers if found is not None]
    # Without its order id, an order of a moment ago is among the newest.
    first = max(known) if known and None not in numbers else None
    cursor: str | None = None
    seen: set[str] = set()
    for _ in range(_PAGES_MAX):
        if all(target in shown for target in targets):
            return None
        asked = yield from query(
            ctx,
            partial(_page, listing, symbol, ctx.since_ms, cursor, first),
            lambda dialect: dialect.read_page,
        )
        page = asked.result
        if isinstance(page, Fault):
            return page
        fresh = [row for row in page.rows if row.order_id not in seen]
        seen.update(row.order_id for row in fresh)
        began = call_began_ms(ctx, page, asked.send)
        ours = [row for row in fresh if not placed_in_call or not row.state.ended or is_placed_since(row, began)]
        _share_out(ours, targets, symbol, shown)
        lowest = lowest_number(fresh)
        passed = first is not None and lowest is not None and lowest <= min(known)
        # What a page that was hardly cut off does not show is asked for in history.
        goes_on = page.full or (thorough and listing is Listing.OPEN)
        if not fresh or passed or page.cursor is None or not goes_on:
            return None
        cursor = page.cursor
    return None


def _page(listing: Listing, symbol: str, since_ms: int, cursor: str | None, first: int | None, dialect: Api) -> Call:
    """Return the request for a page; the first begins at the newest of these orders, where the venue lets us."""
    start = None if first is None else dialect.cursor_from(first)
    return dialect.page(listing, symbol, since_ms, cursor or start)


def _share_out(
    rows: Iterable[OrderRow], targets: Sequence[OrderRef], symbol: str, shown: dict[OrderRef, OrderRow]
) -> None:
    by_id = {target.value: target for target in targets if target.kind is IdKind.ORDER}
    by_name = {target.value: target for target in targets if target.kind is IdKind.CLIENT}
    for row in rows:
        if row.symbol != symbol or row.state is RowState.UNREADABLE:
            continue
        for target in (by_id.get(row.order_id), by_name.get(row.client_id or "")):
            # Of several under one client order id, the newest.
            if target is not None and (target not in shown or _newer(row, shown[target])):
                shown[target] = row


def _newer(row: OrderRow, than: OrderRow) -> bool:
    return (row.number or 0) > (than.number or 0)


def find_order(ctx: CallContext, target: OrderRef, *, placed_in_call: bool = False) -> Flow[OrderRow | Fault | None]:
    """Return the row of one order: a live one, else the newest that ended; None if the venue shows none.

    With `placed_in_call`, an ended one counts only if it was placed after the call began, by the venue's own clock:
    a client order id may have belonged to an older order.
    """
    spoken_for: set[Listing] = set()
    for listing in (Listing.OPEN, Listing.HISTORY):
        if listing in spoken_for:
            continue
        asked = yield from query(
            ctx,
            partial(_call_for, target, listing, ctx.since_ms),
            lambda dialect: dialect.read_found,
        )
        spoken_for.update(_question(target, listing, ctx.since_ms, ctx.api).lists)
        page = _page_or_fault(asked.result, ctx.api)
        if isinstance(page, Fault):
            return page
        ours = [row for row in page.rows if row.symbol == target.symbol and row.key(target.kind) == target.value]
        if placed_in_call:
            began = call_began_ms(ctx, page, asked.send)
            ours = [row for row in ours if not row.state.ended or is_placed_since(row, began)]
        if ours:
            return max(ours, key=lambda row: row.number or 0)
    return None


def _page_or_fault(answer: Page | Fault, dialect: Api) -> Page | Fault:
    """Return the page that an answer comes to: that the venue does not know an order is an empty one."""
    page = page_of(answer, dialect.read_found) if isinstance(answer, Fault) else answer
    return answer if page is None else page


def _question(target: OrderRef, listing: Listing, since_ms: int, dialect: Api) -> OrderQuery:
    """Return the question for an order that speaks for a list."""
    questions = dialect.by_id(target.symbol, target.kind, target.value, since_ms)
    return next(question for question in questions if listing in question.lists)


def _call_for(target: OrderRef, listing: Listing, since_ms: int, dialect: Api) -> Call:
    return _question(target, listing, since_ms, dialect).call


def _open_page(symbol: str | None, since_ms: int, kind: AccountKind, cursor: str | None, dialect: Api) -> Call:
    """Return the request for a page of open orders; a cursor means nothing to an account of another kind."""
    return dialect.page(Listing.OPEN, symbol, since_ms, cursor if dialect.kind is kind else None)


def call_began_ms(ctx: CallContext, page: Page, send: Send) -> float | None:
    """Return when this call began on the venue's own clock: a little late, by the time that the request travelled.

    Late rather than early: what ended before the call must not count as ended by it.
    """
    if page.sent_ms is None or send.left_ms is None:
        return None
    return page.sent_ms - (send.left_ms - ctx.deadline.start_ms)


def is_placed_since(row: OrderRow, began: float | None) -> bool:
    """Whether an order was placed after the call began, on the venue's own clock."""
    return began is not None and row.created_ms is not None and row.created_ms >= began - VENUE_CLOCK_RESOLUTION_MS


def _whole_page(dialect: Api) -> Callable[[object], Page | None]:
    """Return a reader of pages of which every row counts: one that cannot be read may be an order that lives."""

    def read(body: object) -> Page | None:
        page = dialect.read_page(body)
        return page if page is not None and page.whole else None

    return read


def query_open_orders(
    ctx: CallContext,
    symbol: str | None,
    *,
    since_ms: int | None = None,
    at_most: int | None = None,
) -> Flow[tuple[OrderRow, ...] | Fault]:
    """Return the open orders of one symbol, or of all, over all pages: the last one is known by bringing no new id.

    A short page is not taken for the last one: the venue documents a default limit for this endpoint, not its cap.
    """
    found: dict[str, OrderRow] = {}
    cursor: str | None = None
    since_ms = ctx.since_ms if since_ms is None else since_ms
    kind = ctx.api.kind
    while at_most is None or len(found) < at_most:
        asked = yield from query(
            ctx,
            partial(_open_page, symbol, since_ms, kind, cursor),
            _whole_page,
            refuses_parameters if symbol is None else lambda _: False,
        )
        page = asked.result
        if isinstance(page, Fault):
            return page
        if ctx.api.kind is not kind:
            # Another account since: what was found is not its own, and neither is the cursor.
            kind, cursor = ctx.api.kind, None
            found.clear()
            continue
        fresh = {row.order_id: row for row in page.rows if row.order_id not in found}
        found.update(fresh)
        cursor = page.cursor
        if not fresh or cursor is None:
            break
    return tuple(row for row in found.values() if symbol is None or row.symbol == symbol)
