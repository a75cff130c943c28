"""All exchange objects of a process use one window per account and path; a forked process starts its own."""

from collections.abc import Callable, Iterator
from unittest import mock

import pytest

from bitget_margin.rate_limit import registry
from bitget_margin.rate_limit.registry import _windows, rename, window_for


@pytest.fixture(autouse=True)
def _no_windows() -> Iterator[None]:
    with mock.patch.dict(_windows, clear=True), mock.patch.dict(registry._names, clear=True):
        yield


def test_an_account_has_one_window_per_path() -> None:
    window = window_for("a", "orders", 20)
    assert window.limit == 20
    assert window_for("a", "orders", 20) is window
    assert window_for("a", "assets", 20) is not window
    assert window_for("b", "orders", 20) is not window


def test_an_account_that_is_renamed_keeps_its_windows() -> None:
    """Also where the new name has a window already: both have counted requests."""
    window, both = window_for("key", "orders", 2), window_for("uid", "assets", 3)
    counted = window_for("key", "assets", 3)
    for each in (counted, both):
        assert each.reserve(0, 0) == 0
        assert each.start(0) is None
    rename("key", "uid")
    rename("uid", "uid")
    assert window_for("uid", "orders", 2) is window_for("key", "orders", 2) is window
    assert window_for("key", "assets", 3) is both
    assert both.record_quota(1, 0) == 0
    assert (both.reserve(0, 0), both.start(0)) == (0, None)
    assert (both.reserve(0, 0), both.start(0)) == (None, 1_001)


def test_a_forked_process_starts_its_own_windows_and_needs_no_lock_of_its_parent(
    holds_after_fork: Callable[[Callable[[], bool]], bool],
) -> None:
    assert window_for("a", "orders", 1).reserve(0, 0) == 0
    with registry._lock:
        assert holds_after_fork(lambda: window_for("a", "orders", 1).reserve(0, 0) == 0)
    assert window_for("a", "orders", 1).reserve(0, 0) is None
