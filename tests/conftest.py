"""What every test of the extension can ask for: a venue of its own, and the three flavours on it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from bitget_margin.emulator import Account, AccountKind, Emulator
from support import client as support_client
from support.client import Client, Flavour, config
from support.redis_server import MISSING, PROGRAM, RedisServer

SLOW_FIRST = ("integration",)
HERE = Path(__file__).parent


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that wait longest: the others fill the gaps beside them, and nobody waits for the last."""
    places = {folder: place for place, folder in enumerate(SLOW_FIRST)}
    items.sort(key=lambda item: places.get(item.path.relative_to(HERE).parts[0], len(places)))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the promises be tried on the other kind of account."""
    kinds = [kind.value for kind in AccountKind]
    parser.addoption("--account", choices=kinds, default=AccountKind.CLASSIC.value, help="kind of the test accounts")


def pytest_configure(config: pytest.Config) -> None:
    """Let everything know what kind of account this run is about, and be interrupted where a test interrupts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # Started in the background of a script: whatever is started from here would ignore a Ctrl-C too.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    support_client.kind = AccountKind(config.getoption("--account"))


@pytest.fixture
def kind() -> AccountKind:
    """Return the kind of account that this run is about."""
    return support_client.kind


@pytest.fixture(autouse=True)
def _fits_the_account(request: pytest.FixtureRequest, kind: AccountKind) -> None:
    if kind is AccountKind.UNIFIED and request.node.get_closest_marker("classic") is not None:
        pytest.skip("about what only a classic account does")


@pytest.fixture
def venue(kind: AccountKind) -> Iterator[Emulator]:
    """Run a venue of this test's own, which must not have stumbled."""
    with Emulator(accounts=(Account(kind=kind), Account(kind=kind))) as running:
        yield running
    assert running.errors == ()


@pytest.fixture(params=list(Flavour), ids=lambda flavour: flavour.value)
def flavour(request: pytest.FixtureRequest) -> Flavour:
    """Return each of the three flavours in turn."""
    return request.param


@pytest.fixture
def client(venue: Emulator, flavour: Flavour) -> Iterator[Client]:
    """Return a client of each flavour in turn, without a request on record yet."""
    made = Client(flavour, config(venue))
    venue.reset_requests()
    yield made
    made.close()


@pytest.fixture
def sync_client(venue: Emulator) -> Iterator[Client]:
    """Return a client of the sync flavour, for what does not differ between them."""
    made = Client(Flavour.SYNC, config(venue))
    venue.reset_requests()
    yield made
    made.close()


@pytest.fixture
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Run a Redis server of this test's own."""
    if PROGRAM is None:
        pytest.skip(MISSING)
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server
