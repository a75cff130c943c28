"""Verdict on a round, and the numbers that the table shows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

BUSY_MS: Final = 30.0
"""Event loop delay above which the timing of a round does not count."""


class Flaw(StrEnum):
    """Kind of error of a round; the value is the column of the table."""

    FALSE = "false"
    INVENTED = "invented"
    LOST = "lost"
    FOREIGN = "foreign"
    DOUBLED = "doubled"
    UNDOCUMENTED = "undocumented"
    UNEXPLAINED = "unexplained"
    LATE = "late"
    EXCESS = "excess"

    @property
    def timely(self) -> bool:
        """Whether a busy machine can cause it without an error of the library."""
        return self in {Flaw.UNEXPLAINED, Flaw.LATE}


class Reason(StrEnum):
    """Reason why an order could not be resolved before the deadline."""

    FAULT = "faults until the deadline"
    LAG = "history lags beyond the deadline"
    ACK_DELAY = "the order ended too late to be seen before the deadline"
    LIVES = "acknowledged or refused, and alive until the deadline"
    WINDOW = "the rate window has no room before the deadline"
    REFUSED = "connections that were refused have used the rate window up"
    ABSENT = "no such order, and a cancel of it without an answer"
    OLD_NAME = "a name whose order had ended, and a cancel of it without an answer"
    WORDS = "no such order, in an unknown text"
    KIND = "the venue contradicts itself about the kind of account"
    CLOCK = "the venue refuses the clock, twice"
    ELSEWHERE = "a unified account, and the id is that of an order of another symbol, or of a spot order"
    PAGES = "a name that an ended order had, or one of another symbol, and more open orders than a lookup reads"
    HEIR = "a younger order took over the name during the call"
    FROZEN = "coins are frozen by orders of symbols that the call was not given"
    NEVER_PLACED = "not placed, which no lookup proves"
    NAMESAKE = "another order lives under its client order id"
    CLOSE = "orders that ended less than a second before the call, which may be its own by another clock"
    LATE = "placed too late to be seen before the deadline"
    MISSED = "missed by two lookups, and the call ends then by its options"


@dataclass(frozen=True, slots=True)
class Finding:
    """One flaw, with a text."""

    flaw: Flaw
    text: str


@dataclass(frozen=True, slots=True)
class Orders:
    """Numbers of orders: requested, resolved, placed, filled, settled."""

    wanted: int = 0
    resolved: int = 0
    """Resolved by the call itself."""
    placed: int = 0
    """Placed according to the call and the books."""
    filled: int = 0
    """Of those placed."""
    settled: int = 0
    """Resolved only by lookups after the faults."""
    slowest_ms: float = 0.0
    """Time from the end of the faults until the last of these was resolved."""

    def __add__(self, other: Orders) -> Orders:
        return Orders(
            self.wanted + other.wanted,
            self.resolved + other.resolved,
            self.placed + other.placed,
            self.filled + other.filled,
            self.settled + other.settled,
            max(self.slowest_ms, other.slowest_ms),
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """Numbers and findings of a round."""

    seed: int
    number: int
    label: str
    method: str
    outcomes: Counter[str] = field(default_factory=Counter)
    placing: Orders = field(default_factory=Orders)
    cancelling: Orders = field(default_factory=Orders)
    unresolved: bool = False
    reasons: Counter[str] = field(default_factory=Counter)
    lagged: int = 0
    findings: tuple[Finding, ...] = ()
    requests: int = 0
    elapsed_ms: float = 0.0
    over_ms: float = 0.0
    """Time beyond the `timeout` of the call; negative if it took less."""
    lag_ms: float = 0.0
    reruns: int = 0
    account: str = ""
    """Account kind."""
    owner_orders: tuple[int, int] = (0, 0)
    """Numbers of the owner's spot orders and strategy orders beside the round."""

    @property
    def timely(self) -> bool:
        """Whether only its timing is wrong; it is then played again, alone."""
        return bool(self.findings) and all(finding.flaw.timely for finding in self.findings)

    @property
    def busy(self) -> bool:
        """Whether only its timing is wrong while this process was late too."""
        return self.timely and self.lag_ms > BUSY_MS
