"""Promise: a real bot that cannot work logs the reason in one line, ends, and has traded nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.emulator import Account, Emulator
from support import bot as support
from support import forked
from support.console import WIDE, has_traceback, other_exchange, records
from support.in_process_bot import close_database

LOG = "bot.log"
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


def open_trade(order_id: str, exchange: str) -> Callable[[], None]:
    """Return a function that writes an open trade to the database."""

    def write() -> None:
        from freqtrade.persistence import Order, Trade  # noqa: PLC0415 - seconds, and few tests need it

        numbers = dict.fromkeys(("open_rate", "amount", "stake_amount"), 1.0)
        trade = Trade(
            pair="BTC/USDT",
            exchange=exchange,
            is_open=True,
            fee_open=0,
            fee_close=0,
            open_date=datetime.now(UTC),
            **numbers,
        )
        order = {"ft_pair": "BTC/USDT", "ft_order_side": "buy", "ft_is_open": False, "ft_amount": 1.0, "ft_price": 1.0}
        trade.orders.append(Order(order_id=order_id, **order))
        Trade.session.add(trade)
        Trade.commit()

    return write


def another_account() -> None:
    """Write the account of another bot to the database."""
    from freqtrade.persistence import Trade  # noqa: PLC0415
    from sqlalchemy import text  # noqa: PLC0415

    values = "(id, exchange, run_mode, uid) values (1, 'bitgetcross', 'live', '1234')"
    Trade.session.execute(text(f"insert into bitget_margin_database {values}"))
    Trade.commit()


def prepare(database: Path, write: Callable[[], None]) -> None:
    """Make a database of freqtrade, as an earlier bot has left it."""
    from freqtrade.persistence import init_db  # noqa: PLC0415

    from bitget_margin.freqtrade import database_identity  # noqa: F401, PLC0415 - declares the table

    init_db(f"sqlite:///{database}")
    try:
        write()
    finally:
        close_database()


@dataclass
class Started:
    """A bot that refuses to start: its message, the wrong settings, and what an earlier bot has written.

    :ivar module: what Python runs; the launcher, forked after its imports, if not given
    """

    message: str
    changes: dict[str, Any]
    module: str | None = None
    written: Callable[[], None] | None = None


CASES = {
    "wrong-key": Started("bitgetcross: the venue refuses the API key", {"exchange": {"key": "bg_wrong"}}),
    "strategy-stoploss": Started(
        'bitgetcross: "stoploss_on_exchange" is true', {"strategy": "StopsOnExchange", "strategy_path": "."}
    ),
    "stock-exchange": Started(other_exchange("Scripted"), {"exchange": {"name": "bitget"}}, "bitget_margin.freqtrade"),
    "database-of-another-account": Started(
        "bitgetcross: the database {database} belongs to the account with UID 1234",
        {},
        written=another_account,
    ),
    "database-of-another-exchange": Started(
        "bitgetcross: the database {database} has open trades of another exchange (bitget): trade 1",
        {"cancel_open_orders_on_exit": True},
        written=open_trade("1179", "bitget"),
    ),
    "database-of-a-dry-run": Started(
        "bitgetcross: the database {database} has the trades of a dry run: trade 1 on BTC/USDT",
        {},
        written=open_trade("dry_run_buy_1", "bitgetcross"),
    ),
    "database-of-a-live-bot": Started(
        "bitgetcross: the database {database} has the trades of a live bot: trade 1 on BTC/USDT",
        {"dry_run": True, "cancel_open_orders_on_exit": True},
        written=open_trade("1179", "bitgetcross"),
    ),
    "plain-freqtrade": Started('Exchange "bitgetcross" is not known to the ccxt library', {}, "freqtrade"),
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[int | None, str, Emulator, Account]]]:
    """Start all of these bots at once, each with an account of its own, and wait until they have ended."""
    accounts = {name: Account() for name in CASES}
    with Emulator(accounts=tuple(accounts.values())) as venue:
        processes = {}
        for name, case in CASES.items():
            folder = tmp_path_factory.mktemp(name)
            (folder / "user_data").mkdir()
            (folder / "strategy.py").write_text(STRATEGY)
            (folder / "script.json").write_text("{}")
            if case.written is not None:
                prepare(folder / "trades.sqlite", case.written)
            case.message = case.message.format(database=f"sqlite:///{folder}/trades.sqlite")
            settings = support.config(venue, ["BTC/USDT"], folder, account=accounts[name], **case.changes)
            (folder / "config.json").write_text(json.dumps(settings))
            processes[name] = start(case.module, folder), folder / LOG
        try:
            codes = {name: exit_code(process) for name, (process, _) in processes.items()}
        finally:
            for process, _ in processes.values():
                process.kill()
        yield {name: (codes[name], log.read_text(), venue, accounts[name]) for name, (_, log) in processes.items()}
    assert venue.errors == ()


def start(module: str | None, folder: Path) -> subprocess.Popen[bytes] | BaseProcess:
    """Start a bot with the configuration of a folder."""
    command = ("trade", "--config", "config.json")
    environment = {**os.environ, **WIDE, "SCRIPT": str(folder / "script.json")}
    if module is None:
        return forked.start(command, folder / LOG, folder, environment)
    with (folder / LOG).open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", module, *command], env=environment, cwd=folder, stdout=log, stderr=subprocess.STDOUT
        )


def exit_code(process: subprocess.Popen[bytes] | BaseProcess) -> int | None:
    """Wait for the end of a process."""
    if isinstance(process, subprocess.Popen):
        return process.wait(120)
    process.join(120)
    return process.exitcode


@pytest.mark.timeout(150)
@pytest.mark.parametrize("name", CASES)
def test_a_real_bot_logs_the_reason_in_one_line_and_ends(
    ended: dict[str, tuple[int | None, str, Emulator, Account]], name: str
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
