"""Lookup of several orders by their ids: the rows of both lists, and fills of orders that are older than history.

Evidence comes in layers, the strongest first: a row of history of an order that has ended, a row of open orders, any
other row of history. A row of open orders can be out of date, the end of an order cannot. Orders that the pages leave
out are queried by id, and those that have no row any more by their fills.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Final

from bitget_margin.core.api import Api
from bitget_margin.core.effects import Call, Fault, Flow, run_concurrently
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.order_row import OrderRow, RowState
from bitget_margin.core.queries import Pager, from_try, match_rows, query_order, rows_of, span_of
from bitget_margin.core.requests import CallContext, pause, query
from bitget_margin.core.responses import FillRow, Listing
from bitget_margin.core.verdicts import Verdict

_OPEN_PAGES_MAX: Final = 10
"""Maximum number of pages where the whole list of open orders is wanted."""
_PAGES_MAX: Final = 3
"""Maximum number of pages of a list in search of given orders; after that, each is queried by id."""
_BY_ID_MAX: Final = 20
"""Maximum number of orders that one call queries by id: more would use up the rate limit."""
_TRIES_MAX: Final = 2
"""Maximum number of tries of a query among several that run side by side: one that fails must not hold up the rest."""
_FINAL: Final = frozenset({Verdict.DEFINITIVE, Verdict.CLOCK})
"""Verdicts on a query that every other one would get, too."""


@dataclass(frozen=True, slots=True)
class OrderFills:
    """Sum of the fills of one order: the amount in base coins, and the average price, None without fills."""

    amount: Decimal
    average: Decimal | None


@dataclass(frozen=True, slots=True)
class OrdersFound:
    """Evidence about orders that were looked up together."""

    rows: Mapping[OrderRef, OrderRow] = field(default_factory=dict)
    fills: Mapping[OrderRef, OrderFills] = field(default_factory=dict)
    """Fills of orders that have no row any more, of a classic account."""
    unanswered: frozenset[OrderRef] = frozenset()
    """Orders without a row whose absence is no evidence: a query for them failed, or was not sent."""
    others: tuple[OrderRow, ...] = ()
    """Rows of further open orders of the symbol, as far as the list was read."""
    open_is_complete: bool = False
    """Whether the list of open orders was read to its end, and each of its rows could be read."""
    fault: Fault | None = None
    """The last fault of a query."""


def fetch_orders_by_id(
    ctx: CallContext, symbol: str, targets: Sequence[OrderRef], *, whole_open: bool = False, open_only: bool = False
) -> Flow[OrdersFound | Fault]:
    """Look up orders by their ids, live or ended; return a fault where nothing was answered.

    The first pages of both lists are requested together, further pages and queries by id only for what is missing.

    :param whole_open: whether to read the list of open orders to its end; without targets, it is the only one
    :param open_only: whether to read nothing but the list of open orders, until it has shown every target
    """
    lists = _Lists.of(ctx, symbol, targets, whole_open=whole_open, open_only=open_only)
    fault = yield from lists.read()
    if fault is not None and ctx.verdict(fault) in _FINAL:
        return fault
    missing = lists.missing()
    asked = [] if open_only else missing[:_BY_ID_MAX]
    unanswered, last = yield from _query_by_id(ctx, lists, asked)
    fault = last or fault
    if fault is not None and not lists.answered and len(unanswered) == len(asked):
        return fault
    rows = lists.shown()
    absent = [target for target in asked if target not in rows and target not in unanswered]
    fills = yield from _query_fills(ctx, absent)
    unproven = {target for target in missing if target not in rows and (target in unanswered or target not in asked)}
    return OrdersFound(rows, fills, frozenset(unproven), lists.others(), lists.open_is_complete(), fault)


@dataclass(slots=True)
class _Lists:
    """Both lists of orders of one symbol, read in search of given orders."""

    ctx: CallContext
    symbol: str
    targets: Sequence[OrderRef]
    whole_open: bool
    pagers: Mapping[Listing, Pager]
    by_id: dict[str, OrderRow] = field(default_factory=dict)
    """Rows that queries for one order have brought."""

    @classmethod
    def of(
        cls, ctx: CallContext, symbol: str, targets: Sequence[OrderRef], *, whole_open: bool, open_only: bool
    ) -> "_Lists":
        """Return the lists that are needed, of which nothing has been read."""
        span = span_of(target.value if target.kind is IdKind.ORDER else None for target in targets)
        # Open orders from the newest on: only then their end shows that nothing else rests.
        bounds = {
            Listing.OPEN: (None, _OPEN_PAGES_MAX if whole_open else _PAGES_MAX),
            Listing.HISTORY: (span, _PAGES_MAX),
        }
        wanted = [Listing.OPEN] if targets or whole_open else []
        if targets and not open_only:
            wanted = list(Listing)
        pagers = {
            listing: Pager(
                ctx,
                listing,
                symbol,
                ctx.since_ms,
                span=bounds[listing][0],
                pages_max=bounds[listing][1],
                is_final=lambda _: True,
                # Orders that a short page leaves out are queried by id.
                ends_at_short_page=True,
            )
            for listing in wanted
        }
        return cls(ctx, symbol, targets, whole_open, pagers)

    def read(self) -> Flow[Fault | None]:
        """Read both lists page by page while they can show more that is wanted; return the last fault."""
        fault: Fault | None = None
        faults = 0
        reading = list(self.pagers.values())
        while reading:
            results = yield from run_concurrently(pager.next_page() for pager in reading)
            fault = next((result for result in results if isinstance(result, Fault)), None)
            faults += fault is not None
            if fault is not None and (faults == _TRIES_MAX or self.ctx.verdict(fault) in _FINAL):
                break
            missing = self.missing()
            reading = [
                pager
                for listing, pager in self.pagers.items()
                if not pager.is_done and (missing or (self.whole_open and listing is Listing.OPEN))
            ]
            if reading and fault is not None and not (yield from pause(self.ctx, self.ctx.settings.pacing.poll_ms(0))):
                break
        return fault

    @property
    def answered(self) -> bool:
        """Whether a page of any list was read."""
        return any(pager.pages for pager in self.pagers.values())

    def shown(self) -> dict[OrderRef, OrderRow]:
        """Return the rows of the orders that were given; of several under one client order id, the newest."""
        by_order_id = {target.value: target for target in self.targets if target.kind is IdKind.ORDER}
        by_client_id = {target.value: target for target in self.targets if target.kind is IdKind.CLIENT}
        shown: dict[OrderRef, OrderRow] = {}
        for target, row in match_rows(self._readable_rows().values(), by_order_id, by_client_id):
            if target not in shown or (row.number or 0) > (shown[target].number or 0):
                shown[target] = row
        return shown

    def missing(self) -> list[OrderRef]:
        """Return the orders without a row."""
        shown = self.shown()
        return [target for target in self.targets if target not in shown]

    def others(self) -> tuple[OrderRow, ...]:
        """Return the rows of open orders that are none of the given ones."""
        known = {(target.kind, target.value) for target in self.targets}
        rows = self._readable_rows()
        return tuple(
            rows[order_id]
            for order_id in self._rows(Listing.OPEN)
            if order_id in rows
            and not rows[order_id].state.ended
            and not any((kind, rows[order_id].key(kind)) in known for kind in IdKind)
        )

    def open_is_complete(self) -> bool:
        """Whether an order that open orders do not show is not among them."""
        pager = self.pagers.get(Listing.OPEN)
        if pager is None or not pager.at_end or not pager.is_whole:
            return False
        # A row without a client order id may be of any order that is known by it alone.
        by_name = self.whole_open or any(target.kind is IdKind.CLIENT for target in self.targets)
        return not any(
            row.state is RowState.UNREADABLE or (by_name and row.client_id is None) for row in pager.rows.values()
        )

    def _rows(self, listing: Listing) -> Mapping[str, OrderRow]:
        return self.pagers[listing].rows if listing in self.pagers else {}

    def _readable_rows(self) -> dict[str, OrderRow]:
        """Return the row with the strongest evidence for each order."""
        opened, past = (
            {i: row for i, row in rows.items() if row.symbol == self.symbol and row.state is not RowState.UNREADABLE}
            for rows in (self._rows(Listing.OPEN), {**self._rows(Listing.HISTORY), **self.by_id})
        )
        return past | opened | {order_id: row for order_id, row in past.items() if row.state.ended}


def _query_by_id(
    ctx: CallContext, lists: _Lists, targets: Sequence[OrderRef]
) -> Flow[tuple[set[OrderRef], Fault | None]]:
    """Query each of these orders by its id, in both lists, and add the rows; return the unanswered and a fault."""
    asked = [
        (target, query.lists[0])
        for target in targets
        for query in ctx.api.order_queries(target.symbol, target.kind, target.value, ctx.since_ms)
    ]
    pages = yield from run_concurrently(query_order(ctx, *each, tries_max=_TRIES_MAX) for each in asked)
    unanswered: set[OrderRef] = set()
    fault: Fault | None = None
    for (target, _), page in zip(asked, pages, strict=True):
        if isinstance(page, Fault):
            fault = page
            unanswered.add(target)
            continue
        rows = rows_of(page, target)
        for row in rows:
            known = lists.by_id.get(row.order_id)
            if known is None or not known.state.ended:
                lists.by_id[row.order_id] = row
        if page.size and not any(row.state is not RowState.UNREADABLE for row in rows):
            # Rows of other orders show that the filter was ignored: then absence proves nothing.
            unanswered.add(target)
    return unanswered, fault


def _query_fills(ctx: CallContext, targets: Sequence[OrderRef]) -> Flow[dict[OrderRef, OrderFills]]:
    """Return the sums of the fills of these orders, as far as they were answered."""
    calls = {
        target: call
        for target in targets
        if target.kind is IdKind.ORDER
        and (call := ctx.api.order_fills_request(target.symbol, target.value, ctx.since_ms)) is not None
    }
    results = yield from run_concurrently(
        query(ctx, partial(_given_call, call), lambda api: api.read_fills, from_try(_TRIES_MAX))
        for call in calls.values()
    )
    sums: dict[OrderRef, OrderFills] = {}
    for target, found in zip(calls, results, strict=True):
        total = None if isinstance(found.result, Fault) else _sum_of(target, found.result)
        if total is not None:
            sums[target] = total
    return sums


def _sum_of(target: OrderRef, fills: Iterable[FillRow]) -> OrderFills | None:
    """Return the sum of the fills of one order; None where one of them has no amount or no price."""
    amount, cost = Decimal(0), Decimal(0)
    for fill in fills:
        if fill.order_id != target.value or fill.symbol not in {None, target.symbol}:
            continue
        if fill.amount is None or fill.price is None:
            return None
        amount += fill.amount
        cost += fill.amount * fill.price
    return OrderFills(amount, cost / amount if amount else None)


def _given_call(call: Call, _: Api) -> Call:
    return call
