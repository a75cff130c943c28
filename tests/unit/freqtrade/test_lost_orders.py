"""What was taken as never placed is looked for now and then, and taken in when it shows."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from bitget_margin.freqtrade import lost_orders
from bitget_margin.freqtrade.client import Budget
from bitget_margin.freqtrade.lost_orders import FORGET_AFTER_MS, LAST_SECONDS, LostOrders
from bitget_margin.freqtrade.tracked_order import Phase, TrackedOrder
from support.botless import Records, Stand, own, rung, without_freqtrade

NOW_MS = 10 * max(FORGET_AFTER_MS.values())


@pytest.fixture
def adopted(monkeypatch: pytest.MonkeyPatch) -> list[TrackedOrder]:
    """Return the orders that were handed to freqtrade."""
    monkeypatch.setattr(lost_orders, "epoch_ms", lambda: NOW_MS)
    return []


def lost(row: TrackedOrder) -> TrackedOrder:
    """Return an order that was given up a moment ago."""
    return replace(row, phase=Phase.LOST, intended_ms=NOW_MS - 60_000)


def test_looks_come_in_growing_intervals(adopted: list[TrackedOrder]) -> None:
    stand = Stand(Records(lost(own())))
    watch, times = LostOrders(stand.resting, adopted.append), []
    began = stand.seconds
    while stand.seconds < began + 2_000:
        before = stand.venue.looks
        watch.look(Budget(3_000))
        if stand.venue.looks > before:
            times.append(stand.seconds - began)
        stand.seconds += 1
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert gaps[:4] == [5, 10, 20, 40]
    assert max(gaps) == LAST_SECONDS


def test_an_own_order_that_shows_is_handed_to_freqtrade(adopted: list[TrackedOrder]) -> None:
    row = lost(own())
    stand = Stand(Records(row))
    stand.venue.shown[row.client_id] = replace(row, phase=Phase.LIVE, order_id="77")
    LostOrders(stand.resting, adopted.append).look(Budget(3_000))
    assert [(found.order_id, found.phase) for found in adopted] == [("77", Phase.LIVE)]


@pytest.mark.parametrize("phase", [Phase.LIVE, Phase.ENDED])
def test_a_resting_order_that_shows_belongs_to_its_trade_again(
    monkeypatch: pytest.MonkeyPatch, adopted: list[TrackedOrder], phase: Phase
) -> None:
    row = lost(rung())
    stand = Stand(Records(row))
    stand.trade()
    without_freqtrade(monkeypatch, stand)
    stand.venue.shown[row.client_id] = replace(row, phase=phase, order_id="77", filled=0.1)
    LostOrders(stand.resting, adopted.append).look(Budget(3_000))
    assert stand.records.rows[row.client_id].phase is phase
    assert adopted == []
    assert any("was given up, and is there" in text for text in stand.said)


def test_what_is_too_old_to_come_is_looked_for_no_more(adopted: list[TrackedOrder]) -> None:
    rows = [replace(lost(row), intended_ms=NOW_MS - FORGET_AFTER_MS[row.kind] - 1) for row in (own(), rung())]
    stand = Stand(Records(*rows))
    LostOrders(stand.resting, adopted.append).look(Budget(3_000))
    assert stand.venue.looks == 0
    assert list(stand.records.rows) == [rows[1].client_id], "a rung stays known as its trade's"
