"""A store that cannot be used is down and says why without its password; it is used again once it can be."""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from bitget_margin.rate_limit import (
    LimiterDown,
    SharedLimiter,
    Slot,
    WhenDown,
    config,
    open_limiter,
    redis_store,
    shared,
)
from bitget_margin.rate_limit.redis_store import RedisStore
from bitget_margin.rate_limit.sqlite_store import SqliteStore
from support.frozen_clock import FrozenClock

PATIENT_MS = 5_000


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """Return where a file of windows may be, in a folder that exists."""
    with mock.patch.dict(config._limiters, clear=True):
        yield tmp_path / "windows.db"


def take(store: SqliteStore) -> Slot | None:
    """Request one of two slots."""
    return store.reserve("w", 2, 60_000, 0)


def spoil(path: Path) -> None:
    """Write something else over a file of windows."""
    for beside in path.parent.glob(f"{path.name}-*"):
        beside.unlink()
    path.write_bytes(b"no database" * 1_000)


@pytest.mark.parametrize("was_open", [False, True])
def test_a_file_that_is_no_database_is_down_until_it_is_replaced(path: Path, was_open: bool) -> None:
    store = SqliteStore(str(path), PATIENT_MS)
    if was_open:
        assert take(store) == Slot(0.0)
        broken = mock.Mock(side_effect=sqlite3.DatabaseError("malformed"))
        with mock.patch.object(store._buckets["w"], "put", broken), pytest.raises(LimiterDown, match="malformed"):
            take(store)
    spoil(path)
    for _ in range(3):
        with pytest.raises(LimiterDown, match="DatabaseError"):
            take(store)
    path.unlink()
    assert [take(store) for _ in range(3)] == [Slot(0.0), Slot(0.0), None]
    other = SqliteStore(str(path), PATIENT_MS)
    assert take(other) is None, "the new file is the one that processes share"
    store._close()
    other._close()


def test_a_folder_that_is_not_there_is_a_store_that_is_down_and_nobody_makes_it(path: Path) -> None:
    folder = path.parent / "disk"
    limiter = open_limiter(f"sqlite:///{folder}/windows.db")
    with pytest.raises(LimiterDown, match=f"^the folder {folder} does not exist$"):
        limiter.reserve("w", 2, 60_000, 0)
    assert not folder.exists()
    folder.mkdir()
    assert limiter.reserve("w", 2, 60_000, 0) == Slot(0.0)
    limiter.store._close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("error", [RuntimeError, ValueError, UnicodeError, OSError])
def test_no_error_of_a_server_s_client_has_the_password(error: type[Exception]) -> None:
    with mock.patch.object(redis_store.threading, "Thread"):
        store = RedisStore("redis://bots:hunter2@127.0.0.1:1/0", 100)
    store._reserve = mock.Mock(side_effect=error("user bots, password hunter2"))
    with pytest.raises(LimiterDown) as caught:
        store.reserve("w", 2, 60_000, 0)
    assert str(caught.value) == f"{error.__name__}: user bots, password {redis_store.MASK}"
    assert caught.value.__cause__ is None


def test_one_thread_of_many_tries_a_store_that_is_down() -> None:
    clock = FrozenClock(5_000)
    made = SharedLimiter("redis://127.0.0.1/0", mock.Mock(), 100.0, WhenDown.WAIT)
    tried: list[bool] = []
    with mock.patch.object(shared, "monotonic_ms", clock):
        assert not made.is_down
        made.record_failure(LimiterDown("refused"))
        assert made.is_down
        clock.now = 6_000
        threads: Any = [threading.Thread(target=lambda: tried.append(made.may_try())) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(tried) == [False] * 19 + [True]
        clock.now = 6_999
        assert not made.may_try()
        clock.now = 7_000
        assert made.may_try()
    made.record_success()
    assert not made.is_down
