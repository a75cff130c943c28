"""Promise: a cancel whose response is late holds an exit up no longer than its orders rest, and proves no less."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest

from bitget_margin.core.outcome import CancelReport, CancelResult, Outcome
from bitget_margin.drivers.beside import Beside
from bitget_margin.freqtrade import hedged_cancel
from bitget_margin.freqtrade.budget import Budget
from bitget_margin.freqtrade.client import CancelBatchResult, ViewedOrders
from bitget_margin.freqtrade.hedged_cancel import HedgedCancel
from bitget_margin.freqtrade.tracked_order import Phase, TrackedOrder
from support.botless import PAIR, Stand, live

LIVE = [live(name) for name in "abc"]
GONE = [live(name, phase=Phase.ENDED, filled=0.1) for name in "abc"]
NAMES = ["a", "b", "c"]


class Venue:
    """A venue whose responses and lookups a test lets through: none waits for longer than a few seconds."""

    def __init__(self) -> None:
        self.canceled: list[list[str]] = []
        self.responses: list[threading.Event] = [threading.Event()]
        """One for each cancel that waits; later ones respond at once."""
        self.result: Callable[[Sequence[TrackedOrder]], CancelBatchResult] = proven
        self.viewed: list[list[str]] = []
        self.pace: Any = None
        self.missing: frozenset[str] = frozenset()
        """Orders of which lookups show fills alone."""
        self.lookups: list[Any] = []
        """What each lookup shows, or raises, or a function that returns it; the last one counts for all others."""

    def cancel(self, pair: str, orders: Sequence[TrackedOrder], budget: Budget) -> CancelBatchResult:
        """Cancel, once the response may come."""
        assert (pair, budget.left_ms() > 0) == (PAIR, True)
        self.canceled.append([order.client_id for order in orders])
        if len(self.canceled) <= len(self.responses):
            assert self.responses[len(self.canceled) - 1].wait(5)
        return self.result(orders)

    def view(self, pair: str, orders: Sequence[TrackedOrder], budget: Budget) -> ViewedOrders:
        """Look up."""
        assert (pair, budget.left_ms() > 0) == (PAIR, True)
        number = len(self.viewed)
        self.viewed.append([order.client_id for order in orders])
        shown = self.lookups[min(number, len(self.lookups) - 1)]
        shown = shown() if callable(shown) else shown
        if isinstance(shown, Exception):
            raise shown
        by_name = {order.client_id: order for order in shown}
        return ViewedOrders(tuple(by_name.get(order.client_id) for order in orders), missing=self.missing)


def proven(orders: Sequence[TrackedOrder]) -> CancelBatchResult:
    """Return the result of a cancel that has ended all orders; it knows of smaller fills than a lookup."""
    return CancelBatchResult(tuple(replace(order, phase=Phase.ENDED) for order in orders), None, {})


def unproven(orders: Sequence[TrackedOrder]) -> CancelBatchResult:
    """Return the result of a cancel without proof, whose lookups have missed all orders."""
    names = [order.client_id for order in orders]
    return CancelBatchResult(tuple(orders), None, dict.fromkeys(names, "no answer"), missing=frozenset(names))


@pytest.fixture
def venue(monkeypatch: pytest.MonkeyPatch) -> Iterator[Venue]:
    monkeypatch.setattr(hedged_cancel, "FIRST_LOOKUP_SECONDS", 0.02)
    monkeypatch.setattr(hedged_cancel, "_NEXT_LOOKUP_SECONDS", 0.04)
    monkeypatch.setattr(hedged_cancel, "_POLL_SECONDS", 0.005)
    made = Venue()
    yield made
    for response in made.responses:
        response.set()


def acknowledged(orders: Sequence[TrackedOrder], outcome: Outcome = Outcome.UNKNOWN) -> CancelBatchResult:
    """Return the result of a cancel of which no lookup has shown the end of the last two orders in time."""
    now = [replace(order, phase=Phase.ENDED) if order.client_id == "a" else order for order in orders]
    results = [
        CancelResult(None, o.client_id, PAIR, outcome if o.phase.open else Outcome.CANCELED, None, None, {})
        for o in now
    ]
    unresolved = {order.client_id: "acknowledged" for order in now if order.phase.open}
    return CancelBatchResult(tuple(now), CancelReport(tuple(results)), unresolved)


def run(
    venue: Any, budget: Budget | None = None, last_look_ms: float | None = None, orders: Sequence[TrackedOrder] = LIVE
) -> CancelBatchResult:
    venue.pace = SimpleNamespace(last_look_ms=lambda: last_look_ms)
    looks_last = last_look_ms is not None
    return HedgedCancel(venue, PAIR, orders, budget or Budget(5_000), looks_last=looks_last).run()


def test_a_response_in_time_needs_no_lookup(venue: Venue, stand: Stand) -> None:
    venue.responses.clear()
    venue.result = unproven
    assert run(venue) == unproven(LIVE)
    assert (venue.canceled, venue.viewed) == ([NAMES], [])


def test_orders_that_a_lookup_shows_as_ended_need_no_response(venue: Venue) -> None:
    venue.lookups = [GONE]
    assert run(venue) == CancelBatchResult(tuple(GONE), None, {})
    assert (venue.canceled, venue.viewed) == ([NAMES], [NAMES])


def test_lookups_may_show_one_end_after_the_other(venue: Venue) -> None:
    venue.lookups = [GONE[:1], ccxt.RequestTimeout("no answer"), GONE[1:]]
    assert list(run(venue).orders) == GONE
    assert (venue.canceled, venue.viewed) == ([NAMES], [NAMES] * 3)


def test_orders_that_still_rest_are_canceled_again(venue: Venue) -> None:
    venue.responses.append(threading.Event())
    venue.lookups = [[GONE[0], *LIVE[1:]], [GONE[1]], [LIVE[2]]]
    done = run(venue)
    assert venue.canceled == [NAMES, ["b", "c"], ["c"]]
    assert list(done.orders) == [*GONE[:2], replace(LIVE[2], phase=Phase.ENDED)]


def test_a_lookup_from_before_the_second_cancel_does_not_ask_for_a_third(venue: Venue) -> None:
    venue.responses.append(threading.Event())
    is_second = threading.Event()

    def late() -> list[TrackedOrder]:
        assert is_second.wait(5)
        return LIVE

    def ended() -> list[TrackedOrder]:
        is_second.set()
        time.sleep(0.1)
        return GONE

    venue.lookups = [late, LIVE, ended]
    assert list(run(venue).orders) == GONE
    assert venue.canceled == [NAMES] * 2


def test_an_order_that_no_list_shows_is_not_canceled_again(venue: Venue) -> None:
    """History shows its end later; until then its fills are all that is known of it."""
    venue.lookups = [LIVE]
    venue.missing = frozenset(NAMES)
    done: list[CancelBatchResult] = []
    running = threading.Thread(target=lambda: done.append(run(venue)))
    running.start()
    deadline = time.monotonic() + 5
    while len(venue.viewed) < 2 and time.monotonic() < deadline:
        time.sleep(0.005)
    venue.responses[0].set()
    running.join(5)
    assert done
    assert venue.canceled == [NAMES]


def test_no_order_is_canceled_more_than_three_times(venue: Venue) -> None:
    venue.responses += [threading.Event(), threading.Event()]
    venue.lookups = [LIVE]
    threading.Timer(0.5, venue.responses[2].set).start()
    assert run(venue) == proven(LIVE), "the response to the last cancel"
    assert venue.canceled == [NAMES] * 3


def test_a_cancel_is_looked_up_four_times_at_most(venue: Venue) -> None:
    venue.lookups = [[], [], [], lambda: threading.Timer(0.2, venue.responses[0].set).start() or []]
    run(venue)
    assert venue.viewed == [NAMES] * 4


def test_a_lookup_that_hangs_keeps_back_nothing(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    hangs, ended = threading.Event(), Beside.ended
    waits: set[float] = set()
    monkeypatch.setattr(Beside, "ended", lambda work, seconds: waits.add(seconds) or ended(work, seconds))
    venue.lookups = [lambda: hangs.wait(5) and GONE, GONE]
    assert list(run(venue).orders) == GONE
    assert waits == {0.02, 0.005, 0.0}, "only the cancel is waited for"
    hangs.set()


def test_the_response_counts_with_what_lookups_have_proven_before(venue: Venue) -> None:
    venue.result = unproven
    venue.lookups = [GONE[:1], [], lambda: threading.Timer(0.1, venue.responses[0].set).start() or []]
    done = run(venue)
    assert list(done.orders) == [GONE[0], *LIVE[1:]]
    assert (done.unresolved, done.missing) == ({"b": "no answer", "c": "no answer"}, {"b", "c"})
    assert (done.report, done.summary) == (None, "1 of 3 ended")


def test_without_time_the_response_alone_is_awaited(venue: Venue, stand: Stand) -> None:
    budget = stand.budget(1_000)

    def late() -> list[TrackedOrder]:
        stand.seconds += 9
        threading.Timer(0.1, venue.responses[0].set).start()
        return LIVE

    venue.lookups = [late]
    assert run(venue, budget=budget) == proven(LIVE)
    assert (venue.canceled, venue.viewed) == ([NAMES], [NAMES])


class TestTheLastLook:
    """An exit looks once more for ends that were not shown in time: a rest would follow a loop later."""

    @pytest.fixture(autouse=True)
    def _has_responded(self, venue: Venue) -> None:
        venue.responses.clear()
        venue.result = acknowledged

    def test_it_shows_ends_that_the_cancel_has_not_shown_in_time(self, venue: Venue) -> None:
        venue.lookups = [GONE]
        done = run(venue, last_look_ms=1_000)
        assert list(done.orders) == [replace(LIVE[0], phase=Phase.ENDED), *GONE[1:]]
        assert (done.unresolved, venue.canceled, venue.viewed) == ({}, [NAMES], [["b", "c"]])

    @pytest.mark.parametrize(
        ("early", "last", "first"),
        [(GONE, list, GONE[0]), (LIVE, lambda: time.sleep(0.3) or GONE, replace(LIVE[0], phase=Phase.ENDED))],
        ids=["shows the ends", "shows orders as live, from before the cancel"],
    )
    def test_a_lookup_that_is_under_way_counts_where_it_shows_ends(
        self, venue: Venue, early: Sequence[TrackedOrder], last: Callable[[], Any], first: TrackedOrder
    ) -> None:
        """It has begun before the response, and is answered after it."""
        venue.responses = [threading.Event()]
        venue.lookups = [lambda: (venue.responses[0].set(), time.sleep(0.1), early)[-1], last]
        done = run(venue, last_look_ms=2_000)
        assert (done.unresolved, list(done.orders)) == ({}, [first, *GONE[1:]])

    def test_what_lookups_have_shown_before_is_not_asked_for_again(self, venue: Venue) -> None:
        venue.responses = [threading.Event()]
        venue.result = lambda orders: acknowledged([order for order in orders if order.client_id != "b"])
        venue.lookups = [[GONE[1]], lambda: (venue.responses[0].set(), time.sleep(0.05), [])[-1], GONE]
        done = run(venue, last_look_ms=1_000)
        assert (done.unresolved, venue.viewed[-1]) == ({}, ["c"])

    @pytest.mark.parametrize("shown", [LIVE, [], ccxt.RequestTimeout("no answer")], ids=["live", "missing", "failed"])
    def test_it_is_one_lookup_that_proves_nothing_where_it_shows_no_end(self, venue: Venue, shown: Any) -> None:
        venue.lookups = [shown]
        began = time.monotonic()
        assert run(venue, last_look_ms=5_000).unresolved == {"b": "acknowledged", "c": "acknowledged"}
        assert (venue.canceled, venue.viewed) == ([NAMES], [["b", "c"]])
        assert time.monotonic() - began < 2, "nothing is waited for any more"

    def test_it_ends_with_its_time(self, venue: Venue) -> None:
        hangs = threading.Event()
        venue.lookups = [lambda: hangs.wait(5) and GONE]
        began = time.monotonic()
        assert len(run(venue, last_look_ms=60).unresolved) == 2
        assert 0.06 <= time.monotonic() - began < 2
        hangs.set()

    def test_its_time_is_what_the_venue_needs_by_then(self, venue: Venue) -> None:
        """The venue may slow down while the cancel is under way."""
        venue.pace = SimpleNamespace(last_look_ms=lambda: 10.0)

        def slower(orders: Sequence[TrackedOrder]) -> CancelBatchResult:
            venue.pace.last_look_ms = lambda: 1_000.0
            return acknowledged(orders)

        venue.result, venue.lookups = slower, [lambda: time.sleep(0.2) or GONE]
        assert HedgedCancel(venue, PAIR, LIVE, Budget(5_000), looks_last=True).run().unresolved == {}  # type: ignore[arg-type]

    def test_it_goes_on_past_the_budget_of_the_cancel(self, venue: Venue) -> None:
        has_responded = threading.Event()

        def respond(orders: Sequence[TrackedOrder]) -> CancelBatchResult:
            time.sleep(0.25)
            has_responded.set()
            return acknowledged(orders)

        venue.result, venue.lookups = respond, [lambda: GONE if has_responded.is_set() else []]
        assert run(venue, budget=Budget(200), last_look_ms=1_000).unresolved == {}

    def test_a_lookup_that_hangs_is_not_waited_for_once_another_has_shown_all_ends(self, venue: Venue) -> None:
        venue.responses, hangs = [threading.Event()], threading.Event()
        venue.lookups = [lambda: venue.responses[0].set() or (hangs.wait(5) and []), GONE]
        began = time.monotonic()
        assert run(venue, last_look_ms=5_000).unresolved == {}
        assert time.monotonic() - began < 2
        hangs.set()

    @pytest.mark.parametrize("outcome", [each for each in Outcome if each is not Outcome.UNKNOWN])
    def test_it_is_for_cancels_that_may_have_been_executed(self, venue: Venue, outcome: Outcome) -> None:
        venue.result = lambda orders: acknowledged(orders, outcome)
        assert len(run(venue, last_look_ms=1_000).unresolved) == 2
        assert venue.viewed == []

    def test_one_without_a_report_is_not_looked_for(self, venue: Venue) -> None:
        venue.result = unproven
        assert len(run(venue, last_look_ms=1_000).unresolved) == 3
        assert venue.viewed == []

    def test_it_is_for_exits_alone(self, venue: Venue) -> None:
        assert len(run(venue).unresolved) == 2
        assert venue.viewed == []

    def test_orders_that_a_lookup_has_shown_as_live_since_are_not_waited_for(self, venue: Venue, stand: Stand) -> None:
        venue.responses = [threading.Event()]

        def late() -> list[TrackedOrder]:
            stand.seconds += 9
            threading.Timer(0.05, venue.responses[0].set).start()
            return LIVE

        venue.lookups = [late]
        assert len(run(venue, budget=stand.budget(1_000), last_look_ms=1_000).unresolved) == 2
        assert venue.viewed == [NAMES]


def test_an_error_of_the_cancel_is_raised(venue: Venue) -> None:
    venue.responses.clear()

    def fail(_: object) -> CancelBatchResult:
        raise KeyError("x")

    venue.result = fail
    with pytest.raises(KeyError):
        run(venue)


def test_a_fast_venue_has_time_for_its_response_and_history_for_its_rows() -> None:
    assert (hedged_cancel.FIRST_LOOKUP_SECONDS, hedged_cancel._NEXT_LOOKUP_SECONDS) == (0.3, 0.8)
    assert hedged_cancel._POLL_SECONDS == 0.02, "a lookup is noticed at once"
    assert HedgedCancel(None, PAIR, [], Budget(1)).clock is time.monotonic  # type: ignore[arg-type]
