"""Entries of leveraged and short trades, stored before they are sent: their side alone does not show what they are.

A sell opens a short or ends a long. The row of an entry tells both apart after a crash, gives the trade that adopts it
its leverage, and keeps what the owner had of the coin before.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any, Final

from sqlalchemy import BigInteger, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.compat import ModelBase, Trade
from bitget_margin.freqtrade.database import short_lock_wait
from bitget_margin.freqtrade.tracked_order import TradeKey


class MarginEntryRow(ModelBase):
    """Row of a `MarginEntry`, which documents the fields."""

    __tablename__ = "bitget_margin_entries"

    client_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    pair: Mapped[str] = mapped_column(String(25), index=True)
    is_short: Mapped[bool]
    leverage: Mapped[float]
    besides: Mapped[float]
    at_ms: Mapped[int] = mapped_column(BigInteger)


@dataclass(frozen=True, slots=True)
class MarginEntry:
    """An order that opens a position, or adds to one."""

    client_id: str
    pair: str
    is_short: bool
    leverage: float
    besides: float
    """Base coins of the account before it, less what it owed of them: they are the owner's, or of other trades."""
    at_ms: int
    """Time before which the venue cannot have lent anything for it, ms since the epoch."""


_PLACING_MS: Final = 120_000
"""Longest time between the record of an entry and the opening of its trade: freqtrade opens it once it is placed."""
_NAMES: Final = [field.name for field in fields(MarginEntry)]
_COLUMNS: Final = [getattr(MarginEntryRow, name).label(name) for name in _NAMES]


class MarginEntries:
    """The table of entries, as plain data; the one of a trade is kept in memory."""

    def __init__(self) -> None:
        self._of_trades: dict[TradeKey, MarginEntry] = {}

    def add(self, entry: MarginEntry) -> None:
        """Store an entry that is about to be sent.

        :raises sqlalchemy.exc.SQLAlchemyError: the database cannot be written
        """
        with _session() as session:
            session.merge(MarginEntryRow(**{name: getattr(entry, name) for name in _NAMES}))
            session.commit()

    def of_client_id(self, client_id: str) -> MarginEntry | None:
        """Return the entry with this client order id; None where an order with it is no entry."""
        return self._find(MarginEntryRow.client_id == client_id)

    def first_of(self, trade: Trade) -> MarginEntry | None:
        """Return the first entry of a trade: the last one on its pair before it was opened; None without one."""
        key = trade_rows.key_of(trade)
        known = self._of_trades.get(key)
        if known is None:
            known = self._find(
                MarginEntryRow.pair == trade.pair,
                MarginEntryRow.is_short == bool(trade.is_short),
                MarginEntryRow.at_ms <= key.opened_ms,
                MarginEntryRow.at_ms >= key.opened_ms - _PLACING_MS,
            )
            if known is not None:
                self._of_trades[key] = known
        return known

    @staticmethod
    def _find(*wanted: Any) -> MarginEntry | None:
        """Return the last entry that fits; None without one."""
        with _session() as session:
            query = select(*_COLUMNS).where(*wanted).order_by(MarginEntryRow.at_ms.desc())
            row = session.execute(query).first()
            return None if row is None else MarginEntry(*row)


@contextmanager
def _session() -> Iterator[Session]:
    """Return a session of its own, which waits only shortly for a lock."""
    with (
        Trade.session.get_bind().connect() as connection,
        Session(connection, expire_on_commit=False) as session,
        short_lock_wait(connection),
    ):
        yield session
