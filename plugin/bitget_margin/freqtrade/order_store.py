"""Durable records of the bot's orders: written before anything is sent, and read after a crash.

Each call is a transaction of its own, apart from freqtrade's session: neither side can undo the other. A write stores
whole orders, so whoever reads, decides and writes holds the lock of the resting orders meanwhile.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any, Final

from sqlalchemy import BigInteger, Index, String, bindparam, delete, select, update
from sqlalchemy import Enum as EnumColumn
from sqlalchemy.orm import Mapped, Session, mapped_column

from bitget_margin import client_order_ids
from bitget_margin.freqtrade.compat import ModelBase, Trade
from bitget_margin.freqtrade.tracked_order import Origin, Phase, TrackedOrder, TradeKey


def _enum(members: type[Enum]) -> EnumColumn:
    """Return the column type of an enum: text of 16 characters, the member's value."""
    return EnumColumn(members, native_enum=False, length=16, values_callable=lambda kind: [m.value for m in kind])


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
    origin: Mapped[Origin] = mapped_column("kind", _enum(Origin))
    trade_id: Mapped[int | None]
    opened_ms: Mapped[int | None] = mapped_column(BigInteger)
    pair: Mapped[str] = mapped_column(String(25))
    side: Mapped[str] = mapped_column(String(8))
    ladder: Mapped[str] = mapped_column(String(255))
    number: Mapped[int]
    price: Mapped[float]
    amount: Mapped[float]
    intended_ms: Mapped[int] = mapped_column(BigInteger)
    phase: Mapped[Phase] = mapped_column(_enum(Phase))
    order_id: Mapped[str | None] = mapped_column(String(64), index=True)
    filled: Mapped[float]
    average: Mapped[float | None]
    reason: Mapped[str | None] = mapped_column(String(255))
    settled: Mapped[bool]


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


class OrderStore:
    """The plugin's tables in freqtrade's database, as plain data."""

    def __init__(self) -> None:
        self._key: str | None = None

    def key(self) -> str:
        """Return this bot's key; made at the first call for a database."""
        if self._key is None:
            with _session() as session:
                row = session.get(BotRow, 1)
                if row is None:
                    row = BotRow(id=1, key=client_order_ids.new_key())
                    session.add(row)
                    session.commit()
                self._key = row.key
        return self._key

    def add(self, orders: Iterable[TrackedOrder]) -> None:
        """Store orders that are about to be sent."""
        with _session() as session:
            session.add_all(TrackedOrderRow(**_values(order)) for order in orders)
            session.commit()

    def update(self, changes: Iterable[tuple[TrackedOrder, TrackedOrder]], batch: CancelBatch | None = None) -> None:
        """Store orders that have changed, together with the batch cancel that changed them.

        :param changes: each order as it was, and as it is now; of several changes of one order the last counts
        """
        rows = [{"key": new.client_id, **_values(new)} for old, new in changes if new != old]
        if not rows and batch is None:
            return
        with _session() as session:
            if rows:
                session.connection().execute(_UPDATE, rows)
            if batch is not None:
                session.add(CancelBatchRow(pair=batch.pair, at_ms=batch.at_ms, label=batch.label[:_TEXT_LENGTH]))
            session.commit()

    def forget(self, order: TrackedOrder) -> None:
        """Remove an order that freqtrade has stored itself, or that was never placed."""
        with _session() as session:
            session.execute(delete(TrackedOrderRow).where(TrackedOrderRow.client_id == order.client_id))
            session.commit()

    def open(self, origin: Origin) -> list[TrackedOrder]:
        """Return the orders of an origin that may still trade, oldest first."""
        return _find(TrackedOrderRow.origin == origin, TrackedOrderRow.phase.in_(_OPEN))

    def in_phase(self, phase: Phase) -> list[TrackedOrder]:
        """Return the orders of either origin in this phase, oldest first."""
        return _find(TrackedOrderRow.phase == phase)

    def unsettled(self) -> list[TrackedOrder]:
        """Return the resting orders that have ended with a fill, and whose end freqtrade has not booked."""
        return _find(
            TrackedOrderRow.origin == Origin.LADDER,
            TrackedOrderRow.phase == Phase.ENDED,
            TrackedOrderRow.settled.is_(False),
            TrackedOrderRow.filled > 0,
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
        return _find(*wanted)

    def resting_on(self, pair: str) -> list[TrackedOrder]:
        """Return all resting orders on a pair, of every trade."""
        return _find(TrackedOrderRow.origin == Origin.LADDER, TrackedOrderRow.pair == pair)

    def by_order_id(self, order_id: str) -> TrackedOrder | None:
        """Return the bot's order with this order id; None where it is not one of the bot's."""
        return next(iter(_find(TrackedOrderRow.order_id == order_id)), None)

    def batches(self, pair: str, from_ms: int) -> list[CancelBatch]:
        """Return the batch cancels on a pair since a time, oldest first."""
        wanted = (CancelBatchRow.pair == pair, CancelBatchRow.at_ms >= from_ms)
        with _session() as session:
            rows = session.scalars(select(CancelBatchRow).where(*wanted).order_by(CancelBatchRow.at_ms))
            return [CancelBatch(row.pair, row.at_ms, row.label) for row in rows]


def _session() -> Session:
    return Session(Trade.session.get_bind(), expire_on_commit=False)


def _find(*wanted: Any) -> list[TrackedOrder]:
    query = select(*_COLUMNS).where(*wanted).order_by(TrackedOrderRow.intended_ms, TrackedOrderRow.number)
    with _session() as session:
        return [TrackedOrder(*row) for row in session.execute(query)]


def _values(order: TrackedOrder) -> dict[str, Any]:
    """Return the fields of an order as the database stores them."""
    return {name: getattr(order, name) for name in _NAMES} | {"reason": order.reason and order.reason[:_TEXT_LENGTH]}
