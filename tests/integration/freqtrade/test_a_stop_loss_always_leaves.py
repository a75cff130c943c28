"""Promise: a stop-loss leaves in time, for all coins, and once, however slow answers and cancels are."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.emulator import AccountKind, synthetic_symbols
from support.measured_exits import FULL, HALF, MeasuredBot, kinds, measured_bot

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own
SLOW_MS = 1_200
ROUND_TRIP_MS = 500
BATCH_MS = 4_000
MANY = 6
"""Trades with ladders at the same time."""


@pytest.fixture(params=kinds(AccountKind.UNIFIED))
def bot(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[MeasuredBot]:
    with measured_bot(tmp_path, request.param) as running:
        yield running


def buys(trade: Any) -> list[dict[str, Any]]:
    """Return a ladder that buys below the stop-loss."""
    return [{"side": "buy", "price": trade.open_rate * down, "amount": trade.amount} for down in (0.8, 0.75)]


@pytest.mark.parametrize(
    "ladder",
    [
        pytest.param(HALF, id="half"),
        pytest.param(None, marks=pytest.mark.drill, id="none"),
        pytest.param(FULL, marks=pytest.mark.drill, id="full"),
        pytest.param(buys, marks=pytest.mark.drill, id="buys"),
    ],
)
def test_a_stop_loss_leaves_at_once(bot: MeasuredBot, ladder: Any) -> None:
    bot.running.enter(ladder)
    bot.fall(0.85)
    bot.loop()
    bot.assert_exit_left()
    bot.assert_ends_well()
    assert (bot.kinds(), len(bot.sent())) == ({"market"}, 1)


def test_a_stop_loss_leaves_after_two_round_trips_and_six_private_requests(bot: MeasuredBot) -> None:
    """One of both is the balance that freqtrade asks for: a ladder costs one more."""
    bot.running.enter(FULL)
    bot.venue.knobs(latency_ms=ROUND_TRIP_MS)
    bot.fall()
    bot.loop()
    assert bot.delay_ms() < 3 * ROUND_TRIP_MS
    before = bot.requests_of_exit()
    assert len(before) <= 6
    assert any("cancel" in request.path for request in before[:2]), "at once, beside the balance"
    bot.venue.knobs(latency_ms=0)
    bot.assert_ends_well()
    assert len(bot.sent()) == 1


def test_an_exit_that_the_strategy_refuses_leaves_the_ladder_alone(bot: MeasuredBot) -> None:
    bot.running.enter(FULL)
    rungs = bot.live()
    bot.running.bot.strategy.confirm_trade_exit = lambda **_: False
    bot.fall()
    bot.loop(2)
    assert bot.decided
    assert bot.live() == rungs


def test_a_full_ladder_does_not_hold_it_back_where_answers_are_slow(bot: MeasuredBot) -> None:
    bot.running.enter(FULL)
    bot.venue.knobs(latency_ms=SLOW_MS)
    bot.fall()
    bot.loop()
    bot.assert_exit_left(round_trip_ms=SLOW_MS)
    bot.venue.knobs(latency_ms=0)
    bot.assert_ends_well()


@pytest.mark.drill
def test_a_filled_rung_among_many_slow_ladders_does_not_hold_it_back(tmp_path: Path) -> None:
    symbols = synthetic_symbols(MANY)
    pairs = [f"{symbol.base}/USDT" for symbol in symbols]
    with measured_bot(tmp_path, AccountKind.CLASSIC, pairs=pairs, symbols=symbols) as bot:
        bot.running.enter(FULL)
        pair = pairs[-1]
        assert len(bot.live(pair)) == len(bot.live(pairs[0])) == 3
        bot.venue.knobs(latency_ms=800)
        bot.venue.fill(bot.live(pair)[0].order_id)
        bot.fall(0.8, pair)
        bot.loop()
        bot.assert_exit_left(pair, round_trip_ms=800)
        bot.venue.knobs(latency_ms=0)
        bot.assert_ends_well(pair)
        assert all(len(bot.live(other)) == 3 for other in pairs[:-1])


def test_the_rest_of_a_stop_loss_follows_at_market(bot: MeasuredBot) -> None:
    """The free half leaves at once; the cancels of the other half take effect late, and the price falls on."""
    bot.running.enter(HALF)
    bot.venue.knobs(ack_delay_ms=BATCH_MS)
    bot.fall()
    bot.loop()
    bot.assert_exit_left()
    assert len(bot.sent()) == 1
    while bot.live():
        bot.loop()
    bot.venue.set_price("BTCUSDT", "40000")
    bot.loop(2)
    bot.assert_sold_once()
    bot.assert_ends_well()
    assert bot.kinds() == {"market"}


@pytest.mark.drill
def test_a_rest_that_is_refused_is_sent_again_in_every_loop(bot: MeasuredBot) -> None:
    """Each loop tries again with the same kind of order, until the coins are sold; the venue is too busy for some."""
    bot.running.enter(HALF)
    bot.venue.knobs(ack_delay_ms=BATCH_MS)
    bot.fall()
    bot.loop()
    bot.assert_exit_left()
    bot.venue.add_fault("code-before", "/place-order", count=3, code="40014", text="Incorrect permissions")
    while bot.live():
        bot.loop()
    bot.loop_until(lambda: bot.held() < bot.lot(), "the rest is sold", 10)
    bot.assert_ends_well()
    assert bot.kinds() == {"market"}


@pytest.mark.parametrize(
    "lands",
    [
        pytest.param(True, id="canceled late"),
        pytest.param(False, marks=pytest.mark.drill, id="never canceled"),
    ],
)
def test_buys_that_fill_while_their_cancel_is_not_proven_are_sold_at_once(bot: MeasuredBot, *, lands: bool) -> None:
    bot.running.enter(buys)
    (far, near) = sorted(bot.live(), key=lambda order: order.price)
    bot.venue.knobs(**({"ack_delay_ms": BATCH_MS} if lands else {"cancel_never_lands": 1_000}))
    bot.fall(0.85)
    bot.loop()
    bot.assert_exit_left()
    bot.assert_sold(lots=1)
    bot.venue.set_price("BTCUSDT", f"{near.price:.2f}")
    assert bot.held() > 0
    bot.loop(2)
    bot.assert_sold(lots=2)
    if not lands:
        bot.venue.fill(far.order_id, "0.01")
        bot.venue.fill(far.order_id)
        bot.loop(2)
    bot.loop_until(lambda: not bot.live(), "the other buy is gone", 15)
    bot.assert_sold_once(lots=3)
    assert bot.kinds() == {"market"}
    bot.assert_quiet()
