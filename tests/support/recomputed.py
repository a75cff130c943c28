"""The backtest of a strategy with a ladder, computed anew from candles alone: no code of freqtrade or of the plugin.

One pair, a fixed stake, sells that are shares of the entry, a stop-loss and an exit signal.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal


@dataclass(frozen=True, slots=True)
class Row:
    """One candle, and the signals of the candle before it."""

    open: Decimal
    high: Decimal
    low: Decimal
    enters: bool
    leaves: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """The strategy and the market."""

    ups: Sequence[Decimal]
    """Distances of the sells from the price of the entry, as factors, the lowest first; each sells the same share."""
    stop: Decimal
    """The stop-loss as a factor of the price of the entry."""
    stake: Decimal
    fee: Decimal
    step: Decimal
    lot: Decimal


@dataclass(slots=True)
class Position:
    """A trade as it goes on."""

    entered: int
    price: Decimal
    amount: Decimal
    sells: list[tuple[Decimal, Decimal]]
    """Price and amount of each sell that rests, the lowest price first."""
    money: Decimal
    left: Decimal = Decimal(0)
    fills: list[tuple[int, Decimal, Decimal]] = field(default_factory=list)
    """Candle, price and amount of each sell."""
    ended: int | None = None
    reason: str = ""


def recompute(rows: Sequence[Row], rules: Rules) -> list[Position]:
    """Return every trade in the order of their ends."""
    done: list[Position] = []
    held: Position | None = None
    for number, row in enumerate(rows):
        is_last = number == len(rows) - 1
        if held is None and row.enters and not row.leaves and not is_last:
            held = _enter(number, row, rules)
        if held is None:
            continue
        _go_on(held, number, row, rules)
        if held.ended is None and is_last:
            _sell(held, number, row.open, held.left, rules)
            held.ended, held.reason = number, "force_exit"
        if held.ended is not None:
            done.append(held)
            held = None
    return done


def _enter(number: int, row: Row, rules: Rules) -> Position:
    amount = _to(rules.stake / row.open, rules.lot, ROUND_DOWN)
    # The strategy divides floats: what lies just below a lot is cut to the one before.
    each = _to(Decimal(repr(float(amount) / len(rules.ups))), rules.lot, ROUND_DOWN)
    prices = [_to(row.open * up, rules.step, ROUND_HALF_UP) for up in rules.ups]
    amounts = [each] * (len(prices) - 1) + [amount - each * (len(prices) - 1)]
    cost = amount * row.open * (1 + rules.fee)
    return Position(number, row.open, amount, list(zip(prices, amounts, strict=True)), -cost, amount)


def _go_on(held: Position, number: int, row: Row, rules: Rules) -> None:
    rests = number > held.entered
    stop = _to(held.price * rules.stop, rules.step, ROUND_UP)
    if rests:
        _fill(held, number, row.open, rules)
    if held.ended is not None:
        return
    if row.leaves and not row.enters:
        price, held.reason = row.open, "exit_signal"
    elif row.low <= stop:
        price, held.reason = (row.open if stop > row.high else stop), "stop_loss"
    else:
        if rests:
            _fill(held, number, row.high, rules)
        return
    _sell(held, number, price, held.left, rules)
    held.ended = number


def _fill(held: Position, number: int, reach: Decimal, rules: Rules) -> None:
    while held.sells and reach >= held.sells[0][0] + rules.step:
        _sell(held, number, *held.sells.pop(0), rules)
    if not held.sells:
        held.ended, held.reason = number, "ladder"


def _sell(held: Position, number: int, price: Decimal, amount: Decimal, rules: Rules) -> None:
    held.fills.append((number, price, amount))
    held.left -= amount
    held.money += amount * price * (1 - rules.fee)


def _to(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    return (value / step).quantize(Decimal(1), rounding=rounding) * step
