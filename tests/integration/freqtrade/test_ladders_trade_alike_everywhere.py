"""Promise: what a backtest fills of a ladder, a live bot fills; a dry run and a live bot agree within a tick."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.emulator import synthetic_symbols
from support.backtest import Bar, backtest
from support.bot import PAIRS, symbol_of
from support.in_process_bot import CONTROLS, in_process_bot

pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.timeout(600)]  # warnings of freqtrade's own

START = 100.0
TICK = 0.01
FEW, MANY = 4, 10
"""Ladders of one run, each on a pair of its own; ten long runs are a hundred."""
STEPS = 3
"""Prices of one candle, each of which is seen by a loop of the bot."""
SHORT, LONG = 4, 8
"""Candles of one run."""
NEVER = LONG
RUNS = [
    pytest.param(0, FEW, SHORT, marks=pytest.mark.slow),
    *(pytest.param(seed, MANY, LONG, marks=pytest.mark.drill) for seed in range(1, 11)),
]


@dataclass(frozen=True, slots=True)
class Order:
    """One order of a ladder."""

    side: str
    price: float

    def given(self) -> dict[str, Any]:
        """Return it as a strategy gives it."""
        return {"side": self.side, "price": self.price, "amount": 1.0}


@dataclass(frozen=True, slots=True)
class Story:
    """The prices of a pair, by candle, and the ladder of its trade, which is entered at the first price."""

    candles: Sequence[Sequence[float]]
    ladder: Sequence[Order]

    def extreme(self, order: Order, candle: int) -> float:
        """Return the price of a candle that is best for an order."""
        return max(self.candles[candle]) if order.side == "sell" else min(self.candles[candle])

    def beyond(self, order: Order, candle: int) -> float:
        """Return how far a candle went beyond an order; negative where it did not reach it."""
        extreme = self.extreme(order, candle)
        return extreme - order.price if order.side == "sell" else order.price - extreme


Fills = dict[tuple[str, Order], int]
"""The candle in which each order of a pair was filled."""


def stories(seed: int, ladders: int, candles: int) -> dict[str, Story]:
    """Return random prices and ladders; some orders lie exactly where the price turns."""
    dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
    return {pair: _story(dice, candles) for pair in PAIRS[:ladders]}


def _story(dice: random.Random, count: int) -> Story:
    prices = [START]
    for _ in range(count * STEPS - 1):
        moved = prices[-1] * (1 + dice.gauss(0, 0.01))
        prices.append(round(min(max(moved, 70.0), 140.0), 2))
    candles = [tuple(prices[at : at + STEPS]) for at in range(0, len(prices), STEPS)]
    ladder: dict[tuple[str, float], Order] = {}
    for _ in range(dice.randint(1, 8)):
        side = dice.choice(["sell", "sell", "buy"])
        away = dice.uniform(0.002, 0.06)
        price = round(START * (1 + away if side == "sell" else 1 - away), 2)
        turn = dice.choice(prices)
        if dice.random() < 0.3 and (turn > START + 0.2 if side == "sell" else turn < START - 0.2):
            price = turn
        ladder[side, price] = Order(side, price)
    return Story(candles, list(ladder.values()))


def traded(told: dict[str, Story], folder: Path, **settings: Any) -> Fills:
    """Trade all stories with one bot; return what it has booked after each candle."""
    fills: Fills = {}
    with in_process_bot(
        folder, pairs=list(told), symbols=synthetic_symbols(len(told)), settings={"dry_run_wallet": 1e6, **settings}
    ) as bot:
        CONTROLS.enter, CONTROLS.ladder = True, lambda trade: [order.given() for order in told[trade.pair].ladder]
        bot.loop()
        CONTROLS.enter = False
        bot.loop(2)
        for candle in range(len(next(iter(told.values())).candles)):
            for step in range(STEPS):
                for pair, story in told.items():
                    bot.venue.set_price(symbol_of(pair), str(story.candles[candle][step]))
                bot.loop()
            for pair in told:
                for row in bot.trade_on(pair).orders:
                    if row.ft_order_tag == "ladder" and row.filled:
                        fills.setdefault((pair, Order(row.ft_order_side, row.ft_price)), candle)
    return fills


def simulated(told: dict[str, Story], folder: Path) -> Fills:
    """Trade all stories in a backtest."""
    bars = {
        pair: [Bar(START, START, START, START)]
        + [Bar(prices[0], max(prices), min(prices), prices[-1]) for prices in story.candles]
        + [Bar(*[story.candles[-1][-1]] * 4)]
        for pair, story in told.items()
    }
    with backtest(folder, list(told), synthetic_symbols(len(told)), dry_run_wallet=1e6) as prepared:
        trades = prepared.run(
            bars,
            enter={pair: [1] for pair in told},
            ladder=lambda trade: [order.given() for order in told[trade.pair].ladder],
        )
    return {
        (trade.pair, Order(row.ft_order_side, row.safe_price)): row.order_filled_date.minute - 1
        for trade in trades
        for row in trade.orders
        if row.ft_order_tag == "steps"
    }


@pytest.mark.parametrize(("seed", "ladders", "candles"), RUNS)
def test_a_backtest_a_dry_run_and_a_live_bot_fill_the_same_orders(
    tmp_path: Path, seed: int, ladders: int, candles: int
) -> None:
    told = stories(seed, ladders, candles)
    for name in ("live", "dry", "simulated"):
        (tmp_path / name).mkdir()
    live = traded(told, tmp_path / "live")
    dry = traded(told, tmp_path / "dry", dry_run=True)
    tested = simulated(told, tmp_path / "simulated")
    assert len(tested) >= FEW - 1
    for (pair, order), candle in tested.items():
        assert live.get((pair, order), NEVER) <= candle, f"{pair} {order}: filled in the backtest alone"
    for (pair, order), candle in live.items():
        if tested.get((pair, order), NEVER) > candle:
            # Left out for one of two reasons: it was the first candle, or the price has not gone through the order.
            beyond = told[pair].beyond(order, candle)
            assert candle == 0 or 0 <= beyond < TICK * 0.99, f"{pair} {order}: {beyond:.2f} beyond in {candle}"
    for pair, order in live.keys() | dry.keys():
        filled = [fills.get((pair, order), NEVER) for fills in (live, dry)]
        if filled[0] != filled[1]:
            beyond = told[pair].beyond(order, min(filled))
            assert abs(beyond) <= TICK * 1.01, f"{pair} {order}: {beyond:.2f} beyond, live and dry in {filled}"
