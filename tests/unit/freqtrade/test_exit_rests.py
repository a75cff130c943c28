"""Promise: what a full exit could not sell is sold as soon as it is free, with the same kind of order."""

from types import SimpleNamespace
from typing import Any

import pytest

from bitget_margin.freqtrade.exits import ExitOrder
from bitget_margin.freqtrade.holdings import Holding
from bitget_margin.freqtrade.tracked_order import Phase, TradeKey
from support.botless import KEY, PAIR, Stand, confirm, live, refusal, sold

ENDED = live("a", phase=Phase.ENDED)


def test_while_orders_rest_only_the_free_part_is_sold_and_the_rest_is_remembered(stand: Stand) -> None:
    stand.store.add([live("a", amount=0.4)])
    stand.venue.shown["a"] = live("a", amount=0.4)
    stand.exits.begin(PAIR)
    confirm(stand, "stop_loss")
    assert sold(stand) == 0.6
    text, about = stand.alerts.warnings[-1]
    assert text.startswith(f"Exit of trade 1 on {PAIR}: a part of the coins is not free.")
    assert about == "rest 1"
    trade = stand.trades[KEY]
    stand.remaining = 0.4
    assert stand.rests.reason(trade) is None, "the order still rests"
    stand.store.add([ENDED])
    assert stand.rests.reason(trade) == "stop_loss (rest)"
    assert stand.rests.reason(stand.trade(2)) is None
    del stand.trades[TradeKey(2, 1_000)]
    trade.amount = 0.4
    assert sold(stand, 0.4) == 0.4
    assert stand.rests.reason(trade) is None, "all is sold"


def test_an_exit_without_a_reason_has_one_for_its_rest(stand: Stand) -> None:
    stand.store.add([live("a", amount=0.4)])
    sold(stand)
    stand.store.add([ENDED])
    assert stand.rests.reason(stand.trades[KEY]) == "rest_of_exit (rest)"


def test_the_rest_of_a_market_exit_is_sold_at_market(stand: Stand) -> None:
    stand.store.add([live("a", amount=0.4)])
    assert stand.exits.place(PAIR, 1.0, "market", 60_000.0) == ExitOrder(0.6, "market")
    stand.store.add([ENDED])
    stand.remaining = stand.trades[KEY].amount = 0.4
    assert stand.exits.place(PAIR, 0.4, "limit", 60_000.0) == ExitOrder(0.4, "market")
    assert sold(stand, 0.4) == 0.4, "and an exit after it is of its own kind"


def test_the_rest_of_a_stop_is_sold_at_market_also_after_an_earlier_limit_exit(stand: Stand) -> None:
    stand.store.add([live("a", amount=0.5), live("b", amount=0.25)])
    assert sold(stand) == 0.25
    stand.remaining = stand.trades[KEY].amount = 0.75
    stand.store.add([live("b", amount=0.25, phase=Phase.ENDED)])
    assert stand.exits.place(PAIR, 0.75, "market", 60_000.0) == ExitOrder(0.25, "market")
    stand.store.add([live("a", amount=0.5, phase=Phase.ENDED)])
    stand.remaining = stand.trades[KEY].amount = 0.5
    assert stand.exits.place(PAIR, 0.5, "limit", 60_000.0) == ExitOrder(0.5, "market")


def test_a_rest_that_sells_nothing_is_tried_more_and_more_seldom(stand: Stand) -> None:
    stand.store.add([live("a", amount=0.4)])
    sold(stand)
    stand.remaining = stand.trades[KEY].amount = 0.4
    stand.wallet.holding = Holding(0.4, 0.0, 0.4)
    stand.store.add([ENDED])
    gaps, began = [], stand.seconds
    for _ in range(12):
        while stand.rests.reason(stand.trades[KEY]) is None:
            stand.seconds += 5
        gaps.append(stand.seconds - began)
        began = stand.seconds
        refusal(stand, 0.4)
    assert gaps == [0, 5, 10, 20, 40, 80, 160, *[300] * 5]


def test_the_reason_of_a_rest_does_not_grow(stand: Stand) -> None:
    stand.store.add([live("a", amount=0.4)])
    stand.exits.begin(PAIR)
    confirm(stand, "stop_loss (rest)")
    sold(stand)
    stand.store.add([ENDED])
    assert stand.rests.reason(stand.trades[KEY]) == "stop_loss (rest)"


def test_a_rest_of_which_a_part_was_sold_is_tried_in_the_next_loop(stand: Stand) -> None:
    stand.store.add([live("a", amount=0.4)])
    sold(stand)
    stand.store.add([ENDED])
    stand.remaining = stand.trades[KEY].amount = 0.4
    for free in (0.0, 0.2, 0.0):
        stand.wallet.holding = Holding(0.4, free, 0.4 - free)
        if free:
            stand.seconds += 300
            assert sold(stand, 0.4) == free
            assert stand.rests.reason(stand.trades[KEY]) is not None
        else:
            refusal(stand, 0.4)
            assert stand.rests.reason(stand.trades[KEY]) is None
    stand.seconds += 5
    assert stand.rests.reason(stand.trades[KEY]) is not None, "the pauses begin anew"


def row(side: str, kind: str | None) -> SimpleNamespace:
    return SimpleNamespace(ft_order_side=side, order_type=kind, order_id=None)


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        ([row("sell", "limit"), row("sell", "market"), row("buy", "limit")], "market"),
        ([row("sell", "market"), row("sell", "limit")], "limit"),
        ([row("sell", "limit"), row("sell", None)], "limit"),
        ([row("buy", "limit")], "market"),
        ([], "market"),
    ],
)
def test_all_coins_of_a_trade_are_sold_as_its_last_exit_did(stand: Stand, rows: list[Any], kind: str) -> None:
    trade = stand.trade(orders=rows, exit_reason="stop_loss")
    stand.rests.sell(trade)
    stand.rests.sell(trade)
    assert stand.rests.reason(trade) == "stop_loss (rest)"
    stand.wallet.holding = Holding(1.0, 1.0, 0.0)
    assert stand.exits.place(PAIR, 1.0, "limit", 60_000.0) == ExitOrder(1.0, kind)
    assert stand.rests.reason(trade) is None


def test_coins_without_a_known_exit_have_a_reason_too(stand: Stand) -> None:
    stand.rests.sell(stand.trades[KEY])
    assert stand.rests.reason(stand.trades[KEY]) == "rest_of_exit (rest)"
