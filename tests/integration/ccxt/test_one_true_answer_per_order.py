"""Promise: every order gets one true result, in every flavour."""

from collections import Counter
from typing import Any

import ccxt
import pytest

from bitget_margin import CancelReport, CancelUnresolved, Outcome, report_of
from bitget_margin.emulator import Account, Emulator
from bitget_margin.emulator.market.wallet import AccountKind
from support.client import CROSS, Client, Flavour, batches, config, paths, rungs

UNKNOWN = "1000000000000000001"
TIMES = {"cTime", "uTime", "createdTime", "updatedTime", "clientOid"}
BATCH = ("batch-cancel-order", "cancel-batch")
OK = 200


def place_orders(venue: Emulator) -> list[str]:
    """Place 120 orders, of which three fill and two are canceled; return their ids and an unknown one."""
    ids = rungs(venue, 120)
    for order_id in ids[:3]:
        venue.fill(order_id)
    for order_id in ids[3:5]:
        venue.cancel(order_id)
    return [*ids, UNKNOWN]


def test_121_orders_get_121_proven_answers_in_the_order_of_the_request(venue: Emulator, client: Client) -> None:
    """3 batches and at most 6 lookups."""
    named = place_orders(venue)
    report: CancelReport = client("batch_cancel", named, "BTC/USDT")
    assert [result.id for result in report.results] == named
    assert Counter(order["status"] for order in report.orders) == {"canceled": 117, "closed": 3, "rejected": 1}
    assert all(result.outcome is Outcome.FILLED for result in report.results[:3])
    assert all(result.outcome is Outcome.CANCELED for result in report.results[3:120])
    assert report.results[120].outcome is Outcome.NOT_FOUND
    for order, order_id in zip(report.orders[:3], named[:3], strict=True):
        truth = venue.order(order_id)
        assert (order["filled"], order["cost"]) == (float(truth.filled), float(truth.quote_filled))
    sent = Counter(paths(venue))
    assert sent["batch-cancel-order"] == batches(venue, 121)
    assert sum(sent.values()) - sent["batch-cancel-order"] <= 6
    assert report.requests == sum(sent.values())
    assert not report.ok
    assert report.unasked == ()


def test_without_confirmation_acknowledged_orders_stay_without_a_status(venue: Emulator, client: Client) -> None:
    named = place_orders(venue)
    orders = client("cancel_orders", named, "BTC/USDT", CROSS)
    assert [order["id"] for order in orders] == named
    assert [order["status"] for order in orders] == ["closed"] * 3 + ["canceled"] * 2 + [None] * 115 + ["rejected"]
    assert {order["symbol"] for order in orders} == {"BTC/USDT"}
    sent = Counter(paths(venue))
    assert sent["batch-cancel-order"] == batches(venue, 121)
    assert sum(sent.values()) - sent["batch-cancel-order"] <= 6


def test_the_flavours_agree_field_by_field(kind: AccountKind) -> None:
    results: dict[Flavour, Any] = {}
    for flavour in Flavour:
        with Emulator(accounts=(Account(kind=kind),)) as venue:
            client = Client(flavour, config(venue))
            named = place_orders(venue)
            report = client("batch_cancel", named, "BTC/USDT")
            numbers = {order_id: str(i) for i, order_id in enumerate(named)}
            results[flavour] = [_comparable(result, numbers) for result in report.results], report.requests
            client.close()
    assert results[Flavour.SYNC] == results[Flavour.ASYNC] == results[Flavour.PRO]


def _comparable(result: Any, numbers: dict[str, str]) -> Any:
    times = {"timestamp", "datetime", "lastTradeTimestamp", "lastUpdateTimestamp", "clientOrderId"}
    order = {key: value for key, value in result.order.items() if key not in times}
    order["id"] = numbers[order["id"]]
    order["info"] = {key: value for key, value in order["info"].items() if key not in TIMES}
    order["info"]["orderId"] = numbers[order["info"]["orderId"]]
    return numbers[result.id], result.symbol, result.outcome, result.reason, result.code, order


@pytest.mark.parametrize("count", [0, 1, 20, 21, 50, 51, 100, 101])
def test_n_orders_take_as_few_requests_as_the_venue_allows(
    venue: Emulator,
    client: Client,
    count: int,
) -> None:
    """One request carries 50 orders, or 20 on a unified account."""
    orders = client("cancel_orders", rungs(venue, count), "BTC/USDT", CROSS)
    assert len(orders) == count
    assert paths(venue) == ["batch-cancel-order"] * batches(venue, count)


def test_ids_of_different_kinds_never_share_a_request(venue: Emulator, client: Client) -> None:
    ids = rungs(venue, 4, name="rung-")
    report = client("batch_cancel", ids[:2], "BTC/USDT", ["rung-2", "rung-3"])
    assert report.ok
    assert [result.id for result in report.results] == ids
    bodies = [record.body for record in venue.requests if record.path.endswith(BATCH)]
    # They leave side by side, so either may arrive first.
    assert sorted(("clientOid" in body, 'orderId"' in body) for body in bodies) == [(False, True), (True, False)]


def test_client_order_ids_are_answered_under_their_own_names(venue: Emulator, client: Client) -> None:
    ids = rungs(venue, 3, name="tp_")
    venue.fill(ids[0], "0.0004")
    orders = client(
        "cancel_orders_with_client_order_ids", ["tp_0", "tp_1", "tp_2"], "BTC/USDT", CROSS | {"confirm": True}
    )
    assert [order["clientOrderId"] for order in orders] == ["tp_0", "tp_1", "tp_2"]
    assert [order["id"] for order in orders] == ids
    assert [order["filled"] for order in orders] == [0.0004, 0, 0]
    assert {order["status"] for order in orders} == {"canceled"}


def test_an_order_named_twice_is_sent_and_answered_once(venue: Emulator, client: Client) -> None:
    (order_id,) = rungs(venue, 1)
    orders = client("cancel_orders", [order_id, int(order_id), order_id], "BTC/USDT", CROSS)
    assert [order["id"] for order in orders] == [order_id]
    (request,) = (record for record in venue.requests if record.path.endswith(BATCH) and record.status == OK)
    assert request.body.count(order_id) == 1


def test_several_symbols_are_grouped_and_answered_in_the_order_of_the_request(venue: Emulator, client: Client) -> None:
    btc, eth = rungs(venue, 3, name="b"), rungs(venue, 2, symbol="ETHUSDT", price=2_500)
    named = [
        {"id": btc[0], "symbol": "BTC/USDT"},
        {"id": eth[0], "symbol": "ETH/USDT"},
        {"clientOrderId": "b1", "symbol": "BTC/USDT"},
        {"id": eth[1], "symbol": "ETH/USDT"},
        {"id": btc[2], "symbol": "BTC/USDT"},
    ]
    orders = client("cancel_orders_for_symbols", named, CROSS | {"confirm": True})
    assert [order["id"] for order in orders] == [btc[0], eth[0], btc[1], eth[1], btc[2]]
    assert [order["symbol"] for order in orders] == [request["symbol"] for request in named]
    assert {order["status"] for order in orders} == {"canceled"}
    assert Counter(paths(venue))["batch-cancel-order"] == 3


def test_partial_fills_are_kept_in_a_cancelled_order(venue: Emulator, client: Client) -> None:
    (order_id,) = rungs(venue, 1)
    venue.fill(order_id, "0.0004")
    (result,) = client("batch_cancel", [order_id], "BTC/USDT").results
    assert result.outcome is Outcome.CANCELED
    assert (result.order["filled"], result.order["cost"], result.order["average"]) == (0.0004, 20.0, 50_000.0)
    assert result.order["remaining"] == 0.0006
    assert "0.0004" in {result.order["info"].get("size"), result.order["info"].get("cumExecQty")}


def test_no_order_is_touched_that_was_not_named(venue: Emulator, client: Client) -> None:
    ids = rungs(venue, 5)
    others = rungs(venue, 2, symbol="ETHUSDT", price=2_500)
    fields = {"symbol": "BTCUSDT", "side": "buy", "price": "50000", "baseSize": "0.001"}
    theirs = venue.place(venue.accounts[1].uid, fields)
    assert client("batch_cancel", ids[:3], "BTC/USDT").ok
    assert [order.order_id for order in venue.orders(live_only=True)] == [*ids[3:], *others, theirs]


def test_asking_again_changes_nothing(venue: Emulator, client: Client) -> None:
    ids = rungs(venue, 3)
    venue.fill(ids[0])
    first = client("batch_cancel", ids, "BTC/USDT")
    second = client("batch_cancel", ids, "BTC/USDT")
    assert [result.outcome for result in first.results] == [result.outcome for result in second.results]
    assert [order["filled"] for order in first.orders] == [order["filled"] for order in second.orders]


def test_a_definitive_error_is_the_exception_of_stock_ccxt_and_carries_the_report(
    venue: Emulator, flavour: Flavour
) -> None:
    ids = rungs(venue, 2)
    client = Client(flavour, config(venue) | {"password": "wrong"})
    with pytest.raises(ccxt.AuthenticationError) as caught:
        client("batch_cancel", ids, "BTC/USDT")
    client.close()
    report = report_of(caught.value)
    assert report is not None
    assert [result.outcome for result in report.results] == [Outcome.NOT_SENT] * 2
    assert not isinstance(caught.value, CancelUnresolved)
    assert len(venue.orders(live_only=True)) == 2
