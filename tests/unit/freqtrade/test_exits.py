"""The points of an exit: fills are recorded, one batch cancels, and only free coins are sold."""

import threading
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest

from bitget_margin.freqtrade.compat import InsufficientFundsError
from bitget_margin.freqtrade.config import BotSettings, CancelScope, PartialExits
from bitget_margin.freqtrade.holdings import Holding
from bitget_margin.freqtrade.tracked_order import Phase
from support.botless import KEY, PAIR, Stand, live, rung

ENDED = live("a", phase=Phase.ENDED)


def in_another_thread(work: Callable[[], object]) -> Any:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


def refusal(stand: Stand, amount: float = 1.0) -> str:
    with pytest.raises(InsufficientFundsError) as raised:
        stand.exits.amount(PAIR, amount)
    return str(raised.value)


# -- 1. begin ---------------------------------------------------------------------------------------------------------


def test_the_first_point_records_fills_within_a_third_of_the_time(stand: Stand) -> None:
    stand.store.add([live("a"), live("b", phase=Phase.ENDED)])
    stand.venue.shown["a"] = live("a", filled=0.2)
    stand.exits.begin(PAIR)
    assert stand.calls == [("refresh",), ("fill", 1, "a", 0.2)]
    assert stand.venue.viewed == [[live("a")]]
    assert stand.venue.budgets == [1_000]


def test_an_exit_without_open_orders_or_without_a_trade_looks_nothing_up(stand: Stand) -> None:
    stand.store.add([ENDED])
    stand.exits.begin(PAIR)
    stand.exits.begin("ETH/USDT")
    assert stand.venue.viewed == []


def test_an_exit_goes_on_where_the_fills_cannot_be_read(stand: Stand) -> None:
    stand.store.add([live()])
    stand.venue.error = ccxt.RequestTimeout("no answer")
    stand.exits.begin(PAIR)
    ((text, _),) = stand.alerts.warnings
    assert text.startswith(f"Exit of trade 1 on {PAIR}: the fills of its resting orders could not be read (no answer)")


def test_an_exit_is_busy_for_other_threads_until_it_has_its_amount_or_is_stale(stand: Stand) -> None:
    stand.exits.begin(PAIR)
    assert stand.exits.busy() == set(), "not for its own"
    assert in_another_thread(stand.exits.busy) == {KEY}
    stand.seconds += 19.9
    assert in_another_thread(stand.exits.busy) == {KEY}
    stand.seconds += 0.1
    assert in_another_thread(stand.exits.busy) == set()
    stand.exits.begin(PAIR)
    stand.exits.amount(PAIR, 1.0)
    assert in_another_thread(stand.exits.busy) == set()


# -- 2. confirm -------------------------------------------------------------------------------------------------------


def test_the_second_point_cancels_with_one_batch_and_the_third_does_not_repeat_it(stand: Stand) -> None:
    stand.store.add([live("a"), live("b"), live("c", phase=Phase.ENDED)])
    stand.exits.begin(PAIR)
    assert stand.exits.confirm(stand.trades[KEY], "roi")
    stand.resting.begin_loop()
    stand.seconds += 1
    stand.rules.free_of["BTC"] = 0.5
    stand.store.add([live("b", phase=Phase.ENDED)])
    assert stand.exits.amount(PAIR, 1.0) == 0.5
    assert stand.venue.canceled == [(["a", "b"], [])]


def test_an_exit_that_skips_the_second_point_cancels_at_the_third(stand: Stand) -> None:
    stand.store.add([live("a")])
    stand.exits.begin(PAIR)
    stand.venue.shown["a"] = ENDED
    assert stand.exits.amount(PAIR, 1.0) == 1.0
    assert stand.venue.canceled == [(["a"], [])]


def test_an_exit_after_a_stale_one_cancels_anew(stand: Stand) -> None:
    stand.store.add([live("a")])
    stand.exits.begin(PAIR)
    stand.exits.confirm(stand.trades[KEY], "roi")
    stand.seconds += 20
    stand.resting.begin_loop()
    stand.exits.confirm(stand.trades[KEY], "roi")
    assert len(stand.venue.canceled) == 2


def test_a_batch_that_was_not_proven_in_this_loop_is_not_sent_again_by_an_exit(stand: Stand) -> None:
    stand.store.add([live("a")])
    for _ in range(2):
        stand.exits.begin(PAIR)
        stand.exits.confirm(stand.trades[KEY], "roi")
    assert len(stand.venue.canceled) == 1


def test_without_resting_orders_nothing_is_canceled(stand: Stand) -> None:
    assert stand.exits.confirm(stand.trades[KEY], "roi")
    assert stand.venue.canceled == []


def test_the_time_of_the_first_point_is_missing_at_the_second(stand: Stand) -> None:
    stand.store.add([live("a")])
    stand.venue.on_view = lambda: setattr(stand, "seconds", stand.seconds + 0.75)
    stand.exits.begin(PAIR)
    stand.exits.confirm(stand.trades[KEY], "roi")
    assert stand.venue.budgets == [1_000, 2_250]


def test_a_trade_that_is_not_open_is_left_to_freqtrade(stand: Stand) -> None:
    stand.store.add([live("a")])
    trade = stand.trades.pop(KEY)
    assert stand.exits.confirm(trade, "roi")
    assert stand.exits.amount(PAIR, 0.7) == 0.7
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
    ("has_rest", "open_order", "phase", "goes_on"),
    [
        (True, True, Phase.LIVE, False),  # the free part is being sold, and nothing more is free
        (True, False, Phase.LIVE, True),
        (True, True, Phase.REFUSED, True),
        (False, True, Phase.LIVE, True),
    ],
)
def test_a_second_exit_order_waits_only_while_resting_orders_hold_the_rest(
    stand: Stand, has_rest: bool, open_order: bool, phase: Phase, goes_on: bool
) -> None:
    stand.store.add([live("a", phase=phase)])
    trade = stand.trade(has_open_orders=open_order)
    if has_rest:
        stand.exits._rest[KEY] = "stop_loss"
    assert stand.exits.confirm(trade, "stop_loss") is goes_on


# -- 3. amount --------------------------------------------------------------------------------------------------------


def test_an_exit_of_a_trade_without_resting_orders_is_sent_as_freqtrade_wants_it(stand: Stand) -> None:
    stand.remaining = 0.3
    assert stand.exits.amount(PAIR, 1.23456) == 1.23456


def test_an_exit_sells_no_more_than_the_trade_has_left_after_its_ladder(stand: Stand) -> None:
    stand.store.add([replace(ENDED, filled=0.4)])
    stand.remaining = 0.6
    assert stand.exits.amount(PAIR, 1.0) == 0.6
    assert stand.alerts.warnings == []


def test_a_float_just_above_what_is_left_is_not_cut_by_a_step(stand: Stand) -> None:
    stand.store.add([ENDED])
    stand.remaining = 0.6 - 1e-16
    assert stand.exits.amount(PAIR, 0.6) == 0.6


def test_while_orders_rest_only_the_free_part_is_sold_and_the_rest_is_remembered(stand: Stand) -> None:
    stand.store.add([live("a", amount=0.4)])
    stand.exits.begin(PAIR)
    stand.exits.confirm(stand.trades[KEY], "stop_loss")
    assert stand.exits.amount(PAIR, 1.0) == 0.6
    text, about = stand.alerts.warnings[-1]
    assert text.startswith(f"Exit of trade 1 on {PAIR}: resting orders that could not be canceled hold a part")
    assert about == "rest 1"
    trade = stand.trades[KEY]
    assert stand.exits.rest_of(trade) is None, "the order still rests"
    stand.store.add([ENDED])
    assert stand.exits.rest_of(trade) == "stop_loss (rest)"
    assert stand.exits.rest_of(stand.trade(2)) is None
    stand.trades.pop(next(key for key in stand.trades if key.id == 2))
    stand.remaining = 0.4
    assert stand.exits.amount(PAIR, 0.4) == 0.4
    stand.trades[KEY].amount = 0.4
    assert stand.exits.amount(PAIR, 0.4) == 0.4
    assert stand.exits.rest_of(trade) is None, "all is sold"


def test_an_exit_without_a_reason_has_one_for_its_rest(stand: Stand) -> None:
    stand.store.add([live("a", amount=0.4)])
    stand.exits.amount(PAIR, 1.0)
    stand.store.add([ENDED])
    assert stand.exits.rest_of(stand.trades[KEY]) == "rest_of_exit (rest)"


def test_never_more_than_what_is_free_is_sold_while_orders_rest(stand: Stand) -> None:
    stand.store.add([live("a", amount=0.4)])
    stand.rules.free_of["BTC"] = 0.5
    assert stand.exits.amount(PAIR, 1.0) == 0.5


@pytest.mark.parametrize(
    ("held", "free", "text"),
    [
        (1.0, 1.0, "0 of 1 can be sold, resting orders hold the rest; nothing is borrowed; the loop cancels them"),
        (1.5, 1.0, "0 of 1 can be sold, resting orders hold the rest"),
        (0.5, 0.009, "0.009 of 1 can be sold, resting orders hold the rest"),
    ],
)
def test_an_exit_with_nothing_to_sell_is_refused(stand: Stand, held: float, free: float, text: str) -> None:
    stand.store.add([live("a", amount=held)])
    stand.rules.free_of["BTC"] = free
    assert f"Exit of trade 1 on {PAIR}: {text}" in refusal(stand)


def test_an_exit_below_the_minimum_is_refused_and_the_minimum_itself_is_sold(stand: Stand) -> None:
    stand.store.add([ENDED])
    stand.remaining = 0.009
    assert "0.009 of 1 can be sold, under 0.01" in refusal(stand)
    stand.remaining = 0.01
    assert stand.exits.amount(PAIR, 1.0) == 0.01
    stand.rules.markets[PAIR]["limits"]["amount"]["min"] = None
    stand.remaining = 0.001
    assert stand.exits.amount(PAIR, 1.0) == 0.001
    stand.remaining = 0.0
    assert "under 0" in refusal(stand)


@pytest.mark.parametrize("policy", list(PartialExits))
def test_a_partial_exit_cancels_the_ladder_only_where_the_user_wants_it(
    stand_with: Callable[..., Stand], policy: PartialExits
) -> None:
    stand = stand_with(settings=BotSettings(partial_exits=policy))
    stand.store.add([live("a", amount=0.4), rung("w", phase=Phase.WAITING)])
    assert stand.exits.amount(PAIR, 0.3) == 0.3
    cancels = policy is PartialExits.CANCEL
    assert stand.venue.canceled == ([(["a"], [])] if cancels else [])
    assert stand.store["w"].phase is (Phase.LOST if cancels else Phase.WAITING)


def test_a_partial_exit_leaves_no_rest_and_says_what_would_help(stand: Stand) -> None:
    stand.store.add([live("a", amount=1.0)])
    stand.exits._rest[KEY] = "roi"
    assert '"bitget_margin.partial_exits": "cancel" in the configuration' in refusal(stand, 0.3)
    assert stand.exits._rest == {KEY: "roi"}
    assert stand.alerts.warnings == []


def test_a_full_exit_gives_up_what_waits_to_be_placed(stand: Stand) -> None:
    stand.store.add([rung("w", phase=Phase.WAITING)])
    assert stand.exits.amount(PAIR, 1.0) == 1.0
    assert stand.store["w"].phase is Phase.LOST


# -- coins that orders without an answer may hold ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("holding", "classic", "sold"),
    [
        (Holding(1.0, 0.8, 0.2), True, 0.8),  # nothing is frozen beside the known order
        (Holding(1.0, 0.5, 0.5), True, 0.5),  # it rests
        (Holding(1.0, 0.7, 0.3), True, 0.7),  # a part is frozen
        (Holding(1.0, 1.0, 0.0), True, 0.8),
        (Holding(1.1, 0.9, 0.2), True, 0.5),  # others have coins, too
        (Holding(1.0, 0.8, 0.2), False, 0.5),
        (None, True, 0.5),
    ],
)
def test_orders_without_an_answer_hold_what_is_frozen_beside_the_known_ones(
    stand: Stand, holding: Holding | None, classic: bool, sold: float
) -> None:
    stand.store.add([live("a", amount=0.2), rung("b", amount=0.3), rung("c", side="buy")])
    stand.wallet.holding, stand.wallet.classic = holding, classic
    assert stand.exits.amount(PAIR, 1.0) == sold


# -- the scope of the cancel ------------------------------------------------------------------------------------------


@pytest.fixture
def pair_wide(stand_with: Callable[..., Stand]) -> Stand:
    stand = stand_with(settings=BotSettings(cancel_scope=CancelScope.PAIR))
    stand.venue.listed = ["1", "id-a", "entry"]
    return stand


def test_the_scope_of_the_pair_cancels_all_but_freqtrade_s_own_orders(pair_wide: Stand) -> None:
    pair_wide.trade(orders=[SimpleNamespace(order_id="entry")])
    pair_wide.store.add([live("a")])
    pair_wide.exits.confirm(pair_wide.trades[KEY], "roi")
    assert pair_wide.venue.canceled == [(["a"], ["1"])]


def test_the_scope_of_the_pair_cancels_also_where_the_trade_has_no_ladder(pair_wide: Stand) -> None:
    pair_wide.remaining = 0.3
    assert pair_wide.exits.amount(PAIR, 1.0) == 1.0, "freqtrade's amount stays"
    assert pair_wide.venue.canceled == [([], ["1", "id-a", "entry"])]


def test_the_scope_of_the_trade_lists_nothing(stand: Stand) -> None:
    stand.venue.listed = ["1"]
    stand.store.add([live("a")])
    stand.exits.confirm(stand.trades[KEY], "roi")
    assert stand.venue.canceled == [(["a"], [])]


def test_where_the_pair_cannot_be_listed_the_ladder_is_canceled(pair_wide: Stand) -> None:
    pair_wide.store.add([live("a")])
    pair_wide.venue.error = ccxt.RequestTimeout("no answer")
    pair_wide.exits.confirm(pair_wide.trades[KEY], "roi")
    assert pair_wide.venue.canceled == [(["a"], [])]
    assert pair_wide.alerts.warnings[0][0] == f"The open orders on {PAIR} could not be listed (no answer)."
