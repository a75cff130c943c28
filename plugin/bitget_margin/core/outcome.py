"""What is promised: one true outcome per requested order, and the report that carries them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Outcome(Enum):
    """How one requested order ended, or what is known of it; see each member for the evidence that it needs."""

    CANCELED = "canceled"
    """A row of the venue says cancelled (or rejected at entry). Partial fills are in the order."""
    FILLED = "filled"
    """A row of the venue says filled: the fill won, before the cancel or during it."""
    OPEN = "open"
    """Refused or left unanswered twice, at least a second apart, and a row read afterwards says that it lives."""
    ACCEPTED = "accepted"
    """The venue took the cancel, and no confirmation was asked for. Not proof of an end."""
    NOT_FOUND = "not_found"
    """Refused as unknown, and two look-ups by this id do not know it under this symbol. Not proof of an end."""
    UNKNOWN = "unknown"
    """The request may have been executed, and no row proved an end before the deadline."""
    NOT_SENT = "not_sent"
    """Certainly not executed: never sent, or refused as a whole by a definitive error."""

    @property
    def ended(self) -> bool:
        """Whether the venue itself showed that this order can no longer trade."""
        return self is Outcome.CANCELED or self is Outcome.FILLED

    @property
    def resolved(self) -> bool:
        """Whether this is an answer: what is not resolved leaves a call only inside an exception's report."""
        return self is not Outcome.UNKNOWN and self is not Outcome.NOT_SENT


@dataclass(frozen=True, slots=True)
class CancelResult:
    """The answer for one requested order.

    `id` and `client_order_id` are None where neither the caller nor the venue named them; `symbol` is ccxt's unified
    one. `reason` and `code` are the venue's own words for a failure: hints, localised and undocumented. `order` is
    the unified order structure; in its `info` is what the venue sent, untouched.
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
    """The answer for one call: one result per distinct requested order, in the order in which they were named.

    `unasked` are rows that the venue sent and nobody asked for; `requests` counts what went to the venue;
    `unexamined` names symbols that `cancel_all_orders` could not look at before its time was up.
    """

    results: tuple[CancelResult, ...]
    unasked: tuple[Mapping[str, Any], ...] = ()
    requests: int = 0
    elapsed_ms: float = 0.0
    unexamined: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """True only if every order is proven ended (CANCELED or FILLED), and every symbol was examined."""
        return not self.unexamined and all(result.outcome.ended for result in self.results)

    @property
    def orders(self) -> list[Mapping[str, Any]]:
        """The unified order structures of the results, in the same order."""
        return [result.order for result in self.results]

    def of(self, *outcomes: Outcome) -> tuple[CancelResult, ...]:
        """Return the results with one of these outcomes."""
        return tuple(result for result in self.results if result.outcome in outcomes)

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.summary()} ({self.requests} requests, {self.elapsed_ms:.0f} ms)"

    def summary(self) -> str:
        """Return the count per outcome in words, such as `115 canceled, 3 filled, 1 not_found`."""
        counts = {outcome: len(self.of(outcome)) for outcome in Outcome}
        return ", ".join(f"{n} {outcome.value}" for outcome, n in counts.items() if n) or "no orders"
