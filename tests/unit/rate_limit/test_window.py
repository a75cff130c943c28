"""No more requests leave than the venue takes, none waits needlessly, and an unused slot is used by the next."""

from hypothesis import given
from hypothesis import strategies as st

from bitget_margin.rate_limit.window import Window


@given(st.lists(st.integers(0, 300), max_size=60))
def test_no_span_of_a_window_holds_more_than_its_limit(gaps: list[int]) -> None:
    """Whenever requests come, at most ten leave in any 1050 ms, first come, first served, without needless waits."""
    window, now, left = Window(10), 0.0, []
    for gap in gaps:
        now += gap
        at = window.reserve(now, float("inf"))
        assert at is not None
        assert at >= now
        left.append(at)
    assert left == sorted(left)
    for first, eleventh in zip(left, left[10:], strict=False):
        assert eleventh - first >= 1_050
    for i, at in enumerate(left[:10]):
        assert at == sum(gaps[: i + 1])


def test_a_slot_that_begins_too_late_is_not_reserved() -> None:
    """A request that cannot leave in time takes no room from those that can."""
    assert [Window(1).reserve(0, 9_999), Window(1).period_ms] == [0, 1_050]
    window = Window(limit=1, period_ms=100)
    assert window.reserve(0, 0) == 0
    assert window.reserve(10, 99) is None
    assert window.reserve(10, 100) == 100
    assert window.reserve(10, 1_000) == 200


def test_a_released_slot_goes_to_the_next_in_line() -> None:
    """An interrupted call does not delay the emergency cancel after it, and the limit holds all the same."""
    window = Window(limit=2, period_ms=100)
    kept = [window.reserve(0, 1_000) for _ in range(8)]
    assert kept == [0, 0, 100, 100, 200, 200, 300, 300]
    for at in (200, 100, 300):
        window.release(at)
    assert window.reserve(50, 99) is None
    assert window.reserve(50, 100) == 100
    assert window.reserve(150, 180) is None
    assert window.reserve(150, 1_000) == 200
    assert window.reserve(250, 1_000) == 300
    assert window.reserve(250, 1_000) == 400


def test_a_released_slot_that_begins_now_is_used_and_one_of_the_past_is_not() -> None:
    window = Window(limit=1, period_ms=100)
    assert [window.reserve(0, 500) for _ in range(3)] == [0, 100, 200]
    window.release(100)
    window.release(200)
    assert window.reserve(150, 1_000) == 200
    window.release(200)
    assert window.reserve(201, 1_000) == 300
    window.release(300)
    assert window.reserve(300, 300) == 300


def test_a_released_slot_is_not_used_where_the_next_new_one_is_earlier() -> None:
    window = Window(limit=1, period_ms=100)
    window.release(50)
    assert window.reserve(0, 500) == 0


def test_a_slot_that_a_shared_window_granted_is_taken_here_too() -> None:
    window = Window(limit=2, period_ms=100)
    assert [window.record_slot(10), window.record_slot(20), window.record_slot(30)] == [10, 20, 30]
    assert window.reserve(40, 500) == 120


def test_a_request_counts_from_its_response_for_a_second() -> None:
    """The venue counts arrivals: a slow request leaves less room a second after its departure."""
    window = Window(limit=2)
    for left in (0.0, 1.0):
        assert window.start(left) is None
    assert window.start(10) == 1_001
    window.record_arrival(0, 300)
    assert window.start(310) == 1_002
    window.record_arrival(1, 290)
    assert window.start(400) == 1_291
    assert window.start(1_290) == 1_291
    assert window.start(1_291) is None
    assert window.start(1_292) == 1_301
    window.record_arrival(5, 1_500)  # of no request that counts
    assert window.start(1_300) == 1_301
    roomy = Window(limit=2)
    assert roomy.start(0) is None
    roomy.record_arrival(0, 100)
    assert roomy.start(100) is None


def test_requests_of_other_programs_take_room_once() -> None:
    window = Window(limit=3)
    assert window.start(0) is None
    assert window.record_quota(2, 100) == 0
    assert window.record_quota(1, 100) == 1
    assert window.record_quota(1, 200) == 0
    assert window.start(200) is None
    assert window.start(200) == 1_001
    assert window.record_quota(3, 200) == 0
    assert window.record_quota(0, 1_101) == 2  # by then, only one of ours is left that counts
    assert window.start(1_101) == 1_201


def test_a_request_that_found_no_connection_takes_no_room() -> None:
    """It did not arrive, so the venue did not count it."""
    window = Window(limit=1, period_ms=100)
    at_ms = window.reserve(0, 0)
    assert at_ms == 0
    window.start(0)
    window.withdraw(at_ms, 0)
    assert window.start(5) is None
    assert window.reserve(5, 5) == 5
    window.withdraw(at_ms, 0)  # a second time, it takes no other request's place
    window.withdraw(None, None)
    assert window.reserve(6, 6) is None
    assert window.start(6) == 1_006
