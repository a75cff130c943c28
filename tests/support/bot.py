"""A real freqtrade process on the emulator, controlled by a script file and observed from outside."""

import contextlib
import json
import os
import random
import re
import signal
import socket
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Self

import requests

from bitget_margin.emulator import Account, Emulator, Order, RequestRecord, ccxt_urls
from support import client, forked

STRATEGIES = Path(__file__).parent / "strategies"
_PORTS = (20_000, 30_000)
"""Ports of the bots' own servers."""
WAIT_SECONDS = 40.0
PAIRS = tuple(f"C{number:03}/USDT" for number in range(1, 41))
"""The pairs of `synthetic_symbols`."""


def account() -> Account:
    """Return an account without coins, so that every coin belongs to a trade."""
    return Account(balances={"USDT": "1000000"}, kind=client.kind)


def config(venue: Emulator, pairs: Sequence[str], folder: Path, **more: Any) -> dict[str, Any]:
    """Return a configuration for live trading on the emulator."""
    account: Account = more.pop("account", venue.accounts[0])
    options = {"fetchMarkets": {"types": ["spot"]}}
    exchange = {
        "name": "bitgetcross",
        "key": account.api_key,
        "secret": account.secret,
        "password": account.password,
        "pair_whitelist": list(pairs),
        "ccxt_async_config": {"timeout_on_exit": 10},  # the longer pause of ccxt is for TLS
        "ccxt_config": {**client.ccxt_config, "urls": ccxt_urls(venue.url), "options": options},
        **more.pop("exchange", {}),
    }
    return {
        "max_open_trades": 100,
        "stake_currency": "USDT",
        "stake_amount": 1_000,
        "dry_run": False,
        "trading_mode": "spot",
        "margin_mode": "cross",
        "timeframe": "1m",
        "entry_pricing": {"price_side": "other", "use_order_book": False},
        "exit_pricing": {"price_side": "other", "use_order_book": False},
        "exchange": exchange,
        "pairlists": [{"method": "StaticPairList"}],
        "internals": {"process_throttle_secs": 0, "heartbeat_interval": 0},
        "unfilledtimeout": {"entry": 10, "exit": 10, "unit": "minutes"},
        "strategy": "Scripted",
        "strategy_path": str(STRATEGIES),
        "user_data_dir": str(folder / "user_data"),
        "db_url": f"sqlite:///{folder / 'trades.sqlite'}",
        "initial_state": "running",
        **more,
    }


class Bot:
    """A freqtrade process with the strategy `Scripted`, which reads its script in every loop."""

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self.folder = folder
        self.settings = settings
        self.script = folder / "script.json"
        self.log = folder / "freqtrade.log"
        self.database = folder / "trades.sqlite"
        (folder / "user_data").mkdir(parents=True, exist_ok=True)
        self._script: dict[str, dict[str, Any]] = {}
        self._process: BaseProcess | None = None
        self.port = _free_port()
        self.write_script({})

    # -- the process --------------------------------------------------------------------------------------------------

    def start(self, *arguments: str) -> Self:
        """Start the process and return at once."""
        path = self.folder / "config.json"
        api = {
            "enabled": True,
            "listen_ip_address": "127.0.0.1",
            "listen_port": self.port,
            "verbosity": "error",
            "jwt_secret_key": "not-a-secret-of-any-account-at-all",
            "ws_token": "none",
            "username": "tester",
            "password": "tester",
        }
        path.write_text(json.dumps({"api_server": api, **self.settings}))
        command = arguments or ("trade",)
        environment = {**os.environ, "SCRIPT": str(self.script), "COLUMNS": "1000"}
        if self.settings.get("strategy") == "Scripted":
            environment[forked.FEW_CANDLES] = "yes"
        self._process = forked.start((*command, "--config", str(path)), self.log, self.folder, environment)
        return self

    def kill(self) -> None:
        """End the process as a crash does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End the process as Ctrl-C does."""
        self._end(signal.SIGINT)

    def interrupt(self) -> None:
        """Send the signal of Ctrl-C once."""
        self._signal(signal.SIGINT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _end(self, number: int) -> None:
        if self._process is None:
            return
        # Python drops an interrupt that meets a destructor, such as that of an exchange which a reload has replaced.
        for again in (number, number, number, signal.SIGKILL):
            self._signal(again)
            self._process.join(8)
            if not self.alive:
                return

    def _signal(self, number: int) -> None:
        assert self._process is not None
        if self.alive and self._process.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, number)

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.is_alive()

    # -- control ------------------------------------------------------------------------------------------------------

    def write_script(self, script: dict[str, dict[str, Any]]) -> None:
        """Write the script: the instructions for the strategy, by pair."""
        self._script = script
        part = self.script.with_suffix(".part")
        part.write_text(json.dumps(script))
        part.replace(self.script)

    def instruct(self, pair: str, **instructions: Any) -> None:
        """Change the instructions for one pair."""
        self.write_script({**self._script, pair: {**self._script.get(pair, {}), **instructions}})

    def api(self, method: str, path: str, **body: Any) -> Any:
        """Send a request to freqtrade's REST API."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}"
        response = requests.request(method, url, json=body or None, auth=("tester", "tester"), timeout=20)
        response.raise_for_status()
        return response.json()

    # -- observation --------------------------------------------------------------------------------------------------

    def wait_until(self, condition: Callable[[], object], what: str, seconds: float = WAIT_SECONDS) -> Any:
        """Wait until a condition holds, and return what it returned."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(sqlite3.OperationalError, requests.RequestException):
                if result := condition():
                    return result
            assert self.alive, f"freqtrade ended while waiting until {what}:\n{self.log_text()[-4000:]}"
            time.sleep(0.03)
        raise AssertionError(f"not {what} in {seconds} s:\n{self.log_text()[-6000:]}")

    def log_text(self) -> str:
        """Return the log so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def wait_for_log(self, pattern: str, seconds: float = WAIT_SECONDS) -> re.Match[str]:
        """Wait for a text in the log."""
        found = self.wait_until(lambda: re.search(pattern, self.log_text()), f"logged {pattern!r}", seconds)
        assert isinstance(found, re.Match)
        return found

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """Query freqtrade's database."""
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(query, values)]

    def trade(self, pair: str) -> dict[str, Any] | None:
        """Return the newest trade on a pair."""
        return next(iter(self.rows("select * from trades where pair = ? order by id desc", pair)), None)

    def orders(self, trade_id: int) -> list[dict[str, Any]]:
        """Return freqtrade's order rows of a trade."""
        return self.rows("select * from orders where ft_trade_id = ? order by id", trade_id)

    def resting(self) -> list[dict[str, Any]]:
        """Return the plugin's rows of resting orders."""
        return self.rows("select * from bitget_margin_orders where kind = 'rung' order by intended_ms, number")


def symbol_of(pair: str) -> str:
    """Return the venue's symbol of a pair."""
    return pair.replace("/", "")


def live_orders(venue: Emulator, pair: str, prefix: str = "") -> list[Order]:
    """Return the live orders of the first account on a pair."""
    orders = venue.orders(venue.accounts[0].uid, live_only=True)
    return [order for order in orders if order.symbol == symbol_of(pair) and order.client_oid.startswith(prefix)]


def endpoint_name(record: RequestRecord) -> str:
    """Return the last part of a request's path, under its name on a classic account."""
    last = record.path.rsplit("/", 1)[1]
    return client.CLASSIC_NAMES.get(last, last)


def signed_requests(venue: Emulator, symbols: Iterable[str] | None = None, since: int = 0) -> list[RequestRecord]:
    """Return the signed requests from a position on; with symbols, only those that name one of them."""
    wanted = None if symbols is None else set(symbols)
    return [
        record
        for record in venue.requests[since:]
        if record.uid and (wanted is None or any(symbol in record.body + record.query for symbol in wanted))
    ]


def _free_port() -> int:
    """Return a free port below those of outgoing connections: one of these may take it while the bot is down."""
    while True:
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", random.randrange(*_PORTS)))  # noqa: S311 - no secret
            return int(probe.getsockname()[1])
