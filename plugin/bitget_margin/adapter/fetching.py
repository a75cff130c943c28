"""What is asked of the venue and changes nothing, as flows which the drivers of the three flavours run."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import ccxt

from bitget_margin.adapter import asking, unlisted
from bitget_margin.adapter.base import Order, Params
from bitget_margin.adapter.desk import known_coins, load_markets, open_desk, raised
from bitget_margin.adapter.errors import documented
from bitget_margin.adapter.orders import readable
from bitget_margin.core import api_v3
from bitget_margin.core.effects import Fault, Flow
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.order_ref import Target
from bitget_margin.core.order_row import text
from bitget_margin.core.queries import find, list_open
from bitget_margin.core.requests import ask
from bitget_margin.core.responses import decimal
from bitget_margin.core.verdicts import refuses_parameters, says_kind

if TYPE_CHECKING:
    from bitget_margin.adapter.margin import CrossedMargin

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
"""What the two kinds of account call the amounts of a coin."""


def fetch_order(exchange: CrossedMargin, given_id: object, symbol: object, params: Params) -> Flow[Order]:
    """Return one crossed order: open-orders is asked first, then history-orders."""
    method = "fetch_order"
    asking.prepare(exchange, method, params, {"timeout", *asking.CLIENT_ID})
    settings = asking.settings(exchange, method, params, confirm=False)
    target = asking.target(exchange, method, given_id, asking.required_symbol(exchange, method, symbol), params)
    desk = open_desk(exchange, settings, params)
    yield from load_markets(exchange, desk)
    market = asking.spot_market(exchange, method, target.symbol)
    row = yield from find(desk, Target(market["id"], target.kind, target.value))
    if isinstance(row, Fault):
        raise raised(exchange, method, row)
    if row is None:
        raise ccxt.OrderNotFound(
            f"{exchange.id} {method}(): neither open-orders nor history-orders shows {target.value} "
            f"of {market['symbol']}; history can lag behind",
        )
    return cast("Order", readable(exchange, row, market))


def fetch_open_orders(
    exchange: CrossedMargin,
    symbol: object,
    since: int | None,
    limit: int | None,
    params: Params,
) -> Flow[list[Order]]:
    """Return the open crossed orders, over all pages; `limit` ends it early, with the newest."""
    method = "fetch_open_orders"
    asking.prepare(exchange, method, params, {"timeout", "until"})
    for name, value in (("since", since), ("limit", limit), ("until", params.get("until"))):
        asking.whole_number(exchange, method, name, value)
    settings = asking.settings(exchange, method, params, confirm=False)
    named = None if symbol is None else asking.required_symbol(exchange, method, symbol)
    desk = open_desk(exchange, settings, params)
    yield from load_markets(exchange, desk)
    market = None if named is None else asking.spot_market(exchange, method, named)
    market_id = None if market is None else market["id"]
    rows = yield from list_open(desk, market_id, since_ms=since, at_most=limit)
    if isinstance(rows, Fault):
        if market is None and refuses_parameters(rows):
            raise ccxt.ArgumentsRequired(f"{exchange.id} {method}(): the venue requires a symbol") from rows.error
        raise raised(exchange, method, rows)
    newest = rows[:limit]
    # Where the lists of markets came empty, ccxt would name each order by the venue's symbol.
    markets = {} if market is not None or exchange.markets else unlisted.spot_markets(exchange, ())
    parsed = (readable(exchange, row, market or markets.get(row.symbol)) for row in newest)
    orders = sorted(parsed, key=lambda order: order["timestamp"] or 0)
    until = params.get("until")
    # Not sent as endTime, which would beat the paging by id; a unified account's list knows no time at all.
    return [
        order
        for order in orders
        if (until is None or (order["timestamp"] or 0) <= until)
        and (since is None or (order["timestamp"] or since) >= since)
    ]


def unified_fills(exchange: CrossedMargin, symbol: object, params: Params) -> Params:
    """Return what ccxt leaves out when it asks a unified account for its margin fills: category and symbol.

    The venue's page of fills would mix all pairs.
    """
    exchange.refuse_sandbox("fetch_my_trades")
    if asking.account_kind(exchange, params) is AccountKind.CLASSIC or not isinstance(symbol, str):
        return params
    market = asking.spot_market(exchange, "fetch_my_trades", symbol)
    return {"category": api_v3.CATEGORY, "symbol": market["id"], **params}


def balance_is_cross(exchange: CrossedMargin, params: Params) -> bool:
    """Whether this is the balance of the crossed account; a contract's margin mode is called cross too."""
    if params.get("stock") or not asking.is_cross(exchange, "fetchBalance", None, params):
        return False
    kind, _ = exchange.handle_market_type_and_params("fetchBalance", None, params)
    return kind in {"spot", "margin"}


def fetch_balance(exchange: CrossedMargin, params: Params) -> Flow[Any]:
    """Return the crossed balance."""
    method = "fetch_balance"
    asking.prepare(exchange, method, params, params)
    settings = asking.settings(exchange, method, params, confirm=False)
    desk = open_desk(exchange, settings, params)
    yield from load_markets(exchange, desk)
    extra = exchange.omit(params, ["marginMode", "defaultMarginMode", "type", asking.KIND, *asking.BOUNDS])
    asked = yield from ask(desk, lambda dialect: dialect.assets(extra), lambda dialect: dialect.read_assets)
    rows = asked.answer
    if isinstance(rows, Fault):
        raise raised(exchange, method, rows)
    _refuse_unreadable(exchange, method, rows)
    known_coins(exchange).update(row["coin"] for row in rows if isinstance(row, Mapping) and text(row.get("coin")))
    try:
        unified_account = desk.dialect.kind is AccountKind.UNIFIED
        return exchange.parse_uta_balance(rows) if unified_account else exchange.parse_balance(rows)
    except Exception as error:
        raise documented(f"{exchange.id} {method}()", error) from error


def _refuse_unreadable(exchange: CrossedMargin, method: str, rows: Sequence[object]) -> None:
    """Refuse amounts that are none: ccxt leaves some of them out without a word."""
    for row in rows:
        for name in _AMOUNTS:
            value = row.get(name) if isinstance(row, Mapping) else None
            if value is not None and value != "" and decimal(value) is None:
                raise ccxt.BadResponse(f"{exchange.id} {method}(): {name} is {reprlib.repr(value)}, which is no amount")


def ask_account_kind(exchange: CrossedMargin, method: str | None, params: Params, default: object) -> Flow[list[Any]]:
    """Return ccxt's `[uta, params]`; the venue is asked where nobody has chosen and it has not said so before.

    Stock ccxt takes any failure to ask, a lost connection too, for a classic account, and remembers that.
    """
    chosen, rest = exchange.handle_option_and_params(params, method, asking.KIND)
    if chosen is not None or not exchange.check_required_credentials(False):
        return [default if chosen is None else chosen, rest]
    desk = open_desk(exchange, asking.settings(exchange, "handle_uta_and_params", {}, confirm=False), {})
    asked = yield from ask(desk, lambda _: api_v3.settings(), lambda _: api_v3.read_settings)
    kind = AccountKind.UNIFIED
    if isinstance(asked.answer, Fault):
        said = says_kind(asked.answer)
        if said is None:
            raise raised(exchange, method or "fetch_markets", asked.answer)
        kind = said
    exchange.learn_account_kind(kind)
    return [kind is AccountKind.UNIFIED, rest]
