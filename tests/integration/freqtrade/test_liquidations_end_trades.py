"""Promise: a liquidation ends the trade with what the venue has done, once, and freqtrade exits before it."""

from pathlib import Path

import pytest

from bitget_margin.emulator import AccountKind
from support.borrowing_bot import CLASSIC_AT_LEAST, WAYS, allowed, borrowing_bot, difference, enter, rungs
from support.in_process_bot import InProcessBot

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own
EVERYTHING = 19_800
"""A stake of nearly the whole account."""
FEE_RATE = 0.001
STOP_LOSS = -0.99
"""A stop-loss beyond the price of the liquidation."""


def look_now(bot: InProcessBot) -> None:
    """Let the next loop look at the account, as it does once a minute."""
    bot.exchange.margin_loop._checked = float("-inf")


@CLASSIC_AT_LEAST
@WAYS
@pytest.mark.parametrize("down", [pytest.param(False, id="up", marks=pytest.mark.slow), pytest.param(True, id="down")])
def test_a_liquidation_ends_the_trade_with_one_message(
    tmp_path: Path, kind: AccountKind, leverage: float, short: bool, down: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """With resting orders, one of which has filled; the books lack the fee of the liquidation, which is told."""
    with borrowing_bot(tmp_path, kind) as bot:
        before = bot.venue.worth()
        enter(bot, leverage, short=short, ladder=rungs(3))
        bot.venue.set_price("BTCUSDT", 59_300 if short else 60_700)
        bot.loop(2)
        assert len(bot.live()) == 2
        left = bot.trade.amount
        if down:
            bot.restart(bot.venue.liquidate)
        else:
            bot.venue.liquidate()
            look_now(bot)
            bot.loop()
            assert bot.exchange.margin_loop._check.ended(5)
        bot.loop(2)
        trade = bot.trade
        assert not trade.is_open
        exits = [order.filled for order in trade.orders if order.ft_order_side == trade.exit_side]
        assert exits[-1] == pytest.approx(left, abs=1e-6)
        assert bot.live() == []
        fee = bot.venue.liquidations()[0].fee
        # freqtrade takes the fee rate of the first exit for all; the venue here takes none for orders of its own.
        assert difference(bot, before - fee) <= allowed(leverage) + FEE_RATE * left * 60_700
        own = [record.getMessage() for record in caplog.records if record.name == "bitget_margin"]
        (message,) = [text for text in own if "LIQUIDATED" in text]
        assert f"{float(fee):.8g} USDT" in message


@CLASSIC_AT_LEAST
@WAYS
@pytest.mark.parametrize("formula", ["maintenance", pytest.param("liabilities", marks=pytest.mark.drill)])
def test_the_bot_exits_before_the_venue_liquidates(
    tmp_path: Path, kind: AccountKind, leverage: float, short: bool, formula: str
) -> None:
    """By both formulas that the venue's pages give for its risk; the resting orders are canceled."""
    with borrowing_bot(tmp_path, kind, stake_amount=EVERYTHING, stoploss=STOP_LOSS) as bot:
        bot.venue.knobs(risk_formula=formula)
        before = bot.venue.worth()
        trade = enter(bot, leverage, short=short, ladder=rungs(3))
        assert len(bot.live()) == 3
        limit = trade.liquidation_price
        assert limit is not None
        bot.venue.set_price("BTCUSDT", round(limit * (0.999 if short else 1.001)))
        bot.loop(2)
        assert bot.trade.is_open
        bot.venue.set_price("BTCUSDT", round(limit * (1.002 if short else 0.998)))
        bot.loop(3)
        trade = bot.trade
        assert bot.venue.liquidations() == []
        assert not trade.is_open
        assert trade.exit_reason == "liquidation"
        assert bot.live() == []
        bot.loop()
        assert bot.venue.debts() == {}
        assert difference(bot, before) <= allowed(leverage) * 2
