"""What is asked or cancelled next, and when: no more than the venue allows, and never by a name that may have moved."""

from typing import Any

import pytest

from bitget_margin.core.cancel_state import NEVER, CancelState, OrderEvidence, OrderSchedule
from bitget_margin.core.error_codes import TABLE, Verdict
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.order_row import OrderRow, RowState
from bitget_margin.core.outcome import Outcome
from bitget_margin.core.responses import BatchItem, BatchResponse
from bitget_margin.core.settings import Pacing

BY_ID = OrderRef("BTCUSDT", IdKind.ORDER, "12")
BY_NAME = OrderRef("BTCUSDT", IdKind.CLIENT, "a")
LIVE = OrderRow("12", "a", "BTCUSDT", RowState.LIVE, {})
PACING = Pacing()
NO_REFUSALS = {Verdict.AMBIGUOUS, Verdict.UNSETTLED}


@pytest.mark.parametrize(
    ("target", "known", "due"),
    [
        (BY_ID, {"resend_ms": 7}, 7),
        (BY_ID, {"outcome": Outcome.OPEN}, NEVER),
        (BY_ID, {"attempted_ms": 1_000}, 2_050),
        (BY_ID, {"attempted_ms": 1_000, "resend_ms": 9_000}, 9_000),
        (BY_ID, {"attempted_ms": 1_000, "outcome": Outcome.OPEN}, NEVER),
        (BY_ID, {"attempted_ms": 1_000, "acknowledged": True}, NEVER),
        (BY_ID, {"attempted_ms": 1_000, "acknowledged": True, "row": LIVE}, 2_050),
        (BY_ID, {"attempted_ms": 1_000, "refused_as_gone": True}, NEVER),
        (BY_ID, {"attempted_ms": 1_000, "refused_as_gone": True, "row": LIVE}, 2_050),
        (BY_NAME, {"attempted_ms": 1_000}, NEVER),
        (BY_NAME, {"attempted_ms": 1_000, "bound_id": "12"}, 2_050),
        (BY_NAME, {"attempted_ms": 1_000, "row": LIVE}, 2_050),
    ],
    ids=str,
)
def test_a_cancel_is_repeated_a_second_later_if_it_can_have_failed(
    target: OrderRef, known: dict[str, Any], due: float
) -> None:
    """By name only what was seen alive: the name may have gone to a younger order by now."""
    evidence = {name: value for name, value in known.items() if name != "resend_ms"}
    schedule = OrderSchedule(OrderEvidence(target, **evidence), known.get("resend_ms", 0.0))
    assert schedule.next_cancel_ms(PACING) == due


def lookups(evidence: OrderEvidence, now_ms: float, count: int) -> list[float]:
    """Return after how long each of so many lookups at this time would be followed by the next."""
    schedule = OrderSchedule(evidence)
    found = []
    for _ in range(count):
        schedule.schedule_lookup(now_ms, PACING)
        found.append(schedule.lookup_ms - now_ms)
    return found


def test_look_ups_of_an_end_that_does_not_show_come_at_growing_pauses() -> None:
    evidence = OrderEvidence(BY_ID, attempted_ms=1_000, acknowledged=True)
    assert lookups(evidence, 1_000, 6) == [150, 300, 600, 1_000, 1_500, 1_500]
    alive = OrderEvidence(BY_ID, attempted_ms=1_000, acknowledged=True, row=LIVE)
    assert lookups(alive, 1_000, 2) == [150, 300]


def test_an_order_that_lives_is_looked_up_after_its_next_cancel() -> None:
    """No other lookup adds evidence."""
    evidence = OrderEvidence(BY_ID, attempted_ms=1_000, row=LIVE)
    assert lookups(evidence, 1_200, 5) == [850, 850, 850, 1_000, 1_500]


@pytest.mark.parametrize(
    ("target", "known", "now_ms", "pause_ms"),
    [
        (BY_ID, {"refused_as_gone": True, "absent_since_ms": 1_000}, 1_100, 1_400),
        (BY_ID, {"refused_as_gone": True, "absent_since_ms": 1_000}, 2_500, 150),
        (BY_ID, {"refused_as_gone": True, "absent_since_ms": 1_000, "maybe_executed": True}, 1_100, 150),
        (BY_ID, {"absent_since_ms": 1_000}, 1_100, 150),
        (BY_NAME, {"possible_namesake": LIVE, "namesake_since_ms": 1_000, "absent_since_ms": 400}, 1_100, 1_400),
        (BY_NAME, {"possible_namesake": LIVE, "namesake_since_ms": 1_000, "absent_since_ms": 400}, 2_499, 1),
        (BY_NAME, {"possible_namesake": LIVE, "namesake_since_ms": 1_000, "absent_since_ms": 400}, 2_500, 150),
        (BY_NAME, {"refused_as_gone": True, "namesake_since_ms": 1_000}, 1_100, 150),
    ],
    ids=str,
)
def test_a_second_lookup_that_completes_a_proof_comes_when_it_does(
    target: OrderRef, known: dict[str, Any], now_ms: float, pause_ms: float
) -> None:
    """The one of NOT_FOUND, and the one of an end from before this call."""
    assert lookups(OrderEvidence(target, attempted_ms=900, **known), now_ms, 1) == [pause_ms]


@pytest.mark.parametrize(
    ("known", "is_last", "due"),
    [
        ({}, False, NEVER),
        ({"attempted_ms": 1_000}, True, 7),
        ({"attempted_ms": 1_000, "row": LIVE}, False, 7),
        ({"attempted_ms": 1_000, "row": LIVE}, True, NEVER),
        ({"attempted_ms": 1_000, "row": LIVE, "acknowledged": True}, True, 7),
    ],
    ids=str,
)
def test_an_order_is_looked_up_while_that_can_add_evidence(known: dict[str, Any], is_last: bool, due: float) -> None:
    """An order that lives cannot end in this call if no cancel is sent any more."""
    schedule = OrderSchedule(OrderEvidence(BY_ID, **known), lookup_ms=7)
    assert schedule.next_lookup_ms(is_last=is_last) == due
    schedule.lookups_refused = True
    assert schedule.next_lookup_ms(is_last=is_last) == NEVER


# -- answers ----------------------------------------------------------------------------------------------------------


def item(
    order_id: str | None, client_id: str | None = None, reason: str | None = None, code: str | None = None
) -> BatchItem:
    """Return what an answer says of an order."""
    return BatchItem(order_id, client_id, reason, code, {"orderId": order_id, "clientOid": client_id})


def state_of(*targets: str | OrderRef) -> tuple[CancelState, list[OrderEvidence]]:
    """Return the state of these orders, which are named by their order ids or as given, and their evidence."""
    refs = [OrderRef("BTCUSDT", IdKind.ORDER, each) if isinstance(each, str) else each for each in targets]
    state = CancelState.of(refs)
    return state, [order.evidence for order in state.orders.values()]


def answer(
    state: CancelState, now_ms: float, *successes: BatchItem, failures: tuple[BatchItem, ...] = (), odd: Any = ()
) -> None:
    """Record a response to a cancel of all orders."""
    state.record_response(BatchResponse(successes, failures, odd), [*state.orders.values()], now_ms, PACING)


def test_each_entry_of_an_answer_goes_to_the_order_that_was_named() -> None:
    state, (accepted, refused, neither, doubtful) = state_of("1", "2", "3", "4")
    odd = {"x": 1}
    both = item("4", reason="Order Cancelled", code="45024")
    answer(state, 5.0, item("1"), item("4"), failures=(item("2", reason="no", code="45024"), both), odd=(odd,))
    assert (accepted.acknowledged, accepted.maybe_executed, accepted.refusals_ms) == (True, False, ())
    assert (refused.acknowledged, refused.refusals_ms, refused.code, refused.reason) == (False, (5.0,), "45024", "no")
    assert refused.maybe_executed is False
    assert (neither.maybe_executed, neither.refusals_ms) == (True, (5.0,))
    assert neither.reason == "the response lists this order neither as success nor as failure"
    assert (doubtful.maybe_executed, doubtful.acknowledged, doubtful.refusals_ms) == (True, False, ())
    assert (doubtful.code, doubtful.reason, doubtful.info) == ("45024", "Order Cancelled", both.raw)
    assert state.unasked == [odd]


def test_an_order_left_out_of_an_answer_to_another_request_was_not_refused() -> None:
    state, orders = state_of("1", "2")
    answer(state, 5.0, item("9"))
    for evidence in orders:
        assert (evidence.maybe_executed, evidence.refusals_ms, evidence.attempted_ms) == (True, (), 5.0)
    assert state.unasked == [item("9").raw]


@pytest.mark.parametrize("code", [code for code, row in TABLE.items() if row.verdict in NO_REFUSALS] + ["99999"])
def test_a_refusal_that_a_code_puts_in_doubt_takes_the_refusals_before_it_back(code: str) -> None:
    """The cancel may be on its way: an order that still lives a moment later is not called open."""
    state, (evidence,) = state_of("1")
    for now_ms, failure in ((0.0, item("1", reason="no")), (1_100.0, item("1", reason="no", code=code))):
        answer(state, now_ms, failures=(failure,))
    evidence.record_row(LIVE, 1_200.0)
    evidence.decide_open(PACING)
    assert (evidence.outcome, evidence.maybe_executed, evidence.refusals_ms) == (None, True, ())
    for now_ms in (2_300.0, 3_400.0):
        answer(state, now_ms, failures=(item("1", reason="no"),))
    evidence.record_row(LIVE, 3_500.0)
    evidence.decide_open(PACING)
    assert evidence.outcome is Outcome.OPEN, "two refusals that stand apart count again"


@pytest.mark.parametrize("code", [c for c, row in TABLE.items() if row.verdict in {Verdict.ENDED, Verdict.GONE}])
def test_refusals_that_say_that_it_ended_call_no_order_open_beside_an_older_row(code: str) -> None:
    state, (evidence,) = state_of("1")
    for now_ms in (0.0, 1_100.0):
        answer(state, now_ms, failures=(item("1", code=code),))
    evidence.record_row(LIVE, 1_200.0)
    evidence.decide_open(PACING)
    assert evidence.outcome is None


@pytest.mark.parametrize("code", [code for code, row in TABLE.items() if row.verdict is Verdict.LIMITED])
def test_a_cancel_over_a_limit_was_not_executed_and_is_sent_again(code: str) -> None:
    state, (evidence,) = state_of("1")
    answer(state, 5.0, failures=(item("1", code=code),))
    assert (evidence.attempted_ms, evidence.refusals_ms, evidence.maybe_executed) == (None, (), False)
    (order,) = state.orders.values()
    assert order.schedule.next_cancel_ms(PACING) == 1_005.0
    state.resolve_remaining()
    assert evidence.outcome is Outcome.NOT_SENT


def test_entries_are_matched_by_the_kind_of_id_that_was_sent() -> None:
    """A name that is spelled like somebody's order id is not that order."""
    state, (evidence,) = state_of(OrderRef("BTCUSDT", IdKind.CLIENT, "12"))
    answer(state, 5.0, item("12", "other"))
    assert not evidence.acknowledged
    assert len(state.unasked) == 1
    answer(state, 6.0, item("77", "12"))
    assert (evidence.acknowledged, evidence.bound_id) == (True, "77")


def test_an_answer_is_matched_by_what_was_sent_and_not_by_what_was_asked_for() -> None:
    """The second cancel of a name goes by its order id."""
    state, (evidence,) = state_of(BY_NAME)
    state.orders[BY_NAME].schedule.sent_ref = BY_ID
    answer(state, 5.0, item("12"))
    assert evidence.acknowledged
    assert state.unasked == []


def test_what_is_not_proven_is_unknown_if_it_may_have_been_executed_and_else_not_sent() -> None:
    state, (unsent, lost, accepted, alive) = state_of("1", "2", "3", "4")
    for evidence in (lost, accepted, alive):
        evidence.record_attempt(1)
    accepted.acknowledged = alive.acknowledged = True
    alive.record_row(LIVE, 2)
    assert len(list(state.unresolved())) == 4
    state.resolve_remaining()
    assert [each.outcome for each in (unsent, lost, accepted, alive)] == [Outcome.NOT_SENT, *[Outcome.UNKNOWN] * 3]
    assert (unsent.reason, lost.reason) == (None, None)
    assert accepted.reason == "acknowledged, and no lookup shows its end yet"
    assert alive.reason == "acknowledged, and its row still lives"
    assert list(state.unresolved()) == []


def test_closing_takes_nothing_back() -> None:
    state, (ended, explained) = state_of("1", "2")
    ended.outcome = Outcome.CANCELED
    explained.record_attempt(1)
    explained.acknowledged, explained.reason = True, "Order Cancelled"
    state.resolve_remaining()
    assert (ended.outcome, explained.reason) == (Outcome.CANCELED, "Order Cancelled")


def test_an_order_is_entered_once() -> None:
    state, _ = state_of("1")
    (order,) = state.orders.values()
    assert state.add(order.ref) is order
    assert state.add(BY_ID).ref == BY_ID
    assert list(state.orders) == [order.ref, BY_ID]
