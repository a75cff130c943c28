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


@dataclass(frozen=True, slots=True)
class Finding:
    """One flaw, in words."""

    flaw: Flaw
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """A round in numbers, and what is wrong with it."""

    seed: int
    number: int
    label: str
    method: str
    outcomes: Counter[str] = field(default_factory=Counter)
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
