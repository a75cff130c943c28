"""Promise: a real bot that cannot work logs the reason in one line, ends, and has traded nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from bitget_margin.emulator import Account, Emulator
from support import bot as support
from support.console import WIDE, has_traceback, other_exchange, records

STRATEGY = """
from bitget_margin.freqtrade import CrossedMarginMixin
from freqtrade.strategy import IStrategy


class StopsOnExchange(CrossedMarginMixin, IStrategy):
    timeframe = "1m"
    stoploss = -0.1
    order_types = {"entry": "limit", "exit": "limit", "stoploss": "market", "stoploss_on_exchange": True}

    def populate_indicators(self, dataframe, metadata):
        return dataframe

    populate_entry_trend = populate_exit_trend = populate_indicators
"""


@dataclass
class Started:
    """A bot that refuses to start: the beginning of its message, and the wrong settings."""

    message: str
    changes: dict[str, Any]
    module: str = "bitget_margin.freqtrade"


CASES = {
    "wrong-key": Started("bitgetcross: the venue refuses the API key", {"exchange": {"key": "bg_wrong"}}),
    "strategy-stoploss": Started(
        'bitgetcross: "stoploss_on_exchange" is true', {"strategy": "StopsOnExchange", "strategy_path": "."}
    ),
    "stock-exchange": Started(other_exchange("Scripted"), {"exchange": {"name": "bitget"}}),
    "plain-freqtrade": Started('Exchange "bitgetcross" is not known to the ccxt library', {}, "freqtrade"),
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[int, str, Emulator, Account]]]:
    """Start all of these bots at once, each with an account of its own, and wait until they have ended."""
    accounts = {name: Account() for name in CASES}
    with Emulator(accounts=tuple(accounts.values())) as venue:
        processes = {}
        for name, case in CASES.items():
            folder = tmp_path_factory.mktemp(name)
            (folder / "user_data").mkdir()
            (folder / "strategy.py").write_text(STRATEGY)
            (folder / "script.json").write_text("{}")
            settings = support.config(venue, ["BTC/USDT"], folder, account=accounts[name], **case.changes)
            (folder / "config.json").write_text(json.dumps(settings))
            processes[name] = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-m", case.module, "trade", "--config", "config.json"],
                env={**os.environ, **WIDE, "SCRIPT": str(folder / "script.json")},
                cwd=folder,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        try:
            logs = {name: process.communicate(timeout=120)[0] for name, process in processes.items()}
        finally:
            for process in processes.values():
                process.kill()
        yield {name: (processes[name].returncode, logs[name], venue, accounts[name]) for name in CASES}
    assert venue.errors == ()


@pytest.mark.timeout(150)
@pytest.mark.parametrize("name", CASES)
def test_a_real_bot_logs_the_reason_in_one_line_and_ends(
    ended: dict[str, tuple[int, str, Emulator, Account]], name: str
) -> None:
    code, log, venue, owner = ended[name]
    assert code == 2, log
    (error,) = records(log, "freqtrade", "ERROR")
    assert error.startswith(CASES[name].message)
    assert not has_traceback(log)
    assert "Using the generic exchange class" not in log
    assert not any(secret in log for secret in (owner.secret, owner.password))
    sent = [record for record in venue.requests if record.uid == owner.uid]
    assert {record.method for record in sent} <= {"GET"}
    if name == "plain-freqtrade":
        assert sent == []
