"""Requests and parsers of strategy orders, for margin orders of a unified account.

https://www.bitget.com/api-doc/uta/strategy/ (December 2025, for contracts), and client libraries of 2026, which have
the category MARGIN, type `trigger` and the sub-orders. Parsers accept any body.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bitget_margin.core.api_v3 import CATEGORY
from bitget_margin.core.effects import Call
from bitget_margin.core.endpoints import Endpoint
from bitget_margin.core.order_ref import OrderRef
from bitget_margin.core.order_row import text
from bitget_margin.core.responses import Listing, as_mapping, fields_of, sent_ms_of
from bitget_margin.core.strategy_row import (
    StrategyRow,
    StrategyTerms,
    StrategyType,
    SubOrder,
    parse_strategy,
    parse_sub_order,
)
from bitget_margin.core.verdicts import SUCCESS

PAGE_LIMIT: Final = 100
"""Rows of a page of history."""


@dataclass(frozen=True, slots=True)
class StrategyPage:
    """Page of strategy orders; `sent_ms` is the time of the response on the venue's clock."""

    rows: tuple[StrategyRow, ...]
    size: int
    """Number of rows, readable or not."""
    whole: bool
    """Whether every row could be read; rows of other categories count as read."""
    sent_ms: int | None
    cursor: str | None = None
    """Cursor of the next page; None after the last one."""


def place_request(terms: StrategyTerms, client_id: str) -> Call:
    """Return the request that places a strategy order: of a part of the coins, so that it has an amount."""
    kind = terms.condition.type
    mode = {"tpslMode": "partial"} if kind is StrategyType.TPSL else {}
    request = {"category": CATEGORY, "symbol": terms.symbol, "clientOid": client_id, "type": kind.value, **mode}
    return Call(
        Endpoint.UNIFIED_PLACE_STRATEGY, {**request, "side": terms.side, "qty": f"{terms.amount:f}", **terms.fields()}
    )


def modify_request(target: OrderRef, terms: StrategyTerms) -> Call:
    """Return the request that gives a strategy order these terms: amount, and every field of its condition."""
    return Call(
        Endpoint.UNIFIED_MODIFY_STRATEGY,
        {target.kind.value: target.value, "qty": f"{terms.amount:f}", **terms.fields()},
    )


def cancel_request(target: OrderRef) -> Call:
    """Return the request that cancels a strategy order."""
    return Call(Endpoint.UNIFIED_CANCEL_STRATEGY, {target.kind.value: target.value})


def waiting_request(kind: StrategyType) -> Call:
    """Return the request for all strategy orders of a type that have not been triggered: there are no pages."""
    return Call(Endpoint.UNIFIED_STRATEGY_ORDERS, {"category": CATEGORY, "type": kind.value})


def category_request(category: str) -> Call:
    """Return the request for all strategy orders of a category that have not been triggered, of any type."""
    return Call(Endpoint.UNIFIED_STRATEGY_ORDERS, {"category": category})


def history_request(kind: StrategyType, since_ms: int | None, cursor: str | None) -> Call:
    """Return the request for a page of ended strategy orders of a type, newest first."""
    params = {"category": CATEGORY, "type": kind.value, "limit": str(PAGE_LIMIT)}
    if since_ms is not None:
        params["startTime"] = str(since_ms)
    if cursor is not None:
        params["cursor"] = cursor
    return Call(Endpoint.UNIFIED_STRATEGY_HISTORY, params)


def sub_orders_request(order_id: str) -> Call:
    """Return the request for the orders that a strategy order has placed."""
    return Call(Endpoint.UNIFIED_STRATEGY_SUB_ORDERS, {"orderId": order_id})


def read_page(body: object, listing: Listing) -> StrategyPage | None:
    """Read a list of strategy orders; None where there is none."""
    listed = _listed(body)
    if listed is None:
        return None
    margin = [raw for raw in listed if (_category(raw) or CATEGORY) == CATEGORY]
    rows = tuple(row for raw in margin if _category(raw) and (row := parse_strategy(raw, listing)) is not None)
    cursor = text(fields_of(body).get("cursor")) if len(listed) >= PAGE_LIMIT else None
    return StrategyPage(rows, len(listed), len(rows) == len(margin), sent_ms_of(body), cursor)


def read_raw(body: object) -> tuple[Mapping[str, Any], ...] | None:
    """Return the rows of a list as received; None where there is none."""
    listed = _listed(body)
    return None if listed is None else tuple(as_mapping(raw) for raw in listed)


def read_sub_orders(body: object) -> tuple[SubOrder, ...] | None:
    """Read the orders that a strategy order has placed; None where a row cannot be read."""
    listed = _listed(body)
    if listed is None:
        return None
    orders = tuple(order for raw in listed if (order := parse_sub_order(raw)) is not None)
    return orders if len(orders) == len(listed) else None


def _listed(body: object) -> Sequence[object] | None:
    """Return the list of a response, which is its data or in its data; an empty one may be written as null."""
    if not isinstance(body, Mapping) or body.get("code") != SUCCESS:
        return None
    data = body.get("data", "")
    listed = data.get("list", "") if isinstance(data, Mapping) else data
    if listed is None:
        return []
    return listed if isinstance(listed, list) else None


def _category(raw: object) -> str | None:
    category = text(as_mapping(raw).get("category"))
    return category if category is None else category.upper()
