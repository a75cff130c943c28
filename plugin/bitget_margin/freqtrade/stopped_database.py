"""Database of a bot that is stopped, as an operator's command reads and changes it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Connection,
    Engine,
    StaticPool,
    column,
    create_engine,
    delete,
    event,
    func,
    inspect,
    make_url,
    select,
    table,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bitget_margin.freqtrade.database_identity import DatabaseIdentity, DatabaseRow, RunMode
from bitget_margin.freqtrade.database_inspection import IN_ITS_FOLDER, NO_URL
from bitget_margin.freqtrade.order_store import BotRow, OrderStore, TrackedOrderRow
from bitget_margin.freqtrade.tracked_order import Phase

_TRADES: Final = table("trades", column("id"), column("pair"), column("exchange"), column("is_open", Boolean()))
"""The columns of freqtrade's table that every version of it has."""
_SQLITE: Final = "sqlite"
_LOCKED: Final = "locked"
"""Word of SQLite's error where another connection has the file open."""
_WAL: Final = "wal"
_SHOWN: Final = 3
"""Number of trades that a message names."""


class DatabaseRefused(Exception):
    """The database cannot be used by a command; the message says why, and what to do."""


class DatabaseInUse(DatabaseRefused):
    """Another program has the database open."""


@dataclass(frozen=True, slots=True)
class OpenTrade:
    """One open trade of a database."""

    id: int
    pair: str
    exchange: str


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """Account, open trades and open orders of a database.

    :ivar identity: None where none is stored
    :ivar open_orders: number of orders of the bot that may still trade
    :ivar key: the beginning of the bot's client order ids; None where no bot has run on it
    """

    identity: DatabaseIdentity | None
    open_trades: tuple[OpenTrade, ...]
    open_orders: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class StoppedDatabase:
    """Database of freqtrade that a command has opened.

    :ivar name: its URL without the password
    :ivar is_alone: whether no other program has it open, and none can open it until the command ends; False where that
        is not known
    """

    name: str
    engine: Engine
    is_alone: bool

    @property
    def store(self) -> OrderStore:
        """The tables of the plugin."""
        return OrderStore(lambda: self.engine)

    def state(self) -> DatabaseState:
        """Read what the database belongs to, and what is open in it."""
        is_open = TrackedOrderRow.phase.in_([phase for phase in Phase if phase.open])
        with Session(self.engine) as session:
            tables = inspect(session.connection()).get_table_names()

            def first(row: Any) -> Any:
                return session.get(row, 1) if row.__tablename__ in tables else None

            row, bot = first(DatabaseRow), first(BotRow)
            columns = _TRADES.c
            trades = session.execute(select(columns.id, columns.pair, columns.exchange).where(columns.is_open))
            orders = 0
            if TrackedOrderRow.__tablename__ in tables:
                orders = session.scalar(select(func.count()).select_from(TrackedOrderRow).where(is_open)) or 0
            return DatabaseState(
                None if row is None else DatabaseIdentity(row.run_mode, row.uid, row.exchange),
                tuple(OpenTrade(*trade) for trade in trades),
                orders,
                None if bot is None else bot.key,
            )

    def remove_identity(self) -> None:
        """Remove the account, exchange and run mode: the next start stores its own."""
        with Session(self.engine) as session:
            session.execute(delete(DatabaseRow))
            session.commit()


def reason_to_keep(state: DatabaseState) -> str | None:
    """Return why the account of a database must not be removed, and what to do; None where it may be."""
    if state.open_trades:
        trades = [f"trade {trade.id} on {trade.pair} ({trade.exchange})" for trade in state.open_trades]
        more = " and others" if len(trades) > _SHOWN else ""
        return (
            f"it has open trades, and their coins are on no other account: {', '.join(trades[:_SHOWN])}{more}. Close "
            "or delete these trades first, with the bot that has opened them (freqtrade's /forceexit or /delete), or "
            'set "db_url" to another database'
        )
    identity = state.identity
    if identity is not None and identity.run_mode is RunMode.DRY_RUN and state.open_orders:
        return (
            f"{state.open_orders} simulated orders in it are still open. Start the dry run once more, which ends "
            'those without a trade, or set "db_url" to another database'
        )
    return None


@contextmanager
def open_stopped(url: str, *, is_option: bool = False) -> Iterator[StoppedDatabase]:
    """Open a database of freqtrade; of SQLite, nobody else can open it meanwhile.

    :param is_option: whether its URL was given by --db-url
    :raises DatabaseInUse: another program has it open
    :raises DatabaseRefused: there is none, or it cannot be read and written
    """
    try:
        parts = make_url(url)
    except SQLAlchemyError:
        name = "--db-url" if is_option else '"db_url"'
        raise DatabaseRefused(f"{name} is {NO_URL}") from None
    name = str(parts.render_as_string(hide_password=True))
    is_sqlite = parts.get_backend_name() == _SQLITE
    if is_sqlite:
        _refuse_missing(name, parts.database, is_option=is_option)
    try:
        # One connection for all: SQLite's lock is its own.
        engine = create_engine(url, **({"poolclass": StaticPool} if is_sqlite else {}))
    except (SQLAlchemyError, ImportError) as error:
        raise DatabaseRefused(f"the database {name} cannot be opened: {error}") from None
    try:
        if is_sqlite:
            event.listen(engine, "connect", _lock)
        with engine.connect() as connection:
            if _TRADES.name not in inspect(connection).get_table_names():
                raise DatabaseRefused(f"the database {name} is none of freqtrade's: it has no table {_TRADES.name}")
            is_alone = is_sqlite and _is_wal(connection)
        yield StoppedDatabase(name, engine, is_alone)
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        if is_sqlite and _LOCKED in str(cause):
            raise DatabaseInUse(
                f"another program has the database {name} open: stop the bot, close whatever else reads it, and run "
                "the same command again"
            ) from None
        raise DatabaseRefused(f"the database {name} cannot be read and written: {cause}") from None
    finally:
        engine.dispose()


def _refuse_missing(name: str, file: str | None, *, is_option: bool) -> None:
    if file in {None, "", ":memory:"}:
        raise DatabaseRefused(f"the database {name} is in the memory of its bot: it ends with the bot")
    path = Path(str(file))
    if not path.is_file():
        remedy = "give the path of the bot's database" if path.is_absolute() else IN_ITS_FOLDER
        option = "" if is_option else ", or give --db-url"
        raise DatabaseRefused(f"there is no database {path.absolute()}: {remedy}{option}")


def _lock(raw: Any, _record: object) -> None:
    """Take SQLite's lock for as long as the connection is open.

    freqtrade's databases are in WAL mode, in which each program that has one open holds a shared lock all the time. So
    an exclusive one shows that there is none, in whichever container it runs, and keeps others from starting.
    """
    kept, raw.isolation_level = raw.isolation_level, None
    raw.execute("pragma busy_timeout = 100")
    raw.execute("pragma locking_mode = exclusive")
    raw.execute("begin exclusive")
    raw.execute("commit")
    raw.isolation_level = kept


def _is_wal(connection: Connection) -> bool:
    found: Sequence[Any] | None = connection.exec_driver_sql("pragma journal_mode").first()
    return found is not None and found[0] == _WAL
