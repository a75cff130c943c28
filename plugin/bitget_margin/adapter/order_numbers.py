"""Rounding and limits of cross margin orders, by the numbers of the margin pair."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import ccxt

from bitget_margin.adapter.ccxt_types import MarginExchange, Params
from bitget_margin.adapter.margin_markets import NUMBERS
from bitget_margin.adapter.params import market_cost


def fit_order(
    exchange: MarginExchange,
    method: str,
    market: Mapping[str, Any],
    order: Mapping[str, Any],
    params: Params,
    *,
    refuses: bool,
) -> tuple[Mapping[str, Any], Params]:
    """Return an order request and its parameters with rounded numbers, as given where the market has none for margin.

    :param refuses: whether a number out of bounds is refused; the venue decides over urgent orders
    :raises ccxt.InvalidOrder: a number is out of bounds, or is rounded to 0
    """
    numbers = market.get(NUMBERS)
    if numbers is None:
        return order, params
    where, steps = f"{exchange.id} {method}()", numbers["precision"]
    limits = numbers["limits"] if refuses else {}
    symbol, price = market["symbol"], order.get("price")
    if (order["type"], order["side"]) == ("market", "buy"):
        cost = _rounded(exchange, where, market_cost(exchange, symbol, order["amount"], price, params), steps["cost"])
        _check(where, symbol, "cost", Decimal(cost), limits.get("cost"))
        return order, {**params, "cost": cost}
    amount = _rounded(exchange, where, order["amount"], steps["amount"])
    _check(where, symbol, "amount", Decimal(amount), limits.get("amount"))
    if order["type"] == "market":
        return {**order, "amount": amount}, params
    price = _rounded(exchange, where, price, steps["price"], is_price=True)
    _check(where, symbol, "cost", Decimal(amount) * Decimal(price), limits.get("cost"))
    return {**order, "amount": amount, "price": price}, params


def amount_text(exchange: MarginExchange, method: str, market: Mapping[str, Any], amount: object) -> str:
    """Return an amount cut to the steps of the margin pair; to those of the spot pair, where it has none."""
    numbers = market.get(NUMBERS)
    if numbers is None:
        return str(exchange.amount_to_precision(market["symbol"], amount))
    return _rounded(exchange, f"{exchange.id} {method}()", amount, numbers["precision"]["amount"])


def price_text(exchange: MarginExchange, method: str, market: Mapping[str, Any], price: object) -> str:
    """Return a price rounded to the steps of the margin pair; to those of the spot pair, where it has none."""
    numbers = market.get(NUMBERS)
    if numbers is None:
        return str(exchange.price_to_precision(market["symbol"], price))
    return _rounded(exchange, f"{exchange.id} {method}()", price, numbers["precision"]["price"], is_price=True)


def _rounded(exchange: MarginExchange, where: str, value: Any, step: float | None, *, is_price: bool = False) -> str:
    """Return a number as a text of whole steps: a price rounded, anything else cut, as in ccxt."""
    if step is None:
        return format(Decimal(str(value)), "f")
    mode = ccxt.ROUND if is_price else ccxt.TRUNCATE
    rounded: str = exchange.decimal_to_precision(value, mode, step, ccxt.TICK_SIZE, ccxt.NO_PADDING)
    if not Decimal(rounded):
        name = "price" if is_price else "amount or cost"
        raise ccxt.InvalidOrder(f"{where}: {value} is less than one step of {Decimal(str(step)):f} of the {name}")
    return rounded


def _check(where: str, symbol: str, name: str, value: Decimal, limits: Mapping[str, Any] | None) -> None:
    """Raise InvalidOrder for a value out of bounds."""
    least, most = (None if limits is None else limits.get(bound) for bound in ("min", "max"))
    if least is not None and value < Decimal(str(least)):
        raise ccxt.InvalidOrder(f"{where}: the {name} {value:f} is below the {least} of margin orders of {symbol}")
    if most is not None and value > Decimal(str(most)):
        raise ccxt.InvalidOrder(f"{where}: the {name} {value:f} is above the {most} of margin orders of {symbol}")
