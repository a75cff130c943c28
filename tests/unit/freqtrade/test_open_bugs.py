"""Bugs that are open: each test fails until its bug is fixed, and then belongs to the module's own tests."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bitget_margin.freqtrade.compat import InsufficientFundsError
from bitget_margin.freqtrade.holdings import Holding
from bitget_margin.freqtrade.tracked_order import Phase
from support.botless import KEY, PAIR, Stand, live

ENDED = live("a", phase=Phase.ENDED)


def place(stand: Stand, amount: float = 1.0, kind: str = "limit") -> Any:
    return stand.exits.place(PAIR, amount, kind, 60_000.0)


# B1
def test_an_exit_that_sells_all_that_its_ladder_has_left_has_no_rest(stand: Stand) -> None:
    """A rung filled 0.4 at the cancel: freqtrade's amount is older. All 0.6 are sold."""
    stand.store.add([replace(ENDED, filled=0.4)])
    stand.remaining = 0.6
    assert place(stand).amount == 0.6
    assert stand.alerts.warnings == []
    assert stand.exits.rest_of(stand.trades[KEY]) is None, "a limit order would be replaced in every loop"


# B2
def test_an_amount_between_two_lots_leaves_no_rest(stand: Stand) -> None:
    """Freqtrade falls back to the wallet's amount, which has more digits than a lot."""
    stand.trades[KEY].amount = 0.99956
    stand.remaining = 1.0
    assert place(stand, 0.99956).amount == 0.999
    assert stand.alerts.warnings == []
    assert stand.exits._rest == {}


# B3
def test_a_fill_that_the_cancel_shows_is_not_undone_as_the_amount_is_restored(stand: Stand) -> None:
    """No lookup shows the rung, 0.4 are missing; the batch cancel says that it has filled, and the rows have it."""
    trade = stand.trades[KEY]
    stand.store.add([live("a", amount=0.4)])
    stand.read_balance(0.6)
    stand.wallet.holding = Holding(0.6, 0.6, 0.0)
    stand.exits.begin(PAIR)
    assert trade.amount == 0.6

    def filled() -> None:
        stand.venue.shown["a"] = replace(ENDED, amount=0.4, filled=0.4)
        stand.remaining = trade.amount = 0.6  # as record_fill and freqtrade's recalculation leave it

    stand.venue.on_cancel = filled
    stand.exits.confirm(trade, "stop_loss")
    assert place(stand, 0.6, "market").amount == 0.6
    assert trade.amount == 0.6, "freqtrade closes a trade whose exit sells its amount; 1.0 would stay open for ever"


# B4
def test_the_rest_of_a_stop_is_sold_at_market_also_after_an_earlier_limit_exit(stand: Stand) -> None:
    stand.store.add([live("a", amount=0.5), live("b", amount=0.25)])
    assert place(stand).amount == 0.25
    stand.remaining = stand.trades[KEY].amount = 0.75
    stand.store.add([live("b", amount=0.25, phase=Phase.ENDED)])
    order = place(stand, 0.75, "market")
    assert (order.amount, order.ordertype) == (0.25, "market")
    stand.store.add([live("a", amount=0.5, phase=Phase.ENDED)])
    stand.remaining = stand.trades[KEY].amount = 0.5
    assert place(stand, 0.5, "limit").ordertype == "market", "the rest is that of the stop now"


# B5
def test_a_stop_does_not_wait_behind_the_limit_order_of_an_earlier_exit(stand: Stand) -> None:
    """The free part has a limit order that no fall fills; stock freqtrade would replace it by the stop."""
    stand.store.add([live("a", amount=0.4)])
    stand.exits.begin(PAIR)
    stand.exits.confirm(stand.trades[KEY], "roi")
    place(stand)
    trade = stand.trade(has_open_orders=True, open_orders=[SimpleNamespace(ft_order_side="sell", order_type="limit")])
    stand.resting.begin_loop()
    stand.seconds += 5
    stand.exits.begin(PAIR)
    assert stand.exits.confirm(trade, "stop_loss")


# B6
def test_the_first_pause_of_a_rest_that_sold_nothing_is_the_first_pause(stand: Stand) -> None:
    stand.store.add([live("a", amount=0.4)])
    place(stand)
    stand.store.add([ENDED])
    stand.remaining = stand.trades[KEY].amount = 0.4
    stand.wallet.holding = Holding(0.4, 0.0, 0.4)
    with pytest.raises(InsufficientFundsError):
        place(stand, 0.4)
    stand.seconds += 5
    assert stand.exits.rest_of(stand.trades[KEY]) is not None, "5 s by _PAUSE_SECONDS, and it is 10 s"


# B7
def test_a_sum_of_floats_costs_no_lot(stand: Stand) -> None:
    stand.store.add([live("a", amount=0.4), live("b", amount=0.2)])
    assert place(stand).amount == 0.4
