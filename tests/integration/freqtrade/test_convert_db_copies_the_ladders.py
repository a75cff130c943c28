"""Promise: freqtrade's `convert-db` copies the bot's key and ladders completely, and mixes them with no others."""

import contextlib
import importlib
import os
import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.emulator import Emulator
from bitget_margin.freqtrade import convert_db
from bitget_margin.freqtrade.compat import ModelBase, OperationalException
from support import forked
from support.bot import PAIRS, Bot, config, live_orders
from support.in_process_bot import close_database
from support.running_bot import RunningBot, assert_books_agree, enter, wait_until_closed

KEY = "k3x9ab12"
OTHER = "zzzzzzz9"
COLUMNS = (
    "client_id, kind, trade_id, opened_ms, pair, side, ladder, number, price, amount, intended_ms, phase, order_id, "
    "filled, average, reason, settled"
)
RUNG = f"('{KEY}-1-0a1b2c3d-0', 'rung', 1, 1700000000000, 'BTC/USDT', 'sell', 'tp', 0, 61000.5, 0.25, 1700000000001, "
RUNG += "'live', '1179542168995600000', 0.125, 61000.5, NULL, 0)"


@pytest.mark.slow
def test_a_bot_on_the_converted_database_exits_with_its_ladder(venue: Emulator, tmp_path: Path) -> None:
    """A real bot, and freqtrade's command on its database; with the key the next bot knows its resting orders."""
    pair = PAIRS[0]
    with Bot(tmp_path, config(venue, [pair], tmp_path)).start() as bot:
        running = RunningBot(bot, venue, iter([pair]))
        _, rungs = enter(running, pair)
        bot.stop()
        venue.fill(rungs[0].order_id, "0.5")
        before, new = bot.resting(), tmp_path / "new.sqlite"
        words = ("convert-db", "--db-url", url(new), "--db-url-from", url(bot.database))
        converting = forked.start(words, bot.log, tmp_path, os.environ)
        converting.join(60)
        assert converting.exitcode == 0, bot.log_text()[-2_000:]
        bot.settings["db_url"], bot.database = url(new), new
        assert bot.resting() == before
        bot.start()
        bot.instruct(pair, exit=True)
        trade = wait_until_closed(running, pair)
        assert live_orders(venue, pair) == []
        assert_books_agree(running, trade)


# -- the command in this process, on databases with rows from plain SQL -----------------------------------------------


class Folder:
    """Two databases of freqtrade, and its command."""

    def __init__(self, folder: Path) -> None:
        self.source, self.target = folder / "old.sqlite", folder / "new.sqlite"
        self.commands: Any = importlib.import_module("freqtrade.commands")

    def make(self, file: Path, *statements: str) -> None:
        """Create a database as a bot does, and run these statements on it."""
        persistence: Any = importlib.import_module("freqtrade.persistence.models")
        persistence.init_db(url(file))
        if TRADE in statements:
            known = {"pair": "BTC/USDT", "exchange": "bitgetcross", "open_rate": 60_000.0, "amount": 0.01}
            persistence.Trade.session.add(persistence.Trade(**known, fee_open=0.001, fee_close=0.001, stake_amount=600))
            persistence.Trade.commit()
        persistence.Trade.session.remove()
        with contextlib.closing(sqlite3.connect(file)) as database, database:
            for statement in statements:
                if statement != TRADE:
                    database.execute(statement)

    def convert(self, source: str | None = None, target: str | None = None) -> None:
        """Run the command as freqtrade's parser calls it."""
        source, target = source or url(self.source), target or url(self.target)
        self.commands.start_convert_db({"config": [], "db_url": target, "db_url_from": source})

    def rows(self, file: Path, table: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            return database.execute(f"select * from {table}").fetchall()  # noqa: S608 - our own tables


def url(file: Path) -> str:
    return f"sqlite:///{file}"


OURS = (
    f"insert into bitget_margin_bot (id, key) values (1, '{KEY}')",  # noqa: S608 - written here
    f"insert into bitget_margin_orders ({COLUMNS}) values {RUNG}",  # noqa: S608 - written here
    "insert into bitget_margin_batches (id, pair, at_ms, label) values (7, 'BTC/USDT', 1700000000000, '3 canceled')",
)
ENTRY = "insert into bitget_margin_entries (client_id, pair, is_short, leverage, besides, at_ms) "
ENTRY += f"values ('{KEY}-o7', 'BTC/USDT', 1, 2.0, -0.25, 1700000000000)"
IDENTITY = "insert into bitget_margin_database (id, exchange, run_mode, uid) values (1, 'bitgetcross', 'live', '41')"
TRADE = "a trade"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    made = Folder(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "user_data").mkdir()
    monkeypatch.setattr(made.commands, "start_convert_db", made.commands.db_commands.start_convert_db)
    convert_db.install()
    convert_db.install()
    yield made
    close_database()


def test_all_tables_of_the_plugin_are_copied(folder: Folder) -> None:
    """Value by value, with freqtrade's own rows; the new database numbers the batches itself."""
    folder.make(folder.source, TRADE, IDENTITY, *OURS)
    folder.convert()
    assert len(folder.rows(folder.target, "trades")) == 1
    for table in ("bitget_margin_bot", "bitget_margin_orders", "bitget_margin_database"):
        assert folder.rows(folder.target, table) == folder.rows(folder.source, table)
    ((_, *batch),) = folder.rows(folder.target, "bitget_margin_batches")
    assert batch == ["BTC/USDT", 1_700_000_000_000, "3 canceled"]


@pytest.mark.parametrize("others", [OURS, ()], ids=["with orders", "alone"])
def test_entries_of_leveraged_trades_are_copied(folder: Folder, others: tuple[str, ...]) -> None:
    """Without them, the owner's own coins would count as those of the open trades."""
    folder.make(folder.source, TRADE, ENTRY, *others)
    folder.convert()
    assert folder.rows(folder.target, "bitget_margin_entries") == [
        (f"{KEY}-o7", "BTC/USDT", 1, 2.0, -0.25, 1_700_000_000_000)
    ]


def test_a_database_of_the_version_without_entries_is_converted(folder: Folder) -> None:
    folder.make(folder.source, TRADE, IDENTITY, *OURS, "drop table bitget_margin_entries")
    folder.convert()
    assert len(folder.rows(folder.target, "bitget_margin_orders")) == 1
    assert folder.rows(folder.target, "bitget_margin_entries") == []


@pytest.mark.parametrize("older", ["source", "target", "both"])
def test_a_database_of_the_version_before_is_converted(folder: Folder, older: str) -> None:
    """It lacks the columns with the amounts of covers, and of orders that were forgotten."""
    less = [f"alter table bitget_margin_orders drop column {name}" for name in ("sent", "forgotten_ms")]
    folder.make(folder.source, TRADE, IDENTITY, *OURS, *(less if older != "target" else ()))
    folder.make(folder.target, *(less if older != "source" else ()))
    folder.convert()
    (row,) = folder.rows(folder.target, "bitget_margin_orders")
    (source,) = folder.rows(folder.source, "bitget_margin_orders")
    assert row == (*source[:17], None, None)


def test_no_table_of_ours_is_forgotten() -> None:
    declared = {name for name in ModelBase.metadata.tables if name.startswith("bitget_margin")}
    assert {table.name for table in convert_db.TABLES} == declared


def test_the_key_alone_is_copied_too_also_onto_itself(folder: Folder) -> None:
    """Client order ids of the bot's own entries and exits begin with it."""
    folder.make(folder.source, OURS[0], IDENTITY)
    folder.make(folder.target, OURS[0], IDENTITY)
    folder.convert()
    assert folder.rows(folder.target, "bitget_margin_bot") == [(1, KEY)]
    assert folder.rows(folder.target, "bitget_margin_database") == [(1, "bitgetcross", "live", "41")]


def test_the_account_alone_is_copied_too(folder: Folder) -> None:
    folder.make(folder.source, IDENTITY)
    folder.make(folder.target)
    folder.convert()
    assert folder.rows(folder.target, "bitget_margin_database") == [(1, "bitgetcross", "live", "41")]


def test_a_database_without_rows_of_the_plugin_is_left_to_freqtrade(folder: Folder) -> None:
    folder.make(folder.source, TRADE)
    folder.make(folder.target, OURS[0])
    folder.convert()
    assert len(folder.rows(folder.target, "trades")) == 1
    assert folder.rows(folder.target, "bitget_margin_bot") == [(1, KEY)]


@pytest.mark.parametrize(
    ("there", "message"),
    [
        ((OURS[0].replace(KEY, OTHER),), f"has the key {OTHER} of another bot, and .* has {KEY}"),
        ((OURS[0], OURS[1]), "already has 1 orders and 0 batch cancels of the plugin, and 0 trades"),
        ((OURS[1],), "already has 1 orders"),
        ((ENTRY,), "already has 1 orders"),
        ((OURS[2],), "0 orders and 1 batch cancels"),
        ((TRADE,), "and 1 trades"),
        (OURS, "already has 1 orders and 1 batch cancels"),
        ((IDENTITY,), r"a bot on bitgetcross \(live, UID 41\), and .* to one on an unknown account"),
    ],
    ids=["key", "orders", "orders without a key", "entries", "batches", "trades", "the same again", "account"],
)
def test_nothing_is_mixed_with_what_is_there(folder: Folder, there: tuple[str, ...], message: str) -> None:
    """Refused before anything is written, with what to do."""
    folder.make(folder.source, TRADE, *OURS)
    folder.make(folder.target, *there)
    before = folder.target.read_bytes()
    with pytest.raises(OperationalException, match=rf"{message}.*nothing was written: convert into an empty database"):
        folder.convert()
    assert folder.target.read_bytes() == before


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("sqlite:///absent.sqlite", None, "there is no database of freqtrade at sqlite:///absent.sqlite"),
        ("sqlite:///empty.sqlite", None, "there is no database of freqtrade at sqlite:///empty.sqlite"),
        (None, "sqlite:///old.sqlite", "are the same database"),
        ("no url", None, "is no URL of a database"),
    ],
)
def test_what_cannot_be_converted_creates_no_database(
    folder: Folder, source: str | None, target: str | None, message: str
) -> None:
    folder.make(folder.source, *OURS)
    Path("empty.sqlite").touch()
    with pytest.raises(OperationalException, match=message):
        folder.convert(source, target)
    assert not Path("absent.sqlite").exists()
    assert not folder.target.exists()


def test_a_password_in_a_url_is_not_shown(folder: Folder) -> None:
    folder.make(folder.source, *OURS)
    with pytest.raises(OperationalException) as refused:
        folder.convert("sqlite://me:sesame@/absent.sqlite")
    assert "sesame" not in str(refused.value)


def test_a_copy_that_fails_is_reported_and_leaves_nothing_half(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2 of freqtrade's: no bot is to be started on trades whose resting orders are not known."""
    folder.make(folder.source, TRADE, *OURS)
    own = folder.commands.db_commands.start_convert_db

    def without_the_table(arguments: dict[str, Any]) -> None:
        own(arguments)
        with contextlib.closing(sqlite3.connect(folder.target)) as database, database:
            database.execute("drop table bitget_margin_batches")

    monkeypatch.setattr(folder.commands, "start_convert_db", partial(convert_db._convert, without_the_table))
    with pytest.raises(OperationalException, match="the bot's key and resting orders are not"):
        folder.convert()
    assert folder.rows(folder.target, "bitget_margin_bot") == []
    assert folder.rows(folder.target, "bitget_margin_orders") == []
