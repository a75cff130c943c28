"""What the bot remembers of its orders, durably: written before anything is sent, and read after a crash.

Each call is a transaction of its own, apart from freqtrade's session: neither side can undo the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any, Final

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from bitget_margin.freqtrade import client_ids
from bitget_margin.freqtrade.base import Trade
from bitget_margin.freqtrade.rung import Kind, Phase, Rung, TradeKey
from bitget_margin.freqtrade.tables import BatchRow, BotRow, RungRow

_OPEN: Final = [phase.value for phase in Phase if phase.open]
_REASON_LENGTH: Final = 255
_FIELDS: Final = tuple(field.name for field in fields(Rung))


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch cancel: when, and what came of it."""

    pair: str
    at_ms: int
    label: str


class Records:
    """Our tables as plain data."""

    def __init__(self) -> None:
        self._key: str | None = None
        self._version = object()
        """Another one after each write."""
        self._last: tuple[tuple[TradeKey, object] | None, tuple[Rung, ...]] = (None, ())
        """The orders of one trade as of one version: an exit asks for them five times."""

    def key(self) -> str:
        """Return this bot's key; made at the first call for a database."""
        if self._key is None:
            with _session() as session:
                row = session.get(BotRow, 1)
                if row is None:
                    row = BotRow(id=1, key=client_ids.new_key())
                    session.add(row)
                    session.commit()
                self._key = row.key
        return self._key

    def add(self, rungs: Iterable[Rung]) -> None:
        """Write down orders that are about to be sent."""
        with self._writing() as session:
            session.add_all(RungRow(**_columns(rung)) for rung in rungs)

    def update(self, rungs: Iterable[Rung]) -> None:
        """Write down what is known of orders now."""
        changed = list(rungs)
        if changed:
            with self._writing() as session:
                session.execute(update(RungRow), [_columns(rung) for rung in changed])

    def forget(self, rung: Rung) -> None:
        """Remove an order that freqtrade has written down itself, or that was never placed."""
        with self._writing() as session:
            session.execute(delete(RungRow).where(RungRow.client_id == rung.client_id))

    def open(self, kind: Kind) -> list[Rung]:
        """Return the orders of a kind that may still trade, oldest first."""
        return self._find(RungRow.kind == kind.value, RungRow.phase.in_(_OPEN))

    def unsettled(self) -> list[Rung]:
        """Return resting orders that have ended with a fill, and whose end freqtrade has not booked."""
        ended = RungRow.phase == Phase.ENDED.value
        return self._find(RungRow.kind == Kind.RUNG.value, ended, RungRow.settled.is_(False), RungRow.filled > 0)

    def of_trade(self, trade: TradeKey, ladder: str | None = None) -> list[Rung]:
        """Return all resting orders of a trade, or of one of its ladders, in the order in which they were asked for."""
        wanted = (trade, self._version)
        known, rungs = self._last
        if known != wanted:
            of_trade = (RungRow.trade_id == trade.id, RungRow.opened_ms == trade.opened_ms)
            rungs = tuple(self._find(*of_trade, RungRow.kind == Kind.RUNG.value))
            self._last = (wanted, rungs)
        return [rung for rung in rungs if ladder is None or rung.ladder == ladder]

    def resting_on(self, pair: str) -> list[Rung]:
        """Return all resting orders on a pair, of whatever trade."""
        return self._find(RungRow.kind == Kind.RUNG.value, RungRow.pair == pair)

    def by_order_id(self, order_id: str) -> Rung | None:
        """Return the order with this id of the venue, if it is one of ours."""
        return next(iter(self._find(RungRow.order_id == order_id)), None)

    def add_batch(self, batch: Batch) -> None:
        """Write down a batch cancel."""
        with _session() as session:
            session.add(BatchRow(pair=batch.pair, at_ms=batch.at_ms, label=batch.label[:_REASON_LENGTH]))
            session.commit()

    def batches(self, pair: str, from_ms: int) -> list[Batch]:
        """Return the batch cancels on a pair since a time."""
        wanted = (BatchRow.pair == pair, BatchRow.at_ms >= from_ms)
        with _session() as session:
            rows = session.scalars(select(BatchRow).where(*wanted).order_by(BatchRow.at_ms)).all()
            return [Batch(row.pair, row.at_ms, row.label) for row in rows]

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        """Commit what is written; what was read before is read again, also where another thread read it meanwhile."""
        try:
            with _session() as session:
                yield session
                session.commit()
        finally:
            self._version = object()

    def _find(self, *wanted: Any) -> list[Rung]:
        with _session() as session:
            # Bare columns: exits read these again and again, and rows that nobody changes need no objects.
            columns = (getattr(RungRow, name) for name in _FIELDS)
            rows = session.execute(select(*columns).where(*wanted).order_by(RungRow.intended_ms, RungRow.number))
            return [_rung(dict(zip(_FIELDS, row, strict=True))) for row in rows]


def _session() -> Session:
    return Session(Trade.session.get_bind(), expire_on_commit=False)


def _columns(rung: Rung) -> dict[str, Any]:
    values = {name: getattr(rung, name) for name in _FIELDS}
    reason = None if rung.reason is None else rung.reason[:_REASON_LENGTH]
    return {**values, "kind": rung.kind.value, "phase": rung.phase.value, "reason": reason}


def _rung(values: dict[str, Any]) -> Rung:
    return Rung(**{**values, "kind": Kind(values["kind"]), "phase": Phase(values["phase"])})
