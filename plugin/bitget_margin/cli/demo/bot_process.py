"""A real freqtrade process on the local venue, in a folder of its own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from bitget_margin.emulator import Emulator, ccxt_urls

STRATEGY: Final = "DemoLadder"
STRATEGIES: Final = Path(__file__).parent / "strategy"
STAKE: Final = 6_000
_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STOP_SECONDS: Final = 4.0
_LINE: Final = re.compile(r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) - \S+ - [A-Z]+ - (?P<text>.*)")
_LEFT_OUT: Final = ("FREQTRADE", "FORCE_COLOR", "TTY_")
"""Environment variables that would change its configuration, or colour its log."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of freqtrade's log, with its time in ms since the epoch."""

    at_ms: int
    text: str


class Bot:
    """The process while its ``with`` block runs; it never outlives it."""

    def __init__(self, folder: Path, venue: Emulator, pair: str) -> None:
        self._folder = folder
        self._config = _config(folder, venue, pair)
        self._log = folder / "freqtrade.log"
        self._database = folder / "trades.sqlite"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it, and return at once."""
        path = self._folder / "config.json"
        (self._folder / "user_data").mkdir()
        path.write_text(json.dumps(self._config), encoding="utf-8")
        try:
            self._start(path)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _start(self, path: Path) -> None:
        with self._log.open("wb") as log, _signals_held():
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-m", "bitget_margin.freqtrade", "trade", "--config", str(path)],
                env=_environment(),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for the demo, which then ends it.
                start_new_session=True,
            )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill it, if it has not ended."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """Let it end on its own, so that its books are closed properly."""
        if self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_SECONDS)

    @property
    def exit_code(self) -> int | None:
        """How it has ended; None while it runs."""
        return None if self._process is None else self._process.poll()

    def log(self) -> list[LogLine]:
        """Return the lines that freqtrade has logged, but for one that it is still writing."""
        complete, _, _ = self._written().rpartition("\n")
        found = (_LINE.fullmatch(line) for line in complete.splitlines())
        return [LogLine(_at_ms(line["at"]), line["text"].rstrip()) for line in found if line is not None]

    def last_lines(self, count: int) -> list[str]:
        """Return the end of everything that it has printed."""
        return [line.rstrip() for line in self._written().splitlines()][-count:]

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Ask freqtrade's database, which this cannot change.

        :raises sqlite3.OperationalError: there is none yet, or it is being written
        """
        uri = f"{self._database.as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=1)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(query, values)]

    def _written(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """Let signals wait until the block is over: one that comes while a process starts would leave it behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    before = {number: signal.signal(number, lambda number, _: held.append(number)) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for came in held[:1]:
        signal.raise_signal(came)


def _config(folder: Path, venue: Emulator, pair: str) -> dict[str, Any]:
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
            "pair_whitelist": [pair],
            "ccxt_config": {"urls": ccxt_urls(venue.url), "options": {"fetchMarkets": {"types": ["spot"]}}},
        },
        "pairlists": [{"method": "StaticPairList"}],
        # The entry waits below the price; the exit takes what is there.
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
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_LEFT_OUT)}
    # The process runs in another folder.
    paths = [str(Path(path).absolute()) for path in kept.get("PYTHONPATH", "").split(os.pathsep) if path]
    # Log lines in UTC, and not broken.
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), "TZ": "UTC", "COLUMNS": "1000"}


def _at_ms(text: str) -> int:
    return round(datetime.strptime(f"{text}+0000", "%Y-%m-%d %H:%M:%S,%f%z").timestamp() * 1_000)
