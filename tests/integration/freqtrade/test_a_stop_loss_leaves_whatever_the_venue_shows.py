"""Promise: a stop-loss leaves in time, for all coins, and once, also where lists are late, old, or without an order."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bitget_margin.emulator import AccountKind
from support.in_process_bot import CONTROLS, PAIR
from support.measured_exits import FULL, HALF, MeasuredBot, kinds, measured_bot

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own
DAY_MS = 86_400_000
YOUNGER = 1_050
"""Orders that were placed after the ladder: more than ten pages of 100."""
QUIET_SECONDS = 2.5
"""Time in which a bot reads two balances that are far enough apart to prove something."""


@pytest.fixture(params=kinds(AccountKind.CLASSIC))
def bot(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[MeasuredBot]:
    with measured_bot(tmp_path, request.param) as running:
        yield running


@pytest.mark.slow
def test_a_ladder_canceled_by_hand_and_purged_holds_nothing_back(bot: MeasuredBot) -> None:
    bot.running.enter(FULL)

    def cancel_by_hand() -> None:
        for order in bot.live():
            bot.venue.cancel(order.order_id)
            bot.venue.forget(order.order_id)

    bot.running.restart(cancel_by_hand)
    bot.loop_for(QUIET_SECONDS)
    bot.fall()
    bot.loop()
    bot.assert_exit_left()
    bot.assert_ends_well()


@pytest.mark.drill
def test_a_ladder_canceled_by_hand_and_purged_holds_nothing_back_at_a_start(bot: MeasuredBot) -> None:
    """The stop is due in the first loop: the coins follow as soon as balances can prove something."""
    bot.running.enter(FULL)

    def cancel_by_hand() -> None:
        for order in bot.live():
            bot.venue.cancel(order.order_id)
            bot.venue.forget(order.order_id)
        bot.fall()

    bot.running.restart(cancel_by_hand)
    bot.loop_until(lambda: bot.held() < bot.lot(), "all coins are sold", 8)
    bot.assert_ends_well()


def test_a_filled_rung_that_is_still_listed_as_open_holds_nothing_back(bot: MeasuredBot) -> None:
    bot.running.enter(HALF)
    bot.venue.knobs(open_orders_lag_ms=20_000)
    bot.venue.fill(bot.live()[0].order_id)
    bot.loop()
    bot.fall()
    bot.loop()
    bot.assert_exit_left()
    bot.assert_ends_well()


@pytest.mark.parametrize(
    "seen", [pytest.param(False, id="due at once"), pytest.param(True, id="seen before", marks=pytest.mark.drill)]
)
def test_sums_that_come_late_hold_nothing_back(bot: MeasuredBot, *, seen: bool) -> None:
    """The rung has ended, and its row shows what it has sold a second later."""
    bot.running.enter(HALF)
    bot.venue.knobs(sums_lag_ms=1_000)
    bot.venue.fill(bot.live()[0].order_id)
    if seen:
        bot.loop()
    bot.fall()
    bot.loop()
    bot.assert_exit_left()
    bot.loop_until(lambda: bot.held() < bot.lot(), "all coins are sold", 4)
    bot.loop_for(1.2)
    bot.assert_ends_well()


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
        pytest.param(lambda bot: placed_days_ago(bot, 31), id="31 days", marks=pytest.mark.drill),
        pytest.param(lambda bot: placed_days_ago(bot, 89), id="89 days", marks=pytest.mark.drill),
        pytest.param(lambda bot: placed_days_ago(bot, 95), id="95 days"),
        pytest.param(behind_younger_orders, id="younger orders", marks=pytest.mark.drill),
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


def given_up(bot: MeasuredBot) -> None:
    """Let the tables show the ladder as given up, as if it had been late to appear."""
    bot.running.enter(FULL)
    bot.execute("update bitget_margin_orders set phase = 'lost', order_id = null where kind = 'rung'")


def refused_by_word(bot: MeasuredBot) -> None:
    """Let the venue report the ladder as refused, and place it."""
    path = "/place-batch" if bot.unified else "/batch-place-order"
    bot.venue.add_fault("code-after", path, count=1, code="43011", text="The parameter is not valid")
    bot.running.enter(FULL)


def in_an_older_database(bot: MeasuredBot) -> None:
    """Restore a database that was saved before the ladder was placed."""
    bot.running.enter()
    saved = bot.database.with_suffix(".saved")
    bot.running.restart(lambda: shutil.copy(bot.database, saved))
    bot.running.bot.strategy.place_resting_orders(bot.running.trade_on(PAIR), FULL(bot.running.trade_on(PAIR)))
    bot.running.restart(lambda: shutil.copy(saved, bot.database))


@pytest.mark.parametrize(
    "lose",
    [refused_by_word, *(pytest.param(lose, marks=pytest.mark.drill) for lose in (given_up, in_an_older_database))],
)
def test_own_orders_that_the_tables_do_not_know_hold_nothing_back(
    bot: MeasuredBot, lose: Callable[[MeasuredBot], None]
) -> None:
    lose(bot)
    assert len(bot.live()) == 3
    bot.fall()
    bot.loop_until(lambda: bot.held() < bot.lot(), "all coins are sold", 4)
    bot.assert_exit_left()
    bot.assert_ends_well()


@pytest.mark.drill
def test_an_own_exit_that_the_database_does_not_know_holds_nothing_back(bot: MeasuredBot) -> None:
    """The database was saved before freqtrade's limit exit was placed."""
    bot.running.enter()
    saved = bot.database.with_suffix(".saved")
    bot.running.restart(lambda: shutil.copy(bot.database, saved))
    bot.running.bot.strategy.custom_exit_price = lambda **given: given["proposed_rate"] * 1.5
    bot.running.bot.config["custom_price_max_distance_ratio"] = 1.0
    CONTROLS.exit = True
    bot.loop()
    CONTROLS.exit = False
    assert len(bot.live()) == 1
    bot.running.restart(lambda: shutil.copy(saved, bot.database))
    bot.fall()
    bot.loop_until(lambda: bot.held() < bot.lot(), "all coins are sold", 4)
    bot.assert_exit_left()
    bot.assert_ends_well()


@pytest.mark.slow
def test_a_ladder_is_placed_in_full_though_fills_are_listed_late(bot: MeasuredBot) -> None:
    """The fee of the entry is not known for a while, and the last third would sell more than there is."""
    bot.venue.knobs(fills_lag_ms=3_000)
    bot.running.enter(FULL)
    bot.loop_until(lambda: len(bot.live()) == 3, "all three rungs rest", 12)
    sold = sum(order.base_size for order in bot.live())
    assert 0 <= bot.held() - sold < bot.lot() * 3
    bot.fall()
    bot.loop()
    bot.assert_exit_left()
    bot.assert_ends_well()


@pytest.mark.drill
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
