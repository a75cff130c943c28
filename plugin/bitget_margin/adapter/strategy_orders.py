"""Strategy orders in ccxt's terms: parameters of calls, and order structures of rows."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import ccxt

from bitget_margin.adapter.call import load_markets, open_call, to_exception
from bitget_margin.adapter.ccxt_types import MarginExchange, Order, Params
from bitget_margin.adapter.errors import cause_of, documented
from bitget_margin.adapter.order_numbers import amount_text, price_text
from bitget_margin.adapter.orders import market_of_symbol, parsed_or_bare
from bitget_margin.adapter.params import STRATEGY_ORDERS, TRIGGER, is_amount, known_kind
from bitget_margin.core import api_v3
from bitget_margin.core.effects import Fault, Flow
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.order_row import text
from bitget_margin.core.requests import CallContext, query
from bitget_margin.core.responses import decimal
from bitget_margin.core.settings import Settings
from bitget_margin.core.strategy_placed import PlacedOrder
from bitget_margin.core.strategy_row import Condition, StrategyRow, StrategyState, StrategyTerms, terms_of
from bitget_margin.core.verdicts import named_account_kind

CONDITIONS: Final = {
    "stopLossPrice": Condition.STOP_LOSS,
    "takeProfitPrice": Condition.TAKE_PROFIT,
    "triggerPrice": Condition.TRIGGER,
    "stopPrice": Condition.TRIGGER,
}
"""ccxt's parameters with a trigger price, and the condition that each stands for."""
WATCHED: Final = "triggerBy"
"""Parameter with the price that is watched."""
_WATCHED: Final = ("market", "mark")
_STATUS: Final = {
    StrategyState.WAITING: "open",
    StrategyState.SUBMITTING: "open",
    StrategyState.FIRED: "closed",
    StrategyState.FAILED: "rejected",
    StrategyState.CANCELED: "canceled",
}
_FILLS: Final = ("filled", "remaining", "average", "cost", "fee", "fees", "lastTradeTimestamp")


def is_trigger(params: Params) -> bool:
    """Whether a call is about strategy orders: ccxt's `trigger`, or its older name."""
    return any(bool(params.get(name)) for name in TRIGGER)


def is_conditional(params: Params) -> bool:
    """Whether an order has a trigger price."""
    return any(params.get(name) is not None for name in CONDITIONS)


def open_strategy_call(
    exchange: MarginExchange,
    settings: Settings,
    method: str,
    params: Params,
    *,
    urgent: bool = False,
    reads: bool = False,
) -> Flow[CallContext]:
    """Return the context of a call on strategy orders, with the markets loaded.

    :raises ccxt.NotSupported: the option is off, or the account is classic; the kind is queried if it is not known
    """
    exchange.refuse_sandbox(method)
    exchange.check_required_credentials()
    require_enabled(exchange, method, params)
    ctx = open_call(exchange, settings, params, urgent=urgent, reads_only=reads)
    yield from load_markets(exchange, ctx)
    if known_kind(exchange, params) is None:
        found = (yield from query(ctx, lambda _: api_v3.account_request(), lambda _: api_v3.read_settings)).result
        kind = named_account_kind(found) if isinstance(found, Fault) else AccountKind.UNIFIED
        if kind is None and isinstance(found, Fault):
            raise to_exception(exchange, method, found)
        exchange.learn_account_kind(kind or AccountKind.UNIFIED)
    require_enabled(exchange, method, params)
    ctx.api = api_v3
    return ctx


def require_enabled(exchange: MarginExchange, method: str, params: Params) -> None:
    """Raise NotSupported on a classic account, and unless the option is on."""
    if known_kind(exchange, params) is AccountKind.CLASSIC:
        raise not_supported(
            exchange, method, f"a classic account has no conditional cross margin orders{_named(params)}"
        )
    enabled = exchange.options.get(STRATEGY_ORDERS)
    if enabled is not None and not isinstance(enabled, bool):
        raise ccxt.BadRequest(f"{exchange.id}: options[{STRATEGY_ORDERS!r}] is {enabled!r}; give True or False")
    if not enabled:
        raise not_supported(
            exchange,
            method,
            f"options[{STRATEGY_ORDERS!r}] = True enables strategy orders of a unified account, which are "
            f"experimental: the venue documents them for margin by lists of types only{_named(params)}",
        )


def _named(params: Params) -> str:
    """Return the parameter that asks for a strategy order, for a message."""
    name = next((name for name in (*CONDITIONS, *TRIGGER) if params.get(name)), None)
    return "" if name is None else f" ({name!r})"


def not_supported(exchange: MarginExchange, method: str, why: str) -> ccxt.NotSupported:
    """Return the exception for strategy orders that this account, or its configuration, does not have."""
    return ccxt.NotSupported(f"{exchange.id} {method}(): {why}")


def strategy_terms(
    exchange: MarginExchange, method: str, market: Mapping[str, Any], order: tuple[Any, ...], params: Params
) -> StrategyTerms:
    """Return the terms of an order with a trigger price; `order` is its type, side, amount and price."""
    kind, side, amount, price = order
    (name,) = given_conditions(exchange, method, params)
    if (kind, side) == ("market", "buy"):
        raise not_supported(
            exchange,
            method,
            "the unit of the amount of a market buy that is triggered is not documented; give type 'limit' and a price",
        )
    watched = params.get(WATCHED, _WATCHED[0])
    if watched not in _WATCHED:
        raise ccxt.BadRequest(f"{exchange.id} {method}(): {WATCHED} is {watched!r}; give one of {', '.join(_WATCHED)}")
    try:
        return StrategyTerms(
            symbol=market["id"],
            side=side,
            amount=Decimal(amount_text(exchange, method, market, amount)),
            condition=CONDITIONS[name],
            price=Decimal(price_text(exchange, method, market, params[name])),
            order_type=kind,
            limit_price=None if kind == "market" else Decimal(price_text(exchange, method, market, price)),
            watched=watched,
        )
    except Exception as error:  # noqa: BLE001 - it is raised again
        raise documented(f"{exchange.id} {method}()", error) from cause_of(error)


def changed_terms(
    exchange: MarginExchange,
    method: str,
    market: Mapping[str, Any],
    row: StrategyRow,
    order: tuple[Any, ...],
    params: Params,
) -> StrategyTerms:
    """Return the terms of a strategy order with the new values; `order` is type, side, new amount and new price."""
    kind, side, amount, price = order
    terms = terms_of(row, side)
    name = given_conditions(exchange, method, params)[0] if is_conditional(params) else None
    if terms is None or terms.side != side or terms.order_type != kind:
        shown = "it has two conditions" if terms is None else f"it is a {terms.order_type} {terms.side}"
        raise ccxt.InvalidOrder(
            f"{exchange.id} {method}(): strategy order {row.order_id}: {shown}; nothing was changed"
        )
    if name is not None and CONDITIONS[name] is not terms.condition:
        raise ccxt.InvalidOrder(
            f"{exchange.id} {method}(): strategy order {row.order_id} has no {name}; nothing was changed"
        )
    try:
        return replace(
            terms,
            amount=terms.amount if amount is None else Decimal(amount_text(exchange, method, market, amount)),
            limit_price=(terms.limit_price if price is None else Decimal(price_text(exchange, method, market, price))),
            price=terms.price if name is None else Decimal(price_text(exchange, method, market, params[name])),
            watched=params.get(WATCHED, terms.watched),
        )
    except Exception as error:  # noqa: BLE001 - it is raised again
        raise documented(f"{exchange.id} {method}()", error) from cause_of(error)


def given_conditions(exchange: MarginExchange, method: str, params: Params) -> list[str]:
    """Return the name of the one trigger price of an order, as a list of one."""
    given = [name for name in CONDITIONS if params.get(name) is not None]
    if len(given) != 1:
        raise ccxt.BadRequest(
            f"{exchange.id} {method}(): {', '.join(given) or 'no trigger price'} given; give one of "
            f"{', '.join(CONDITIONS)}: the venue's orders with two conditions are not supported"
        )
    (name,) = given
    if not is_amount(params[name]):
        raise ccxt.InvalidOrder(
            f"{exchange.id} {method}(): {name} is {params[name]!r}; give a number above 0 and below 1e18"
        )
    return given


def structure(
    exchange: MarginExchange,
    row: StrategyRow,
    market: Mapping[str, Any] | None,
    placed: PlacedOrder | None = None,
    side: str | None = None,
) -> Order:
    """Return the order structure of a strategy order, with the fills of the order that it has placed.

    :param placed: the order that it has placed, where that was queried
    :param side: its side, where the row does not show it
    """
    condition, known = next(iter(row.conditions), None), market or market_of_symbol(exchange, row.symbol)
    prices = {name: float(value) for name, each in CONDITIONS.items() if (value := decimal(row.raw.get(each.price)))}
    trigger = None if condition is None else decimal(row.raw.get(condition.price))
    limit = None if condition is None else decimal(row.raw.get(condition.limit_price))
    order_type = None if condition is None else text(row.raw.get(condition.order_type))
    order: Any = exchange.safe_order(
        {
            "info": dict(row.raw),
            "id": row.order_id,
            "clientOrderId": row.client_id,
            "timestamp": row.created_ms,
            "lastUpdateTimestamp": row.updated_ms,
            "type": order_type,
            "side": row.side or side,
            "price": None if not limit else float(limit),
            "amount": None if row.amount is None else float(row.amount),
            "symbol": known["symbol"],
            **prices,
        },
        known,
    )
    order |= {"triggerPrice": None if trigger is None else float(trigger), "status": _STATUS.get(row.state)}
    order["stopPrice"] = order["triggerPrice"]
    # ccxt takes an order that is closed for filled; this one has only placed another.
    order |= dict.fromkeys(_FILLS) | {"fees": [], "filled": None if row.state.ended else 0.0}
    order["remaining"] = None if row.state.ended else order["amount"]
    if row.state in {StrategyState.CANCELED, StrategyState.FAILED}:
        order |= {"filled": 0.0, "remaining": order["amount"]}
    return order if placed is None else _with_fills(exchange, order, placed, known)


def _with_fills(exchange: MarginExchange, order: Any, placed: PlacedOrder, market: Mapping[str, Any]) -> Order:
    """Return the structure with the fills of the order that was placed, which is closed only once that has ended."""
    if placed.row is not None:
        child = parsed_or_bare(exchange, dict(placed.row.raw), market)
        fills = {name: child[name] for name in _FILLS}
        return {**order, **fills, "status": child["status"], "side": order["side"] or child["side"]}  # type: ignore[typeddict-item]
    sub_order = placed.sub_order
    if sub_order is None or sub_order.filled is None:
        return order  # type: ignore[no-any-return]
    filled, average = float(sub_order.filled), float(sub_order.average or 0) or None
    return {  # type: ignore[typeddict-item]
        **order,
        "side": order["side"] or text(sub_order.raw.get("side")),
        "filled": filled,
        "average": average,
        "cost": None if average is None else filled * average,
        "remaining": None if order["amount"] is None else max(0.0, order["amount"] - filled),
        "status": "closed" if text(sub_order.raw.get("status")) in {"filled", "cancelled", "failed"} else "open",
    }


def by_time(orders: Iterable[Order]) -> list[Order]:
    """Return orders, oldest first."""
    return sorted(orders, key=lambda order: order["timestamp"] or 0)
