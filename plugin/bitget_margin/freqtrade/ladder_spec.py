"""Parser of a ladder: checks the orders that a strategy passes, and cuts them to the precision of the venue."""

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, Final

BUY: Final = "buy"
SELL: Final = "sell"
KEY_MAX_LENGTH: Final = 64
DEFAULT_KEY: Final = "ladder"
FORMER_DEFAULT_KEY: Final = "entry"
"""The default of versions before 0.2: a trade that has a ladder of this name gets no second one by default."""
_FIELDS: Final = ("side", "price")
_AMOUNT: Final = "amount"
_SHARE: Final = "share"
_ORDER: Final = "side, price, and amount or share"
REL_TOLERANCE: Final = 1e-9
"""Relative error that a sum of floats may have."""


class LadderRefused(ValueError):
    """Raised for a ladder before anything is sent; the message names what to change."""


@dataclass(frozen=True, slots=True)
class LadderStep:
    """One order of a ladder, cut to the precision of the venue."""

    side: str
    price: float
    amount: float


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a ladder: the rules of the pair, and the coins that the ladder may use."""

    pair: str
    max_orders: int
    """The orders of one request: fewer on a unified account."""
    has: float
    """Base coins that the trade has, or a short owes, of which shares are taken."""
    sellable: float
    """Base coins that the ladder may sell, or cover: those that no other order closes."""
    spendable: Callable[[], float]
    """Returns the quote coins that the ladder may spend; called for a ladder that buys."""
    min_amount: float | None
    min_cost: float | None
    to_amount: Callable[[float], float]
    to_price: Callable[[float], float]
    exit_side: str = SELL
    """Side of the orders that close the trade."""
    may_add: bool = True
    """Whether orders of the other side, which enlarge the trade, may be placed: they would borrow on leverage."""
    to_sent: Callable[[float], float] | None = None
    """Returns the amount that is sent for covers of so many coins, which is larger; None for longs."""

    def is_crumb(self, amount: float, price: float) -> bool:
        """Whether an amount is left that is too small to be sold or covered at this price, by amount or value."""
        return amount > 0 and (amount < (self.min_amount or 0.0) or amount * price < (self.min_cost or 0.0))

    def sent_of(self, steps: Sequence[LadderStep]) -> list[float | None]:
        """Return the amount that is sent for each step; None where it is the step's own.

        Amounts are cut to lots as sums, so that a ladder buys less than a lot too much, however many orders it has.
        """
        if self.to_sent is None:
            return [None] * len(steps)
        sent: list[float | None] = []
        covered = asked = 0.0
        for step in steps:
            if step.side != self.exit_side:
                sent.append(None)
                continue
            covered += step.amount
            more = self.to_amount((self.to_sent(covered) - asked) * (1 + REL_TOLERANCE))
            asked += more
            sent.append(more)
        return sent

    def cost(self, steps: Sequence[LadderStep]) -> float:
        """Return the quote coins that the buys spend at their prices."""
        asked = zip(steps, self.sent_of(steps), strict=True)
        return sum((sent or step.amount) * step.price for step, sent in asked if step.side == BUY)


def check_key(key: object) -> str:
    """Return the name of a ladder.

    :raises LadderRefused: it is no text, or has no fitting length
    """
    if not isinstance(key, str) or not key or len(key) > KEY_MAX_LENGTH:
        raise LadderRefused(f"key is {key!r}: give a text of 1 to {KEY_MAX_LENGTH} characters that names the ladder")
    return key


def parse_ladder(orders: object, limits: Limits) -> Sequence[LadderStep]:
    """Return the orders of a ladder as they will be sent.

    :raises LadderRefused: the ladder, or one of its orders, cannot be placed
    """
    if isinstance(orders, str | Mapping) or not isinstance(orders, Iterable):
        raise LadderRefused(f"orders is {orders!r}: give a list of dicts with {_ORDER}")
    given = [_given(i, order, limits) for i, order in enumerate(orders)]
    listed = [_step(i, order, limits) for i, order in enumerate(given)]
    if len(listed) > limits.max_orders:
        raise LadderRefused(f"there are {len(listed)} orders: one ladder takes {limits.max_orders}; use a second key")
    side = limits.exit_side
    adding = next((i for i, step in enumerate(listed) if step.side != side), None)
    if adding is not None and not limits.may_add:
        raise LadderRefused(
            f"orders[{adding}] side is {listed[adding].side!r}, which enlarges the trade on {limits.pair}: it is "
            f"leveraged or short, and the order would borrow while it rests: place only {side}s",
        )
    listed = _close_all(listed, sum(float(order[_AMOUNT]) for order in given if order["side"] == side), limits)
    closed = sum(step.amount for step in listed if step.side == side)
    if closed > limits.sellable * (1 + REL_TOLERANCE):
        has = "has" if side == SELL else "owes"
        raise LadderRefused(
            f"the {side}s add up to {closed:.8g}, and the trade on {limits.pair} {has} {limits.sellable:.8g} that no "
            f"other resting order {side}s: {side} less",
        )
    spent = limits.cost(listed)
    if spent and spent > limits.spendable() * (1 + REL_TOLERANCE):
        raise LadderRefused(f"the buys cost {spent:.8g}, and {limits.spendable():.8g} are free: buy less")
    return listed


def _close_all(listed: list[LadderStep], wanted: float, limits: Limits) -> list[LadderStep]:
    """Return the steps, with the remainder added to the last one that closes where it could not be closed by itself.

    It is what rounding leaves of a ladder that closes all coins, or what is below the minimum of the pair: the trade
    would never end.
    """
    closing = [i for i, step in enumerate(listed) if step.side == limits.exit_side]
    everything = limits.to_amount(limits.sellable)
    if not closing or wanted > limits.sellable * (1 + REL_TOLERANCE):
        return listed
    last, others = listed[closing[-1]], sum(listed[i].amount for i in closing[:-1])
    closes_all = wanted * (1 + REL_TOLERANCE) >= everything
    if not closes_all and not limits.is_crumb(everything - others - last.amount, last.price):
        return listed
    # Slightly more, so that a float just below a multiple of the lot size is not cut to the one before.
    amount = limits.to_amount((everything - others) * (1 + REL_TOLERANCE))
    return [*listed[: closing[-1]], replace(last, amount=amount), *listed[closing[-1] + 1 :]]


def _given(i: int, order: object, limits: Limits) -> Mapping[str, Any]:
    """Return the fields of an order, with the amount of its share."""
    where = f"orders[{i}]"
    if not isinstance(order, Mapping):
        raise LadderRefused(f"{where} is {order!r}: give a dict with {_ORDER}")
    unknown = sorted(map(str, set(order) - {*_FIELDS, _AMOUNT, _SHARE}))
    missing = [name for name in _FIELDS if order.get(name) is None]
    share = order.get(_SHARE)
    if share is None and order.get(_AMOUNT) is None:
        missing.append(_AMOUNT)
    if unknown or missing:
        wrong = f"has unknown {', '.join(unknown)}" if unknown else f"has no {', '.join(missing)}"
        raise LadderRefused(f"{where} {wrong}: give {_ORDER}")
    if share is None:
        return order
    if order.get(_AMOUNT) is not None:
        raise LadderRefused(f"{where} has amount {order[_AMOUNT]!r} and share {share!r}: give one of them")
    part = _number(share)
    if part is None or not part <= 1:
        raise LadderRefused(f"{where} share is {share!r}: give a number above 0, up to 1 for all coins of the trade")
    return {**order, _AMOUNT: part * limits.has}


def _step(i: int, order: Mapping[str, Any], limits: Limits) -> LadderStep:
    where = f"orders[{i}]"
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
    """Return a positive number in the precision of the venue."""
    number = _number(value)
    if number is None:
        raise LadderRefused(f"{where} {name} is {value!r}: give a number above 0")
    exact = float(cut(number))
    if exact <= 0:
        raise LadderRefused(f"{where} {name} {value} is nothing in the venue's precision: give more")
    return exact


def _number(value: object) -> float | None:
    """Return a positive number, which may be one of numpy; None for anything else."""
    number = float("nan")
    if not isinstance(value, bool) and isinstance(value, Real):
        with contextlib.suppress(OverflowError):
            number = float(value)
    return number if 0 < number < float("inf") else None
