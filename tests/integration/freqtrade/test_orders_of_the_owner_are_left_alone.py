"""Promise: a bot on a unified account neither touches nor sells what its owner's spot and strategy orders hold."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bitget_margin.emulator import AccountKind
from support.in_process_bot import CONTROLS
from support.measured_exits import FULL, HALF, MeasuredBot, measured_bot
from support.owner_orders import OwnerOrders

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own
OWN_COINS = "1"
"""Base coins of the owner, which belong to no trade."""
MARKET = "BTCUSDT"


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[MeasuredBot]:
    with measured_bot(tmp_path, AccountKind.UNIFIED, others=OWN_COINS) as running:
        yield running


@pytest.fixture
def poor_bot(tmp_path: Path) -> Iterator[MeasuredBot]:
    """Run a bot on an account where every coin belongs to its trade."""
    with measured_bot(tmp_path, AccountKind.UNIFIED) as running:
        yield running


def is_closed(bot: MeasuredBot) -> bool:
    return not bot.running.trade_on("BTC/USDT").is_open


@pytest.mark.parametrize(
    "shown",
    [
        {"margin_locks": False, "strategy_freezes": True},
        pytest.param({"margin_locks": True, "strategy_freezes": False}, marks=pytest.mark.drill),
    ],
    ids=["locked: spot and strategy orders", "locked: spot and margin orders"],
)
def test_a_ladder_a_restart_and_an_exit_leave_the_owner_s_orders_as_they_are(
    bot: MeasuredBot, shown: dict[str, bool]
) -> None:
    bot.venue.knobs(**shown)
    owner = OwnerOrders(bot.venue, bot.uid)
    owner.place_spot_order(MARKET, "sell", "90000", "0.4")
    owner.place_spot_order(MARKET, "buy", "30000", "0.1")
    owner.place_stop(MARKET, "0.3", "20000")
    bot.running.enter(HALF)
    bot.loop(2)
    rungs = [order for order in bot.live() if not order.is_spot]
    assert len(rungs) == 2
    bot.running.restart(lambda: owner.place_spot_order(MARKET, "sell", "95000", "0.05"))
    bot.venue.fill(rungs[0].order_id)
    bot.loop(2)
    bot.fall()
    bot.loop_until(lambda: is_closed(bot), "the trade is closed")
    bot.assert_exit_left()
    bot.assert_sold()
    bot.assert_quiet()
    assert all(not order.live for order in bot.venue.orders(bot.uid) if not order.is_spot)
    owner.assert_untouched()


def test_coins_of_a_trade_that_a_spot_order_holds_are_sold_once_it_lets_them_go(poor_bot: MeasuredBot) -> None:
    """An exit sells no more than is free: the rest would be borrowed, and the spot order would owe it."""
    bot = poor_bot
    bot.running.enter(HALF)
    owner = OwnerOrders(bot.venue, bot.uid)
    held = owner.place_spot_order(MARKET, "sell", "90000", "0.004")
    bot.loop()
    bot.fall()
    bot.loop(2)
    bot.assert_exit_left()
    bot.loop_until(lambda: bot.held() - 4 * bot.lot() < 0.004 + 0.0001, "all that is free is sold")
    assert bot.held() >= bot.venue.order(held).base_size
    assert bot.venue.borrowed(bot.uid) == {}
    assert not is_closed(bot)
    owner.assert_untouched()
    bot.venue.cancel(held)
    bot.loop_until(lambda: is_closed(bot), "the trade is closed")
    bot.assert_sold()
    bot.assert_quiet()


def test_a_ladder_sells_no_more_than_what_the_owner_s_orders_leave_free(poor_bot: MeasuredBot) -> None:
    bot = poor_bot
    trade = bot.running.enter()
    owner = OwnerOrders(bot.venue, bot.uid)
    owner.place_spot_order(MARKET, "sell", "90000", "0.008")
    CONTROLS.loop = lambda strategy: strategy.place_resting_orders(bot.running.trade, FULL(trade), "later")
    bot.loop(2)
    CONTROLS.loop = None
    assert bot.venue.borrowed(bot.uid) == {}
    assert bot.venue.balances(bot.uid)["BTC"].available >= 0
    owner.assert_untouched()
