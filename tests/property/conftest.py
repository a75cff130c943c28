"""The number of cases is kept: no test is done before it went through its share."""

from collections.abc import Iterator
from typing import Any

import pytest

from support.fuzzing import CASES, performed, share

CASES_PER_SECOND = 50
"""How many of all the cases there are in a second of the time that each test has, at least."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each of these tests the time that its share needs on a busy machine."""
    for item in items:
        if hasattr(getattr(item, "function", None), "share"):
            item.add_marker(pytest.mark.timeout(60 + CASES // CASES_PER_SECOND))


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: Any) -> Iterator[None]:
    """Count what a test that passed has gone through."""
    result = yield
    name = getattr(pyfuncitem.function, "share", None)
    if name is not None:
        assert performed[name] >= share(name)
    return result


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many cases there were."""
    if performed:
        parts = ", ".join(f"{count} {name}" for name, count in sorted(performed.items()))
        terminalreporter.write_line(f"fuzzed: {performed.total()} cases ({parts})")
