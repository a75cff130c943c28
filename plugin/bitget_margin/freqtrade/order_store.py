"""What the bot remembers of its orders, durably: written before anything is sent, and read after a crash.

Each call is a transaction of its own, apart from freqtrade's session: neither side can undo the other.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final, cast

from sqlalchemy import BigInteger, Index, String, Table, bindparam, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from bitget_margin import client_order_ids
from bitget_margin.freqtrade.compat import ModelBase, Trade
from bitget_margin.freqtrade.tracked_order import FIELDS, Origin, Phase, TrackedOrder, TradeKey


class BotRow(ModelBase):
    """One row: the key that every client order id of this bot begins with."""

    __tablename__ = "bitget_margin_bot"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32))


class TrackedOrderRow(ModelBase):
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


_OPEN: Final = [phase.value for phase in Phase if phase.open]
_REASON_LENGTH: Final = 255
_TABLE: Final = cast("Table", TrackedOrderRow.__table__)
_UPDATE: Final = update(_TABLE).where(_TABLE.c.client_id == bindparam("key"))
"""Sets the columns that it is given, of many orders at once."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch cancel: when, and what came of it."""

    pair: str
    at_ms: int
    label: str


class OrderStore:
    """Our tables as plain data."""

    def __init__(self) -> None:
        self._key: str | None = None
        self._last: tuple[TradeKey, tuple[TrackedOrder, ...]] | None = None
        """The orders of the trade that was asked for last, as they are written down: an exit asks five times."""
        self._version = object()
        """Another one from the beginning of each write, and another one from its end."""
        self._lock = threading.Lock()
        """Of these two; never held while the database is waited for."""

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

    def add(self, rungs: Iterable[TrackedOrder]) -> None:
        """Write down orders that are about to be sent."""
        with self._writing() as session:
            session.add_all(TrackedOrderRow(**_plain(_cut(rung).fields())) for rung in rungs)

    def update(self, news: Iterable[tuple[TrackedOrder, TrackedOrder]], batch: Batch | None = None) -> None:
        """Write down what has changed of orders, and nothing else of them.

        :param news: each as it was, and as it is now
        :param batch: the batch cancel that changed them
        """
        now: dict[str, tuple[TrackedOrder, TrackedOrder]] = {}
        for old, new in news:
            if new is not old:
                first, _ = now.get(old.client_id, (old, new))
                now[old.client_id] = (first, _cut(new))
        changes = {client_id: new.changes_since(old) for client_id, (old, new) in now.items()}
        rows = [{"key": client_id, **_plain(changed)} for client_id, changed in changes.items() if changed]
        if not rows and batch is None:
            return
        with self._writing(now) as session:
            for alike in _alike(rows):
                session.execute(_UPDATE, alike)
            if batch is not None:
                session.add(BatchRow(pair=batch.pair, at_ms=batch.at_ms, label=batch.label[:_REASON_LENGTH]))

    def forget(self, rung: TrackedOrder) -> None:
        """Remove an order that freqtrade has written down itself, or that was never placed."""
        with self._writing() as session:
            session.execute(delete(TrackedOrderRow).where(TrackedOrderRow.client_id == rung.client_id))

    def open(self, kind: Origin) -> list[TrackedOrder]:
        """Return the orders of a kind that may still trade, oldest first."""
        return self._find(TrackedOrderRow.kind == kind.value, TrackedOrderRow.phase.in_(_OPEN))

    def in_phase(self, phase: Phase) -> list[TrackedOrder]:
        """Return the orders of every kind in this phase, oldest first."""
        return self._find(TrackedOrderRow.phase == phase.value)

    def unsettled(self) -> list[TrackedOrder]:
        """Return resting orders that have ended with a fill, and whose end freqtrade has not booked."""
        ended = TrackedOrderRow.phase == Phase.ENDED.value
        return self._find(
            TrackedOrderRow.kind == Origin.LADDER.value,
            ended,
            TrackedOrderRow.settled.is_(False),
            TrackedOrderRow.filled > 0,
        )

    def of_trade(self, trade: TradeKey, ladder: str | None = None) -> list[TrackedOrder]:
        """Return all resting orders of a trade, or of one of its ladders, in the order in which they were asked for."""
        with self._lock:
            last, version = self._last, self._version
        if last is None or last[0] != trade:
            of_trade = (TrackedOrderRow.trade_id == trade.id, TrackedOrderRow.opened_ms == trade.opened_ms)
            last = (trade, tuple(self._find(*of_trade, TrackedOrderRow.kind == Origin.LADDER.value)))
            with self._lock:
                if self._version is version:
                    self._last = last
        return [rung for rung in last[1] if ladder is None or rung.ladder == ladder]

    def resting_on(self, pair: str) -> list[TrackedOrder]:
        """Return all resting orders on a pair, of whatever trade."""
        return self._find(TrackedOrderRow.kind == Origin.LADDER.value, TrackedOrderRow.pair == pair)

    def by_order_id(self, order_id: str) -> TrackedOrder | None:
        """Return the order with this id of the venue, if it is one of ours."""
        return next(iter(self._find(TrackedOrderRow.order_id == order_id)), None)

    def batches(self, pair: str, from_ms: int) -> list[Batch]:
        """Return the batch cancels on a pair since a time."""
        wanted = (BatchRow.pair == pair, BatchRow.at_ms >= from_ms)
        with _session() as session:
            rows = session.scalars(select(BatchRow).where(*wanted).order_by(BatchRow.at_ms)).all()
            return [Batch(row.pair, row.at_ms, row.label) for row in rows]

    @contextmanager
    def _writing(self, now: Mapping[str, tuple[TrackedOrder, TrackedOrder]] | None = None) -> Iterator[Session]:
        """Commit what is written; what was read before is read again.

        :param now: all that changes, by client order id: where nobody else writes meanwhile, it need not be read
        """
        with self._lock:
            last, self._last = self._last, None
            mine = self._version = object()
        known = None
        try:
            with _session() as session:
                yield session
                session.commit()
            if last is not None and now is not None:
                known = (last[0], tuple(_after(rung, now) for rung in last[1]))
        finally:
            with self._lock:
                # What was read meanwhile may be older.
                self._last = known if self._version is mine else None
                self._version = object()

    def _find(self, *wanted: Any) -> list[TrackedOrder]:
        with _session() as session:
            # Bare columns: exits read these again and again, and rows that nobody changes need no objects.
            columns = (getattr(TrackedOrderRow, name) for name in FIELDS)
            rows = session.execute(
                select(*columns).where(*wanted).order_by(TrackedOrderRow.intended_ms, TrackedOrderRow.number)
            )
            return [_rung(dict(zip(FIELDS, row, strict=True))) for row in rows]


def _session() -> Session:
    return Session(Trade.session.get_bind(), expire_on_commit=False)


def _cut(rung: TrackedOrder) -> TrackedOrder:
    """Return an order with a reason that is no longer than there is room for."""
    fits = rung.reason is None or len(rung.reason) <= _REASON_LENGTH
    return rung if fits else replace(rung, reason=(rung.reason or "")[:_REASON_LENGTH])


def _after(rung: TrackedOrder, now: Mapping[str, tuple[TrackedOrder, TrackedOrder]]) -> TrackedOrder:
    """Return an order as it is written down after these changes."""
    old, new = now.get(rung.client_id, (rung, rung))
    return new if old is rung else replace(rung, **new.changes_since(old))


def _alike(rows: Iterable[dict[str, Any]]) -> Iterable[list[dict[str, Any]]]:
    """Return these rows in groups of the same fields: each is one statement."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row), []).append(row)
    return groups.values()


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of an order as the database takes them."""
    return {name: value.value if isinstance(value, Enum) else value for name, value in values.items()}


def _rung(values: dict[str, Any]) -> TrackedOrder:
    return TrackedOrder(**{**values, "kind": Origin(values["kind"]), "phase": Phase(values["phase"])})
