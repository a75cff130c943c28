"""Promise: the backtest of a strategy with a ladder is what its candles and its orders add up to, to the cent."""

import contextlib
import math
import random
import re
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


def strategy_of(page: Path, folder: Path) -> str:
    """Write the strategy of a page to a folder; return its name."""
    (text,) = (each.text for each in examples("python") if each.page == page and "IStrategy" in each.text)
    (folder / "mine.py").write_text(text)
    (name,) = re.findall(r"^class (\w+)", text, re.MULTILINE)
    return str(name)


def rows(bars: list[Bar], frame: Any) -> list[Row]:
    """Return the candles with the signals of the candle before each."""

    def signals(name: str) -> list[bool]:
        values = frame[name].fillna(0).tolist() if name in frame else [0] * len(bars)
        return [False, *(value == 1 for value in values[:-1])]

    times = (int(moment.timestamp()) for moment in frame["date"])
    columns = (signals(name) for name in ("enter_long", "exit_long", "enter_short", "exit_short"))
    return [
        Row(*(Decimal(repr(price)) for price in (bar.open, bar.high, bar.low)), *found, at_seconds)
        for bar, *found, at_seconds in zip(bars, *columns, times, strict=True)
    ]


def seen(trade: Any, start: Any) -> list[tuple[int, float, float]]:
    """Return candle, price and amount of each exit of a trade."""
    return [
        (int((order.order_filled_date - start).total_seconds() // 300), order.safe_price, order.filled)
        for order in trade.orders
        if order.ft_order_side == trade.exit_side
    ]


@pytest.mark.parametrize(
    ("page", "ups", "seed"),
    [
        pytest.param("README.md", ("1.02", "1.04"), 1, id="readme"),
        pytest.param("docs/freqtrade.md", ("1.02", "1.04", "1.06"), 2, id="guide", marks=pytest.mark.slow),
    ],
)
def test_the_strategy_of_a_page_is_what_its_candles_add_up_to(
    tmp_path: Path, page: str, ups: tuple[str, ...], seed: int
) -> None:
    bars = walk(seed)
    name = strategy_of(ROOT / page, tmp_path)
    with backtest(tmp_path, timeframe="5m", strategy=name, strategy_path=str(tmp_path)) as prepared:
        trades = prepared.run(bars)
        start = min(trade.open_date for trade in trades)
        processed = prepared.processed[PAIR]
    wanted = recompute(
        rows(bars, processed),
        Rules(
            ups=[Decimal(up) for up in ups],
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


# -- the futures mode -------------------------------------------------------------------------------------------------

DAILY = {"USDT": 0.002, "BTC": 0.004}
"""Far more than any venue asks, so that a wrong hour shows."""


def both_ways(percents: list[int], leverage: int, stop: str, coin: str, *, is_short: bool) -> Rules:
    """Return the rules of one direction of a strategy with a ladder at these parts of the price of the entry."""
    return Rules(
        ups=[Decimal(each) / 100 for each in percents],
        stop=Decimal(stop),
        stake=Decimal(1_000),
        fee=Decimal("0.001"),
        step=STEP,
        lot=LOT,
        leverage=Decimal(leverage),
        daily=Decimal(repr(DAILY[coin])),
        is_short=is_short,
    )


@pytest.mark.parametrize(
    ("page", "away", "leverage", "stops", "seed"),
    [
        # A stop of 12 % of the stake is 4 % of the price with three times the stake, and 6 % with twice.
        pytest.param(None, (1, 2, 3), 3, ("0.96", "1.06"), 3, marks=pytest.mark.slow),
        pytest.param(None, (1, 2, 3), 3, ("0.96", "1.06"), 4, marks=pytest.mark.slow),
        ("docs/leverage.md", (1, 2), 2, ("0.95", "1.05"), 5),
    ],
)
def test_leverage_and_shorts_are_what_their_candles_and_their_interest_add_up_to(
    tmp_path: Path, page: str | None, away: tuple[int, ...], leverage: int, stops: tuple[str, str], seed: int
) -> None:
    bars = walk(seed)
    which: dict[str, str] = {"strategy": "BothWays"}
    if page is not None:
        which = {"strategy": strategy_of(ROOT / page, tmp_path), "strategy_path": str(tmp_path)}
    with backtest(tmp_path, timeframe="5m", leverage={"max": 3, "daily_interest": DAILY}, **which) as prepared:
        trades = prepared.run(bars)
        start = min(trade.open_date for trade in trades)
        processed = prepared.processed[PAIR]
    long = both_ways([100 + each for each in away], leverage, stops[0], "USDT", is_short=False)
    short = both_ways([100 - each for each in away], 2, stops[1], "BTC", is_short=True)
    wanted = recompute(rows(bars, processed), long, short)
    first = wanted[0].entered
    for trade, position in zip(trades, wanted, strict=True):
        assert (trade.is_short, trade.exit_reason) == (position.is_short, position.reason), trade
        assert trade.leverage == position.rules.leverage
        moved = [(number + first, *fill) for number, *fill in seen(trade, start)]
        assert moved == [(number, float(price), float(amount)) for number, price, amount in position.fills]
        assert trade.funding_fees == pytest.approx(-float(position.interest), abs=1e-9), trade
        assert trade.close_profit_abs == pytest.approx(float(position.profit), abs=1e-5)
    assert prepared.final == pytest.approx(10_000 + float(sum(each.profit for each in wanted)), abs=CENT / 2)
    for is_short in (False, True):
        mine = [position for position in wanted if position.is_short == is_short]
        assert len(mine) > DAYS / 2
        assert {position.reason for position in mine} >= {"ladder", "exit_signal"}
        assert any(_is_partial(position) for position in mine)
        assert len({position.debt_hours for position in mine}) > DAYS / 4
    assert "stop_loss" in {position.reason for position in wanted}


# -- whatever a strategy does -----------------------------------------------------------------------------------------

ETH = "ETH/USDT"
WALLET = 3_000
FEE = 0.001
RUNS = 20
MINUTES = 58


def short_walk(dice: random.Random) -> list[Bar]:
    """Return candles of a price that moves fast, and jumps now and then."""
    bars, price = [], 100.0
    for _ in range(MINUTES):
        if dice.random() < 0.08:
            price *= 1 + dice.uniform(-0.03, 0.03)
        path = [price]
        for _ in range(5):
            path.append(path[-1] * (1 + dice.gauss(0, 0.006)))
        path = [round(each, 2) for each in path]
        bars.append(Bar(path[0], max(path), min(path), path[-1]))
        price = path[-1]
    return bars


class Whims:
    """A strategy that places, changes, adjusts, refuses, and fails at random."""

    def __init__(self, dice: random.Random, *, both_ways: bool = False) -> None:
        self.dice = dice
        self.both_ways = both_ways
        self.keys = 0
        self.lowest_free = 0.0

    def ladder(self, trade: Any) -> list[dict[str, Any]]:
        """Return random orders around the price of the trade."""
        orders = []
        for _ in range(self.dice.randint(1, 4)):
            # One that adds is refused with its whole ladder, but of longs without leverage.
            may_add = (not trade.is_short and trade.leverage == 1) or self.dice.random() < 0.1
            side = self.dice.choice(
                [trade.exit_side, trade.exit_side, trade.entry_side if may_add else trade.exit_side]
            )
            away = self.dice.uniform(1.001, 1.02) if side == "sell" else self.dice.uniform(0.975, 0.999)
            orders.append({"side": side, "price": trade.open_rate * away, "amount": self.dice.uniform(0.5, 8)})
        return orders

    def filled(self, strategy: Any, trade: Any, _order: Any) -> None:
        """Place a further ladder, or change one."""
        if self.dice.random() < 0.4:
            self.keys += 1
            act = self.dice.choice([strategy.place_resting_orders, strategy.replace_resting_orders])
            with contextlib.suppress(ValueError):
                act(trade, self.ladder(trade), key=f"k{self.keys if self.dice.random() < 0.7 else 1}")
        self.lowest_free = min(self.lowest_free, strategy.wallets.get_free("USDT"))

    def refuse(self, _reason: str) -> bool:
        """Refuse a third of all exits, and fail sometimes."""
        if self.dice.random() < 0.05:
            raise RuntimeError("broken")
        return self.dice.random() < 0.33

    def adjust(self, trade: Any, _candle: int) -> float | None:
        """Buy or sell a part now and then."""
        if self.dice.random() < 0.9:
            return None
        return self.dice.choice([self.dice.uniform(20, 300), -trade.stake_amount * self.dice.uniform(0.1, 1.2)])

    def stop(self, _trade: Any, _after_fill: bool) -> float | None:
        """Move the stop now and then."""
        return self.dice.choice([None, None, -0.02, -0.03])

    def plan(self) -> dict[str, Any]:
        """Return the arguments of a backtest."""
        dice = self.dice
        pairs = (PAIR, ETH)
        shorts = {
            "enter_short": {pair: [each for each in range(1, MINUTES) if dice.random() < 0.3] for pair in pairs},
            "leave_short": {pair: [each for each in range(1, MINUTES) if dice.random() < 0.1] for pair in pairs},
            "leverage": lambda _: dice.choice([1.0, 1.0, 2.0, 3.0]),
        }
        return (shorts if self.both_ways else {}) | {
            "enter": {pair: [each for each in range(1, MINUTES) if dice.random() < 0.4] for pair in pairs},
            "leave": {pair: [each for each in range(1, MINUTES) if dice.random() < 0.1] for pair in pairs},
            "filled": self.filled,
            "refuse": self.refuse,
            "adjust": self.adjust,
            "stop": self.stop,
            "attributes": {
                "stoploss": -0.03,
                "minimal_roi": dice.choice([{}, {0: 0.012}]),
                "trailing_stop": dice.random() < 0.4,
                "use_custom_stoploss": dice.random() < 0.4,
                "position_adjustment_enable": dice.random() < 0.6,
                "custom_exit_price": lambda proposed_rate, **_: proposed_rate * dice.choice([1.0, 1.0, 1.01]),
            },
        }


def add_up(tmp_path: Path, partial_exits: str, *, both_ways: bool) -> None:
    """Run backtests of whims, and check the coins and the money of every trade."""
    settings: dict[str, Any] = {"stake_amount": "unlimited", "max_open_trades": 2, "dry_run_wallet": WALLET}
    section: dict[str, Any] = {"partial_exits": partial_exits}
    if both_ways:
        settings["leverage"] = section["leverage"] = {
            "max": 3,
            "daily_interest": {"USDT": 0.002, "BTC": 0.004, "ETH": 0},
        }
    tagged = {False: 0, True: 0}
    with backtest(tmp_path, (PAIR, ETH), bitget_margin=section, **settings) as prepared:
        for seed in range(RUNS):
            dice = random.Random(f"{partial_exits}-{seed}")  # noqa: S311 - repeatable, not secret
            whims = Whims(dice, both_ways=both_ways)
            trades = prepared.run({PAIR: short_walk(whims.dice), ETH: short_walk(whims.dice)}, **whims.plan())
            money = 0.0
            for trade in trades:
                flows = [(order, 1 if order.ft_order_side == "buy" else -1) for order in trade.orders if order.filled]
                assert sum(sign * order.filled for order, sign in flows) == pytest.approx(0, abs=2e-6), (seed, trade)
                made = -sum(sign * order.filled * order.safe_price * (1 + sign * FEE) for order, sign in flows)
                made += trade.funding_fees
                assert trade.close_profit_abs == pytest.approx(made, abs=1e-4), (seed, trade)
                assert (trade.funding_fees < 0) == (
                    trade.pair == PAIR if trade.is_short else trade.leverage > 1 and both_ways
                ), (seed, trade)
                assert not any(order.ft_is_open for order in trade.orders if order.ft_order_tag != trade.exit_reason)
                tagged[trade.is_short] += sum((order.ft_order_tag or "").startswith("k") for order, _ in flows)
                money += made
            assert whims.lowest_free >= -1e-6, seed
            assert prepared.final == pytest.approx(WALLET + money, abs=1e-3), seed
    assert tagged[False] > RUNS
    assert (tagged[True] > RUNS) == both_ways


@pytest.mark.parametrize("partial_exits", [pytest.param("leave", marks=pytest.mark.slow), "cancel"])
def test_whatever_a_strategy_does_each_coin_is_sold_once_and_no_money_is_made_up(
    tmp_path: Path, partial_exits: str
) -> None:
    add_up(tmp_path, partial_exits, both_ways=False)


@pytest.mark.parametrize("partial_exits", ["leave", pytest.param("cancel", marks=pytest.mark.slow)])
def test_whatever_a_strategy_does_each_short_is_covered_once_and_no_money_is_made_up(
    tmp_path: Path, partial_exits: str
) -> None:
    add_up(tmp_path, partial_exits, both_ways=True)
