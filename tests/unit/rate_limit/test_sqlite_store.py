"""Processes of one machine share a window in a file, and none of them leaves anything locked."""

import hashlib
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import pytest
from filelock import FileLock

from bitget_margin.rate_limit import LimiterDown, Slot
from bitget_margin.rate_limit import sqlite_store as module
from bitget_margin.rate_limit.sqlite_store import SqliteStore
from support.frozen_clock import FrozenClock

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


@pytest.fixture
def clock() -> Iterator[FrozenClock]:
    """Return the clock of the store's slots."""
    with mock.patch.object(module, "monotonic_ms", FrozenClock()) as made:
        yield made


def test_a_window_gives_so_many_places_and_says_when_the_next_is_there(path: str) -> None:
    store = SqliteStore(path, PATIENT_MS)
    assert [store.reserve("w", 3, 60_000, 60_000) for _ in range(3)] == [Slot(0.0)] * 3
    later = store.reserve("w", 3, 60_000, 60_002)
    assert later is not None
    assert not later.kept
    assert 59_000 < later.wait_ms <= 60_002
    assert store.reserve("w", 3, 60_000, 58_000) is None
    assert store.reserve("another", 3, 60_000, 0) == Slot(0.0)


@pytest.mark.parametrize(("now_ms", "slot"), [(6_050, Slot(2, kept=False)), (6_051, Slot(0.0))])
def test_a_slot_comes_back_after_a_period_in_whole_milliseconds(
    path: str, clock: FrozenClock, now_ms: float, slot: Slot
) -> None:
    store = SqliteStore(path, PATIENT_MS)
    clock.now = 5_000.9
    assert store.reserve("w", 1, 1_050.4, 0) == Slot(0.0)
    clock.now = 5_500
    assert [store.reserve("w", 1, 1_050.4, latest_ms) for latest_ms in (551, 552)] == [None, Slot(552, kept=False)]
    clock.now = now_ms
    assert store.reserve("w", 1, 1_050.4, 5_000) == slot


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


def test_a_folder_that_does_not_exist_is_a_store_that_is_down_and_is_not_made(tmp_path: Path) -> None:
    store = SqliteStore(str(tmp_path / "disk" / "windows.db"), PATIENT_MS)
    with pytest.raises(LimiterDown, match=r"^the folder .*/disk does not exist$"):
        store.reserve("w", 1, 1_050, 0)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "disk").mkdir()
    assert store.reserve("w", 1, 1_050, 0) == Slot(0.0)


def test_a_file_that_fails_is_closed_for_all_windows_and_opened_again(path: str) -> None:
    """It may have been replaced."""
    store = SqliteStore(path, PATIENT_MS)
    for name in ("w", "v"):
        assert store.reserve(name, 1, 1_050, 0) == Slot(0.0)
    opened = list(store._buckets.values())
    failure = mock.patch.object(opened[0], "put", side_effect=sqlite3.OperationalError("disk I/O error"))
    with failure, pytest.raises(LimiterDown, match=r"^OperationalError: disk I/O error$"):
        store.reserve("w", 1, 1_050, 0)
    for bucket in opened:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            bucket.conn.execute("SELECT 1")
    assert store.reserve("w", 2, 1_050, 0) == Slot(0.0)
    assert store._buckets["w"] is not opened[0]


@pytest.mark.parametrize(
    ("ahead_ms", "wait_ms", "then"), [(1_048, 2_100, None), (1_049, 1, Slot(0.0)), (86_400_000, 1, Slot(0.0))]
)
def test_slots_from_before_the_machine_was_started_block_nobody(
    path: str, clock: FrozenClock, ahead_ms: float, wait_ms: float, then: Slot | None
) -> None:
    """The clock begins anew with the machine: a wait of more than two periods is by another clock."""
    store = SqliteStore(path, PATIENT_MS)
    clock.now = 10_000 + ahead_ms
    assert [store.reserve("w", 2, 1_050, 0) for _ in range(2)] == [Slot(0.0)] * 2
    clock.now = 10_000
    assert store.reserve("w", 2, 1_050, 5_000) == Slot(wait_ms, kept=False)
    assert store.reserve("w", 2, 1_050, 0) == then


def test_expired_slots_are_deleted_once_in_a_hundred(path: str, clock: FrozenClock) -> None:
    """The file stays small, and few requests wait for that."""
    store, kept = SqliteStore(path, PATIENT_MS), []
    for clock.now in range(1_000, 1_205):
        assert store.reserve("w", 1_000, 10, 0) == Slot(0.0)
        kept.append(store._bucket("w", 1_000, 10).count())
    assert kept == [*range(1, 100), *range(11, 111), *range(11, 17)]
    assert Path(path).stat().st_size < 100_000


def test_readers_and_writers_of_the_file_do_not_wait_for_the_disk(path: str) -> None:
    store = SqliteStore(path, PATIENT_MS)
    store.reserve("w", 1, 1_050, 0)
    modes = [store._buckets["w"].conn.execute(f"PRAGMA {name}").fetchone() for name in ("journal_mode", "synchronous")]
    assert modes == [("wal",), (1,)]


def test_a_window_is_opened_once_with_its_limit_and_the_lock_with_its_time_limit() -> None:
    with (
        mock.patch.object(module, "FileLock") as lock,
        mock.patch.object(module.SQLiteBucket, "init_from_file") as opened,
    ):
        lock.return_value = mock.MagicMock(**{"__exit__.return_value": None})
        store = SqliteStore("/windows.db", 250)
        for name in ("w", "w", "v"):
            assert store.reserve(name, 10, 1_050, 0) == Slot(0.0)
    lock.assert_called_once_with("/windows.db.lock", timeout=0.25, poll_interval=0.005)
    assert [(call.args[0][0].limit, call.args[0][0].interval) for call in opened.call_args_list] == [(10, 1_050)] * 2
    assert [call.kwargs for call in opened.call_args_list] == [
        {"table": f"window_{hashlib.sha256(name).hexdigest()[:24]}", "db_path": "/windows.db"} for name in (b"w", b"v")
    ]
