"""SQLite that leaves it to the system when to write to the disk: only a power failure would lose what is committed."""

import sqlite3
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine


def leave_writes_to_the_system() -> None:
    """Have all databases of this process opened so: most of the time of a bot's start is spent waiting for the disk."""
    if not event.contains(Engine, "connect", _unsync):
        event.listen(Engine, "connect", _unsync)


def _unsync(connection: Any, _record: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("pragma synchronous = off")
