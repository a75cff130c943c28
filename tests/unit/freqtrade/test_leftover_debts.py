"""Promise: what the bot's trades have left owed is paid back soon, by free coins, and other loans stay as they are."""

from datetime import timedelta
from typing import Any

import ccxt
import pytest

from bitget_margin.freqtrade.compat import TemporaryError
from bitget_margin.freqtrade.leftover_debts import LeftoverDebts
from bitget_margin.freqtrade.positions import AccountSnapshot
from support.borrowing import OPENED, Borrower, coin, position
from support.botless import Messages

LONG, SHORT = position("BTC/USDT"), position("BTC/USDT", short=True)


class Stand(Borrower):
    """An account with leftover debts, and an exchange object that notes how they are paid."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.alerts: Any = Messages()
        self.repaid: list[tuple[Any, ...]] = []
        self.failure: Exception | None = None
        self.commonCurrencies = {"TONCOIN": "TON"}
        self.debts = LeftoverDebts(
            account=self.account,
            api=lambda: self,
            timeout_ms=lambda: 900.0,
            alerts=self.alerts,
            clock=self.clock,
            now=lambda: OPENED + timedelta(hours=2),
        )

    def repay_cross_margin(self, *args: Any) -> None:
        self.repaid.append(args)
        if self.failure is not None:
            raise self.failure

    def privateMarginPostV2MarginCrossedAccountFlashRepay(self, request: Any) -> None:  # noqa: N802 - ccxt's name
        self.repaid.append(("flash", request))

    def minute(self) -> list[tuple[Any, ...]]:
        """Check a minute later, and return what was repaid."""
        self.seconds += 60.0
        self.repaid.clear()
        self.debts.check()
        return list(self.repaid)


@pytest.fixture
def bot(monkeypatch: pytest.MonkeyPatch) -> Stand:
    made = Stand()
    made.patch(monkeypatch)
    return made


def ended(bot: Stand, trade: Any = LONG) -> None:
    """Have a trade, see it, and end it."""
    bot.trades = [trade]
    bot.debts.check()
    bot.trades = []


def test_a_debt_is_paid_back_as_soon_as_its_trade_has_ended(bot: Stand) -> None:
    ended(bot)
    bot.balance = {"USDT": coin(9_000.0, debt=12.345678912)}
    bot.debts.check()
    assert bot.repaid == [("USDT", 12.34567891, {"timeout": 900.0})], "in the venue's smallest amounts"
    assert bot.alerts.infos == ["12.345679 USDT of debt that no trade needs any more were paid back."]
    assert bot.account.known() is None, "the balance is another one now"


def test_the_end_of_a_trade_waits_for_no_minute(bot: Stand) -> None:
    ended(bot, position("BTC/USDT", leverage=1.5))
    bot.debts.check()
    bot.seconds += 1.0
    ended(bot)
    bot.balance = {"USDT": coin(9_000.0, debt=5.0)}
    bot.debts.check()
    assert len(bot.repaid) == 1


def test_a_trade_that_passes_while_there_is_no_time_for_requests_is_known_by_its_debt(bot: Stand) -> None:
    """From its first loop to its last one: the venue was slow, and exits came first."""
    ended(bot, SHORT)
    bot.debts.check()
    bot.trades = [LONG]
    bot.debts.check(may_ask=False)
    bot.trades = []
    bot.balance = {"USDT": coin(9_000.0, debt=5.0)}
    for _ in range(2):
        bot.debts.check(may_ask=False)
    assert bot.readings == 1
    bot.debts.check()
    assert [paid[:2] for paid in bot.repaid] == [("USDT", 5.0)]
    bot.debts.check()
    assert bot.readings == 2, "after that once a minute"


@pytest.mark.parametrize("seen_owing", [(), (30.0,)], ids=["never owed", "owed once more"])
def test_a_loan_that_comes_up_a_minute_after_a_trade_was_paid_back_is_none_of_its(
    bot: Stand, seen_owing: tuple[float, ...]
) -> None:
    """Also where there is no time for requests: what is read for the level shows that nothing was owed."""

    def read_after(seconds: float, debt: float = 0.0) -> None:
        bot.seconds += seconds
        bot.debts.note_reading(AccountSnapshot({}, {}, {"USDT": debt}))

    bot.trades = [LONG]
    bot.debts.check(may_ask=False)
    read_after(0)
    bot.trades = []
    bot.debts.check(may_ask=False)
    read_after(1)
    for seconds in seen_owing:
        read_after(seconds, debt=7.0)
    read_after(59)
    bot.balance = {"USDT": coin(9_000.0, debt=5.0)}
    if not seen_owing:
        bot.debts.check(may_ask=False)
        read_after(1)
    bot.debts.check()
    assert len(bot.repaid) == len(seen_owing), "a reading that shows a debt starts the minute anew"


@pytest.mark.parametrize("trade", [position("BTC/USDT", leverage=1.5), position("BTC/USDT", short=True, leverage=1.0)])
def test_a_little_leverage_borrows_too_and_a_coin_that_is_not_listed_is_not_owed(bot: Stand, trade: Any) -> None:
    ended(bot, trade)
    bot.balance = {"ETH": coin(1.0)}
    bot.debts.check()
    assert bot.readings == 1
    assert (bot.repaid, bot.alerts.warnings) == ([], [])


def test_a_debt_that_a_trade_explains_is_left_and_one_of_others_too(bot: Stand) -> None:
    bot.trades = [LONG]
    bot.balance = {"USDT": coin(9_000.0, debt=500.0), "BTC": coin(9.0, debt=1.0), "ETH": coin(9.0, debt=1.0)}
    for _ in range(3):
        assert bot.minute() == []
    assert bot.readings == 0
    bot.trades = [position("BTC/USDT", leverage=1.0)]
    assert [paid[:2] for paid in bot.minute()] == [("USDT", 500.0)], "1x trades borrow nothing"


def test_it_is_tried_again_once_a_minute_for_an_hour(bot: Stand) -> None:
    ended(bot)
    bot.balance = {"USDT": coin(9_000.0, debt=5.0)}
    bot.failure = ccxt.ExchangeError("50041")
    bot.debts.check()
    assert bot.alerts.warnings == [("5 USDT of debt could not be paid back: 50041", "debt USDT")]
    bot.seconds += 59.9
    bot.debts.check()
    assert len(bot.repaid) == 1
    bot.seconds += 0.1
    bot.debts.check()
    assert len(bot.repaid) == 2
    bot.seconds += 3_600
    bot.debts.check()
    assert len(bot.repaid) == 2


def test_a_balance_that_cannot_be_read_is_read_a_minute_later(bot: Stand) -> None:
    ended(bot)
    bot.error = TemporaryError("no answer")
    with pytest.raises(TemporaryError):
        bot.debts.check()
    bot.debts.check()
    assert bot.readings == 1
    bot.error, bot.balance = None, {"USDT": coin(9_000.0, debt=5.0)}
    assert len(bot.minute()) == 1


def test_a_debt_that_comes_after_the_bot_s_own_was_paid_is_not_the_bot_s(bot: Stand) -> None:
    ended(bot)
    assert bot.minute() == []
    assert bot.minute() == []
    bot.balance = {"USDT": coin(9_000.0, debt=5.0)}
    assert bot.minute() == []


def test_a_debt_that_shows_a_minute_after_its_trade_is_the_bot_s_also_if_one_before_had_none(bot: Stand) -> None:
    ended(bot)
    bot.debts.check()
    bot.seconds += 90.0
    ended(bot)
    assert bot.minute() == []
    bot.balance = {"USDT": coin(9_000.0, debt=5.0)}
    assert len(bot.minute()) == 1


@pytest.mark.parametrize(
    ("trade", "closed_hours", "paid"),
    [
        (position("BTC/USDT", is_open=False), 1.5, "USDT"),
        (position("BTC/USDT", short=True, is_open=False), 1.5, "BTC"),
        (position("BTC/USDT", is_open=False), 0.9, None),
        (position("BTC/USDT", leverage=1.0, is_open=False), 1.5, None),
    ],
    ids=["long", "short", "long ago", "1x"],
)
def test_debts_of_trades_that_ended_before_the_start_are_paid_back(
    bot: Stand, trade: Any, closed_hours: float, paid: str | None
) -> None:
    trade.close_date = OPENED + timedelta(hours=closed_hours)
    bot.trades = [trade]
    bot.balance = {"USDT": coin(9_000.0, debt=5.0), "BTC": coin(9.0, debt=1.0)}
    bot.debts.check()
    assert [args[0] for args in bot.repaid] == ([] if paid is None else [paid])


def test_the_trades_before_the_start_are_looked_for_until_they_were_found(
    bot: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot.balance = {"USDT": coin(9_000.0, debt=5.0)}
    trade = position("BTC/USDT", is_open=False, close_date=OPENED + timedelta(hours=1.5))
    trade.pair, bot.trades = None, [trade]  # a row that cannot be read
    monkeypatch.setattr(type(trade), "nr_of_successful_entries", property(lambda _: 1 / 0))
    with pytest.raises(ZeroDivisionError):
        bot.debts.check()
    monkeypatch.undo()
    bot.patch(monkeypatch)
    bot.debts.check()
    assert len(bot.repaid) == 1


# -- coins of others --------------------------------------------------------------------------------------------------


def test_coins_of_open_longs_pay_no_debt(bot: Stand) -> None:
    ended(bot, SHORT)
    bot.trades = [position("BTC/USDT", amount=30.0)]
    bot.balance = {"USDT": coin(9_000.0), "BTC": coin(30.1, debt=0.5)}
    bot.debts.check()
    assert [(args[0], args[1]) for args in bot.repaid] == [("BTC", pytest.approx(0.1))]


def test_a_small_rest_is_paid_by_other_coins_once_no_trade_is_open_and_by_name(bot: Stand) -> None:
    """Without a name, all debts of the account would be paid, and coins of trades sold."""
    ended(bot, position("TON/USDT", short=True))
    bot.balance, bot.prices["TON"] = {"USDT": coin(9_000.0), "TON": coin(1.0, debt=3.0)}, 40.0
    bot.trades = [position("BTC/USDT", leverage=1.0)]
    bot.debts.check()
    assert bot.repaid == [("TON", 1.0, {"timeout": 900.0})]
    bot.trades = []
    bot.balance["TON"] = coin(0.0, debt=2.0)
    assert bot.minute() == [("flash", {"coin": "TONCOIN"})]
    assert bot.alerts.infos[-1] == "2 TON of debt that no trade needs any more are paid by flash repayment."


@pytest.mark.parametrize("unified", [False, True])
@pytest.mark.parametrize("change", [{"owed": 2.3}, {"price": None}], ids=["a position", "no price"])
def test_a_debt_the_size_of_a_position_sells_no_other_coins(bot: Stand, unified: bool, change: Any) -> None:
    """A trade may have been deleted, so that its owner takes it over; 1 % of the equity are interest and fees."""
    bot.is_unified = unified
    ended(bot, position("TON/USDT", short=True))
    owed, bot.prices["TON"] = change.get("owed", 2.0), change.get("price", 40.0)
    bot.balance = {"USDT": coin(9_100.0), "TON": coin(-owed if unified else 0.0, debt=owed, free=0.0)}
    bot.debts.check()
    assert bot.repaid == []
    ((text, about),) = bot.alerts.warnings
    assert text.startswith(f"{owed:g} TON are owed that no trade of the bot needs, and too few TON are free.")
    assert about == "debt TON"


def test_a_rest_of_the_venue_s_smallest_amount_is_paid(bot: Stand) -> None:
    ended(bot, position("BTC/USDT", short=True, leverage=1.0))
    bot.balance = {"USDT": coin(9_000.0), "BTC": coin(1.0, debt=1.00000001)}
    bot.debts.check()
    assert bot.repaid == [("BTC", 1.0, {"timeout": 900.0}), ("flash", {"coin": "BTC"})]


def test_a_rest_below_the_venue_s_smallest_amount_is_none(bot: Stand) -> None:
    ended(bot)
    bot.balance = {"USDT": coin(9_000.0, debt=1.000000004)}
    bot.debts.check()
    assert bot.repaid == [("USDT", 1.0, {"timeout": 900.0})]


def test_quote_coins_that_a_cover_has_borrowed_are_paid_back(bot: Stand) -> None:
    """No trade explains them: shorts borrow coins."""
    bot.trades = [position("ETH/USDT", short=True)]
    bot.balance = {"USDT": coin(9_000.0, debt=5.0)}
    assert bot.minute() == []
    bot.debts.note_loan("USDT")
    assert [args[:2] for args in bot.minute()] == [("USDT", 5.0)]


# -- unified accounts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("free", "trades", "payment"),
    [(3.0, [], "BTC"), (3.0, [position("ETH/USDT")], "BTC"), (0.5, [], "USDT"), (0.5, [position("ETH/USDT")], None)],
)
def test_a_unified_account_pays_with_the_coin_or_with_the_stake_coin(
    bot: Stand, free: float, trades: Any, payment: str | None
) -> None:
    """All of it, with what is charged meanwhile; the stake coin may be that of a trade."""
    bot.is_unified = True
    ended(bot, SHORT)
    bot.trades = trades
    bot.balance = {"USDT": coin(90_000.0), "BTC": coin(free - 1.0, debt=1.0, free=free)}
    bot.debts.check()
    expected = [("BTC", 1.01, {"paymentCoin": payment, "timeout": 900.0})]
    assert bot.alerts.infos == (
        [] if payment is None else [f"1 BTC of debt that no trade needs any more were paid back with {payment}."]
    )
    assert bot.repaid == ([] if payment is None else expected)
