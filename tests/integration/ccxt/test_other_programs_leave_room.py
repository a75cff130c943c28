"""Promise: the quota that other programs use is respected."""

from collections.abc import Iterator

import pytest

from bitget_margin.emulator import Emulator
from support.client import CROSS, Client, Flavour, config

LIMIT = 10
OTHERS = 6


@pytest.fixture
def paced(venue: Emulator, flavour: Flavour) -> Iterator[Client]:
    """Return a client with rate limiting."""
    made = Client(flavour, config(venue) | {"enableRateLimit": True})
    yield made
    made.close()


def test_the_venue_refuses_nothing_that_its_own_quota_foretells(venue: Emulator, paced: Client) -> None:
    other = Client(Flavour.SYNC, config(venue) | {"enableRateLimit": False})
    for _ in range(OTHERS):
        other("fetch_balance", CROSS)
    for _ in range(LIMIT):
        paced("fetch_balance", CROSS)
    other.close()
    assert {record.status for record in venue.requests} == {200}


@pytest.mark.classic
def test_a_request_that_was_refused_all_the_same_is_made_again(venue: Emulator, paced: Client) -> None:
    other = Client(Flavour.SYNC, config(venue) | {"enableRateLimit": False})
    for _ in range(LIMIT):
        other("fetch_balance", CROSS)
    assert paced("fetch_balance", CROSS)["info"]
    other.close()
    assert {record.status for record in venue.requests} == {200, 429}
