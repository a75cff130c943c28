"""A change is sent once, called done or refused only on proof, and looked up whatever the answer to it was."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from bitget_margin.core.change import Change, ChangeOutcome, ChangeResult, Lookup, Sight, change_once
from bitget_margin.core.effects import Call, Fault, Flow
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.error_codes import TABLE, Verdict
from support.script import ROUND_TRIP_MS, Script, fault

DONE, REFUSED, UNRESOLVED = ChangeOutcome.DONE, ChangeOutcome.REFUSED, ChangeOutcome.UNRESOLVED
NOT_EXECUTED = {Verdict.DEFINITIVE, Verdict.REFUSED}
KIND_CODES = {"40084", "40085"}
BY_VERDICT = {verdict: [code for code, row in TABLE.items() if row.verdict is verdict] for verdict in Verdict}


@dataclass
class Venue:
    """Answers changes and lookups in turn; the last answer of each repeats."""

    changes: list[object]
    sights: list[Sight] = field(default_factory=lambda: [Sight.NOT_YET])
    proves: bool = False
    kind: AccountKind = AccountKind.UNIFIED
    sent: int = 0
    lookups: list[float] = field(default_factory=list)
    script: Script = field(init=False)

    def __post_init__(self) -> None:
        self.script = Script(self._respond)

    def _respond(self, _call: Call) -> object:
        self.sent += 1
        return self.changes.pop(0) if len(self.changes) > 1 else self.changes[0]

    def _look_up(self) -> Flow[Lookup[str]]:
        yield from ()
        self.lookups.append(self.script.now_ms)
        self.script.now_ms += ROUND_TRIP_MS
        sight = self.sights.pop(0) if len(self.sights) > 1 else self.sights[0]
        return Lookup(sight, sight.name)

    def run(self, *, looked_up: bool = True, **settings: Any) -> ChangeResult[str]:
        """Make one change."""
        ctx = self.script.ctx(kind=self.kind, **settings)
        change: Change[str] = Change(
            ctx,
            lambda api: Call(Endpoint.UNIFIED_EDIT, {}) if api.KIND is AccountKind.UNIFIED else None,
            lambda _: "proven" if self.proves else None,
            self._look_up if looked_up else None,
        )
        return self.script.run(change_once(change))


def test_a_response_that_proves_the_change_ends_the_call() -> None:
    venue = Venue([{}], proves=True)
    assert venue.run() == ChangeResult(DONE, "proven")
    assert (venue.sent, venue.lookups) == (1, [])


def test_an_acknowledgement_that_proves_nothing_is_looked_up_until_the_change_shows() -> None:
    venue = Venue([{}], [Sight.NOT_YET, Sight.NOTHING, Sight.NOT_YET, Sight.DONE])
    result = venue.run()
    assert (result.outcome, result.found, venue.sent, len(venue.lookups)) == (DONE, "DONE", 1, 4)


@pytest.mark.parametrize("reply", [{}, fault(), fault("25001")], ids=["acknowledged", "lost", "timed out"])
def test_a_change_that_never_shows_is_unresolved_at_the_deadline(reply: Any) -> None:
    """It is never sent again, and never called refused."""
    venue = Venue([reply])
    result = venue.run(timeout_ms=5_000)
    assert (result.outcome, venue.sent) == (UNRESOLVED, 1)
    assert venue.lookups[-1] - venue.lookups[0] > 2_000


@pytest.mark.parametrize("verdict", Verdict, ids=lambda verdict: verdict.name)
def test_every_code_is_refused_or_looked_up_by_its_verdict(verdict: Verdict) -> None:
    """Whatever the code, a change that shows is done."""
    for code in BY_VERDICT[verdict]:
        if code in KIND_CODES:
            continue
        done, missed = Venue([fault(code)], [Sight.DONE]), Venue([fault(code)])
        assert done.run().outcome is (REFUSED if verdict in NOT_EXECUTED else DONE), code
        result = missed.run()
        assert result.outcome is (UNRESOLVED if verdict is Verdict.AMBIGUOUS else REFUSED), code
        assert result.fault is not None
        if verdict in NOT_EXECUTED:
            assert missed.lookups == []
        else:
            assert missed.lookups[-1] - missed.lookups[0] >= 1_500, code


def test_a_refusal_needs_two_lookups_in_a_row_that_agree() -> None:
    """One that fails, or shows another state, is no proof."""
    venue = Venue([fault("99999")], [Sight.NOT_YET, Sight.NOTHING, Sight.NOTHING, Sight.NOTHING, Sight.DONE])
    assert venue.run().outcome is DONE
    venue = Venue([fault("99999")], [Sight.NOTHING])
    assert venue.run(timeout_ms=4_000).outcome is UNRESOLVED


@pytest.mark.parametrize("code", ["429", "40008"])
def test_after_a_rate_limit_or_a_clock_error_it_is_sent_again_once_it_is_not_there(code: str) -> None:
    status = 429 if code == "429" else 400
    venue = Venue([fault(code, None, status), {}], [Sight.NOT_YET] * 8 + [Sight.DONE])
    assert venue.run().outcome is DONE
    assert (venue.sent, venue.script.resyncs) == (2, code == "40008")
    assert venue.script.sent_at[1] - venue.script.sent_at[0] >= 1_500
    shown = Venue([fault(code, None, status), {}], [Sight.DONE])
    assert (shown.run().outcome, shown.sent) == (DONE, 1)


def test_a_second_clock_error_ends_the_call() -> None:
    venue = Venue([fault("40008")])
    assert (venue.run().outcome, venue.sent) == (REFUSED, 2)


def test_a_state_without_return_ends_the_call_whatever_the_answer_was() -> None:
    lost, refused = Venue([fault()], [Sight.IMPOSSIBLE]), Venue([fault("25204")], [Sight.IMPOSSIBLE])
    assert lost.run().outcome is ChangeOutcome.IMPOSSIBLE
    assert lost.lookups[-1] - lost.lookups[0] >= 1_500
    assert refused.run().outcome is REFUSED


@pytest.mark.parametrize(("reply", "outcome"), [(fault(), UNRESOLVED), (fault("99999"), REFUSED)])
def test_what_no_query_shows_is_decided_by_the_answer(reply: Fault, outcome: ChangeOutcome) -> None:
    venue = Venue([reply])
    assert (venue.run(looked_up=False).outcome, venue.sent) == (outcome, 1)


@pytest.mark.parametrize(
    ("kind", "code", "outcome", "sent"),
    [
        (AccountKind.CLASSIC, "40085", ChangeOutcome.OTHER_KIND, 0),
        (AccountKind.UNIFIED, "40084", ChangeOutcome.OTHER_KIND, 1),
    ],
)
def test_an_account_kind_without_the_endpoint_is_an_outcome(
    kind: AccountKind, code: str, outcome: ChangeOutcome, sent: int
) -> None:
    venue = Venue([fault(code)], kind=kind)
    assert (venue.run().outcome, venue.sent) == (outcome, sent)
