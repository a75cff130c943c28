"""A venue on a clock of its own, and its customers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bitget_margin.emulator import Account, Emulator

from .client import Client, FakeClock

#: More than a tenth of a second, so that ten requests per second are never exceeded.
PAUSE_MS = 101


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock that stands still."""
    return FakeClock()


@pytest.fixture
def venue(clock: FakeClock) -> Iterator[Emulator]:
    """Run a venue with two accounts, and check at the end that nothing unforeseen happened."""
    with Emulator(accounts=(Account(uid="1001"), Account(uid="1002")), clock=clock) as emulator:
        yield emulator
    assert emulator.errors == ()


@pytest.fixture
def client(venue: Emulator, clock: FakeClock) -> Iterator[Client]:
    """Return a client of the first account."""
    with Client(venue.url, venue.accounts[0], clock, lambda: clock.advance(PAUSE_MS)) as first:
        yield first


@pytest.fixture
def other(venue: Emulator, clock: FakeClock) -> Iterator[Client]:
    """Return a client of the second account."""
    with Client(venue.url, venue.accounts[1], clock, lambda: clock.advance(PAUSE_MS)) as second:
        yield second
