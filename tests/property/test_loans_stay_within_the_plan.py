"""Promise: what entries borrow exceeds the plan of the bot's trades by 2 % at most, and covers leave what they close.

For random accounts, trades, prices and debts of others, and for random lots, fees and amounts.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from types import SimpleNamespace
from typing import Any
from unittest import mock

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.compat import TemporaryError
from bitget_margin.freqtrade.config import LeverageSettings
from bitget_margin.freqtrade.covers import Covers
from bitget_margin.freqtrade.entry_loans import EntryLoans, EntryOrder, LoanKind
from bitget_margin.freqtrade.interest import InterestRates
from bitget_margin.freqtrade.ladder_spec import LadderStep, Limits
from support.botless import Messages
from support.margin_account import STAKE, TradingAccount, trading_account

BASES = ("BTC", "ETH")
SLACK = 1.02
QUOTE = 10_000.0
REL = 1e-9
PAIR = "BTC/USDT"

# -- what entries borrow ----------------------------------------------------------------------------------------------


@dataclass
class Bot:
    """Trades of a bot whose entries ask for their loans; the account lends what an order with a loan lacks."""

    trading: TradingAccount
    max_risk: float
    refusals: int = 0
    loans: int = 0
    decider: EntryLoans = field(init=False)

    def __post_init__(self) -> None:
        def level() -> float:
            return self.trading.account.risk(0.05, self.trading.account.prices)

        account: Any = SimpleNamespace(fresh=self.trading.books, stake_coin=STAKE)
        self.decider = EntryLoans(
            account=account,
            levels=SimpleNamespace(read=level),  # type: ignore[arg-type]
            settings=LeverageSettings(max=5.0, max_risk=self.max_risk),
            alerts=Messages(),  # type: ignore[arg-type]
        )

    def enter(self, base: str, value: float, leverage: float, *, is_short: bool) -> None:
        """Ask for an entry, and fill it if it may be placed."""
        known = self.trading.open.get(base)
        if known is not None:
            is_short, leverage = known.is_short, known.leverage
        account = self.trading.account
        price, coin = account.prices[base], base if is_short else STAKE
        order = EntryOrder(f"{base}/{STAKE}", base, is_short, value / price, price, leverage)
        before = account.debts[coin]
        try:
            loan = self.decider.decide(order)
        except TemporaryError:
            self.refusals += 1
            return
        assert math.isclose(loan.besides, account.net(base), abs_tol=REL * QUOTE)
        lends = max(0.0, (order.amount if is_short else value) - account.coins[coin])
        if loan.loan_type is LoanKind.NORMAL:
            assert lends <= REL * QUOTE, "without a loan, the venue would refuse it"
        self.trading.enter(base, value, leverage, is_short=is_short)
        if loan.loan_type is LoanKind.AUTO_LOAN:
            self.loans += 1
            planned = self.planned(coin)
            # The fee of an entry is taken from its coins, so the trade has less than was planned for it.
            most = planned * SLACK / (1 - account.fee) + REL * QUOTE
            assert account.debts[coin] <= most, (coin, before, account.debts[coin], planned)

    def planned(self, coin: str) -> float:
        """Return what the open trades may owe of a coin, computed apart from the plugin."""
        if coin == STAKE:
            longs = [trade for trade in self.trading.open.values() if not trade.is_short]
            return sum(trade.amount * trade.open_rate * (1 - 1 / trade.leverage) for trade in longs)
        return sum(trade.amount for trade in self.trading.open.values() if trade.is_short and trade.base == coin)


bases = st.sampled_from(BASES)
Step = Callable[[Bot], None]


def _enter(base: str, value: float, leverage: float, is_short: bool) -> Step:
    return lambda bot: bot.enter(base, value, leverage, is_short=is_short)


def _exit(base: str, part: float) -> Step:
    return lambda bot: bot.trading.exit(base, part) if base in bot.trading.open else None


def _move(base: str, factor: float) -> Step:
    def step(bot: Bot) -> None:
        bot.trading.account.prices[base] *= factor

    return step


def _charge(coin: str, rate: float) -> Step:
    return lambda bot: bot.trading.account.charge(coin, rate)


def _owe(coin: str, amount: float) -> Step:
    """Another program borrows, and takes the coins away or keeps them."""

    def step(bot: Bot) -> None:
        bot.trading.account.debts[coin] += amount

    return step


def _take(share: float) -> Step:
    def step(bot: Bot) -> None:
        bot.trading.account.coins[STAKE] *= share

    return step


entries = st.builds(_enter, bases, st.floats(10, 25_000), st.sampled_from([1.0, 1.5, 2.0, 3.0, 5.0]), st.booleans())
steps = st.one_of(
    entries,
    entries,
    entries,
    st.builds(_exit, bases, st.sampled_from([0.3, 0.7, 1.0])),
    st.builds(_move, bases, st.floats(0.8, 1.25)),
    st.builds(_charge, st.sampled_from((*BASES, STAKE)), st.floats(0, 0.01)),
    st.builds(_owe, st.sampled_from((*BASES, STAKE)), st.floats(0, 50)),
    st.builds(_take, st.floats(0.5, 1.0)),
)


@settings(deadline=None)
@given(
    st.lists(steps, min_size=1, max_size=12),
    st.fixed_dictionaries({base: st.floats(0.5, 50_000) for base in BASES}),
    st.dictionaries(bases, st.floats(0, 0.1), max_size=2),
    st.sampled_from([0.0, 0.001]),
    st.sampled_from([0.5, 10.0]),
)
def test_no_debt_grows_beyond_the_plan_by_an_entry(
    done: Sequence[Step], prices: dict[str, float], own: dict[str, float], fee: float, max_risk: float
) -> None:
    bot = Bot(trading_account(QUOTE, prices, own=own, fee=fee), max_risk)
    for step in done:
        step(bot)
    event(f"loans: {bool(bot.loans)}, refusals: {bool(bot.refusals)}")


# -- what covers buy --------------------------------------------------------------------------------------------------


class Rules:
    """Rules of a pair with these lots and this fee, computed in decimals."""

    def __init__(self, lot: Decimal, fee: float) -> None:
        self.markets = {PAIR: {"base": "BTC", "quote": "USDT"}}
        self.lot, self.fee = lot, fee

    def amount_to_precision(self, _pair: str, amount: float) -> float:
        """Cut to lots."""
        return float((Decimal(repr(amount)) / self.lot).to_integral_value(ROUND_DOWN) * self.lot)

    def get_precision_amount(self, _pair: str) -> float:
        """Return the lot."""
        return float(self.lot)

    def get_fee(self, *, symbol: str, taker_or_maker: str) -> float:
        """Return the fee."""
        assert (symbol, taker_or_maker in {"maker", "taker"}) == (PAIR, True)
        return self.fee


lots = st.sampled_from(["0.00000001", "0.000001", "0.0001", "0.01", "0.1", "1", "5", "1000"]).map(Decimal)
fees = st.one_of(st.sampled_from([0.0, 0.0002, 0.0008, 0.001, 0.002]), st.floats(0, 0.01))
counts = st.integers(1, 10**8)
covers_of = st.builds(lambda lot, fee: Covers(rules=Rules(lot, fee), rates=InterestRates({}, 0.0002)), lots, fees)


def open_short() -> Any:
    """Return the context in which a short is open whose fees are paid in the quote coin."""
    return mock.patch.object(trade_rows, "open_trade", return_value=SimpleNamespace(fee_open_currency="USDT"))


def assert_leaves(rules: Any, sent: float, net: float) -> None:
    """Compare what is sent: whole lots, which leave the net amount after the fee, and less than a lot more."""
    exact, lot = Decimal(repr(sent)), rules.lot
    assert exact % lot == 0
    kept = exact * (1 - Decimal(repr(rules.fee)))
    assert kept >= Decimal(repr(net)) * (1 - Decimal("2e-9"))
    assert kept < Decimal(repr(net)) * (1 + Decimal("2e-9")) + lot


@settings(deadline=None)
@given(covers_of, counts, st.floats(0.0, 1.0), st.booleans())
def test_a_cover_leaves_what_it_closes_and_less_than_a_lot_more(
    covers: Covers, count: int, part: float, is_taker: bool
) -> None:
    rules: Any = covers.rules
    net = float((Decimal(count) + Decimal(str(part))) * rules.lot)
    with open_short():
        assert_leaves(rules, covers.sent(PAIR, net, is_taker=is_taker), net)


@settings(deadline=None)
@given(covers_of, counts, st.one_of(st.none(), st.floats(0.98, 1.1)), st.booleans())
def test_an_exit_of_a_short_buys_what_is_owed_up_to_two_percent(
    covers: Covers, count: int, ratio: float | None, is_taker: bool
) -> None:
    rules: Any = covers.rules
    net = float(Decimal(count) * rules.lot)
    owed = None if ratio is None else net * ratio
    with open_short():
        sent = covers.for_exit(PAIR, net, owed, is_taker=is_taker)
        least = net if owed is None else min(owed, net * 1.02)
        hour = 0.0 if is_taker or owed is None else net * 0.0002 / 24
        assert covers.sent(PAIR, least, is_taker=is_taker) <= sent
        assert sent <= covers.sent(PAIR, min(least + hour, net * 1.02) * (1 + REL), is_taker=is_taker)


@settings(deadline=None)
@given(covers_of, st.lists(st.integers(1, 10**6), min_size=1, max_size=20), st.data())
def test_the_covers_of_a_ladder_add_up_to_the_cover_of_their_sum(
    covers: Covers, amounts: list[int], data: st.DataObject
) -> None:
    """However many orders it has; each first ones leave what they close, too."""
    rules: Any = covers.rules
    others = data.draw(st.lists(st.booleans(), min_size=len(amounts), max_size=len(amounts)))
    assume(not all(others))
    steps = [
        LadderStep("sell" if other else "buy", 100.0, float(Decimal(count) * rules.lot))
        for count, other in zip(amounts, others, strict=True)
    ]

    def unused() -> float:
        raise AssertionError

    limits = Limits(
        pair=PAIR,
        max_orders=50,
        has=0.0,
        sellable=0.0,
        spendable=unused,
        min_amount=None,
        min_cost=None,
        to_amount=lambda amount: rules.amount_to_precision(PAIR, amount),
        to_price=lambda price: price,
        exit_side="buy",
        to_sent=lambda net: covers.sent(PAIR, net),
    )
    with open_short():
        sent = limits.sent_of(steps)
    asked = covered = Decimal(0)
    for step, amount in zip(steps, sent, strict=True):
        assert (amount is None) is (step.side == "sell")
        if amount is not None:
            asked, covered = asked + Decimal(repr(amount)), covered + Decimal(repr(step.amount))
            assert_leaves(rules, float(asked), float(covered))
