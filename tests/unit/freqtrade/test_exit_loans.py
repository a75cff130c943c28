"""Promise: orders that close a position pay back what is owed, and always leave."""

from typing import Any

import pytest

from bitget_margin.freqtrade.entry_loans import LoanKind
from bitget_margin.freqtrade.exit_loans import ExitLoans
from support.borrowing import Borrower, coin, position

LONG, SHORT, PLAIN = position("BTC/USDT"), position("BTC/USDT", short=True), position("BTC/USDT", leverage=1.0)
OWING = {"USDT": coin(100.0, debt=8_000.0)}


@pytest.fixture
def bot(monkeypatch: pytest.MonkeyPatch) -> Borrower:
    made = Borrower()
    made.patch(monkeypatch)
    return made


@pytest.mark.parametrize("trade", [LONG, PLAIN, None])
@pytest.mark.parametrize(
    ("balance", "expected"),
    [
        (OWING, LoanKind.AUTO_REPAY),
        ({"USDT": coin(100.0, debt=0.01)}, LoanKind.AUTO_REPAY),
        ({"USDT": coin(100.0)}, LoanKind.NORMAL),
        ({"BTC": coin(30.0)}, LoanKind.NORMAL),
    ],
)
def test_a_sale_repays_where_the_stake_coin_is_owed(
    bot: Borrower, trade: Any, balance: Any, expected: LoanKind
) -> None:
    """As the last reading says, also if an order was placed since: an open exit that is replaced has ended it."""
    bot.account.note(balance)
    assert ExitLoans(bot.account).of_sale(trade) is expected
    bot.account.forget()
    bot.seconds += 10.0
    assert ExitLoans(bot.account).of_sale(trade) is expected
    assert bot.readings == 0


@pytest.mark.parametrize(
    ("trade", "expected"), [(LONG, LoanKind.AUTO_REPAY), (PLAIN, LoanKind.NORMAL), (None, LoanKind.NORMAL)]
)
def test_without_a_reading_only_the_sale_of_a_leveraged_trade_repays(
    bot: Borrower, trade: Any, expected: LoanKind
) -> None:
    """Whether the venue takes such an order where nothing is owed is not known, and a stop-loss has to leave."""
    assert ExitLoans(bot.account).of_sale(trade) is expected
    bot.account.note(OWING if trade is not LONG else {"USDT": coin(1.0)})
    bot.seconds += 10.1
    assert ExitLoans(bot.account).of_sale(trade) is expected


@pytest.mark.parametrize(("free", "expected"), [(500.0, LoanKind.AUTO_REPAY), (499.9, LoanKind.AUTO_LOAN_AND_REPAY)])
def test_a_cover_borrows_the_quote_coins_that_lack(bot: Borrower, free: float, expected: LoanKind) -> None:
    bot.account.note({"USDT": coin(9_000.0, free=free)})
    assert ExitLoans(bot.account).of_cover(500.0) is expected


def test_a_cover_borrows_where_the_quote_coin_is_not_listed(bot: Borrower) -> None:
    bot.account.note({"BTC": coin(1.0)})
    assert ExitLoans(bot.account).of_cover(0.5) is LoanKind.AUTO_LOAN_AND_REPAY


def test_a_cover_goes_by_a_current_reading_alone(bot: Borrower) -> None:
    """An entry may have used the money up since: a cover that does not borrow would be refused."""
    loans = ExitLoans(bot.account)
    assert loans.of_cover(500.0) is LoanKind.AUTO_LOAN_AND_REPAY
    bot.account.note({"USDT": coin(9_000.0)})
    bot.account.forget()
    assert loans.of_cover(500.0) is LoanKind.AUTO_LOAN_AND_REPAY
    bot.account.note({"USDT": coin(9_000.0)})
    bot.seconds += 10.1
    assert loans.of_cover(500.0) is LoanKind.AUTO_LOAN_AND_REPAY


@pytest.mark.parametrize(
    ("trade", "balance", "expected"),
    [
        (PLAIN, OWING, None),
        (LONG, OWING, LoanKind.AUTO_REPAY),
        (LONG, {"USDT": coin(1.0)}, LoanKind.NORMAL),
        (LONG, None, LoanKind.AUTO_REPAY),
        (SHORT, OWING, LoanKind.NORMAL),
        (SHORT, {"BTC": coin(0.0, debt=1.0)}, LoanKind.AUTO_REPAY),
        (SHORT, None, LoanKind.AUTO_REPAY),
    ],
)
def test_resting_orders_repay_what_their_trade_owes_and_never_borrow(
    bot: Borrower, trade: Any, balance: Any, expected: LoanKind | None
) -> None:
    if balance is not None:
        bot.account.note(balance)
    assert ExitLoans(bot.account).of_resting(trade, "BTC") is expected


def test_orders_of_a_unified_account_have_no_loan_type(bot: Borrower) -> None:
    """They borrow and repay by themselves."""
    bot.is_unified = True
    bot.account.note(OWING)
    loans = ExitLoans(bot.account)
    assert [loans.of_sale(LONG), loans.of_cover(1.0), loans.of_resting(SHORT, "BTC")] == [None] * 3
