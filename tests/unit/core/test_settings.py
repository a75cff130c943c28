"""Settings come from the call, else from the options, else from the defaults; invalid ones are refused by name."""

from typing import Any

import pytest

from bitget_margin.core.order_ref import BadInput
from bitget_margin.core.settings import DEFAULT_TIMEOUT_MS, Deadline, Pacing, Settings, parse_settings

OWN = Pacing(recancel_ms=1)


@pytest.mark.parametrize("confirm", [True, False])
def test_bounds_that_nobody_gives_are_ours(confirm: bool) -> None:
    ours = parse_settings({}, {}, confirm=confirm)
    assert ours == Settings(confirm=confirm, timeout_ms=10_000, batch_size=50, pacing=Pacing())
    assert DEFAULT_TIMEOUT_MS == 10_000


def test_bounds_of_the_call_beat_those_of_the_options() -> None:
    defaults = {"confirm": True, "timeout": 2_000, "batchSize": 20, "pacing": OWN}
    assert parse_settings({}, defaults, confirm=False) == Settings(True, 2_000, 20, OWN)
    for size in (1, 50):
        params = {"confirm": False, "timeout": 3, "batchSize": size}
        assert parse_settings(params, defaults, confirm=True) == Settings(False, 3, size, OWN)


def test_a_bound_of_none_in_the_call_is_ours_again() -> None:
    params = {"confirm": None, "timeout": None, "batchSize": None}
    defaults = {"confirm": False, "timeout": 2_000, "batchSize": 20}
    assert parse_settings(params, defaults, confirm=True) == Settings(True, 10_000, 50)


@pytest.mark.parametrize("timeout", [0.5, 1, 3_600_000, 3_600_000.0])
def test_a_timeout_is_a_span_of_up_to_an_hour(timeout: float) -> None:
    found = parse_settings({"timeout": timeout}, {}, confirm=True)
    assert found.timeout_ms == timeout
    assert isinstance(found.timeout_ms, float)
    assert found.request_ms == timeout / 3


@pytest.mark.parametrize(
    ("params", "name"),
    [
        *(({"timeout": bad}, "timeout") for bad in (0, -1, True, False, "5", 3_600_001, float("nan"), float("inf"))),
        *(({"batchSize": bad}, "batchSize") for bad in (0, 51, True, 2.0, "5")),
        *(({"confirm": bad}, "confirm") for bad in (0, 1, "yes")),
        ({"pacing": {}}, "pacing"),
        ({"pacing": None}, "pacing"),
    ],
    ids=str,
)
def test_a_bound_that_is_none_is_refused_by_name(params: dict[str, Any], name: str) -> None:
    with pytest.raises(BadInput, match=name):
        parse_settings(params, params, confirm=True)


def test_pauses_grow_and_the_last_one_repeats() -> None:
    assert [Pacing().poll_ms(count) for count in range(7)] == [150, 300, 600, 1_000, 1_500, 1_500, 1_500]


def test_a_deadline_is_counted_from_its_start() -> None:
    now = [100.0]
    deadline = Deadline.after(lambda: now[0], 50)
    assert (deadline.at_ms, deadline.clock(), deadline.left_ms()) == (150, 100, 50)
    now[0] = 170.0
    assert (deadline.clock(), deadline.left_ms()) == (170, -20)
    later = deadline.extended(200)
    assert (later.start_ms, later.span_ms, later.left_ms()) == (100, 200, 130)
