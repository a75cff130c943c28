"""An order that the bot placed or is about to place, as known at one time."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

from bitget_margin.freqtrade.ladder_spec import REL_TOLERANCE, SELL


class Origin(Enum):
    """The origin of an order; the values are those in the database."""

    LADDER = "rung"
    """The strategy, by place_resting_orders."""
    FREQTRADE = "own"
    """An entry or exit of freqtrade itself; stored only until freqtrade has its own row."""
    STOP = "stop"
    """A stop-loss that waits at the venue; `ladder` is its type, and then the id of the order that it has placed."""


@dataclass(frozen=True, slots=True)
class TradeKey:
    """Identity of a trade: its number and opening time, since a database reuses the number of a deleted trade."""

    id: int
    opened_ms: int


class Phase(Enum):
    """The progress of an order; the values are those in the database."""

    INTENDED = "intended"
    """About to be sent, or sent without a response: it may be on the venue."""
    LIVE = "live"
    """It has an order id, and no row of the venue has shown a final state."""
    ENDED = "ended"
    """A row of the venue has shown its final state."""
    WAITING = "waiting"
    """Rejected for a passing reason, such as a balance that lags: not placed, and to be placed again."""
    REFUSED = "refused"
    """Rejected for good: it was never placed."""
    LOST = "lost"
    """Given up as never placed, on the evidence of lookups and the balance; still looked up now and then."""
    FORGOTTEN = "forgotten"
    """Gone by the operator's word, after lookups that missed it: it holds no coins, and is canceled if it shows."""

    @property
    def open(self) -> bool:
        """Whether an order in this phase may still trade."""
        return self is Phase.INTENDED or self is Phase.LIVE


SIMULATED_PREFIX: Final = "dry_run_"
"""Beginning of the order ids of a dry run, as in freqtrade's own."""


@dataclass(frozen=True, slots=True)
class TrackedOrder:
    """One order: the request, and the last known state.

    Amounts are base coins of the position. A cover, the buy that closes a short, is sent larger, since the venue takes
    its fee from the bought coins: `sent` is that amount, and everything else is net of the fee.
    """

    client_id: str
    origin: Origin
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
    """Whether freqtrade has booked its final state: fee, profit and message."""
    sent: float | None = None
    """Amount that the venue was asked for, of a cover; None where it is `amount`."""
    forgotten_ms: int | None = None
    """Time of the operator's word that it is gone, ms since the epoch; None without one."""

    @property
    def asked(self) -> float:
        """The amount that the venue is asked for."""
        return self.amount if self.sent is None else self.sent

    @property
    def closes(self) -> bool:
        """Whether a resting order closes a part of its trade: a sell of a long, or a cover of a short.

        A short has no resting sells, which would enlarge it.
        """
        return self.side == SELL or self.sent is not None

    @property
    def rest_cost(self) -> float:
        """The quote coins that a buy still spends, at its price."""
        return self.remaining * (1.0 if self.sent is None else self.sent / self.amount) * self.price

    def net_of(self, filled: float) -> float:
        """Return the coins of the position that the venue's filled amount is."""
        return filled if self.sent is None else net_filled(self.amount, self.sent, filled)

    @property
    def trade(self) -> TradeKey | None:
        """The trade of the order; None before an entry has made one."""
        return None if self.trade_id is None or self.opened_ms is None else TradeKey(self.trade_id, self.opened_ms)

    @property
    def is_simulated(self) -> bool:
        """Whether it is an order of a dry run."""
        return (self.order_id or "").startswith(SIMULATED_PREFIX)

    @property
    def remaining(self) -> float:
        """The amount that is not filled."""
        return max(0.0, self.amount - self.filled)

    def to_ccxt(self) -> dict[str, Any]:
        """Return ccxt's order structure."""
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
            "fee": self._fee(self.filled * (average or 0.0)),
            "trades": [],
            "info": {} if self.reason is None else {"errorMsg": self.reason},
        }

    def _fee(self, cost: float) -> dict[str, Any] | None:
        """Return the fee of a cover as a cost in quote coins: what it has bought beyond its net amount.

        None where it has bought no more, as with fees in another coin: freqtrade then finds it in the fills.
        """
        if not cost or self.sent is None or self.sent == self.amount:
            return None
        rate = self.sent / self.amount - 1
        return {"currency": self.pair.split("/")[1].split(":")[0], "cost": cost * rate, "rate": rate}

    def _status(self) -> str | None:
        if self.phase is Phase.ENDED:
            return "closed" if self.remaining == 0 else "canceled"
        return {Phase.LIVE: "open", Phase.REFUSED: "rejected"}.get(self.phase)


ENDED: Final = frozenset({"closed", "canceled", "rejected", "expired"})
"""ccxt's statuses of an order that can no longer trade."""


def net_filled(net: float, sent: float, filled: float) -> float:
    """Return the filled amount of a cover in coins of its position.

    :param net: coins of the position that all of it closes
    :param sent: amount that the venue was asked for
    :param filled: amount that the venue has filled
    """
    return net if filled >= sent * (1 - REL_TOLERANCE) else filled * net / sent


def apply_row(tracked: TrackedOrder, row: Mapping[str, Any] | None) -> TrackedOrder | None:
    """Return the order updated from ccxt's order structure; None where that is missing or has no known status.

    A final state is kept: a response that took longer may be older. Its fills may still grow: the venue shows the end
    of an order before the sums. An order without changes is the same object.
    """
    status = None if row is None else row.get("status")
    if row is None or not (status == "open" or status in ENDED):
        return None
    if not tracked.phase.open:
        more = tracked.net_of(float(row.get("filled") or 0.0))
        if tracked.phase is Phase.ENDED and status in ENDED and more > tracked.filled:
            return replace(tracked, filled=more, average=row.get("average") or tracked.average, settled=False)
        return tracked
    updated = replace(
        tracked,
        phase=Phase.LIVE if status == "open" else Phase.ENDED,
        order_id=row.get("id") or tracked.order_id,
        filled=max(tracked.filled, tracked.net_of(float(row.get("filled") or 0.0))),
        average=row.get("average") or tracked.average,
        reason=None,
    )
    return tracked if updated == tracked else updated
