"""Promise: a stop-loss leaves in time, for all coins, and once, however slow answers and cancels are."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.emulator import AccountKind, synthetic_symbols
from support.measured_exits import FULL, HALF, MeasuredBot, measured_bot

pytestmark = pytest.mark.filterwarnings("default")  # freqtrade's own
MANY = 6
"""Trades with ladders at the same time."""


@pytest.fixture(params=list(AccountKind))
def bot(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[MeasuredBot]:
    with measured_bot(tmp_path, request.param) as running:
        yield running


def buys(trade: Any) -> list[dict[str, Any]]:
    """Return a ladder that buys below the stop-loss."""
    return [{"side": "buy", "price": trade.open_rate * down, "amount": trade.amount} for down in (0.8, 0.75)]


@pytest.mark.parametrize("ladder", [None, FULL, HALF, buys], ids=["none", "full", "half", "buys"])
def test_a_stop_loss_leaves_at_once(bot: MeasuredBot, ladder: Any) -> None:
    bot.running.enter(ladder)
    bot.fall(0.85)
    bot.loop()
    bot.assert_exit_left()
    bot.assert_ends_well()
    assert (bot.kinds(), len(bot.sent())) == ({"market"}, 1)


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
