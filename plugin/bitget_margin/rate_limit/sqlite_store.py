"""Rate windows in an SQLite file, for processes of one machine: pyrate-limiter behind a file lock."""

import contextlib
import hashlib
import os
import sqlite3
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout
from pyrate_limiter import Rate, RateItem, SQLiteBucket

from bitget_margin.rate_limit.shared import LimiterDown, Slot, monotonic_ms

_PURGE_EVERY: Final = 100
"""Number of reservations after which expired ones are deleted, so that the file stays small."""
_POLL_S: Final = 0.005
"""Pause between two attempts to get the lock, which other processes hold for a millisecond or two."""
_ROUNDING_MS: Final = 1
"""pyrate-limiter counts whole milliseconds."""


class SqliteStore:
    """Store in an SQLite file. A slot is granted only if it begins now; otherwise the caller retries later.

    Times are of the machine's monotonic clock, which all its processes share.

    :param path: path of the file, which is created, as is a lock file with the suffix `.lock`
    :param timeout_ms: time limit for the lock
    """

    def __init__(self, path: str, timeout_ms: float) -> None:
        self._path = path
        self._folder = Path(path).parent
        # pyrate-limiter's own lock has no timeout while it opens the file, nor in any thread but the first.
        self._lock = FileLock(f"{path}.lock", timeout=timeout_ms / 1_000, poll_interval=_POLL_S)
        self._buckets: dict[str, SQLiteBucket] = {}
        self._granted = 0

    def reserve(self, name: str, limit: int, period_ms: float, latest_ms: float) -> Slot | None:
        """See `Store.reserve`; only a slot that begins now is kept."""
        try:
            if not self._folder.is_dir():
                # Else the library of the lock would make it: a disk that is not mounted would get one beside it.
                raise LimiterDown(f"the folder {self._folder} does not exist")
            with self._lock:
                wait_ms = self._take(name, limit, period_ms)
        except (Timeout, sqlite3.Error, OSError) as error:
            raise LimiterDown(f"{type(error).__name__}: {error}") from error
        if wait_ms == 0:
            return Slot(0.0)
        return Slot(wait_ms, kept=False) if wait_ms <= latest_ms else None

    def check(self) -> None:
        """See `Store.check`: by the rights of its files alone, which are made by the first reservation."""
        if not self._folder.is_dir():
            raise LimiterDown(f"the folder {self._folder} does not exist")
        for path in (self._folder, Path(self._path), Path(f"{self._path}.lock")):
            if path.exists() and not os.access(path, os.W_OK):
                raise LimiterDown(f"{path} cannot be written by this user")

    def _take(self, name: str, limit: int, period_ms: float) -> float:
        """Take a slot that begins now and return 0, or return the time until one begins."""
        try:
            return self._take_from(self._bucket(name, limit, period_ms), name, period_ms)
        except sqlite3.Error:
            self._close()
            raise

    def _take_from(self, bucket: SQLiteBucket, name: str, period_ms: float) -> float:
        item = RateItem(name, int(monotonic_ms()))
        if bucket.put(item):
            self._granted += 1
            if self._granted % _PURGE_EVERY == 0:
                bucket.leak(item.timestamp)
            return 0
        wait_ms = int(bucket.waiting(item)) + _ROUNDING_MS  # type: ignore[arg-type]  # no coroutine: the bucket is sync
        if wait_ms <= 2 * period_ms:
            return wait_ms
        # The entries are from before a reboot, which restarted the monotonic clock.
        bucket.flush()
        return _ROUNDING_MS

    def _close(self) -> None:
        """Close the file, so that the next reservation opens it again: it may have been replaced."""
        while self._buckets:
            _, bucket = self._buckets.popitem()
            with contextlib.suppress(sqlite3.Error):
                bucket.conn.close()

    def _bucket(self, name: str, limit: int, period_ms: float) -> SQLiteBucket:
        known = self._buckets.get(name)
        if known is None:
            table = "window_" + hashlib.sha256(name.encode()).hexdigest()[:24]
            known = SQLiteBucket.init_from_file([Rate(limit, round(period_ms))], table=table, db_path=self._path)
            known.conn.execute("PRAGMA journal_mode=WAL")
            known.conn.execute("PRAGMA synchronous=NORMAL")
            self._buckets[name] = known
        return known
