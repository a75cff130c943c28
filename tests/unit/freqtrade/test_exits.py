"""The points of an exit: fills are recorded, one batch cancels, and only free coins are sold."""

import time
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest
from sqlalchemy.exc import OperationalError

from bitget_margin.freqtrade import hedged_cancel
from bitget_margin.freqtrade.compat import InsufficientFundsError, TemporaryError
from bitget_margin.freqtrade.config import BotSettings, CancelScope, PartialExits
from bitget_margin.freqtrade.holdings import RECHECK_SECONDS, Holding
from bitget_margin.freqtrade.tracked_order import Phase, TradeKey
from support.botless import (
    KEY,
    PAIR,
    Stand,
    confirm,
    in_another_thread,
    live,
    live_cover,
    refusal,
    rung,
    sold,
    structure,
)

ENDED = live("a", phase=Phase.ENDED)


# -- 1. begin ---------------------------------------------------------------------------------------------------------


def test_the_first_point_records_fills(stand: Stand) -> None:
    stand.store.add([live("a"), live("b", phase=Phase.ENDED, filled=0.1)])
    stand.venue.shown["a"] = live("a", filled=0.2)
    stand.exits.begin(PAIR)
    assert stand.calls == [("refresh",), ("fill", 1, "a", 0.0), ("fill", 1, "b", 0.1), ("fill", 1, "a", 0.2)]
    assert stand.venue.viewed == [[live("a")]]
    assert stand.store["a"].filled == 0.2


def test_an_exit_without_open_orders_or_without_a_trade_looks_nothing_up(stand: Stand) -> None:
    stand.store.add([ENDED])
    stand.exits.begin(PAIR)
    stand.exits.begin("ETH/USDT")
    assert stand.venue.viewed == []


@pytest.mark.parametrize(
    "error", [ccxt.RequestTimeout("no answer"), OperationalError("update", {}, Exception("locked"))]
)
def test_an_exit_goes_on_where_the_fills_cannot_be_read_or_recorded(stand: Stand, error: Any) -> None:
    stand.store.add([live()])
    stand.venue.error = error
    stand.exits.begin(PAIR)
    ((text, _),) = stand.alerts.warnings
    assert text.startswith(f"Exit of trade 1 on {PAIR}: the fills of its resting orders could not be recorded (")
    assert (("rollback",) in stand.calls) is isinstance(error, OperationalError)


def test_an_exit_waits_only_for_the_search_for_exits_of_an_earlier_run(stand: Stand) -> None:
    stand.names.started_ms = stand.ms
    stand.store.add([live()])
    stand.venue.error = ccxt.RequestTimeout("no answer")
    with pytest.raises(TemporaryError, match="whether one was sent before the start of the bot could not be looked up"):
        stand.exits.begin(PAIR)
    assert stand.calls == [("refresh",)]
    stand.ms += 30_000
    stand.exits.begin(PAIR)
    assert stand.alerts.texts.startswith(f"Exit of trade 1 on {PAIR}: the fills of its resting orders could not be")


def test_an_exit_is_busy_for_other_threads_until_it_has_its_amount_or_is_stale(stand: Stand) -> None:
    stand.exits.begin(PAIR)
    assert stand.exits.busy() == set(), "not for its own"
    assert in_another_thread(stand.exits.busy) == {KEY}
    stand.seconds += 19.9
    assert in_another_thread(stand.exits.busy) == {KEY}
    stand.seconds += 0.1
    assert in_another_thread(stand.exits.busy) == set()
    stand.exits.begin(PAIR)
    sold(stand, 1.0)
    assert in_another_thread(stand.exits.busy) == set()


# -- 2. confirm -------------------------------------------------------------------------------------------------------


def test_the_second_point_cancels_with_one_batch_and_the_third_does_not_repeat_it(stand: Stand) -> None:
    stand.store.add([live("a"), live("b"), live("c", phase=Phase.ENDED)])
    stand.exits.begin(PAIR)
    assert confirm(stand)
    stand.resting.begin_loop()
    stand.seconds += 1
    stand.store.add([live("b", phase=Phase.ENDED)])
    assert sold(stand, 1.0) == 0.5
    assert stand.venue.canceled == [(["a", "b"], [])]


def test_an_exit_that_skips_the_second_point_cancels_at_the_third(stand: Stand) -> None:
    stand.store.add([live("a")])
    stand.exits.begin(PAIR)
    stand.venue.shown["a"] = ENDED
    assert sold(stand, 1.0) == 1.0
    assert stand.venue.canceled == [(["a"], [])]


def test_an_exit_after_a_stale_one_cancels_anew(stand: Stand) -> None:
    stand.store.add([live("a")])
    stand.exits.begin(PAIR)
    confirm(stand)
    stand.seconds += 20
    stand.resting.begin_loop()
    confirm(stand)
    assert len(stand.venue.canceled) == 2


def test_a_batch_that_was_not_proven_in_this_loop_is_not_sent_again_by_an_exit(stand: Stand) -> None:
    stand.store.add([live("a")])
    for _ in range(2):
        stand.exits.begin(PAIR)
        confirm(stand)
    assert len(stand.venue.canceled) == 1


def test_without_resting_orders_nothing_is_canceled(stand: Stand) -> None:
    assert confirm(stand)
    assert stand.venue.canceled == []


def test_reads_may_use_all_that_is_left_and_the_batch_has_time_for_its_answer(stand: Stand) -> None:
    stand.store.add([live("a")])
    stand.venue.shown["a"] = live("a")
    stand.venue.on_view = lambda: setattr(stand, "seconds", stand.seconds + 0.3)
    stand.exits.begin(PAIR)
    confirm(stand)
    assert stand.venue.budgets == [1_000, 1_000], "the time of a batch is its own"
    stand.resting.begin_loop()
    stand.venue.budgets.clear()
    stand.venue.on_view = lambda: setattr(stand, "seconds", stand.seconds + 0.9)
    stand.exits.begin(PAIR)
    stand.seconds += 0.1
    stand.resting.begin_loop()
    confirm(stand)
    assert stand.venue.budgets == [1_000, 1_000]


def test_where_the_venue_is_slow_the_exit_gets_the_time_that_it_has_shown_to_need(stand: Stand) -> None:
    stand.store.add([live("a")])
    stand.round_trip_ms = 2_000
    stand.exits.begin(PAIR)
    assert stand.venue.budgets == [9_000]


def test_nothing_of_another_pair_takes_from_an_exit(stand: Stand) -> None:
    stand.store.add([live("a"), live("b", pair="ETH/USDT", trade_id=2)])
    stand.trade(2, pair="ETH/USDT")
    stand.venue.on_view = stand.venue.on_cancel = lambda: setattr(stand, "seconds", stand.seconds + 9)
    stand.exits.begin("ETH/USDT")
    stand.exits.confirm(stand.trades[TradeKey(2, 1_000)], "roi")
    stand.venue.budgets.clear()
    stand.exits.begin(PAIR)
    assert stand.venue.budgets == [1_000]


def test_an_exit_of_a_trade_that_is_not_open_any_more_is_not_sent(stand: Stand) -> None:
    """The order that it replaces was filled, as its cancel has shown: it would sell coins of the owner."""
    stand.store.add([live("a")])
    trade = stand.trades.pop(KEY)
    assert stand.exits.confirm(trade, "roi")
    with pytest.raises(InsufficientFundsError, match="its trade has ended"):
        sold(stand, 0.7)
    assert stand.venue.canceled == []


@pytest.mark.parametrize(
    ("orders", "remaining", "has_open_orders", "goes_on"),
    [([ENDED], 0.0, False, False), ([ENDED], 0.0, True, True), ([ENDED], 0.1, False, True), ([], 0.0, False, True)],
)
def test_an_exit_of_a_trade_that_its_orders_have_sold_out_is_not_sent(
    stand: Stand, orders: list[Any], remaining: float, has_open_orders: bool, goes_on: bool
) -> None:
    stand.store.add(orders)
    stand.remaining = remaining
    assert stand.exits.confirm(stand.trade(has_open_orders=has_open_orders), "roi") is goes_on
    assert bool(stand.alerts.infos) is not goes_on
    assert goes_on or stand.alerts.infos == [f"Trade 1 on {PAIR} is sold out by its resting orders."]


@pytest.mark.parametrize(
    ("reason", "open_order", "phase", "goes_on"),
    [
        ("roi (rest)", True, Phase.LIVE, False),  # the free part is being sold, and nothing more is free
        ("roi (rest)", False, Phase.LIVE, True),
        ("roi (rest)", True, Phase.REFUSED, True),
        ("roi", True, Phase.LIVE, True),
        ("stop_loss", True, Phase.LIVE, True),  # it replaces the order of an earlier exit
    ],
)
def test_only_the_exit_of_a_rest_waits_while_an_exit_order_is_there_and_resting_orders_hold_the_rest(
    stand: Stand, reason: str, open_order: bool, phase: Phase, goes_on: bool
) -> None:
    stand.store.add([live("a", phase=phase)])
    trade = stand.trade(has_open_orders=open_order)
    assert stand.exits.confirm(trade, reason) is goes_on


# -- 3. place ---------------------------------------------------------------------------------------------------------


def test_an_exit_of_a_trade_without_resting_orders_is_sent_as_freqtrade_wants_it_in_whole_lots(stand: Stand) -> None:
    stand.remaining = 0.3
    assert sold(stand, 1.23456) == 1.234


def test_an_exit_sells_no_more_than_the_trade_has_left_after_its_ladder(stand: Stand) -> None:
    """The cancel has shown a fill: the amount that freqtrade wants is older."""
    stand.store.add([replace(ENDED, filled=0.4)])
    stand.remaining = 0.6
    assert sold(stand, 1.0) == 0.6
    assert stand.alerts.warnings == []
    assert stand.rests.reason(stand.trades[KEY]) is None, "a limit order would be replaced in every loop"


def test_an_amount_between_two_lots_leaves_no_rest(stand: Stand) -> None:
    """The wallet's amount, which freqtrade falls back to, has more digits than a lot."""
    stand.trades[KEY].amount = 0.99956
    assert sold(stand, 0.99956) == 0.999
    stand.store.add([ENDED])
    assert sold(stand, 0.99956) == 0.999
    assert stand.alerts.warnings == []
    assert stand.rests.reason(stand.trades[KEY]) is None


@pytest.mark.parametrize(
    ("held", "free", "text"),
    [
        (1.0, 1.0, "0 of 1 can be sold, resting orders hold 1; nothing is borrowed; the loop cancels them again"),
        (1.5, 1.0, "0 of 1 can be sold, resting orders hold 1.5"),
        (0.5, 0.009, "0.009 of 1 can be sold, resting orders hold 0.5"),
    ],
)
def test_an_exit_with_nothing_to_sell_is_refused(stand: Stand, held: float, free: float, text: str) -> None:
    stand.store.add([live("a", amount=held)])
    stand.wallet.holding = Holding(1.0, free, 1.0 - free)
    assert f"Exit of trade 1 on {PAIR}: {text}" in refusal(stand)


# -- crumbs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "rate", "ends"),
    [
        (0.009, 60_000.0, True),  # below the least amount
        (0.01, 60_000.0, False),
        (0.01, 499.0, True),  # below the least value
        (0.01, 500.0, False),
    ],
)
def test_a_trade_of_which_only_a_crumb_is_left_ends_with_its_exit(
    stand: Stand, left: float, rate: float, ends: bool
) -> None:
    stand.store.add([ENDED])
    stand.remaining = left
    stand.rests.remember(stand.trades[KEY], "roi", "limit", 0.1)
    if not ends:
        assert sold(stand, rate=rate) == left
        assert [call for call in stand.calls if call[0] == "close"] == []
        return
    assert f"Exit of trade 1 on {PAIR}: {left} is left, which is too little to be sold" in refusal(stand, rate=rate)
    assert [call for call in stand.calls if call[0] in {"close", "commit"}] == [("close", 1, rate), ("commit",)]
    text, _ = stand.alerts.warnings[-1]
    assert f"{left} is left, which is less than the venue takes in one order. The trade has ended" in text
    assert stand.rests.reason(stand.trades[KEY]) is None


def test_a_crumb_that_an_order_still_holds_is_no_rest_of_a_trade_that_has_ended(stand: Stand) -> None:
    stand.store.add([live("a", amount=0.009)])
    stand.remaining = 0.009
    assert "0.009 is left, which is too little to be sold" in refusal(stand)
    assert KEY not in stand.rests


def test_a_market_without_minimums_takes_any_amount_and_nothing_is_refused(stand: Stand) -> None:
    stand.store.add([ENDED])
    stand.rules.markets[PAIR]["limits"] = {"amount": {"min": None}, "cost": {"min": None}}
    stand.remaining = 0.001
    assert sold(stand, rate=0.001) == 0.001
    stand.remaining = 0.0
    assert "0 of 0 can be sold, less than the venue takes" in refusal(stand)
    assert ("commit",) not in stand.calls, "a trade with nothing left is ended by the fills of its orders"


def test_a_trade_with_nothing_left_is_not_ended_by_its_exit(stand: Stand) -> None:
    """Its last fill is about to be booked, with its price."""
    stand.store.add([ENDED])
    stand.remaining = 0.0
    assert "0 of 0 can be sold, less than the venue takes" in refusal(stand)
    assert ("commit",) not in stand.calls


def test_without_a_ladder_a_crumb_ends_no_trade_and_its_value_is_freqtrade_s_matter(stand: Stand) -> None:
    assert sold(stand, 0.01, rate=1.0) == 0.01
    stand.remaining = 0.009
    assert "0.009 of 0.009 can be sold, less than the venue takes" in refusal(stand, 0.009)
    assert ("commit",) not in stand.calls


def test_an_exit_that_orders_in_doubt_leave_nothing_names_them_and_the_way_out(stand: Stand) -> None:
    """Coins of others hide whether they have sold: they count as filled, in every loop."""
    stand.wallet.holding = Holding(5.0, 5.0, 0.0)
    stand.store.add([live("a", amount=0.5), live("b", amount=0.5)])
    for order in (live("a"), live("b")):
        stand.missed.note(order)
    text = refusal(stand)
    assert "0 of 1 can be sold, less than the venue takes: 2 resting orders that the venue does not show" in text
    assert text.endswith("forget --config … --trade 1`")


def test_a_partial_exit_of_a_crumb_ends_no_trade(stand: Stand) -> None:
    stand.store.add([ENDED])
    assert "0.009 of 0.009 can be sold, less than the venue takes" in refusal(stand, 0.009)
    stand.remaining = 0.009
    refusal(stand, 0.5)
    assert ("commit",) not in stand.calls


@pytest.mark.parametrize(
    ("amount", "bought", "sells"),
    [
        (1.0, 0.25, 1.25),
        (1.0 - 1e-12, 0.25, 1.25),  # all but a rounding
        (0.5, 0.25, 0.5),  # a partial exit
        (1.0, -0.25, 0.75),
    ],
)
def test_coins_that_were_bought_or_sold_since_the_begin_are_in_the_exit_of_all(
    stand: Stand, amount: float, bought: float, sells: float
) -> None:
    """The batch cancel shows it, after freqtrade has computed the amount."""
    stand.store.add([live("a", side="buy"), live("b")])
    stand.venue.shown = {"a": live("a", side="buy"), "b": live("b", amount=0.5)}
    stand.exits.begin(PAIR)
    stand.venue.shown = {name: replace(order, phase=Phase.ENDED) for name, order in stand.venue.shown.items()}
    confirm(stand)
    stand.remaining = stand.trades[KEY].amount = 1.0 + bought
    assert sold(stand, amount) == sells
    assert stand.rests.reason(stand.trades[KEY]) is None


# -- partial exits ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", list(PartialExits))
def test_a_partial_exit_cancels_the_ladder_only_where_the_user_wants_it(
    stand_with: Callable[..., Stand], policy: PartialExits
) -> None:
    stand = stand_with(settings=BotSettings(partial_exits=policy))
    stand.store.add([live("a", amount=0.4), rung("w", phase=Phase.WAITING)])
    assert sold(stand, 0.3) == 0.3
    cancels = policy is PartialExits.CANCEL
    assert stand.venue.canceled == ([(["a"], [])] if cancels else [])
    assert stand.store["w"].phase is (Phase.LOST if cancels else Phase.WAITING)


def test_a_partial_exit_leaves_no_rest_and_says_what_would_help(stand: Stand) -> None:
    stand.store.add([live("a", amount=1.0)])
    assert '"bitget_margin.partial_exits": "cancel" in the configuration' in refusal(stand, 0.3)
    assert KEY not in stand.rests
    assert stand.alerts.warnings == []
    stand.rests.sell(stand.trades[KEY])
    refusal(stand, 0.3)
    assert KEY in stand.rests, "an earlier one stays"


def test_a_full_exit_gives_up_what_waits_to_be_placed(stand: Stand) -> None:
    stand.store.add([rung("w", phase=Phase.WAITING)])
    assert sold(stand, 1.0) == 1.0
    assert stand.store["w"].phase is Phase.LOST


# -- a unified account lends what is missing -------------------------------------------------------------------------


def test_an_order_that_holds_the_coins_and_is_not_known_is_canceled_with_the_exit(lending: Stand) -> None:
    name = "k3x9ab12-1-0a1b2c3d-0"
    lending.wallet.holding = Holding(1.0, 0.4, 0.0)
    row = {**structure("open", "77"), "clientOrderId": name, "side": "sell", "price": 7e4, "amount": 0.6}
    lending.venue.own = [{**row, "timestamp": 1}]
    lending.venue.shown[name] = live(name, amount=0.6, phase=Phase.ENDED)
    lending.venue.on_cancel = lambda: setattr(lending.wallet, "holding", Holding(1.0, 1.0, 0.0))
    lending.exits.begin(PAIR)
    confirm(lending)
    assert sold(lending) == 1.0
    assert lending.venue.canceled == [([name], [])]


def test_what_an_unknown_order_has_sold_is_not_sold_again(lending: Stand) -> None:
    name = "k3x9ab12-1-0a1b2c3d-0"
    lending.wallet.holding = Holding(1.0, 0.4, 0.0)
    row = {**structure("open", "77"), "clientOrderId": name, "side": "sell", "price": 7e4, "amount": 0.6}
    lending.venue.own = [{**row, "timestamp": 1}]
    lending.venue.shown[name] = live(name, amount=0.6, filled=0.3, phase=Phase.ENDED)

    def canceled() -> None:
        lending.remaining, lending.wallet.holding = 0.7, None

    lending.venue.on_cancel = canceled
    assert sold(lending) == 0.7


@pytest.mark.parametrize("orders", [[], [ENDED]])
def test_where_coins_are_not_free_and_no_order_explains_it_the_pair_is_searched(
    lending: Stand, orders: list[Any]
) -> None:
    lending.store.add(orders)
    lending.wallet.holding = Holding(1.0, 0.4, 0.0)
    sold(lending)
    assert (lending.venue.viewed, lending.venue.keys) == ([[]], ["k"])
    lending.venue.error = ccxt.RequestTimeout("no answer")
    assert sold(lending) == 0.4
    assert (f"The open orders on {PAIR} could not be listed (no answer).", None) in lending.alerts.warnings


@pytest.mark.parametrize(
    ("orders", "holding"), [([], Holding(1.0, 1.0, 0.0)), ([live("b")], Holding(1.0, 0.4, 0.0)), ([], None)]
)
def test_the_pair_is_not_searched_without_need(lending: Stand, orders: list[Any], holding: Any) -> None:
    lending.store.add(orders)
    lending.wallet.holding = holding
    sold(lending)
    assert lending.venue.viewed == []


@pytest.mark.parametrize(("classic", "readings"), [(False, 2), (True, 1)])
def test_a_venue_that_lends_is_asked_for_what_is_free_while_a_cancel_takes_long(
    stand_with: Callable[..., Stand], monkeypatch: pytest.MonkeyPatch, classic: bool, readings: int
) -> None:
    monkeypatch.setattr(hedged_cancel, "FIRST_LOOKUP_SECONDS", 0.01)
    stand = stand_with(reads_ahead=True)
    stand.wallet.classic, stand.wallet.holding = classic, Holding(1.0, 0.6, 0.4)
    stand.store.add([live("a", amount=0.4)])
    stand.venue.shown["a"] = live("a", amount=0.4)
    stand.exits.begin(PAIR)
    stand.holdings.take_ahead()
    stand.wallet.holding = Holding(1.0, 1.0, 0.0)
    stand.venue.on_cancel = lambda: time.sleep(0.1)
    stand.venue.shown["a"] = live("a", amount=0.4, phase=Phase.ENDED)
    confirm(stand)
    assert stand.wallet.readings == readings
    assert sold(stand) == 1.0
    assert stand.wallet.readings == readings
    assert stand.holdings.take_ahead() is None, "it was read for this exit alone"


# -- an exit that was refused for want of coins -----------------------------------------------------------------------


def test_an_exit_after_a_refusal_for_want_of_coins_looks_for_other_orders_of_the_bot(stand: Stand) -> None:
    stand.exits.refused(PAIR)
    stand.venue.error = ccxt.RequestTimeout("no answer")
    stand.exits.begin(PAIR)
    assert len(stand.venue.viewed) == 1
    stand.venue.error = None
    for _ in range(2):
        stand.exits.begin(PAIR)
    assert stand.venue.viewed == [[], []], "once it is answered"
    assert stand.venue.keys == ["k", "k"]


# -- coins that are missing from the wallet ---------------------------------------------------------------------------


def test_where_coins_are_missing_the_ended_orders_are_looked_up_too(stand: Stand) -> None:
    """The venue shows the end of an order before the sums."""
    stand.store.add([live("a", phase=Phase.ENDED), live("full", phase=Phase.ENDED, filled=0.5), live("b")])

    def looked_up() -> list[list[str]]:
        stand.venue.viewed.clear()
        stand.exits.begin(PAIR)
        return [[order.client_id for order in viewed] for viewed in stand.venue.viewed]

    stand.venue.shown["b"] = live("b")
    stand.wallet.holding = Holding(0.99, 0.99, 0.0)
    assert looked_up() == [["b"], ["a"]]
    stand.wallet.holding = Holding(0.9985, 0.9985, 0.0)
    assert looked_up() == [["b"]], "that much is no difference"
    stand.wallet.holding = Holding(0.99, 0.99, 0.0)
    del stand.store.rows["a"]
    assert looked_up() == [["b"]]


def test_what_the_lookup_of_this_loop_has_missed_is_not_looked_up_again_at_once(stand: Stand) -> None:
    orders = [live("a"), live("b")]
    stand.store.add(orders)
    stand.missed.note(orders[0])
    stand.seconds += RECHECK_SECONDS - 0.1
    stand.exits.begin(PAIR)
    stand.missed.clear(orders[1])
    stand.seconds += 0.1
    stand.exits.begin(PAIR)
    assert stand.venue.viewed == [[orders[1]], orders]


@pytest.mark.parametrize("restore", ["the next loop", "the next exit"])
def test_an_exit_that_came_to_nothing_leaves_the_trade_its_amount(stand: Stand, restore: str) -> None:
    stand.read_balance(0.6)
    stand.exits.begin(PAIR)
    stand.read_balance(1.0)
    in_another_thread(stand.exits.restore_amounts)
    assert stand.trades[KEY].amount == 0.6, "another thread is exiting"
    if restore == "the next loop":
        stand.exits.restore_amounts()
    else:
        stand.exits.begin(PAIR)
    assert stand.trades[KEY].amount == 1.0


def test_an_exit_that_leaves_gives_the_trade_the_amount_of_its_rows(stand: Stand) -> None:
    stand.read_balance(0.6)
    stand.exits.begin(PAIR)
    assert stand.trades[KEY].amount == 0.6
    assert sold(stand, 0.6) == 0.6
    assert stand.trades[KEY].amount == 1.0


@pytest.mark.parametrize("changed", [0.75, 0.6])
def test_a_fill_that_is_recorded_meanwhile_is_not_undone(stand: Stand, changed: float) -> None:
    """No lookup shows an order; the batch cancel says that it has filled, and the rows have it."""
    trade = stand.trades[KEY]
    stand.store.add([live("a", amount=0.4)])
    stand.wallet.holding = Holding(0.6, 0.6, 0.0)
    stand.exits.begin(PAIR)
    assert trade.amount == 0.6
    stand.venue.shown["a"] = live("a", amount=0.4, filled=0.4, phase=Phase.ENDED)
    stand.venue.on_cancel = lambda: setattr(trade, "amount", changed)  # as freqtrade's recalculation leaves it
    stand.remaining = changed
    confirm(stand)
    assert sold(stand, 0.6) == 0.6
    assert trade.amount == changed


def test_a_trade_without_an_exit_keeps_its_amount(stand: Stand) -> None:
    stand.exits.restore_amounts()
    assert stand.trades[KEY].amount == 1.0


# -- the scope of the cancel ------------------------------------------------------------------------------------------


@pytest.fixture
def pair_wide(stand_with: Callable[..., Stand]) -> Stand:
    stand = stand_with(settings=BotSettings(cancel_scope=CancelScope.PAIR))
    stand.venue.listed = ["1", "id-a", "entry"]
    return stand


def test_the_scope_of_the_pair_cancels_all_but_freqtrade_s_own_orders(pair_wide: Stand) -> None:
    pair_wide.trade(orders=[SimpleNamespace(order_id="entry")])
    pair_wide.store.add([live("a")])
    confirm(pair_wide)
    assert pair_wide.venue.canceled == [(["a"], ["1"])]


def test_the_scope_of_the_pair_cancels_also_where_the_trade_has_no_ladder(pair_wide: Stand) -> None:
    pair_wide.remaining = 0.3
    assert sold(pair_wide, 1.0) == 1.0, "freqtrade's amount stays"
    assert pair_wide.venue.canceled == [([], ["1", "id-a", "entry"])]


def test_the_scope_of_the_trade_lists_nothing(stand: Stand) -> None:
    stand.venue.listed = ["1"]
    stand.store.add([live("a")])
    confirm(stand)
    assert stand.venue.canceled == [(["a"], [])]


def test_where_the_pair_cannot_be_listed_the_ladder_is_canceled(pair_wide: Stand) -> None:
    pair_wide.store.add([live("a")])
    pair_wide.venue.error = ccxt.RequestTimeout("no answer")
    confirm(pair_wide)
    assert pair_wide.venue.canceled == [(["a"], [])]
    assert pair_wide.alerts.warnings[0][0] == f"The open orders on {PAIR} could not be listed (no answer)."


# -- shorts -----------------------------------------------------------------------------------------------------------


def test_a_full_exit_of_a_short_cancels_its_covers_with_one_batch_and_covers_what_is_left(stand: Stand) -> None:
    stand.short()
    orders = [live_cover("a", amount=0.3, sent=0.301), live_cover("b", amount=0.4, sent=0.401)]
    stand.store.add(orders)
    stand.venue.shown = {order.client_id: order for order in orders}
    stand.owe(1.0)
    stand.exits.begin(PAIR)
    stand.venue.shown = {order.client_id: replace(order, phase=Phase.ENDED) for order in orders}
    assert confirm(stand)
    order = stand.exits.place(PAIR, 1.0, "market", 60_000.0)
    assert (order.amount, order.owed) == (1.0, 1.0)
    assert stand.venue.canceled == [(["a", "b"], [])]


def test_a_short_that_its_covers_have_closed_sends_no_exit(stand: Stand) -> None:
    stand.short()
    stand.store.add([live_cover("a", phase=Phase.ENDED, filled=0.5)])
    stand.remaining = 0.0
    assert not confirm(stand)
    assert "is sold out by its resting orders" in stand.alerts.texts


def test_the_rest_of_a_short_s_exit_follows_once_its_covers_are_gone(stand: Stand) -> None:
    trade = stand.short()
    resting = live_cover("a", amount=0.4, sent=0.401)
    stand.store.add([resting])
    stand.venue.shown["a"] = resting
    stand.owe(1.0)
    stand.exits.begin(PAIR)
    assert confirm(stand, "stop_loss")
    order = stand.exits.place(PAIR, 1.0, "market", 60_000.0)
    assert (order.amount, order.owed) == (0.6, None)
    assert "may still be covered by resting orders, or is not owed. The other part is covered now" in stand.alerts.texts
    stand.remaining = trade.amount = 0.4
    assert stand.rests.reason(trade) is None
    stand.store.add([live_cover("a", amount=0.4, sent=0.401, phase=Phase.ENDED)])
    assert stand.rests.reason(trade) == "stop_loss (rest)"
    stand.seconds += 60
    stand.owe(0.4004)
    rest = stand.exits.place(PAIR, 0.4, "limit", 60_000.0)
    assert (rest.amount, rest.ordertype, rest.owed) == (0.4, "market", 0.4004)


def test_a_cover_in_doubt_leaves_the_interest_to_the_last_one(stand: Stand) -> None:
    stand.short()
    stand.store.add([live_cover("a", amount=0.4, sent=0.401)])
    stand.owe(1.0)
    stand.exits.begin(PAIR)
    assert confirm(stand, "stop_loss")
    order = stand.exits.place(PAIR, 1.0, "market", 60_000.0)
    assert (order.amount, order.owed) == (0.6, None)


def test_a_crumb_of_a_short_ends_its_trade(stand: Stand) -> None:
    stand.short(amount=0.005)
    stand.store.add([live_cover("a", phase=Phase.ENDED, filled=0.5)])
    stand.remaining = 0.005
    stand.owe(0.005)
    assert refusal(stand, 0.005).endswith("0.005 is left, which is too little to be covered")
    assert ("close", 1, 60_000.0) in stand.calls
