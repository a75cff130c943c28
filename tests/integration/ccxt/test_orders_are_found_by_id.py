"""Promise: the bot's view of its orders finds each one, however old, behind whatever others, by either of its ids."""

import time
from typing import Any

import pytest

from bitget_margin.adapter.fetch import OrdersView, view_orders
from bitget_margin.emulator import Emulator
from support.client import Client, paths, rungs

BTC = "BTC/USDT"
DAY_MS = 86_400_000


def view(client: Client, ids: list[str], client_ids: list[str], **params: Any) -> OrdersView:
    """Return the view of these orders."""
    found = client("perform", view_orders(client.exchange, BTC, ids, client_ids, params))
    assert isinstance(found, OrdersView)
    return found


def statuses(found: OrdersView) -> list[str]:
    """Return the statuses of the orders in the order of their ids."""
    return [found.orders[name]["status"] for name in sorted(found.orders)]


@pytest.fixture(params=["ids", "client ids"])
def named(request: pytest.FixtureRequest) -> Any:
    """Return what splits orders into ids and client order ids, so that each is named by one of them."""
    return lambda ids, names: (ids, []) if request.param == "ids" else ([], names)


@pytest.mark.parametrize("days", [31, 89, 95])
def test_an_order_of_any_age_is_found(venue: Emulator, client: Client, named: Any, days: int) -> None:
    """Live, filled and canceled: history lists the last 30 days of a unified account, 90 of a classic one."""
    ids = rungs(venue, 3, name="tp")
    for order_id in ids:
        venue.backdate(order_id, days * DAY_MS)
    venue.fill(ids[1])
    venue.cancel(ids[2])
    found = view(client, *named(ids, ["tp0", "tp1", "tp2"]))
    assert statuses(found) == ["open", "closed", "canceled"]
    assert not found.unanswered


def test_an_order_behind_a_thousand_younger_ones_is_found(venue: Emulator, client: Client, named: Any) -> None:
    """Half of them are open, half have ended; the order is neither on the first pages of open orders nor of history."""
    ids = rungs(venue, 2, name="tp")
    for i in range(1_800):
        (other,) = rungs(venue, 1, price=40_000)
        if i % 3:
            venue.cancel(other)
    venue.fill(ids[1])
    found = view(client, *named(ids, ["tp0", "tp1"]))
    assert statuses(found) == ["open", "closed"]
    assert paths(venue).count("open-orders") <= 3 + len(ids)
    assert paths(venue).count("history-orders") <= 3 + len(ids)


@pytest.mark.classic
def test_the_fills_of_an_order_remain_where_history_has_dropped_it(venue: Emulator, client: Client) -> None:
    first, second = rungs(venue, 2)
    for order_id in (first, second):
        venue.backdate(order_id, 95 * DAY_MS)
    venue.fill(first, "0.0004")
    venue.fill(first)
    venue.cancel(second)
    venue.forget(first)
    venue.forget(second)
    found = view(client, [first, second], [])
    assert found.orders == {}
    assert (found.fills[first].amount, found.fills[first].average) == (pytest.approx(0.001), pytest.approx(50_000))
    assert (found.fills[second].amount, found.fills[second].average) == (0, None)
    assert found.open_is_complete


@pytest.mark.parametrize("end", ["fill", "cancel"])
def test_an_order_that_open_orders_still_list_is_shown_as_ended(
    venue: Emulator, client: Client, named: Any, end: str
) -> None:
    ids = rungs(venue, 2, name="tp")
    venue.knobs(open_orders_lag_ms=20_000)
    getattr(venue, end)(ids[1])
    found = view(client, *named(ids, ["tp0", "tp1"]), prefix="tp")
    assert statuses(found) == ["open", "closed" if end == "fill" else "canceled"]
    assert [order["id"] for order in found.own] == []


def test_own_orders_that_nobody_knows_are_found_by_their_prefix(venue: Emulator, client: Client) -> None:
    known, *lost = rungs(venue, 3, name="tp")
    rungs(venue, 2, name="other")
    rungs(venue, 2)
    found = view(client, [known], [], prefix="tp")
    assert sorted(order["id"] for order in found.own) == lost
    assert found.open_is_complete
    assert sorted(order["id"] for order in view(client, [], [], prefix="tp").own) == [known, *lost]


def test_a_slow_venue_answers_within_the_time_of_the_call(venue: Emulator, client: Client) -> None:
    """Both lists take one round trip together."""
    ids = rungs(venue, 2)
    venue.knobs(latency_ms=1_200)
    started = time.monotonic()
    found = view(client, ids, [], timeout=2_400)
    assert statuses(found) == ["open", "open"]
    assert time.monotonic() - started < 2.2
    assert sorted(paths(venue)) == ["history-orders", "open-orders"]
