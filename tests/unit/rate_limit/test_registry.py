"""All exchange objects of a process use one window per account and path; a forked process starts its own."""

import subprocess
import sys
from collections.abc import Iterator
from unittest import mock

import pytest

from bitget_margin.rate_limit.registry import _windows, window_for

FORKS = """
import os
from bitget_margin.rate_limit import registry
registry.window_for("account", "path", 1).reserve(0, 0)
registry._lock.acquire()
child = os.fork()
if not child:
    assert registry.window_for("account", "path", 1).reserve(0, 0) == 0
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
registry._lock.release()
assert registry.window_for("account", "path", 1).reserve(0, 0) is None
"""


@pytest.fixture(autouse=True)
def _no_windows() -> Iterator[None]:
    with mock.patch.dict(_windows, clear=True):
        yield


def test_an_account_has_one_window_per_path() -> None:
    window = window_for("a", "orders", 20)
    assert window.limit == 20
    assert window_for("a", "orders", 20) is window
    assert window_for("a", "assets", 20) is not window
    assert window_for("b", "orders", 20) is not window


def test_a_forked_process_starts_its_own_windows_and_needs_no_lock_of_its_parent() -> None:
    program = [sys.executable, "-c", FORKS]
    assert subprocess.run(program, timeout=30, check=False).returncode == 0  # noqa: S603 - a program of this file
