"""A command opens the database of a stopped bot alone; it changes none that a bot has open."""

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from freqtrade.persistence import Trade, init_db

from bitget_margin.freqtrade.database_identity import DatabaseIdentity, RunMode, check
from bitget_margin.freqtrade.order_store import OrderStore
from bitget_margin.freqtrade.stopped_database import (
    DatabaseInUse,
    DatabaseRefused,
    DatabaseState,
    OpenTrade,
    open_stopped,
    reason_to_keep,
)
from bitget_margin.freqtrade.tracked_order import Phase
from support.botless import Messages, live, own
from support.in_process_bot import close_database

LIVE = DatabaseIdentity(RunMode.LIVE, "41")
OPEN = OpenTrade(1, "BTC/USDT", "bitgetcross")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "trades.sqlite"


@pytest.fixture
def url(file: Path) -> str:
    """Return the URL of a database on which a bot has run."""
    made = f"sqlite:///{file}"
    init_db(made)
    check(LIVE, Messages())  # type: ignore[arg-type]
    store = OrderStore()
    store.add([live("k-1-x-0"), live("k-1-x-1", phase=Phase.ENDED), own("k-o1"), live("a", phase=Phase.FORGOTTEN)])
    store.key()
    close_database()
    return made


@contextlib.contextmanager
def running(url: str) -> Iterator[None]:
    """Have a bot run on a database, between two of its transactions."""
    init_db(url)
    Trade.commit()
    try:
        yield
    finally:
        close_database()


def test_a_database_shows_what_it_belongs_to_and_what_is_open(url: str) -> None:
    with open_stopped(url) as database:
        state = database.state()
        assert database.is_alone
        key = database.store.key()
    assert state == DatabaseState(LIVE, (), 2, key)


def test_its_account_is_removed_and_nothing_else(url: str) -> None:
    with open_stopped(url) as database:
        database.remove_identity()
        assert database.state().identity is None
        database.remove_identity()
    init_db(url)
    assert len(OrderStore().resting_on("BTC/USDT")) == 3
    check(DatabaseIdentity(RunMode.LIVE, "42"), Messages())  # type: ignore[arg-type]
    close_database()
    with open_stopped(url) as database:
        assert database.state().identity == DatabaseIdentity(RunMode.LIVE, "42")


def test_a_database_of_a_running_bot_is_refused_and_one_in_use_by_a_command_keeps_the_bot_from_starting(
    url: str,
) -> None:
    with running(url), pytest.raises(DatabaseInUse, match=f"another program has the database {url} open: stop"):
        open_stopped(url).__enter__()
    with (
        open_stopped(url),
        contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=0.1)) as other,
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        other.execute("select * from trades")
    with running(url):
        pass


def test_whether_a_bot_runs_is_not_known_of_a_database_in_another_mode(url: str, file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.execute("pragma journal_mode = delete")
    with open_stopped(url) as opened:
        assert not opened.is_alone


def test_a_database_that_no_bot_of_this_package_has_used_is_empty(file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.execute("create table trades (id integer, pair text, exchange text, is_open boolean)")
        database.executemany("insert into trades values (?, 'BTC/USDT', 'bitget', ?)", [(1, True), (2, False)])
    with open_stopped(f"sqlite:///{file}") as opened:
        assert opened.state() == DatabaseState(None, (OpenTrade(1, "BTC/USDT", "bitget"),), 0)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", '"db_url" is no URL of a database, such as sqlite:///trades.sqlite'),
        ("sqlite://", "in the memory of its bot"),
        ("sqlite:///:memory:", "in the memory of its bot"),
        (
            "sqlite:///nowhere.sqlite",
            r"there is no database /.*nowhere\.sqlite: start this command, .* `init` was run, or give --db-url$",
        ),
        ("sqlite:////none/a.sqlite", "there is no database /none/a.sqlite: give the path of the bot's database, or"),
        ("nothing://me:sesame@host/db", r"nothing://me:\*\*\*@host/db cannot be opened"),
    ],
)
def test_what_is_no_database_is_refused_and_none_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatabaseRefused, match=message) as refused:
        open_stopped(url).__enter__()
    assert "sesame" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_an_option_names_is_refused_by_that_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for url, end in (
        ("trades.sqlite", "--db-url is no URL of a database, such as sqlite:///trades.sqlite"),
        ("sqlite:///bot/trades.sqlite", "the folder in which `init` was run"),
        ("sqlite:////none/trades.sqlite", "give the path of the bot's database"),
    ):
        with pytest.raises(DatabaseRefused) as refused:
            open_stopped(url, is_option=True).__enter__()
        assert str(refused.value).endswith(end)


@pytest.mark.parametrize(("content", "message"), [(b"", "none of freqtrade's"), (b"text" * 200, "not a database")])
def test_another_file_is_refused(file: Path, content: bytes, message: str) -> None:
    file.write_bytes(content)
    with pytest.raises(DatabaseRefused, match=message):
        open_stopped(f"sqlite:///{file}").__enter__()


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (DatabaseState(LIVE, (), 0), None),
        (DatabaseState(LIVE, (), 2), None),
        (DatabaseState(DatabaseIdentity(RunMode.DRY_RUN), (), 0), None),
        (DatabaseState(DatabaseIdentity(RunMode.DRY_RUN), (), 2), "2 simulated orders"),
        (DatabaseState(LIVE, (OPEN,), 0), r"trade 1 on BTC/USDT \(bitgetcross\)\. Close or delete these trades first"),
        (DatabaseState(LIVE, (OpenTrade(4, "A/B", "bitget"),), 0), r"trade 4 on A/B \(bitget\)"),
        (DatabaseState(LIVE, (OPEN,) * 4, 0), r"BTC/USDT \(bitgetcross\) and others\. Close"),
    ],
)
def test_the_account_of_open_trades_is_kept(state: DatabaseState, reason: str | None) -> None:
    found = reason_to_keep(state)
    if reason is None:
        assert found is None
    else:
        assert re.search(f'{reason}.*set "db_url" to another database', str(found))
