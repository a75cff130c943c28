"""Promise: every command of freqtrade knows the exchange, with the strategy and the configurations of user_data."""

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import rapidjson
import requests

from bitget_margin.emulator import Emulator, ccxt_urls
from bitget_margin.freqtrade.config import SECTION, BotSettings, parse_config
from support.bot import WAIT_SECONDS, Bot, signed_requests
from support.console import WIDE, has_traceback, unwrapped

pytestmark = pytest.mark.timeout(150)
USER_DATA = Path(__file__).parents[3] / "user_data"
EMULATOR_CONFIG = USER_DATA / "config.emulator.json"
BITGET_CONFIG = USER_DATA / "config.bitget.json"
CLASS = re.compile(r"Using resolved exchange (class )?'Bitgetcross'")
WARNING = "LADDERS ARE NOT SIMULATED"
DAYS = "20250601-20250604"
DATA = ("--timeframe", "5m", "--pairs", "BTC/USDT", "--timerange", DAYS)


@dataclass
class Finished:
    """The result of a command: exit code, unwrapped log records and signed requests."""

    code: int
    output: str
    signed: list[Any]


def warnings_in(log: str) -> int:
    """Return the number of records that say that ladders are not simulated."""
    return sum(WARNING in record for record in log.splitlines())


@dataclass
class CommandRunner:
    """A venue and a folder, in which commands run with the example's configuration."""

    venue: Emulator
    folder: Path

    @property
    def overrides(self) -> dict[str, Any]:
        """Return the differences from the example: the address of the venue, and the folders."""
        return {
            "exchange": {"ccxt_config": {"urls": ccxt_urls(self.venue.url)}},
            "user_data_dir": str(self.folder / "user_data"),
            "strategy_path": str(USER_DATA / "strategies"),
            "db_url": f"sqlite:///{self.folder / 'trades.sqlite'}",
        }

    @property
    def keys(self) -> dict[str, str]:
        """Return the environment variables with the API key."""
        account = self.venue.accounts[0]
        return {
            "FREQTRADE__EXCHANGE__KEY": account.api_key,
            "FREQTRADE__EXCHANGE__SECRET": account.secret,
            "FREQTRADE__EXCHANGE__PASSWORD": account.password,
        }

    def run(self, *arguments: str, configured: bool = True) -> Finished:
        """Run a command to its end."""
        path = self.folder / "overrides.json"
        path.write_text(json.dumps(self.overrides))
        configs = ("--config", str(EMULATOR_CONFIG), "--config", str(path)) if configured else ()
        since = len(signed_requests(self.venue))
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "bitget_margin.freqtrade", *arguments, *configs],
            env={**os.environ, **WIDE, **self.keys},
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        assert not has_traceback(done.stdout), done.stdout
        return Finished(done.returncode, unwrapped(done.stdout), signed_requests(self.venue)[since:])


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandRunner]:
    folder = tmp_path_factory.mktemp("runner")
    (folder / "user_data").mkdir()
    with Emulator() as venue:
        yield CommandRunner(venue, folder)
    assert venue.errors == ()


@pytest.fixture(scope="module")
def downloaded(runner: CommandRunner) -> Finished:
    """Download the candles that backtesting and hyperopt need."""
    return runner.run("download-data", "--timeframes", "5m", "--pairs", "BTC/USDT", "--timerange", DAYS)


def test_list_exchanges_shows_it(runner: CommandRunner) -> None:
    done = runner.run("list-exchanges", configured=False)
    assert done.code == 0, done.output
    (row,) = (line for line in done.output.splitlines() if "bitgetcross" in line)
    assert "cross spot" in row
    assert done.signed == []


@pytest.mark.slow
def test_download_data_stores_the_venues_candles(runner: CommandRunner, downloaded: Finished) -> None:
    assert downloaded.code == 0, downloaded.output
    assert CLASS.search(downloaded.output)
    assert "Downloaded data for BTC/USDT, 5m, spot with length" in downloaded.output
    assert list((runner.folder / "user_data" / "data" / "bitgetcross").glob("BTC_USDT-5m.*"))
    assert downloaded.signed == []


@pytest.mark.slow
def test_backtesting_trades_and_says_that_ladders_are_not_simulated(
    runner: CommandRunner, downloaded: Finished
) -> None:
    assert downloaded.code == 0
    done = runner.run("backtesting", *DATA, "--cache", "none")
    assert done.code == 0, done.output
    assert CLASS.search(done.output)
    (summary,) = re.findall(r"│ LadderExample │ +(\d+) │", done.output)
    assert int(summary) > 0
    assert warnings_in(done.output) == 1
    assert done.signed == []


@pytest.mark.slow
def test_hyperopt_ends_with_a_result(runner: CommandRunner, downloaded: Finished) -> None:
    """Two workers: the mixin and the exchange are pickled on their way to them."""
    assert downloaded.code == 0
    wanted = ("--epochs", "4", "--spaces", "buy", "--hyperopt-loss", "OnlyProfitHyperOptLoss", "--random-state", "1")
    done = runner.run("hyperopt", "-j", "2", *DATA, *wanted, "--disable-param-export")
    if "cannot import name 'cloudpickle' from 'joblib.externals'" in done.output:
        pytest.skip("freqtrade 2026.6 has no hyperopt with this joblib")
    assert done.code == 0, done.output
    assert CLASS.search(done.output)
    assert "4 epochs saved" in done.output
    assert '"buy_rsi":' in done.output
    assert done.signed == []


@pytest.fixture
def process(runner: CommandRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bot]:
    """Return a process that goes on until it is stopped, not started yet."""
    for name, value in {**WIDE, **runner.keys}.items():
        monkeypatch.setenv(name, value)
    fast = {"internals": {"process_throttle_secs": 1}, "force_entry_enable": True}
    with Bot(tmp_path, {**runner.overrides, **fast, "db_url": f"sqlite:///{tmp_path / 'trades.sqlite'}"}) as made:
        yield made


@pytest.mark.slow
def test_a_dry_run_trades_and_says_that_ladders_are_not_simulated(runner: CommandRunner, process: Bot) -> None:
    since = len(signed_requests(runner.venue))
    process.start("trade", "--dry-run", "--config", str(EMULATOR_CONFIG))
    process.wait_for_log("state='RUNNING'")
    with contextlib.suppress(requests.HTTPError):  # the example may have entered by itself
        process.api("POST", "forceenter", pair="BTC/USDT", ordertype="market")
    process.wait_for_log(WARNING)
    process.api("POST", "stop")
    process.wait_for_log(r"Changing state from RUNNING to: STOPPED")
    log = unwrapped(process.log_text())
    assert CLASS.search(log)
    assert not has_traceback(process.log_text())
    assert warnings_in(log) == 1
    assert signed_requests(runner.venue)[since:] == []


@pytest.mark.slow
def test_the_webserver_answers_for_the_exchange(runner: CommandRunner, process: Bot) -> None:
    since = len(signed_requests(runner.venue))
    process.start("webserver", "--config", str(EMULATOR_CONFIG))
    assert process.wait_until(lambda: process.api("GET", "ping"), "the webserver answers") == {"status": "pong"}
    markets = process.wait_until(lambda: process.api("GET", "markets"), "it has the markets")
    assert (markets["exchange_id"], "BTC/USDT" in markets["markets"]) == ("bitgetcross", True)
    process.interrupt()
    # The server has ended then; with stock exchanges too, the process may stay until a second Ctrl-C.
    end = time.monotonic() + WAIT_SECONDS
    while "Finished server process" not in process.log_text():
        assert time.monotonic() < end, process.log_text()[-2_000:]
        time.sleep(0.05)
    assert CLASS.search(unwrapped(process.log_text()))
    assert not has_traceback(process.log_text())
    assert signed_requests(runner.venue)[since:] == []


def test_the_configurations_hold_no_keys_and_show_the_defaults() -> None:
    for path in (EMULATOR_CONFIG, BITGET_CONFIG):
        config = loaded(path)
        assert not {"key", "secret", "password"} & set(config["exchange"])
        assert set(config[SECTION]) == {"cancel_scope", "partial_exits", "wait_ms"}
        assert parse_config(config) == BotSettings()
        assert (config["exchange"]["name"], config["trading_mode"], config["margin_mode"]) == (
            "bitgetcross",
            "spot",
            "cross",
        )
        assert config["order_types"]["stoploss_on_exchange"] is False


def test_the_configuration_for_a_real_account_is_a_dry_run() -> None:
    config = loaded(BITGET_CONFIG)
    assert config["dry_run"] is True
    # A database of its own would be shared by dry runs and live bots.
    assert "db_url" not in config


def test_the_configuration_for_the_emulator_reaches_nothing_else() -> None:
    config = loaded(EMULATOR_CONFIG)
    assert config["dry_run"] is False
    assert config["exchange"]["ccxt_config"]["urls"] == ccxt_urls("http://127.0.0.1:8787")


def loaded(path: Path) -> dict[str, Any]:
    """Read a configuration as freqtrade does."""
    parsed = rapidjson.loads(path.read_text(), parse_mode=rapidjson.PM_COMMENTS | rapidjson.PM_TRAILING_COMMAS)
    assert isinstance(parsed, dict)
    return parsed
