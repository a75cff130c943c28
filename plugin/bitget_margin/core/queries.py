"""Queries of orders that this call does not cancel, and the pager of both order lists.

An order that neither list shows may still exist: history lags, and an order may pass from one list to the other between
two requests.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import TypeVar

from bitget_margin.core.api import Api
from bitget_margin.core.effects import Call, Fault, Flow, Send, run_concurrently
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.order_ref import IdKind, OrderRef, order_number
from bitget_margin.core.order_row import OrderRow, lowest_number
from bitget_margin.core.requests import CallContext, query
from bitget_margin.core.responses import Listing, OrderQuery, Page, page_of
from bitget_margin.core.verdicts import refuses_parameters

T = TypeVar("T")


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
    pages: int = 0
    """Number of pages that were read."""
    _cursor: str | None = None
    _kind: AccountKind | None = None

    @property
    def is_done(self) -> bool:
        """Whether there is no next page to read."""
        return self.at_end or self.pages == self.pages_max

    def next_page(self) -> Flow[PageRead | Fault | None]:
        """Return the next page; None after the last one."""
        if self.is_done:
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
        self.pages += 1
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
    as_proof: bool = False,
) -> Flow[tuple[OrderRow, ...] | Fault]:
    """Return the open orders of one symbol, or of all, over all pages.

    A page with a row that cannot be read is a fault: the row may be an open order.

    :param as_proof: a row of another symbol than the requested one is a fault, too: the page answers something else
    """
    pager = Pager(
        ctx,
        Listing.OPEN,
        symbol,
        ctx.since_ms if since_ms is None else since_ms,
        accept=lambda page: page.whole and not (as_proof and _shows_others(page, symbol)),
        is_final=refuses_parameters if symbol is None else lambda _: False,
    )
    while at_most is None or len(pager.rows) < at_most:
        found = yield from pager.next_page()
        if isinstance(found, Fault):
            return found
        if found is None:
            break
    return tuple(row for row in pager.rows.values() if symbol is None or row.symbol == symbol)


def _shows_others(page: Page, symbol: str | None) -> bool:
    return symbol is not None and any(row.symbol != symbol for row in page.rows)


def find_order(ctx: CallContext, target: OrderRef, *, has_ended: bool = False) -> Flow[OrderRow | Fault | None]:
    """Return the row of one order: one that shows its end, else the newest; None if neither list has one.

    Both lists are queried at once. Open orders can be stale: they may show an order for a while after its end.

    :param has_ended: whether the order has probably ended: then history is queried first, and alone if it shows the
        end. Without effect on a client order id: a younger order may have it, too
    """
    queries = ctx.api.order_queries(target.symbol, target.kind, target.value, ctx.since_ms)
    lists = sorted((found.lists[0] for found in queries), key=lambda listing: listing is not Listing.OPEN)
    if has_ended and target.kind is IdKind.ORDER:
        past = yield from query_order(ctx, target, Listing.HISTORY, tries_max=1)
        found = () if isinstance(past, Fault) else rows_of(past, target)
        end = next((row for row in found if row.state.ended), None)
        if end is not None:
            return end
    pages = yield from run_concurrently(query_order(ctx, target, listing) for listing in lists)
    fault = next((page for page in pages if isinstance(page, Fault)), None)
    if fault is not None and target.kind is IdKind.CLIENT:
        return fault  # the list that was not read may have a newer order under the same name
    rows = [row for page in pages if not isinstance(page, Fault) for row in rows_of(page, target)]
    if not rows:
        return fault
    newest = max(row.number or 0 for row in rows)
    rows = [row for row in rows if (row.number or 0) == newest]
    return next((row for row in rows if row.state.ended), rows[0])


def rows_of(page: Page, target: OrderRef) -> list[OrderRow]:
    """Return the rows of one order; a venue that ignores the filter of a query lists others, too."""
    return [row for row in page.rows if row.symbol == target.symbol and row.key(target.kind) == target.value]


def query_order(
    ctx: CallContext, target: OrderRef, listing: Listing, *, tries_max: int | None = None
) -> Flow[Page | Fault]:
    """Return the answer to the query for one order in a list; a fault that means "unknown order" is an empty page."""
    is_last = (lambda _: False) if tries_max is None else from_try(tries_max)
    found = yield from query(
        ctx,
        partial(_order_call, target, listing, ctx.since_ms),
        lambda api: api.read_order,
        lambda fault: page_of(fault, ctx.api.read_order) is not None or is_last(fault),
    )
    if isinstance(found.result, Page):
        return found.result
    return page_of(found.result, ctx.api.read_order) or found.result


def _order_query(target: OrderRef, listing: Listing, since_ms: int, api: Api) -> OrderQuery:
    """Return the query for one order that covers a list."""
    queries = api.order_queries(target.symbol, target.kind, target.value, since_ms)
    return next(found for found in queries if listing in found.lists)


def _order_call(target: OrderRef, listing: Listing, since_ms: int, api: Api) -> Call:
    return _order_query(target, listing, since_ms, api).call


def from_try(try_number: int) -> Callable[[Fault], bool]:
    """Return a function that is true for this fault of a query and later ones, for `query(final=...)`."""
    faults = count(1)
    return lambda _: next(faults) >= try_number
