"""An order's outcome rests on evidence that is about this order, new enough, and of the right kind."""

from __future__ import annotations

import pytest

from bitget_margin.core.cancel_state import Entry, Ledger
from bitget_margin.core.order_ref import IdKind, Target
from bitget_margin.core.order_row import Row, State
from bitget_margin.core.outcome import Outcome
from bitget_margin.core.responses import BatchAnswer, Item
from bitget_margin.core.settings import Pacing

BY_ID = Target("BTCUSDT", IdKind.ORDER, "12")
BY_NAME = Target("BTCUSDT", IdKind.CLIENT, "a")
PACING = Pacing()
NOT_THERE = "The order does not exist"
BEGAN_MS = 5_000.0


def row(state: State = State.LIVE, order_id: str = "12", **raw: str) -> Row:
    """Return a row."""
    return Row(order_id, "a", "BTCUSDT", state, raw)


def item(order_id: str | None = "12", reason: str | None = None, code: str | None = None) -> Item:
    """Return what an answer says of an order."""
    return Item(order_id, "a", reason, code, {"orderId": order_id})


def refused_at(entry: Entry, *times: float, reason: str = "no") -> Entry:
    """Return the entry after cancels that were refused."""
    for now_ms in times:
        entry.attempted(now_ms)
        entry.refused(now_ms, None, reason)
    return entry


# -- which order a name stands for ------------------------------------------------------------------------------------


def answered(entry: Entry, *successes: Item, failures: tuple[Item, ...] = ()) -> Entry:
    """Return the entry after the answer to a cancel of it."""
    Ledger({entry.target: entry}).record_answer(BatchAnswer(successes, failures), [entry], 1.0, PACING)
    return entry


def test_the_venue_says_which_order_a_name_stands_for_once() -> None:
    entry = answered(Entry(BY_NAME), item("12"))
    assert (entry.bound_id, entry.order_id, entry.number, entry.info) == ("12", "12", 12, {"orderId": "12"})
    entry.sent_as = BY_NAME
    assert answered(entry, item("13")).bound_id == "12"


@pytest.mark.parametrize("order_id", ["0", "x1", None])
def test_an_id_that_names_no_order_is_not_taken_for_one(order_id: str | None) -> None:
    said = item(order_id)
    entry = answered(Entry(BY_NAME), said)
    assert entry.bound_id is None
    assert entry.order_id is None
    assert entry.info is said.raw


@pytest.mark.parametrize("reason", [NOT_THERE, "Order Cancelled", "Cancel order error"])
def test_the_id_in_a_failure_binds_nothing_and_no_older_order_is_taken_after_it(reason: str) -> None:
    entry = answered(Entry(BY_NAME), failures=(item("12", reason),))
    assert entry.order_id is None
    older = row(State.CANCELED, order_id="11")
    for now_ms in (2.0, 2.0 + PACING.recheck_ms):
        entry.saw_candidate(older, now_ms, None, PACING)
    assert entry.outcome is None


def test_an_order_that_was_named_by_its_id_stands_for_itself() -> None:
    entry = answered(Entry(BY_ID), item("99"))
    entry.saw(row(order_id="98"), 1)
    assert (entry.bound_id, entry.order_id) == (None, "12")


def test_a_live_row_under_a_name_says_which_order_it_is_once() -> None:
    entry = Entry(BY_NAME)
    entry.saw(row(), 1)
    entry.saw(row(order_id="13"), 2)
    assert entry.bound_id == "12"


def test_a_cancel_is_repeated_by_the_order_id_once_that_is_known() -> None:
    """The name may have gone to a younger order by then; the first one goes as it was asked for."""
    entry = Entry(BY_NAME)
    entry.saw(row(), 1)
    assert entry.address == BY_NAME
    entry.attempted(2)
    assert entry.address == Target("BTCUSDT", IdKind.ORDER, "12")
    unknown = Entry(BY_NAME, attempted_ms=2)
    assert unknown.address == BY_NAME


# -- ends -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        (State.CANCELED, Outcome.CANCELED),
        (State.FILLED, Outcome.FILLED),
        (State.LIVE, None),
        (State.UNREADABLE, None),
    ],
)
def test_an_end_is_what_a_row_says_and_stays_what_it_said(state: State, outcome: Outcome | None) -> None:
    entry = Entry(BY_ID, absent_since_ms=1)
    entry.saw(row(state), 5)
    assert (entry.outcome, entry.row_ms, entry.absent_since_ms) == (outcome, 5, None)
    entry.saw(row(State.LIVE), 6)
    assert entry.outcome is outcome
    assert entry.row_ms == (5 if outcome else 6)


@pytest.mark.parametrize(
    ("updated", "ours"), [(5_000, True), (4_999, True), (4_998, False), (6_000, True), (None, False)]
)
def test_an_ended_row_under_a_name_is_ours_if_it_ended_after_the_call_began(updated: int | None, ours: bool) -> None:
    """By the venue's clock, whose grain is a millisecond."""
    times = {} if updated is None else {"uTime": str(updated)}
    entry = Entry(BY_NAME)
    entry.saw_candidate(row(State.CANCELED, **times), 7, BEGAN_MS, PACING)
    assert entry.outcome is (Outcome.CANCELED if ours else None)
    assert entry.row_ms == (7 if ours else None)


def test_an_older_end_counts_at_a_second_look_if_no_younger_order_shows() -> None:
    old, other = row(State.FILLED, uTime="1"), row(State.FILLED, "13", uTime="2")
    entry = Entry(BY_NAME)
    entry.saw_candidate(old, 1_000, BEGAN_MS, PACING)
    assert (entry.candidate, entry.candidate_since_ms) == (old, 1_000)
    entry.saw_candidate(other, 2_000, BEGAN_MS, PACING)
    assert (entry.candidate, entry.candidate_since_ms) == (other, 2_000)
    entry.saw_candidate(other, 3_499, None, PACING)
    assert entry.outcome is None
    entry.saw_candidate(other, 3_500, None, PACING)
    assert (entry.outcome, entry.row, entry.row_ms) == (Outcome.FILLED, other, 3_500)


@pytest.mark.parametrize("cancel", ["acknowledged", "doubtful"])
def test_an_older_end_never_counts_once_a_cancel_may_have_been_executed(cancel: str) -> None:
    """Then an order of that name lived, and its own end is yet to show."""
    entry = Entry(BY_NAME, **{cancel: True})  # type: ignore[arg-type]
    for now_ms in (1_000, 5_000, 9_000):
        entry.saw_candidate(row(State.FILLED, uTime="1"), now_ms, BEGAN_MS, PACING)
    assert (entry.outcome, entry.candidate) == (None, None)


# -- still open -------------------------------------------------------------------------------------------------------


def judged(entry: Entry, row_ms: float, state: State = State.LIVE) -> Outcome | None:
    """Return what is said of an order whose row was read then."""
    entry.saw(row(state), row_ms)
    entry.judge(PACING)
    return entry.outcome


def test_open_is_said_after_two_refusals_a_second_apart_and_a_row_read_since() -> None:
    assert judged(refused_at(Entry(BY_ID), 4_000, 5_000), 5_000) is Outcome.OPEN
    assert judged(refused_at(Entry(BY_ID), 4_000, 4_500, 5_000), 5_001) is Outcome.OPEN


def test_open_is_not_said_for_less() -> None:
    assert judged(refused_at(Entry(BY_ID), 4_001, 5_000), 5_000) is None, "refusals too close"
    assert judged(refused_at(Entry(BY_ID), 4_000, 5_000), 4_999) is None, "row read before"
    assert judged(refused_at(Entry(BY_ID), 5_000), 5_000) is None, "refused once"
    assert judged(Entry(BY_ID), 5_000) is None, "never refused"
    assert judged(refused_at(Entry(BY_ID), 4_000, 5_000), 5_000, State.UNREADABLE) is None, "no readable state"
    unseen = refused_at(Entry(BY_ID), 4_000, 5_000)
    unseen.judge(PACING)
    assert unseen.outcome is None, "no row"


def test_open_is_not_said_of_an_order_whose_cancel_was_taken_or_lost_since() -> None:
    taken = refused_at(Entry(BY_ID), 4_000, 5_000)
    taken.acknowledged = True
    assert judged(taken, 5_000) is None
    lost = refused_at(Entry(BY_ID), 4_000, 5_000)
    lost.attempted(6_000)
    assert judged(lost, 6_000) is None


def test_what_is_known_already_is_not_judged_again() -> None:
    entry = refused_at(Entry(BY_ID, outcome=Outcome.ACCEPTED), 4_000, 5_000)
    assert judged(entry, 5_000) is Outcome.ACCEPTED


# -- not found --------------------------------------------------------------------------------------------------------


def absent(entry: Entry, *times: float) -> Outcome | None:
    """Return what is said of an order that these look-ups did not show."""
    for now_ms in times:
        entry.absent(now_ms, PACING)
    return entry.outcome


def test_not_found_is_said_by_a_refusal_of_that_kind_and_two_look_ups_apart() -> None:
    assert absent(refused_at(Entry(BY_ID), 900, reason=NOT_THERE), 1_000, 2_500) is Outcome.NOT_FOUND
    by_code = Entry(BY_ID)
    by_code.refused(900, "43001", "?")
    assert absent(by_code, 1_000, 2_500) is Outcome.NOT_FOUND


def test_not_found_is_not_said_for_less() -> None:
    assert absent(refused_at(Entry(BY_ID), 900, reason=NOT_THERE), 1_000, 2_499) is None, "too close"
    assert absent(refused_at(Entry(BY_ID), 900, reason="no"), 1_000, 2_500) is None, "refused in other words"
    assert absent(Entry(BY_ID), 1_000, 2_500) is None, "never refused"
    assert absent(Entry(BY_ID, hint_gone=True), 1_000, 2_500) is None, "no refusal"


@pytest.mark.parametrize("known", ["acknowledged", "doubtful", "row"])
def test_not_found_is_never_said_of_an_order_that_was_there(known: str) -> None:
    """It was taken, it may have been, or a row showed it."""
    entry = refused_at(Entry(BY_ID), 900, reason=NOT_THERE)
    setattr(entry, known, row() if known == "row" else True)
    assert absent(entry, 1_000, 2_500) is None


def test_a_cancel_that_may_have_been_executed_makes_absence_begin_anew() -> None:
    entry = refused_at(Entry(BY_ID), 900, reason=NOT_THERE)
    assert absent(entry, 1_000) is None
    refused_at(entry, 1_100, reason=NOT_THERE)
    assert absent(entry, 2_500, 3_999) is None
    assert absent(entry, 4_000) is Outcome.NOT_FOUND


def test_a_doubt_keeps_the_words_that_came_with_it() -> None:
    entry = Entry(BY_ID)
    entry.doubted("busy", "40010")
    assert (entry.doubtful, entry.reason, entry.code) == (True, "busy", "40010")
    entry.refused(1, "43001", "x")
    assert (entry.refusals_ms, entry.reason, entry.code, entry.hint_gone) == ((1,), "x", "43001", True)
