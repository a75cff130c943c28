"""Promise: freqtrade's commands work in the futures mode as in spot mode, by ordinary candles and without a key."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.emulator import Emulator
from support.bot import STRATEGIES
from support.command_runner import CommandRunner, Finished

pytestmark = pytest.mark.timeout(150)
DAYS = "20250601-20250604"
PAIR = ("--pairs", "BTC/USDT")
LEVERAGE = {"max": 3, "daily_interest": {"USDT": 0.001, "BTC": 0.002}}
FUTURES: dict[str, Any] = {
    "trading_mode": "futures",
    "margin_mode": "cross",
    "bitget_margin": {"leverage": LEVERAGE},
    "strategy_path": str(STRATEGIES),
}
TESTED = ("--timeframe", "5m", *PAIR, "--timerange", DAYS, "--strategy")


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandRunner]:
    folder = tmp_path_factory.mktemp("runner")
    (folder / "user_data").mkdir()
    with Emulator() as venue:
        yield CommandRunner(venue, folder, forks=True)
    assert venue.errors == ()


@pytest.fixture(scope="module")
def downloaded(runner: CommandRunner) -> Finished:
    """Download candles, and delete the empty files of funding rates that freqtrade writes beside them."""
    done = runner.run("download-data", "--timeframes", "5m", *PAIR, "--timerange", DAYS, **FUTURES)
    for path in (runner.folder / "user_data").rglob("*funding_rate*"):
        path.unlink()
    return done


def candles_of(folder: Path) -> list[str]:
    """Return the names of the files with candles."""
    return sorted(path.name for path in (folder / "user_data" / "data" / "bitgetcross").rglob("*.*"))


def asked(runner: CommandRunner, coin: str) -> int:
    """Return how often the venue was asked for the interest rate of a coin."""
    return sum("interest-rate-record" in each.path and coin in each.query for each in runner.venue.requests)


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (("list-pairs", "--trading-mode", "futures", "--one-column"), "has 3 active pairs"),
        (("list-markets",), r"BTC/USDT │ +BTC │ +USDT │ +True │ Spot │ Margin │ Future │ +3.0"),
        (("test-pairlist", "--one-column"), "BTC/USDT"),
        (("show-config",), "futures"),
    ],
    ids=lambda command: command[0] if isinstance(command, tuple) else "",
)
def test_a_command_that_lists_knows_the_pairs(runner: CommandRunner, command: tuple[str, ...], shown: str) -> None:
    done = runner.run(*command, **FUTURES)
    assert done.code == 0, done.output
    assert re.search(shown, done.output)
    assert done.signed == []


def test_a_command_needs_the_settings_of_leverage(runner: CommandRunner) -> None:
    done = runner.run("list-pairs", "--trading-mode", "futures")
    assert done.code == 2
    assert 'add "bitget_margin": {"leverage": {"max": 3}}' in done.output


@pytest.mark.slow
def test_candles_are_downloaded_in_the_wanted_timeframes_alone(runner: CommandRunner, downloaded: Finished) -> None:
    """The timeframe of the configuration is another one: it was not asked for."""
    assert downloaded.code == 0, downloaded.output
    assert candles_of(runner.folder) == ["BTC_USDT-5m-futures.feather"]
    assert downloaded.signed == []
    assert asked(runner, "USDT") == 0


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["Nervous", pytest.param("WithoutMixin", marks=pytest.mark.drill)])
def test_a_backtest_needs_no_other_candles(runner: CommandRunner, downloaded: Finished, strategy: str) -> None:
    assert downloaded.code == 0
    done = runner.run("backtesting", *TESTED, strategy, "--cache", "none", **FUTURES)
    assert done.code == 0, done.output
    (trades,) = re.findall(rf"│ +{strategy} │ +(\d+) │", done.output)
    assert int(trades) > 0
    assert "Cross Futures" in done.output
    assert re.search(r"Long / Short trades +│ [1-9]\d* / [1-9]\d*", done.output)
    assert done.signed == []
    warnings = [line for line in done.output.splitlines() if " WARNING - " in line and "not officially" not in line]
    assert len(warnings) == 1
    assert "No history for BTC/USDT, funding_rate, 1h found" in warnings[0]


@pytest.mark.drill
def test_a_backtest_asks_for_the_rates_that_are_not_given(runner: CommandRunner, downloaded: Finished) -> None:
    assert downloaded.code == 0
    before = asked(runner, "USDT"), asked(runner, "BTC")
    given = {**FUTURES, "bitget_margin": {"leverage": {"max": 3, "daily_interest": {"USDT": 0.001}}}}
    done = runner.run("backtesting", *TESTED, "Nervous", "--cache", "none", **given)
    assert done.code == 0, done.output
    assert (asked(runner, "USDT"), asked(runner, "BTC")) == (before[0], before[1] + 1)
    assert done.signed == []


@pytest.mark.drill
def test_hyperopt_ends_with_a_result(runner: CommandRunner, downloaded: Finished) -> None:
    """Two workers: the rates and the prices are pickled on their way to them."""
    assert downloaded.code == 0
    wanted = ("--epochs", "4", "--spaces", "stoploss", "--hyperopt-loss", "OnlyProfitHyperOptLoss")
    more = ("--random-state", "1", "--disable-param-export", "--print-all")
    done = runner.run("hyperopt", "-j", "2", *TESTED, "Nervous", *wanted, *more, **FUTURES)
    if "cannot import name 'cloudpickle' from 'joblib.externals'" in done.output:
        pytest.skip("freqtrade 2026.6 has no hyperopt with this joblib")
    assert done.code == 0, done.output
    assert "4 epochs saved" in done.output
    assert done.signed == []
