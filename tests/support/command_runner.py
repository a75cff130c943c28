"""freqtrade's commands with the example's configuration, each in a process of its own."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bitget_margin.emulator import Emulator, ccxt_urls
from support.bot import signed_requests
from support.console import WIDE, has_traceback, unwrapped

USER_DATA = Path(__file__).parents[2] / "user_data"
EMULATOR_CONFIG = USER_DATA / "config.emulator.json"


@dataclass
class Finished:
    """The result of a command: exit code, unwrapped log records and signed requests."""

    code: int
    output: str
    signed: list[Any]


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

    def run(self, *arguments: str, configured: bool = True, **more: Any) -> Finished:
        """Run a command to its end.

        :param more: more of the configuration
        """
        path = self.folder / "overrides.json"
        path.write_text(json.dumps({**self.overrides, **more}))
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
