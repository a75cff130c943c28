"""Outcomes of cancels: one for each requested order, and the report that holds them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Outcome(Enum):
    """Outcome of a cancel for one order; each member names the evidence that it needs."""

    CANCELED = "canceled"
    """A row shows the order as canceled (or rejected at entry). Partial fills are in the order."""
    FILLED = "filled"
    """A row shows the order as filled, before or during the cancel."""
    OPEN = "open"
    """Refused or left out twice, at least a second apart; a row read afterwards shows the order as open."""
    ACCEPTED = "accepted"
    """The cancel was acknowledged, and no confirmation was requested. No proof of a final state."""
    NOT_FOUND = "not_found"
    """Refused as unknown, and two lookups by this id find no order of this symbol. No proof of a final state."""
    UNKNOWN = "unknown"
    """The cancel may have been executed, and no row proved a final state before the deadline."""
    NOT_SENT = "not_sent"
    """The cancel was certainly not executed: not sent, or refused as a whole with a definitive error."""

    @property
    def ended(self) -> bool:
        """Whether a row proved that the order can no longer trade."""
        return self is Outcome.CANCELED or self is Outcome.FILLED

    @property
    def resolved(self) -> bool:
        """Whether the outcome is known; others leave a call only in the report of an exception."""
        return self is not Outcome.UNKNOWN and self is not Outcome.NOT_SENT


@dataclass(frozen=True, slots=True)
class CancelResult:
    """Result for one requested order.

    `id` and `client_order_id` are None where neither the caller nor a response named them; `symbol` is ccxt's unified
    symbol. `reason` and `code` are text and code of a failed cancel: hints, localized and undocumented. `order` is the
    unified order structure; its `info` is the row as it was received.
    """

    id: str | None
    client_order_id: str | None
    symbol: str
    outcome: Outcome
    reason: str | None
    code: str | None
    order: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CancelReport:
    """Report of one call: one result for each requested order, in the order of first mention.

    `unasked` are entries of responses for orders that were not requested; `requests` counts the requests that were
    sent; `unexamined` names symbols whose open orders `cancel_all_orders` could not list in time.
    """

    results: tuple[CancelResult, ...]
    unasked: tuple[Mapping[str, Any], ...] = ()
    requests: int = 0
    elapsed_ms: float = 0.0
    unexamined: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """True only if every order is proven to have ended (CANCELED or FILLED) and every symbol was examined."""
        return not self.unexamined and all(result.outcome.ended for result in self.results)

    @property
    def orders(self) -> list[Mapping[str, Any]]:
        """The unified order structures of the results, in the same order."""
        return [result.order for result in self.results]

    def of(self, *outcomes: Outcome) -> tuple[CancelResult, ...]:
        """Return the results with one of these outcomes."""
        return tuple(result for result in self.results if result.outcome in outcomes)

    def __str__(self) -> str:
        """Return the report in one line."""
        return f"{self.summary()} ({self.requests} requests, {self.elapsed_ms:.0f} ms)"

    def summary(self) -> str:
        """Return the count of each outcome, such as `115 canceled, 3 filled, 1 not_found`."""
        counts = {outcome: len(self.of(outcome)) for outcome in Outcome}
        return ", ".join(f"{n} {outcome.value}" for outcome, n in counts.items() if n) or "no orders"
