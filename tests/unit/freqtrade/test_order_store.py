"""Promise: the order store returns the orders as they were last written, by whichever thread, before a restart too."""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from freqtrade.persistence import Trade, init_db
from sqlalchemy import create_engine
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from bitget_margin.client_order_ids import KEY_LENGTH
from bitget_margin.freqtrade.order_store import CancelBatch, OrderStore, TrackedOrderRow
from bitget_margin.freqtrade.tracked_order import Origin, Phase, TrackedOrder, TradeKey
from support.in_process_bot import close_database

TRADE = TradeKey(1, 1_700_000_000_000)
OLD_TABLES = (
    "create table bitget_margin_bot (id integer primary key, key varchar(32) not null)",
    (
        "create table bitget_margin_orders (client_id varchar(32) primary key, kind varchar(16) not null, "
        "trade_id integer, opened_ms bigint, pair varchar(25) not null, side varchar(8) not null, "
        "ladder varchar(255) not null, number integer not null, price float not null, amount float not null, "
        "intended_ms bigint not null, phase varchar(16) not null, order_id varchar(64), filled float not null, "
        "average float, reason varchar(255), settled boolean not null)"
    ),
    "create index bitget_margin_orders_phase on bitget_margin_orders (phase)",
    "insert into bitget_margin_bot values (1, 'k3x9ab12')",
    (
        "insert into bitget_margin_orders values ('k3x9ab12-1-0a1b2c3d-0', 'rung', 1, 1700000000000, 'BTC/USDT', "
        "'sell', 'take', 0, 100.5, 1.0, 1700000000001, 'live', '1179542168995600000', 0.25, 100.5, 'no answer', 0)"
    ),
    (
        "insert into bitget_margin_orders values ('k3x9ab12-o0123456789abcdef', 'own', null, null, 'BTC/USDT', 'buy', "
        "'', 0, 99.0, 2.0, 1700000000002, 'intended', null, 0.0, null, null, 1)"
    ),
)
"""The schema and values of 1.0, by plain SQL."""
COVERS = "alter table bitget_margin_orders add column sent DOUBLE"
"""What the next version has added, in its first start."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "trades.sqlite"


@pytest.fixture
def store(file: Path) -> Iterator[OrderStore]:
    """Return the store of a new database."""
    init_db(f"sqlite:///{file}")
    yield OrderStore()
    close_database()


def order(number: int, trade: TradeKey = TRADE, ladder: str = "take", **more: Any) -> TrackedOrder:
    """Return a resting sell of a trade, about to be sent."""
    made = TrackedOrder(
        client_id=f"key-{trade.id}-{ladder}-{number}",
        origin=Origin.LADDER,
        trade_id=trade.id,
        opened_ms=trade.opened_ms,
        pair="BTC/USDT",
        side="sell",
        ladder=ladder,
        number=number,
        price=100.0 + number,
        amount=1.0,
        intended_ms=TRADE.opened_ms,
    )
    return replace(made, **more)


def test_each_write_is_in_the_next_read(store: OrderStore) -> None:
    first, second = order(0), order(1)
    store.add([second, first])
    assert store.of_trade(TRADE) == [first, second]
    ended = replace(first, phase=Phase.ENDED, order_id="7", filled=0.4, average=101.0, reason="x", settled=True)
    store.update([(first, ended), (second, second)])
    assert store.of_trade(TRADE) == OrderStore().of_trade(TRADE) == [ended, second]
    store.forget(second)
    store.forget(second)
    assert store.of_trade(TRADE) == [ended]
    store.update([(second, replace(second, filled=1.0))])
    assert store.of_trade(TRADE) == [ended]


def test_another_thread_s_write_is_in_the_next_read(store: OrderStore) -> None:
    first = order(0)
    store.add([first])
    assert store.of_trade(TRADE) == [first]
    assert Trade.get_trades_proxy() == []  # freqtrade's session has a transaction of its own
    ended = replace(first, phase=Phase.ENDED)
    writer = threading.Thread(target=OrderStore().update, args=([(first, ended)],))
    writer.start()
    writer.join()
    assert store.of_trade(TRADE) == [ended]


def test_of_several_changes_of_an_order_the_last_counts(store: OrderStore) -> None:
    first = order(0)
    store.add([first])
    filled = replace(first, filled=0.5)
    store.update([(first, filled), (filled, replace(filled, settled=True))])
    assert store.of_trade(TRADE) == [replace(first, filled=0.5, settled=True)]


def test_a_long_reason_is_cut(store: OrderStore) -> None:
    store.add([order(0, reason="a" * 300)])
    store.update([(order(1), order(1, reason="b"))], CancelBatch("BTC/USDT", 7, "c" * 300))
    (cut,) = store.of_trade(TRADE)
    assert cut.reason == "a" * 255
    assert store.batches("BTC/USDT", 0) == [CancelBatch("BTC/USDT", 7, "c" * 255)]


def test_a_batch_and_its_orders_are_one_write(store: OrderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    first, batch = order(0), CancelBatch("BTC/USDT", 7, "batch cancel: 1 canceled")
    ended = replace(first, phase=Phase.ENDED)
    store.add([first])

    def failing(_: Session) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(Session, "commit", failing)
        with pytest.raises(OSError, match="disk"):
            store.update([(first, ended)], batch)
    assert (store.of_trade(TRADE), store.batches("BTC/USDT", 0)) == ([first], [])
    store.update([(first, first)], batch)
    store.update([(first, ended)], replace(batch, at_ms=5))
    assert store.of_trade(TRADE) == [ended]
    assert store.batches("BTC/USDT", 5) == [replace(batch, at_ms=5), batch]
    assert store.batches("BTC/USDT", 6) == [batch]
    assert store.batches("ETH/USDT", 0) == []


LATER = TradeKey(TRADE.id, TRADE.opened_ms + 1)
INTENDED = order(0)
LIVE = order(1, phase=Phase.LIVE, order_id="7")
BOOKED = order(2, phase=Phase.ENDED, filled=1.0, settled=True)
EMPTY = order(3, phase=Phase.ENDED)
FILLED = order(4, phase=Phase.ENDED, filled=0.5)
WAITING = order(5, ladder="second", phase=Phase.WAITING)
AGAIN = order(6, LATER, "again", phase=Phase.LOST, pair="ETH/USDT")
ENTRY = order(7, ladder="", origin=Origin.FREQTRADE, client_id="key-o1")
SOLD = order(8, ladder="", origin=Origin.FREQTRADE, client_id="key-o2", phase=Phase.ENDED, filled=1.0)
ALL = (INTENDED, LIVE, BOOKED, EMPTY, FILLED, WAITING, AGAIN, ENTRY, SOLD)


QUERIES = pytest.mark.parametrize(
    ("query", "found"),
    [
        (lambda store: store.open(Origin.LADDER), [INTENDED, LIVE]),
        (lambda store: store.open(Origin.FREQTRADE), [ENTRY]),
        (lambda store: store.in_phase(Phase.ENDED), [BOOKED, EMPTY, FILLED, SOLD]),
        (lambda store: store.in_phase(Phase.WAITING), [WAITING]),
        (lambda store: store.unsettled(), [FILLED]),
        (lambda store: store.of_trade(TRADE), [INTENDED, LIVE, BOOKED, EMPTY, FILLED, WAITING]),
        (lambda store: store.of_trade(TRADE, "second"), [WAITING]),
        (lambda store: store.of_trade(LATER), [AGAIN]),
        (lambda store: store.of_trade(TradeKey(2, TRADE.opened_ms)), []),
        (lambda store: store.own_of(TRADE), [ENTRY, SOLD]),
        (lambda store: store.own_of(LATER), []),
        (lambda store: store.resting_on("ETH/USDT"), [AGAIN]),
        (lambda store: store.resting_on("BTC/USDT"), [INTENDED, LIVE, BOOKED, EMPTY, FILLED, WAITING]),
        (lambda store: [store.by_order_id("7")], [LIVE]),
        (lambda store: [store.by_order_id("8")], [None]),
        (lambda store: [store.by_client_id("key-o1")], [ENTRY]),
        (lambda store: [store.by_client_id("key-o3")], [None]),
    ],
)


@QUERIES
def test_each_query_finds_its_orders(
    store: OrderStore, query: Callable[[OrderStore], list[TrackedOrder]], found: list[TrackedOrder]
) -> None:
    store.add(ALL)
    assert query(store) == found


# -- a database that cannot be written --------------------------------------------------------------------------------


class Disk:
    """A database that takes writes only while a test lets it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_full = False
        commit = Session.commit

        def commit_or_fail(session: Session) -> None:
            if self.is_full:
                raise OperationalError("insert", {}, Exception("disk full"))
            commit(session)

        monkeypatch.setattr(Session, "commit", commit_or_fail)


@pytest.fixture
def disk(store: OrderStore, monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


@QUERIES
def test_what_could_not_be_written_is_part_of_every_answer(
    store: OrderStore, disk: Disk, query: Callable[[OrderStore], list[TrackedOrder]], found: list[TrackedOrder]
) -> None:
    stored = [replace(order, phase=Phase.INTENDED, order_id=None, filled=0.0, settled=False) for order in ALL[:5]]
    store.add(stored)
    disk.is_full = True
    store.update(zip(stored, ALL[:5], strict=True))
    for order in ALL[5:]:
        store.note(order)
    assert query(store) == found


def test_what_could_not_be_written_is_written_by_the_next_call_that_can(
    store: OrderStore, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    first, second, third = order(0), order(1), order(2)
    store.add([first])
    disk.is_full = True
    store.note(second)
    store.update([(second, replace(second, filled=0.25))])
    store.update([(first, replace(first, filled=0.5))])
    store.note(third)
    store.forget(third)
    expected = [replace(first, filled=0.5), replace(second, filled=0.25)]
    assert store.of_trade(TRADE) == expected
    assert OrderStore().of_trade(TRADE) == [first]
    assert len(caplog.messages) == 5
    assert caplog.messages[0].startswith("The bot's orders could not be stored, and are kept in memory: ")
    disk.is_full = False
    store.update([], CancelBatch("BTC/USDT", 7, "batch"))
    assert OrderStore().of_trade(TRADE) == store.of_trade(TRADE) == expected
    disk.is_full = True
    store.note(third)
    assert store.of_trade(TRADE) == [*expected, third], "what was kept before is not kept twice"
    disk.is_full = False
    store.add([order(3)])
    assert OrderStore().of_trade(TRADE) == [*expected, third, order(3)]


def test_a_removal_that_could_not_be_written_removes_the_order_from_every_answer(store: OrderStore, disk: Disk) -> None:
    first = order(0)
    store.add([first])
    disk.is_full = True
    store.forget(first)
    assert store.of_trade(TRADE) == []
    assert store.by_client_id(first.client_id) is None
    store.note(first)
    assert store.of_trade(TRADE) == [first]
    disk.is_full = False
    store.update([(first, replace(first, filled=0.5))])
    assert OrderStore().of_trade(TRADE) == [replace(first, filled=0.5)]


@pytest.mark.parametrize("is_full", [False, True], ids=["written", "not written"])
def test_a_change_of_an_order_that_was_removed_does_not_bring_it_back(
    store: OrderStore, disk: Disk, *, is_full: bool
) -> None:
    """Another thread may remove an order, because freqtrade has stored it, while its answer is awaited."""
    first, second = order(0), order(1)
    store.add([first, second])
    disk.is_full = is_full
    store.forget(first)
    store.update([(first, replace(first, filled=0.5)), (second, replace(second, filled=0.25))])
    expected = [replace(second, filled=0.25)]
    assert store.of_trade(TRADE) == expected
    disk.is_full = False
    store.add([order(2)])
    assert OrderStore().of_trade(TRADE) == store.of_trade(TRADE) == [*expected, order(2)]


def test_orders_that_are_about_to_be_sent_are_refused_and_not_kept(store: OrderStore, disk: Disk) -> None:
    disk.is_full = True
    with pytest.raises(OperationalError, match="disk full"):
        store.add([order(0)])
    disk.is_full = False
    store.note(order(1))
    assert store.of_trade(TRADE) == [order(1)]


def test_nothing_to_write_is_no_write(store: OrderStore, disk: Disk, caplog: pytest.LogCaptureFixture) -> None:
    store.add([order(0)])
    disk.is_full = True
    store.update([(order(0), order(0))])
    assert caplog.messages == []


def test_a_locked_database_is_waited_for_shortly_and_freqtrade_s_own_connections_as_long_as_before(
    store: OrderStore, file: Path
) -> None:
    store.add([order(0)])
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("begin immediate")
        began = time.monotonic()
        store.note(order(1))
        assert time.monotonic() - began < 2.0, "freqtrade waits for 5 s"
        other.execute("rollback")
    assert store.of_trade(TRADE) == [order(0), order(1)]
    with Trade.session.get_bind().connect() as connection:
        (usual_ms,) = connection.connection.dbapi_connection.execute("pragma busy_timeout").fetchone()
    assert usual_ms == 5_000


@pytest.mark.parametrize("wait", ["do_execute", "do_commit"])
def test_an_interrupt_while_the_database_is_waited_for_comes_through(
    store: OrderStore, monkeypatch: pytest.MonkeyPatch, wait: str
) -> None:
    """What took its place would be handled by freqtrade, which would go on trading."""
    known, changed, new = order(0), order(0, filled=0.5), order(1)
    store.add([known])
    own = getattr(DefaultDialect, wait)

    def interrupted(*args: Any, **named: Any) -> None:
        own(*args, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(DefaultDialect, wait, interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.update([(known, changed)])
    store.add([new])
    assert store.of_trade(TRADE)[1] == new


def test_a_database_in_memory_is_written_too() -> None:
    init_db("sqlite://")
    store = OrderStore()
    store.add([order(0)])
    assert store.of_trade(TRADE) == [order(0)]
    close_database()


def test_orders_come_oldest_first(store: OrderStore) -> None:
    younger, older = order(0, intended_ms=9), order(1, intended_ms=8)
    store.add([younger, older])
    assert store.of_trade(TRADE) == [older, younger]


def test_the_key_of_a_database_is_made_once(store: OrderStore) -> None:
    key = store.key()
    assert len(key) == KEY_LENGTH
    assert store.key() == OrderStore().key() == key


def test_a_database_of_the_version_before_is_read_and_written(file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        for statement in OLD_TABLES:
            database.execute(statement)
    init_db(f"sqlite:///{file}")
    store = OrderStore()
    (rung,), (entry,) = store.open(Origin.LADDER), store.open(Origin.FREQTRADE)
    assert store.key() == "k3x9ab12"
    assert (rung.phase, rung.trade, rung.filled, rung.settled) == (Phase.LIVE, TRADE, 0.25, False)
    assert (entry.client_id, entry.trade, entry.settled) == ("k3x9ab12-o0123456789abcdef", None, True)
    assert {rung.sent, entry.sent} == {None}
    store.update([(rung, replace(rung, phase=Phase.ENDED))])
    store.add([order(0)])
    close_database()
    with contextlib.closing(sqlite3.connect(file)) as database:
        rows = database.execute("select kind, phase, reason from bitget_margin_orders order by rowid").fetchall()
    assert rows == [("rung", "ended", "no answer"), ("own", "intended", None), ("rung", "intended", None)]


@pytest.mark.parametrize("has_sent", [False, True], ids=["1.0", "with covers"])
def test_fields_that_a_database_of_the_version_before_lacks_are_stored(file: Path, *, has_sent: bool) -> None:
    """The amount that a cover was sent with, and the time of the operator's word that an order is gone."""
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        for statement in (*OLD_TABLES, *([COVERS] if has_sent else [])):
            database.execute(statement)
    init_db(f"sqlite:///{file}")
    cover = order(0, side="buy", sent=1.001)
    OrderStore().add([cover])
    assert OrderStore().by_client_id(cover.client_id) == cover
    more = replace(cover, sent=1.002, phase=Phase.FORGOTTEN, forgotten_ms=1_764_446_400_000)
    OrderStore().update([(cover, more)])
    assert OrderStore().by_client_id(cover.client_id) == more
    close_database()
    with contextlib.closing(sqlite3.connect(file)) as database:
        columns = database.execute("select name, type from pragma_table_info('bitget_margin_orders')").fetchall()
    assert columns[-2:] == [("sent", "DOUBLE"), ("forgotten_ms", "BIGINT")]


def test_threads_that_open_a_database_of_the_version_before_at_once_all_read_it(file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        for statement in OLD_TABLES:
            database.execute(statement)
    init_db(f"sqlite:///{file}")
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(OrderStore().of_trade(TRADE)[0].sent)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    close_database()
    assert found == [None] * 4


@pytest.mark.parametrize(("name", "kind"), [("sent", "DOUBLE PRECISION"), ("forgotten_ms", "BIGINT")])
def test_the_new_columns_are_such_as_postgresql_knows(name: str, kind: str) -> None:
    column = TrackedOrderRow.__table__.c[name]
    assert (column.nullable, column.type.compile(postgresql.dialect())) == (True, kind)


def test_a_store_of_another_engine_writes_all_changes_or_raises(store: OrderStore, file: Path) -> None:
    """As the command of an operator does."""
    known = [order(0), order(1)]
    store.add(known)
    engine = create_engine(f"sqlite:///{file}")
    given = OrderStore(lambda: engine)
    given.write((each, replace(each, phase=Phase.FORGOTTEN)) for each in known)
    assert {each.phase for each in store.of_trade(TRADE)} == {Phase.FORGOTTEN}
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.execute("begin immediate")
        with pytest.raises(OperationalError, match="locked"):
            given.write([(known[0], known[0])])
    engine.dispose()
    assert {each.phase for each in given.of_trade(TRADE)} == {Phase.FORGOTTEN}, "nothing is kept in memory"
    engine.dispose()
