"""freqtrade's database, as the plugin's tables and rows use it: enum columns, new columns, short waits for a lock."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from typing import Any, Final

from sqlalchemy import Connection, Table, inspect, text
from sqlalchemy import Enum as EnumColumn
from sqlalchemy.exc import SQLAlchemyError

LOCK_MS: Final = 100
"""Longest wait for a lock of SQLite, since an exit may be behind it; freqtrade itself waits 5 s."""


def enum_column(members: type[Enum]) -> EnumColumn:
    """Return the column type of an enum: text of 16 characters, the member's value."""
    return EnumColumn(members, native_enum=False, length=16, values_callable=lambda kind: [m.value for m in kind])


def column_names(connection: Connection, table: Table) -> set[str]:
    """Return the names of the columns that a table has in a database; none where there is no such table."""
    found = inspect(connection)
    return {column["name"] for column in found.get_columns(table.name)} if found.has_table(table.name) else set()


def add_missing_columns(connection: Connection, table: Table) -> None:
    """Add the nullable columns that the table of an earlier version lacks; a database without it stays as it is."""
    known = column_names(connection, table)
    for column in table.columns if known else ():
        if column.name in known or not column.nullable:
            continue
        kind = column.type.compile(connection.dialect)
        try:
            connection.execute(text(f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind}"))
        except SQLAlchemyError:
            connection.rollback()
            if column.name not in column_names(connection, table):  # another thread may have added it meanwhile
                raise


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
        # SQLAlchemy closes a connection that Ctrl-C or SIGTERM has interrupted, and the interrupt must come through.
        with suppress(sqlite3.ProgrammingError):
            raw.execute(f"pragma busy_timeout = {usual_ms}")
