"""Our tables in freqtrade's own database: created with it, and kept when a trade is deleted.

freqtrade creates every table that is declared on its base before the database is opened, so the launcher imports this
module first.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from bitget_margin.freqtrade.base import ModelBase


class BotRow(ModelBase):
    """One row: the key that every client order id of this bot begins with."""

    __tablename__ = "bitget_margin_bot"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32))


class RungRow(ModelBase):
    """An order that we placed, or were about to; see `rung.Rung` for the fields."""

    __tablename__ = "bitget_margin_orders"
    __table_args__ = (Index("bitget_margin_orders_phase", "phase"),)

    client_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    trade_id: Mapped[int | None]
    opened_ms: Mapped[int | None] = mapped_column(BigInteger)
    pair: Mapped[str] = mapped_column(String(25))
    side: Mapped[str] = mapped_column(String(8))
    ladder: Mapped[str] = mapped_column(String(255))
    number: Mapped[int]
    price: Mapped[float]
    amount: Mapped[float]
    intended_ms: Mapped[int] = mapped_column(BigInteger)
    phase: Mapped[str] = mapped_column(String(16))
    order_id: Mapped[str | None] = mapped_column(String(64), index=True)
    filled: Mapped[float]
    average: Mapped[float | None]
    reason: Mapped[str | None] = mapped_column(String(255))
    settled: Mapped[bool]


class BatchRow(ModelBase):
    """A batch cancel, for the charts."""

    __tablename__ = "bitget_margin_batches"

    id: Mapped[int] = mapped_column(primary_key=True)
    pair: Mapped[str] = mapped_column(String(25), index=True)
    at_ms: Mapped[int] = mapped_column(BigInteger)
    label: Mapped[str] = mapped_column(String(255))
