"""Promise: the account is read whole, no older than what has happened since, and no reading holds an exit up."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from bitget_margin.freqtrade.compat import TemporaryError
from bitget_margin.freqtrade.holdings import IS_UNIFIED
from bitget_margin.freqtrade.margin_entries import MarginEntry
from bitget_margin.freqtrade.positions import AccountSnapshot, MarginBooks
from support.borrowing import Borrower, coin, position

ENTRY = MarginEntry("k-o1", "BTC/USDT", is_short=False, leverage=3.0, besides=0.25, at_ms=1)
LOCKED = OperationalError("select", {}, Exception("database is locked"))


@pytest.fixture
def bot(monkeypatch: pytest.MonkeyPatch) -> Borrower:
    made = Borrower()
    made.patch(monkeypatch)
    return made


def usdt(books: MarginBooks | AccountSnapshot | None) -> float | None:
    """Return the USDT of an answer."""
    account = books.account if isinstance(books, MarginBooks) else books
    return None if account is None else account.total["USDT"]


# -- readings ---------------------------------------------------------------------------------------------------------


def test_a_reading_answers_for_two_seconds_and_until_something_happens(bot: Borrower) -> None:
    assert bot.account.known() is None
    bot.account.books()
    bot.seconds += 2.0
    bot.account.books()
    assert bot.readings == 1
    bot.seconds += 0.1
    bot.account.books()
    assert bot.readings == 2
    bot.account.forget()
    assert bot.account.known(60.0) is None
    bot.account.books()
    assert bot.readings == 3
    bot.account.fresh()
    assert bot.readings == 4


def test_a_balance_that_freqtrade_has_read_is_noted(bot: Borrower) -> None:
    assert bot.account.note({"USDT": coin(7.0)}).account.total == {"USDT": 7.0}
    assert usdt(bot.account.known()) == 7.0
    assert bot.readings == 0


def test_the_total_of_a_unified_account_is_less_its_debt_already(bot: Borrower) -> None:
    bot.balance = {"USDT": coin(-8_000.0, debt=8_000.0)}
    assert bot.account.fresh().account.net("USDT") == -16_000.0
    bot.is_unified = True
    assert bot.account.fresh().account.net("USDT") == -8_000.0


def test_an_answer_without_coins_is_no_empty_account(bot: Borrower) -> None:
    """It would look as if the venue had taken everything: freqtrade would end its trades."""
    bot.trades = [position("BTC/USDT")]
    bot.account.note({"USDT": coin(5.0), "BTC": coin(30.0)})
    for answer in ({}, {"info": []}, {"XRP": coin(1.0)}):
        with pytest.raises(TemporaryError, match="names no coin of the account"):
            bot.account.note(answer)
    assert usdt(bot.account.known()) == 5.0, "and the last reading is kept"


def test_an_exit_goes_by_the_last_reading_where_there_is_no_other(
    bot: Borrower, caplog: pytest.LogCaptureFixture
) -> None:
    """The wallets are read before each exit, outside of any handler."""
    bot.error = TemporaryError("no answer")
    with pytest.raises(TemporaryError, match="no answer"):
        bot.account.latest()
    bot.account.note({"USDT": coin(5.0)})
    bot.account.forget()
    bot.seconds += 3_600
    assert usdt(bot.account.latest()) == 5.0
    assert usdt(bot.account.latest({})) == 5.0
    assert "the last reading is used: no answer" in caplog.text
    bot.error = None
    assert usdt(bot.account.latest()) == 10_000.0
    assert usdt(bot.account.latest({"USDT": coin(6.0)})) == 6.0


def test_a_balance_names_its_kind_of_account_whatever_is_known_now(bot: Borrower) -> None:
    """The last reading is used where the venue names the other kind: its debt would count twice."""
    bot.is_unified = True
    owing = {"USDT": coin(5.0, debt=2.0)}
    assert bot.account.note({IS_UNIFIED: False, **owing}).account.net("USDT") == 3.0
    assert bot.account.note({IS_UNIFIED: True, **owing}).account.net("USDT") == 5.0
    assert bot.account.note(owing).account.net("USDT") == 5.0


def test_what_was_placed_since_does_not_end_a_reading_where_only_its_age_counts(bot: Borrower) -> None:
    assert bot.account.last(10.0) is None
    bot.account.note({"USDT": coin(5.0)})
    bot.account.forget()
    bot.seconds += 10.0
    assert usdt(bot.account.last(10.0)) == 5.0
    bot.seconds += 0.1
    assert bot.account.last(10.0) is None


def test_a_reading_on_which_an_exit_was_decided_answers_the_wallets_after_it_and_decides_nothing(bot: Borrower) -> None:
    account = bot.account
    assert account.before_exit() is None
    account.forget_after_exit()
    account.note({"USDT": coin(5.0)})
    bot.seconds += 10.0
    account.forget_after_exit()
    bot.seconds += 2.0
    assert usdt(account.before_exit()) == 5.0
    assert account.known(60.0) is None, "the exit may have used it up"
    bot.seconds += 0.1
    assert account.before_exit() is None


@pytest.mark.parametrize(
    "end",
    [
        lambda account: account.forget(),
        lambda account: account.end_exit(),
        lambda account: account.note({"USDT": coin(6.0)}),
        lambda account: account.forget_after_exit(),
    ],
    ids=["another order", "another exit or loop", "a new reading", "another exit on the same reading"],
)
def test_anything_that_happens_ends_the_reading_of_an_exit(bot: Borrower, end: Callable[[Any], object]) -> None:
    bot.account.note({"USDT": coin(5.0)})
    bot.account.forget_after_exit()
    end(bot.account)
    assert bot.account.before_exit() is None


@pytest.mark.parametrize("seconds", [0.0, 10.1], ids=["changed", "old"])
def test_a_reading_on_which_no_exit_was_decided_answers_nobody_after_it(bot: Borrower, seconds: float) -> None:
    bot.account.note({"USDT": coin(5.0)})
    if seconds == 0.0:
        bot.account.forget()
    bot.seconds += seconds
    bot.account.forget_after_exit()
    assert bot.account.before_exit() is None


@pytest.mark.parametrize("ask", ["known", "last", "latest", "remembered", "forget", "forget_after_exit", "before_exit"])
def test_another_thread_may_end_or_replace_a_reading_at_any_moment(bot: Borrower, ask: str) -> None:
    """The API of a bot reads balances and places orders in threads of its own; an exception would end the bot."""

    class Torn(type(bot.account)):  # type: ignore[misc]
        """An account whose reading is gone after it was looked at once."""

        looked = 0

        def __getattribute__(self, name: str) -> Any:
            found = super().__getattribute__(name)
            if name != "_reading":
                return found
            type(self).looked += 1
            return found if type(self).looked == 1 else None

    bot.account.note({"USDT": coin(5.0)})
    bot.error = TemporaryError("no answer")
    bot.seconds += 5.0
    bot.account.__class__ = Torn
    Torn.looked = 1 if ask == "latest" else 0  # its first look finds a reading that is too old
    if ask == "latest":
        with pytest.raises(TemporaryError, match="no answer"):
            bot.account.latest()
        return
    arguments = {"known": (10.0,), "last": (10.0,)}.get(ask, ())
    answer = getattr(bot.account, ask)(*arguments)
    assert usdt(answer) == (5.0 if ask in {"known", "last", "remembered"} else None)


# -- trades -----------------------------------------------------------------------------------------------------------


def test_the_books_have_the_open_trades_with_the_coins_that_were_there_before(bot: Borrower) -> None:
    bot.trades = [position("BTC/USDT"), position("ETH/USDT", short=True), position("SOL/USDT", is_open=False)]
    bot.entries.of["BTC/USDT"] = ENTRY
    trades = bot.account.fresh().trades
    assert [(trade.pair, trade.is_short, trade.besides) for trade in trades] == [
        ("BTC/USDT", False, 0.25),
        ("ETH/USDT", True, 0.0),
    ]
    assert bot.account.besides(bot.trades[0]) == 0.25


def test_a_database_that_is_locked_ends_no_bot(bot: Borrower) -> None:
    """Exceptions of others end it. Without the entries, the owner's coins would be those of a trade."""
    bot.trades = [position("BTC/USDT")]
    bot.account.fresh()
    bot.entries.error = LOCKED
    for ask in (bot.account.books, bot.account.fresh, bot.account.latest, bot.account.positions):
        with pytest.raises(TemporaryError, match=r"entries of the open trades could not be read: .*locked"):
            ask()
    with pytest.raises(OperationalError):
        bot.account.besides(bot.trades[0])  # an exit goes on without it


# -- prices -----------------------------------------------------------------------------------------------------------


def test_a_price_is_the_one_that_freqtrade_has_asked_for_or_that_of_the_tickers(bot: Borrower) -> None:
    assert bot.account.price("USDT") == 1.0
    assert bot.account.price("BTC") == 100.0
    bot.account.note_price("BTC", 101.0)
    assert bot.account.price("BTC") == 101.0
    assert bot.asked == ["BTC"]


def test_no_price_that_is_known_is_waited_for(bot: Borrower) -> None:
    """An exit may be behind it; the look at the account beside the loop refreshes it."""
    bot.prices["XYZ"] = None
    assert bot.account.price("ETH") == 10.0
    assert bot.account.price("XYZ") is None, "no ticker has it"
    bot.prices["ETH"] = 12.0
    bot.seconds += 3_600
    assert (bot.account.price("ETH"), bot.account.price("XYZ")) == (10.0, None)
    assert bot.asked == ["ETH", "XYZ"]
    bot.account.note_price("BTC", 101.0)
    bot.account.refresh_prices(["USDT", "BTC", "ETH", "XYZ"])
    assert bot.asked == ["ETH", "XYZ", "ETH", "XYZ"]
    assert bot.account.price("ETH") == 12.0
    bot.seconds += 60.0
    bot.account.refresh_prices(["ETH"])
    assert len(bot.asked) == 4, "it is asked for once a minute"
    bot.seconds += 0.1
    bot.account.refresh_prices(["ETH"])
    assert len(bot.asked) == 5


def test_tickers_that_are_down_are_waited_for_once_a_minute(bot: Borrower, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever number of coins the account has."""
    assert bot.account.price("BTC") == 100.0
    bot.seconds += 61.0
    bot.prices.clear()
    bot.account.refresh_prices(["BTC"])
    assert (bot.account.price("BTC"), bot.account.price("ETH"), bot.account.price("SOL")) == (100.0, None, None)
    assert bot.asked == ["BTC", "BTC"]
    assert "The price of BTC is not known now: the tickers are down" in caplog.text
    bot.prices = {"ETH": 11.0}
    bot.seconds += 60.0
    assert bot.account.price("ETH") == 11.0


def test_the_remembered_account_needs_no_request_and_no_database(bot: Borrower) -> None:
    assert bot.account.remembered() is None
    bot.trades = [position("BTC/USDT")]
    bot.account.note({"USDT": coin(-0.0, debt=500.0), "BTC": coin(30.0), "ETH": coin(5.0)})
    bot.asked.clear()
    bot.account.forget()
    bot.account.note_price("BTC", 101.0)
    bot.entries.error = LOCKED
    books = bot.account.remembered()
    assert books is not None
    assert (books.owed(), books.equity(), books.trades) == (500.0, 30.0 * 101.0 - 500.0, ())
    assert bot.asked == []


def test_an_entry_of_another_pair_is_none_of_a_trade(bot: Borrower) -> None:
    bot.entries.of["ETH/USDT"] = replace(ENTRY, pair="ETH/USDT")
    assert bot.account.besides(position("BTC/USDT")) == 0.0
