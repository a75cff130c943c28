"""Time from `pip install` of the wheel to the first trade on the local venue, as a user gets there."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
_LIMIT_SECONDS: Final = 300.0
_STOP_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.2
_READING_SECONDS: Final = 2.0
_INTERRUPTED: Final = 130
_ENTRY: Final = "select 1 from orders where ft_order_side = 'buy' and filled > 0"
_CLOSED: Final = "select 1 from trades where is_open = 0"


class StepFailed(Exception):
    """A step that did not end as it should, with the end of what it has printed."""


@dataclass(frozen=True, slots=True)
class StepTime:
    """Time of one step of a user."""

    name: str
    seconds: float
    counts: bool = True
    """Whether it is one of the steps from `pip install` to the first trade."""


def measure(folder: Path) -> Iterator[StepTime]:
    """Build the wheel, install it into a new environment, and trade in a new folder with a new home.

    :raises StepFailed: a step has failed, or took too long
    """
    home, work = folder / "home", folder / "work"
    home.mkdir()
    work.mkdir()
    # Settings of this machine, such as those of pip, stay; nothing of this checkout, of freqtrade or of a home does.
    removed = ("FREQTRADE__", "PYTHON", "VIRTUAL_ENV", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(removed)}
    environment |= {"HOME": str(home), "COLUMNS": "1000"}
    run = _Runner(work, environment, folder / "log.txt")

    yield run.timed(
        "build the wheel", [sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)], counts=False
    )
    (wheel,) = folder.glob("*.whl")
    yield run.timed("create an environment", [sys.executable, "-m", "venv", str(folder / "env")], counts=False)
    scripts = folder / "env" / "bin"
    yield run.timed("pip install", [str(scripts / "pip"), "install", f"{wheel}[freqtrade]"])
    command = str(scripts / "bitget-margin")
    yield run.timed("bitget-margin init", [command, "init"])

    began = time.monotonic()
    with run.running([command, "up"]) as process:
        for name, query in (("to the first filled entry", _ENTRY), ("to the first closed trade", _CLOSED)):
            _wait(partial(_has_row, work / "user_data", query), process, run)
            yield StepTime(f"bitget-margin up, {name}", time.monotonic() - began)
            began = time.monotonic()
        # As somebody who has seen it first: freqtrade logs a traceback if it is interrupted while it writes the trade.
        time.sleep(_READING_SECONDS)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        try:
            code = process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise StepFailed(f"Ctrl-C: not ended after {_STOP_SECONDS:.0f} s\n{run.printed()}") from None
        yield StepTime("Ctrl-C, to the end of the process", time.monotonic() - began, counts=False)
    if code != _INTERRUPTED or "Traceback" in run.printed():
        raise StepFailed(f"Ctrl-C: exit code {code}\n{run.printed()}")


@dataclass(frozen=True, slots=True)
class _Runner:
    """Commands in a folder, with an environment and a log of their own."""

    folder: Path
    environment: Mapping[str, str]
    log: Path

    def timed(self, name: str, command: Sequence[str], *, counts: bool = True) -> StepTime:
        began = time.monotonic()
        with self.running(command) as process:
            code = process.wait()
        if code:
            raise StepFailed(f"{name}: exit code {code}\n{self.printed()}")
        return StepTime(name, time.monotonic() - began, counts)

    @contextlib.contextmanager
    def running(self, command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
        with self.log.open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - this project's own commands
                command,
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def printed(self) -> str:
        return self.log.read_text("utf-8", errors="replace")[-4_000:]


def _wait(condition: Callable[[], bool], process: subprocess.Popen[bytes], run: _Runner) -> None:
    end = time.monotonic() + _LIMIT_SECONDS
    while not condition():
        if process.poll() is not None or time.monotonic() > end:
            raise StepFailed(f"bitget-margin up: exit code {process.poll()}\n{run.printed()}")
        time.sleep(_POLL_SECONDS)


def _has_row(folder: Path, query: str) -> bool:
    """Whether a query finds a row in the database of the run."""
    for path in folder.glob("trades.up-*.sqlite"):
        with (
            contextlib.suppress(sqlite3.OperationalError),  # not there yet, or being written
            contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database,
        ):
            return database.execute(query).fetchone() is not None
    return False
