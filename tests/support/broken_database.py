"""Faults of freqtrade's database: read-only, full, or with a commit that fails."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def read_only() -> Iterator[None]:
    """Let every connection refuse to write, as for a file of another user."""
    with _pragma("query_only = 1", "query_only = 0"):
        yield


@contextmanager
def full() -> Iterator[None]:
    """Let no connection add a page to the database."""
    # SQLite takes the present size for a smaller one, and the largest possible one for a larger one.
    with _pragma("max_page_count = 1", "max_page_count = 4294967294"):
        yield


@contextmanager
def commits_that_fail(when: Callable[[], object], count: int = 1) -> Iterator[None]:
    """Let freqtrade's next commits fail, from the moment on that a condition holds.

    :param count: number of commits
    """
    from freqtrade.persistence import Trade  # noqa: PLC0415 - seconds, and only these tests need it
    from sqlalchemy import event  # noqa: PLC0415
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415

    left = count

    def fail(_: Any) -> None:
        nonlocal left
        if left and when():
            left -= 1
            raise OperationalError("COMMIT", {}, Exception("disk I/O error"))

    session = Trade.session()
    event.listen(session, "before_commit", fail)
    try:
        yield
    finally:
        event.remove(session, "before_commit", fail)
    assert left < count, "no commit was tried"


@contextmanager
def _pragma(begin: str, end: str) -> Iterator[None]:
    """Send a pragma on every connection of freqtrade's engine, and another one at the end."""
    from freqtrade.persistence import Trade  # noqa: PLC0415
    from sqlalchemy import event  # noqa: PLC0415

    engine = Trade.session.get_bind()

    def on_checkout(connection: Any, *_: Any) -> None:
        connection.execute(f"pragma {begin}")

    def on_checkin(connection: Any, *_: Any) -> None:
        if connection is not None:
            connection.execute(f"pragma {end}")

    event.listen(engine, "checkout", on_checkout)
    event.listen(engine, "checkin", on_checkin)
    # The session of the loop has its connection already.
    held = Trade.session.connection().connection.dbapi_connection
    held.execute(f"pragma {begin}")
    try:
        yield
    finally:
        event.remove(engine, "checkout", on_checkout)
        Trade.session.rollback()
        Trade.session.remove()
        with engine.connect() as connection:
            connection.connection.dbapi_connection.execute(f"pragma {end}")
        event.remove(engine, "checkin", on_checkin)
