"""`convert-db` takes our tables along: the bot's key, its orders and its batch cancels.

freqtrade's own command copies freqtrade's tables. A bot on a database without our key and orders does not know its
resting orders, and its exits are refused for the coins that these hold.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias, cast

from sqlalchemy import Connection, Table, create_engine, func, inspect, make_url, select, table
from sqlalchemy.exc import SQLAlchemyError

from bitget_margin.freqtrade.compat import OperationalException
from bitget_margin.freqtrade.order_store import BatchRow, BotRow, TrackedOrderRow

Command: TypeAlias = Callable[[dict[str, Any]], Any]

_NAME: Final = "start_convert_db"
_BOT, _ORDERS, _BATCHES = (cast("Table", row.__table__) for row in (BotRow, TrackedOrderRow, BatchRow))
TABLES: Final = (_BOT, _ORDERS, _BATCHES)
"""All of ours."""
_TRADES: Final = "trades"
_EMPTY: Final = "convert into an empty database, one on which no bot has run"
_logger: Final = logging.getLogger(__name__)


def install() -> None:
    """Put our command in the place of freqtrade's, which it calls; a second call changes nothing."""
    commands = importlib.import_module("freqtrade.commands")
    own = getattr(commands, _NAME)
    if getattr(own, "func", None) is not _convert:
        setattr(commands, _NAME, partial(_convert, own))


def _convert(own: Command, arguments: dict[str, Any]) -> Any:
    """Run freqtrade's command, and copy our tables after it; nothing is written where they cannot be copied."""
    source, target = _urls(arguments)
    taken = _has_ours(source, target)
    done = own(arguments)
    if taken:
        _copy(source, target)
    return done


def _urls(arguments: dict[str, Any]) -> tuple[str, str]:
    """Return the URLs of both databases, as freqtrade finds them."""
    setup = importlib.import_module("freqtrade.configuration.config_setup").setup_utils_configuration
    config = setup(arguments, importlib.import_module("freqtrade.enums").RunMode.UTIL_NO_EXCHANGE)
    source, target = config.get("db_url_from"), config.get("db_url")
    if not source or not target:
        missing = "--db-url (to)" if source else "--db-url-from"
        raise OperationalException(f"convert-db needs two databases, and {missing} is not given")
    return source, target


def _has_ours(source: str, target: str) -> bool:
    """Whether the source has something of ours; refuse where it would be mixed with what the target has."""
    if _place(source) == _place(target):
        raise OperationalException(f"convert-db: --db-url-from and --db-url are the same database, {_shown(source)}")
    with _reading(source) as (connection, tables):
        if connection is None or _TRADES not in tables:
            raise OperationalException(f"convert-db: there is no database of freqtrade at {_shown(source)}")
        key, orders, batches = _ours(connection, tables)
    if key is None and not orders and not batches:
        return False
    with _reading(target) as (connection, tables):
        if connection is None:
            return True
        other, *counts = _ours(connection, tables)
        if other not in {None, key}:
            raise OperationalException(
                f"convert-db: {_shown(target)} has the key {other} of another bot, and {_shown(source)} has {key}; "
                f"nothing was written: {_EMPTY}"
            )
        counts.append(_count(connection, tables, _TRADES))
        if any(counts):
            found = "{} orders and {} batch cancels of the plugin, and {} trades".format(*counts)
            raise OperationalException(
                f"convert-db: {_shown(target)} already has {found}, which those of {_shown(source)} are not to be "
                f"mixed with; nothing was written: {_EMPTY}"
            )
    return True


def _ours(connection: Connection, tables: list[str]) -> tuple[str | None, int, int]:
    """Return the key, and how many orders and batch cancels there are."""
    key = connection.scalar(select(_BOT.c.key)) if _BOT.name in tables else None
    return key, _count(connection, tables, _ORDERS.name), _count(connection, tables, _BATCHES.name)


def _count(connection: Connection, tables: list[str], name: str) -> int:
    return connection.scalar(select(func.count()).select_from(table(name))) or 0 if name in tables else 0


def _copy(source: str, target: str) -> None:
    """Copy our tables; all of it, or nothing."""
    with _reading(source) as (connection, tables):
        rows = {each: _rows(connection, each) if each.name in tables else [] for each in TABLES}
    # The target counts them itself, so that its next one does not meet one of these.
    rows[_BATCHES] = [{name: row[name] for name in row if name != _BATCHES.c.id.name} for row in rows[_BATCHES]]
    try:
        engine = create_engine(target)
        try:
            with engine.begin() as writing:
                if writing.scalar(select(_BOT.c.key)) is not None:
                    del rows[_BOT]
                for each, values in rows.items():
                    if values:
                        writing.execute(each.insert(), values)
        finally:
            engine.dispose()
    except SQLAlchemyError as error:
        raise OperationalException(
            f"convert-db: freqtrade's tables are in {_shown(target)}, the bot's key and resting orders are not "
            f"({type(error).__name__}). Start no bot on it: {_EMPTY}"
        ) from error
    _logger.info("Took along the key of the bot, %d orders, %d batch cancels", len(rows[_ORDERS]), len(rows[_BATCHES]))


def _rows(connection: Connection | None, each: Table) -> list[Mapping[str, Any]]:
    return [] if connection is None else [dict(row) for row in connection.execute(select(each)).mappings()]


@contextmanager
def _reading(url: str) -> Iterator[tuple[Connection | None, list[str]]]:
    """Return a connection and the names of its tables; None for a file that is not there, and is not created."""
    file = _file(url)
    if file is not None and not file.exists():
        yield None, []
        return
    try:
        engine = create_engine(url)
        try:
            with engine.connect() as connection:
                yield connection, inspect(connection).get_table_names()
        finally:
            engine.dispose()
    except SQLAlchemyError as error:
        raise OperationalException(f"convert-db: {_shown(url)} cannot be read ({type(error).__name__})") from error


def _file(url: str) -> Path | None:
    """Return the file of a SQLite database that is in one."""
    parts = _parsed(url)
    named = parts.get_backend_name() == "sqlite" and parts.database not in {None, "", ":memory:"}
    return Path(str(parts.database)) if named else None


def _place(url: str) -> object:
    file = _file(url)
    return _parsed(url) if file is None else file.resolve()


def _shown(url: str) -> str:
    """Return a URL without its password."""
    return str(_parsed(url).render_as_string(hide_password=True))


def _parsed(url: str) -> Any:
    try:
        return make_url(url)
    except SQLAlchemyError:
        raise OperationalException("convert-db: --db-url or --db-url-from is no URL of a database") from None
