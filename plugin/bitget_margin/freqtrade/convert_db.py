"""Extension of freqtrade's `convert-db`, which copies the plugin's tables too.

freqtrade's own command copies freqtrade's tables only. A bot on a database without its key and orders does not know its
resting orders, and its exits are rejected for the coins that these hold.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias, cast

from sqlalchemy import Connection, Table, create_engine, func, inspect, make_url, select, table
from sqlalchemy.exc import SQLAlchemyError

from bitget_margin.freqtrade.compat import OperationalException, commands_module, utils_config
from bitget_margin.freqtrade.database import column_names
from bitget_margin.freqtrade.database_identity import DatabaseRow
from bitget_margin.freqtrade.margin_entries import MarginEntryRow
from bitget_margin.freqtrade.order_store import BotRow, CancelBatchRow, TrackedOrderRow, migrate

Command: TypeAlias = Callable[[dict[str, Any]], Any]

_NAME: Final = "start_convert_db"
_BOT, _IDENTITY, _ORDERS, _ENTRIES, _BATCHES = (
    cast("Table", row.__table__) for row in (BotRow, DatabaseRow, TrackedOrderRow, MarginEntryRow, CancelBatchRow)
)
TABLES: Final = (_BOT, _IDENTITY, _ORDERS, _ENTRIES, _BATCHES)
"""The tables of the plugin: the bot's key, the account of the database, its orders, entries and batch cancels."""
_TRADES: Final = "trades"
_EMPTY: Final = "convert into an empty database, one on which no bot has run"
_logger: Final = logging.getLogger(__name__)


def install() -> None:
    """Replace freqtrade's command by one that calls it; a second call changes nothing."""
    commands = commands_module()
    own = getattr(commands, _NAME)
    if getattr(own, "func", None) is not _convert:
        setattr(commands, _NAME, partial(_convert, own))


def _convert(own: Command, arguments: dict[str, Any]) -> Any:
    """Run freqtrade's command, then copy the plugin's tables; write nothing where that is impossible."""
    source, target = _urls(arguments)
    has_rows = _has_rows(source, target)
    result = own(arguments)
    if has_rows:
        _copy(source, target)
    return result


def _urls(arguments: dict[str, Any]) -> tuple[str, str]:
    """Return the URLs of both databases, source first, as freqtrade reads them."""
    config = utils_config(arguments)
    source, target = config.get("db_url_from"), config.get("db_url")
    if not source or not target:
        missing = "--db-url (to)" if source else "--db-url-from"
        raise OperationalException(f"convert-db needs two databases, and {missing} is not given")
    return source, target


def _has_rows(source: str, target: str) -> bool:
    """Whether the source has rows of the plugin.

    :raises OperationalException: they would be mixed with rows of the target, or a database cannot be read
    """
    if _location(source) == _location(target):
        raise OperationalException(f"convert-db: --db-url-from and --db-url are the same database, {_shown(source)}")
    with _reading(source) as (connection, tables):
        if connection is None or _TRADES not in tables:
            raise OperationalException(f"convert-db: there is no database of freqtrade at {_shown(source)}")
        key, orders, batches = _counts(connection, tables)
        identity = _identity(connection, tables)
    if key is None and identity is None and not orders and not batches:
        return False
    with _reading(target) as (connection, tables):
        if connection is None:
            return True
        other_key, *counts = _counts(connection, tables)
        if other_key not in {None, key}:
            raise OperationalException(
                f"convert-db: {_shown(target)} has the key {other_key} of another bot, and {_shown(source)} has {key}; "
                f"nothing was written: {_EMPTY}"
            )
        other_identity = _identity(connection, tables)
        if other_identity not in {None, identity}:
            raise OperationalException(
                f"convert-db: {_shown(target)} belongs to a bot on {_described(other_identity)}, and {_shown(source)} "
                f"to one on {_described(identity)}; nothing was written: {_EMPTY}"
            )
        counts.append(_count(connection, tables, _TRADES))
        if any(counts):
            found = "{} orders and {} batch cancels of the plugin, and {} trades".format(*counts)
            raise OperationalException(
                f"convert-db: {_shown(target)} already has {found}, which those of {_shown(source)} are not to be "
                f"mixed with; nothing was written: {_EMPTY}"
            )
    return True


def _counts(connection: Connection, tables: list[str]) -> tuple[str | None, int, int]:
    """Return the key, and the numbers of orders, records of entries among them, and of batch cancels."""
    key = connection.scalar(select(_BOT.c.key)) if _BOT.name in tables else None
    orders = sum(_count(connection, tables, each.name) for each in (_ORDERS, _ENTRIES))
    return key, orders, _count(connection, tables, _BATCHES.name)


def _identity(connection: Connection, tables: list[str]) -> tuple[Any, ...] | None:
    """Return exchange, run mode and UID of the bot that a database belongs to."""
    wanted = select(_IDENTITY.c.exchange, _IDENTITY.c.run_mode, _IDENTITY.c.uid)
    row = connection.execute(wanted).first() if _IDENTITY.name in tables else None
    return None if row is None else tuple(row)


def _described(identity: tuple[Any, ...] | None) -> str:
    if identity is None:
        return "an unknown account"
    exchange, run_mode, uid = identity
    return f"{exchange} ({run_mode.value}, UID {uid or 'unknown'})"


def _count(connection: Connection, tables: list[str], name: str) -> int:
    return connection.scalar(select(func.count()).select_from(table(name))) or 0 if name in tables else 0


def _copy(source: str, target: str) -> None:
    """Copy the plugin's tables in one transaction."""
    with _reading(source) as (connection, tables):
        rows = {each: _rows(connection, each) if each.name in tables else [] for each in TABLES}
    # The target numbers them itself, so that its next number is free.
    rows[_BATCHES] = [{name: row[name] for name in row if name != _BATCHES.c.id.name} for row in rows[_BATCHES]]
    try:
        engine = create_engine(target)
        try:
            with engine.begin() as connection:
                migrate(connection)
                for each in (_BOT, _IDENTITY):
                    if connection.scalar(select(each.c.id)) is not None:
                        del rows[each]
                for each, values in rows.items():
                    if values:
                        connection.execute(each.insert(), values)
        finally:
            engine.dispose()
    except SQLAlchemyError as error:
        raise OperationalException(
            f"convert-db: freqtrade's tables are in {_shown(target)}, the bot's key and resting orders are not "
            f"({type(error).__name__}). Start no bot on it: {_EMPTY}"
        ) from error
    _logger.info("Copied the key of the bot, %d orders and %d batch cancels", len(rows[_ORDERS]), len(rows[_BATCHES]))


def _rows(connection: Connection | None, each: Table) -> list[Mapping[str, Any]]:
    """Return the rows of a table, without the columns that an earlier version did not have."""
    if connection is None:
        return []
    known = column_names(connection, each)
    columns = [column for column in each.columns if column.name in known]
    return [dict(row) for row in connection.execute(select(*columns)).mappings()]


@contextmanager
def _reading(url: str) -> Iterator[tuple[Connection | None, list[str]]]:
    """Yield a connection and the names of its tables; no connection, and no new file, where there is none."""
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
    """Return the file of a SQLite database; None for other databases."""
    parts = _parsed(url)
    named = parts.get_backend_name() == "sqlite" and parts.database not in {None, "", ":memory:"}
    return Path(str(parts.database)) if named else None


def _location(url: str) -> object:
    file = _file(url)
    return _parsed(url) if file is None else file.resolve()


def _shown(url: str) -> str:
    """Return a URL with its password hidden."""
    return str(_parsed(url).render_as_string(hide_password=True))


def _parsed(url: str) -> Any:
    try:
        return make_url(url)
    except SQLAlchemyError:
        raise OperationalException("convert-db: --db-url or --db-url-from is no URL of a database") from None
