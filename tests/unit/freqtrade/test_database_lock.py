"""Promise: one bot at a time runs on a database, and whatever ends it frees the database for the next one."""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url

from bitget_margin.freqtrade import database_lock
from bitget_margin.freqtrade.compat import OperationalException
from bitget_margin.freqtrade.database_lock import hold

HOLD = """
import sys, os, time
from sqlalchemy import make_url
from bitget_margin.freqtrade.database_lock import hold
hold(make_url(sys.argv[1]))
child = os.fork() if len(sys.argv) > 2 else 0
if child or len(sys.argv) == 2:
    print(child, flush=True)
time.sleep(60)
"""


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return the URL of a database, for a process that holds no lock yet."""
    monkeypatch.setattr(database_lock, "_held", {})
    yield f"sqlite:///{tmp_path}/trades.sqlite"
    for file in database_lock._held.values():
        os.close(file)


@contextmanager
def other_bot(url: str, *more: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Hold the lock in another process; yield it, and the id of its child."""
    command = [sys.executable, "-c", HOLD, url, *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own command
        assert process.stdout is not None
        child = int(process.stdout.readline())
        try:
            yield process, child
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_second_bot_is_refused_until_the_first_has_ended_in_whatever_way(url: str, number: signal.Signals) -> None:
    with other_bot(url) as (process, _):
        with pytest.raises(
            OperationalException, match=r"^bitgetcross: another bot runs on the database /.*trades.sqlite"
        ):
            hold(make_url(url))
        process.send_signal(number)
        process.wait()
        hold(make_url(url))


@pytest.mark.slow
def test_a_child_that_outlives_a_killed_bot_holds_nothing_up(url: str) -> None:
    with other_bot(url, "with a child") as (process, child):
        try:
            process.kill()
            process.wait()
            os.kill(child, 0)
            hold(make_url(url))
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_bot_that_is_started_again_in_its_process_goes_on(url: str, tmp_path: Path) -> None:
    """Freqtrade's /reload_config does that; another name of the same file is the same database."""
    hold(make_url(url))
    (tmp_path / "link").symlink_to(tmp_path)
    hold(make_url(f"sqlite:///{tmp_path}/link/trades.sqlite"))
    assert len(database_lock._held) == 1


@pytest.mark.usefixtures("url")
@pytest.mark.parametrize("name", ["sqlite://", "sqlite:///:memory:", "postgresql+psycopg2://me@localhost/trades"])
def test_other_databases_have_no_lock(name: str) -> None:
    hold(make_url(name))
    assert database_lock._held == {}


def test_a_folder_without_locks_holds_no_bot_up(url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "trades.sqlite.lock").mkdir()
    with caplog.at_level(logging.WARNING):
        hold(make_url(url))
    assert "cannot be seen" in caplog.text
    assert database_lock._held == {}
