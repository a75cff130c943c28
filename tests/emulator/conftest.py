"""A venue on a clock of its own, and its customers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bitget_margin.emulator import Account, AccountKind, Emulator

from .client import Client, FakeClock
from .unified_client import UnifiedClient

#: More than a tenth of a second, so that ten requests per second are never exceeded.
PAUSE_MS = 101
#: And more than a third, for what a unified account may ask three times per second only.
UNIFIED_PAUSE_MS = 334


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


@pytest.fixture
def unified_venue(clock: FakeClock) -> Iterator[Emulator]:
    """Run a venue with two unified accounts and a classic one, and check at the end that it did not stumble."""
    accounts = (
        Account(uid="2001", kind=AccountKind.UNIFIED),
        Account(uid="2002", kind=AccountKind.UNIFIED),
        Account(uid="1001"),
    )
    with Emulator(accounts=accounts, clock=clock) as emulator:
        yield emulator
    assert emulator.errors == ()


@pytest.fixture
def unified(unified_venue: Emulator, clock: FakeClock) -> Iterator[UnifiedClient]:
    """Return a client of the first unified account."""
    account = unified_venue.accounts[0]
    with UnifiedClient(unified_venue.url, account, clock, lambda: clock.advance(UNIFIED_PAUSE_MS)) as first:
        yield first


@pytest.fixture
def other_unified(unified_venue: Emulator, clock: FakeClock) -> Iterator[UnifiedClient]:
    """Return a client of the second unified account."""
    account = unified_venue.accounts[1]
    with UnifiedClient(unified_venue.url, account, clock, lambda: clock.advance(UNIFIED_PAUSE_MS)) as second:
        yield second
