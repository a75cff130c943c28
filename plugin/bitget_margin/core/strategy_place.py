"""Placing of a strategy order, at most once, and the lookups that settle an unclear response.

The venue honours a client order id for type `tpsl` alone, as far as is known, so an order may have to be recognised
without it. A row is taken for the order of this call if

- it has its client order id, or the order id of the response, and shows its terms;
- or it shows its terms, was placed since the call began, is the only such row, and has no client order id that somebody
  has chosen: one that is not a number is of another program.

Nothing else is ever claimed: an order that is not recognised leaves the call unresolved.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from bitget_margin.core import strategy_api
from bitget_margin.core.api import Api
from bitget_margin.core.change import Change, ChangeResult, Lookup, Sight, change_once
from bitget_margin.core.effects import Call, Fault, Flow
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.order_row import VENUE_CLOCK_RESOLUTION_MS, text
from bitget_margin.core.place_state import CLOCKS_APART_MS
from bitget_margin.core.requests import CallContext
from bitget_margin.core.responses import fields_of
from bitget_margin.core.strategy_queries import StrategyList, list_ended, list_waiting
from bitget_margin.core.strategy_row import StrategyRow, StrategyTerms


@dataclass(frozen=True, slots=True)
class PlacedStrategy:
    """Strategy order that was placed; `row` is None where the response has proven it."""

    order_id: str
    client_id: str | None
    row: StrategyRow | None = None


@dataclass(slots=True)
class StrategyPlacement:
    """State of one call that places a strategy order.

    :param is_unique: whether no other order ever had its client order id
    :param known: order ids that are certainly not of this order
    """

    ctx: CallContext
    terms: StrategyTerms
    client_id: str
    is_unique: bool = True
    known: frozenset[str] = frozenset()
    began_ms: float | None = field(default=None, init=False)
    """Start of the call on the venue's clock, never too late; None until a response has shown it."""
    named_id: str | None = field(default=None, init=False)
    """Order id of a response without the client order id."""

    def place(self) -> Flow[ChangeResult[PlacedStrategy]]:
        """Send the order, and resolve it by lookups until the deadline."""
        return (yield from change_once(Change(self.ctx, self._request, self._read, self._look_up)))

    def _request(self, api: Api) -> Call | None:
        return None if api.KIND is AccountKind.CLASSIC else strategy_api.place_request(self.terms, self.client_id)

    def _read(self, body: object) -> PlacedStrategy | None:
        fields = fields_of(body)
        order_id, client_id = text(fields.get("orderId")), text(fields.get("clientOid"))
        if order_id is None or not order_id.strip("0") or order_id in self.known:
            return None
        if client_id == self.client_id:
            return PlacedStrategy(order_id, client_id)
        self.named_id = order_id  # a response may be about another request: its row has to show the terms
        return None

    def _look_up(self) -> Flow[Lookup[PlacedStrategy]]:
        types = (self.terms.condition.type,)
        waiting = yield from list_waiting(self.ctx, types)
        if isinstance(waiting, Fault):
            return Lookup(Sight.NOTHING)
        self._note_began(waiting)
        since_ms = None if self.began_ms is None else int(self.began_ms - CLOCKS_APART_MS)
        ended = yield from list_ended(self.ctx, since_ms, types, until=self._is_older)
        if isinstance(ended, Fault):
            return Lookup(Sight.NOTHING)
        rows = {row.order_id: row for row in (*waiting.rows, *ended.rows) if row.order_id not in self.known}
        found = self.recognise(rows.values())
        if found is not None:
            return Lookup(Sight.DONE, PlacedStrategy(found.order_id, found.client_id, found))
        is_clear = waiting.whole and ended.whole and not any(self._may_be(row) for row in rows.values())
        return Lookup(Sight.NOT_YET if is_clear else Sight.NOTHING)

    def recognise(self, rows: Iterable[StrategyRow]) -> StrategyRow | None:
        """Return the row of this order; None where none is certain."""
        fitting = [row for row in rows if self.terms.fits(row)]
        named = [row for row in fitting if self._is_named(row)]
        if named:
            return max(named, key=lambda row: row.number or 0)
        candidates = [row for row in fitting if self._is_since(row) and not _is_chosen(row.client_id)]
        return candidates[0] if len(candidates) == 1 else None

    def _is_named(self, row: StrategyRow) -> bool:
        if row.client_id == self.client_id:
            return self.is_unique or self._is_since(row)
        return row.order_id == self.named_id and not _is_chosen(row.client_id)

    def _may_be(self, row: StrategyRow) -> bool:
        """Whether a row that was not recognised may still be this order, so that its absence is not shown."""
        return row.client_id == self.client_id or (self.terms.fits(row) and self._is_young(row))

    def _is_since(self, row: StrategyRow) -> bool:
        """Whether an order was certainly placed since the call began."""
        if self.began_ms is None or row.created_ms is None:
            return False
        return row.created_ms >= self.began_ms - VENUE_CLOCK_RESOLUTION_MS

    def _is_young(self, row: StrategyRow) -> bool:
        """Whether an order may have been placed since the call began."""
        if self.began_ms is None or row.created_ms is None:
            return True
        return row.created_ms >= self.began_ms - CLOCKS_APART_MS

    def _is_older(self, row: StrategyRow) -> bool:
        return not self._is_young(row)

    def _note_began(self, read: StrategyList) -> None:
        """Derive the start of the call on the venue's clock from the time of a response."""
        if read.sent_ms is not None:
            deadline = self.ctx.deadline
            began_ms = read.sent_ms - (deadline.clock() - deadline.start_ms)
            self.began_ms = min(began_ms, self.began_ms or began_ms)


def _is_chosen(client_id: str | None) -> bool:
    """Whether a client order id was chosen by somebody: those that the venue gives are numbers."""
    return client_id is not None and not client_id.isdecimal()
