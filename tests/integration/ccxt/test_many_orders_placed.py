"""Promise: `create_orders` places each order at most once, shows refusals, and looks up lost responses."""

import threading
from typing import Any

import ccxt
import pytest

from bitget_margin import PlaceUnresolved
from bitget_margin.adapter.fetch import view_orders
from bitget_margin.emulator import Emulator
from support.client import CROSS, Client, batch_max, paths, rungs

BTC = "BTC/USDT"


def requests(count: int, **more: Any) -> list[dict[str, Any]]:
    """Return order requests of ccxt with descending prices."""
    return [
        {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.001, "price": 50_000 - i, "params": CROSS} | more
        for i in range(count)
    ]


def test_a_full_batch_takes_one_request_and_comes_back_in_its_order(venue: Emulator, client: Client) -> None:
    most = batch_max(venue)
    orders = client("create_orders", requests(most))
    assert paths(venue) == ["batch-place-order"]
    placed = [venue.order(order["id"]) for order in orders]
    assert [float(order.price) for order in placed] == [50_000 - i for i in range(most)]
    assert [order["clientOrderId"] for order in orders] == [order.client_oid for order in placed]


def test_a_refused_order_is_visible_beside_those_that_were_placed(venue: Emulator, client: Client) -> None:
    """Stock ccxt moves failures behind the successes."""
    wanted = requests(3)
    wanted[1]["amount"] = 1_000
    first, second, third = client("create_orders", wanted)
    assert (first["status"], second["status"], third["status"]) == (None, "rejected", None)
    assert second["id"] is None
    assert "Insufficient balance" in second["info"].values()
    assert {order.order_id for order in venue.orders()} == {first["id"], third["id"]}


def test_orders_behind_a_lost_answer_are_found_and_not_sent_again(venue: Emulator, client: Client) -> None:
    venue.knobs(latency_ms=900)
    threading.Timer(0.8, lambda: venue.knobs(latency_ms=0)).start()
    orders = client("create_orders", requests(5), {"timeout": 2_100})
    assert paths(venue).count("batch-place-order") == 1
    assert [order["id"] for order in orders] == [order.order_id for order in venue.orders(live_only=True)]


def test_orders_that_no_look_up_shows_leave_with_the_exception(venue: Emulator, client: Client) -> None:
    venue.knobs(latency_ms=5_000)
    with pytest.raises(PlaceUnresolved, match="look up") as caught:
        client("create_orders", requests(2), {"timeout": 1_500})
    assert [(order["id"], order["status"]) for order in caught.value.orders] == [(None, None)] * 2
    assert {order["clientOrderId"] for order in caught.value.orders} == {o.client_oid for o in venue.orders()}


def test_an_older_namesake_is_not_taken_for_a_placed_order(venue: Emulator, client: Client) -> None:
    (old,) = rungs(venue, 1, name="again")
    venue.fill(old)
    venue.knobs(latency_ms=900)
    threading.Timer(1.0, lambda: venue.knobs(latency_ms=0)).start()
    (order,) = client("create_orders", requests(1, params=CROSS | {"clientOrderId": "again0"}), {"timeout": 2_400})
    assert order["id"] != old


@pytest.mark.classic
def test_orders_of_the_spot_wallet_are_stock_ccxts(venue: Emulator, sync_client: Client) -> None:
    sync_client.exchange.options["defaultMarginMode"] = None
    with pytest.raises(ccxt.BaseError):
        sync_client("create_orders", requests(1, params={}))
    assert [record.path for record in venue.requests] == ["/api/v2/spot/trade/batch-orders"]


def test_many_orders_are_viewed_with_one_request_of_each_list_while_they_live(venue: Emulator, client: Client) -> None:
    """More requests are sent only for orders that neither list shows; unknown orders are left out."""
    ids = rungs(venue, 60, name="tp")
    rungs(venue, 30, price=40_000)
    flow = view_orders(client.exchange, BTC, ids[:40], [f"tp{i}" for i in range(40, 60)], {})
    shown = client("perform", flow)
    assert {order["id"] for order in shown.orders.values()} == set(ids)
    venue.reset_requests()
    by_id = client("perform", view_orders(client.exchange, BTC, ids, [], {})).orders
    assert (set(by_id), sorted(paths(venue))) == (set(ids), ["history-orders", "open-orders"])
    venue.fill(ids[0])
    venue.cancel(ids[30])
    venue.reset_requests()
    after = client("perform", view_orders(client.exchange, BTC, [*ids, "999"], [], {})).orders
    assert [after[order_id]["status"] for order_id in (ids[0], ids[30], ids[1])] == ["closed", "canceled", "open"]
    assert "999" not in after
