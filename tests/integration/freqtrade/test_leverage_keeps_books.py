"""Promise: the books of trades with leverage and of shorts agree with the venue."""

from pathlib import Path

import pytest

from bitget_margin.emulator import AccountKind
from support.borrowing_bot import CLASSIC_AT_LEAST, KINDS, WAYS, allowed, borrowing_bot, difference, enter, leave

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own


@KINDS
@pytest.mark.parametrize(
    ("leverage", "short"),
    [
        (3, False),
        (2, True),
        *(pytest.param(*which, marks=pytest.mark.slow) for which in ((1, False), (2, False), (1, True))),
    ],
)
def test_an_exit_leaves_books_that_agree_and_no_debt(
    tmp_path: Path, kind: AccountKind, leverage: float, short: bool
) -> None:
    """A limit exit after the price has moved."""
    with borrowing_bot(tmp_path, kind) as bot:
        before = bot.venue.worth()
        trade = enter(bot, leverage, short=short)
        assert trade.is_open
        assert trade.is_short is short
        assert trade.leverage == leverage
        bot.venue.set_price("BTCUSDT", 58_000)
        bot.loop(2)
        trade = leave(bot)
        assert not trade.is_open
        assert bot.venue.debts() == {}
        assert bot.live() == []
        assert difference(bot, before) <= allowed(leverage)


@CLASSIC_AT_LEAST
@WAYS
def test_interest_is_a_cost_of_its_trade(tmp_path: Path, kind: AccountKind, leverage: float, short: bool) -> None:
    """Two charges while the trade is open, one booked by the hourly update and one by the exit."""
    with borrowing_bot(tmp_path, kind) as bot:
        before = bot.venue.worth()
        enter(bot, leverage, short=short)
        bot.venue.charge_interest()
        bot.bot.update_funding_fees()
        assert bot.trade.funding_fees < 0
        bot.venue.charge_interest()
        bot.venue.set_price("BTCUSDT", 61_000)
        bot.loop(2)
        trade = leave(bot)
        assert not trade.is_open
        paid = sum(charge.amount * (61_000 if short else 1) for charge in bot.venue.interest())
        assert trade.funding_fees == pytest.approx(-float(paid), rel=1e-6)
        assert difference(bot, before) <= allowed(leverage)
        bot.loop()
        assert bot.venue.debts() == {}


@CLASSIC_AT_LEAST
@WAYS
def test_the_margin_is_what_the_account_is_worth(
    tmp_path: Path, kind: AccountKind, leverage: float, short: bool
) -> None:
    """The total of freqtrade, with the unrealized profit of the trade, beside the venue's worth at three prices."""
    with borrowing_bot(tmp_path, kind) as bot:
        enter(bot, leverage, short=short)
        for price in (60_000, 57_000, 62_000):
            bot.venue.set_price("BTCUSDT", price)
            bot.loop()
            bot.bot.wallets.update()
            position = bot.bot.wallets.get_all_positions()["BTC/USDT"]
            total = bot.bot.wallets.get_total("USDT")
            sign = -1 if short else 1
            worth = total + sign * (price - bot.trade.open_rate) * position.position
            assert worth == pytest.approx(float(bot.venue.worth()), abs=0.05)
            assert position.position == pytest.approx(bot.trade.amount)


@CLASSIC_AT_LEAST
@WAYS
def test_a_stop_loss_at_market_ends_the_trade(tmp_path: Path, kind: AccountKind, leverage: float, short: bool) -> None:
    """A cover is a limit order that fills at once or not at all."""
    with borrowing_bot(tmp_path, kind, stoploss=-0.1) as bot:
        before = bot.venue.worth()
        enter(bot, leverage, short=short)
        bot.venue.set_price("BTCUSDT", 66_500 if short else 57_000)
        bot.loop(3)
        trade = bot.trade
        assert not trade.is_open
        assert trade.exit_reason == "stop_loss"
        assert bot.venue.debts() == {}
        assert difference(bot, before) <= allowed(leverage)
