"""Promise: the margin and the unrealized profit are the worth of the account, and liquidation prices are where it ends.

For any trades: longs with leverage, shorts, additions, partial exits, fees, interest, and fills that are not booked.
"""

from collections.abc import Callable
from math import isclose

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bitget_margin.freqtrade.positions import MarginBooks, planned_liquidation_price
from support.margin_account import STAKE, TradingAccount, trading_account

BASES = ("BTC", "ETH", "SOL")
RATE = 0.05
REL = 1e-9
QUOTE = 10_000.0
Step = Callable[[TradingAccount], None]

bases = st.sampled_from(BASES)
parts = st.floats(0.05, 0.95)
values = st.floats(10, 5_000)


def _enter(base: str, value: float, leverage: float, is_short: bool) -> Step:
    return lambda trading: trading.enter(base, value, leverage, is_short=is_short)


def _exit(base: str, part: float) -> Step:
    return lambda trading: trading.exit(base, part) if base in trading.open else None


def _move(base: str, factor: float) -> Step:
    def step(trading: TradingAccount) -> None:
        trading.account.prices[base] *= factor

    return step


def _charge(coin: str, rate: float) -> Step:
    return lambda trading: trading.account.charge(coin, rate)


entries = st.builds(_enter, bases, values, st.floats(1, 5), st.booleans())
steps = st.one_of(
    entries,
    entries,
    st.builds(_exit, bases, parts),
    st.builds(_exit, bases, st.just(1.0)),
    st.builds(_move, bases, st.floats(0.7, 1.4)),
    st.builds(_charge, st.sampled_from((*BASES, STAKE)), st.floats(0, 0.01)),
)
prices = st.fixed_dictionaries({base: st.floats(0.5, 50_000) for base in BASES})


@st.composite
def traded(draw: st.DrawFn, *, costs: bool = True) -> TradingAccount:
    """Return an account after any number of steps."""
    own = draw(st.dictionaries(bases, st.floats(0, 0.1), max_size=2)) if costs else {}
    trading = trading_account(QUOTE, draw(prices), own=own, fee=draw(st.sampled_from([0.0, 0.001])) if costs else 0.0)
    for step in draw(st.lists(steps if costs else entries, max_size=12)):
        step(trading)
    return trading


def gross(trading: TradingAccount) -> float:
    """Return the sum of all values, by which float errors grow."""
    account = trading.account
    values = [(account.coins[coin] + account.debts[coin]) * account.prices.get(coin, 1.0) for coin in account.coins]
    opened = [trade.amount * trade.open_rate for trade in trading.open.values()]
    return QUOTE + sum(values) + sum(opened)


def assert_adds_up(trading: TradingAccount) -> None:
    books = trading.books()
    shown = books.balances()
    others = sum(row["total"] * trading.account.prices[coin] for coin, row in shown.items() if coin != STAKE)
    found = books.wallet() + trading.unrealized() + trading.owners() + others
    assert isclose(found, trading.account.worth(), abs_tol=REL * gross(trading))
    assert isclose(books.equity(), trading.account.worth(), abs_tol=REL * gross(trading))
    assert not shown.keys() & {trade.base for trade in trading.open.values()}
    assert shown[STAKE]["total"] == books.wallet()
    stakes = sum(trade.stake + trade.pending for trade in trading.open.values())
    assert isclose(shown[STAKE]["free"], books.wallet() - stakes, abs_tol=REL * gross(trading))


@settings(deadline=None)
@given(traded())
def test_margin_and_unrealized_profit_are_the_worth_of_the_account(trading: TradingAccount) -> None:
    assert_adds_up(trading)


@settings(deadline=None)
@given(traded(), values, parts)
def test_fills_that_are_not_booked_yet_are_in_the_margin(trading: TradingAccount, value: float, part: float) -> None:
    assume(trading.open)
    base = next(iter(trading.open))
    trading.enter_unbooked(base, value, part)
    assert_adds_up(trading)
    trading.account.prices[base] *= 1.1
    assert_adds_up(trading)


@settings(deadline=None)
@given(traded(), parts)
def test_an_exit_that_is_not_booked_yet_is_in_the_margin(trading: TradingAccount, part: float) -> None:
    assume(trading.open)
    base = next(iter(trading.open))
    amount = trading.open[base].amount
    trading.exit(base, part, booked=False)
    trading.account.prices[base] *= 0.9
    assert_adds_up(trading)
    (size,) = [row["contracts"] for row in positions(trading) if row["symbol"].startswith(base)]
    # What is owed besides may hide a small part of it.
    assert size <= amount
    if part > 0.1:
        assert size < amount


def positions(trading: TradingAccount) -> list[dict[str, object]]:
    return trading.books().positions(RATE, trading.account.worth())


@settings(deadline=None)
@given(traded())
def test_a_liquidation_price_is_where_the_maintenance_margin_is_reached(trading: TradingAccount) -> None:
    account = trading.account
    assume(account.risk(RATE, account.prices) < 1)
    for position in positions(trading):
        base = str(position["symbol"]).partition("/")[0]
        price = position["liquidationPrice"]
        assert isinstance(price, float)
        now = account.prices[base]
        is_short = position["side"] == "short"

        def worth_at(at: float, base: str = base) -> float:
            return account.worth({**account.prices, base: at})

        def room_at(at: float, base: str = base) -> float:
            owed = sum(
                debt * (at if coin == base else account.prices.get(coin, 1.0)) for coin, debt in account.debts.items()
            )
            return worth_at(at, base) - RATE * owed

        if price == 0.0:
            # It gets no worse by a move of this price against the trade, or not enough until the coin is worth nothing.
            assert room_at(now * 1e6 if is_short else 0.0) >= -REL * gross(trading) * (1e6 if is_short else 1)
            continue
        assert (price > now) is is_short
        size = gross(trading) * max(1.0, price / now)
        assert isclose(room_at(price), 0.0, abs_tol=1e-8 * size)
        assert worth_at(price) >= -1e-8 * size, "on the safe side: debts are still covered"
        assert room_at(now + (price - now) * 0.99) > -1e-8 * size


@settings(deadline=None)
@given(traded(costs=False))
def test_the_planned_liquidation_price_is_that_of_the_account(trading: TradingAccount) -> None:
    """Without fees, interest and moved prices, freqtrade's books alone say as much as the account."""
    assume(trading.account.risk(RATE, trading.account.prices) < 1)
    trades = list(trading.open.values())
    books: MarginBooks = trading.books()
    for trade, position in zip(trades, positions(trading), strict=True):
        planned = planned_liquidation_price(trades, trade, books.wallet(), RATE)
        assert planned == pytest.approx(position["liquidationPrice"], rel=1e-6, abs=1e-6 * trade.open_rate)
        others = [known for known in trades if known is not trade]
        assert planned_liquidation_price(others, trade, books.wallet(), RATE) == pytest.approx(planned)
