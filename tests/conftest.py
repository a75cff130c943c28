"""Fixtures of all tests: an emulator per test, and clients of the three flavours."""

import gc
import logging
import signal
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from bitget_margin.emulator import Account, AccountKind, Emulator
from support import client as support_client
from support.client import Client, Flavour, config
from support.redis_server import MISSING, PROGRAM, RedisServer

SLOW_FOLDER = "integration"
LONGEST = (
    "test_operator_commands",
    "test_orders_in_doubt_are_resolved",
    "test_commands",
    "test_leverage_survives_crashes",
    "test_backtests_add_up",
    "test_leverage_keeps_books",
    "test_leftovers_are_found",
    "test_crashes_lose_nothing",
    "test_every_exit_cleans_up",
    "test_a_stop_loss_leaves_whatever_the_venue_shows",
)
"""Files that take 30 s and more: one that came late would be waited for at the end, by one process alone."""
LONGEST_END = 0.4
"""Share of the run after which none of them starts."""
WAITING_END = 0.9
"""Share of the run after which no file starts that waits for venues and bots."""
HERE = Path(__file__).parent
BOTS = HERE / "integration" / "freqtrade"
"""Tests whose bots have an account of the run's kind without the fixture."""
KIND = "kind"
"""Name of the fixture with the account kind of the run."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the longest files, and run those that wait for venues and bots beside those that compute.

    With unified accounts, leave out the tests that do not go by the account kind: they ran with classic ones.
    """
    if support_client.kind is AccountKind.UNIFIED:
        config.hook.pytest_deselected(items=[item for item in items if not _goes_by_kind(item)])
        items[:] = [item for item in items if _goes_by_kind(item)]
    places = _places({item.path for item in items})
    items.sort(key=lambda item: places[item.path])


def _places(files: Iterable[Path]) -> dict[Path, tuple[float, Path]]:
    """Return the place of each file in the run; it ends with short ones, so that no process waits for another."""
    groups: dict[float, list[Path]] = {LONGEST_END: [], WAITING_END: [], 1: []}
    for file in sorted(files):
        waits = file.is_relative_to(HERE / SLOW_FOLDER)
        groups[LONGEST_END if file.stem in LONGEST else WAITING_END if waits else 1].append(file)
    return {
        file: (number / len(group) * end, file) for end, group in groups.items() for number, file in enumerate(group)
    }


def pytest_sessionstart(session: pytest.Session) -> None:
    """Let each process begin to collect in another folder: the first run compiles a test once, not in each of them.

    All end with the same tests, in the order of `pytest_collection_modifyitems`.
    """
    config = session.config
    chosen = config.args != config.getini("testpaths") or any(map(config.getoption, ("ignore", "ignore_glob")))
    if chosen or not hasattr(config, "workerinput"):
        return
    number, count = int(config.workerinput["workerid"].removeprefix("gw")), config.workerinput["workercount"]
    folders = sorted({str(file.parent) for file in HERE.rglob("test_*.py")} - {str(HERE)})
    first = len(folders) * number // count
    config.args[:] = [*folders[first:], *folders[:first], *map(str, HERE.glob("test_*.py"))]


def pytest_collection_finish() -> None:
    """Collect garbage again, but not among the tests and modules, which stay."""
    gc.freeze()
    gc.enable()


def _goes_by_kind(item: pytest.Item) -> bool:
    return KIND in getattr(item, "fixturenames", ()) or item.path.is_relative_to(BOTS)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option for the account kind."""
    kinds = [kind.value for kind in AccountKind]
    parser.addoption("--account", choices=kinds, default=AccountKind.CLASSIC.value, help="account kind of the tests")


def pytest_configure(config: pytest.Config) -> None:
    """Set the account kind, and make sure that SIGINT can interrupt.

    While tests are collected no garbage is: there is none among what is imported, and the search takes as long again.
    """
    gc.disable()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A process started in the background of a script ignores SIGINT, and so would its children.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    support_client.kind = AccountKind(config.getoption("--account"))
    support_client.ccxt_config = {"rateLimit": 1}  # ccxt's pause of 50 ms is for a venue that counts public requests


@pytest.fixture
def kind() -> AccountKind:
    """Return the account kind of this run."""
    return support_client.kind


@pytest.fixture(autouse=True)
def _fits_the_account(request: pytest.FixtureRequest) -> None:
    if support_client.kind is AccountKind.UNIFIED and request.node.get_closest_marker("classic") is not None:
        pytest.skip("only for classic accounts")


@pytest.fixture(autouse=True)
def _logs_each_warning() -> Iterator[None]:
    """Fold no warnings of the next tests: a bot that a test leaves open would."""
    yield
    folding = sys.modules.get("bitget_margin.freqtrade.repeated_warnings")
    if folding is not None:
        folding.unfold_all()


@pytest.fixture
def caplog(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Keep out what ccxt and asyncio log of objects that earlier tests have left: they are collected at any time."""
    with caplog.filtering(_tells_of_this_test):
        yield caplog


def _tells_of_this_test(record: logging.LogRecord) -> bool:
    is_late = record.name == "asyncio" and record.levelno >= logging.ERROR
    return not (is_late or "requires to release all resources" in str(record.msg))


@pytest.fixture
def venue(kind: AccountKind) -> Iterator[Emulator]:
    """Run an emulator for this test, which must not have internal errors."""
    with Emulator(accounts=(Account(kind=kind), Account(kind=kind))) as running:
        yield running
    assert running.errors == ()


@pytest.fixture(params=list(AccountKind), ids=lambda kind: kind.value)
def venue_of_each_kind(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """Run an emulator with two accounts of each kind in turn, whatever the account kind of this run."""
    with Emulator(accounts=(Account(kind=request.param), Account(kind=request.param))) as running:
        yield running
    assert running.errors == ()


@pytest.fixture(params=list(Flavour), ids=lambda flavour: flavour.value)
def flavour(request: pytest.FixtureRequest) -> Flavour:
    """Return each of the three flavours in turn."""
    return request.param


@pytest.fixture
def client(venue: Emulator, flavour: Flavour) -> Iterator[Client]:
    """Return a client of each flavour in turn, with an empty log of requests."""
    made = Client(flavour, config(venue))
    venue.reset_requests()
    yield made
    made.close()


@pytest.fixture
def sync_client(venue: Emulator) -> Iterator[Client]:
    """Return a client of the sync flavour, for behaviour that all flavours share."""
    made = Client(Flavour.SYNC, config(venue))
    venue.reset_requests()
    yield made
    made.close()


@pytest.fixture
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Run a Redis server for this test."""
    if PROGRAM is None:
        pytest.skip(MISSING)
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server
