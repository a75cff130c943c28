"""Promise: what the bot knows of its orders is what was last written down, whoever wrote it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from freqtrade.persistence import init_db
from sqlalchemy.orm import Session

from bitget_margin.freqtrade.order_store import CancelBatch, OrderStore
from bitget_margin.freqtrade.tracked_order import Origin, Phase, TrackedOrder, TradeKey
from support.in_process_bot import close_database

TRADE = TradeKey(1, 1_700_000_000_000)


@pytest.fixture
def records() -> Iterator[OrderStore]:
    """Return the records of a database of this test's own."""
    init_db("sqlite://")
    yield OrderStore()
    close_database()


def rung(number: int, trade: TradeKey = TRADE, ladder: str = "take") -> TrackedOrder:
    return TrackedOrder(
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
        intended_ms=TRADE.opened_ms + number,
    )


def test_every_write_is_in_the_next_read(records: OrderStore) -> None:
    assert records.of_trade(TRADE) == []
    first, second = rung(0), rung(1)
    records.add([first, second])
    assert records.of_trade(TRADE) == [first, second]
    ended = replace(first, phase=Phase.ENDED, order_id="7", filled=0.4, average=101.0)
    records.update([(first, ended)])
    assert records.of_trade(TRADE) == [ended, second]
    records.forget(second)
    assert records.of_trade(TRADE) == [ended]
    records.forget(second)
    assert records.of_trade(TRADE) == [ended]


def test_a_trade_s_orders_are_its_own_and_a_ladder_s_too(records: OrderStore) -> None:
    later = TradeKey(TRADE.id, TRADE.opened_ms + 1)
    mine, other, again = rung(0), rung(0, ladder="other"), rung(0, later, "again")
    records.add([mine, other, again])
    assert records.of_trade(TRADE, "take") == [mine]
    assert records.of_trade(later) == [again]
    assert records.of_trade(TRADE) == [mine, other]


def test_what_is_written_during_a_read_is_in_the_next_one(records: OrderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    first = rung(0)
    records.add([first])
    ended = replace(first, phase=Phase.ENDED, order_id="7")
    find = OrderStore._find

    def overtaken(self: OrderStore, *wanted: Any) -> list[TrackedOrder]:
        read = find(self, *wanted)
        monkeypatch.undo()
        self.update([(first, ended)])
        return read

    monkeypatch.setattr(OrderStore, "_find", overtaken)
    assert records.of_trade(TRADE) == [first]
    assert records.of_trade(TRADE) == [ended]


def test_what_is_read_during_a_write_waits_for_nothing_and_is_read_again(
    records: OrderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite may make a writer wait for a thread that reads here before it commits."""
    first = rung(0)
    records.add([first])
    records.of_trade(TRADE)
    commit, writing, committing = Session.commit, threading.Event(), threading.Event()

    def slowly(session: Session) -> None:
        writing.set()
        assert committing.wait(10)
        commit(session)

    def found(_: OrderStore, *wanted: Any) -> list[TrackedOrder]:
        return [first]

    monkeypatch.setattr(Session, "commit", slowly)
    writer = threading.Thread(target=records.update, args=([(first, replace(first, phase=Phase.ENDED))],))
    writer.start()
    assert writing.wait(10)
    with monkeypatch.context() as before_the_commit:
        before_the_commit.setattr(OrderStore, "_find", found)
        assert records.of_trade(TRADE) == [first]
    committing.set()
    writer.join()
    assert records.of_trade(TRADE) == [replace(first, phase=Phase.ENDED)]


def test_of_two_writes_at_once_each_is_in_the_next_read(records: OrderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = rung(0), rung(1)
    records.add([first, second])
    records.of_trade(TRADE)
    commit = Session.commit

    def overtaken(session: Session) -> None:
        monkeypatch.undo()
        commit(session)
        records.update([(second, replace(second, settled=True))])

    monkeypatch.setattr(Session, "commit", overtaken)
    records.update([(first, replace(first, settled=True))])
    assert records.of_trade(TRADE) == [replace(first, settled=True), replace(second, settled=True)]


def test_an_order_that_is_named_twice_in_a_write_keeps_both_changes(records: OrderStore) -> None:
    first = rung(0)
    records.add([first])
    records.of_trade(TRADE)
    filled = replace(first, filled=0.5)
    records.update([(first, filled), (filled, replace(filled, settled=True))])
    assert records.of_trade(TRADE) == OrderStore().of_trade(TRADE) == [replace(first, filled=0.5, settled=True)]


def test_what_is_remembered_of_a_write_is_what_was_written(records: OrderStore) -> None:
    first, second, third = (rung(number) for number in range(3))
    records.add([first, second, third])
    records.of_trade(TRADE)
    records.update(
        [
            (first, replace(first, phase=Phase.LIVE, order_id="7")),
            (second, replace(second, phase=Phase.REFUSED, reason="no" * 200)),
            (third, third),
        ],
    )
    remembered = records.of_trade(TRADE)
    assert [(one.phase, one.order_id) for one in remembered] == [
        (Phase.LIVE, "7"),
        (Phase.REFUSED, None),
        (Phase.INTENDED, None),
    ]
    assert remembered == OrderStore().of_trade(TRADE)


def test_a_write_changes_what_has_changed_alone(records: OrderStore) -> None:
    """Of two threads that know different things of an order, neither undoes the other."""
    first = rung(0)
    records.add([first])
    records.of_trade(TRADE)
    records.update([(first, replace(first, settled=True))])
    records.update([(first, replace(first, phase=Phase.ENDED))])
    assert records.of_trade(TRADE) == OrderStore().of_trade(TRADE) == [replace(first, settled=True, phase=Phase.ENDED)]


def test_a_write_that_fails_leaves_what_was_written_before(
    records: OrderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = rung(0)
    records.add([first])
    records.of_trade(TRADE)
    monkeypatch.setattr(Session, "commit", failing)
    with pytest.raises(OSError, match="disk"):
        records.update([(first, replace(first, phase=Phase.ENDED))])
    monkeypatch.undo()
    assert records.of_trade(TRADE) == [first]


def test_a_batch_and_what_it_did_are_one_write(records: OrderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    first = rung(0)
    records.add([first])
    batch = CancelBatch(first.pair, 7, "batch cancel: 1 canceled")
    monkeypatch.setattr(Session, "commit", failing)
    with pytest.raises(OSError, match="disk"):
        records.update([(first, replace(first, phase=Phase.ENDED))], batch)
    monkeypatch.undo()
    assert (records.of_trade(TRADE), records.batches(first.pair, 0)) == ([first], [])
    records.update([(first, first)], batch)
    assert (records.of_trade(TRADE), records.batches(first.pair, 0)) == ([first], [batch])
    records.update([(first, replace(first, phase=Phase.ENDED))], replace(batch, at_ms=9))
    assert records.of_trade(TRADE) == [replace(first, phase=Phase.ENDED)]
    assert records.batches(first.pair, 8) == [replace(batch, at_ms=9)]


def failing(_: Session) -> None:
    raise OSError("disk full")


def test_who_is_given_the_orders_cannot_change_what_is_known(records: OrderStore) -> None:
    records.add([rung(0)])
    records.of_trade(TRADE).clear()
    assert records.of_trade(TRADE) == [rung(0)]
