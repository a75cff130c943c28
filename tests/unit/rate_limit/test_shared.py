"""A store that fails is left alone for a second; each outage is logged once, as is its end."""

import logging
import time
from collections.abc import Iterator
from unittest import mock

import pytest

from bitget_margin.rate_limit import LimiterDown, SharedLimiter, Slot, WhenDown, shared
from support.frozen_clock import FrozenClock


@pytest.fixture
def clock() -> Iterator[FrozenClock]:
    """Return the clock of the limiter's backoff."""
    with mock.patch.object(shared, "monotonic_ms", FrozenClock(5_000)) as made:
        yield made


def limiter(when_down: WhenDown = WhenDown.WAIT) -> SharedLimiter:
    """Return a limiter with a store that grants every slot at once."""
    store = mock.Mock(**{"reserve.return_value": Slot(0.0)})
    return SharedLimiter("redis://127.0.0.1/0", store, 100.0, when_down)


def test_a_slot_is_requested_from_the_store() -> None:
    made = limiter()
    assert made.reserve("name", 10, 1_050, 3_000) == Slot(0.0, kept=True)
    made.store.reserve.assert_called_once_with("name", 10, 1_050, 3_000)  # type: ignore[attr-defined]


def test_a_store_that_fails_is_left_alone_for_a_second(clock: FrozenClock) -> None:
    made = limiter()
    assert made.may_try()
    made.record_failure(LimiterDown("refused"))
    for now_ms, expected in ((5_000, False), (5_999, False), (6_000, True)):
        clock.now = now_ms
        assert made.may_try() is expected
    made.record_failure(LimiterDown("refused"))
    assert not made.may_try()
    made.record_success()
    assert made.may_try()


def test_one_request_tries_a_store_that_is_down_once_per_pause(clock: FrozenClock) -> None:
    made = limiter()
    assert (made.is_down, made.may_try(), made.may_try()) == (False, True, True)
    made.record_failure(LimiterDown("refused"))
    for clock.now in (6_000, 7_000):
        assert (made.may_try(), made.may_try(), made.is_down) == (True, False, True)
    clock.now = 7_999
    assert not made.may_try()
    made.record_success()
    assert (made.is_down, made.may_try(), made.may_try()) == (False, True, True)


@pytest.mark.parametrize(("when_down", "others"), [(WhenDown.WAIT, "wait"), (WhenDown.FAIL, "fail")])
def test_an_outage_is_logged_once_when_it_begins_and_once_when_it_ends(
    clock: FrozenClock, caplog: pytest.LogCaptureFixture, when_down: WhenDown, others: str
) -> None:
    made = limiter(when_down)
    made.record_success()
    for now_ms in (5_000, 6_000):
        clock.now = now_ms
        made.record_failure(LimiterDown("refused"))
    clock.now = 7_500
    made.record_success()
    made.record_success()
    made.record_failure(LimiterDown("refused"))
    began = (
        "The shared rate window redis://127.0.0.1/0 is down (refused): queries, cancels and urgent orders are sent "
        f"without it, by the window of this process alone; other orders {others}. It is tried again every 1 s."
    )
    ended = "The shared rate window redis://127.0.0.1/0 is up again, after 2.5 s."
    assert caplog.record_tuples == [
        ("bitget_margin.gates", logging.WARNING, message) for message in (began, ended, began)
    ]


def test_an_outage_that_another_thread_has_ended_is_not_logged_again(caplog: pytest.LogCaptureFixture) -> None:
    made = limiter()
    made.record_failure(LimiterDown("refused"))
    caplog.clear()

    class EndedMeanwhile:
        """A lock that is free only once another thread has recorded the success."""

        def __enter__(self) -> None:
            made._down_since_ms = None

        def __exit__(self, *_: object) -> None:
            pass

    made._lock = EndedMeanwhile()  # type: ignore[assignment]
    made.record_success()
    assert caplog.messages == []


def test_the_clock_counts_milliseconds_and_only_moves_forward() -> None:
    assert 0 <= shared.monotonic_ms() - time.monotonic() * 1_000 + 1_000 <= 2_000
    assert shared.monotonic_ms() <= shared.monotonic_ms()
