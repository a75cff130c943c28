"""Runs the operator's commands on a local venue, in this process or in one of their own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import astuple
from typing import Any
from unittest import mock

from click.testing import CliRunner, Result

from bitget_margin.cli.commands import main
from bitget_margin.core.settings import Pacing
from bitget_margin.emulator import Account, AccountKind, Emulator
from support.client import QUICK_PACING, forget_windows, without_pauses

COMMAND = [sys.executable, "-m", "bitget_margin"]
KEYS = {"BITGET_API_KEY": "a-key", "BITGET_SECRET": "a-secret", "BITGET_PASSWORD": "a-passphrase"}
"""Keys of nobody, for what sends no request."""
_OURS = ("BITGET_", "FREQTRADE__")


def keys(account: Account) -> dict[str, str]:
    """Return the variables that hold an account's keys."""
    return {"BITGET_API_KEY": account.api_key, "BITGET_SECRET": account.secret, "BITGET_PASSWORD": account.password}


def invoke(*args: str, code: int | None = 0, **settings: Any) -> Result:
    """Run a command in this process, and check its exit code; a traceback is never shown."""
    done = CliRunner().invoke(main, args, **settings)
    assert code in {None, done.exit_code}, (args, done.exit_code, done.output)
    assert "Traceback" not in done.output
    return done


def here(
    venue: Emulator,
    *args: str,
    typed: str = "",
    code: int | None = 0,
    keeps_pauses: bool = False,
    **variables: str,
) -> Result:
    """Run a command in this process, on the venue's first account, and check its exit code.

    :param keeps_pauses: whether ccxt pauses before requests, of a command that would reach the venue's limits without
    """
    environment = {name: None for name in os.environ if name.startswith(_OURS)}
    given = {**environment, **keys(venue.accounts[0]), **variables}
    forget_windows(venue)
    quick = mock.patch.object(Pacing.__init__, "__defaults__", astuple(QUICK_PACING))
    with quick, nullcontext() if keeps_pauses else without_pauses():
        return invoke(*args, "--url", venue.url, code=code, env=given, input=typed)


@contextmanager
def process(venue: Emulator, *args: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command in a process of its own without a terminal, which does not outlive the block."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    running = subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, *args, "--url", venue.url],
        env={**plain, **keys(venue.accounts[0])},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield running
    finally:
        if running.poll() is None:
            running.kill()
        running.communicate()


def run(venue: Emulator, *args: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own to its end, and check its exit code."""
    with process(venue, *args) as running:
        out, err = running.communicate(timeout=50)
    assert running.returncode == code, out + err
    return subprocess.CompletedProcess(args, running.returncode, out, err)


def live(venue: Emulator) -> set[str]:
    """Return the ids of the first account's live orders."""
    return {order.order_id for order in venue.orders(venue.accounts[0].uid, live_only=True)}


def cancels(venue: Emulator) -> str:
    """Return the end of the path of a batch cancel for this kind of account."""
    return "/batch-cancel-order" if venue.accounts[0].kind is AccountKind.CLASSIC else "/cancel-batch"


def until(condition: Callable[[], object], seconds: float = 40) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
