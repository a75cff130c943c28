"""Queries of strategy orders.

The list of those that wait is complete, without pages and without a time limit; an order that it does not show does not
wait, unless it was placed a moment ago. History lags, and its pages are read back to an order or a time.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from bitget_margin.core import strategy_api
from bitget_margin.core.effects import Fault, Flow, run_concurrently
from bitget_margin.core.order_ref import OrderRef
from bitget_margin.core.requests import CallContext, query
from bitget_margin.core.responses import Listing
from bitget_margin.core.strategy_api import StrategyPage
from bitget_margin.core.strategy_row import StrategyRow, StrategyType, SubOrder

TYPES: Final = tuple(StrategyType)
_PAGES_MAX: Final = 20
"""Pages of history that one lookup reads at most."""


@dataclass(frozen=True, slots=True)
class StrategyList:
    """Rows of one reading of a list; `whole` is whether it was read to its end and every row could be read."""

    rows: tuple[StrategyRow, ...]
    whole: bool
    sent_ms: int | None = None


@dataclass(frozen=True, slots=True)
class FoundStrategy:
    """Result of a lookup: the row, or None; `absent` is whether both lists are complete and do not show it."""

    row: StrategyRow | None
    absent: bool = False


def list_waiting(ctx: CallContext, types: Iterable[StrategyType] = TYPES) -> Flow[StrategyList | Fault]:
    """Return all strategy orders that wait for their price."""
    pages = yield from run_concurrently(_waiting(ctx, kind) for kind in types)
    return _joined(pages)


def list_ended(
    ctx: CallContext,
    since_ms: int | None,
    types: Iterable[StrategyType] = TYPES,
    until: Callable[[StrategyRow], bool] = lambda _: False,
    at_most: int | None = None,
) -> Flow[StrategyList | Fault]:
    """Return the ended strategy orders, newest first in each type.

    :param since_ms: earliest time of placing, on the venue's clock; None for what history keeps
    :param until: returns whether no older row is needed
    :param at_most: number of rows of each type that are needed
    """
    lists = yield from run_concurrently(_ended(ctx, kind, since_ms, until, at_most) for kind in types)
    return _joined(lists)


def find_strategy(
    ctx: CallContext, target: OrderRef, types: Iterable[StrategyType] = TYPES, *, both_lists: bool = False
) -> Flow[FoundStrategy | Fault]:
    """Return the row of one strategy order: from the list of those that wait, else from history.

    :param both_lists: whether both are read side by side: one that has probably ended is found sooner
    """
    kinds = tuple(types)
    history = list_ended(ctx, None, kinds, until=lambda row: row.key(target.kind) == target.value)
    if both_lists:
        waiting, ended = yield from run_concurrently([list_waiting(ctx, kinds), history])
    else:
        waiting, ended = (yield from list_waiting(ctx, kinds)), None
    if isinstance(waiting, Fault):
        return waiting
    row = newest(waiting.rows, target)
    if row is not None and (ended is None or isinstance(ended, Fault) or newest(ended.rows, target) is None):
        return FoundStrategy(row)
    if ended is None:
        ended = yield from history
    if isinstance(ended, Fault):
        return ended
    row = newest(ended.rows, target)
    return FoundStrategy(row, absent=row is None and waiting.whole and ended.whole)


def newest(rows: Iterable[StrategyRow], target: OrderRef) -> StrategyRow | None:
    """Return the newest of these rows with this id and symbol."""
    found = [row for row in rows if row.symbol == target.symbol and row.key(target.kind) == target.value]
    return max(found, key=lambda row: row.number or 0, default=None)


def query_sub_orders(ctx: CallContext, order_id: str) -> Flow[tuple[SubOrder, ...] | Fault]:
    """Return the orders that a strategy order has placed."""
    found = yield from query(
        ctx, lambda _: strategy_api.sub_orders_request(order_id), lambda _: strategy_api.read_sub_orders
    )
    return found.result


def _waiting(ctx: CallContext, kind: StrategyType) -> Flow[StrategyList | Fault]:
    found = yield from query(ctx, lambda _: strategy_api.waiting_request(kind), lambda _: _reader(Listing.OPEN))
    page = found.result
    return page if isinstance(page, Fault) else StrategyList(page.rows, page.whole, page.sent_ms)


def _ended(
    ctx: CallContext,
    kind: StrategyType,
    since_ms: int | None,
    until: Callable[[StrategyRow], bool],
    at_most: int | None,
) -> Flow[StrategyList | Fault]:
    rows: dict[str, StrategyRow] = {}
    whole, cursor, sent_ms = True, None, None
    for _ in range(_PAGES_MAX):
        found = yield from query(
            ctx,
            lambda _, cursor=cursor: strategy_api.history_request(kind, since_ms, cursor),  # type: ignore[misc]
            lambda _: _reader(Listing.HISTORY),
        )
        page = found.result
        if isinstance(page, Fault):
            return page
        fresh = [row for row in page.rows if row.order_id not in rows]
        rows.update((row.order_id, row) for row in fresh)
        whole, sent_ms = whole and page.whole, sent_ms or page.sent_ms
        is_enough = any(until(row) for row in fresh) or (at_most is not None and len(rows) >= at_most)
        cursor = page.cursor
        if cursor is None or not fresh or is_enough:
            return StrategyList(tuple(rows.values()), whole, sent_ms)
    return StrategyList(tuple(rows.values()), False, sent_ms)


def _reader(listing: Listing) -> Callable[[object], StrategyPage | None]:
    return lambda body: strategy_api.read_page(body, listing)


def _joined(lists: Iterable[StrategyList | Fault]) -> StrategyList | Fault:
    read = list(lists)
    fault = next((each for each in read if isinstance(each, Fault)), None)
    if fault is not None:
        return fault
    good = [each for each in read if isinstance(each, StrategyList)]
    times = [each.sent_ms for each in good if each.sent_ms is not None]
    rows = tuple(row for each in good for row in each.rows)
    return StrategyList(rows, all(each.whole for each in good), min(times, default=None))
