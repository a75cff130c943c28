"""A resting order of a trade, as it is known at one time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import Enum
from operator import attrgetter
from typing import Any, Final


class Origin(Enum):
    """Who asked for an order."""

    LADDER = "rung"
    """The strategy, by place_resting_orders."""
    FREQTRADE = "own"
    """freqtrade itself, for an entry or an exit; kept only until freqtrade has written it down."""


@dataclass(frozen=True, slots=True)
class TradeKey:
    """Which trade: its number and when it was opened, since a database gives the number of a deleted trade again."""

    id: int
    opened_ms: int


class Phase(Enum):
    """How far an order has come."""

    INTENDED = "intended"
    """About to be sent, or sent without an answer: it may be on the venue."""
    LIVE = "live"
    """The venue gave it an id, and no row has shown its end."""
    ENDED = "ended"
    """A row of the venue showed its end."""
    WAITING = "waiting"
    """Refused for the moment, as by a balance that lags: not placed, and to be placed again."""
    REFUSED = "refused"
    """The venue refused it for good: it never was there."""
    LOST = "lost"
    """Taken as never placed, on the evidence of look-ups and the balance; watched on."""

    @property
    def open(self) -> bool:
        """Whether an order in this phase may still trade."""
        return self is Phase.INTENDED or self is Phase.LIVE


@dataclass(frozen=True, slots=True)
class TrackedOrder:
    """One order: what was asked for, and the last that the venue showed of it. Amounts are in base coins."""

    client_id: str
    kind: Origin
    trade_id: int | None
    opened_ms: int | None
    pair: str
    side: str
    ladder: str
    number: int
    price: float
    amount: float
    intended_ms: int
    phase: Phase = Phase.INTENDED
    order_id: str | None = None
    filled: float = 0.0
    average: float | None = None
    reason: str | None = None
    settled: bool = False
    """Whether freqtrade has booked its end: fee, profit and message."""

    @property
    def trade(self) -> TradeKey | None:
        """The trade that it belongs to."""
        return None if self.trade_id is None or self.opened_ms is None else TradeKey(self.trade_id, self.opened_ms)

    @property
    def remaining(self) -> float:
        """What has not been filled."""
        return max(0.0, self.amount - self.filled)

    def fields(self) -> dict[str, Any]:
        """Return all of it, by field."""
        return dict(zip(FIELDS, _VALUES(self), strict=True))

    def changes_since(self, earlier: TrackedOrder) -> dict[str, Any]:
        """Return what has changed, by field."""
        return {
            name: now for name, now, then in zip(FIELDS, _VALUES(self), _VALUES(earlier), strict=True) if now != then
        }

    def order(self) -> dict[str, Any]:
        """Return it as ccxt's order structure."""
        average = self.average if self.filled else None
        return {
            "id": self.order_id,
            "clientOrderId": self.client_id,
            "symbol": self.pair,
            "type": "limit",
            "side": self.side,
            "price": self.price,
            "amount": self.amount,
            "filled": self.filled,
            "remaining": self.remaining,
            "average": average,
            "cost": None if average is None else self.filled * average,
            "status": self._status(),
            "timestamp": self.intended_ms,
            "fee": None,
            "trades": [],
            "info": {} if self.reason is None else {"errorMsg": self.reason},
        }

    def _status(self) -> str | None:
        if self.phase is Phase.ENDED:
            return "closed" if self.remaining == 0 else "canceled"
        return {Phase.LIVE: "open", Phase.REFUSED: "rejected"}.get(self.phase)


FIELDS: Final = tuple(field.name for field in fields(TrackedOrder))
_VALUES: Final = attrgetter(*FIELDS)

ENDED: Final = frozenset({"closed", "canceled", "rejected", "expired"})
"""ccxt's statuses of an order that can no longer trade."""


def shown(rung: TrackedOrder, order: Mapping[str, Any] | None) -> TrackedOrder | None:
    """Return the order as a row of the venue shows it; None where there is no row, or none that can be read.

    What has ended stays ended: a slower answer may be older. What has not changed is the same object.
    """
    status = None if order is None else order.get("status")
    if order is None or not (status == "open" or status in ENDED):
        return None
    if not rung.phase.open:
        return rung
    phase = Phase.LIVE if status == "open" else Phase.ENDED
    order_id = order.get("id") or rung.order_id
    filled = max(rung.filled, float(order.get("filled") or 0.0))
    average = order.get("average") or rung.average
    now = (phase, order_id, filled, average, None)
    if now == (rung.phase, rung.order_id, rung.filled, rung.average, rung.reason):
        return rung
    return replace(rung, phase=phase, order_id=order_id, filled=filled, average=average, reason=None)
