"""Two bots' runs of one scenario, judged and compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from crash.evidence import Evidence
from crash.judge import (
    Delay,
    Finding,
    delays,
    differences,
    exits_until,
    findings,
    late_stops,
    longest_loop_seconds,
)
from crash.play import LIMIT_SECONDS
from crash.scenario import Scenario

LIMIT_MS = round(LIMIT_SECONDS * 1000)


@dataclass(frozen=True, slots=True)
class Half:
    """One bot's run, judged."""

    evidence: Evidence
    delays: Sequence[Delay]
    findings: Sequence[Finding]

    @classmethod
    def of(cls, evidence: Evidence) -> Self:
        """Judge a run."""
        return cls(evidence, () if evidence.error else delays(evidence), findings(evidence))

    def count(self, rule: str) -> int:
        """Return the number of findings of a rule."""
        return sum(finding.rule == rule for finding in self.findings)

    def log(self) -> list[str]:
        """Return the log of the bot with its samples and findings."""
        samples = [f"{track.pair} {sample}" for track in self.evidence.tracks for sample in track.samples]
        found = [f"{finding.rule}: {finding.text}" for finding in self.findings]
        head = f"== {'with' if self.evidence.ladders else 'without'} ladders"
        return [head, *self.evidence.log, *samples, *(str(delay) for delay in self.delays), *found]

    def as_json(self) -> dict[str, Any]:
        """Return the measures of the run."""
        return {
            "delays": {
                delay.pair: {"sent_ms": delay.sent, "first_ms": delay.first, "last_ms": delay.last}
                for delay in self.delays
            },
            "findings": [[finding.rule, finding.text] for finding in self.findings],
            "seconds": round(self.evidence.seconds, 1),
            "settled_seconds": round(self.evidence.settled_seconds, 1),
        }


@dataclass(frozen=True, slots=True)
class PlayedPair:
    """Both runs of a scenario; of twins, the first one has no ladders either.

    :ivar broken: broken promises: those of the bot with ladders, and its stops that are later than the other bot's
    """

    scenario: Scenario
    with_ladders: Half
    without: Half
    broken: Sequence[Finding]

    @classmethod
    def of(cls, scenario: Scenario, ladders: Evidence, stock: Evidence) -> Self:
        """Judge both runs of a scenario."""
        one, two = Half.of(ladders), Half.of(stock)
        late = [] if ladders.error or stock.error else late_stops(ladders, stock, LIMIT_MS)
        invalid = [Finding("run", f"without ladders: {stock.error}")] if stock.error else []
        return cls(scenario, one, two, [*one.findings, *late, *invalid])

    @property
    def ladders(self) -> Evidence:
        """Evidence of the bot with ladders."""
        return self.with_ladders.evidence

    @property
    def stock(self) -> Evidence:
        """Evidence of the bot without ladders."""
        return self.without.evidence

    @property
    def exits_until(self) -> dict[str, int]:
        """Number of exits with ladders by pair, from the moment at which its stop was due to its own."""
        return exits_until(self.with_ladders.delays, LIMIT_MS)

    @property
    def later_seconds(self) -> dict[str, float]:
        """Seconds by pair by which the stop left later with ladders."""
        return differences(self.with_ladders.delays, self.without.delays, LIMIT_MS)

    def as_json(self) -> dict[str, Any]:
        """Return the run as one line of JSON for later evaluations."""
        scenario = self.scenario
        return {
            "account": scenario.account.value,
            "seed": scenario.seed,
            "run": scenario.number,
            "pairs": len(scenario.plans),
            "latency_ms": scenario.latency_ms,
            "kill_at": None if scenario.kill_at is None else round(scenario.kill_at, 1),
            "with": self.with_ladders.as_json(),
            "without": self.without.as_json(),
            "later_seconds": self.later_seconds,
            "exits_until": self.exits_until,
            "stock_loop_seconds": round(longest_loop_seconds(self.stock), 1),
            "broken": [[finding.rule, finding.text] for finding in self.broken],
        }
