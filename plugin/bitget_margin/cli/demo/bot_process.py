"""A real freqtrade process on the local venue, in a folder of its own."""

import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from bitget_margin.cli.signals import signal_handlers
from bitget_margin.emulator import Emulator, ccxt_urls

STRATEGY: Final = "DemoLadder"
STRATEGIES: Final = Path(__file__).parent / "strategy"
STAKE: Final = 6_000
_END_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STOP_SECONDS: Final = 4.0
_LINE: Final = re.compile(r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) - \S+ - [A-Z]+ - (?P<text>.*)")
_REMOVED: Final = ("FREQTRADE", "FORCE_COLOR", "TTY_")
"""Prefixes of environment variables that change its configuration or color its log."""


@dataclass(frozen=True, slots=True)
class BotProcess:
    """freqtrade process with its log and its database."""

    process: subprocess.Popen[bytes]
    log_file: Path
    database: Path

    def stop(self) -> None:
        """Ask the process to end, so that it completes its database."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(_STOP_SECONDS)

    def log(self) -> list[tuple[int, str]]:
        """Return the complete lines that freqtrade has logged, each with its time in ms since the epoch."""
        complete, _, _ = self._printed().rpartition("\n")
        lines = (_LINE.fullmatch(line) for line in complete.splitlines())
        return [(_epoch_ms(line["at"]), line["text"].rstrip()) for line in lines if line is not None]

    def last_lines(self, count: int) -> list[str]:
        """Return the last lines that it has printed."""
        return [line.rstrip() for line in self._printed().splitlines()][-count:]

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Query freqtrade's database, read-only.

        :raises sqlite3.OperationalError: it does not exist yet, or is being written
        """
        uri = f"{self.database.as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=1)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(query, values)]

    def _printed(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace")


@contextlib.contextmanager
def bot_process(folder: Path, venue: Emulator, *pairs: str, **settings: Any) -> Iterator[BotProcess]:
    """Start freqtrade with its files in a folder, and kill it at the end of the block.

    :param settings: replace those of its configuration
    """
    path, log_file = folder / "config.json", folder / "freqtrade.log"
    (folder / "user_data").mkdir()
    path.write_text(json.dumps({**_config(folder, venue, pairs), **settings}), encoding="utf-8")
    # A signal during the start would leave the process behind, so it is delayed.
    received: list[int] = []
    with log_file.open("wb") as log, signal_handlers(dict.fromkeys(_END_SIGNALS, lambda n, _: received.append(n))):
        process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "bitget_margin.freqtrade", "trade", "--config", str(path)],
            env=_environment(),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Ctrl-C reaches only the demo, which then ends this process.
            start_new_session=True,
        )
    try:
        if received:
            signal.raise_signal(received[0])
        yield BotProcess(process, log_file, folder / "trades.sqlite")
    finally:
        process.kill()
        process.wait()


def _config(folder: Path, venue: Emulator, pairs: Sequence[str]) -> dict[str, Any]:
    """Return freqtrade's configuration for live trading on the local venue."""
    (account,) = venue.accounts
    return {
        "bot_name": "bitget-margin demo",
        "dry_run": False,
        "trading_mode": "spot",
        "margin_mode": "cross",
        "max_open_trades": 1,
        "stake_currency": "USDT",
        "stake_amount": STAKE,
        "exchange": {
            "name": "bitgetcross",
            "key": account.api_key,
            "secret": account.secret,
            "password": account.password,
            "pair_whitelist": list(pairs),
            "ccxt_config": {"urls": ccxt_urls(venue.url), "options": {"fetchMarkets": {"types": ["spot"]}}},
        },
        "pairlists": [{"method": "StaticPairList"}],
        # The entry rests below the price; the exit is filled at once.
        "entry_pricing": {"price_side": "same", "use_order_book": False},
        "exit_pricing": {"price_side": "other", "use_order_book": False},
        "internals": {"process_throttle_secs": 1, "heartbeat_interval": 0},
        "strategy": STRATEGY,
        "strategy_path": str(STRATEGIES),
        "user_data_dir": str(folder / "user_data"),
        "db_url": f"sqlite:///{folder / 'trades.sqlite'}",
        "initial_state": "running",
    }


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_REMOVED)}
    # The process runs in another folder.
    paths = [str(Path(path).absolute()) for path in kept.get("PYTHONPATH", "").split(os.pathsep) if path]
    # Log lines in UTC, and not wrapped.
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), "TZ": "UTC", "COLUMNS": "1000"}


def _epoch_ms(text: str) -> int:
    return round(datetime.strptime(f"{text}+0000", "%Y-%m-%d %H:%M:%S,%f%z").timestamp() * 1_000)
