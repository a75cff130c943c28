"""Promise: whose a database is shows without making, changing or locking it."""

import sqlite3
from pathlib import Path

import pytest

from bitget_margin.adapter.health import CheckStatus
from bitget_margin.freqtrade.database_inspection import inspect_database

OK, FAILED, UNKNOWN = CheckStatus.OK, CheckStatus.FAILED, CheckStatus.UNKNOWN


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trades.sqlite"


def write(path: Path, identity: tuple[str, str, str | None] | None, trades: tuple[tuple[str, int], ...] = ()) -> None:
    with sqlite3.connect(path) as database:
        database.execute("create table trades (exchange text, is_open integer)")
        database.executemany("insert into trades values (?, ?)", trades)
        if identity is not None:
            database.execute("create table bitget_margin_database (id integer, exchange text, run_mode text, uid text)")
            database.execute("insert into bitget_margin_database values (1, ?, ?, ?)", identity)
    database.close()


LIVE = ("bitgetcross", "live", "7")


@pytest.mark.parametrize(
    ("identity", "trades", "uid", "dry_run", "status", "text"),
    [
        (LIVE, (("bitgetcross", 1), ("bitget", 0)), "7", False, OK, "live bot with UID 7, 1 open trades"),
        (LIVE, (), "8", False, FAILED, "belongs to the account with UID 7"),
        (LIVE, (), None, False, UNKNOWN, "belongs to the account with UID 7, and that of the keys is not known"),
        (LIVE, (), "7", True, FAILED, "has the trades of a live bot"),
        (("other", "live", None), (), "7", False, FAILED, "belongs to a bot on the exchange other"),
        (("bitgetcross", "dry_run", None), (), "7", True, OK, "dry_run bot, 0 open trades"),
        (None, (("bitget", 1),), "7", False, FAILED, "open trades of another exchange (bitget)"),
        (None, (), "7", False, OK, "belongs to no bot yet, 0 open trades"),
    ],
)
def test_a_database_is_that_of_this_bot_or_of_another(
    path: Path,
    identity: tuple[str, str, str | None] | None,
    trades: tuple[tuple[str, int], ...],
    uid: str | None,
    dry_run: bool,
    status: CheckStatus,
    text: str,
) -> None:
    write(path, identity, trades)
    before = path.read_bytes()
    check = inspect_database(f"sqlite:///{path}", uid, dry_run=dry_run)
    assert (check.name, check.status) == ("database", status)
    assert text in check.message
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_database_of_an_earlier_run_of_the_local_venue_is_to_be_deleted(path: Path) -> None:
    write(path, LIVE, ())
    check = inspect_database(f"sqlite:///{path}", "8", dry_run=False, is_local=True)
    assert check.status is FAILED
    assert "Each run of the local venue has a new account: delete this database" in check.message


def test_a_database_that_is_not_there_is_not_made(path: Path) -> None:
    check = inspect_database(f"sqlite:///{path}", "7", dry_run=False)
    assert check.status is OK
    assert "the first start makes it" in check.message
    assert list(path.parent.iterdir()) == []
    check = inspect_database(f"sqlite:///{path.parent / 'none' / 'trades.sqlite'}", "7", dry_run=False)
    assert check.status is FAILED
    assert f"the folder {path.parent / 'none'} does not exist: start this command, and the bot, in" in check.message


def test_rights_are_checked(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(path, None)
    monkeypatch.setattr("os.access", lambda each, _: Path(each) != path)
    assert inspect_database(f"sqlite:///{path}", "7", dry_run=False).status is FAILED
    monkeypatch.setattr("os.access", lambda each, _: Path(each) != path.parent)
    assert "the folder" in inspect_database(f"sqlite:///{path}", "7", dry_run=False).message


def test_a_lock_is_not_waited_for_and_a_broken_file_is_unknown(path: Path) -> None:
    write(path, LIVE)
    with sqlite3.connect(path, isolation_level=None) as holder:
        holder.execute("begin exclusive")
        check = inspect_database(f"sqlite:///{path}", "7", dry_run=False)
        assert check.status is UNKNOWN
        assert "locked" in check.message
        holder.execute("rollback")
    holder.close()
    path.write_bytes(b"no database" * 100)
    assert inspect_database(f"sqlite:///{path}", "7", dry_run=False).status is UNKNOWN
