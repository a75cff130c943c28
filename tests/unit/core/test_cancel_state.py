"""An order's outcome rests on evidence that is about this order, new enough, and of the right kind."""

from typing import Any

import pytest

from bitget_margin.core.cancel_state import CancelState, OrderEvidence, OrderState
from bitget_margin.core.error_codes import TABLE, Verdict
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.order_row import OrderRow, RowState
from bitget_margin.core.outcome import Outcome
from bitget_margin.core.responses import BatchItem, BatchResponse
from bitget_margin.core.settings import Pacing

BY_ID = OrderRef("BTCUSDT", IdKind.ORDER, "12")
BY_NAME = OrderRef("BTCUSDT", IdKind.CLIENT, "a")
PACING = Pacing()
NOT_THERE = "The order does not exist"
BEGAN_MS = 5_000.0


def row(state: RowState = RowState.LIVE, order_id: str = "12", **raw: str) -> OrderRow:
    """Return a row."""
    return OrderRow(order_id, "a", "BTCUSDT", state, raw)


def item(order_id: str | None = "12", reason: str | None = None, code: str | None = None) -> BatchItem:
    """Return what an answer says of an order."""
    return BatchItem(order_id, "a", reason, code, {"orderId": order_id})


def refused_at(evidence: OrderEvidence, *times: float, reason: str = "no") -> OrderEvidence:
    """Return the evidence after cancels that were refused."""
    for now_ms in times:
        evidence.record_refusal(now_ms, None, reason)
    return evidence


# -- which order a name stands for ------------------------------------------------------------------------------------


def answered(target: OrderRef, *successes: BatchItem, failures: tuple[BatchItem, ...] = ()) -> OrderEvidence:
    """Return the evidence after the response to a cancel of this order."""
    state = CancelState.of([target])
    (order,) = state.orders.values()
    state.record_response(BatchResponse(successes, failures), [order], 1.0, PACING)
    return order.evidence


def test_the_venue_says_which_order_a_name_stands_for_once() -> None:
    state = CancelState.of([BY_NAME])
    (order,) = state.orders.values()
    for order_id in ("12", "13"):
        state.record_response(BatchResponse((item(order_id),), ()), [order], 1.0, PACING)
        assert (order.evidence.bound_id, order.evidence.order_id) == ("12", "12")
        assert order.evidence.info == {"orderId": order_id}


@pytest.mark.parametrize("order_id", ["0", "x1", None])
def test_an_id_that_names_no_order_is_not_taken_for_one(order_id: str | None) -> None:
    evidence = answered(BY_NAME, item(order_id))
    assert (evidence.bound_id, evidence.order_id, evidence.info) == (None, None, item(order_id).raw)


@pytest.mark.parametrize("reason", [NOT_THERE, "Order Cancelled", "Cancel order error"])
def test_the_id_in_a_failure_binds_nothing_and_no_older_order_is_taken_after_it(reason: str) -> None:
    evidence = answered(BY_NAME, failures=(item("12", reason),))
    assert (evidence.order_id, evidence.refusals_ms) == (None, (1.0,))
    older = row(RowState.CANCELED, order_id="11")
    for now_ms in (2.0, 2.0 + PACING.recheck_ms):
        evidence.record_possible_namesake(older, now_ms, None, PACING)
    assert evidence.outcome is None


def test_an_order_that_was_named_by_its_id_stands_for_itself() -> None:
    evidence = answered(BY_ID, item("99"))
    evidence.record_row(row(order_id="98"), 1)
    assert (evidence.bound_id, evidence.order_id) == (None, "12")


def test_a_live_row_under_a_name_says_which_order_it_is_once() -> None:
    evidence = OrderEvidence(BY_NAME)
    evidence.record_row(row(), 1)
    evidence.record_row(row(order_id="13"), 2)
    assert evidence.bound_id == "12"


def test_a_cancel_is_repeated_by_the_order_id_once_that_is_known() -> None:
    """The name may have gone to a younger order by then; the first one goes as it was asked for."""
    order = OrderState(BY_NAME)
    order.evidence.record_row(row(), 1)
    assert order.schedule.cancel_ref == BY_NAME
    order.evidence.record_attempt(2)
    assert order.schedule.cancel_ref == BY_ID
    unknown = OrderState(BY_NAME)
    unknown.evidence.record_attempt(2)
    assert unknown.schedule.cancel_ref == BY_NAME


# -- ends -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        (RowState.CANCELED, Outcome.CANCELED),
        (RowState.FILLED, Outcome.FILLED),
        (RowState.LIVE, None),
        (RowState.UNREADABLE, None),
    ],
)
def test_an_end_is_what_a_row_says_and_stays_what_it_said(state: RowState, outcome: Outcome | None) -> None:
    evidence = OrderEvidence(BY_ID, absent_since_ms=1)
    evidence.record_row(row(state), 5)
    assert (evidence.outcome, evidence.row_ms, evidence.absent_since_ms) == (outcome, 5, None)
    evidence.record_row(row(RowState.LIVE), 6)
    assert evidence.outcome is outcome
    assert evidence.row_ms == (5 if outcome else 6)


@pytest.mark.parametrize(
    ("updated", "ours"), [(5_000, True), (4_999, True), (4_998, False), (6_000, True), (None, False)]
)
def test_an_ended_row_under_a_name_is_ours_if_it_ended_after_the_call_began(updated: int | None, ours: bool) -> None:
    """By the venue's clock, whose grain is a millisecond."""
    times = {} if updated is None else {"uTime": str(updated)}
    evidence = OrderEvidence(BY_NAME)
    evidence.record_possible_namesake(row(RowState.CANCELED, **times), 7, BEGAN_MS, PACING)
    assert evidence.outcome is (Outcome.CANCELED if ours else None)
    assert evidence.row_ms == (7 if ours else None)


def test_an_older_end_counts_at_a_second_look_if_no_younger_order_shows() -> None:
    old, other = row(RowState.FILLED, uTime="1"), row(RowState.FILLED, "13", uTime="2")
    evidence = OrderEvidence(BY_NAME)
    evidence.record_possible_namesake(old, 1_000, BEGAN_MS, PACING)
    assert (evidence.possible_namesake, evidence.namesake_since_ms) == (old, 1_000)
    evidence.record_possible_namesake(other, 2_000, BEGAN_MS, PACING)
    assert (evidence.possible_namesake, evidence.namesake_since_ms) == (other, 2_000)
    evidence.record_possible_namesake(other, 3_499, None, PACING)
    assert evidence.outcome is None
    evidence.record_possible_namesake(other, 3_500, None, PACING)
    assert (evidence.outcome, evidence.row, evidence.row_ms) == (Outcome.FILLED, other, 3_500)


@pytest.mark.parametrize("cancel", ["acknowledged", "maybe_executed"])
def test_an_older_end_never_counts_once_a_cancel_may_have_been_executed(cancel: str) -> None:
    """Then an order of that name lived, and its own end is yet to show."""
    evidence = OrderEvidence(BY_NAME, **{cancel: True})  # type: ignore[arg-type]
    for now_ms in (1_000, 5_000, 9_000):
        evidence.record_possible_namesake(row(RowState.FILLED, uTime="1"), now_ms, BEGAN_MS, PACING)
    assert (evidence.outcome, evidence.possible_namesake) == (None, None)


# -- still open -------------------------------------------------------------------------------------------------------


def judged(evidence: OrderEvidence, row_ms: float, state: RowState = RowState.LIVE) -> Outcome | None:
    """Return what is said of an order whose row was read then."""
    evidence.record_row(row(state), row_ms)
    evidence.decide_open(PACING)
    return evidence.outcome


def test_open_is_said_after_two_refusals_a_second_apart_and_a_row_read_since() -> None:
    assert judged(refused_at(OrderEvidence(BY_ID), 4_000, 5_000), 5_000) is Outcome.OPEN
    assert judged(refused_at(OrderEvidence(BY_ID), 4_000, 4_500, 5_000), 5_001) is Outcome.OPEN


def test_open_is_not_said_for_less() -> None:
    assert judged(refused_at(OrderEvidence(BY_ID), 4_001, 5_000), 5_000) is None, "refusals too close"
    assert judged(refused_at(OrderEvidence(BY_ID), 4_000, 5_000), 4_999) is None, "row read before"
    assert judged(refused_at(OrderEvidence(BY_ID), 5_000), 5_000) is None, "refused once"
    assert judged(OrderEvidence(BY_ID), 5_000) is None, "never refused"
    assert judged(refused_at(OrderEvidence(BY_ID), 4_000, 5_000), 5_000, RowState.UNREADABLE) is None, (
        "no readable state"
    )
    unseen = refused_at(OrderEvidence(BY_ID), 4_000, 5_000)
    unseen.decide_open(PACING)
    assert unseen.outcome is None, "no row"


def test_open_is_not_said_of_an_order_whose_cancel_was_taken_or_lost_since() -> None:
    taken = refused_at(OrderEvidence(BY_ID), 4_000, 5_000)
    taken.acknowledged = True
    assert judged(taken, 5_000) is None
    lost = refused_at(OrderEvidence(BY_ID), 4_000, 5_000)
    lost.record_attempt(6_000)
    assert judged(lost, 6_000) is None


def test_what_is_known_already_is_not_judged_again() -> None:
    evidence = refused_at(OrderEvidence(BY_ID, outcome=Outcome.ACCEPTED), 4_000, 5_000)
    assert judged(evidence, 5_000) is Outcome.ACCEPTED


# -- not found --------------------------------------------------------------------------------------------------------


def absent(evidence: OrderEvidence, *times: float) -> Outcome | None:
    """Return what is said of an order that these lookups did not show."""
    for now_ms in times:
        evidence.record_absence(now_ms, PACING)
    return evidence.outcome


def test_not_found_is_said_by_a_refusal_of_that_kind_and_two_look_ups_apart() -> None:
    assert absent(refused_at(OrderEvidence(BY_ID), 900, reason=NOT_THERE), 1_000, 2_500) is Outcome.NOT_FOUND
    by_code = OrderEvidence(BY_ID)
    by_code.record_refusal(900, "43001", "?")
    assert absent(by_code, 1_000, 2_500) is Outcome.NOT_FOUND


def test_not_found_is_not_said_for_less() -> None:
    assert absent(refused_at(OrderEvidence(BY_ID), 900, reason=NOT_THERE), 1_000, 2_499) is None, "too close"
    assert absent(refused_at(OrderEvidence(BY_ID), 900, reason="no"), 1_000, 2_500) is None, "refused in other words"
    assert absent(OrderEvidence(BY_ID), 1_000, 2_500) is None, "never refused"
    assert absent(OrderEvidence(BY_ID, refused_as_gone=True), 1_000, 2_500) is None, "no refusal"


@pytest.mark.parametrize("known", ["acknowledged", "maybe_executed", "row"])
def test_not_found_is_never_said_of_an_order_that_was_there(known: str) -> None:
    """It was taken, it may have been, or a row showed it."""
    evidence = refused_at(OrderEvidence(BY_ID), 900, reason=NOT_THERE)
    setattr(evidence, known, row() if known == "row" else True)
    assert absent(evidence, 1_000, 2_500) is None


def test_a_cancel_that_may_have_been_executed_makes_absence_begin_anew() -> None:
    evidence = refused_at(OrderEvidence(BY_ID), 900, reason=NOT_THERE)
    assert absent(evidence, 1_000) is None
    refused_at(evidence, 1_100, reason=NOT_THERE)
    assert absent(evidence, 2_500, 3_999) is None
    assert absent(evidence, 4_000) is Outcome.NOT_FOUND


def test_a_doubt_keeps_the_words_that_came_with_it() -> None:
    evidence = OrderEvidence(BY_ID)
    evidence.record_ambiguous(1, "40010", "busy")
    assert (evidence.maybe_executed, evidence.reason, evidence.code) == (True, "busy", "40010")
    evidence.record_refusal(2, "43001", "x")
    assert (evidence.refusals_ms, evidence.reason, evidence.code, evidence.refused_as_gone) == (
        (2,),
        "x",
        "43001",
        True,
    )


@pytest.mark.parametrize(
    ("code", "reason", "gone", "ended"),
    [
        (None, None, False, False),
        (None, "Cancel order error", False, False),
        ("40009", "sign signature error", False, False),
        ("99999", "no", False, False),
        ("43001", "no", True, True),
        (None, NOT_THERE, True, True),
        *((code, "no", False, True) for code, listed in TABLE.items() if listed.verdict is Verdict.ENDED),
    ],
)
def test_only_a_refusal_that_names_an_end_outdates_a_live_row(
    code: str | None, reason: str | None, gone: bool, ended: bool
) -> None:
    evidence = OrderEvidence(BY_ID)
    evidence.record_refusal(4_000, code, reason)
    evidence.record_refusal(5_000, code, reason)
    assert (evidence.refused_as_gone, evidence.refused_as_ended) == (gone, ended)
    assert judged(evidence, 5_000) is (None if ended else Outcome.OPEN)


@pytest.mark.parametrize(
    ("named", "shown", "outcome"),
    [
        ("12", "11", None),
        ("12", "12", Outcome.CANCELED),
        ("12", "13", Outcome.CANCELED),
        (None, "11", Outcome.CANCELED),
        ("x", "x", Outcome.CANCELED),
    ],
)
def test_an_ended_row_counts_unless_a_failure_has_named_a_younger_order(
    named: str | None, shown: str, outcome: Outcome | None
) -> None:
    evidence = answered(BY_NAME, failures=(item(named, "no"),))
    for now_ms in (2.0, 2.0 + PACING.recheck_ms):
        evidence.record_possible_namesake(row(RowState.CANCELED, order_id=shown), now_ms, None, PACING)
    assert evidence.outcome is outcome


def test_an_entry_that_was_not_requested_binds_no_client_order_id() -> None:
    """It is no acknowledgement of a cancel of this call."""
    state = CancelState.of([BY_ID, BY_NAME])
    by_id, by_name = state.orders.values()
    state.record_response(BatchResponse((item("12"), item("99")), ()), [by_id], 1.0, PACING)
    assert (by_id.evidence.acknowledged, by_name.evidence.bound_id) == (True, "12")
    assert state.unasked == [{"orderId": "99"}]
    other = CancelState.of([BY_ID, BY_NAME])
    other.record_response(BatchResponse((item("99"),), ()), [other.orders[BY_ID]], 1.0, PACING)
    assert other.orders[BY_NAME].evidence.bound_id is None


@pytest.mark.parametrize(
    ("known", "outcome", "reason"),
    [
        ({}, Outcome.NOT_SENT, None),
        ({"attempted_ms": 1.0}, Outcome.UNKNOWN, None),
        ({"attempted_ms": 1.0, "reason": "no"}, Outcome.UNKNOWN, "no"),
        (
            {"attempted_ms": 1.0, "acknowledged": True},
            Outcome.UNKNOWN,
            "acknowledged, and no lookup shows its end yet",
        ),
        (
            {"attempted_ms": 1.0, "acknowledged": True, "row": row()},
            Outcome.UNKNOWN,
            "acknowledged, and its row still lives",
        ),
        ({"attempted_ms": 1.0, "acknowledged": True, "reason": "busy"}, Outcome.UNKNOWN, "busy"),
    ],
    ids=str,
)
def test_an_order_without_proof_is_reported_with_what_is_known_of_it(
    known: dict[str, Any], outcome: Outcome, reason: str | None
) -> None:
    evidence = OrderEvidence(BY_ID, **known)
    evidence.resolve()
    assert (evidence.outcome, evidence.reason) == (outcome, reason)


@pytest.mark.parametrize(
    ("successes", "failures", "reason", "refusals", "maybe_executed"),
    [
        ((item(),), (), None, 0, False),
        ((), (item(reason="no"),), "no", 1, False),
        ((), (item(reason="no", code="40010"),), "no", 0, True),
        ((item(),), (item(reason="no"),), "no", 0, True),
        ((), (), "the response lists this order neither as success nor as failure", 1, True),
        ((item("99"),), (), "the response lists other orders, and not this one", 0, True),
        ((), (item("99", "no"),), "the response lists other orders, and not this one", 0, True),
    ],
    ids=["success", "failure", "doubtful failure", "both", "neither", "other success", "other failure"],
)
def test_the_place_of_an_order_in_a_response_is_its_evidence(
    successes: tuple[BatchItem, ...],
    failures: tuple[BatchItem, ...],
    reason: str | None,
    refusals: int,
    maybe_executed: bool,
) -> None:
    evidence = answered(BY_ID, *successes, failures=failures)
    assert (evidence.reason, len(evidence.refusals_ms), evidence.maybe_executed) == (reason, refusals, maybe_executed)
    assert evidence.acknowledged is (reason is None)
    assert evidence.attempted_ms == 1.0
