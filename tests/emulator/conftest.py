"""A venue on a clock of its own, and clients of its accounts."""

from collections.abc import Iterator

import pytest

from bitget_margin.emulator import Account, AccountKind, Emulator

from .client import Client, FakeClock, UnifiedClient

PAUSE_MS = 101
"""More than a tenth of a second, so that ten requests per second are never exceeded."""
UNIFIED_PAUSE_MS = 334
"""More than a third of a second, since some requests of a unified account are limited to three per second."""


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock that stands still."""
    return FakeClock()


@pytest.fixture
def venue(clock: FakeClock) -> Iterator[Emulator]:
    """Run a venue with two accounts of each kind, and check at the end that there was no unexpected exception."""
    classic = (Account(uid="1001"), Account(uid="1002"))
    unified = (Account(uid="2001", kind=AccountKind.UNIFIED), Account(uid="2002", kind=AccountKind.UNIFIED))
    with Emulator(accounts=(*classic, *unified), clock=clock) as emulator:
        yield emulator
    assert emulator.errors == ()


@pytest.fixture
def client(venue: Emulator, clock: FakeClock) -> Iterator[Client]:
    """Return a client of the first classic account."""
    with Client(venue.url, venue.accounts[0], clock, lambda: clock.advance(PAUSE_MS)) as first:
        yield first


@pytest.fixture
def other(venue: Emulator, clock: FakeClock) -> Iterator[Client]:
    """Return a client of the second classic account."""
    with Client(venue.url, venue.accounts[1], clock, lambda: clock.advance(PAUSE_MS)) as second:
        yield second


@pytest.fixture
def unified(venue: Emulator, clock: FakeClock) -> Iterator[UnifiedClient]:
    """Return a client of the first unified account."""
    with UnifiedClient(venue.url, venue.accounts[2], clock, lambda: clock.advance(UNIFIED_PAUSE_MS)) as first:
        yield first


@pytest.fixture
def other_unified(venue: Emulator, clock: FakeClock) -> Iterator[UnifiedClient]:
    """Return a client of the second unified account."""
    with UnifiedClient(venue.url, venue.accounts[3], clock, lambda: clock.advance(UNIFIED_PAUSE_MS)) as second:
        yield second


@pytest.fixture(params=["client", "unified"])
def either(request: pytest.FixtureRequest) -> Client:
    """Return a client of each kind of account in turn."""
    client: Client = request.getfixturevalue(request.param)
    return client


@pytest.fixture
def other_of_kind(request: pytest.FixtureRequest, either: Client) -> Client:
    """Return a client of the other account of the same kind as `either`."""
    client: Client = request.getfixturevalue("other_unified" if isinstance(either, UnifiedClient) else "other")
    return client
