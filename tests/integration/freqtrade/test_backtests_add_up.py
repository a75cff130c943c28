"""Promise: the backtest of a strategy with a ladder is what its candles and its orders add up to, to the cent."""

import math
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from support.backtest import PAIR, Bar, backtest
from support.documents import ROOT, examples
from support.recomputed import Position, Row, Rules, recompute

DAYS = 60
CANDLES = DAYS * 288
CENT = 0.01
STEP, LOT = Decimal("0.01"), Decimal("0.000001")
"""Steps of the price and of the amount on the local venue."""


def walk(seed: int, candles: int = CANDLES) -> list[Bar]:
    """Return candles of five minutes of a price that swings by some percent in a day, with a gap now and then."""
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    bars = []
    price, center = 100.0, 100.0
    for number in range(candles):
        center = 100.0 * (1 + 0.04 * math.sin(number / 90) + 0.03 * math.sin(number / 31))
        if rng.random() < 0.002:
            price *= 1 + rng.choice((-1, 1)) * rng.uniform(0.01, 0.09)
        path = [price]
        for _ in range(6):
            path.append(path[-1] * (1 + rng.gauss(0, 0.002) + 0.02 * (center / path[-1] - 1)))
        path = [round(each, 2) for each in path]
        bars.append(Bar(path[0], max(path), min(path), path[-1]))
        price = path[-1]
    return bars


def strategy_of_readme(folder: Path) -> str:
    """Write the strategy of the README to a folder; return its name."""
    (text,) = (each.text for each in examples("python") if each.page == ROOT / "README.md" and "IStrategy" in each.text)
    (folder / "mine.py").write_text(text)
    return "MyStrategy"


def rows(bars: list[Bar], frame: Any) -> list[Row]:
    """Return the candles with the signals of the candle before each."""

    def signals(name: str) -> list[bool]:
        values = frame[name].fillna(0).tolist() if name in frame else [0] * len(bars)
        return [False, *(value == 1 for value in values[:-1])]

    both = zip(bars, signals("enter_long"), signals("exit_long"), strict=True)
    return [
        Row(*(Decimal(repr(price)) for price in (bar.open, bar.high, bar.low)), enters, leaves)
        for bar, enters, leaves in both
    ]


def seen(trade: Any, start: Any) -> list[tuple[int, float, float]]:
    """Return candle, price and amount of each sell of a trade."""
    return [
        (int((order.order_filled_date - start).total_seconds() // 300), order.safe_price, order.filled)
        for order in trade.orders
        if order.ft_order_side == "sell"
    ]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_strategy_of_the_readme_is_what_its_candles_add_up_to(tmp_path: Path, seed: int) -> None:
    bars = walk(seed)
    name = strategy_of_readme(tmp_path)
    with backtest(tmp_path, timeframe="5m", strategy=name, strategy_path=str(tmp_path)) as prepared:
        trades = prepared.run(bars)
        start = min(trade.open_date for trade in trades)
        processed = prepared.processed[PAIR]
    wanted = recompute(
        rows(bars, processed),
        Rules(
            ups=[Decimal("1.02"), Decimal("1.04")],
            stop=Decimal("0.95"),
            stake=Decimal(1_000),
            fee=Decimal("0.001"),
            step=STEP,
            lot=LOT,
        ),
    )
    assert len(wanted) > DAYS
    first = wanted[0].entered
    for trade, position in zip(trades, wanted, strict=True):
        assert trade.exit_reason == position.reason
        moved = [(number + first, *fill) for number, *fill in seen(trade, start)]
        assert moved == [(number, float(price), float(amount)) for number, price, amount in position.fills]
        assert trade.close_profit_abs == pytest.approx(float(position.money), abs=1e-5)
    assert prepared.final == pytest.approx(10_000 + float(sum(position.money for position in wanted)), abs=CENT / 2)
    reasons = {position.reason for position in wanted}
    assert reasons >= {"ladder", "exit_signal", "stop_loss"}
    assert any(_is_partial(position) for position in wanted)


def _is_partial(position: Position) -> bool:
    return position.reason != "ladder" and len(position.fills) > 1
