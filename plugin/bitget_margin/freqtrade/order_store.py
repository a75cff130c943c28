"""Durable records of the bot's orders: written before anything is sent, and read after a crash.

Each call is a transaction of its own, apart from freqtrade's session: neither side can undo the other. A write stores
whole orders, so whoever reads, decides and writes holds the lock of the resting orders meanwhile.

A database that cannot be written (locked, read-only, a full disk) holds up nothing that has to be sent: what could not
be written is kept in memory, is part of every answer, and is written by the next call that can. Only `add` raises.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any, Final, cast

from sqlalchemy import BigInteger, Connection, Engine, Index, String, Table, bindparam, delete, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column

from bitget_margin import client_order_ids
from bitget_margin.freqtrade.compat import ModelBase, Trade
from bitget_margin.freqtrade.database import LOCK_MS, add_missing_columns, enum_column, short_lock_wait
from bitget_margin.freqtrade.tracked_order import Origin, Phase, TrackedOrder, TradeKey

logger = logging.getLogger("bitget_margin")


class BotRow(ModelBase):
    """The only row: the key that every client order id of this bot begins with."""

    __tablename__ = "bitget_margin_bot"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32))


class TrackedOrderRow(ModelBase):
    """Row of a `TrackedOrder`, which documents the fields."""

    __tablename__ = "bitget_margin_orders"
    __table_args__ = (Index("bitget_margin_orders_phase", "phase"),)

    client_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    origin: Mapped[Origin] = mapped_column("kind", enum_column(Origin))
    trade_id: Mapped[int | None]
    opened_ms: Mapped[int | None] = mapped_column(BigInteger)
    pair: Mapped[str] = mapped_column(String(25))
    side: Mapped[str] = mapped_column(String(8))
    ladder: Mapped[str] = mapped_column(String(255))
    number: Mapped[int]
    price: Mapped[float]
    amount: Mapped[float]
    intended_ms: Mapped[int] = mapped_column(BigInteger)
    phase: Mapped[Phase] = mapped_column(enum_column(Phase))
    order_id: Mapped[str | None] = mapped_column(String(64), index=True)
    filled: Mapped[float]
    average: Mapped[float | None]
    reason: Mapped[str | None] = mapped_column(String(255))
    settled: Mapped[bool]
    sent: Mapped[float | None]
    forgotten_ms: Mapped[int | None] = mapped_column(BigInteger)


class CancelBatchRow(ModelBase):
    """Row of a `Batch`."""

    __tablename__ = "bitget_margin_batches"

    id: Mapped[int] = mapped_column(primary_key=True)
    pair: Mapped[str] = mapped_column(String(25), index=True)
    at_ms: Mapped[int] = mapped_column(BigInteger)
    label: Mapped[str] = mapped_column(String(255))


_OPEN: Final = [phase for phase in Phase if phase.open]
_TEXT_LENGTH: Final = 255
"""The longest reason or label that has room."""

_NAMES: Final = [field.name for field in fields(TrackedOrder)]
_COLUMNS: Final = [getattr(TrackedOrderRow, name).label(name) for name in _NAMES]
"""Columns instead of whole rows: half the time of a read, and an exit reads several times."""

_UPDATE: Final = (
    update(TrackedOrderRow)
    .where(TrackedOrderRow.client_id == bindparam("key"))
    .values({name: bindparam(name) for name in _NAMES})
)
"""Updates a whole row; a row that was removed meanwhile stays removed."""


@dataclass(frozen=True, slots=True)
class CancelBatch:
    """One batch cancel, shown as a pin on the chart."""

    pair: str
    at_ms: int
    label: str


@dataclass(frozen=True, slots=True)
class _Write:
    """One order before and after a change; None where it is not stored."""

    old: TrackedOrder | None
    new: TrackedOrder | None

    @property
    def client_id(self) -> str:
        order = self.new or self.old
        assert order is not None  # noqa: S101 - one of both is there
        return order.client_id


class OrderStore:
    """The plugin's tables in a database of freqtrade, as plain data.

    :param engine: returns the engine of the database; freqtrade's own by default
    """

    def __init__(self, engine: Callable[[], Engine] = lambda: Trade.session.get_bind()) -> None:  # noqa: PLW0108 - set later
        self._engine = engine
        self._key: str | None = None
        self._unwritten: list[_Write] = []
        """Changes that the database did not take, oldest first."""
        self._is_migrated = False

    def key(self) -> str:
        """Return this bot's key; made at the first call for a database."""
        if self._key is None:
            with self._session() as session:
                row = session.get(BotRow, 1)
                if row is None:
                    row = BotRow(id=1, key=client_order_ids.new_key())
                    session.add(row)
                    session.commit()
                self._key = row.key
        return self._key

    def add(self, orders: Iterable[TrackedOrder]) -> None:
        """Store orders that are about to be sent.

        :raises sqlalchemy.exc.SQLAlchemyError: the database cannot be written
        """
        kept = list(self._unwritten)
        self._write([*kept, *(_Write(None, order) for order in orders)])
        del self._unwritten[: len(kept)]

    def note(self, order: TrackedOrder) -> None:
        """Store an order that is sent, or found, whether it can be stored or not."""
        self._write_or_keep([_Write(None, order)])

    def update(self, changes: Iterable[tuple[TrackedOrder, TrackedOrder]], batch: CancelBatch | None = None) -> None:
        """Store orders that have changed, together with the batch cancel that changed them.

        :param changes: each order as it was, and as it is now; of several changes of one order the last counts
        """
        writes = [_Write(old, new) for old, new in changes if new != old]
        if writes or batch is not None:
            self._write_or_keep(writes, batch)

    def write(self, changes: Iterable[tuple[TrackedOrder, TrackedOrder]]) -> None:
        """Store orders that have changed, all or none.

        :param changes: each order as it was, and as it is now
        :raises sqlalchemy.exc.SQLAlchemyError: the database cannot be written
        """
        self._write([_Write(old, new) for old, new in changes])

    def forget(self, order: TrackedOrder) -> None:
        """Remove an order that freqtrade has stored itself, or that was never placed."""
        self._write_or_keep([_Write(order, None)])

    def _write_or_keep(self, writes: list[_Write], batch: CancelBatch | None = None) -> None:
        kept = list(self._unwritten)  # another thread may add to them meanwhile
        try:
            self._write([*kept, *writes], batch, wait_ms=0 if kept else LOCK_MS)
        except SQLAlchemyError as error:
            self._unwritten += writes
            logger.warning("The bot's orders could not be stored, and are kept in memory: %s", error)
        else:
            del self._unwritten[: len(kept)]

    def _write(self, writes: Iterable[_Write], batch: CancelBatch | None = None, *, wait_ms: int = LOCK_MS) -> None:
        """Write changes in one transaction.

        :param wait_ms: time to wait for a lock: none after a first try
        """
        removed, added, changed = _merged(writes)
        with self._session(wait_ms) as session:
            if removed:
                session.execute(delete(TrackedOrderRow).where(TrackedOrderRow.client_id.in_(removed)))
            session.add_all(TrackedOrderRow(**_values(order)) for order in added.values())
            if changed:
                rows = [{"key": name, **_values(order)} for name, order in changed.items()]
                session.connection().execute(_UPDATE, rows)
            if batch is not None:
                session.add(CancelBatchRow(pair=batch.pair, at_ms=batch.at_ms, label=batch.label[:_TEXT_LENGTH]))
            session.commit()

    # -- reading ------------------------------------------------------------------------------------------------------

    def open(self, origin: Origin) -> list[TrackedOrder]:
        """Return the orders of an origin that may still trade, oldest first."""
        wanted = (TrackedOrderRow.origin == origin, TrackedOrderRow.phase.in_(_OPEN))
        return self._find(wanted, lambda order: order.origin is origin and order.phase.open)

    def in_phase(self, phase: Phase) -> list[TrackedOrder]:
        """Return the orders of either origin in this phase, oldest first."""
        return self._find((TrackedOrderRow.phase == phase,), lambda order: order.phase is phase)

    def unsettled(self) -> list[TrackedOrder]:
        """Return the resting orders that have ended with a fill, and whose end freqtrade has not booked."""
        wanted = (
            TrackedOrderRow.origin == Origin.LADDER,
            TrackedOrderRow.phase == Phase.ENDED,
            TrackedOrderRow.settled.is_(False),
            TrackedOrderRow.filled > 0,
        )
        return self._find(
            wanted,
            lambda order: (
                order.origin is Origin.LADDER and order.phase is Phase.ENDED and not order.settled and order.filled > 0
            ),
        )

    def of_trade(self, trade: TradeKey, ladder: str | None = None) -> list[TrackedOrder]:
        """Return all resting orders of a trade, or of one of its ladders, oldest first."""
        wanted = [
            TrackedOrderRow.origin == Origin.LADDER,
            TrackedOrderRow.trade_id == trade.id,
            TrackedOrderRow.opened_ms == trade.opened_ms,
        ]
        if ladder is not None:
            wanted.append(TrackedOrderRow.ladder == ladder)
        return self._find(
            wanted,
            lambda order: order.origin is Origin.LADDER and order.trade == trade and ladder in {None, order.ladder},
        )

    def stops_of(self, trade: TradeKey) -> list[TrackedOrder]:
        """Return all stops of a trade that were placed at the venue, oldest first."""
        wanted = (
            TrackedOrderRow.origin == Origin.STOP,
            TrackedOrderRow.trade_id == trade.id,
            TrackedOrderRow.opened_ms == trade.opened_ms,
        )
        return self._find(wanted, lambda order: order.origin is Origin.STOP and order.trade == trade)

    def own_of(self, trade: TradeKey) -> list[TrackedOrder]:
        """Return freqtrade's own orders of a trade that it has not stored yet, or that were given up."""
        wanted = (
            TrackedOrderRow.origin == Origin.FREQTRADE,
            TrackedOrderRow.trade_id == trade.id,
            TrackedOrderRow.opened_ms == trade.opened_ms,
        )
        return self._find(wanted, lambda order: order.origin is Origin.FREQTRADE and order.trade == trade)

    def resting_on(self, pair: str) -> list[TrackedOrder]:
        """Return all resting orders on a pair, of every trade."""
        wanted = (TrackedOrderRow.origin == Origin.LADDER, TrackedOrderRow.pair == pair)
        return self._find(wanted, lambda order: order.origin is Origin.LADDER and order.pair == pair)

    def by_order_id(self, order_id: str) -> TrackedOrder | None:
        """Return the bot's order with this order id; None where it is not one of the bot's."""
        found = self._find((TrackedOrderRow.order_id == order_id,), lambda order: order.order_id == order_id)
        return next(iter(found), None)

    def by_client_id(self, client_id: str) -> TrackedOrder | None:
        """Return the bot's order with this client order id; None where it is not stored."""
        found = self._find((TrackedOrderRow.client_id == client_id,), lambda order: order.client_id == client_id)
        return next(iter(found), None)

    def _find(self, wanted: Iterable[Any], fits: Callable[[TrackedOrder], bool]) -> list[TrackedOrder]:
        """Return the stored orders that fit, oldest first; what could not be written replaces its row."""
        query = select(*_COLUMNS).where(*wanted).order_by(TrackedOrderRow.intended_ms, TrackedOrderRow.number)
        with self._session() as session:
            found = [TrackedOrder(*row) for row in session.execute(query)]
        if not self._unwritten:
            return found
        removed, added, changed = _merged(self._unwritten)
        newest = {**added, **changed}
        kept = [order for order in found if order.client_id not in newest and order.client_id not in removed]
        kept += [order for order in newest.values() if fits(order)]
        return sorted(kept, key=lambda order: (order.intended_ms, order.number))

    def batches(self, pair: str, from_ms: int) -> list[CancelBatch]:
        """Return the batch cancels on a pair since a time, oldest first."""
        wanted = (CancelBatchRow.pair == pair, CancelBatchRow.at_ms >= from_ms)
        with self._session() as session:
            rows = session.scalars(select(CancelBatchRow).where(*wanted).order_by(CancelBatchRow.at_ms))
            return [CancelBatch(row.pair, row.at_ms, row.label) for row in rows]

    @contextmanager
    def _session(self, wait_ms: int = LOCK_MS) -> Iterator[Session]:
        """Return a session of our own, which waits only shortly for a lock; the first one migrates the table."""
        with (
            self._engine().connect() as connection,
            Session(connection, expire_on_commit=False) as session,
            short_lock_wait(connection, wait_ms),
        ):
            if not self._is_migrated:
                migrate(connection)
                connection.commit()
                self._is_migrated = True
            yield session


def migrate(connection: Connection) -> None:
    """Add the columns that the table of an earlier version lacks; their values are NULL."""
    add_missing_columns(connection, cast("Table", TrackedOrderRow.__table__))


def _merged(writes: Iterable[_Write]) -> tuple[set[str], dict[str, TrackedOrder], dict[str, TrackedOrder]]:
    """Return the client order ids of removed orders, the new orders, and the changed ones, from the oldest change on.

    A new order may replace a removed one. A change of an order that was removed before is none: it stays removed.
    """
    removed: set[str] = set()
    added: dict[str, TrackedOrder] = {}
    changed: dict[str, TrackedOrder] = {}
    for write in writes:
        name = write.client_id
        if write.new is None:
            removed.add(name)
            added.pop(name, None)
            changed.pop(name, None)
        elif write.old is None or name in added:
            added[name] = write.new
        elif name not in removed:
            changed[name] = write.new
    return removed, added, changed


def _values(order: TrackedOrder) -> dict[str, Any]:
    """Return the fields of an order as the database stores them."""
    return {name: getattr(order, name) for name in _NAMES} | {"reason": order.reason and order.reason[:_TEXT_LENGTH]}
