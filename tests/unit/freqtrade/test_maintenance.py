"""Upkeep of resting orders: every loop, after a start, and as the bot ends."""

import logging
import threading
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest
from sqlalchemy.exc import SQLAlchemyError

from bitget_margin.freqtrade.budget import SLOW_MS
from bitget_margin.freqtrade.holdings import RECHECK_SECONDS, Holding
from bitget_margin.freqtrade.maintenance import EXIT_SECONDS, LOST_AFTER_SECONDS, WARN_AFTER_SECONDS
from bitget_margin.freqtrade.tracked_order import Phase, TrackedOrder, TradeKey
from support.botless import KEY, PAIR, Stand, live, own, rung

ENDED = live(phase=Phase.ENDED, filled=0.5)
ETH = "ETH/USDT"


def loop(stand: Stand) -> None:
    stand.maintenance.process_loop((), stand.budget())


def handed_over(stand: Stand) -> list[tuple[str, float | None]]:
    return [call[1:] for call in stand.calls if call[0] == "hand over"]  # type: ignore[misc]


# -- every loop -------------------------------------------------------------------------------------------------------


def test_a_loop_looks_up_every_pair_once_and_records_what_it_shows(stand: Stand) -> None:
    orders = [live("a"), live("b", pair=ETH), live("c")]
    stand.store.add([*orders, live("busy", trade_id=5), live("ended", phase=Phase.ENDED)])
    stand.venue.shown = {order.client_id: replace(order, filled=0.2) for order in orders}
    stand.maintenance.process_loop({TradeKey(5, 1_000)}, stand.budget())
    assert stand.calls[0] == ("refresh",)
    assert stand.venue.viewed == [[orders[0], orders[2]], [orders[1]]]
    assert [stand.store[name].filled for name in "abc"] == [0.2] * 3
    assert ("fill", 1, "b", 0.2) in stand.calls
    assert stand.venue.canceled == []
    assert stand.alerts.cleared == [f"look {PAIR}", f"look {ETH}"]


def test_each_loop_tries_again_to_cancel_what_earlier_ones_could_not(stand: Stand) -> None:
    stand.resting.cancel(stand.trades[KEY], PAIR, [live()], stand.budget())
    assert stand.resting.failed_this_loop(stand.trades[KEY])
    stand.seconds += 1
    stand.maintenance.process_loop({KEY}, stand.budget())
    assert not stand.resting.failed_this_loop(stand.trades[KEY])


def test_the_orders_of_an_ended_trade_are_canceled_until_they_have_ended(stand: Stand) -> None:
    order = live("a", trade_id=5)
    stand.store.add([order, live("b")])
    stand.venue.shown = {name: stand.store[name] for name in "ab"}
    loop(stand)
    assert stand.venue.canceled == [(["a"], [])]
    stand.venue.shown["a"] = replace(order, phase=Phase.ENDED)
    loop(stand)
    loop(stand)
    assert len(stand.venue.canceled) == 1


def test_a_cancel_that_was_not_proven_is_repeated_until_all_have_ended(stand: Stand) -> None:
    order = live("a")
    stand.store.add([order])
    stand.venue.shown["a"] = order
    stand.resting.cancel(stand.trades[KEY], PAIR, [order], stand.budget())
    loop(stand)
    assert len(stand.venue.canceled) == 2
    assert KEY in stand.resting.unresolved
    stand.venue.shown["a"] = replace(order, phase=Phase.ENDED)
    loop(stand)
    assert len(stand.venue.canceled) == 2
    assert stand.resting.unresolved == {}


def test_an_ended_order_does_not_end_the_repeats_for_the_others(stand: Stand) -> None:
    stand.store.add([live("a"), live("b", pair=ETH)])
    stand.resting.unresolved[KEY] = 0.0
    stand.venue.shown["a"] = live("a", phase=Phase.ENDED)
    loop(stand)
    assert KEY in stand.resting.unresolved


def test_pairs_with_something_to_cancel_come_first_and_then_those_that_have_waited_longest(stand: Stand) -> None:
    pairs = ("A/U", "B/U", "C/U", "D/U")
    orders = {pair: live(pair, pair=pair, trade_id=i) for i, pair in enumerate(pairs, 1)}
    for i, pair in enumerate(pairs, 1):
        stand.trade(i, pair=pair)
    stand.store.add(orders.values())

    def order_of_pairs() -> str:
        stand.venue.viewed.clear()
        stand.seconds += 1
        loop(stand)
        return "".join(viewed[0].pair[0] for viewed in stand.venue.viewed)

    assert order_of_pairs() == "ABCD"
    stand.store.rows = {pair: orders[pair] for pair in pairs[:2]}
    assert order_of_pairs() == "AB"
    stand.store.rows = dict(orders)
    assert order_of_pairs() == "CDAB"
    del stand.trades[TradeKey(2, 1_000)]
    stand.resting.unresolved[TradeKey(4, 1_000)] = 0.0
    stand.venue.shown = dict(orders)
    assert order_of_pairs()[:2] in {"BD", "DB"}


def test_a_pair_that_fails_does_not_keep_the_others_back(stand: Stand, caplog: pytest.LogCaptureFixture) -> None:
    stand.store.add([live("a"), live("b", pair=ETH)])
    stand.venue.error = ccxt.RequestTimeout("no answer")
    loop(stand)
    assert stand.alerts.warnings == [
        (f"The resting orders on {pair} could not be looked up: no answer", f"look {pair}") for pair in (PAIR, ETH)
    ]
    stand.venue.error = KeyError("x")
    loop(stand)
    assert len(stand.venue.viewed) == 4
    assert stand.calls.count(("rollback",)) == 2
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2


def test_all_pairs_of_a_loop_share_one_budget_and_the_next_loop_goes_on_with_those_left_out(stand: Stand) -> None:
    pairs = (PAIR, ETH, "LTC/USDT")
    stand.store.add([live(pair, pair=pair) for pair in pairs])
    stand.venue.on_view = lambda: setattr(stand, "seconds", stand.seconds + 0.4)
    for _ in range(2):
        stand.maintenance.process_loop((), stand.budget(500))
    assert stand.venue.budgets == [500, pytest.approx(100), 500, pytest.approx(100)]
    assert stand.venue.viewed[2][0].pair == "LTC/USDT"


# -- every loop of a slow venue -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("round_trip_ms", "pause_seconds"),
    [(0, 0), (90, 0.36), (SLOW_MS - 1, (SLOW_MS - 1) * 0.004)],
)
def test_lookups_take_no_more_than_a_part_of_the_time(stand: Stand, round_trip_ms: float, pause_seconds: float) -> None:
    stand.round_trip_ms = round_trip_ms
    stand.store.add([live("a")])
    stand.venue.shown["a"] = live("a")
    loop(stand)
    if pause_seconds:
        stand.seconds += pause_seconds - 0.01
        loop(stand)
        assert len(stand.venue.viewed) == 1
        stand.seconds += 0.02
    loop(stand)
    assert len(stand.venue.viewed) == 2


def test_a_pair_of_a_slow_venue_is_looked_up_every_five_seconds_at_least(stand: Stand) -> None:
    stand.round_trip_ms = 9_000
    stand.store.add([live("a")])
    stand.venue.shown["a"] = live("a")
    loop(stand)
    for waited_seconds, looked_up in ((4.9, False), (0.2, True)):
        stand.seconds += waited_seconds
        loop(stand)
        assert (PAIR in stand.maintenance.late_views) is looked_up


@pytest.mark.parametrize("urgent", ["no id yet", "missed", "to be canceled", "no open trade"])
def test_what_is_to_be_canceled_or_in_doubt_is_looked_up_in_every_loop(stand: Stand, urgent: str) -> None:
    stand.round_trip_ms = 9_000
    order = rung("a") if urgent == "no id yet" else live("a", trade_id=5 if urgent == "no open trade" else 1)
    stand.store.add([order])
    stand.venue.shown["a"] = order
    if urgent == "missed":
        stand.venue.shown.clear()
    elif urgent == "to be canceled":
        stand.resting.unresolved[KEY] = 0.0
    for _ in range(3):
        loop(stand)
    assert len(stand.venue.viewed) == 3


@pytest.mark.parametrize(("round_trip_ms", "at_a_time"), [(99, 1), (100, 4)])
def test_several_pairs_are_looked_up_side_by_side_where_the_venue_is_not_fast(
    stand: Stand, round_trip_ms: float, at_a_time: int
) -> None:
    pairs = [f"{letter}/U" for letter in "ABCDE"]
    orders = {pair: live(pair, pair=pair, trade_id=number) for number, pair in enumerate(pairs, 1)}
    for number, pair in enumerate(pairs, 1):
        stand.trade(number, pair=pair)
    stand.store.add(orders.values())
    stand.venue.shown = {pair: replace(order, filled=0.1) for pair, order in orders.items()}
    stand.round_trip_ms = round_trip_ms
    together = threading.Barrier(at_a_time)
    threads: list[threading.Thread] = []

    def view() -> None:
        threads.append(threading.current_thread())
        if len(stand.venue.viewed) <= at_a_time:
            together.wait(5)

    stand.venue.on_view = view
    loop(stand)
    here = [thread is threading.current_thread() for thread in threads]
    assert here == ([True] * 5 if at_a_time == 1 else [False] * 4 + [True]), "the last one needs no thread"
    assert sorted(viewed[0].pair for viewed in stand.venue.viewed) == pairs
    assert [stand.store[pair].filled for pair in pairs] == [0.1] * 5


def test_the_exits_of_a_slow_venue_do_not_wait_for_lookups(stand: Stand) -> None:
    stand.store.add([live("a")])
    stand.venue.shown["a"] = live("a")
    loop(stand)
    stand.round_trip_ms = SLOW_MS
    stand.seconds += 5
    answer = threading.Event()
    stand.venue.on_view = lambda: answer.wait(5)
    stand.venue.shown["a"] = live("a", filled=0.2)
    for _ in range(3):
        loop(stand)
        stand.seconds += 5
    assert (stand.store["a"].filled, len(stand.venue.viewed)) == (0.0, 2), "one at a time"
    answer.set()
    for _ in range(500):
        loop(stand)
        if stand.store["a"].filled:
            break
        time.sleep(0.01)
    assert stand.store["a"].filled == 0.2, "a later loop records it"
    assert ("fill", 1, "a", 0.2) in stand.calls


def test_a_loop_whose_time_is_over_begins_no_lookup(stand: Stand) -> None:
    stand.store.add([live("a"), live("b", pair=ETH)])
    stand.maintenance.process_loop((), stand.budget(0))
    assert stand.venue.viewed == []


def test_after_a_start_the_pairs_of_open_trades_are_listed_once_though_the_store_knows_no_order(stand: Stand) -> None:
    """The database may be an older copy."""
    stand.trade(2, pair=ETH)
    stand.trade(3, pair="LTC/USDT")
    stand.maintenance.process_loop({TradeKey(3, 1_000)}, stand.budget())
    assert stand.venue.viewed == [[], []]
    assert stand.venue.keys == ["k", "k"]
    loop(stand)
    loop(stand)
    assert len(stand.venue.viewed) == 3, "the pair that was busy"


def test_after_a_start_the_pairs_of_orders_that_freqtrade_has_not_stored_are_listed_too(stand: Stand) -> None:
    """An entry without an answer has no trade; other orders of the bot may rest there."""
    stand.trades.clear()
    stand.store.add([own(pair="ETH/USDT", side="buy", trade_id=None, opened_ms=None)])
    for _ in range(2):
        stand.maintenance.process_loop((), stand.budget())
    assert (stand.venue.viewed, stand.venue.keys) == ([[]], ["k"])


def test_a_pair_that_could_not_be_listed_is_listed_by_the_next_loop(stand: Stand) -> None:
    stand.venue.error = ccxt.RequestTimeout("no answer")
    loop(stand)
    stand.venue.error = None
    loop(stand)
    loop(stand)
    assert len(stand.venue.viewed) == 2


# -- orders that lookups do not show ---------------------------------------------------------------------------------


def misses_for(stand: Stand, seconds: float) -> None:
    """Have two lookups miss what is stored, so far apart."""
    loop(stand)
    stand.seconds += seconds
    loop(stand)


def test_an_order_without_an_answer_is_lost_after_its_time(stand: Stand) -> None:
    stand.store.add([rung("a"), rung("b", side="buy")])
    misses_for(stand, LOST_AFTER_SECONDS)
    assert [stand.store[name].phase for name in "ab"] == [Phase.INTENDED] * 2
    assert stand.alerts.warnings == []
    stand.seconds += 0.1
    loop(stand)
    assert [stand.store[name].phase for name in "ab"] == [Phase.LOST] * 2
    assert "Resting sell a on BTC/USDT (trade 1) got no answer, and neither lookups nor" in stand.alerts.texts
    assert stand.missed.seconds(rung("a")) == 0, "the count begins anew"


def test_a_look_up_that_shows_an_order_ends_the_count(stand: Stand) -> None:
    order = rung("a")
    stand.store.add([order])
    loop(stand)
    stand.seconds += LOST_AFTER_SECONDS + 1
    stand.venue.shown["a"] = order
    loop(stand)
    stand.venue.shown.clear()
    loop(stand)
    assert stand.store["a"].phase is Phase.INTENDED


def test_an_order_with_an_id_is_never_given_up_and_warned_of(stand: Stand) -> None:
    stand.store.add([live("a")])
    misses_for(stand, WARN_AFTER_SECONDS)
    assert stand.alerts.warnings == []
    stand.seconds += 40
    loop(stand)
    assert stand.store["a"].phase is Phase.LIVE
    ((text, about),) = stand.alerts.warnings
    assert text.startswith("Resting sell id-a on BTC/USDT (trade 1) has been in no list of the venue for 100 s")
    assert about == "missing a"


@pytest.mark.parametrize("trade_id", [5, None])
def test_an_order_of_an_ended_trade_that_is_nowhere_is_warned_of_and_then_watched_as_lost(
    stand: Stand, trade_id: int | None
) -> None:
    stand.store.add([live("a", trade_id=trade_id), live("b")])
    misses_for(stand, WARN_AFTER_SECONDS)
    assert stand.store["a"].phase is Phase.LIVE
    stand.seconds += 0.1
    loop(stand)
    assert (stand.store["a"].phase, stand.store["b"].phase) == (Phase.LOST, Phase.LIVE)
    assert f"Resting sell id-a on {PAIR} (trade {trade_id}) has been in no list of the venue" in stand.alerts.texts


def test_a_look_up_that_was_answered_in_part_is_no_miss(stand: Stand) -> None:
    stand.venue.is_complete = False
    stand.store.add([rung("a")])
    for _ in range(3):
        misses_for(stand, LOST_AFTER_SECONDS + 1)
    assert stand.store["a"].phase is Phase.INTENDED


ALL_FREE = Holding(total=1.0, free=1.0, frozen=0.0)


@pytest.mark.parametrize(
    ("holding", "changes", "lost"),
    [
        (ALL_FREE, {}, True),
        (ALL_FREE, {"side": "buy"}, False),
        (ALL_FREE, {"order_id": "7", "phase": Phase.LIVE}, False),
        (None, {}, False),
        (Holding(1.1, 1.1, 0.0), {}, False),  # not all coins are the bot's
        (Holding(0.5, 0.5, 0.0), {}, False),  # it may have sold
        (Holding(1.0, 0.5, 0.5), {}, False),  # it rests
        (Holding(1.0, 0.502, 0.498), {}, True),
    ],
)
def test_two_balances_without_room_for_a_sell_prove_that_it_is_not_there(
    stand: Stand, holding: Holding | None, changes: dict[str, object], lost: bool
) -> None:
    stand.wallet.holding = holding
    stand.store.add([rung("a", **changes)])
    misses_for(stand, RECHECK_SECONDS)
    stand.seconds += RECHECK_SECONDS - 0.1
    loop(stand)
    assert stand.store["a"].phase is not Phase.LOST, "one balance is no proof"
    stand.seconds += 0.2
    loop(stand)
    assert (stand.store["a"].phase is Phase.LOST) is lost


def test_coins_that_known_orders_hold_leave_no_room(stand: Stand) -> None:
    stand.wallet.holding = Holding(1.0, 0.4, 0.6)
    known = [live("b", amount=0.6), live("c", pair=ETH), live("d", side="buy")]
    stand.store.add([rung("a"), *known])
    stand.venue.shown = {order.client_id: order for order in known}
    for _ in range(3):
        misses_for(stand, RECHECK_SECONDS)
    assert stand.store["a"].phase is Phase.LOST


def test_on_a_unified_account_the_balance_proves_nothing(stand: Stand) -> None:
    stand.wallet.holding, stand.wallet.classic = ALL_FREE, False
    stand.store.add([rung("a")])
    for _ in range(3):
        misses_for(stand, 2 * RECHECK_SECONDS)
    assert stand.store["a"].phase is Phase.INTENDED


@pytest.mark.parametrize("interruption", ["balance", "shown"])
def test_balances_without_room_count_only_in_a_row(stand: Stand, interruption: str) -> None:
    stand.wallet.holding = ALL_FREE
    stand.store.add([rung("a")])
    misses_for(stand, RECHECK_SECONDS)
    stand.seconds += RECHECK_SECONDS - 0.1
    if interruption == "balance":
        stand.wallet.holding = None
    else:
        stand.venue.shown["a"] = rung("a")
    loop(stand)
    stand.wallet.holding = ALL_FREE
    stand.venue.shown.clear()
    stand.seconds += 0.2
    loop(stand)
    stand.seconds += RECHECK_SECONDS
    if interruption == "balance":
        assert stand.store["a"].phase is Phase.INTENDED
        loop(stand)
        assert stand.store["a"].phase is Phase.LOST
    else:
        loop(stand)
        assert stand.store["a"].phase is Phase.INTENDED, "the second miss, and the first balance"


# -- ends that freqtrade books ----------------------------------------------------------------------------------------


def test_an_ended_order_is_handed_to_freqtrade_once_and_not_in_every_loop(stand: Stand) -> None:
    stand.store.add([ENDED])
    stand.maintenance.hand_over_ended(())
    assert stand.calls[:2] == [("refresh",), ("fill", 1, ENDED.client_id, 0.5)]
    assert not stand.store[ENDED.client_id].settled
    for _ in range(3):
        stand.maintenance.hand_over_ended(())
    assert len(handed_over(stand)) == 1, "freqtrade has booked it, and would send its message again"
    assert stand.store[ENDED.client_id].settled


def test_an_ended_order_that_freqtrade_has_not_booked_is_not_called_settled(stand: Stand) -> None:
    """Killed or held up in the middle: the row is still open."""
    stand.store.add([ENDED])
    stand.open_rows.add(ENDED.client_id)
    for _ in range(3):
        stand.maintenance.hand_over_ended(())
    assert not stand.store[ENDED.client_id].settled


def test_an_ended_order_without_a_row_is_handed_over_again(stand: Stand) -> None:
    stand.store.add([ENDED])
    stand.handed_over = False
    for _ in range(2):
        stand.maintenance.hand_over_ended(())
    assert len(handed_over(stand)) == 2
    assert not stand.store[ENDED.client_id].settled


def test_a_busy_trade_keeps_back_its_own_orders_alone(stand: Stand) -> None:
    other = replace(ENDED, client_id="other", trade_id=2)
    stand.trade(2)
    stand.store.add([ENDED, other])
    stand.maintenance.hand_over_ended({KEY})
    assert [name for name, _ in handed_over(stand)] == ["other"]
    assert not stand.store[ENDED.client_id].settled


@pytest.mark.parametrize(
    ("round_trip_ms", "waited_seconds", "has_open_orders", "remaining", "waits"),
    [
        (SLOW_MS, 0.0, False, 0.5, True),
        (SLOW_MS, 29.9, False, 0.5, True),
        (SLOW_MS, 30.0, False, 0.5, False),
        (SLOW_MS - 1, 0.0, False, 0.5, False),
        (SLOW_MS, 0.0, True, 0.5, False),  # an exit is about to end the trade
        (SLOW_MS, 0.0, False, 0.0, False),  # the order has ended it
    ],
)
def test_the_booking_of_a_slow_venue_waits_for_the_exits_that_come_after_it(
    stand: Stand, round_trip_ms: float, waited_seconds: float, has_open_orders: bool, remaining: float, waits: bool
) -> None:
    stand.store.add([ENDED])
    stand.trades[KEY].has_open_orders, stand.remaining = has_open_orders, remaining
    stand.round_trip_ms = round_trip_ms
    if waited_seconds:
        assert stand.maintenance.hand_over_ended(()) is False
        stand.seconds += waited_seconds
    assert stand.maintenance.hand_over_ended(()) is not waits
    assert (handed_over(stand) == []) is waits
    assert ("fill", 1, ENDED.client_id, 0.5) in stand.calls, "its fills are recorded"


def test_an_order_that_waits_to_be_booked_again_waits_anew(stand: Stand) -> None:
    """The row was not there."""
    stand.store.add([ENDED])
    stand.round_trip_ms, stand.handed_over = SLOW_MS, False
    stand.maintenance.hand_over_ended(())
    stand.seconds += 30
    stand.maintenance.hand_over_ended(())
    stand.maintenance.hand_over_ended(())
    assert len(handed_over(stand)) == 1


def test_whether_there_is_an_order_to_book_is_returned(stand: Stand) -> None:
    assert stand.maintenance.hand_over_ended(()) is False
    stand.store.add([ENDED])
    stand.handed_over = False
    assert stand.maintenance.hand_over_ended(()) is False
    stand.handed_over = True
    assert stand.maintenance.hand_over_ended(()) is True


@pytest.mark.parametrize("number", [None, 9])
def test_the_end_of_an_order_of_no_open_trade_is_settled(stand: Stand, number: int | None) -> None:
    stand.store.add([replace(ENDED, trade_id=number)])
    stand.maintenance.hand_over_ended(())
    assert stand.store[ENDED.client_id].settled
    assert handed_over(stand) == []


def test_a_buy_that_ended_waits_until_the_exit_beside_it_is_booked(stand: Stand) -> None:
    """Its row would be open for a moment, and not count: the exit would close the trade over coins that it has."""
    stand.store.add([replace(ENDED, side="buy"), replace(ENDED, client_id="sell")])
    rows = stand.trades[KEY].open_orders
    rows.append(SimpleNamespace(ft_order_side="sell"))
    stand.maintenance.hand_over_ended(())
    assert [name for name, _ in handed_over(stand)] == ["sell"]
    rows[0] = SimpleNamespace(ft_order_side="buy")
    stand.maintenance.hand_over_ended(())
    assert [name for name, _ in handed_over(stand)] == ["sell", ENDED.client_id]


@pytest.mark.parametrize(
    ("order", "fee"), [(replace(ENDED, intended_ms=9, side="buy"), 0.001), (replace(ENDED, order_id=None), None)]
)
def test_the_fee_of_a_buy_is_read_from_its_fills_in_base_coins(
    stand: Stand, order: TrackedOrder, fee: float | None
) -> None:
    stand.store.add([order])
    stand.maintenance.hand_over_ended(())
    assert handed_over(stand) == [(order.client_id, fee)]
    expected = [] if fee is None else [(order.order_id, PAIR, 9, "BTC", 0.5)]
    assert stand.rules.fees_of == expected


# -- the start and the end of the bot ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("remaining", "amount", "open_orders", "corrected"),
    [
        (0.6, 1.0, [], True),
        (1.0004, 1.0, [], False),  # equal in the precision of the venue
        (0.0, 1.0, [], False),
        (0.6, 1.0, ["an order"], False),
    ],
)
def test_an_amount_that_a_crash_left_wrong_is_corrected_once_after_a_start(
    stand: Stand, remaining: float, amount: float, open_orders: list[str], corrected: bool
) -> None:
    stand.remaining = remaining
    stand.trade(amount=amount, open_orders=open_orders)
    stand.maintenance.repair_after_crash()
    assert stand.calls == [("refresh",), *([("recalc", 1), ("commit",)] if corrected else [])]
    assert stand.alerts.infos == ([f"Trade 1 on {PAIR} has 0.6, not 1: corrected."] if corrected else [])
    stand.maintenance.repair_after_crash()
    assert stand.calls.count(("refresh",)) == 1


@pytest.mark.parametrize("waits", [False, True])
def test_a_trade_that_a_crash_left_open_without_coins_has_its_last_exit_booked_again(stand: Stand, waits: bool) -> None:
    """Not where a resting order that has ended it is still to be booked: that comes in the same loop."""
    rows = [
        SimpleNamespace(ft_order_side=side, filled=filled, ft_is_open=False)
        for side, filled in (("buy", 1.0), ("sell", 0.4), ("sell", 0.6), ("sell", 0.0), ("buy", 0.0))
    ]
    stand.remaining = 0.0
    stand.trade(orders=rows)
    if waits:
        stand.store.add([live(phase=Phase.ENDED, filled=0.5)])
    stand.maintenance.repair_after_crash()
    assert [row.ft_is_open for row in rows] == [False, False, not waits, False, False]
    assert stand.calls == [("refresh",), *([] if waits else [("recalc", 1), ("commit",)])]
    assert len(stand.alerts.infos) == (0 if waits else 1)


def test_a_start_reports_once_which_orders_of_an_earlier_run_are_looked_up(stand: Stand) -> None:
    stand.store.add([live("a"), live("b"), live("c", trade_id=2), live("d", phase=Phase.ENDED), own("e")])
    for _ in range(2):
        stand.maintenance.repair_after_crash()
    assert stand.alerts.infos == ["3 resting orders of 2 trades are in the database, and looked up now."]


def test_a_repair_that_fails_is_tried_again(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    stand.remaining = 0.6
    with monkeypatch.context() as patched:
        patched.setattr(stand.trades[KEY], "recalc_trade_from_orders", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            stand.maintenance.repair_after_crash()
    stand.maintenance.repair_after_crash()
    assert ("recalc", 1) in stand.calls


def test_the_end_of_the_bot_cancels_each_ladder_with_one_batch(stand: Stand) -> None:
    orders = [live("a"), live("b", trade_id=2), live("c"), live("d", trade_id=None), live("e", pair=ETH)]
    stand.store.add(orders)
    stand.venue.shown = {order.client_id: replace(order, phase=Phase.ENDED) for order in orders}
    stand.maintenance.cancel_all_at_exit()
    assert stand.calls[0] == ("refresh",)
    assert stand.venue.canceled == [(["a", "c"], []), (["b"], []), (["d"], []), (["e"], [])]
    assert stand.venue.budgets == [3_000] * 4
    assert ("fill", 1, "a", 0.0) in stand.calls
    assert stand.alerts.warnings == []


def test_the_end_of_the_bot_says_what_stays_on_the_venue(stand: Stand) -> None:
    stand.maintenance.report_resting_at_exit()
    assert stand.alerts.infos == []
    stand.store.add([live("a"), live("b"), live("c", phase=Phase.ENDED)])
    stand.maintenance.report_resting_at_exit()
    (text,) = stand.alerts.infos
    assert text.startswith("2 resting orders stay on the venue")


def test_a_database_that_cannot_be_read_ends_no_end_of_the_bot(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_: object) -> Any:
        raise SQLAlchemyError("locked")

    monkeypatch.setattr(stand.store, "open", failing)
    stand.maintenance.report_resting_at_exit()
    assert stand.alerts.infos == []


def test_the_end_of_the_bot_takes_bounded_time_and_warns_of_what_it_leaves(stand: Stand) -> None:
    stand.store.add([live("a"), live("b"), live("c", trade_id=2), live("d", trade_id=3), live("e", trade_id=3)])

    def take_time() -> None:
        stand.seconds += EXIT_SECONDS if len(stand.venue.canceled) == 1 else 0.1

    stand.venue.on_cancel = take_time
    stand.maintenance.cancel_all_at_exit()
    assert [names for names, _ in stand.venue.canceled] == [["a", "b"], ["c"]]
    text, about = stand.alerts.warnings[-1]
    assert text.startswith("The bot ends, and 5 resting orders are not proven canceled: nobody watches them now.")
    assert about is None
