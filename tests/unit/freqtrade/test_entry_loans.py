"""Promise: an entry borrows what it lacks, if the bot's own trades explain the debt, and never near a liquidation."""

from types import SimpleNamespace
from typing import Any

import pytest

from bitget_margin.freqtrade.compat import TemporaryError
from bitget_margin.freqtrade.config import LeverageSettings
from bitget_margin.freqtrade.entry_loans import EntryLoan, EntryLoans, EntryOrder, LoanKind
from support.borrowing import Borrower, coin, position
from support.botless import Messages

LONG = EntryOrder("BTC/USDT", "BTC", is_short=False, amount=150.0, price=100.0, leverage=3.0)
"""15,000 USDT, of which 10,000 may be borrowed."""
SHORT = EntryOrder("BTC/USDT", "BTC", is_short=True, amount=50.0, price=100.0, leverage=2.0)


class Stand(Borrower):
    """An account with the decision on loans; the venue shows the margin level that a test sets."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.level: float | None = 0.01
        self.levels_read = 0
        self.alerts: Any = Messages()
        self.loans = EntryLoans(
            account=self.account,
            levels=SimpleNamespace(read=self.read_level),  # type: ignore[arg-type]
            settings=LeverageSettings(max=3.0, max_risk=0.5, maintenance_rate=0.05),
            alerts=self.alerts,
            clock=self.clock,
        )

    def read_level(self) -> float | None:
        self.levels_read += 1
        return self.level

    def refusal(self, entry: EntryOrder = LONG) -> str:
        """Return why an entry is refused."""
        with pytest.raises(TemporaryError) as raised:
            self.loans.decide(entry)
        return str(raised.value)


@pytest.fixture
def bot(monkeypatch: pytest.MonkeyPatch) -> Stand:
    made = Stand()
    made.patch(monkeypatch)
    return made


def changed(entry: EntryOrder, **fields: Any) -> EntryOrder:
    """Return an entry with other values."""
    names = ("pair", "base", "is_short", "amount", "price", "leverage")
    return EntryOrder(**{name: getattr(entry, name) for name in names} | fields)


# -- what lacks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("balance", "entry", "expected"),
    [
        ({"USDT": coin(15_000.0)}, LONG, EntryLoan(LoanKind.NORMAL, 0.0)),
        ({"USDT": coin(14_999.99)}, LONG, EntryLoan(LoanKind.AUTO_LOAN, 0.0)),
        ({"USDT": coin(99_000.0), "BTC": coin(50.0)}, SHORT, EntryLoan(LoanKind.NORMAL, 50.0)),
        ({"USDT": coin(99_000.0), "BTC": coin(49.9)}, SHORT, EntryLoan(LoanKind.AUTO_LOAN, 49.9)),
        ({"USDT": coin(99_000.0)}, SHORT, EntryLoan(LoanKind.AUTO_LOAN, 0.0)),
        ({"USDT": coin(20_000.0, free=14_000.0)}, LONG, EntryLoan(LoanKind.AUTO_LOAN, 0.0)),
        ({"USDT": coin(99_000.0), "BTC": coin(0.5, debt=0.75)}, LONG, EntryLoan(LoanKind.NORMAL, -0.25)),
    ],
    ids=["enough", "a cent lacks", "coins", "some coins", "no coins", "frozen by orders", "dust that is owed"],
)
def test_an_entry_borrows_if_coins_lack(bot: Stand, balance: Any, entry: EntryOrder, expected: EntryLoan) -> None:
    """The coins of the base that were there before are the owner's."""
    bot.balance = balance
    assert bot.loans.decide(entry) == expected


def test_what_is_there_is_read_for_each_entry(bot: Stand) -> None:
    """An entry of a moment ago has used it up."""
    bot.balance = {"USDT": coin(15_000.0)}
    bot.loans.decide(LONG)
    bot.balance = {"USDT": coin(0.0, debt=10_000.0)}
    assert "it would borrow 15000 USDT on top of the 10000" in bot.refusal()
    bot.error = TemporaryError("no answer")
    assert bot.refusal() == "no answer", "and where it cannot be read, nothing is placed"


def test_an_entry_that_lacks_nothing_asks_for_no_margin_level(bot: Stand) -> None:
    bot.balance = {"USDT": coin(15_000.0)}
    bot.level = 0.99
    assert bot.loans.decide(LONG).loan_type is LoanKind.NORMAL
    assert bot.levels_read == 0


# -- debts that the trades explain ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("free", "is_allowed"), [(4_800.0, True), (4_799.9, False)])
def test_a_long_borrows_the_planned_part_of_its_cost_and_two_percent(bot: Stand, free: float, is_allowed: bool) -> None:
    bot.balance = {"USDT": coin(free)}
    if is_allowed:
        assert bot.loans.decide(LONG).loan_type is LoanKind.AUTO_LOAN
        return
    assert bot.refusal() == (
        "Entry on BTC/USDT: it would borrow 10200.1 USDT on top of the 0 that are owed, and the leverage of this bot's "
        "trades explains 10000. Nothing is placed: another program uses the account, or coins are missing."
    )


def test_a_long_without_leverage_never_borrows(bot: Stand) -> None:
    bot.balance = {"USDT": coin(14_999.0)}
    assert "it would borrow 1 USDT on top of the 0" in bot.refusal(changed(LONG, leverage=1.0))


@pytest.mark.parametrize(
    ("trades", "is_allowed"),
    [
        ([], False),
        ([position("ETH/USDT", stake=4_000.0)], True),
        ([position("ETH/USDT", stake=4_000.0, leverage=1.0)], False),
        ([position("ETH/USDT", stake=4_000.0, short=True)], False),
        ([position("ETH/USDT", stake=4_000.0, is_open=False)], False),
        ([position("ETH/USDT", stake=3_900.0), position("SOL/USDT", stake=100.0)], True),
    ],
    ids=["none", "leveraged", "1x", "short", "closed", "two"],
)
def test_a_debt_is_explained_by_leveraged_longs_that_are_open(bot: Stand, trades: Any, is_allowed: bool) -> None:
    """8,000 USDT are owed; trades of 12,000 at leverage 3 plan as many."""
    bot.balance, bot.trades = {"USDT": coin(5_000.0, debt=8_000.0)}, trades
    if is_allowed:
        assert bot.loans.decide(LONG).loan_type is LoanKind.AUTO_LOAN
    else:
        assert "on top of the 8000 that are owed" in bot.refusal()


@pytest.mark.parametrize(
    ("trades", "owed", "is_allowed"),
    [
        ([], 0.0, True),
        ([], 0.9, True),
        ([], 1.1, False),
        ([position("BTC/USDT", short=True, amount=20.0)], 20.9, True),
        ([position("BTC/USDT", short=True, amount=20.0)], 21.5, False),
        ([position("ETH/USDT", short=True, amount=20.0)], 20.0, False),
        ([position("BTC/USDT", amount=20.0)], 20.0, False),
    ],
    ids=["first", "2 %", "too much", "addition", "an addition too much", "another coin", "a long"],
)
def test_a_short_borrows_its_coins_and_no_trade_of_another_coin_explains_more(
    bot: Stand, trades: Any, owed: float, is_allowed: bool
) -> None:
    bot.balance, bot.trades, bot.level = {"USDT": coin(50_000.0), "BTC": coin(0.0, debt=owed)}, trades, 0.001
    if is_allowed:
        assert bot.loans.decide(SHORT).loan_type is LoanKind.AUTO_LOAN
    else:
        assert f"it would borrow 50 BTC on top of the {owed:g} that are owed" in bot.refusal(SHORT)


def test_a_coin_that_is_not_listed_is_not_owed(bot: Stand) -> None:
    bot.balance = {"USDT": coin(50_000.0)}
    assert bot.loans.decide(changed(SHORT, amount=10.0)).loan_type is LoanKind.AUTO_LOAN


def test_entries_under_way_explain_their_part(bot: Stand) -> None:
    """Two entries of one loop: the first has borrowed, and freqtrade has not booked its fill."""
    waiting = position("ETH/USDT", stake=4_000.0)
    (order,) = waiting.orders
    order.ft_is_open, order.status, order.filled = True, "open", 0.0
    bot.balance, bot.trades = {"USDT": coin(5_000.0, debt=8_000.0)}, [waiting]
    assert bot.loans.decide(LONG).loan_type is LoanKind.AUTO_LOAN


# -- the margin level -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("level", "is_allowed"), [(0.25, True), (0.2501, False)])
def test_the_level_of_the_venue_grows_with_the_debts(bot: Stand, level: float, is_allowed: bool) -> None:
    """From 8,000 to 16,000 USDT that are owed: 0.25 becomes 0.5."""
    bot.balance = {"USDT": coin(7_000.0, debt=8_000.0), "ETH": coin(1_200.0)}
    bot.trades, bot.level = [position("ETH/USDT", stake=4_000.0, amount=1_200.0, open_rate=10.0)], level
    if is_allowed:
        assert bot.loans.decide(LONG).loan_type is LoanKind.AUTO_LOAN
        return
    assert bot.refusal() == (
        "Entry on BTC/USDT: the margin level of the account would be 0.500 (1 is liquidated), above "
        '"bitget_margin.leverage.max_risk" 0.5. Nothing is placed.'
    )


@pytest.mark.parametrize("level", [None, 0.0])
def test_without_a_level_the_maintenance_margin_counts(bot: Stand, level: float | None) -> None:
    """10,000 USDT borrowed on 1,000 of equity, at 5 %."""
    bot.level, bot.balance = level, {"USDT": coin(5_000.0, debt=4_000.0)}
    bot.trades = [position("ETH/USDT", stake=4_000.0)]
    assert "would be 0.700 (1 is liquidated)" in bot.refusal()
    bot.balance = {"USDT": coin(6_000.0)}
    bot.trades = []
    assert bot.loans.decide(LONG).loan_type is LoanKind.AUTO_LOAN
    bot.balance = {"USDT": coin(5_000.0, debt=5_000.0), "ETH": coin(0.0, debt=1.0)}
    bot.trades = [position("ETH/USDT", stake=4_000.0)]
    assert "would be inf" in bot.refusal(), "nothing is worth less than nothing"


def test_a_small_debt_has_a_level_too(bot: Stand) -> None:
    bot.level, bot.balance = 0.001, {"USDT": coin(6_000.0, debt=0.5)}
    assert "would be 18.001" in bot.refusal()


@pytest.mark.parametrize("equity", [0.0, -1.0])
def test_an_account_that_is_worth_nothing_borrows_nothing(bot: Stand, equity: float) -> None:
    bot.level, bot.trades = None, [position("ETH/USDT", stake=4_000.0)]
    bot.balance = {"USDT": coin(5_000.0, debt=5_000.0 - equity)}
    assert "would be inf" in bot.refusal()


def test_a_short_s_loan_counts_at_its_price(bot: Stand) -> None:
    bot.level, bot.balance = 0.3, {"USDT": coin(15_000.0), "ETH": coin(0.0, debt=500.0)}
    assert "would be 0.600" in bot.refusal(SHORT)
    bot.level = 0.2
    assert bot.loans.decide(SHORT).loan_type is LoanKind.AUTO_LOAN


# -- refusals of the venue --------------------------------------------------------------------------------------------


def test_a_pair_whose_loan_was_refused_pauses_for_a_minute(bot: Stand) -> None:
    bot.balance = {"USDT": coin(6_000.0)}
    bot.loans.note_refusal(LONG, ValueError("43012 not enough to lend"))
    ((text, about),) = bot.alerts.warnings
    assert "The venue has refused an entry on BTC/USDT that would have borrowed USDT: 43012 not enough" in text
    assert about == "loan BTC/USDT"
    bot.seconds += 59.0
    assert bot.refusal() == "Entry on BTC/USDT: the venue has refused its loan; it is tried again in 1 s."
    assert bot.loans.decide(changed(LONG, pair="ETH/USDT", base="ETH")).loan_type is LoanKind.AUTO_LOAN
    bot.balance["USDT"] = coin(15_000.0)
    assert bot.loans.decide(LONG).loan_type is LoanKind.NORMAL, "without a loan, there is no pause"
    bot.balance["USDT"] = coin(6_000.0)
    bot.seconds += 1.0
    assert bot.loans.decide(LONG).loan_type is LoanKind.AUTO_LOAN
    bot.loans.note_refusal(SHORT, ValueError("x"))
    assert "would have borrowed BTC" in bot.alerts.texts


def test_the_position_of_an_entry_alone_has_its_stake() -> None:
    planned = LONG.planned
    assert (planned.stake, planned.value, planned.pending, planned.coming) == (5_000.0, 15_000.0, 0.0, 0.0)
    assert not planned.is_short
    assert SHORT.planned.is_short
