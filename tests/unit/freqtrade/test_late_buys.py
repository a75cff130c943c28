"""Promise: coins that a resting buy brings after the exit of its trade are sold as that exit was."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bitget_margin.freqtrade.exits import ExitOrder
from bitget_margin.freqtrade.holdings import Holding
from bitget_margin.freqtrade.tracked_order import Origin, Phase, TrackedOrder
from support.botless import KEY, PAIR, Stand, live, live_cover

BUY = live("a", side="buy", filled=0.2, phase=Phase.ENDED)


def text_of(stand: Stand) -> str:
    ((text, _),) = stand.alerts.warnings
    return str(text)


def test_the_open_trade_on_the_pair_takes_them(stand: Stand) -> None:
    stand.trade(2, opened="later")
    del stand.trades[KEY]
    assert stand.late.take_in(BUY)
    assert stand.calls == [("fill", 2, "a", 0.2)]
    assert text_of(stand).startswith(f"Resting buy id-a on {PAIR} filled 0.2 after its trade had ended: it belongs to")
    assert stand.rests.reason(stand.trades[next(iter(stand.trades))]) is None


def test_its_own_trade_is_open_again_and_sells_them_at_once(stand: Stand) -> None:
    row: Any = type("Row", (), {"ft_order_side": "sell", "order_type": "market", "order_id": "x"})
    trade = stand.trade(is_open=False, close_date="then", close_rate=5.0, orders=[row], exit_reason="stop_loss")
    stand.store.add([BUY])
    assert stand.late.take_in(BUY)
    assert (trade.is_open, trade.close_date, trade.close_rate, trade.exit_order_status) == (True, None, None, "")
    assert stand.calls == [("fill", 1, "a", 0.2)]
    assert stand.store["a"] == replace(BUY, settled=True), "freqtrade's callback would place a ladder for these coins"
    assert "trade 1 is open again, and these coins are sold at once" in text_of(stand)
    stand.wallet.holding = Holding(1.0, 1.0, 0.0)
    assert stand.rests.reason(trade) == "stop_loss (rest)"
    assert stand.exits.place(PAIR, 1.0, "limit", 60_000.0) == ExitOrder(1.0, "market")


@pytest.mark.parametrize("changes", [{}, {"trade_id": None}, {"opened_ms": 2_000}])
def test_a_trade_that_is_deleted_is_replaced_by_a_new_one(stand: Stand, changes: dict[str, Any]) -> None:
    stand.trades.clear()
    if changes:
        stand.trade(is_open=False)
    order: TrackedOrder = replace(BUY, **changes)
    assert stand.late.take_in(order)
    assert stand.adopted == [replace(order, origin=Origin.FREQTRADE, trade_id=None, opened_ms=None)]
    assert "freqtrade has deleted the trade: it gets a new one" in text_of(stand)


def test_a_late_fill_of_a_cancel_reaches_its_trade(stand: Stand) -> None:
    trade = stand.trade(is_open=False)
    before = live("a", side="buy")
    stand.store.add([before])
    stand.venue.shown["a"] = BUY
    stand.resting.cancel(None, PAIR, [before], stand.budget())
    assert trade.is_open
    assert stand.store["a"].settled
    assert stand.rests.reason(trade) is not None


def test_the_trade_that_has_its_row_takes_them_though_another_one_is_open(stand: Stand) -> None:
    """It joined a later trade, which has ended too."""
    owner = stand.trade(2, is_open=False, opened="later")
    stand.owners["id-a"] = owner
    assert stand.late.take_in(BUY)
    assert stand.calls == [("fill", 2, "a", 0.2)]
    assert owner.is_open


def test_what_the_database_does_not_take_is_taken_in_again(stand: Stand) -> None:
    stand.trade(is_open=False)
    stand.store.add([BUY])
    stand.can_write = False
    assert stand.late.take_in(BUY)
    assert not stand.store["a"].settled
    assert stand.rests.reason(stand.trades[KEY]) is None


@pytest.mark.parametrize("recorded", [True, False])
def test_a_kill_between_both_writes_loses_no_late_buy(stand: Stand, recorded: bool) -> None:
    """The store has the fill, and no row of freqtrade's has it."""
    trade = stand.trade(is_open=False)
    stand.store.add([BUY])
    if recorded:
        stand.order_rows["id-a"] = SimpleNamespace(filled=0.2)
    stand.maintenance.hand_over_ended(set())
    assert trade.is_open is not recorded
    assert stand.store["a"].settled


# -- shorts -----------------------------------------------------------------------------------------------------------


def test_a_cover_that_fills_late_opens_no_trade_and_is_warned_of(stand: Stand) -> None:
    trade = stand.short(is_open=False)
    before, filled = live_cover("a"), live_cover("a", filled=0.2, phase=Phase.ENDED)
    stand.store.add([before])
    stand.venue.shown["a"] = filled
    stand.resting.cancel(None, PAIR, [before], stand.budget())
    assert not trade.is_open
    text = f"Order id-a on {PAIR} filled 0.2 buy after its trade 1 had ended: freqtrade does not count it."
    assert stand.alerts.warnings[0][0].startswith(text)
    stand.maintenance.hand_over_ended(set())
    assert (stand.store["a"].settled, trade.is_open, stand.adopted) == (True, False, [])


def test_a_late_buy_of_a_long_is_not_booked_as_a_cover_of_the_short_that_is_open_now(stand: Stand) -> None:
    short = stand.short(2, opened="later")
    del stand.trades[KEY]
    long = stand.trade(is_open=False)
    assert not stand.late.take_in(BUY)
    assert (short.orders, long.is_open, stand.calls, stand.adopted) == ([], False, [], [])
    stand.store.add([BUY])
    stand.maintenance.hand_over_ended(set())
    assert stand.store["a"].settled, "it is not tried for ever"
