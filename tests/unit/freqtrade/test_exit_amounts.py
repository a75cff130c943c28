"""Promise: an exit sells what its trade has, is free and is there, in whole lots; no more and no less."""

from types import SimpleNamespace
from typing import Any

import pytest

from bitget_margin.freqtrade.holdings import Holding
from bitget_margin.freqtrade.tracked_order import Phase
from support.botless import KEY, PAIR, Stand, cover, live, live_cover, refusal, rung, sold

ENDED = live("a", phase=Phase.ENDED)


# -- whole lots -------------------------------------------------------------------------------------------------------


def test_a_sum_of_floats_costs_no_lot(stand: Stand) -> None:
    stand.store.add([live("a", amount=0.4), live("b", amount=0.2)])
    assert sold(stand) == 0.4


def test_a_float_just_above_what_is_left_is_not_cut_by_a_step(stand: Stand) -> None:
    stand.store.add([ENDED])
    stand.remaining = 0.6 - 1e-16
    assert sold(stand, 0.6) == 0.6


# -- coins that are free ----------------------------------------------------------------------------------------------


def test_never_more_than_what_is_free_is_sold_while_orders_rest(stand: Stand) -> None:
    stand.store.add([live("a", amount=0.4)])
    stand.wallet.holding = Holding(1.0, 0.5, 0.5)
    assert sold(stand) == 0.5


def test_a_balance_that_cannot_be_read_keeps_no_exit_back(stand: Stand) -> None:
    stand.store.add([live("a", amount=0.4)])
    assert sold(stand) == 0.6
    assert stand.wallet.readings == 1


@pytest.mark.parametrize(
    ("free", "age_seconds", "readings"),
    [(0.6, 2, 0), (0.6, 2.1, 1), (0.5, 0, 1)],
)
def test_the_balance_that_freqtrade_has_just_read_is_not_read_again_where_it_is_enough(
    stand: Stand, free: float, age_seconds: float, readings: int
) -> None:
    stand.store.add([live("a", amount=0.4)])
    stand.wallet.holding = Holding(1.0, 0.6, 0.4)
    stand.read_balance(1.0, free)
    stand.seconds += age_seconds
    assert sold(stand) == 0.6
    assert stand.wallet.readings == readings


@pytest.mark.parametrize("orders", [[], [ENDED]])
def test_an_exit_sells_no_more_than_is_free_where_the_venue_would_lend_it(lending: Stand, orders: list[Any]) -> None:
    lending.store.add(orders)
    lending.wallet.holding = Holding(1.0, 0.4, 0.0)
    assert sold(lending) == 0.4
    lending.wallet.holding = Holding(1.0, 1.0, 0.0)
    assert sold(lending) == 1.0


def test_a_partial_exit_needs_its_own_coins_free_and_no_more(lending: Stand) -> None:
    lending.wallet.holding = Holding(1.0, 0.8, 0.0)
    lending.read_balance(1.0, 0.7)
    trade = lending.trades[KEY]
    assert lending.amounts.sellable(trade, [], 1.0, 0.5, is_rest=False) == 0.7
    assert lending.wallet.readings == 0
    assert lending.amounts.sellable(trade, [], 1.0, 0.75, is_rest=False) == 0.8
    assert lending.wallet.readings == 1


def test_a_classic_account_lends_nothing_and_no_balance_is_read(stand: Stand) -> None:
    stand.wallet.holding = Holding(1.0, 0.4, 0.6)
    assert sold(stand) == 1.0
    assert stand.wallet.readings == 0


# -- coins that are missing from the wallet ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total", "fitting"),
    [
        (0.6, 0.6),
        (0.6004, 0.6),
        (0.0, 1.0),  # nothing is there: freqtrade decides
        (0.9985, 1.0),  # no difference that counts
        (1.5, 1.0),
    ],
)
def test_an_exit_goes_out_for_what_is_there_and_the_trade_stays_open_for_the_rest(
    stand: Stand, total: float, fitting: float
) -> None:
    stand.read_balance(total)
    stand.exits.begin(PAIR)
    trade = stand.trades[KEY]
    assert trade.amount == fitting
    if fitting == 1.0:
        assert stand.alerts.warnings == []
        return
    text, about = stand.alerts.warnings[-1]
    assert text.startswith(f"Exit of trade 1 on {PAIR}: 0.6 of its 1 coins are in the wallet")
    assert about == "missing coins 1"
    assert sold(stand, 0.6) == 0.6
    assert trade.amount == 1.0


@pytest.mark.parametrize("closed", [0.3, 0.7])
def test_an_exit_beside_a_partly_filled_one_is_of_the_rest_and_the_trade_keeps_its_amount(
    stand: Stand, closed: float
) -> None:
    """It replaces the other one, whose fills freqtrade takes off the whole amount as it is canceled."""
    rows = [
        SimpleNamespace(ft_is_open=True, ft_order_side="sell", filled=closed),
        SimpleNamespace(ft_is_open=True, ft_order_side="sell", filled=None),
        SimpleNamespace(ft_is_open=True, ft_order_side="buy", filled=0.1),
        SimpleNamespace(ft_is_open=False, ft_order_side="sell", filled=0.2),
    ]
    trade = stand.trade(orders=rows)
    stand.remaining = round(1 - closed, 3)
    stand.read_balance(stand.remaining)
    stand.exits.begin(PAIR)
    assert trade.amount == stand.remaining
    assert stand.alerts.warnings == []
    stand.exits.restore_amount("ETH/USDT")
    assert trade.amount == stand.remaining
    assert stand.managers.unproven.restore_amount == stand.exits.restore_amount
    stand.exits.restore_amount(PAIR)
    assert trade.amount == 1.0


@pytest.mark.parametrize(
    ("order", "age_seconds", "now", "fitting", "readings"),
    [
        (None, 2.0, 0.5, 0.75, 0),
        (None, 60.0, 0.5, 0.75, 0),
        (None, 60.1, 0.5, 1.0, 0),  # nothing raises the question
        (rung("a"), 0.0, 0.5, 0.5, 1),
        (rung("a"), 2.1, 0.5, 0.5, 1),
        (live("a"), 60.0, 0.5, 0.5, 1),  # the lookup has missed it
        (live("a", phase=Phase.ENDED, filled=0.1), 60.1, 0.5, 0.5, 2),
        (live("a", phase=Phase.ENDED, filled=0.5), 60.1, 0.5, 1.0, 0),
        (rung("a", phase=Phase.LOST), 60.1, 0.5, 1.0, 0),
    ],
)
def test_the_balance_is_read_where_an_order_has_ended_early_or_is_in_doubt(
    stand: Stand, order: Any, age_seconds: float, now: float, fitting: float, readings: int
) -> None:
    stand.store.add([] if order is None else [order])
    stand.read_balance(0.75)
    stand.seconds += age_seconds
    stand.wallet.holding = Holding(now, now, 0.0)
    stand.exits.begin(PAIR)
    assert (stand.trades[KEY].amount, stand.wallet.readings) == (fitting, readings)


def test_an_order_that_the_lookup_shows_raises_no_question(stand: Stand) -> None:
    stand.store.add([live("a")])
    stand.venue.shown["a"] = live("a")
    stand.exits.begin(PAIR)
    assert stand.wallet.readings == 0


def test_coins_of_other_trades_are_theirs(stand: Stand) -> None:
    stand.trade(2, pair="BTC/USDC", amount=0.5)
    stand.remaining_of = {1: 1.0, 2: 0.5}
    stand.read_balance(1.2)
    stand.exits.begin(PAIR)
    assert stand.trades[KEY].amount == 0.7


def test_fills_that_no_row_has_yet_count(stand: Stand) -> None:
    stand.unrecorded = -0.4
    stand.store.add([ENDED])
    stand.exits.begin(PAIR)
    assert stand.trades[KEY].amount == 0.6
    assert sold(stand, 0.6) == 0.6
    stand.unrecorded = 0.25
    assert sold(stand, 1.25) == 1.25, "coins that late buys have brought are sold with the exit"


def test_a_fill_that_no_row_has_is_not_missing_too(stand: Stand) -> None:
    """The database is locked: the rows have 1.0, and an order has sold 0.4."""
    stand.unrecorded = -0.4
    stand.read_balance(0.6)
    stand.exits.begin(PAIR)
    assert stand.trades[KEY].amount == 0.6


def test_where_the_balance_cannot_be_read_the_last_reading_counts(stand: Stand) -> None:
    """The rule of freqtrade about the wallet counts with it."""
    stand.store.add([rung("a")])
    stand.read_balance(0.6)
    stand.exits.begin(PAIR)
    assert (stand.trades[KEY].amount, stand.wallet.readings) == (0.6, 1)


@pytest.mark.parametrize(
    ("total", "unrecorded", "missing"),
    [
        (499.0, 0.0, 0.0),  # exactly what may differ
        (498.5, 0.0, 1.5),
        (400.0, -100.0, 0.0),  # sold, and not recorded yet
        (390.0, -100.0, 10.0),
        (500.0, 100.0, 0.0),  # bought, and not recorded yet: the rows do not expect it in the wallet
        (490.0, 100.0, 10.0),
    ],
)
def test_only_a_difference_that_counts_and_that_no_fill_explains_is_missing(
    stand: Stand, total: float, unrecorded: float, missing: float
) -> None:
    stand.remaining, stand.unrecorded = 500.0, unrecorded
    stand.read_balance(total)
    assert stand.amounts.missing(stand.trades[KEY]) == missing


def test_a_trade_has_no_less_than_nothing(stand: Stand) -> None:
    stand.unrecorded = -1.5
    assert stand.amounts.booked(stand.trades[KEY], [ENDED]) == 0.0
    assert stand.amounts.cut(stand.trades[KEY], -0.5) == 0.0
    assert stand.amounts.sellable(stand.trades[KEY], [live("b", amount=2.0)], 1.0, 1.0, is_rest=False) == 0.0


SHOWN = live("a")
EARLY = live("a", phase=Phase.ENDED, filled=0.1)


@pytest.mark.parametrize(
    ("orders", "age_seconds", "now", "missing", "readings"),
    [
        ([SHOWN], 3.0, 1.0, 0.5, 0),  # it was read for this exit
        ([SHOWN], 2.9, 1.0, 0.0, 0),
        ([SHOWN], None, 1.0, 0.0, 0),  # an older one does not know the last fills
        ([EARLY], 3.0, 1.0, 0.5, 0),
        ([EARLY], 2.9, 0.75, 0.25, 1),
        ([EARLY], None, 0.75, 0.25, 1),
        ([EARLY], None, None, 0.5, 1),
        ([rung("a")], None, 0.75, 0.25, 1),
        ([], 2.9, 1.0, 0.5, 0),  # a trade without resting orders: the last minute counts
        ([], None, 1.0, 0.5, 0),
    ],
)
def test_a_balance_that_was_read_for_the_exit_decides_about_missing_coins(
    stand: Stand, orders: list[Any], age_seconds: float | None, now: float | None, missing: float, readings: int
) -> None:
    stand.store.add(orders)
    stand.read_balance(0.5)
    stand.seconds += 3
    stand.wallet.holding = None if now is None else Holding(now, now, 0.0)
    since = None if age_seconds is None else stand.seconds - age_seconds
    assert stand.amounts.missing(stand.trades[KEY], since) == missing
    fitting = stand.amounts.fitting(stand.trades[KEY], since)
    assert fitting == (1.0 - missing if missing else None)
    assert stand.wallet.readings == 2 * readings


@pytest.mark.parametrize(
    ("age_seconds", "read_before_seconds", "readings"),
    [(None, 2.0, 0), (None, 2.1, 1), (1.0, 2.0, 0), (9.0, 9.0, 0), (9.0, 9.1, 1)],
)
def test_a_balance_that_was_read_for_the_exit_shows_what_is_free(
    lending: Stand, age_seconds: float | None, read_before_seconds: float, readings: int
) -> None:
    lending.read_balance(1.0, 0.75)
    lending.seconds += read_before_seconds
    lending.wallet.holding = Holding(1.0, 0.75, 0.0)
    since, trade = None if age_seconds is None else lending.seconds - age_seconds, lending.trades[KEY]
    assert lending.amounts.sellable(trade, [], 1.0, 0.5, is_rest=False, since=since) == 0.75
    assert lending.wallet.readings == readings


# -- shorts -----------------------------------------------------------------------------------------------------------


@pytest.fixture(params=[True, False], ids=["classic", "unified"])
def short(stand: Stand, request: pytest.FixtureRequest) -> Stand:
    """Return a stand with a short of 1 BTC, on either kind of account."""
    stand.wallet.classic = request.param
    stand.short()
    return stand


def test_an_exit_of_a_short_covers_what_it_has_sold(short: Stand) -> None:
    short.owe(1.0)
    order = short.exits.place(PAIR, 1.0, "market", 60_000.0)
    assert (order.amount, order.ordertype, order.owed) == (1.0, "market", 1.0)
    assert short.wallet.readings == 0, "freqtrade has just read it"


@pytest.mark.parametrize(("owed", "told"), [(1.015, 1.015), (0.99, 0.99)])
def test_interest_and_rounded_fees_change_what_is_bought_and_not_what_is_closed(
    short: Stand, owed: float, told: float
) -> None:
    short.owe(owed)
    short.exits.begin(PAIR)
    assert short.trades[KEY].amount == 1.0
    order = short.exits.place(PAIR, 1.0, "limit", 60_000.0)
    assert (order.amount, order.owed) == (1.0, told)
    assert short.alerts.warnings == []


def test_covers_that_rest_on_are_left_alone_and_no_interest_is_taken_along(short: Stand) -> None:
    short.store.add([live_cover("a", amount=0.4, sent=0.401)])
    short.owe(1.0)
    order = short.exits.place(PAIR, 1.0, "limit", 60_000.0)
    assert (order.amount, order.owed) == (0.6, None)


def test_a_partial_exit_of_a_short_takes_no_interest_along(short: Stand) -> None:
    short.owe(1.0)
    order = short.exits.place(PAIR, 0.5, "limit", 60_000.0)
    assert (order.amount, order.owed) == (0.5, None)


def test_a_stop_of_a_short_leaves_though_the_debt_cannot_be_read(short: Stand) -> None:
    short.store.add([live_cover("a", amount=0.4, sent=0.401)])
    short.exits.begin(PAIR)
    order = short.exits.place(PAIR, 1.0, "market", 60_000.0)
    assert (order.amount, order.owed) == (0.6, None)


@pytest.mark.parametrize("owed", [0.6, 0.6004])
def test_no_more_is_covered_than_is_owed_and_the_trade_stays_open_for_the_rest(short: Stand, owed: float) -> None:
    short.owe(owed)
    short.exits.begin(PAIR)
    trade = short.trades[KEY]
    assert trade.amount == 0.6
    text, about = short.alerts.warnings[-1]
    assert text.startswith(
        f"Exit of trade 1 on {PAIR}: 0.6 of its 1 coins are owed, and no order explains it. They are c"
    )
    assert about == "missing coins 1"
    assert sold(short, 0.6) == 0.6
    assert trade.amount == 1.0


def test_what_resting_covers_are_to_buy_is_owed_for_them(short: Stand) -> None:
    resting = live_cover("a", amount=0.4, sent=0.401)
    short.store.add([resting])
    short.venue.shown["a"] = resting
    short.owe(0.7)
    short.exits.begin(PAIR)
    assert sold(short, 0.7) == 0.3


def test_a_short_that_owes_nothing_covers_nothing(short: Stand) -> None:
    """It was liquidated, or repaid by hand: a cover would buy coins that nobody owes."""
    short.wallet.holding = Holding(0.0, 0.0, 0.0)
    short.holdings.remember({"USDT": {"total": 1.0}})
    short.exits.begin(PAIR)
    assert refusal(short).startswith(f"Exit of trade 1 on {PAIR}: 0 of 1 can be covered")


def test_a_debt_that_was_read_before_is_read_again_where_it_is_too_small(short: Stand) -> None:
    short.owe(0.5)
    short.owe(1.0, read=False)
    assert sold(short) == 1.0
    assert short.wallet.readings == 1


def test_what_a_cover_in_doubt_has_closed_is_not_covered_again(short: Stand) -> None:
    doubtful = cover("a", amount=0.4, sent=0.401)
    short.store.add([doubtful])
    short.missed.note(doubtful, 9)
    short.owe(0.6)
    assert sold(short) == 0.6


def test_a_cover_in_doubt_that_two_lists_have_missed_holds_nothing_back(short: Stand) -> None:
    doubtful = cover("a", amount=0.4, sent=0.401)
    short.store.add([doubtful])
    short.missed.note(doubtful, 9)
    short.owe(1.0)
    assert sold(short) == 1.0


def test_fills_of_covers_that_no_row_has_yet_count(short: Stand) -> None:
    short.unrecorded = -0.4
    short.store.add([live_cover("a", phase=Phase.ENDED)])
    short.owe(0.6)
    short.exits.begin(PAIR)
    assert short.trades[KEY].amount == 0.6
    assert short.alerts.warnings[-1][0].startswith(f"Exit of trade 1 on {PAIR}: 0.6 of its 1 coins")
    assert sold(short, 0.6) == 0.6


def test_an_exit_of_a_long_is_told_of_no_debt(stand: Stand) -> None:
    stand.read_balance(1.0)
    assert stand.exits.place(PAIR, 1.0, "limit", 60_000.0).owed is None
