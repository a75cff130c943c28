"""Promise: a stop-loss leaves in time, for all coins, and once, also where lists are late, old, or without an order."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bitget_margin.emulator import AccountKind
from support.measured_exits import HALF, MeasuredBot, measured_bot

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own
DAY_MS = 86_400_000
YOUNGER = 1_050
"""Orders that were placed after the ladder: more than ten pages of 100."""


@pytest.fixture(params=list(AccountKind))
def bot(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[MeasuredBot]:
    with measured_bot(tmp_path, request.param) as running:
        yield running


def placed_days_ago(bot: MeasuredBot, days: int) -> None:
    """Make the ladder older, on the venue and in the database."""
    for order in bot.live():
        bot.venue.backdate(order.order_id, days * DAY_MS)
    bot.execute("update bitget_margin_orders set intended_ms = intended_ms - ?", days * DAY_MS)


def behind_younger_orders(bot: MeasuredBot) -> None:
    """Place and cancel many orders on the pair, as another program on the account does."""
    for number in range(YOUNGER):
        fields = {"symbol": "BTCUSDT", "side": "buy", "price": "1000", "baseSize": "0.01"}
        bot.venue.cancel(bot.venue.place(bot.uid, {**fields, "clientOid": f"other-{number}"}))


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda bot: placed_days_ago(bot, 31), id="31 days"),
        pytest.param(lambda bot: placed_days_ago(bot, 89), id="89 days"),
        pytest.param(lambda bot: placed_days_ago(bot, 95), id="95 days"),
        pytest.param(behind_younger_orders, id="younger orders"),
    ],
)
def test_a_rung_that_pages_do_not_show_holds_nothing_back(
    bot: MeasuredBot, make: Callable[[MeasuredBot], None]
) -> None:
    """It has filled, and is in no page of the last days, or behind those that are read."""
    bot.running.enter(HALF)
    make(bot)
    bot.loop()
    bot.venue.fill(bot.live()[0].order_id)
    bot.loop(2)
    bot.fall()
    bot.loop()
    bot.assert_exit_left()
    bot.assert_ends_well()


@pytest.mark.parametrize("lag_ms", [1_000, 5_000])
def test_a_balance_that_lags_holds_nothing_back(bot: MeasuredBot, lag_ms: int) -> None:
    """A rung has filled, and the balance still shows its coins; or the entry's coins are not shown yet."""
    bot.running.enter(HALF)
    bot.loop_for(lag_ms / 1_000)
    bot.venue.knobs(balance_lag_ms=lag_ms)
    bot.venue.fill(bot.live()[0].order_id)
    bot.loop()
    bot.fall()
    bot.loop()
    bot.assert_exit_left()
    bot.loop_until(lambda: bot.held() < bot.lot(), "all coins are sold", lag_ms / 1_000 + 3)
    bot.loop_for(lag_ms / 1_000)
    bot.assert_ends_well()
