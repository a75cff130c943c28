"""Launcher processes that are forked after freqtrade's imports, which take half of its start.

The fork server has imported the modules and done nothing else. Other tests start the command itself, in processes that
are spawned.
"""

import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from unittest import mock

from support.console import WIDE
from support.unsynced_sqlite import leave_writes_to_the_system

_IMPORTED = (
    "support.forked",
    "bitget_margin.freqtrade.launcher",
    "freqtrade.freqtradebot",
    "freqtrade.plugins.pairlistmanager",
    "freqtrade.resolvers",
    "freqtrade.rpc.api_server",
    "freqtrade.worker",
)


def start(arguments: Sequence[str], log: Path, folder: Path, environment: Mapping[str, str]) -> BaseProcess:
    """Start the launcher with these arguments; its output is appended to the log."""
    process = _server().Process(target=_run, args=(list(arguments), log, folder, dict(environment)))
    process.start()
    return process


@cache
def _server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_IMPORTED))
    with mock.patch.dict(os.environ, WIDE):  # freqtrade reads the width of its console as it is imported
        forkserver.ensure_running()
    return context


def _run(arguments: list[str], log: Path, folder: Path, environment: dict[str, str]) -> None:
    from bitget_margin.freqtrade.launcher import main  # noqa: PLC0415 - a test does not need freqtrade for this module

    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for standard in (1, 2):
        os.dup2(output, standard)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    # A bot that starts must not disturb a test beside it that looks at the clock.
    os.nice(10)
    leave_writes_to_the_system()
    sys.argv = ["freqtrade", *arguments]
    main(arguments)
