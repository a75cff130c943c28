"""What the venue shows of orders that nobody cancels here: open-orders first, then history-orders for the rest.

That an order is not shown proves nothing: history lags, and between two questions an order may pass from one answer
to the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from bitget_margin.core.answers import Listing
from bitget_margin.core.ask import ask, began_ms, placed_since
from bitget_margin.core.call import Call, Fault, Flow
from bitget_margin.core.delivery import Desk
from bitget_margin.core.dialect import Dialect
from bitget_margin.core.row import Row, State, lowest_number
from bitget_margin.core.target import IdKind, Target, number

_PAGES_MAX: Final = 10


def view(
    desk: Desk,
    symbol: str,
    targets: Sequence[Target],
    *,
    placed_in_call: bool = False,
    thorough: bool = False,
) -> Flow[Mapping[Target, Row] | Fault]:
    """Return the rows of those of these orders that the venue shows, live or ended; or why it did not answer.

    With `placed_in_call`, an ended one counts only if it was placed after the call began, by the venue's own clock:
    a client order id may have belonged to an older order. With `thorough`, open orders are read until a page brings
    nothing new, however short the pages are.
    """
    shown: dict[Target, Row] = {}
    for listing in (Listing.OPEN, Listing.HISTORY):
        missing = [target for target in targets if target not in shown]
        fault = yield from _read(
            desk, listing, symbol, missing, shown, placed_in_call=placed_in_call, thorough=thorough
        )
        if fault is not None:
            return fault
    return shown


def _read(
    desk: Desk,
    listing: Listing,
    symbol: str,
    targets: Sequence[Target],
    shown: dict[Target, Row],
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
        asked = yield from ask(
            desk,
            partial(_page, listing, symbol, desk.since_ms, cursor, first),
            lambda dialect: dialect.read_page,
        )
        page = asked.answer
        if isinstance(page, Fault):
            return page
        fresh = [row for row in page.rows if row.order_id not in seen]
        seen.update(row.order_id for row in fresh)
        began = began_ms(desk, page, asked.send)
        ours = [row for row in fresh if not placed_in_call or not row.state.ended or placed_since(row, began)]
        _share_out(ours, targets, symbol, shown)
        lowest = lowest_number(fresh)
        passed = first is not None and lowest is not None and lowest <= min(known)
        # What a page that was hardly cut off does not show is asked for in history.
        goes_on = page.full or (thorough and listing is Listing.OPEN)
        if not fresh or passed or page.cursor is None or not goes_on:
            return None
        cursor = page.cursor
    return None


def _page(
    listing: Listing, symbol: str, since_ms: int, cursor: str | None, first: int | None, dialect: Dialect
) -> Call:
    """Return the request for a page; the first begins at the newest of these orders, where the venue lets us."""
    start = None if first is None else dialect.cursor_from(first)
    return dialect.page(listing, symbol, since_ms, cursor or start)


def _share_out(rows: Iterable[Row], targets: Sequence[Target], symbol: str, shown: dict[Target, Row]) -> None:
    by_id = {target.value: target for target in targets if target.kind is IdKind.ORDER}
    by_name = {target.value: target for target in targets if target.kind is IdKind.CLIENT}
    for row in rows:
        if row.symbol != symbol or row.state is State.UNREADABLE:
            continue
        for target in (by_id.get(row.order_id), by_name.get(row.client_id or "")):
            # Of several under one client order id, the newest.
            if target is not None and (target not in shown or _newer(row, shown[target])):
                shown[target] = row


def _newer(row: Row, than: Row) -> bool:
    return (row.number or 0) > (than.number or 0)
