"""Requests for the stop-losses that wait at the venue, as strategy orders of a unified account."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from bitget_margin.adapter.strategy_views import (
    StrategyView,
    try_cancel,
    try_modify,
    view_placed,
    view_strategies,
)
from bitget_margin.core.change import ChangeOutcome
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.order_row import RowState
from bitget_margin.core.responses import decimal
from bitget_margin.core.strategy_row import Condition, StrategyRow, StrategyState, StrategyTerms, StrategyType
from bitget_margin.freqtrade.ladder_spec import REL_TOLERANCE, SELL
from bitget_margin.freqtrade.tracked_order import Phase, TrackedOrder

MARKET: Final = "market"
_SINCE_MS: Final = 60_000
"""Time before the oldest record from which history is read: the clocks may differ."""
_CONDITIONS: Final = {StrategyType.TPSL: Condition.STOP_LOSS, StrategyType.TRIGGER: Condition.TRIGGER}


def type_of(stop: TrackedOrder) -> StrategyType:
    """Return the type of a stop, which its record has in the place of the ladder's name."""
    return StrategyType(stop.ladder.partition(" ")[0])


def placed_id_of(stop: TrackedOrder) -> str | None:
    """Return the id of the order that a stop has placed, which its record has after its type."""
    return stop.ladder.partition(" ")[2] or None


@dataclass(frozen=True, slots=True)
class StopSight:
    """Result of a lookup of a stop: its record as it is now; `missing` is whether complete lists do not show it."""

    stop: TrackedOrder
    missing: bool = False
    refused: str | None = None
    """Why a change was certainly not made."""


@dataclass(eq=False)
class StopClient:
    """Lookups, cancels and changes of stops; none of them raises for an order in doubt.

    :param api: returns the sync exchange object, which freqtrade may replace
    :param market_id: returns the venue's symbol of a pair
    """

    api: Callable[[], Any]
    market_id: Callable[[str], str]

    def venue_ms(self) -> int:
        """Return the venue's time."""
        return int(self.api().venue_milliseconds())

    def look_up(self, stops: Iterable[TrackedOrder], timeout_ms: float) -> list[StopSight]:
        """Return what both lists show of these stops.

        :raises ccxt.BaseError: no answer in time, or a refusal
        """
        wanted = list(stops)
        since_ms = min(stop.intended_ms for stop in wanted) - _SINCE_MS
        ids = frozenset(stop.order_id for stop in wanted if stop.order_id is not None)
        types = tuple(dict.fromkeys(type_of(stop) for stop in wanted))
        # History is read only where an order with an id waits no more, or one has no id yet.
        sought = ids if len(ids) == len(wanted) else None
        api = self.api()
        view: StrategyView = api.perform(view_strategies(api, types, since_ms, sought, {"timeout": timeout_ms}))
        return [self._sight(stop, view, ids, timeout_ms) for stop in wanted]

    def cancel(self, stop: TrackedOrder, timeout_ms: float) -> StopSight:
        """Cancel a stop until its end is proven or the time is up.

        :raises ccxt.BaseError: nothing was sent
        """
        kind = IdKind.CLIENT if stop.order_id is None else IdKind.ORDER
        target = OrderRef(self.market_id(stop.pair), kind, stop.order_id or stop.client_id)
        api = self.api()
        cancel = api.perform(try_cancel(api, target, {"timeout": timeout_ms}, (type_of(stop),)))
        return StopSight(stop if cancel.row is None else self._after(stop, cancel.row, timeout_ms))

    def resize(self, stop: TrackedOrder, amount: float, timeout_ms: float) -> StopSight:
        """Give a stop another amount, until its row shows it or the time is up.

        :raises ccxt.BaseError: nothing was sent
        """
        api = self.api()
        terms = replace(self._terms(stop), amount=Decimal(repr(amount)))
        result = api.perform(try_modify(api, stop.order_id or "", terms, {"timeout": timeout_ms}))
        after = stop if result.found is None else self._after(stop, result.found, timeout_ms)
        if result.outcome is ChangeOutcome.REFUSED and not (result.found is not None and result.found.state.ended):
            why = "no reason given" if result.fault is None else result.fault.text or str(result.fault.error)
            return StopSight(after, refused=why)
        return StopSight(after)

    def _sight(self, stop: TrackedOrder, view: StrategyView, known: frozenset[str], timeout_ms: float) -> StopSight:
        rows = (*view.waiting.rows, *view.ended.rows)
        if stop.order_id is None:
            row = self._recognised(stop, rows, known)
        else:
            row = next((row for row in rows if row.order_id == stop.order_id), None)
        if row is None:
            return StopSight(stop, missing=view.is_complete)
        after = self._after(stop, row, timeout_ms)
        # One that has ended without a proven end waits no more: exits decide by the balance.
        return StopSight(after, missing=row.state.ended and after.phase.open)

    def _recognised(self, stop: TrackedOrder, rows: Iterable[StrategyRow], known: frozenset[str]) -> StrategyRow | None:
        """Return the row of a stop without an order id; None where none is certain."""
        terms = self._terms(stop)
        fitting = [row for row in rows if row.order_id not in known and terms.fits(row)]
        named = [row for row in fitting if row.client_id == stop.client_id]
        if named:
            return named[0]
        candidates = [
            row
            for row in fitting
            if (row.client_id is None or row.client_id.isdecimal())
            and row.created_ms is not None
            and stop.intended_ms <= row.created_ms <= stop.intended_ms + _SINCE_MS
        ]
        return candidates[0] if len(candidates) == 1 else None

    def _terms(self, stop: TrackedOrder) -> StrategyTerms:
        return StrategyTerms(
            symbol=self.market_id(stop.pair),
            side=SELL,
            amount=Decimal(repr(stop.amount)),
            condition=_CONDITIONS[type_of(stop)],
            price=Decimal(repr(stop.price)),
            order_type=MARKET,
        )

    def _after(self, stop: TrackedOrder, row: StrategyRow, timeout_ms: float) -> TrackedOrder:
        """Return a stop as its row shows it, with the fills of the order that it has placed."""
        amount = float(row.amount) if row.amount else stop.amount
        live = replace(stop, phase=Phase.LIVE, order_id=row.order_id, amount=amount, reason=None)
        if row.state in {StrategyState.CANCELED, StrategyState.FAILED}:
            return replace(live, phase=Phase.ENDED, reason=row.state.value)
        if row.state not in {StrategyState.FIRED, StrategyState.ENDED}:
            return live
        api = self.api()
        placed = api.perform(view_placed(api, row, SELL, {"timeout": timeout_ms}))
        if placed is None:
            return replace(live, reason="triggered; the order that it has placed is not shown")
        placed_id = placed.row.order_id if placed.row is not None else placed.sub_order.order_id
        live = replace(live, ladder=f"{type_of(stop).value} {placed_id}", reason="triggered")
        if placed.row is None or not placed.row.state.ended:
            return live
        raw, fields = placed.row.raw, placed.row.fields
        filled, average = decimal(raw.get(fields.filled)), decimal(raw.get("avgPrice"))
        is_full = filled is not None and float(filled) >= amount * (1 - REL_TOLERANCE)
        if filled is None or (placed.row.state is RowState.FILLED and not is_full):
            return live  # its sums come later
        sold = float(filled)
        return replace(live, phase=Phase.ENDED, filled=sold, average=float(average) if average else None)
