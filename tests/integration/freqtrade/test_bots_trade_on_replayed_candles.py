"""Promise: on replayed candles a bot gets the fills that the candles allow, and no other ones."""

import random
import time
from pathlib import Path

import pytest

from bitget_margin.cli import replay
from bitget_margin.emulator import Emulator, Order
from support.backtest import Bar, frame_of
from support.bot import Bot, account, config
from support.running_bot import RunningBot, assert_books_agree, wait_until_closed

pytestmark = pytest.mark.timeout(300)
PAST = 20
LOT_VALUE = 0.02
"""More than a lot of 0.0001 coins is worth."""
LADDER_DASHES = 3
"""Dashes of the client order id of a ladder's order; other orders of a bot have fewer."""
SPEED = 120.0
"""A candle of a minute takes half a second."""
FEW, HOUR = 20, 60
"""Candles that are replayed after those of the past."""


def recorded(folder: Path, pairs: int, candles: int) -> list[replay.Recording]:
    """Write candles of so many pairs as freqtrade would, and read them."""
    recordings = []
    for number in range(pairs):
        dice, price, bars = random.Random(number), 100.0, []  # noqa: S311 - repeatable, not secret
        for _ in range(PAST + candles):
            path = [price, *(round(price * (1 + dice.gauss(0.0004, 0.004)), 2) for _ in range(3))]
            bars.append(Bar(path[0], max(path), min(path), path[-1]))
            price = path[-1]
        path_of = folder / f"P{number:02}_USDT-1m.feather"
        frame_of(bars, "1m").to_feather(path_of)
        recordings.append(replay.read(path_of))
    return recordings


@pytest.mark.parametrize(
    ("pairs", "candles"),
    [pytest.param(4, FEW, marks=pytest.mark.slow), pytest.param(20, HOUR, marks=pytest.mark.drill)],
)
def test_a_bot_gets_the_fills_that_the_candles_allow(tmp_path: Path, pairs: int, candles: int) -> None:
    recordings = recorded(tmp_path, pairs, candles)
    begin = replay.begin_of(recordings, PAST)
    names = [f"P{number:02}/USDT" for number in range(pairs)]
    venue = Emulator(accounts=(account(),), symbols=replay.symbols(recordings, begin))
    with venue, Bot(tmp_path / "bot", config(venue, names, tmp_path / "bot")).start() as bot:
        bot.wait_for_log("Changing state to: RUNNING")
        for name in names:
            bot.instruct(name, enter=True, rungs=3, share=0.6, first=1.004)
        bot.wait_until(lambda: len(ladders(venue)) == 3 * pairs, "all ladders rest")
        for name in names:
            bot.instruct(name, enter=False)
        # From now on: the venue has a price of its own until then.
        began_ms = time.time_ns() // 1_000_000
        future = [step for step in replay.path(recordings, begin, SPEED) if step[0] >= 0]
        venue.schedule(future)
        time.sleep(candles * 60 / SPEED + 1)
        placed = ladders(venue)
        for order in placed:
            until_ms = (order.updated_ms if not order.live else time.time_ns() // 1_000_000) - began_ms
            seen = [float(price) for at, symbol, price in future if symbol == order.symbol and at * 1_000 <= until_ms]
            assert (order.filled > 0) == (max(seen, default=0.0) >= order.price), f"{order} of {seen}"
        filled = sum(order.filled > 0 for order in placed)
        assert 0 < filled < len(placed)
        running = RunningBot(bot, venue, iter(names))
        for name in names:
            bot.instruct(name, exit=True)
            assert_books_agree(running, wait_until_closed(running, name), dust=LOT_VALUE)
    assert venue.errors == ()


def ladders(venue: Emulator) -> list[Order]:
    """Return the limit sells of the first trades."""
    sells = [order for order in venue.orders(venue.accounts[0].uid) if order.side == "sell"]
    return [order for order in sells if order.client_oid.count("-") == LADDER_DASHES]
