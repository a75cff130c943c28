"""freqtrade's commands with the example's configuration, each in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bitget_margin.emulator import Emulator, ccxt_urls
from support import forked
from support.bot import signed_requests
from support.console import WIDE, has_traceback, unwrapped

USER_DATA = Path(__file__).parents[2] / "user_data"
EMULATOR_CONFIG = USER_DATA / "config.emulator.json"
_LONGEST_SECONDS = 120


@dataclass
class Finished:
    """The result of a command: exit code, unwrapped log records and signed requests."""

    code: int
    output: str
    signed: list[Any]


@dataclass
class CommandRunner:
    """A venue and a folder, in which commands run with the example's configuration.

    :ivar forks: whether processes are forked after freqtrade's imports, which take most of the time of a short command
    """

    venue: Emulator
    folder: Path
    forks: bool = False

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
        run = self._run_forked if self.forks else self._run_spawned
        code, output = run([*arguments, *configs], {**os.environ, **WIDE, **self.keys})
        assert not has_traceback(output), output
        return Finished(code, unwrapped(output), signed_requests(self.venue)[since:])

    def _run_spawned(self, arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "bitget_margin.freqtrade", *arguments],
            env=environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_LONGEST_SECONDS,
            check=False,
        )
        return done.returncode, done.stdout

    def _run_forked(self, arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
        log = self.folder / "command.log"
        log.unlink(missing_ok=True)
        process = forked.start(arguments, log, self.folder, environment)
        process.join(_LONGEST_SECONDS)
        assert process.exitcode is not None, log.read_text()
        return process.exitcode, log.read_text()
