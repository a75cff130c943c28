"""Promise: debts that exits have left are paid back, those of others are not, and nothing is closed that is gone."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.emulator import AccountKind, RequestRecord
from support.borrowing_bot import CLASSIC_AT_LEAST, KINDS, WAYS, allowed, borrowing_bot, difference, enter, leave
from support.in_process_bot import InProcessBot

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own
LOT = 1e-6
DUST = "0.00002"
"""A debt, in coins, that is more than what the fees of covers leave."""


def a_minute_later(bot: InProcessBot, loops: int = 1) -> None:
    """Run loops a minute after the ones before, as far as debts are concerned."""
    debts = bot.exchange.margin_loop.debts
    before = debts.clock
    for _ in range(loops):
        later = before() - time.monotonic() + 61
        debts.clock = before = lambda later=later: time.monotonic() + later
        bot.loop()


def sent_to(bot: InProcessBot, end: str) -> list[RequestRecord]:
    """Return the requests to a path."""
    return [request for request in bot.venue.requests if request.path.endswith(end)]


def owed(bot: InProcessBot, coin: str) -> float:
    """Return the debt of a coin."""
    debt = bot.venue.debts().get(coin)
    return 0.0 if debt is None else float(debt.total)


def close_by_hand(bot: InProcessBot, trade: Any, share: float) -> None:
    """Close a share of a position as the owner would, with an order of its own."""
    uid, price = bot.venue.accounts[0].uid, "60100" if trade.is_short else "59900"
    fields = {"symbol": "BTCUSDT", "side": trade.exit_side, "price": price, "loanType": "autoRepay"}
    bot.venue.place(uid, {**fields, "baseSize": f"{trade.amount * share:.5f}"})


@CLASSIC_AT_LEAST
@WAYS
def test_what_the_venue_does_not_repay_is_paid_back_in_the_next_loops(
    tmp_path: Path, kind: AccountKind, leverage: float, short: bool
) -> None:
    """It does not execute the repayments of the orders."""
    with borrowing_bot(tmp_path, kind) as bot:
        before = bot.venue.worth()
        bot.venue.knobs(auto_repays=False)
        enter(bot, leverage, short=short)
        coin = "BTC" if short else "USDT"
        assert owed(bot, coin) > 0
        trade = leave(bot, 2)
        assert not trade.is_open
        bot.loop()
        assert bot.venue.debts() == {}
        assert difference(bot, before) <= allowed(leverage)
        assert sent_to(bot, "flash-repay") == []


@CLASSIC_AT_LEAST
@WAYS
def test_an_exit_closes_what_is_left_of_a_position_and_the_trade_stays_open(
    tmp_path: Path, kind: AccountKind, leverage: float, short: bool
) -> None:
    """The owner has closed half of it; the first exit after that leaves, for the other half, and for no more."""
    with borrowing_bot(tmp_path, kind) as bot:
        amount = enter(bot, leverage, short=short).amount
        close_by_hand(bot, bot.trade, 0.5)
        trade = leave(bot, 2)
        assert owed(bot, "BTC") < LOT
        assert bot.held() < LOT
        assert trade.is_open
        assert trade.amount == pytest.approx(amount / 2, rel=0.002)
        assert [order.ft_order_side for order in trade.orders] == [trade.entry_side, trade.exit_side]
        sent = len(sent_to(bot, "place-order"))
        leave(bot)
        assert len(sent_to(bot, "place-order")) == sent
        assert bot.trade.is_open


@CLASSIC_AT_LEAST
def test_a_short_whose_coins_were_paid_back_by_hand_buys_nothing(
    tmp_path: Path, kind: AccountKind, caplog: pytest.LogCaptureFixture
) -> None:
    """The owner has repaid them from elsewhere, and the exit has nothing to cover."""
    with borrowing_bot(tmp_path, kind) as bot:
        enter(bot, 2, short=True)
        bot.venue.set_debt("BTC", 0)
        sent = len(sent_to(bot, "place-order"))
        trade = leave(bot)
        assert len(sent_to(bot, "place-order")) == sent
        assert trade.is_open
        assert "no more is owed" in caplog.text


@CLASSIC_AT_LEAST
def test_a_long_whose_loan_was_paid_back_by_hand_is_sold(tmp_path: Path, kind: AccountKind) -> None:
    """A classic account is asked for no repayment then."""
    with borrowing_bot(tmp_path, kind) as bot:
        enter(bot, 3, short=False)
        bot.venue.set_debt("USDT", 0)
        assert not leave(bot).is_open
        assert bot.held() < LOT
        if kind is AccountKind.CLASSIC:
            assert json.loads(sent_to(bot, "place-order")[-1].body)["loanType"] == "normal"


@KINDS
def test_dust_is_paid_back_once_no_trade_is_open_and_by_the_name_of_its_coin(tmp_path: Path, kind: AccountKind) -> None:
    """Asserted on the wire: without a coin, the request repays all debts of the account."""
    end = "flash-repay" if kind is AccountKind.CLASSIC else "account/repay"
    with borrowing_bot(tmp_path, kind) as bot:
        enter(bot, 2, short=True)
        leave(bot)
        trade = enter(bot, 2, short=False)
        bot.venue.set_debt("BTC", DUST)
        a_minute_later(bot, 2)
        assert sent_to(bot, end) == []
        assert bot.held() >= trade.amount
        leave(bot, 2)
        assert not bot.trade.is_open
        a_minute_later(bot)
        assert bot.venue.debts() == {}
        (request,) = sent_to(bot, end)
        body = json.loads(request.body)
        assert body.get("coin", body.get("repayableCoinList")) in ("BTC", ["BTC"])


@CLASSIC_AT_LEAST
def test_debts_that_no_trade_has_caused_are_left_alone(tmp_path: Path, kind: AccountKind) -> None:
    """Of coins that the bot does not borrow, and of one that it has borrowed, once its own debt is gone."""
    with borrowing_bot(tmp_path, kind, {"ETH": "2"}) as bot:
        bot.venue.set_debt("ETH", 1)
        bot.venue.set_debt("BTC", "0.01")
        enter(bot, 3, short=False)
        assert not leave(bot).is_open
        a_minute_later(bot, 2)
        bot.venue.set_debt("USDT", 500)
        a_minute_later(bot, 2)
        assert {coin: float(debt.principal) for coin, debt in bot.venue.debts().items()} == {
            "ETH": 1,
            "BTC": 0.01,
            "USDT": 500,
        }
        assert sent_to(bot, "repay") == []
