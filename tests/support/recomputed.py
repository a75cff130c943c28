"""The backtest of a strategy with a ladder, computed anew from candles alone: no code of freqtrade or of the plugin.

One pair, a fixed stake, exits in equal shares of the entry, a stop-loss and an exit signal; longs, or both directions.
What is borrowed costs interest: for an hour at once, and for another one at each full hour.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal

HOUR = 3_600


@dataclass(frozen=True, slots=True)
class Row:
    """One candle, and the signals of the candle before it."""

    open: Decimal
    high: Decimal
    low: Decimal
    enters: bool
    leaves: bool
    enters_short: bool = False
    leaves_short: bool = False
    at_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """The strategy and the market, for one direction."""

    ups: Sequence[Decimal]
    """Distances of the ladder from the price of the entry, as factors, the nearest first; each has the same share."""
    stop: Decimal
    """The stop-loss as a factor of the price of the entry."""
    stake: Decimal
    fee: Decimal
    step: Decimal
    lot: Decimal
    leverage: Decimal = Decimal(1)
    daily: Decimal = Decimal(0)
    """Interest of what is borrowed, quote coins of longs, or base coins of shorts."""
    is_short: bool = False


@dataclass(slots=True)
class Position:
    """A trade as it goes on."""

    rules: Rules
    entered: int
    price: Decimal
    amount: Decimal
    ladder: list[tuple[Decimal, Decimal]]
    """Price and amount of each order that rests, the nearest price first."""
    money: Decimal
    at_seconds: int
    """Time up to which `debt_hours` is counted."""
    left: Decimal = Decimal(0)
    fills: list[tuple[int, Decimal, Decimal]] = field(default_factory=list)
    """Candle, price and amount of each exit."""
    ended: int | None = None
    reason: str = ""
    debt_hours: Decimal = Decimal(0)
    interest: Decimal = Decimal(0)
    """Interest that is booked with orders."""
    running: Decimal = Decimal(0)
    """Interest since then, as of the last full hour."""

    @property
    def is_short(self) -> bool:
        """Whether it is one of borrowed coins."""
        return self.rules.is_short

    @property
    def profit(self) -> Decimal:
        """What it has made after all fees and interest."""
        return self.money - self.interest


def recompute(rows: Sequence[Row], rules: Rules, short: Rules | None = None) -> list[Position]:
    """Return every trade in the order of their ends.

    :param short: the rules of shorts, if there are any
    """
    done: list[Position] = []
    held: Position | None = None
    for number, row in enumerate(rows):
        is_last = number == len(rows) - 1
        # A trade that ends may be followed by one in the other direction within the candle.
        for _ in range(2):
            wanted = None if is_last else _wanted(row, rules, short)
            ending = held
            if held is None and wanted is not None:
                held = _enter(number, row, wanted)
            if held is None:
                break
            _go_on(held, number, row)
            if held.ended is None and is_last:
                _close(held, number, row.open, held.left)
                held.ended, held.reason = number, "force_exit"
            if held.ended is None:
                break
            done.append(held)
            held = None
            if ending is None or wanted is None or wanted.is_short == ending.is_short:
                break
    return done


def _wanted(row: Row, rules: Rules, short: Rules | None) -> Rules | None:
    if row.enters and not row.leaves and not (short and row.enters_short):
        return rules
    if short and row.enters_short and not row.leaves_short and not row.enters:
        return short
    return None


def _enter(number: int, row: Row, rules: Rules) -> Position:
    amount = _to(rules.stake / row.open * rules.leverage, rules.lot, ROUND_DOWN)
    # The strategy divides floats: what lies just below a lot is cut to the one before.
    each = _to(Decimal(repr(float(amount) / len(rules.ups))), rules.lot, ROUND_DOWN)
    # So it multiplies them.
    prices = [_to(Decimal(repr(float(row.open) * float(up))), rules.step, ROUND_HALF_UP) for up in rules.ups]
    amounts = [each] * (len(prices) - 1) + [amount - each * (len(prices) - 1)]
    value = amount * row.open
    money = value * (1 - rules.fee) if rules.is_short else -value * (1 + rules.fee)
    ladder = list(zip(prices, amounts, strict=True))
    held = Position(rules, number, row.open, amount, ladder, money, row.at_seconds, amount)
    held.debt_hours = _debt(held)
    _charge(held, row)
    return held


def _debt(held: Position) -> Decimal:
    """Return what is borrowed: coins of a short, money of a long."""
    if held.is_short:
        return held.left
    return held.left * held.price * (1 - 1 / held.rules.leverage)


def _charge(held: Position, row: Row) -> None:
    """Count the interest up to now; that of a short is in coins, and is valued at the price of now."""
    held.debt_hours += _debt(held) * (row.at_seconds // HOUR - held.at_seconds // HOUR)
    held.at_seconds = row.at_seconds
    total = held.debt_hours * (row.open if held.is_short else 1) * held.rules.daily / 24
    held.running = max(Decimal(0), total - held.interest)


def _go_on(held: Position, number: int, row: Row) -> None:
    rules, rests = held.rules, number > held.entered
    if rests and row.at_seconds % HOUR == 0:
        _charge(held, row)
    stop = _to(held.price * rules.stop, rules.step, ROUND_DOWN if held.is_short else ROUND_UP)
    if rests:
        _fill(held, number, row.open)
    if held.ended is not None:
        return
    leaves, enters = (row.leaves_short, row.enters_short) if held.is_short else (row.leaves, row.enters)
    is_stopped = row.high >= stop if held.is_short else row.low <= stop
    is_jumped = stop < row.low if held.is_short else stop > row.high
    if leaves and not enters:
        price, held.reason = row.open, "exit_signal"
    elif is_stopped:
        price, held.reason = (row.open if is_jumped else stop), "stop_loss"
    else:
        if rests:
            _fill(held, number, row.low if held.is_short else row.high)
        return
    _close(held, number, price, held.left)
    held.ended = number


def _fill(held: Position, number: int, reach: Decimal) -> None:
    while held.ladder:
        beyond = held.ladder[0][0] - reach if held.is_short else reach - held.ladder[0][0]
        if beyond < held.rules.step:
            return
        _close(held, number, *held.ladder.pop(0))
    held.ended, held.reason = number, "ladder"


def _close(held: Position, number: int, price: Decimal, amount: Decimal) -> None:
    held.fills.append((number, price, amount))
    held.left -= amount
    value, fee = amount * price, held.rules.fee
    held.money += -value * (1 + fee) if held.is_short else value * (1 - fee)
    held.interest, held.running = held.interest + held.running, Decimal(0)


def _to(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    return (value / step).quantize(Decimal(1), rounding=rounding) * step
