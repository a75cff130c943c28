"""What is asked or cancelled next, and when: no more than the venue allows, and never by a name that may have moved."""

from __future__ import annotations

from typing import Any

import pytest

from bitget_margin.core.cancel_state import CancelState, OrderState
from bitget_margin.core.error_codes import TABLE, Verdict
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.order_row import OrderRow, RowState
from bitget_margin.core.outcome import Outcome
from bitget_margin.core.responses import BatchAnswer, Item
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
        (BY_ID, {"outcome": Outcome.OPEN}, None),
        (BY_ID, {"attempted_ms": 1_000}, 2_050),
        (BY_ID, {"attempted_ms": 1_000, "outcome": Outcome.OPEN}, None),
        (BY_ID, {"attempted_ms": 1_000, "acknowledged": True}, None),
        (BY_ID, {"attempted_ms": 1_000, "acknowledged": True, "row": LIVE}, 2_050),
        (BY_ID, {"attempted_ms": 1_000, "refused_as_gone": True}, None),
        (BY_ID, {"attempted_ms": 1_000, "refused_as_gone": True, "row": LIVE}, 2_050),
        (BY_NAME, {"attempted_ms": 1_000}, None),
        (BY_NAME, {"attempted_ms": 1_000, "bound_id": "12"}, 2_050),
        (BY_NAME, {"attempted_ms": 1_000, "row": LIVE}, 2_050),
    ],
    ids=str,
)
def test_a_cancel_is_repeated_a_second_later_if_it_can_have_failed(
    target: OrderRef, known: dict[str, Any], due: float | None
) -> None:
    """By name only what was seen alive: the name may have gone to a younger order by now."""
    assert OrderState(target, **known).next_cancel_ms(PACING) == due


def looks(entry: OrderState, now_ms: float, count: int) -> list[float]:
    """Return after how long each of so many look-ups at this time would be followed by the next."""
    found = []
    for _ in range(count):
        entry.schedule_lookup(now_ms, PACING)
        found.append(entry.next_lookup_ms - now_ms)
    return found


def test_look_ups_of_an_end_that_does_not_show_come_at_growing_pauses() -> None:
    entry = OrderState(BY_ID, attempted_ms=1_000, acknowledged=True)
    assert looks(entry, 1_000, 6) == [150, 300, 600, 1_000, 1_500, 1_500]
    alive = OrderState(BY_ID, attempted_ms=1_000, acknowledged=True, row=LIVE)
    assert looks(alive, 1_000, 2) == [150, 300]


def test_an_order_that_lives_is_looked_up_after_its_next_cancel() -> None:
    """Only that can tell more."""
    assert looks(OrderState(BY_ID, attempted_ms=1_000, row=LIVE), 1_200, 5) == [850, 850, 850, 1_000, 1_500]
    closed = OrderState(BY_ID, attempted_ms=1_000, row=LIVE, outcome=Outcome.OPEN)
    assert looks(closed, 0.0, 2) == [150, 300]


def test_the_look_that_is_the_second_leg_of_not_found_comes_when_it_is_proof() -> None:
    gone = {"attempted_ms": 900.0, "refused_as_gone": True, "absent_since_ms": 1_000.0}
    assert looks(OrderState(BY_ID, **gone), 1_100, 1) == [1_400]  # type: ignore[arg-type]
    assert looks(OrderState(BY_ID, **gone), 2_500, 1) == [150]  # type: ignore[arg-type]
    doubtful = OrderState(BY_ID, **gone, maybe_executed=True)  # type: ignore[arg-type]
    assert looks(doubtful, 1_100, 1) == [150]
    unsure = OrderState(BY_ID, attempted_ms=900, absent_since_ms=1_000)
    assert looks(unsure, 1_100, 1) == [150]


def test_the_second_look_at_an_older_end_comes_when_it_counts() -> None:
    entry = OrderState(BY_NAME, attempted_ms=900, possible_namesake=LIVE, namesake_since_ms=1_000, absent_since_ms=400)
    assert looks(entry, 1_100, 1) == [1_400]
    assert looks(entry, 2_499, 1) == [1]
    assert looks(entry, 2_500, 1)[0] > 1
    seen = OrderState(BY_NAME, attempted_ms=900, refused_as_gone=True, namesake_since_ms=1_000)
    assert looks(seen, 1_100, 1) == [150]


# -- answers ----------------------------------------------------------------------------------------------------------


def item(
    order_id: str | None, client_id: str | None = None, reason: str | None = None, code: str | None = None
) -> Item:
    """Return what an answer says of an order."""
    return Item(order_id, client_id, reason, code, {"orderId": order_id, "clientOid": client_id})


def by_ids(*ids: str) -> CancelState:
    """Return a ledger of orders that are named by their ids."""
    return CancelState.of(OrderRef("BTCUSDT", IdKind.ORDER, i) for i in ids)


def test_each_entry_of_an_answer_goes_to_the_order_that_was_named() -> None:
    cancel_state = by_ids("1", "2", "3", "4")
    odd = {"x": 1}
    both = item("4", reason="Order Cancelled", code="45024")
    answer = BatchAnswer((item("1"), item("4")), (item("2", reason="no", code="45024"), both), (odd,))
    cancel_state.record_answer(answer, cancel_state.orders.values(), 5.0, Pacing())
    taken, refused, neither, doubtful = cancel_state.orders.values()
    assert (taken.acknowledged, taken.maybe_executed, taken.refusals_ms) == (True, False, ())
    assert (refused.acknowledged, refused.refusals_ms, refused.code, refused.reason) == (False, (5.0,), "45024", "no")
    assert refused.maybe_executed is False
    assert (neither.maybe_executed, neither.refusals_ms) == (True, (5.0,))
    assert neither.reason == "the venue named this order in neither list"
    assert (doubtful.maybe_executed, doubtful.acknowledged, doubtful.refusals_ms) == (True, False, ())
    assert (doubtful.code, doubtful.reason, doubtful.info) == ("45024", "Order Cancelled", both.raw)
    assert cancel_state.unasked == [odd]


def test_an_order_left_out_of_an_answer_to_another_request_was_not_refused() -> None:
    cancel_state = by_ids("1", "2")
    cancel_state.record_answer(BatchAnswer((item("9"),), ()), cancel_state.orders.values(), 5.0, Pacing())
    for entry in cancel_state.orders.values():
        assert (entry.maybe_executed, entry.refusals_ms, entry.attempted_ms) == (True, (), 5.0)
    assert cancel_state.unasked == [item("9").raw]


@pytest.mark.parametrize("code", [code for code, row in TABLE.items() if row.verdict in NO_REFUSALS] + ["99999"])
def test_a_refusal_that_a_code_puts_in_doubt_takes_the_refusals_before_it_back(code: str) -> None:
    """The cancel may be on its way: an order that still lives a moment later is not called open."""
    cancel_state = by_ids("1")
    (entry,) = cancel_state.orders.values()
    for now_ms, failure in ((0.0, item("1", reason="no")), (1_100.0, item("1", reason="no", code=code))):
        cancel_state.record_answer(BatchAnswer((), (failure,)), [entry], now_ms, Pacing())
    entry.record_row(LIVE, 1_200.0)
    entry.decide_open(Pacing())
    assert (entry.outcome, entry.maybe_executed, entry.refusals_ms) == (None, True, ())
    for now_ms in (2_300.0, 3_400.0):
        cancel_state.record_answer(BatchAnswer((), (item("1", reason="no"),)), [entry], now_ms, Pacing())
    entry.record_row(LIVE, 3_500.0)
    entry.decide_open(Pacing())
    assert entry.outcome is Outcome.OPEN, "two refusals that stand apart count again"


@pytest.mark.parametrize("code", [c for c, row in TABLE.items() if row.verdict in {Verdict.ENDED, Verdict.GONE}])
def test_refusals_that_say_that_it_ended_call_no_order_open_beside_an_older_row(code: str) -> None:
    cancel_state = by_ids("1")
    (entry,) = cancel_state.orders.values()
    for now_ms in (0.0, 1_100.0):
        cancel_state.record_answer(BatchAnswer((), (item("1", code=code),)), [entry], now_ms, Pacing())
    entry.record_row(LIVE, 1_200.0)
    entry.decide_open(Pacing())
    assert entry.outcome is None


@pytest.mark.parametrize("code", [code for code, row in TABLE.items() if row.verdict is Verdict.LIMITED])
def test_a_cancel_over_a_limit_was_not_executed_and_is_sent_again(code: str) -> None:
    cancel_state = by_ids("1")
    (entry,) = cancel_state.orders.values()
    cancel_state.record_answer(BatchAnswer((), (item("1", code=code),)), [entry], 5.0, Pacing())
    assert (entry.attempted_ms, entry.refusals_ms, entry.maybe_executed) == (None, (), False)
    assert entry.next_cancel_ms(Pacing()) == 1_005.0
    cancel_state.resolve_remaining()
    assert entry.outcome is Outcome.NOT_SENT


def test_the_id_of_an_older_namesake_in_a_failure_binds_nothing() -> None:
    cancel_state = CancelState.of([BY_NAME])
    (entry,) = cancel_state.orders.values()
    failure = item("77", BY_NAME.value, reason="Order Cancelled", code="50062")
    cancel_state.record_answer(BatchAnswer((), (failure,)), [entry], 5.0, Pacing())
    assert (entry.bound_id, entry.refusals_ms) == (None, (5.0,))


def test_entries_are_matched_by_the_kind_of_id_that_was_sent() -> None:
    """A name that is spelled like somebody's order id is not that order."""
    cancel_state = CancelState.of([OrderRef("BTCUSDT", IdKind.CLIENT, "12")])
    (entry,) = cancel_state.orders.values()
    cancel_state.record_answer(BatchAnswer((item("12", "other"),), ()), [entry], 5.0, Pacing())
    assert not entry.acknowledged
    assert len(cancel_state.unasked) == 1
    cancel_state.record_answer(BatchAnswer((item("77", "12"),), ()), [entry], 6.0, Pacing())
    assert (entry.acknowledged, entry.bound_id) == (True, "77")


def test_an_answer_is_matched_by_what_was_sent_and_not_by_what_was_asked_for() -> None:
    """The second cancel of a name goes by its order id."""
    cancel_state = CancelState.of([BY_NAME])
    (entry,) = cancel_state.orders.values()
    entry.sent_ref = BY_ID
    cancel_state.record_answer(BatchAnswer((item("12"),), ()), [entry], 5.0, Pacing())
    assert entry.acknowledged
    assert cancel_state.unasked == []


def test_what_is_not_proven_is_unknown_if_it_may_have_been_executed_and_else_not_sent() -> None:
    cancel_state = by_ids("1", "2", "3", "4")
    unsent, lost, taken, alive = cancel_state.orders.values()
    lost.record_attempt(1)
    for entry in (taken, alive):
        entry.record_attempt(1)
        entry.acknowledged = True
    alive.record_row(LIVE, 2)
    assert len(list(cancel_state.unresolved())) == 4
    cancel_state.resolve_remaining()
    assert unsent.outcome is Outcome.NOT_SENT
    assert {lost.outcome, taken.outcome, alive.outcome} == {Outcome.UNKNOWN}
    assert (unsent.reason, lost.reason) == (None, None)
    assert taken.reason == "acknowledged, and no look-up shows its end yet"
    assert alive.reason == "acknowledged, and its row still lives"
    assert list(cancel_state.unresolved()) == []


def test_closing_takes_nothing_back() -> None:
    cancel_state = by_ids("1", "2")
    ended, told = cancel_state.orders.values()
    ended.outcome = Outcome.CANCELED
    told.record_attempt(1)
    told.acknowledged, told.reason = True, "Order Cancelled"
    cancel_state.resolve_remaining()
    assert (ended.outcome, told.reason) == (Outcome.CANCELED, "Order Cancelled")


def test_an_order_is_entered_once() -> None:
    cancel_state = by_ids("1")
    (entry,) = cancel_state.orders.values()
    assert cancel_state.add(entry.ref) is entry
    assert cancel_state.add(BY_ID).ref == BY_ID
    assert list(cancel_state.orders) == [entry.ref, BY_ID]
