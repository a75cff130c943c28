"""Flows that read: orders, fills, the balance and the account kind."""

import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, cast

import ccxt

from bitget_margin.adapter import fallback_markets, history, strategy
from bitget_margin.adapter.call import known_coins, load_markets, open_call, to_exception
from bitget_margin.adapter.ccxt_types import MarginExchange, Order, Params
from bitget_margin.adapter.errors import cause_of, documented
from bitget_margin.adapter.orders import readable
from bitget_margin.adapter.params import (
    BOUNDS,
    CLIENT_ID,
    HAS_ENDED,
    KIND,
    bad_request,
    is_cross,
    known_kind,
    order_ref,
    parse_settings,
    required_symbol,
    split_params,
    spot_market,
)
from bitget_margin.adapter.strategy_orders import is_trigger
from bitget_margin.core.effects import Fault, Flow
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.order_ref import BadInput, OrderRef, order_refs
from bitget_margin.core.order_row import text
from bitget_margin.core.orders_by_id import fetch_orders_by_id
from bitget_margin.core.queries import find_order, query_open_orders
from bitget_margin.core.requests import query
from bitget_margin.core.responses import decimal
from bitget_margin.core.verdicts import refuses_parameters

PREFIX: Final = "prefix"
"""Parameter of `view_orders` with the beginning of the client order ids of further orders."""
PARTIAL: Final = "partial"
"""Parameter of `view_orders`: whether a query that failed is reported instead of raised."""
OPEN_ONLY: Final = "openOnly"
"""Parameter of `view_orders`: whether only the list of open orders is read, until it has shown the given ones."""
_AMOUNTS: Final = (
    "totalAmount",
    "available",
    "frozen",
    "borrow",
    "interest",
    "equity",
    "balance",
    "locked",
    "debt",
)
"""Names of a coin's amounts, in both kinds of account."""


def fetch_order(exchange: MarginExchange, given_id: object, symbol: object, params: Params) -> Flow[Order]:
    """Return one cross margin order, from open-orders or else from history-orders."""
    if is_trigger(params):
        return (yield from strategy.fetch_order(exchange, given_id, symbol, params))
    method = "fetch_order"
    split_params(exchange, method, params, {"timeout", HAS_ENDED, *CLIENT_ID})
    settings = parse_settings(exchange, method, params, confirm=False)
    ref = order_ref(exchange, method, given_id, required_symbol(exchange, method, symbol), params)
    ctx = open_call(exchange, settings, params, reads_only=True)
    yield from load_markets(exchange, ctx)
    market = spot_market(exchange, method, ref.symbol)
    row = yield from find_order(ctx, OrderRef(market["id"], ref.kind, ref.value), has_ended=bool(params.get(HAS_ENDED)))
    if isinstance(row, Fault):
        raise to_exception(exchange, method, row)
    if row is None:
        raise ccxt.OrderNotFound(
            f"{exchange.id} {method}(): neither open-orders nor history-orders shows {ref.value} "
            f"of {market['symbol']}; history can lag behind",
        )
    return cast("Order", readable(exchange, row, market))


def fetch_open_orders(
    exchange: MarginExchange,
    symbol: object,
    since: int | None,
    limit: int | None,
    params: Params,
) -> Flow[list[Order]]:
    """Return the open cross margin orders of all pages, or the newest `limit`."""
    if is_trigger(params):
        return (yield from strategy.fetch_open_orders(exchange, symbol, since, limit, params))
    method = "fetch_open_orders"
    split_params(exchange, method, params, {"timeout", "until"})
    wanted = history.selection(exchange, method, since, limit, params)
    settings = parse_settings(exchange, method, params, confirm=False)
    named = None if symbol is None else required_symbol(exchange, method, symbol)
    ctx = open_call(exchange, settings, params, reads_only=True)
    yield from load_markets(exchange, ctx)
    market = None if named is None else fallback_markets.spot_market(exchange, method, named)
    market_id = None if market is None else market["id"]
    # The newest orders come first; with times, those that are wanted may come last.
    at_most = limit if wanted.has_no_times else None
    rows = yield from query_open_orders(ctx, market_id, since_ms=since, at_most=at_most)
    if isinstance(rows, Fault):
        if market is None and refuses_parameters(rows):
            raise ccxt.ArgumentsRequired(f"{exchange.id} {method}(): the venue requires a symbol") from rows.error
        raise to_exception(exchange, method, rows)
    newest = rows[:at_most]
    # Of a symbol without a market, ccxt would use the venue's name.
    markets = {row.symbol: market or fallback_markets.market_of_row(exchange, row.symbol) for row in newest}
    # `until` is not sent as endTime, which would override paging by id; a unified account's list has no time filter.
    return wanted.cut([readable(exchange, row, markets[row.symbol]) for row in newest])


def balance_is_cross(exchange: MarginExchange, params: Params, method: str = "fetchBalance") -> bool:
    """Whether this is the balance of the cross margin account, and not of contracts in cross mode."""
    if params.get("stock") or not is_cross(exchange, method, None, params):
        return False
    kind, _ = exchange.handle_market_type_and_params(method, None, params)
    return kind in {"spot", "margin"}


def fetch_balance(exchange: MarginExchange, params: Params) -> Flow[Any]:
    """Return the balance of the cross margin account."""
    method = "fetch_balance"
    split_params(exchange, method, params, params)
    settings = parse_settings(exchange, method, params, confirm=False)
    ctx = open_call(exchange, settings, params, reads_only=True)
    yield from load_markets(exchange, ctx)
    extra = exchange.omit(params, ["marginMode", "defaultMarginMode", "type", KIND, *BOUNDS])
    rows = (yield from query(ctx, lambda api: api.assets_request(extra), lambda api: api.read_assets)).result
    if isinstance(rows, Fault):
        raise to_exception(exchange, method, rows)
    _refuse_unreadable(exchange, method, rows)
    known_coins(exchange).update(row["coin"] for row in rows if isinstance(row, Mapping) and text(row.get("coin")))
    try:
        unified_account = ctx.api.KIND is AccountKind.UNIFIED
        return exchange.parse_uta_balance(rows) if unified_account else exchange.parse_balance(rows)
    except Exception as error:  # noqa: BLE001 - it is raised again
        raise documented(f"{exchange.id} {method}()", error) from cause_of(error)


def _refuse_unreadable(exchange: MarginExchange, method: str, rows: Sequence[object]) -> None:
    """Raise BadResponse for an amount that is not a number: ccxt would leave some of them out silently."""
    for row in rows:
        for name in _AMOUNTS:
            value = row.get(name) if isinstance(row, Mapping) else None
            if value is not None and value != "" and decimal(value) is None:
                raise ccxt.BadResponse(f"{exchange.id} {method}(): {name} is {reprlib.repr(value)}, which is no amount")


@dataclass(frozen=True, slots=True)
class FilledSum:
    """Sum of an order's fills: the amount in base coins, and the average price, None without fills."""

    amount: float
    average: float | None


@dataclass(frozen=True, slots=True)
class OrdersView:
    """Orders as the venue shows them; the structures are ccxt's, the keys of mappings the given ids."""

    orders: Mapping[str, Order]
    """The given orders that have a row."""
    fills: Mapping[str, FilledSum]
    """Fills of the last 89 days of given orders that have no row any more: an order can be older than history."""
    own: tuple[Order, ...]
    """Other open orders of the symbol whose client order id begins with the given prefix."""
    open_is_complete: bool
    """Whether open orders were read to their end, with every row readable: an order that is neither in them nor found
    by its id does not rest."""
    unanswered: frozenset[str]
    """Given ids that are not in `orders`, and whose absence is no evidence: a query failed, or was not sent."""


def view_orders(
    exchange: MarginExchange,
    symbol: str,
    ids: Sequence[str],
    client_order_ids: Sequence[str],
    params: Params,
) -> Flow[OrdersView]:
    """Return what the venue shows of these orders, and of other open orders with a prefix.

    Two requests at a time while all of them are listed, more once some are not. Without ids, only open orders are read.
    A missing order is no proof of anything: history lags behind.

    :param params: with `prefix` and without ids, open orders are read to their end; with `partial`, an id whose query
        failed is in `unanswered` instead of an exception; with `openOnly`, no order is queried by its id
    """
    method = "view_orders"
    split_params(exchange, method, params, {"timeout", PREFIX, PARTIAL, OPEN_ONLY})
    settings = parse_settings(exchange, method, params, confirm=False)
    prefix = params.get(PREFIX) or ""
    if not isinstance(prefix, str):
        raise bad_request(exchange, method, BadInput(f"prefix is {prefix!r}: give the beginning of client order ids"))
    unified = required_symbol(exchange, method, symbol)
    ctx = open_call(exchange, settings, params, reads_only=True)
    yield from load_markets(exchange, ctx)
    market = spot_market(exchange, method, unified)
    try:
        named = order_refs(market["id"], ids, client_order_ids, known_kind(exchange, params))
    except BadInput as error:
        raise bad_request(exchange, method, error) from None
    found = yield from fetch_orders_by_id(
        ctx, market["id"], named, whole_open=bool(prefix) and not named, open_only=params.get(OPEN_ONLY) is True
    )
    if isinstance(found, Fault):
        raise to_exception(exchange, method, found)
    if found.fault is not None and found.unanswered and not params.get(PARTIAL):
        raise to_exception(exchange, method, found.fault)
    own = [row for row in found.others if prefix and (row.client_id or "").startswith(prefix)]
    return OrdersView(
        {ref.value: cast("Order", readable(exchange, row, market)) for ref, row in found.rows.items()},
        {ref.value: FilledSum(float(fills.amount), _float(fills.average)) for ref, fills in found.fills.items()},
        tuple(cast("Order", readable(exchange, row, market)) for row in own),
        found.open_is_complete,
        frozenset(ref.value for ref in found.unanswered),
    )


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
