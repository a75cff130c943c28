"""Promise: a lookup that a later loop processes says nothing about orders that have changed since it began."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import ccxt
import pytest

from bitget_margin.freqtrade.client import ViewedOrders
from bitget_margin.freqtrade.late_views import LateView, LateViews
from bitget_margin.freqtrade.tracked_order import TrackedOrder
from support.botless import PAIR, Stand, live

ORDERS = [live(name) for name in "abc"]


@pytest.fixture
def answer(stand: Stand) -> Iterator[threading.Event]:
    """Return what lets the venue answer."""
    event = threading.Event()
    stand.venue.on_view = lambda: event.wait(5)
    yield event
    event.set()


def ended(views: LateViews, *current: TrackedOrder) -> list[LateView]:
    return list(views.ended({order.client_id: order for order in current}))


def answered(views: LateViews, *current: TrackedOrder) -> LateView:
    """Return the one lookup that ends within a few seconds."""
    for _ in range(500):
        found = ended(views, *current)
        if found:
            (view,) = found
            return view
        threading.Event().wait(0.01)
    raise AssertionError("it has not ended")


def test_a_lookup_is_processed_once_it_has_ended_and_once(stand: Stand, answer: threading.Event) -> None:
    views = LateViews(stand.venue, stand.store)
    stand.venue.shown = {"b": replace(ORDERS[1], filled=0.2)}
    stand.venue.own = ({"clientOrderId": "k-1-x-9"},)
    views.begin(PAIR, ORDERS)
    assert ended(views, *ORDERS) == []
    assert PAIR in views
    answer.set()
    view = answered(views, *ORDERS)
    assert (view.pair, view.orders) == (PAIR, ORDERS)
    shown = (None, stand.venue.shown["b"], None)
    assert view.viewing() == ViewedOrders(shown, stand.venue.own, frozenset({"a", "c"}))
    assert (stand.venue.keys, stand.venue.budgets) == (["k"], [3_000])
    assert PAIR not in views
    assert ended(views, *ORDERS) == []


def test_orders_that_have_changed_or_ended_since_are_left_out(stand: Stand, answer: threading.Event) -> None:
    views = LateViews(stand.venue, stand.store)
    stand.venue.shown = {order.client_id: order for order in ORDERS}
    views.begin(PAIR, ORDERS)
    answer.set()
    view = answered(views, replace(ORDERS[0], filled=0.1), ORDERS[2], live("d"))
    assert view.orders == [ORDERS[2]]
    assert view.viewing().orders == (ORDERS[2],)


def test_a_lookup_that_fails_says_so_where_it_is_processed(stand: Stand, answer: threading.Event) -> None:
    views = LateViews(stand.venue, stand.store)
    stand.venue.error = ccxt.RequestTimeout("no answer")
    views.begin(PAIR, ORDERS)
    answer.set()
    view = answered(views, *ORDERS)
    with pytest.raises(ccxt.RequestTimeout):
        view.viewing()


def test_a_lookup_that_hangs_keeps_back_no_other_one(stand: Stand, answer: threading.Event) -> None:
    views = LateViews(stand.venue, stand.store)
    views.begin("ETH/USDT", [])
    stand.venue.on_view = lambda: None
    views.begin(PAIR, ORDERS)
    assert answered(views, *ORDERS).pair == PAIR
    assert "ETH/USDT" in views
