"""A stand with all managers, whose trades and rows are the test's."""

from collections.abc import Callable
from typing import Any

import pytest

from support.botless import Stand
from support.unsynced_sqlite import leave_writes_to_the_system


@pytest.fixture(autouse=True, scope="session")
def _no_test_waits_for_the_disk() -> None:
    leave_writes_to_the_system()


@pytest.fixture
def stand_with(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Stand]:
    def build(**settings: Any) -> Stand:
        stand = Stand(**settings)
        stand.patch(monkeypatch)
        return stand

    return build


@pytest.fixture
def stand(stand_with: Callable[..., Stand]) -> Stand:
    return stand_with()


@pytest.fixture
def lending(stand: Stand) -> Stand:
    """Return a stand on a unified account, which would lend what is missing."""
    stand.wallet.classic = False
    return stand
