"""freqtrade's books held against the venue's own numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isclose
from typing import Any, Final

from bitget_margin.cli.demo.bot_process import Bot
from bitget_margin.cli.demo.request_log import What, what
from bitget_margin.emulator import Emulator, Order, Symbol

_AVERAGE_MAX: Final = 1e-12
"""What an average may be off by, of itself: the rounding of a float."""
_PROFIT_MAX: Final = 1e-5
"""What the profit may be off by, of the stake: freqtrade's way to count the fee of a buy is off by its square."""


@dataclass(frozen=True, slots=True)
class Truth:
    """The venue's numbers at the end, of an account that began without base coins."""

    orders: tuple[Order, ...]
    sent: tuple[What, ...]
    """The requests that placed or cancelled something, oldest first."""
    base: Decimal
    """Base coins in the wallet."""
    gained: Decimal
    """Quote coins in the wallet, above those of the start."""
    lot: Decimal
    """The smallest step of an amount."""


@dataclass(frozen=True, slots=True)
class Line:
    """One order on both sides; `books` None where freqtrade does not know it."""

    books: Entry | None
    venue: Order
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """Something that has to hold for the trade as a whole, said with the numbers of both sides."""

    text: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of it."""

    lines: tuple[Line, ...]
    checks: tuple[Check, ...]

    @property
    def faults(self) -> tuple[str, ...]:
        """Every difference."""
        of_lines = (fault for line in self.lines for fault in line.faults)
        return (*of_lines, *(check.text for check in self.checks if not check.holds))


def look(venue: Emulator, market: Symbol, funds: str) -> Truth:
    """Return the venue's numbers of its one account, which traded one market and began with these quote coins."""
    (account,) = venue.accounts
    wallet = {coin: balance.available + balance.frozen for coin, balance in venue.balances(account.uid).items()}
    return Truth(
        orders=tuple(venue.orders(account.uid)),
        sent=tuple(asked for record in venue.requests if record.uid and (asked := what(record)) is not None),
        base=wallet.get(market.base, Decimal(0)),
        gained=wallet[market.quote] - Decimal(funds),
        lot=Decimal(1).scaleb(-market.quantity_precision),
    )


def compare(books: Books, truth: Truth) -> Comparison:
    """Return every order side by side, and what holds for the whole."""
    lines = tuple(_line(books, order) for order in truth.orders)
    return Comparison(lines, tuple(_checks(books, truth)))


def _line(books: Books, order: Order) -> Line:
    own, resting = books.own.get(order.order_id), books.resting.get(order.order_id)
    faults: list[str] = []
    if own is None and (order.filled or resting is None):
        faults.append(f"order {order.order_id} is not among freqtrade's orders")
    for entry in (own, resting):
        if entry is not None:
            faults += _differences(entry, order)
    return Line(own or resting, order, tuple(faults))


def _differences(entry: Entry, order: Order) -> Iterator[str]:
    about = f"order {order.order_id} ({entry.name})"
    if entry.side != order.side.value:
        yield f"{about}: freqtrade has a {entry.side}, the venue a {order.side.value}"
    if entry.filled != float(order.filled):
        yield f"{about}: freqtrade has {entry.filled!r} filled, the venue {order.filled}"
    average = float(order.quote_filled / order.filled) if order.filled else None
    same = entry.average == average or (
        entry.average is not None and average is not None and isclose(entry.average, average, rel_tol=_AVERAGE_MAX)
    )
    if not same:
        yield f"{about}: freqtrade has the average {entry.average!r}, the venue {average!r}"


def _checks(books: Books, truth: Truth) -> Iterator[Check]:
    yield Check("the trade is closed" if not books.open else "the trade is still open", not books.open)
    strangers = sorted({*books.own, *books.resting} - {order.order_id for order in truth.orders})
    if strangers:
        yield Check(f"freqtrade has orders that the venue does not know: {', '.join(strangers)}", holds=False)
    yield _amounts(books, truth)
    gained = float(truth.gained)
    yield Check(
        f"realised profit: freqtrade has {books.profit:+.6f}, the venue's wallet {gained:+.6f} USDT",
        abs(books.profit - gained) <= _PROFIT_MAX * books.stake,
    )
    live = [order.order_id for order in truth.orders if order.live]
    yield Check(f"live orders left on the venue: {', '.join(live) or 'none'}", not live)
    yield _requests(truth.sent)


def _amounts(books: Books, truth: Truth) -> Check:
    """Whether both sides have sold what was bought, but for the fee and what is less than a lot."""
    entries = books.own.values()
    bought = _exact_sum(entry.filled for entry in entries if entry.side == "buy")
    fee = _exact_sum(entry.fee_base for entry in entries)
    sold = _exact_sum(entry.filled for entry in entries if entry.side == "sell")
    shown = [f"{float(amount):.10g}" for amount in (sold, bought, fee, truth.base)]
    return Check(
        "sold: {} of {} bought, fee {}; the venue's wallet has {} left".format(*shown),
        abs(bought - fee - sold) < truth.lot and 0 <= truth.base < truth.lot,
    )


def _exact_sum(amounts: Iterable[float]) -> Decimal:
    """Return the sum of amounts as they are written: what floats add up to may be just below a whole lot."""
    return sum((Decimal(repr(amount)) for amount in amounts), Decimal(0))


def _requests(sent: Sequence[What]) -> Check:
    """Whether one request placed the ladder, and one cancelled it, before the exit order was placed."""
    cancels = [asked for asked in sent if asked in {What.CANCEL, What.BATCH}]
    last = max((i for i, asked in enumerate(sent) if asked is What.PLACE), default=-1)
    holds = cancels == [What.BATCH] and sent.index(What.BATCH) < last and sent.count(What.LADDER) == 1
    return Check(f"requests, in order: {', '.join(asked.value for asked in sent)}", holds)


@dataclass(frozen=True, slots=True)
class Entry:
    """An order as the books have it; amounts in base coins, `average` None while nothing is filled."""

    name: str
    side: str
    filled: float
    average: float | None
    fee_base: float = 0.0


@dataclass(frozen=True, slots=True)
class Books:
    """The books of one trade; orders by the venue's id."""

    open: bool
    profit: float
    stake: float
    own: Mapping[str, Entry]
    """freqtrade's table of orders: its entry and exit, and every resting order that has filled."""
    resting: Mapping[str, Entry]
    """Our table of resting orders, in freqtrade's database."""


def read(bot: Bot) -> Books:
    """Return the books of the bot's trade."""
    (trade,) = bot.rows("select * from trades")
    rungs = bot.rows("select * from bitget_margin_orders where kind = 'rung' order by number")
    names = {_id(rung): f"rung {rung['number'] + 1}" for rung in rungs}
    orders = bot.rows("select * from orders where ft_trade_id = ? order by id", trade["id"])
    return Books(
        open=bool(trade["is_open"]),
        profit=float(trade["close_profit_abs"] or 0.0),
        stake=float(trade["max_stake_amount"] or 0.0),
        own={row["order_id"]: _entry(row, row["ft_order_side"], names.get(row["order_id"])) for row in orders},
        resting={_id(row): _entry(row, row["side"], names[_id(row)]) for row in rungs},
    )


def _id(rung: Mapping[str, Any]) -> str:
    """Return the venue's id of a resting order; one that was refused has none."""
    return str(rung["order_id"] or rung["client_id"])


def _entry(row: Mapping[str, Any], side: str, name: str | None) -> Entry:
    filled, average = float(row["filled"] or 0.0), row["average"]
    return Entry(
        name=name or ("entry" if side == "buy" else "exit"),
        side=side,
        filled=filled,
        average=float(average) if filled and average is not None else None,
        fee_base=float(row.get("ft_fee_base") or 0.0),
    )
