"""Windows in a file, for several processes of one machine, by pyrate-limiter behind a file lock."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from typing import Final

from filelock import FileLock, Timeout
from pyrate_limiter import Rate, RateItem, SQLiteBucket

from bitget_margin.rate_limit.shared import LimiterDown, Slot

_SWEEP_EVERY: Final = 100
"""After so many places, old ones are deleted: the file stays small."""
_POLL_S: Final = 0.005
"""Between two tries to get the lock: others hold it for a millisecond or two."""
_SLACK_MS: Final = 1
"""pyrate-limiter counts whole milliseconds."""


class SqliteStore:
    """A place is given when it is there; else the store says when to ask again, and nobody's turn is kept.

    Times are of the machine's clock that only goes forward, which all its processes share.

    :param path: of the file, which is made; a second one with `.lock` at its end stands beside it
    :param timeout_ms: how long to wait for another process that has the lock
    """

    def __init__(self, path: str, timeout_ms: float) -> None:
        self._path = path
        # Ours, not pyrate-limiter's: that one waits without end while it opens the file, and in every thread but one.
        self._lock = FileLock(f"{path}.lock", timeout=timeout_ms / 1_000, poll_interval=_POLL_S)
        self._buckets: dict[str, SQLiteBucket] = {}
        self._given = 0

    def reserve(self, name: str, limit: int, period_ms: float, latest_ms: float) -> Slot | None:
        """See `Store.reserve`; a place is kept only if it is there at once."""
        try:
            with self._lock:
                bucket = self._bucket(name, limit, period_ms)
                wait_ms = self._take(bucket, name, period_ms)
        except (Timeout, sqlite3.Error, OSError) as error:
            raise LimiterDown(f"{type(error).__name__}: {error}") from error
        if wait_ms == 0:
            return Slot(0.0)
        return Slot(wait_ms, kept=False) if wait_ms <= latest_ms else None

    def _take(self, bucket: SQLiteBucket, name: str, period_ms: float) -> float:
        """Take a place and return 0, or return how long it takes until there is one."""
        item = RateItem(name, _now_ms())
        if bucket.put(item):
            self._given += 1
            if self._given % _SWEEP_EVERY == 0:
                bucket.leak(item.timestamp)
            return 0
        wait_ms = int(bucket.waiting(item)) + _SLACK_MS  # type: ignore[arg-type]  # no coroutine: the bucket is sync
        if wait_ms <= 2 * period_ms:
            return wait_ms
        # Places of another time: the machine was started again since, and its clock with it.
        bucket.flush()
        return _SLACK_MS

    def _bucket(self, name: str, limit: int, period_ms: float) -> SQLiteBucket:
        known = self._buckets.get(name)
        if known is None:
            known = self._buckets[name] = self._opened(name, limit, period_ms)
        return known

    def _opened(self, name: str, limit: int, period_ms: float) -> SQLiteBucket:
        table = "window_" + hashlib.sha256(name.encode()).hexdigest()[:24]
        bucket = SQLiteBucket.init_from_file([Rate(limit, round(period_ms))], table=table, db_path=self._path)
        bucket.conn.execute("PRAGMA journal_mode=WAL")
        bucket.conn.execute("PRAGMA synchronous=NORMAL")
        return bucket


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
