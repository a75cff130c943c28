"""Sum the verdicts, one line per fault or knob."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from campaign.faults import LABELS
from campaign.verdict import Flaw, Orders, Verdict

TOTAL = "total"
_ENOUGH: Final = 20_000
"""Number of orders from which on the shares are significant."""
_RESOLVED: Final = 0.95
_FILLED: Final = 0.5
"""Required shares of the orders to be placed: resolved by the call; placed and filled."""


@dataclass(slots=True)
class Line:
    """Sums of the rounds with one fault or knob."""

    rounds: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    placing: Orders = field(default_factory=Orders)
    cancelling: Orders = field(default_factory=Orders)
    unresolved: int = 0
    lagged: int = 0
    flaws: Counter[Flaw] = field(default_factory=Counter)
    requests: int = 0
    most_requests: int = 0
    worst_ms: float = 0.0
    worst_over_ms: float = float("-inf")

    def add(self, verdict: Verdict) -> None:
        """Count a round."""
        self.rounds += 1
        self.outcomes.update(verdict.outcomes)
        self.placing += verdict.placing
        self.cancelling += verdict.cancelling
        self.unresolved += verdict.unresolved
        self.lagged += verdict.lagged
        self.flaws.update(finding.flaw for finding in verdict.findings)
        self.requests += verdict.requests
        self.most_requests = max(self.most_requests, verdict.requests)
        self.worst_ms = max(self.worst_ms, verdict.elapsed_ms)
        self.worst_over_ms = max(self.worst_over_ms, verdict.over_ms)


class Tally:
    """Lines by fault or knob, the total, and the rounds with flaws."""

    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}
        self.total = Line()
        self.flawed: list[Verdict] = []
        self.busy: list[Verdict] = []
        self.reasons: Counter[str] = Counter()
        self.reruns = 0
        self.accounts: Counter[str] = Counter()
        """Rounds by account kind."""
        self.beside = [0, 0, 0]
        """Rounds beside orders of the owner, and the numbers of these spot orders and strategy orders."""

    def add(self, verdict: Verdict) -> None:
        """Count a round; a round that was disturbed by a busy machine is kept apart."""
        if verdict.busy:
            self.busy.append(verdict)
            return
        self.lines.setdefault(verdict.label, Line()).add(verdict)
        self.total.add(verdict)
        self.reasons.update(verdict.reasons)
        self.reruns += verdict.reruns > 0
        self.accounts[verdict.account] += 1
        spot_orders, stops = verdict.owner_orders
        self.beside = [n + m for n, m in zip(self.beside, (any(verdict.owner_orders), spot_orders, stops), strict=True)]
        if verdict.findings:
            self.flawed.append(verdict)

    def shortfalls(self) -> Iterator[str]:
        """Yield the required shares that were not reached: calls must not be safe by doing nothing."""
        orders = self.total.placing
        if orders.wanted < _ENOUGH:
            return
        if orders.resolved < _RESOLVED * orders.wanted:
            yield f"too few orders to be placed were resolved: {orders.resolved} of {orders.wanted}"
        if orders.filled < _FILLED * orders.wanted:
            yield f"too few orders were placed and filled: {orders.filled} of {orders.wanted}"

    def in_order(self) -> list[tuple[str, Line]]:
        """Return the lines in the order of the labels, and the total."""
        return [*((label, self.lines[label]) for label in LABELS if label in self.lines), (TOTAL, self.total)]
