"""freqtrade's database, as the plugin's tables and rows use it: enum columns, and short waits for a lock."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy import Enum as EnumColumn

LOCK_MS: Final = 100
"""Longest wait for a lock of SQLite, since an exit may be behind it; freqtrade itself waits 5 s."""


def enum_column(members: type[Enum]) -> EnumColumn:
    """Return the column type of an enum: text of 16 characters, the member's value."""
    return EnumColumn(members, native_enum=False, length=16, values_callable=lambda kind: [m.value for m in kind])


@contextmanager
def short_lock_wait(connection: Connection, wait_ms: int = LOCK_MS) -> Iterator[None]:
    """Let a connection wait only shortly for a lock of SQLite."""
    if connection.dialect.name != "sqlite":
        yield
        return
    # Kept apart: a commit gives the connection back to its pool.
    raw: Any = connection.connection.dbapi_connection
    (usual_ms,) = raw.execute("pragma busy_timeout").fetchone()
    raw.execute(f"pragma busy_timeout = {wait_ms}")
    try:
        yield
    finally:
        raw.execute(f"pragma busy_timeout = {usual_ms}")
