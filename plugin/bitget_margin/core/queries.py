"""Queries of orders that this call does not cancel, and the pager of both order lists.

Open orders are read first, then order history for the rest. An order that neither list shows may still exist: history
lags, and an order may pass from one list to the other between two requests.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

from bitget_margin.core.api import Api
from bitget_margin.core.effects import Call, Fault, Flow, Send
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.order_ref import IdKind, OrderRef, order_number
from bitget_margin.core.order_row import OrderRow, RowState, lowest_number
from bitget_margin.core.requests import CallContext, query
from bitget_margin.core.responses import Listing, OrderQuery, Page, page_of
from bitget_margin.core.verdicts import refuses_parameters

T = TypeVar("T")

_PAGES_MAX: Final = 10


# -- pages of a list ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PageRead:
    """One page that the pager has read."""

    page: Page
    rows: Sequence[OrderRow]
    """Its rows of orders that no earlier page has shown."""
    send: Send
    """The request that brought it."""


@dataclass(slots=True)
class Pager:
    """Reads one list of orders page by page, newest first, until it ends or its bounds are reached.

    The list ends where a page shows no further order or names no next page; order history also at a page that was not
    cut off. Open orders are read on after a short page: a default page size is documented for them, no maximum.
    """

    ctx: CallContext
    listing: Listing
    symbol: str | None
    since_ms: int
    span: tuple[int, int] | None = None
    """Lowest and highest order id that is sought. Reading starts at the highest where the API allows it."""
    pages_max: int | None = None
    accept: Callable[[Page], bool] = lambda _: True
    """Returns whether a page may be used; another one is a fault, like a response that cannot be read."""
    is_final: Callable[[Fault], bool] = lambda _: False
    """Returns whether a fault is not worth a retry; see `query`."""
    ends_at_short_page: bool = False
    """Whether a page that was not cut off ends the list of open orders, too."""

    rows: dict[str, OrderRow] = field(default_factory=dict)
    """All rows so far by order id."""
    is_whole: bool = True
    """Whether every row so far could be read."""
    at_end: bool = False
    """Whether the list was read to its end, or down to the lowest order id of the span."""
    _cursor: str | None = None
    _kind: AccountKind | None = None
    _pages: int = 0

    def next_page(self) -> Flow[PageRead | Fault | None]:
        """Return the next page; None after the last one."""
        if self.at_end or self._pages == self.pages_max:
            return None
        while True:
            found = yield from query(self.ctx, self._request, self._reader, self.is_final)
            kind = found.send.call.endpoint.kind
            if isinstance(found.result, Fault):
                return found.result
            if kind is self.ctx.api.KIND:
                break
        if kind is not self._kind:
            # Rows and cursor of an account of the other kind are of no use.
            self.rows.clear()
            self._kind = kind
        page = found.result
        fresh = [row for row in page.rows if row.order_id not in self.rows]
        self.rows.update((row.order_id, row) for row in fresh)
        self.is_whole = self.is_whole and page.whole
        self.at_end = self._is_last(page, fresh)
        self._cursor = page.cursor
        self._pages += 1
        return PageRead(page, fresh, found.send)

    def _request(self, api: Api) -> Call:
        cursor = self._cursor if api.KIND is self._kind else None
        start = None if self.span is None else api.first_cursor(self.span[1])
        return api.page_request(self.listing, self.symbol, self.since_ms, cursor or start)

    def _reader(self, api: Api) -> Callable[[object], Page | None]:
        def read(body: object) -> Page | None:
            page = api.read_page(body)
            return page if page is not None and self.accept(page) else None

        return read

    def _is_last(self, page: Page, fresh: Sequence[OrderRow]) -> bool:
        lowest = lowest_number(fresh)
        passed = self.span is not None and lowest is not None and lowest <= self.span[0]
        cut_off = page.full or (self.listing is Listing.OPEN and not self.ends_at_short_page)
        return not fresh or page.cursor is None or passed or not cut_off


def span_of(order_ids: Iterable[str | None]) -> tuple[int, int] | None:
    """Return the lowest and the highest of these order ids; None if one is missing or no number.

    Without its order id, an order of a moment ago is among the newest.
    """
    numbers = [order_number(order_id) for order_id in order_ids]
    known = [found for found in numbers if found is not None]
    return (min(known), max(known)) if known and len(known) == len(numbers) else None


def match_rows(
    rows: Iterable[OrderRow], by_order_id: Mapping[str, T], by_client_id: Mapping[str, T]
) -> Iterator[tuple[T, OrderRow]]:
    """Yield each row with the values of both of its ids: an order may be named by each of them."""
    for row in rows:
        for found in (by_order_id.get(row.order_id), by_client_id.get(row.client_id or "")):
            if found is not None:
                yield found, row


def call_began_ms(ctx: CallContext, page: Page, send: Send) -> float | None:
    """Return the start of this call on the venue's clock; None where it is not known.

    It is too late by the travel time of the request, never too early: an order that ended before the call must not
    count as ended by it.
    """
    if page.sent_ms is None or send.left_ms is None:
        return None
    return page.sent_ms - (send.left_ms - ctx.deadline.start_ms)


# -- queries ------------------------------------------------------------------------------------------------------


def query_open_orders(
    ctx: CallContext,
    symbol: str | None,
    *,
    since_ms: int | None = None,
    at_most: int | None = None,
) -> Flow[tuple[OrderRow, ...] | Fault]:
    """Return the open orders of one symbol, or of all, over all pages.

    A page with a row that cannot be read is a fault: the row may be an open order.
    """
    pager = Pager(
        ctx,
        Listing.OPEN,
        symbol,
        ctx.since_ms if since_ms is None else since_ms,
        accept=lambda page: page.whole,
        is_final=refuses_parameters if symbol is None else lambda _: False,
    )
    while at_most is None or len(pager.rows) < at_most:
        found = yield from pager.next_page()
        if isinstance(found, Fault):
            return found
        if found is None:
            break
    return tuple(row for row in pager.rows.values() if symbol is None or row.symbol == symbol)


def fetch_orders_by_id(
    ctx: CallContext, symbol: str, targets: Sequence[OrderRef]
) -> Flow[Mapping[OrderRef, OrderRow] | Fault]:
    """Return the rows of these orders, as far as they are listed, live or ended; or the fault."""
    shown: dict[OrderRef, OrderRow] = {}
    for listing in (Listing.OPEN, Listing.HISTORY):
        missing = [target for target in targets if target not in shown]
        by_order_id = {target.value: target for target in missing if target.kind is IdKind.ORDER}
        by_client_id = {target.value: target for target in missing if target.kind is IdKind.CLIENT}
        span = None if by_client_id else span_of(by_order_id)
        # What a short page of open orders does not show is read from history.
        pager = Pager(ctx, listing, symbol, ctx.since_ms, span, pages_max=_PAGES_MAX, ends_at_short_page=True)
        while any(target not in shown for target in missing):
            found = yield from pager.next_page()
            if isinstance(found, Fault):
                return found
            if found is None:
                break
            rows = (row for row in found.rows if row.symbol == symbol and row.state is not RowState.UNREADABLE)
            for target, row in match_rows(rows, by_order_id, by_client_id):
                # Of several under one client order id, the newest.
                if target not in shown or (row.number or 0) > (shown[target].number or 0):
                    shown[target] = row
    return shown


def find_order(ctx: CallContext, target: OrderRef) -> Flow[OrderRow | Fault | None]:
    """Return the row of one order: a live one, else the newest that ended; None if neither list has one."""
    covered: set[Listing] = set()
    for listing in (Listing.OPEN, Listing.HISTORY):
        if listing in covered:
            continue
        found = yield from query(ctx, partial(_order_call, target, listing, ctx.since_ms), lambda api: api.read_order)
        covered.update(_order_query(target, listing, ctx.since_ms, ctx.api).lists)
        page = found.result
        if isinstance(page, Fault):
            # A fault that means "unknown order" is an empty page.
            empty = page_of(page, ctx.api.read_order)
            if empty is None:
                return page
            page = empty
        rows = [row for row in page.rows if row.symbol == target.symbol and row.key(target.kind) == target.value]
        if rows:
            return max(rows, key=lambda row: row.number or 0)
    return None


def _order_query(target: OrderRef, listing: Listing, since_ms: int, api: Api) -> OrderQuery:
    """Return the query for one order that covers a list."""
    queries = api.order_queries(target.symbol, target.kind, target.value, since_ms)
    return next(found for found in queries if listing in found.lists)


def _order_call(target: OrderRef, listing: Listing, since_ms: int, api: Api) -> Call:
    return _order_query(target, listing, since_ms, api).call
