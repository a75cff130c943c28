"""Promise: budgets follow from the round trips that the venue has shown, up to a bound; they end by the clock."""

import pytest

from bitget_margin.freqtrade.budget import LONGEST_MS, LOOP_MS, SLOW_MS, Budget, Pace


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def pace_of(clock: Clock, *round_trips_ms: float, wait_ms: float = 1_000) -> Pace:
    """Return the pace of a venue that has answered so."""
    return Pace(wait_ms, lambda: max(round_trips_ms, default=0), clock)


def test_a_budget_ends_by_the_clock_whatever_the_time_is_spent_on(clock: Clock) -> None:
    budget = Budget(1_000, clock)
    assert budget.left_ms() == 1_000
    clock.seconds += 0.25
    assert budget.left_ms() == 750
    clock.seconds += 0.6875
    assert budget.left_ms() == 62.5
    clock.seconds += 0.015625
    assert budget.left_ms() == 0, "too little for a request"
    clock.seconds += 9
    assert budget.left_ms() == 0


def test_a_budget_has_at_least_what_a_request_needs(clock: Clock) -> None:
    budget = Budget(1_000, clock)
    clock.seconds += 0.5
    assert budget.at_least(500) is budget
    assert budget.at_least(625).left_ms() == 625
    clock.seconds += 9
    assert budget.at_least(500).left_ms() == 500


@pytest.mark.parametrize(
    ("round_trip_ms", "wait_ms", "exit_ms", "cancel_ms", "loop_ms", "read_ms"),
    [
        (0, 1_000, 1_000, 1_000, 3_000, 3_000),
        (250, 1_000, 2_000, 1_750, 3_000, 3_000),
        (2_000, 1_000, 9_000, 7_000, 4_000, 5_000),
        (0, 5_000, 5_000, 2_500, 5_000, 5_000),
        (8_000, 1_000, 15_000, 15_000, 15_000, 15_000),
        (0, 30_000, 15_000, 15_000, 15_000, 15_000),
    ],
)
def test_each_part_has_room_for_the_requests_that_it_is_for(
    clock: Clock,
    round_trip_ms: float,
    wait_ms: float,
    exit_ms: float,
    cancel_ms: float,
    loop_ms: float,
    read_ms: float,
) -> None:
    pace = pace_of(clock, round_trip_ms, wait_ms=wait_ms)
    assert (LOOP_MS, LONGEST_MS) == (3_000, 15_000)
    assert pace.exit_budget().left_ms() == exit_ms
    assert pace.cancel_ms() == cancel_ms
    assert pace.loop_budget().left_ms() == loop_ms
    assert pace.read_ms() == read_ms


@pytest.mark.parametrize(("round_trip_ms", "last_ms"), [(0, 0), (80, 100), (2_000, 2_500), (4_000, 2_000), (8_000, 0)])
def test_the_last_look_of_a_cancel_has_room_for_one_lookup_and_keeps_to_the_longest_time(
    clock: Clock, round_trip_ms: float, last_ms: float
) -> None:
    assert pace_of(clock, round_trip_ms, wait_ms=1_000).last_look_ms() == last_ms


def test_from_four_tenths_of_a_second_on_a_venue_is_slow(clock: Clock) -> None:
    assert [pace_of(clock, round_trip_ms).is_slow for round_trip_ms in (0, 399, SLOW_MS)] == [False, False, True]
    assert SLOW_MS == 400


def test_the_time_of_a_loop_takes_nothing_from_an_exit(clock: Clock) -> None:
    pace = pace_of(clock)
    loop = pace.loop_budget()
    clock.seconds += 3
    assert loop.left_ms() == 0
    assert pace.exit_budget().left_ms() == 1_000
