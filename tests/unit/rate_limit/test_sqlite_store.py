"""Processes of one machine share a window in a file, and none of them leaves anything locked."""

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock

from bitget_margin.rate_limit import LimiterDown, Slot
from bitget_margin.rate_limit import sqlite_store as module
from bitget_margin.rate_limit.sqlite_store import SqliteStore

PATIENT_MS = 5_000
TAKES = """
import sys
from bitget_margin.rate_limit.sqlite_store import SqliteStore
store = SqliteStore(sys.argv[1], 5_000)
print(sum(store.reserve("w", 10, 60_000, 0) is not None for _ in range(int(sys.argv[2]))))
"""
FORKS = """
import os, sys
from bitget_margin.rate_limit import open_limiter
def take():
    return open_limiter("sqlite:///" + sys.argv[1]).reserve("w", 10, 60_000, 0)
print(take(), flush=True)
if not os.fork():
    print(take(), flush=True)
    os._exit(0)
os.wait()
"""
DIES = """
import os, signal, sys
from bitget_margin.rate_limit.sqlite_store import SqliteStore
store = SqliteStore(sys.argv[1], 5_000)
store.reserve("w", 10, 60_000, 0)
with store._bucket("w", 10, 60_000).lock:
    os.kill(os.getpid(), signal.SIGKILL)
"""


def python(program: str, *arguments: str) -> subprocess.Popen[str]:
    """Run a program in a process of its own."""
    return subprocess.Popen(  # noqa: S603 - a program of this file
        [sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True
    )


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Return where a file of windows may be."""
    return str(tmp_path / "windows.db")


def test_a_window_gives_so_many_places_and_says_when_the_next_is_there(path: str) -> None:
    store = SqliteStore(path, PATIENT_MS)
    assert [store.reserve("w", 3, 60_000, 60_000) for _ in range(3)] == [Slot(0.0)] * 3
    later = store.reserve("w", 3, 60_000, 60_002)
    assert later is not None
    assert not later.kept
    assert 59_000 < later.wait_ms <= 60_002
    assert store.reserve("w", 3, 60_000, 58_000) is None
    assert store.reserve("another", 3, 60_000, 0) == Slot(0.0)


def test_a_place_comes_back_after_a_period(path: str) -> None:
    store = SqliteStore(path, PATIENT_MS)
    assert store.reserve("w", 1, 80, 0) == Slot(0.0)
    later = store.reserve("w", 1, 80, 1_000)
    assert later is not None
    time.sleep(later.wait_ms / 1_000 + 0.02)
    assert store.reserve("w", 1, 80, 0) == Slot(0.0)


def test_processes_share_a_window(path: str) -> None:
    running = [python(TAKES, path, "6") for _ in range(3)]
    taken = [int(process.communicate(timeout=30)[0]) for process in running]
    assert sum(taken) == 10


def test_a_process_that_dies_leaves_nothing_locked(path: str) -> None:
    dead = python(DIES, path)
    dead.communicate(timeout=30)
    assert dead.returncode == -signal.SIGKILL
    assert SqliteStore(path, PATIENT_MS).reserve("w", 10, 60_000, 0) == Slot(0.0)


def test_a_process_that_was_forked_shares_the_window_too(path: str) -> None:
    said, _ = python(FORKS, path).communicate(timeout=30)
    assert said.splitlines() == [str(Slot(0.0))] * 2


def test_who_does_not_get_the_lock_says_so_in_time(path: str) -> None:
    store = SqliteStore(path, 50)
    assert store.reserve("w", 10, 60_000, 0) is not None
    with FileLock(path + ".lock"), ThreadPoolExecutor(1) as another, pytest.raises(LimiterDown):
        another.submit(store.reserve, "w", 10, 60_000, 0).result(10)
    assert store.reserve("w", 10, 60_000, 0) is not None


def test_a_file_that_cannot_be_used_says_so(path: str) -> None:
    Path(path).write_bytes(b"this is no database, whatever its name says" * 100)
    with pytest.raises(LimiterDown, match="DatabaseError"):
        SqliteStore(path, PATIENT_MS).reserve("w", 10, 60_000, 0)
    with pytest.raises(LimiterDown):
        SqliteStore(str(Path(path).parent), PATIENT_MS).reserve("w", 10, 60_000, 0)


def test_places_from_before_the_machine_was_started_block_nobody(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its clock begins anew with it."""
    store = SqliteStore(path, PATIENT_MS)
    with monkeypatch.context() as before:
        before.setattr(module, "monotonic_ms", lambda: time.monotonic() * 1_000 + 86_400_000)
        assert [store.reserve("w", 2, 1_050, 0) for _ in range(2)] == [Slot(0.0)] * 2
    healing = store.reserve("w", 2, 1_050, 1_000)
    assert healing == Slot(1, kept=False)
    assert store.reserve("w", 2, 1_050, 0) == Slot(0.0)


def test_the_file_stays_small(path: str) -> None:
    store = SqliteStore(path, PATIENT_MS)
    for _ in range(350):
        assert store.reserve("w", 1_000, 1, 0) == Slot(0.0)
    assert store._bucket("w", 1_000, 1).count() < 150
    assert Path(path).stat().st_size < 100_000
