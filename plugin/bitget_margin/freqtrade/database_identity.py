"""The account, exchange and run mode of freqtrade's database: stored at its first start, compared at each later one.

Trades of another account, another exchange or a dry run have no coins on this account: their exits would sell coins
that belong to nobody's trade. So a bot does not start on such a database.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, String
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column

from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.compat import SPOT, ModelBase, OperationalException, Trade
from bitget_margin.freqtrade.config import NAME
from bitget_margin.freqtrade.database import enum_column
from bitget_margin.own_command import own_command

_DRY_PREFIX: Final = "dry_run_"
"""Beginning of the order ids that freqtrade makes in a dry run."""
_ANOTHER: Final = 'set "db_url" to another database'
_CLOSE: Final = "close or delete them with the bot that has opened them (freqtrade's /forceexit or /delete)"
_COMMAND: Final = "forget --database-account --db-url"
_MASK: Final = "***"
"""SQLAlchemy's text in place of a password."""
_SHOWN: Final = 3
"""Number of trades that a message names."""


class RunMode(Enum):
    """The run modes that write trades; the values are those in the database."""

    LIVE = "live"
    DRY_RUN = "dry_run"


class DatabaseRow(ModelBase):
    """The only row: the `DatabaseIdentity`."""

    __tablename__ = "bitget_margin_database"

    id: Mapped[int] = mapped_column(primary_key=True)
    exchange: Mapped[str] = mapped_column(String(64))
    run_mode: Mapped[RunMode] = mapped_column(enum_column(RunMode))
    uid: Mapped[str | None] = mapped_column(String(64))


@dataclass(frozen=True, slots=True)
class DatabaseIdentity:
    """The bot that a database belongs to; the UID is None where the venue has never shown it."""

    run_mode: RunMode
    uid: str | None = None
    exchange: str = NAME
    trading_mode: Any = field(default=SPOT, compare=False)
    """freqtrade's mode of this bot, which is not stored."""
    is_local: bool = field(default=False, compare=False)
    """Whether the venue is on this machine, where each run has new accounts; not stored."""


def check(own: DatabaseIdentity, alerts: Alerts) -> None:
    """Compare the database with this bot, and store what was not known yet.

    A database without a stored identity is taken over, unless its open trades are of another exchange or run mode.

    :raises OperationalException: the database belongs to another account, exchange or run mode, or has open trades of
        the other trading mode, whose coins and debts would be counted as something else
    """
    where = shown_url(Trade.session.get_bind().url)
    _refuse_open_trades(own, where)
    _refuse_trading_mode(own, where)
    stored = _read()
    if stored is not None:
        refuse_other(stored, own, where)
    if own.run_mode is RunMode.LIVE and own.uid is None:
        known = "" if stored is None or stored.uid is None else f" It was last used with UID {stored.uid}."
        alerts.warn(
            f"The venue does not show the UID of this account: whether the database {where} belongs to it is not "
            f"known.{known}"
        )
    now = own if stored is None else replace(own, uid=own.uid or stored.uid)
    if now != stored:
        try:
            _write(now)
        except SQLAlchemyError as error:
            alerts.warn(
                f"The account of the database {where} could not be stored: {error}. The next start tries again."
            )


def _refuse_open_trades(own: DatabaseIdentity, where: str) -> None:
    trades = Trade.get_trades_proxy(is_open=True)
    others = [trade for trade in trades if trade.exchange != own.exchange]
    if others:
        exchanges = ", ".join(sorted({str(trade.exchange) for trade in others}))
        raise OperationalException(
            f"{NAME}: the database {where} has open trades of another exchange ({exchanges}): {_named(others)}. Their "
            f"coins are not on the cross margin account: {_ANOTHER}, or {_CLOSE}."
        )
    wrong = [trade for trade in trades if trade.orders and _is_dry(trade) is not (own.run_mode is RunMode.DRY_RUN)]
    if wrong:
        text = _wrong_mode(own, where, f": {_named(wrong)}")
        raise OperationalException(f"{text}: {_ANOTHER}, or {_CLOSE}.")


def _refuse_trading_mode(own: DatabaseIdentity, where: str) -> None:
    trades = Trade.get_trades_proxy(is_open=True)
    others = [trade for trade in trades if trade.trading_mode not in {None, own.trading_mode}]
    if others:
        theirs = str(getattr(others[0].trading_mode, "value", others[0].trading_mode))
        raise OperationalException(
            f'{NAME}: the database {where} has open trades of "trading_mode": "{theirs}": {_named(others)}. Start the '
            f"bot in that mode until they have ended, or {_ANOTHER}."
        )


def refuse_other(stored: DatabaseIdentity, own: DatabaseIdentity, where: str) -> None:
    """Refuse a database that belongs to another bot.

    :raises OperationalException: the exchange, the run mode or the UID is another one
    """
    if stored.exchange != own.exchange:
        raise OperationalException(
            f"{NAME}: the database {where} belongs to a bot on the exchange {stored.exchange}: {_ANOTHER}. "
            f"{_way_out(where)}"
        )
    if stored.run_mode is not own.run_mode:
        raise OperationalException(f"{_wrong_mode(own, where, '')}: {_ANOTHER}. {_way_out(where)}")
    if None not in {stored.uid, own.uid} and stored.uid != own.uid:
        if own.is_local:
            raise OperationalException(
                f"{NAME}: the database {where} belongs to the account with UID {stored.uid}, and the API key is of the "
                f"account with UID {own.uid}. Each run of the local venue has a new account: delete this "
                f"database if it is of an earlier run, or {_ANOTHER}."
            )
        raise OperationalException(
            f"{NAME}: the database {where} belongs to the account with UID {stored.uid}, and the API key is of the "
            f"account with UID {own.uid}: {_ANOTHER}, or use an API key of UID {stored.uid}. {_way_out(where)}"
        )


def _wrong_mode(own: DatabaseIdentity, where: str, trades: str) -> str:
    theirs, ours = ("a dry run", "live") if own.run_mode is RunMode.LIVE else ("a live bot", "a dry run")
    return (
        f"{NAME}: the database {where} has the trades of {theirs}{trades}. This bot is {ours}, and needs a database of "
        "its own"
    )


def _way_out(where: str) -> str:
    """Return the command by which a database changes its account, and what comes before it."""
    password = f" (with the password in place of {_MASK})" if _MASK in where else ""
    return (
        "If this database is to be of this bot from now on, close or delete the open trades in it, stop each bot that "
        f"runs on it, and remove its account{password}: {own_command()} {_COMMAND} {shlex.quote(where)}"
    )


def shown_url(url: URL) -> str:
    """Return the URL of a database, with its password hidden; one of a file names the whole path."""
    if url.get_backend_name() == "sqlite" and url.database not in {None, "", ":memory:"}:
        url = url.set(database=str(Path(str(url.database)).absolute()))
    return str(url.render_as_string(hide_password=True))


def _is_dry(trade: Trade) -> bool:
    return any(row.order_id.startswith(_DRY_PREFIX) for row in trade.orders)


def _named(trades: Sequence[Trade]) -> str:
    return _shortened([f"trade {trade.id} on {trade.pair}" for trade in trades])


def _shortened(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (" and others" if len(names) > _SHOWN else "")


def _session() -> Session:
    return Session(Trade.session.get_bind(), expire_on_commit=False)


def _read() -> DatabaseIdentity | None:
    with _session() as session:
        row = session.get(DatabaseRow, 1)
        return None if row is None else DatabaseIdentity(row.run_mode, row.uid, row.exchange)


def _write(now: DatabaseIdentity) -> None:
    with _session() as session:
        session.merge(DatabaseRow(id=1, exchange=now.exchange, run_mode=now.run_mode, uid=now.uid))
        session.commit()
