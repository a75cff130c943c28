"""Promise: every command of freqtrade knows the exchange, with the strategy and the configurations of user_data."""

import contextlib
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rapidjson
import requests

from bitget_margin.emulator import Emulator, ccxt_urls
from bitget_margin.freqtrade.config import SECTION, BotSettings, parse_config
from support.bot import WAIT_SECONDS, Bot, signed_requests
from support.command_runner import EMULATOR_CONFIG, USER_DATA, CommandRunner, Finished
from support.console import WIDE, has_traceback, unwrapped

pytestmark = pytest.mark.timeout(150)
BITGET_CONFIG = USER_DATA / "config.bitget.json"
CLASS = re.compile(r"Using resolved exchange (class )?'Bitgetcross'")
WARNING = "NO LADDERS"
DAYS = "20250601-20250604"
DATA = ("--timeframe", "5m", "--pairs", "BTC/USDT", "--timerange", DAYS)


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


@pytest.mark.slow
def test_list_exchanges_shows_it(runner: CommandRunner) -> None:
    done = runner.run("list-exchanges", configured=False)
    assert done.code == 0, done.output
    (row,) = (line for line in done.output.splitlines() if "bitgetcross" in line)
    assert "cross spot" in row
    assert "Bitget crossed margin" in row
    assert done.signed == []


@pytest.mark.slow
def test_download_data_stores_the_venues_candles(runner: CommandRunner, downloaded: Finished) -> None:
    assert downloaded.code == 0, downloaded.output
    assert CLASS.search(downloaded.output)
    assert "Downloaded data for BTC/USDT, 5m, spot with length" in downloaded.output
    assert list((runner.folder / "user_data" / "data" / "bitgetcross").glob("BTC_USDT-5m.*"))
    assert downloaded.signed == []


@pytest.mark.slow
def test_backtesting_trades_with_ladders(runner: CommandRunner, downloaded: Finished) -> None:
    assert downloaded.code == 0
    done = runner.run("backtesting", *DATA, "--cache", "none")
    assert done.code == 0, done.output
    assert CLASS.search(done.output)
    (summary,) = re.findall(r"│ LadderExample │ +(\d+) │", done.output)
    assert int(summary) > 0
    assert WARNING not in done.output
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
def test_a_dry_run_trades_with_ladders(runner: CommandRunner, process: Bot) -> None:
    since = len(signed_requests(runner.venue))
    process.start("trade", "--dry-run", "--config", str(EMULATOR_CONFIG))
    process.wait_for_log("state='RUNNING'")
    with contextlib.suppress(requests.HTTPError):  # the example may have entered by itself
        process.api("POST", "forceenter", pair="BTC/USDT", ordertype="market")
    process.wait_for_log(r"Ladder 'ladder' of trade \d+ on BTC/USDT: 3 of 3 placed")
    process.api("POST", "stop")
    process.wait_for_log(r"Changing state from RUNNING to: STOPPED")
    log = unwrapped(process.log_text())
    assert CLASS.search(log)
    assert not has_traceback(process.log_text())
    assert WARNING not in log
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
