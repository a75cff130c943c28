"""Entries of leveraged and short trades, stored before they are sent: their side alone does not show what they are.

A sell opens a short or ends a long. The row of an entry tells both apart after a crash, gives the trade that adopts it
its leverage, and keeps what the owner had of the coin before.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any, Final

from sqlalchemy import BigInteger, String, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column

from bitget_margin.freqtrade.compat import ModelBase, Trade
from bitget_margin.freqtrade.database import short_lock_wait

logger = logging.getLogger("bitget_margin")


class MarginEntryRow(ModelBase):
    """Row of a `MarginEntry`, which documents the fields."""

    __tablename__ = "bitget_margin_entries"

    client_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    pair: Mapped[str] = mapped_column(String(25))
    is_short: Mapped[bool]
    leverage: Mapped[float]
    besides: Mapped[float]
    at_ms: Mapped[int] = mapped_column(BigInteger)
    order_id: Mapped[str | None] = mapped_column(String(64), index=True)


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
    order_id: str | None = None


_NAMES: Final = [field.name for field in fields(MarginEntry)]
_COLUMNS: Final = [getattr(MarginEntryRow, name).label(name) for name in _NAMES]


class MarginEntries:
    """The table of entries, as plain data; what was found once is kept in memory."""

    def __init__(self) -> None:
        self._by_order: dict[str, MarginEntry] = {}

    def add(self, entry: MarginEntry) -> None:
        """Store an entry that is about to be sent.

        :raises sqlalchemy.exc.SQLAlchemyError: the database cannot be written
        """
        with _session() as session:
            session.merge(MarginEntryRow(**{name: getattr(entry, name) for name in _NAMES}))
            session.commit()

    def note_id(self, client_id: str, order_id: str) -> None:
        """Store the venue's id of an entry; in memory alone where the database cannot be written."""
        try:
            entry = self.of_client_id(client_id)
            if entry is None:
                return
            self._by_order[order_id] = entry
            with _session() as session:
                wanted = MarginEntryRow.client_id == client_id
                session.execute(update(MarginEntryRow).where(wanted).values(order_id=order_id))
                session.commit()
        except SQLAlchemyError as error:
            logger.warning("The id %s of entry %s could not be stored: %s", order_id, client_id, error)

    def of_client_id(self, client_id: str) -> MarginEntry | None:
        """Return the entry with this client order id; None where an order with it is no entry."""
        return self._find(MarginEntryRow.client_id == client_id)

    def of_order(self, order_id: str) -> MarginEntry | None:
        """Return the entry with this order id of the venue; None where that is no entry."""
        known = self._by_order.get(order_id)
        if known is None:
            known = self._find(MarginEntryRow.order_id == order_id)
            if known is not None:
                self._by_order[order_id] = known
        return known

    def first_of(self, trade: Trade) -> MarginEntry | None:
        """Return the first known entry of a trade; None where the plugin has stored none."""
        found = (self.of_order(row.order_id) for row in trade.orders if row.ft_order_side == trade.entry_side)
        return next((entry for entry in found if entry is not None), None)

    @staticmethod
    def _find(wanted: Any) -> MarginEntry | None:
        with _session() as session:
            row = session.execute(select(*_COLUMNS).where(wanted)).first()
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
