"""Inspection of a bot's database from outside of the bot: it makes no file, changes nothing and waits for no lock."""

import os
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from bitget_margin.adapter.health import CheckStatus, HealthCheck
from bitget_margin.freqtrade.compat import OperationalException
from bitget_margin.freqtrade.config import NAME
from bitget_margin.freqtrade.database_identity import DatabaseIdentity, DatabaseRow, RunMode, refuse_other, shown_url

IN_ITS_FOLDER: Final = (
    "start this command, and the bot, in the folder in which the path of the database begins: the folder in which "
    "`init` was run"
)
"""Advice where a path leads nowhere: mostly, a command was started in the folder of the configuration."""
NO_URL: Final = "no URL of a database, such as sqlite:///trades.sqlite"
_CHECK: Final = "database"
_SQLITE: Final = "sqlite"
_WAIT_SECONDS: Final = 0.5
"""Longest wait for a lock of SQLite."""


def inspect_database(given: str, uid: str | None, *, dry_run: bool, is_local: bool = False) -> HealthCheck:
    """Return whether a bot could use its database, and whose it is.

    :param given: URL of the database
    :param uid: UID of the bot's account; None where it is not known
    :param is_local: whether the venue is on this machine
    """
    try:
        url = make_url(given)
    except SQLAlchemyError:
        return HealthCheck(_CHECK, CheckStatus.FAILED, f'"db_url" is {NO_URL}')
    where = shown_url(url)
    is_file = url.get_backend_name() == _SQLITE and url.database not in {None, "", ":memory:"}
    if is_file:
        refusal = _file_check(Path(str(url.database)), where)
        if refusal is not None:
            return refusal
    engine = create_engine(_read_only(url), connect_args={"timeout": _WAIT_SECONDS}) if is_file else create_engine(url)
    own = DatabaseIdentity(RunMode.DRY_RUN, None) if dry_run else DatabaseIdentity(RunMode.LIVE, uid, is_local=is_local)
    try:
        return _judge(engine, own, where)
    except SQLAlchemyError as error:
        # Its own text quotes the statement, and that of other drivers may quote more.
        why = str(getattr(error, "orig", "")) if is_file else type(error).__name__
        return HealthCheck(_CHECK, CheckStatus.UNKNOWN, f"unknown: {where} could not be read: {why}")
    finally:
        engine.dispose()


def _file_check(path: Path, where: str) -> HealthCheck | None:
    """Return a check that ends the inspection: of a file that is not there, or cannot be written."""
    folder = path.resolve().parent
    if not folder.is_dir():
        why = f"does not exist: {IN_ITS_FOLDER}"
        return HealthCheck(_CHECK, CheckStatus.FAILED, f"{where}: the folder {folder} {why}")
    if not os.access(folder, os.W_OK):
        return HealthCheck(_CHECK, CheckStatus.FAILED, f"{where}: the folder {folder} cannot be written")
    if not path.exists():
        return HealthCheck(_CHECK, CheckStatus.OK, f"{where} does not exist yet: the first start makes it")
    if not os.access(path, os.R_OK | os.W_OK):
        return HealthCheck(_CHECK, CheckStatus.FAILED, f"{where} cannot be read and written by this user")
    return None


def _read_only(url: URL) -> URL:
    path = Path(str(url.database)).resolve()
    return url.set(database=path.as_uri(), query={"mode": "ro", "uri": "true"})


def _judge(engine: Engine, own: DatabaseIdentity, where: str) -> HealthCheck:
    tables = set(inspect(engine).get_table_names())
    stored, trades = _stored(engine, tables), _open_trades(engine, tables)
    try:
        if stored is not None:
            refuse_other(stored, own, where)
    except OperationalException as refused:
        return HealthCheck(_CHECK, CheckStatus.FAILED, str(refused).removeprefix(f"{NAME}: "))
    others = sorted(exchange for exchange in trades if exchange != own.exchange)
    if others:
        message = f"{where} has open trades of another exchange ({', '.join(others)})"
        return HealthCheck(_CHECK, CheckStatus.FAILED, message, 'set "db_url" to another database')
    opened = f"{sum(trades.values())} open trades"
    if stored is None:
        return HealthCheck(_CHECK, CheckStatus.OK, f"{where} belongs to no bot yet, {opened}")
    of_account = "" if stored.uid is None else f" with UID {stored.uid}"
    if stored.uid is not None and own.uid is None and own.run_mode is RunMode.LIVE:
        message = f"unknown: {where} belongs to the account{of_account}, and that of the keys is not known"
        return HealthCheck(_CHECK, CheckStatus.UNKNOWN, message)
    return HealthCheck(_CHECK, CheckStatus.OK, f"{where}, {stored.run_mode.value} bot{of_account}, {opened}")


def _stored(engine: Engine, tables: set[str]) -> DatabaseIdentity | None:
    if DatabaseRow.__tablename__ not in tables:
        return None
    statement = text(f"select run_mode, uid, exchange from {DatabaseRow.__tablename__} where id = 1")  # noqa: S608
    with engine.connect() as connection:
        row: Any = connection.execute(statement).first()
    return None if row is None else DatabaseIdentity(RunMode(row.run_mode), row.uid, row.exchange)


def _open_trades(engine: Engine, tables: set[str]) -> dict[str, int]:
    """Return the number of open trades by exchange."""
    if "trades" not in tables:
        return {}
    with engine.connect() as connection:
        rows = connection.execute(text("select exchange, is_open from trades")).all()
    counts: dict[str, int] = {}
    for exchange, is_open in rows:
        if is_open:
            counts[str(exchange)] = counts.get(str(exchange), 0) + 1
    return counts
