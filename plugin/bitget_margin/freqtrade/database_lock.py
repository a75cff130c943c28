"""The lock of a database file: one bot at a time runs on it.

Two bots on one database would each exit every trade, and sell its coins twice. The lock ends with the process, however
that ends, so it keeps no bot from being started again.
"""

import errno
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL

from bitget_margin.freqtrade.compat import OperationalException
from bitget_margin.freqtrade.config import NAME

fcntl: Any = None
with suppress(ImportError):  # Windows has none
    import fcntl

logger = logging.getLogger("bitget_margin")

SUFFIX: Final = ".lock"
"""Ending of the lock's file. The database itself must not be opened: closing it would end SQLite's own locks."""
_held: Final[dict[Path, int]] = {}
"""File descriptors of the locks of this process, which keeps them: a bot may be started again in it."""


def hold(url: URL) -> None:
    """Hold the lock of the database to the end of this process.

    A database in memory needs none. Of one on a server, and where the file system has no locks, it cannot be seen.

    :raises OperationalException: another process holds it
    """
    if fcntl is None or url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"}:
        return
    database = Path(str(url.database)).resolve()
    if database in _held:
        return
    try:
        file = os.open(f"{database}{SUFFIX}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        logger.warning("Whether another bot runs on the database %s cannot be seen: %s", database, error)
        return
    try:
        # Of the process alone: a child that outlives a killed bot must not keep the next one from starting.
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(file)
        if error.errno not in {errno.EAGAIN, errno.EACCES}:
            logger.warning("Whether another bot runs on the database %s cannot be seen: %s", database, error)
            return
        raise OperationalException(
            f"{NAME}: another bot runs on the database {database}: each of the two would sell the coins of its trades. "
            'Stop it first, or set "db_url" to another database.'
        ) from None
    _held[database] = file
