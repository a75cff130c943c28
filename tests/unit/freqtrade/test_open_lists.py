"""Promise: a list of open orders tells which pairs have to be looked up, and decides nothing."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import ccxt
import pytest

from bitget_margin.freqtrade.open_lists import OpenLists
from bitget_margin.freqtrade.tracked_order import TrackedOrder
from support.botless import PAIR, Stand, live

OTHER = "ETH/USDT"
AGE = 60.0


class Socket:
    """A connection that is up, without pushes."""

    def follow(self, pairs: object) -> None:
        """Do nothing."""

    def quiet_since(self, pair: str) -> float | None:
        """Return a time long ago."""
        return 0.0


def on(pair: str, name: str) -> TrackedOrder:
    return live(name, pair=pair)


ORDERS: Mapping[str, Sequence[TrackedOrder]] = {PAIR: [on(PAIR, "a"), on(PAIR, "b")], OTHER: [on(OTHER, "c")]}


def row(order: TrackedOrder, **more: Any) -> dict[str, Any]:
    return {**order.to_ccxt(), **more}


ALL = [row(order) for orders in ORDERS.values() for order in orders]


@pytest.fixture
def lists(stand: Stand) -> OpenLists:
    """Return the lists of a bot that has looked up two pairs, on a venue that lists all pairs at once."""
    lookups, stand.venue.lists_all = stand.maintenance.lookups, True
    lookups.pushes, stand.venue.own_listed = Socket(), ALL
    for pair in ORDERS:
        lookups.begin([pair])
        lookups.end(pair)
    found: OpenLists = stand.maintenance.lists
    return found


def due(lists: OpenLists) -> set[str]:
    """Return the pairs that have to be looked up, once every list has ended."""
    for running in list(lists._running):
        running.lists._ended.wait(5)
    lists.compare_ended(ORDERS)
    return {pair for pair in ORDERS if lists.lookups.is_due(pair)}


# -- without pushes ---------------------------------------------------------------------------------------------------


def test_one_list_of_all_pairs_spares_those_that_are_as_known(stand: Stand, lists: OpenLists) -> None:
    stand.venue.own_listed = [
        row(order, filled=0.1) if order.client_id == "c" else row(order) for order in (*ORDERS[PAIR], *ORDERS[OTHER])
    ]
    assert lists.still_due(ORDERS, [PAIR, OTHER], stand.budget()) == [OTHER]
    assert stand.venue.lists == [None]
    assert stand.venue.viewed == []


def test_one_pair_is_looked_up_without_a_list(stand: Stand, lists: OpenLists) -> None:
    assert lists.still_due(ORDERS, [PAIR], stand.budget()) == [PAIR]
    assert stand.venue.lists == []


def test_a_venue_that_lists_no_two_pairs_is_asked_once(stand: Stand, lists: OpenLists) -> None:
    stand.venue.lists_all = False
    for _ in range(3):
        assert lists.still_due(ORDERS, [PAIR, OTHER], stand.budget()) == [PAIR, OTHER]
        stand.seconds += 5
    assert stand.venue.lists == [None]


def test_pairs_whose_list_failed_are_looked_up(stand: Stand, lists: OpenLists) -> None:
    stand.venue.error = ccxt.RequestTimeout("no answer")
    assert lists.still_due(ORDERS, [PAIR, OTHER], stand.budget()) == [PAIR, OTHER]
    stand.venue.error = None
    assert lists.still_due(ORDERS, [PAIR, OTHER], stand.budget()) == []


def test_a_slow_venue_holds_nobody_up(stand: Stand, lists: OpenLists, monkeypatch: pytest.MonkeyPatch) -> None:
    answer, stand.round_trip_ms = threading.Event(), 800
    listing = stand.venue.open_rows_everywhere
    monkeypatch.setattr(stand.venue, "open_rows_everywhere", lambda *request: answer.wait(5) and listing(*request))
    assert lists.still_due(ORDERS, [PAIR, OTHER], stand.budget()) == []
    # While it runs, no second one is sent, and the pairs are looked up.
    assert lists.still_due(ORDERS, [PAIR, OTHER], stand.budget()) == [PAIR, OTHER]
    answer.set()
    assert due(lists) == set()
    assert stand.venue.lists == [None]


# -- pairs without pushes ---------------------------------------------------------------------------------------------


def test_quiet_pairs_are_listed_together_before_they_are_due(stand: Stand, lists: OpenLists) -> None:
    for _ in range(40):
        stand.seconds += 5
        lists.refresh_quiet(ORDERS)
        assert due(lists) == set()
    assert 3 <= len(stand.venue.lists) <= 5
    assert set(stand.venue.lists) == {None}


def test_quiet_pairs_are_listed_one_by_one_where_the_venue_wants_a_symbol(stand: Stand, lists: OpenLists) -> None:
    stand.venue.lists_all = False
    lists.still_due(ORDERS, [PAIR, OTHER], stand.budget())
    for pair in ORDERS:
        lists.lookups.begin([pair])
        lists.lookups.end(pair)
    for _ in range(96):
        stand.seconds += 5
        lists.refresh_quiet(ORDERS)
        assert due(lists) == set()
    each = [stand.venue.lists.count(pair) for pair in ORDERS]
    # One in each 48 s, of 480.
    assert each == pytest.approx([10, 10], abs=1)


def refused(stand: Stand, lists: OpenLists) -> None:
    """Let the venue refuse a list of all pairs, and have every pair looked up."""
    stand.venue.lists_all = False
    lists.still_due(ORDERS, [PAIR, OTHER], stand.budget())
    for pair in ORDERS:
        lists.lookups.begin([pair])
        lists.lookups.end(pair)
    lists.refresh_quiet(ORDERS)
    stand.venue.lists.clear()


def test_pairs_that_are_due_after_a_long_loop_are_listed_in_turn_and_one_that_fails_alone_is_looked_up(
    stand: Stand, lists: OpenLists, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(stand, lists)
    listing = stand.venue.open_rows

    def failing(pair: str, *request: Any) -> Any:
        rows = listing(pair, *request)
        if pair == PAIR:
            raise ccxt.RequestTimeout("no answer")
        return rows

    monkeypatch.setattr(stand.venue, "open_rows", failing)
    stand.seconds += 0.8 * AGE
    lists.refresh_quiet(ORDERS)
    assert due(lists) == {PAIR}
    assert sorted(map(str, stand.venue.lists)) == [PAIR, OTHER]


def test_pairs_wait_for_the_lists_of_an_earlier_loop(
    stand: Stand, lists: OpenLists, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(stand, lists)
    answer, listing = threading.Event(), stand.venue.open_rows
    monkeypatch.setattr(stand.venue, "open_rows", lambda *request: answer.wait(5) and listing(*request))
    for _ in range(3):
        stand.seconds += 0.4 * AGE
        lists.refresh_quiet(ORDERS)
    answer.set()
    assert due(lists) == {PAIR}
    assert stand.venue.lists == [OTHER]
    lists.refresh_quiet(ORDERS)
    due(lists)
    assert sorted(map(str, stand.venue.lists[1:])) == [PAIR, OTHER]


@pytest.mark.parametrize(
    "changed",
    [
        [],
        [row(on(PAIR, "a")), row(on(PAIR, "b"), filled=0.2)],
        [row(on(PAIR, "a"))],
        [row(on(PAIR, "a"), status="canceled")],
    ],
    ids=["none", "filled", "one missing", "ended"],
)
def test_a_pair_that_is_not_as_known_is_looked_up_at_once(
    stand: Stand, lists: OpenLists, changed: list[dict[str, Any]]
) -> None:
    stand.venue.own_listed = [*changed, row(on(OTHER, "c"))]
    stand.seconds += 0.9 * AGE
    lists.refresh_quiet(ORDERS)
    assert due(lists) == {PAIR}
    assert stand.store.rows == {}


def test_orders_with_the_key_that_nobody_knows_are_taken_in(stand: Stand, lists: OpenLists) -> None:
    taken: list[Any] = []
    stand.resting.take_in = lambda pair, rows: taken.append((pair, [found["id"] for found in rows]))
    stand.venue.own_listed = [*ALL, row(on(PAIR, "k-1"), id="own")]
    stand.seconds += 0.9 * AGE
    lists.refresh_quiet(ORDERS)
    assert due(lists) == set()
    assert taken == [(PAIR, ["own"])]


def test_nothing_is_listed_where_no_pair_is_quiet(stand: Stand, lists: OpenLists) -> None:
    stand.seconds += AGE
    lists.refresh_quiet({})
    assert stand.venue.lists == []
