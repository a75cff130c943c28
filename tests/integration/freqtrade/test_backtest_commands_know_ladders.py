"""Promise: freqtrade's own commands on candles of the past test, optimize and analyze a strategy with its ladder."""

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.emulator import Emulator
from support.backtest import Bar, frame_of
from support.command_runner import CommandRunner

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

STRATEGY = """
from freqtrade.strategy import IntParameter, IStrategy

from bitget_margin.freqtrade import CrossedMarginMixin


class Distance(CrossedMarginMixin, IStrategy):
    timeframe = "5m"
    stoploss = -0.5
    startup_candle_count = 2
    minimal_roi = {}
    percent = IntParameter(1, 8, default=1, space="sell")

    def populate_indicators(self, dataframe, metadata):
        dataframe["before"] = dataframe["close"].shift(1)
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        dataframe.loc[(dataframe["close"] == 100.0) & (dataframe["before"] == 99.0), "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        dataframe.loc[dataframe["close"] == 98.0, "exit_long"] = 1
        return dataframe

    def order_filled(self, pair, trade, order, current_time, **kwargs):
        if order.ft_order_side == trade.entry_side:
            price = trade.open_rate * (1 + self.percent.value / 100)
            self.place_resting_orders(trade, [{"side": "sell", "price": price, "share": 1}])
"""
BEST_PERCENT = 5
CYCLE = [99.0, 100.0, 100.0, 103.0, 105.5, 104.0, 98.0, 98.0]
"""Closes of one swing: an entry at 100, a top just above the best distance, and an exit at 98."""
SWINGS = 5 * 288 // len(CYCLE)
"""Swings in the time of the backtest."""
TIMERANGE = "20260107-20260112"


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandRunner]:
    """Run commands on a folder with candles and the strategy."""
    folder = tmp_path_factory.mktemp("runner")
    data = folder / "user_data" / "data" / "bitgetcross"
    data.mkdir(parents=True)
    closes = CYCLE * 2 * SWINGS
    bars = [
        Bar(before, max(before, close), min(before, close), close)
        for before, close in zip([closes[0], *closes], closes, strict=False)
    ]
    frame_of(bars, "5m").to_feather(data / "BTC_USDT-5m.feather")
    (folder / "distance.py").write_text(STRATEGY)
    with Emulator() as venue:
        yield CommandRunner(venue, folder)
    assert venue.errors == ()


def run(runner: CommandRunner, command: str, *arguments: str) -> str:
    """Run a command with the strategy; return its output."""
    strategy = ("--strategy", "Distance", "--strategy-path", str(runner.folder), "--timerange", TIMERANGE)
    done = runner.run(command, *strategy, "--pairs", "BTC/USDT", *arguments, timeframe="5m")
    assert done.code == 0, done.output
    assert "NO LADDERS" not in done.output
    assert done.signed == []
    return done.output


def exported(folder: Path) -> list[dict[str, Any]]:
    """Return the trades of the last backtest that was exported."""
    results = folder / "user_data" / "backtest_results"
    newest = results / json.loads((results / ".last_result.json").read_text())["latest_backtest"]
    with zipfile.ZipFile(newest) as archive:
        (name,) = (each for each in archive.namelist() if each == f"{newest.stem}.json")
        trades: list[dict[str, Any]] = json.loads(archive.read(name))["strategy"]["Distance"]["trades"]
    return trades


def test_an_exported_backtest_has_the_fills_of_ladders(runner: CommandRunner) -> None:
    output = run(runner, "backtesting", "--export", "trades", "--cache", "none")
    trades = exported(runner.folder)
    assert len(trades) == SWINGS
    assert re.search(rf"│ +ladder │ +{SWINGS} │", output), output
    for trade in trades:
        assert (trade["exit_reason"], trade["close_rate"]) == ("ladder", 101.0)
        assert [order["ft_order_tag"] for order in trade["orders"]][1:] == ["ladder"]
        assert trade["profit_abs"] == pytest.approx(trade["amount"] * (101 * 0.999 - 100 * 1.001), abs=1e-4)


def test_hyperopt_finds_the_best_distance_of_a_ladder(runner: CommandRunner) -> None:
    """Two workers: what they simulate is their own."""
    output = run(
        runner,
        "hyperopt",
        *("-j", "2", "--epochs", "24", "--spaces", "sell", "--hyperopt-loss", "OnlyProfitHyperOptLoss"),
        *("--random-state", "1", "--disable-param-export"),
    )
    if "cannot import name 'cloudpickle' from 'joblib.externals'" in output:
        pytest.skip("freqtrade 2026.6 has no hyperopt with this joblib")
    (found,) = re.findall(r'"percent": (\d+)', output)
    assert int(found) == BEST_PERCENT


def test_lookahead_analysis_finds_nothing(runner: CommandRunner) -> None:
    output = run(runner, "lookahead-analysis", "--minimum-trade-amount", "10", "--targeted-trade-amount", "10")
    (row,) = (line for line in output.splitlines() if "Distance" in line and "│" in line)
    assert re.search(r"│ +No │ +\d+ │ +0 │ +0 │", row), row


def test_recursive_analysis_finds_nothing(runner: CommandRunner) -> None:
    output = run(runner, "recursive-analysis", "--startup-candle", "10", "50")
    assert "No variance on indicator(s) found due to recursive formula." in output
    assert "No lookahead bias on indicators found." in output
