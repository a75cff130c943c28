"""Promise: each entry is stored before it is sent, and its trade finds the first one again, after a crash too."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from freqtrade.persistence import Trade, init_db
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from bitget_margin.freqtrade.margin_entries import MarginEntries, MarginEntry
from support.borrowing import OPENED, OPENED_MS, position
from support.in_process_bot import close_database

ENTRY = MarginEntry("k-o1", "BTC/USDT", is_short=False, leverage=3.0, besides=0.25, at_ms=OPENED_MS - 300)
SHORT = replace(ENTRY, client_id="k-o2", is_short=True, leverage=2.0, besides=-0.5)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """Open a new database, as freqtrade does."""
    path = tmp_path / "trades.sqlite"
    init_db(f"sqlite:///{path}")
    yield path
    close_database()


@pytest.fixture
def entries(file: Path) -> MarginEntries:
    return MarginEntries()


def test_an_entry_is_found_by_its_client_order_id_in_the_next_run(entries: MarginEntries) -> None:
    """A sell that is no entry is the exit of a long."""
    entries.add(ENTRY)
    entries.add(SHORT)
    again = MarginEntries()
    assert again.of_client_id("k-o1") == ENTRY
    assert again.of_client_id("k-o2") == SHORT
    assert again.of_client_id("k-1-0-0") is None


def test_the_name_of_an_entry_that_was_refused_may_be_given_again(entries: MarginEntries) -> None:
    entries.add(ENTRY)
    entries.add(replace(ENTRY, besides=0.5))
    assert entries.of_client_id("k-o1") == replace(ENTRY, besides=0.5)


@pytest.mark.parametrize(
    ("change", "is_its"),
    [
        ({}, True),
        ({"at_ms": OPENED_MS}, True),
        ({"at_ms": OPENED_MS + 1}, False),
        ({"at_ms": OPENED_MS - 120_000}, True),
        ({"at_ms": OPENED_MS - 120_001}, False),
        ({"pair": "ETH/USDT"}, False),
        ({"is_short": True}, False),
    ],
    ids=["before it", "found again", "an addition", "slow", "of an earlier trade", "pair", "direction"],
)
def test_the_first_entry_of_a_trade_is_the_last_one_before_it(
    entries: MarginEntries, change: dict[str, Any], is_its: bool
) -> None:
    """A trade is opened once its order was placed; one that was found again has the time of the order."""
    entries.add(replace(ENTRY, **change))
    assert (entries.first_of(position("BTC/USDT")) is not None) is is_its


def test_of_several_entries_of_a_trade_the_last_before_it_counts(entries: MarginEntries) -> None:
    """One that was refused or canceled came before, one that adds to the trade after it."""
    for number, after_ms in enumerate((-9_000, -300, -5_000, 700)):
        entries.add(replace(ENTRY, client_id=f"k-o{number}", at_ms=OPENED_MS + after_ms))
    found = entries.first_of(position("BTC/USDT"))
    assert found is not None
    assert found.client_id == "k-o1"


def test_a_trade_of_the_same_number_and_another_time_is_another(entries: MarginEntries) -> None:
    """The database gives the number of a deleted trade again."""
    entries.add(ENTRY)
    later = timedelta(seconds=60)
    assert entries.first_of(position("BTC/USDT")) == ENTRY
    entries.add(replace(SHORT, at_ms=OPENED_MS + 59_900))
    found = entries.first_of(position("BTC/USDT", short=True, open_date=OPENED + later))
    assert found is not None
    assert found.besides == -0.5


def test_the_entry_of_a_trade_is_read_once_and_asked_for_until_it_is_there(entries: MarginEntries) -> None:
    """Balances are asked for all the time; one without an entry, of a database without the table, is asked again."""
    trade = position("BTC/USDT")
    assert entries.first_of(trade) is None
    entries.add(ENTRY)
    assert entries.first_of(trade) == ENTRY
    with Trade.session.get_bind().begin() as connection:
        connection.execute(text("delete from bitget_margin_entries"))
    assert entries.first_of(trade) == ENTRY


def test_an_entry_that_cannot_be_stored_raises_within_a_moment(entries: MarginEntries, file: Path) -> None:
    """The order is not sent then; freqtrade's own wait for a lock would hold exits up."""
    with Trade.session.get_bind().connect() as other:
        other.execute(text("begin immediate"))
        with pytest.raises(OperationalError, match="locked"):
            entries.add(ENTRY)
        other.rollback()
    assert entries.of_client_id("k-o1") is None
