"""Resting orders: what has ended is handed to freqtrade once, and time that a loop has lost is not spent twice."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.exits import Exits
from bitget_margin.freqtrade.tracked_order import Phase, TrackedOrder, TradeKey
from support.botless import Records, Stand, rung, without_freqtrade

KEY = TradeKey(1, 1_000)
ENDED = replace(rung(), phase=Phase.ENDED, order_id="77", filled=0.5)
LIVE = replace(rung(), phase=Phase.LIVE, order_id="77")


def stand_with(monkeypatch: pytest.MonkeyPatch, *rungs: TrackedOrder) -> Stand:
    """Return a stand with an open trade and these resting orders."""
    stand = Stand(Records(*rungs))
    stand.trade(has_open_orders=False)
    without_freqtrade(monkeypatch, stand)
    return stand


def test_an_ended_order_is_handed_to_freqtrade_once_and_not_in_every_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    stand = stand_with(monkeypatch, ENDED)
    handed: list[str] = []
    row_is_open = [False]

    def reopen(_trade: Any, row: TrackedOrder, _fee: Any) -> bool:
        handed.append(row.client_id)
        return True

    monkeypatch.setattr(trade_rows, "hand_to_freqtrade", reopen)
    monkeypatch.setattr(trade_rows, "is_open", lambda *_: row_is_open[0])
    stand.resting.hand_over_ended({})
    assert handed == [ENDED.client_id]
    assert not stand.records.rows[ENDED.client_id].settled
    for _ in range(3):
        stand.resting.hand_over_ended({})
    assert handed == [ENDED.client_id], "freqtrade has booked it, and would send its message again"
    assert stand.records.rows[ENDED.client_id].settled


def test_an_ended_order_that_freqtrade_has_not_booked_is_not_called_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed or held up in the middle: the row is still open."""
    stand = stand_with(monkeypatch, ENDED)
    monkeypatch.setattr(trade_rows, "hand_to_freqtrade", lambda *_: True)
    monkeypatch.setattr(trade_rows, "is_open", lambda *_: True)
    for _ in range(3):
        stand.resting.hand_over_ended({})
    assert not stand.records.rows[ENDED.client_id].settled


def test_a_buy_that_ended_waits_until_the_exit_beside_it_is_booked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its row would be open for a moment, and not count: the exit would close the trade over coins that it has."""
    stand = stand_with(monkeypatch, replace(ENDED, side="buy"))
    handed: list[str] = []

    def reopen(_trade: Any, row: TrackedOrder, _fee: Any) -> bool:
        handed.append(row.client_id)
        return True

    monkeypatch.setattr(trade_rows, "hand_to_freqtrade", reopen)
    monkeypatch.setattr(trade_rows, "is_open", lambda *_: False)
    trade = stand.trades[KEY]
    trade.open_orders.append(SimpleNamespace(ft_order_side="sell"))
    stand.resting.hand_over_ended({})
    assert handed == []
    trade.open_orders.clear()
    stand.resting.hand_over_ended({})
    assert handed == [ENDED.client_id]


def test_an_exit_has_less_time_by_what_this_loop_has_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    stand = stand_with(monkeypatch, LIVE)
    trade = stand.trades[KEY]
    whole_ms = stand.resting.budget().left_ms()
    stand.venue.cancel_takes_seconds = 1.25

    def takes(seconds: float) -> None:
        stand.seconds += seconds

    stand.venue.on_cancel = takes
    stand.resting.cancel(trade, trade.pair, [LIVE], stand.resting.budget())
    assert stand.resting.budget().left_ms() == whole_ms - 1_250
    stand.resting.process_loop({KEY: object()})
    assert stand.resting.budget().left_ms() == whole_ms, "the next loop begins anew"


@pytest.mark.parametrize(
    ("has_rest", "open_order", "holding", "goes_on"),
    [
        (True, True, True, False),  # the free part is being sold, and nothing more is free
        (True, False, True, True),
        (True, True, False, True),
        (False, True, True, True),
    ],
)
def test_a_second_exit_order_waits_only_while_resting_orders_hold_the_rest(
    monkeypatch: pytest.MonkeyPatch, has_rest: bool, open_order: bool, holding: bool, goes_on: bool
) -> None:
    stand = stand_with(monkeypatch, *([LIVE] if holding else [replace(LIVE, phase=Phase.REFUSED)]))
    trade = stand.trades[KEY]
    trade.has_open_orders = open_order
    exits = Exits(stand.exchange, stand.resting)
    if has_rest:
        exits._rest[KEY] = "stop_loss"
    assert exits.confirm(trade, "stop_loss") is goes_on
