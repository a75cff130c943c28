"""Promise: every kind of exit ends a leveraged or short trade, with books that agree and no debt."""

from pathlib import Path
from typing import Any

import pytest

from bitget_margin.emulator import AccountKind
from support.borrowing_bot import CLASSIC_AT_LEAST, WAYS, allowed, borrowing_bot, difference, enter, leave
from support.in_process_bot import CONTROLS, InProcessBot

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own


def force_exit(bot: InProcessBot, ordertype: str) -> None:
    """Exit by freqtrade's API."""
    from freqtrade.rpc import RPC  # noqa: PLC0415 - it loads all of freqtrade

    RPC(bot.bot)._rpc_force_exit(str(bot.trade.id), ordertype)


def check_end(bot: InProcessBot, before: Any, leverage: float, reason: str) -> None:
    """Check the end of the trade, and the account after it."""
    bot.loop(3)
    trade = bot.trade
    assert not trade.is_open
    assert trade.exit_reason == reason
    assert bot.live() == []
    bot.loop()
    assert bot.venue.debts() == {}
    assert difference(bot, before) <= allowed(leverage)


@CLASSIC_AT_LEAST
@WAYS
@pytest.mark.parametrize("ordertype", ["limit", "market"])
def test_a_forced_exit(tmp_path: Path, kind: AccountKind, leverage: float, short: bool, ordertype: str) -> None:
    """By hand, from FreqUI or Telegram."""
    with borrowing_bot(tmp_path, kind) as bot:
        before = bot.venue.worth()
        enter(bot, leverage, short=short)
        bot.venue.set_price("BTCUSDT", 59_000)
        force_exit(bot, ordertype)
        check_end(bot, before, leverage, "force_exit")


@CLASSIC_AT_LEAST
@WAYS
def test_a_return_that_is_reached(tmp_path: Path, kind: AccountKind, leverage: float, short: bool) -> None:
    """Of the stake: 6 % at leverage 3 are 2 % of the price."""
    with borrowing_bot(tmp_path, kind, minimal_roi={"0": 0.05}) as bot:
        before = bot.venue.worth()
        enter(bot, leverage, short=short)
        bot.venue.set_price("BTCUSDT", 57_000 if short else 63_000)
        check_end(bot, before, leverage, "roi")


@CLASSIC_AT_LEAST
@WAYS
def test_freqtrade_s_own_liquidation_comes_before_the_venue_s(
    tmp_path: Path, kind: AccountKind, leverage: float, short: bool
) -> None:
    """Of a trade of nearly the whole account, with a stop-loss that is further away."""
    with borrowing_bot(tmp_path, kind, stake_amount=19_500, stoploss=-0.999) as bot:
        before = bot.venue.worth()
        trade = enter(bot, leverage, short=short)
        limit = bot.trade.liquidation_price
        assert limit > trade.open_rate if short else limit < trade.open_rate
        bot.venue.set_price("BTCUSDT", int(limit * (1.001 if short else 0.999)))
        assert bot.venue.risk() < 1
        assert bot.venue.liquidations() == []
        check_end(bot, before, 2 * leverage, "liquidation")


@CLASSIC_AT_LEAST
@WAYS
def test_a_position_is_enlarged_and_reduced(tmp_path: Path, kind: AccountKind, leverage: float, short: bool) -> None:
    """Freqtrade's position adjustment, one step each way, and an exit of the rest."""
    steps = iter([3_000.0, None, None, -4_000.0])
    with borrowing_bot(tmp_path, kind, stake_amount=4_000) as bot:
        before = bot.venue.worth()
        enter(bot, leverage, short=short)
        CONTROLS.adjust = lambda _: next(steps, None)
        bot.loop(3)
        bot.venue.set_price("BTCUSDT", 60_600)
        bot.loop(4)
        trade = bot.trade
        assert (trade.nr_of_successful_entries, trade.nr_of_successful_exits) == (2, 1)
        CONTROLS.adjust = None
        leave(bot)
        check_end(bot, before, leverage, "exit_signal")


def test_a_cover_that_finds_no_price_is_tried_again(tmp_path: Path) -> None:
    """The market is beyond the worst price of the first one; the next loop sends another."""
    with borrowing_bot(tmp_path, AccountKind.CLASSIC, leverage={"cover_price_ratio": 0.0005}) as bot:
        before = bot.venue.worth()
        enter(bot, 2, short=True)
        place = bot.exchange.api.create_order
        moved: list[int] = []

        def late(*args: Any, **kwargs: Any) -> Any:
            if not moved:
                moved.append(1)
                bot.venue.set_price("BTCUSDT", 61_000)
            return place(*args, **kwargs)

        bot.exchange.api.create_order = late
        force_exit(bot, "market")
        assert bot.trade.is_open
        bot.loop(2)
        assert bot.trade.is_open
        force_exit(bot, "market")
        check_end(bot, before, 2, "force_exit")
