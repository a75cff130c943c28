"""Resting orders: fills are recorded, misses noted, and unproven cancels reported."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest

from bitget_margin.core.outcome import Outcome
from bitget_margin.freqtrade import resting_orders
from bitget_margin.freqtrade.holdings import RECHECK_SECONDS
from bitget_margin.freqtrade.order_store import CancelBatch
from bitget_margin.freqtrade.resting_orders import RestingOrders
from bitget_margin.freqtrade.tracked_order import Phase, TrackedOrder
from support.botless import KEY, PAIR, Messages, Records, Stand, live, live_cover, own, rung


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
    assert stand.resting.closing(trade) == pytest.approx(1.45)


def test_a_look_up_returns_what_it_shows_keeps_what_it_misses_and_notes_the_miss(stand: Stand) -> None:
    shown = live("a", filled=0.2)
    stand.venue.shown["a"] = shown
    orders = [live("a"), live("b")]
    stand.missed.note(orders[0])
    assert stand.resting.look_up(PAIR, orders, stand.budget()) == [shown, orders[1]]
    assert (stand.venue.viewed, stand.venue.keys) == ([orders], ["k"])
    assert [stand.missed.has(order) for order in orders] == [False, True]
    assert (stand.store.rows, stand.calls) == ({}, []), "nothing is recorded"


def test_fills_of_an_order_that_is_in_no_list_count_and_it_is_missed(stand: Stand) -> None:
    stand.venue.shown["a"], stand.venue.by_fills = live("a", filled=0.2), frozenset({"a"})
    assert stand.resting.look_up(PAIR, [live("a")], stand.budget()) == [live("a", filled=0.2)]
    assert stand.missed.has(live("a"))


def test_lists_that_are_not_complete_miss_nothing(stand: Stand) -> None:
    stand.venue.is_complete = False
    stand.missed.note(live("a"))
    stand.seconds += 2
    stand.resting.look_up(PAIR, [live("a"), live("b")], stand.budget())
    assert [stand.missed.has(live(name)) for name in "ab"] == [True, False]
    assert stand.missed.seconds(live("a")) == 0


@pytest.mark.parametrize("rows", [[], [{"clientOrderId": "k-1-x-9"}]])
def test_what_else_the_bot_has_resting_on_the_pair_is_taken_in(stand: Stand, rows: list[dict[str, str]]) -> None:
    taken: list[object] = []
    stand.resting.take_in = lambda *request: taken.append(request)
    stand.venue.own = rows
    stand.resting.look_up(PAIR, [], stand.budget())
    assert taken == ([(PAIR, tuple(rows))] if rows else [])


def test_a_look_up_without_an_answer_changes_nothing(stand: Stand) -> None:
    stand.venue.error = ccxt.RequestTimeout("no answer")
    with pytest.raises(ccxt.RequestTimeout):
        stand.resting.look_up(PAIR, [live()], stand.budget())
    assert (stand.store.rows, stand.calls, stand.missed.has(live())) == ({}, [], False)


@pytest.mark.parametrize(
    ("order", "not_found", "missed_seconds"),
    [
        (live("a"), True, RECHECK_SECONDS),  # two lookups of the cancel have missed it
        (live("a"), False, 0.5),
        (live("a", phase=Phase.ENDED), False, 0.0),
    ],
)
def test_a_cancel_notes_what_its_look_ups_miss_and_forgets_misses_of_what_has_ended(
    stand: Stand, order: TrackedOrder, not_found: bool, missed_seconds: float
) -> None:
    if not not_found:
        stand.missed.note(live("a"), 0.5)
    stand.venue.shown["a"] = order
    stand.venue.not_found = frozenset({"a"} if not_found else ())
    stand.resting.cancel(stand.trades[KEY], PAIR, [live("a")], stand.budget())
    assert stand.missed.seconds(live("a")) == missed_seconds


def test_the_batch_of_a_pair_is_not_looked_up_meanwhile_since_others_are_in_it(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resting_orders, "HedgedCancel", None)
    stand.resting.cancel(stand.trades[KEY], PAIR, [live("a")], stand.budget(), ["77"])
    assert stand.venue.canceled == [(["a"], ["77"])]


def test_a_proven_cancel_is_stored_with_its_batch(stand: Stand) -> None:
    ended = live("a", phase=Phase.ENDED, filled=0.1)
    stand.venue.shown["a"] = ended
    done = stand.resting.cancel(stand.trades[KEY], PAIR, [live("a")], stand.budget(), ["77"])
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
    stand.resting.cancel(stand.trades[KEY], PAIR, orders, stand.budget())
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
    stand.resting.cancel(stand.trades[KEY], PAIR, [], stand.budget(), ["7", "8"])
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


@pytest.mark.parametrize(("side", "taken"), [("buy", True), ("buy", False), ("sell", True)])
def test_a_buy_that_fills_after_the_end_of_its_trade_is_given_to_a_trade(stand: Stand, side: str, taken: bool) -> None:
    given: list[TrackedOrder] = []
    stand.resting.take_late_buy = lambda order: given.append(order) or taken
    old, filled = live("a", side=side), live("a", side=side, filled=0.2)
    stand.resting.record(None, [old], [filled])
    assert given == ([filled] if side == "buy" else [])
    assert ("freqtrade does not count it" in stand.alerts.texts) is (side == "sell" or not taken)


def test_without_its_managers_a_late_buy_is_warned_of(stand: Stand) -> None:
    """They are set once they are built."""
    resting = RestingOrders(missed=None, store=Records(), client=None, alerts=Messages())  # type: ignore[arg-type]
    assert stand.order_rows == {}
    resting.record(None, [live("a", side="buy")], [live("a", side="buy", filled=0.2)])
    assert "filled 0.2 buy after its trade 1 had ended" in resting.alerts.texts  # type: ignore[attr-defined]
    assert resting.take_in(PAIR, []) is None


def test_the_orders_of_an_ended_trade_are_canceled_for_no_trade(stand: Stand) -> None:
    stand.resting.cancel(None, PAIR, [live()], stand.budget())
    assert stand.resting.unresolved == {}
    assert "1 resting orders of an ended trade on" in stand.alerts.texts


def test_the_trades_whose_orders_have_changed_are_told(stand: Stand) -> None:
    told: list[Any] = []
    stand.resting.changed = told.append
    order = live()
    stand.resting.record(stand.trades[KEY], [order], [order])
    assert told == []
    stand.resting.record(stand.trades[KEY], [order], [replace(order, filled=0.1)])
    assert told == [KEY]


def test_a_cancel_without_proof_is_of_the_loop_in_which_it_was_sent(stand: Stand) -> None:
    trade = stand.trades[KEY]
    stand.resting.cancel(trade, PAIR, [live()], stand.budget())
    assert stand.resting.failed_this_loop(trade)
    stand.seconds += 1
    stand.resting.begin_loop()
    assert not stand.resting.failed_this_loop(trade)


def test_a_cancel_that_failed_as_the_loop_began_is_of_this_loop(stand: Stand) -> None:
    stand.resting.begin_loop()
    stand.resting.cancel(stand.trades[KEY], PAIR, [live()], stand.budget())
    assert stand.resting.failed_this_loop(stand.trades[KEY])
    assert not stand.resting.failed_this_loop(stand.trade(2))


def test_covers_of_a_short_close_what_is_left_of_them(stand: Stand) -> None:
    stand.short()
    stand.store.add([live_cover("a", filled=0.2), live_cover("b", amount=0.25, sent=0.251)])
    assert stand.resting.closing(stand.trades[KEY]) == 0.55


def test_a_cover_that_fills_after_the_end_of_its_trade_is_given_to_no_trade(stand: Stand) -> None:
    stand.resting.take_late_buy = lambda _: pytest.fail("it has bought coins that are not owed any more")
    stand.resting.record(None, [live_cover("a")], [live_cover("a", filled=0.2)])
    assert "filled 0.2 buy after its trade 1 had ended" in stand.alerts.texts
