"""Resting orders: fills are recorded, unproven cancels are reported, and lost time is not spent twice."""

from dataclasses import replace
from types import SimpleNamespace

import ccxt
import pytest

from bitget_margin.core.outcome import Outcome
from bitget_margin.freqtrade.order_store import CancelBatch
from bitget_margin.freqtrade.resting_orders import held_by_sells
from bitget_margin.freqtrade.tracked_order import Phase
from support.botless import KEY, PAIR, Stand, live, own, rung


def test_open_orders_of_a_trade_are_its_resting_ones_that_may_trade(stand: Stand) -> None:
    stand.store.add(
        [
            live("a", filled=0.2),
            rung("b"),
            live("c", side="buy"),
            rung("d", side="buy"),
            live("e", filled=0.1),
            rung("f", amount=0.25),
            live("ended", phase=Phase.ENDED),
            live("other", trade_id=2),
            own("own"),
        ]
    )
    trade = stand.trades[KEY]
    assert [order.client_id for order in stand.resting.open_of(trade)] == list("abcdef")
    assert stand.resting.selling(trade) == pytest.approx(1.45)
    assert held_by_sells(stand.resting.open_of(trade)) == (pytest.approx(0.7), 0.75)


def test_a_look_up_records_what_it_shows_and_keeps_what_it_misses(stand: Stand) -> None:
    shown = live("a", filled=0.2)
    stand.venue.shown["a"] = shown
    orders = [live("a"), live("b")]
    budget = stand.resting.budget()
    stand.resting.look_up(stand.trades[KEY], orders, budget)
    assert stand.venue.viewed == [orders]
    assert stand.store.rows == {"a": shown, "b": orders[1]}
    assert stand.calls == [("fill", 1, "a", 0.2), ("fill", 1, "b", 0.0)]


def test_a_look_up_without_an_answer_changes_nothing(stand: Stand) -> None:
    stand.venue.error = ccxt.RequestTimeout("no answer")
    with pytest.raises(ccxt.RequestTimeout):
        stand.resting.look_up(stand.trades[KEY], [live()], stand.resting.budget())
    assert (stand.store.rows, stand.calls) == ({}, [])


def test_a_proven_cancel_is_stored_with_its_batch(stand: Stand) -> None:
    ended = live("a", phase=Phase.ENDED, filled=0.1)
    stand.venue.shown["a"] = ended
    done = stand.resting.cancel(stand.trades[KEY], PAIR, [live("a")], stand.resting.budget(), ["77"])
    assert stand.venue.canceled == [(["a"], ["77"])]
    assert done.orders == (ended,)
    assert stand.store.rows == {"a": ended}
    assert stand.store.batches == [CancelBatch(PAIR, 5_000_000, "batch cancel: 1 of 1 ended")]
    assert stand.calls == [("fill", 1, "a", 0.1)]
    assert stand.alerts.infos == [f"Resting orders of trade 1 on {PAIR} canceled: 1 of 1 ended."]
    assert stand.alerts.cleared == [f"cancel {PAIR} trade 1"]
    assert stand.alerts.warnings == []
    assert stand.resting.unresolved == {}
    assert not stand.resting.failed_this_loop(stand.trades[KEY])


def test_an_unproven_cancel_is_warned_of_with_three_names_at_most(stand: Stand) -> None:
    ended = live("a", phase=Phase.ENDED)
    stand.venue.shown["a"] = ended
    orders = [live("a"), live("b"), rung("c"), live("d"), live("e")]
    stand.resting.cancel(stand.trades[KEY], PAIR, orders, stand.resting.budget())
    ((text, about),) = stand.alerts.warnings
    assert text.startswith(
        f"4 resting orders of trade 1 on {PAIR} are not proven canceled: id-b (no answer); c (no answer); id-d (no "
        "answer). They may still trade;"
    )
    assert about == f"cancel {PAIR} trade 1"
    assert stand.alerts.infos == stand.alerts.cleared == []
    assert stand.resting.unresolved == {KEY: 1_000.0}


def test_a_foreign_order_that_is_not_proven_canceled_is_warned_of(stand: Stand) -> None:
    stand.venue.foreign = [
        SimpleNamespace(id="7", outcome=Outcome.CANCELED, reason=None),
        SimpleNamespace(id="8", outcome=Outcome.OPEN, reason="no"),
    ]
    stand.resting.cancel(stand.trades[KEY], PAIR, [], stand.resting.budget(), ["7", "8"])
    ((text, about),) = stand.alerts.warnings
    assert text.startswith(f"Order 8 on {PAIR}, which is none of this bot's (cancel_scope is 'pair'), is not proven")
    assert "canceled: open (no)" in text
    assert about is None


@pytest.mark.parametrize("ended", ["no trade", "closed"])
def test_a_fill_after_the_end_of_its_trade_is_warned_of(stand: Stand, ended: str) -> None:
    trade = None if ended == "no trade" else stand.trade(is_open=False)
    old, filled = live("a", filled=0.1), live("a", filled=0.2)
    stand.resting.record(trade, [old, live("b", filled=0.3)], [filled, live("b", filled=0.3)])
    ((text, _),) = stand.alerts.warnings
    assert f"Order id-a on {PAIR} filled 0.2 sell after its trade 1 had ended" in text
    assert stand.calls == []
    assert stand.store["a"] == filled


def test_the_orders_of_an_ended_trade_are_canceled_for_no_trade(stand: Stand) -> None:
    stand.resting.cancel(None, PAIR, [live()], stand.resting.budget())
    assert stand.resting.unresolved == {}
    assert "1 resting orders of an ended trade on" in stand.alerts.texts


def test_an_exit_has_less_time_by_what_unproven_cancels_of_this_loop_took(stand: Stand) -> None:
    trade, whole_ms = stand.trades[KEY], float(stand.settings.wait_ms)
    assert stand.resting.budget().left_ms() == whole_ms

    def take_time() -> None:
        stand.seconds += 1.25

    stand.venue.on_cancel = take_time
    for _ in range(2):
        stand.resting.cancel(trade, PAIR, [live()], stand.resting.budget())
    assert stand.resting.budget().left_ms() == whole_ms - 2_500
    assert stand.resting.failed_this_loop(trade)
    stand.seconds += 1
    stand.resting.begin_loop()
    assert stand.resting.budget().left_ms() == whole_ms, "the next loop begins anew"
    assert not stand.resting.failed_this_loop(trade)
    stand.venue.shown["k-1-x-0"] = replace(live(), phase=Phase.ENDED)
    stand.resting.cancel(trade, PAIR, [live()], stand.resting.budget())
    assert stand.resting.budget().left_ms() == whole_ms, "a proven cancel costs nothing"


def test_a_cancel_that_failed_as_the_loop_began_is_of_this_loop(stand: Stand) -> None:
    stand.resting.begin_loop()
    stand.resting.cancel(stand.trades[KEY], PAIR, [live()], stand.resting.budget())
    assert stand.resting.failed_this_loop(stand.trades[KEY])
    assert not stand.resting.failed_this_loop(stand.trade(2))
