"""A ladder as the strategy asks for it, checked and made exact before anything is stored or sent."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, Final

BUY: Final = "buy"
SELL: Final = "sell"
KEY_MAX_LENGTH: Final = 64
_FIELDS: Final = ("side", "price", "amount")
_GRAIN: Final = 1e-9
"""What the sum of floats may be off by, of the whole."""


class LadderRefused(ValueError):
    """A ladder that is refused before anything is sent; the text says what to change."""


@dataclass(frozen=True, slots=True)
class LadderStep:
    """One order of a ladder, in the precision of the venue."""

    side: str
    price: float
    amount: float


@dataclass(frozen=True, slots=True)
class Limits:
    """What a pair allows, and what there is: base coins that may be sold, quote coins that may be spent."""

    pair: str
    most: int
    """How many orders one request may place: fewer on a unified account."""
    sellable: float
    spendable: Callable[[], float]
    """Asked for only where the ladder buys."""
    min_amount: float | None
    min_cost: float | None
    to_amount: Callable[[float], float]
    to_price: Callable[[float], float]


def check_key(key: object) -> str:
    """Return the name of a ladder, or refuse it."""
    if not isinstance(key, str) or not key or len(key) > KEY_MAX_LENGTH:
        raise LadderRefused(f"key is {key!r}: give a text of 1 to {KEY_MAX_LENGTH} characters that names the ladder")
    return key


def steps(orders: object, limits: Limits) -> Sequence[LadderStep]:
    """Return the orders of a ladder as they will be sent, or refuse all of them with what is wrong with one."""
    if isinstance(orders, str | Mapping) or not isinstance(orders, Iterable):
        raise LadderRefused(f"orders is {orders!r}: give a list of dicts with side, price and amount")
    orders = list(orders)
    listed = [_step(i, order, limits) for i, order in enumerate(orders)]
    if len(listed) > limits.most:
        raise LadderRefused(f"there are {len(listed)} orders: one ladder takes {limits.most}; use a second key")
    listed = _sell_all(listed, sum(float(order["amount"]) for order in orders if order["side"] == SELL), limits)
    sold = sum(step.amount for step in listed if step.side == SELL)
    if sold > limits.sellable * (1 + _GRAIN):
        raise LadderRefused(
            f"the sells add up to {sold:.8g}, and the trade on {limits.pair} has {limits.sellable:.8g} that no other "
            "resting order sells: sell less",
        )
    spent = sum(step.amount * step.price for step in listed if step.side == BUY)
    if spent and spent > limits.spendable() * (1 + _GRAIN):
        raise LadderRefused(f"the buys cost {spent:.8g}, and {limits.spendable():.8g} are free: buy less")
    return listed


def _sell_all(listed: list[LadderStep], wanted: float, limits: Limits) -> list[LadderStep]:
    """Return the steps; where all coins were to be sold, the last sell takes what rounding has left over.

    Each amount is cut to the venue's precision. A remainder below its minimum could never be sold, and the trade
    would never end.
    """
    sells = [i for i, step in enumerate(listed) if step.side == SELL]
    everything = limits.to_amount(limits.sellable)
    if not sells or wanted * (1 + _GRAIN) < everything or wanted > limits.sellable * (1 + _GRAIN):
        return listed
    last, others = listed[sells[-1]], sum(listed[i].amount for i in sells[:-1])
    # Half a grain more, so that a float just below the next step is not cut once more.
    amount = limits.to_amount((everything - others) * (1 + _GRAIN))
    return [*listed[: sells[-1]], replace(last, amount=amount), *listed[sells[-1] + 1 :]]


def _step(i: int, order: object, limits: Limits) -> LadderStep:
    where = f"orders[{i}]"
    if not isinstance(order, Mapping):
        raise LadderRefused(f"{where} is {order!r}: give a dict with side, price and amount")
    unknown = sorted(map(str, set(order) - set(_FIELDS)))
    missing = [name for name in _FIELDS if order.get(name) is None]
    if unknown or missing:
        wrong = f"has unknown {', '.join(unknown)}" if unknown else f"has no {', '.join(missing)}"
        raise LadderRefused(f"{where} {wrong}: give side, price and amount")
    side = order["side"]
    if not isinstance(side, str) or side not in {BUY, SELL}:
        raise LadderRefused(f"{where} side is {side!r}: give 'buy' or 'sell'")
    price = _exact(where, "price", order["price"], limits.to_price)
    amount = _exact(where, "amount", order["amount"], limits.to_amount)
    if limits.min_amount is not None and amount < limits.min_amount:
        raise LadderRefused(f"{where} amount {order['amount']} is under the {limits.min_amount} that the venue takes")
    if limits.min_cost is not None and price * amount < limits.min_cost:
        raise LadderRefused(
            f"{where} is worth {price * amount:.8g}, and the venue takes orders from {limits.min_cost:.8g} on "
            f"{limits.pair}: use fewer, larger orders",
        )
    return LadderStep(side, price, amount)


def _exact(where: str, name: str, value: Any, cut: Callable[[float], float]) -> float:
    """Return a number in the venue's precision; numpy's are numbers too."""
    number = float("nan")
    if not isinstance(value, bool) and isinstance(value, Real):
        with contextlib.suppress(OverflowError):
            number = float(value)
    if not 0 < number < float("inf"):
        raise LadderRefused(f"{where} {name} is {value!r}: give a number above 0")
    exact = float(cut(number))
    if exact <= 0:
        raise LadderRefused(f"{where} {name} {value} is nothing in the venue's precision: give more")
    return exact
