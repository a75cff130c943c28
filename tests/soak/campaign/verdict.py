"""What the judge says of a round."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

BUSY_MS: Final = 30.0
"""How late a process has to be for its rounds to be too much disturbed to blame the library for time."""


class Flaw(StrEnum):
    """What a round must not have; the value is the column of the table."""

    FALSE = "false"
    INVENTED = "invented"
    LOST = "lost"
    STRANGER = "strangers"
    DOUBLED = "doubled"
    UNDOCUMENTED = "undocumented"
    UNEXPLAINED = "unexplained"
    LATE = "late"
    EXCESS = "excess"

    @property
    def timely(self) -> bool:
        """Whether a machine that is too busy can cause it, without any fault of the library."""
        return self in {Flaw.UNEXPLAINED, Flaw.LATE}


class Reason(StrEnum):
    """Why an order could not be resolved before the deadline."""

    FAULT = "faults until the deadline"
    LAG = "history lags beyond the deadline"
    ACK_DELAY = "the order ended too late to be seen before the deadline"
    LIVES = "acknowledged or refused, and alive until the deadline"
    WINDOW = "the rate window has no room before the deadline"
    REFUSED = "connections that were refused have used the rate window up"
    ABSENT = "no such order, and a cancel of it without an answer"
    OLD_NAME = "a name whose order had ended, and a cancel of it without an answer"
    WORDS = "no such order, in words that nobody knows"
    KIND = "the venue contradicts itself about the kind of account"
    CLOCK = "the venue refuses the clock, twice"
    ELSEWHERE = "a unified account, and the id is that of an order of another symbol"
    HEIR = "the name has gone to a younger order while the call ran"
    FROZEN = "coins are frozen by orders of symbols that the call was not told of"
    NEVER_PLACED = "not placed, which no look-up proves"
    NAMESAKE = "another order lives under its client order id"
    CLOSE = "orders that ended less than a second before the call, which may be its own by another clock"
    LATE = "placed too late to be seen before the deadline"
    MISSED = "missed by two look-ups, and the call was told to end then"


@dataclass(frozen=True, slots=True)
class Finding:
    """One flaw, in words."""

    flaw: Flaw
    text: str


@dataclass(frozen=True, slots=True)
class Orders:
    """Orders in numbers: how many were asked for, and how many of them became what."""

    wanted: int = 0
    resolved: int = 0
    """The call itself has said what became of them."""
    placed: int = 0
    """By what the call has said, and by the books."""
    filled: int = 0
    """Of those placed."""
    settled: int = 0
    """Known only after the trouble had ended, by asking again."""
    slowest_ms: float = 0.0
    """How long after the end of the trouble the last of these was known."""

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
    """A round in numbers, and what is wrong with it."""

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
    """How much longer than its `timeout` the call took; negative where it took less."""
    lag_ms: float = 0.0
    reruns: int = 0

    @property
    def timely(self) -> bool:
        """Whether only time is wrong with it: it is played again, alone."""
        return bool(self.findings) and all(finding.flaw.timely for finding in self.findings)

    @property
    def busy(self) -> bool:
        """Whether the machine was too busy to tell: only time is wrong with it, and this process was late too."""
        return self.timely and self.lag_ms > BUSY_MS
