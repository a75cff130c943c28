"""What was taken as never placed is looked up now and then, and taken in when it shows."""

import itertools
from dataclasses import replace

import ccxt
import pytest

from bitget_margin.freqtrade.lost_orders import FORGET_AFTER_MS
from bitget_margin.freqtrade.tracked_order import Phase, TrackedOrder
from support.botless import PAIR, Stand, own, rung


def lost(row: TrackedOrder) -> TrackedOrder:
    """Return an order that was given up a moment ago."""
    return replace(row, phase=Phase.LOST, intended_ms=4_999_000)


def look_up(stand: Stand, budget_ms: float = 3_000) -> None:
    stand.lost.look_up(stand.budget(budget_ms))


def test_look_ups_come_in_growing_intervals(stand: Stand) -> None:
    stand.store.add([lost(own())])
    began, times = stand.seconds, []
    while stand.seconds < began + 2_000:
        before = len(stand.venue.viewed)
        look_up(stand)
        if len(stand.venue.viewed) > before:
            times.append(stand.seconds - began)
        stand.seconds += 1
    assert times[0] == 0
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert gaps[:4] == [5, 10, 20, 40]
    assert max(gaps) == 300 == gaps[-1]


def test_one_look_up_serves_a_pair_as_if_its_orders_were_in_doubt(stand: Stand) -> None:
    rows = [lost(own()), lost(rung()), lost(own("k-o2", pair="ETH/USDT"))]
    stand.store.add(rows)
    look_up(stand)
    in_doubt = [replace(row, phase=Phase.INTENDED) for row in rows]
    assert stand.venue.viewed == [in_doubt[:2], in_doubt[2:]]


def test_an_own_order_that_shows_is_handed_to_freqtrade(stand: Stand) -> None:
    row = lost(own())
    stand.store.add([row])
    found = stand.venue.shown[row.client_id] = replace(row, phase=Phase.LIVE, order_id="77")
    look_up(stand)
    assert stand.adopted == [found]
    assert stand.store[row.client_id] == found
    assert stand.calls == []
    stand.store.add([row])
    look_up(stand)
    assert len(stand.venue.viewed) == 2, "given up again, it is looked up at once"


@pytest.mark.parametrize("phase", [Phase.LIVE, Phase.ENDED])
def test_a_resting_order_that_shows_belongs_to_its_trade_again(stand: Stand, phase: Phase) -> None:
    row = lost(rung())
    stand.store.add([row])
    stand.venue.shown[row.client_id] = replace(row, phase=phase, order_id="77", filled=0.1)
    look_up(stand)
    assert stand.store[row.client_id].phase is phase
    assert stand.adopted == []
    assert stand.calls == [("fill", 1, row.client_id, 0.1)]
    assert stand.alerts.warnings == [
        (f"Resting sell 77 on {PAIR} (trade 1) was given up, and is there: it is taken in again.", None)
    ]


@pytest.mark.parametrize("number", [None, 9])
def test_a_fill_of_no_open_trade_is_warned_of(stand: Stand, number: int | None) -> None:
    row = lost(rung(trade_id=number))
    stand.store.add([row])
    stand.venue.shown[row.client_id] = replace(row, phase=Phase.LIVE, order_id="77", filled=0.1)
    look_up(stand)
    assert "freqtrade does not count it" in stand.alerts.texts
    assert stand.calls == []


def test_the_orders_that_do_not_show_are_returned(stand: Stand) -> None:
    first, second = lost(rung("a")), lost(rung("b"))
    stand.venue.shown["a"] = replace(first, phase=Phase.LIVE, order_id="77")
    assert stand.lost.take_in_shown(PAIR, [first, second], stand.budget()) == [second]


def test_what_is_too_old_to_come_is_looked_up_no_more(stand: Stand) -> None:
    assert list(FORGET_AFTER_MS.values()) == [3_600_000, 86_400_000], "an hour, and a day for rungs"
    stand.ms = 10 * max(FORGET_AFTER_MS.values())
    rows = [replace(lost(row), intended_ms=stand.ms - FORGET_AFTER_MS[row.origin] - 1) for row in (own(), rung())]
    stand.store.add(rows)
    look_up(stand)
    assert stand.venue.viewed == []
    assert list(stand.store.rows) == [rows[1].client_id], "a rung stays known as its trade's"
    stand.store.add([replace(row, intended_ms=row.intended_ms + 1) for row in rows])
    look_up(stand)
    assert [len(viewed) for viewed in stand.venue.viewed] == [2]


def test_a_pair_without_an_answer_is_warned_of_and_the_next_one_is_looked_up(stand: Stand) -> None:
    stand.store.add([lost(own()), lost(own("k-o2", pair="ETH/USDT"))])
    stand.venue.error = ccxt.RequestTimeout("x")
    look_up(stand)
    assert [about for _, about in stand.alerts.warnings] == [
        f"The orders on {pair} that were given up" for pair in (PAIR, "ETH/USDT")
    ]
    assert stand.alerts.warnings[0][0] == f"The orders on {PAIR} that were given up could not be looked up: x"


def test_without_time_nothing_is_looked_up(stand: Stand) -> None:
    stand.store.add([lost(own())])
    look_up(stand, 10)
    assert stand.venue.viewed == []


def test_an_order_that_only_its_fills_show_is_not_taken_for_resting_again(stand: Stand) -> None:
    """Canceled by hand after a part had filled, and its row is gone from history."""
    gone = lost(rung("a"))
    stand.store.add([gone])
    stand.venue.shown["a"] = replace(gone, phase=Phase.INTENDED, filled=0.2, average=61_000.0)
    stand.venue.by_fills = frozenset({"a"})
    expected = replace(gone, filled=0.2, average=61_000.0)
    assert stand.lost.take_in_shown(PAIR, [gone], stand.budget()) == [expected]
    assert stand.store["a"] == expected
    assert stand.calls == [("fill", 1, "a", 0.2)]
    assert stand.alerts.warnings == []
