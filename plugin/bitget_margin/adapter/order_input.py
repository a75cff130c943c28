"""An order as a caller wants it, checked before anything is sent."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

import ccxt

if TYPE_CHECKING:
    from bitget_margin.adapter.margin import CrossedMargin

_TYPES: Final = ("limit", "market")
_SIDES: Final = ("buy", "sell")


def check_order(
    exchange: CrossedMargin,
    method: str,
    where: str,
    kind: object,
    side: object,
    amount: object,
    price: object = None,
) -> None:
    """Refuse an order that the venue would refuse, or would understand as another one.

    :param where: which of several it is, for the message
    :param kind: `limit` or `market`
    :param side: `buy` or `sell`
    :param amount: of the base coin; for some market buys of the quote coin
    :param price: of a limit order; a market order may have one
    :raises ccxt.ArgumentsRequired: nothing is given for what is needed
    :raises ccxt.BadRequest: a type or a side that there is not
    :raises ccxt.InvalidOrder: an amount or a price that is no number above zero
    """
    given = {"type": kind, "side": side, "amount": amount}
    if kind == "limit":
        given["price"] = price
    missing = [name for name, value in given.items() if value is None]
    if missing:
        raise ccxt.ArgumentsRequired(f"{exchange.id} {method}(){where}: an order needs {', '.join(missing)}")
    for name, value, known in (("type", kind, _TYPES), ("side", side, _SIDES)):
        if value not in known:
            raise ccxt.BadRequest(f"{exchange.id} {method}(){where}: {name} is {value!r}; give {' or '.join(known)}")
    for name, value in (("amount", amount), ("price", price)):
        if value is not None and not _is_positive(value):
            raise ccxt.InvalidOrder(f"{exchange.id} {method}(){where}: {name} is {value!r}; give a number above 0")


def _is_positive(value: object) -> bool:
    """Whether this is a number above zero, in one of the forms that ccxt takes."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return False
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return False
    return number.is_finite() and number > 0
