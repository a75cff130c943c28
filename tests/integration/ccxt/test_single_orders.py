"""Promise: one order can be canceled, fetched and placed by id or client order id."""

import threading

import ccxt
import pytest

from bitget_margin import CancelUnresolved, Outcome, report_of
from bitget_margin.emulator import Emulator
from support.client import CROSS, Client, paths, rungs
from support.faults import QUICK

BTC = "BTC/USDT"


def test_a_live_order_is_cancelled_in_one_request(venue: Emulator, client: Client) -> None:
    """As in stock ccxt, the order comes back without a status."""
    (order_id,) = rungs(venue, 1)
    order = client("cancel_order", order_id, BTC, CROSS)
    assert (order["id"], order["status"], order["symbol"]) == (order_id, None, BTC)
    assert paths(venue) == ["cancel-order"]
    assert not venue.order(order_id).live


def test_a_single_cancel_can_be_confirmed(venue: Emulator, client: Client) -> None:
    (order_id,) = rungs(venue, 1)
    venue.fill(order_id, "0.0004")
    order = client("cancel_order", order_id, BTC, CROSS | {"confirm": True})
    assert (order["status"], order["filled"]) == ("canceled", 0.0004)


@pytest.mark.parametrize("call", ["cancel_order", "cancel_order_with_client_order_id"])
def test_a_single_order_can_be_named_by_its_client_order_id(venue: Emulator, client: Client, call: str) -> None:
    (order_id,) = rungs(venue, 1, name="tp")
    args = ("", BTC, CROSS | {"clientOrderId": "tp0"}) if call == "cancel_order" else ("tp0", BTC, CROSS)
    order = client(call, *args)
    assert (order["id"], order["clientOrderId"]) == (order_id, "tp0")
    assert not venue.order(order_id).live


@pytest.mark.parametrize(("fill", "status"), [(True, "closed"), (False, "canceled")])
def test_an_order_that_has_ended_comes_back_as_it_ended(
    venue: Emulator,
    client: Client,
    fill: bool,
    status: str,
) -> None:
    """Stock ccxt raises OrderNotFound for both."""
    (order_id,) = rungs(venue, 1)
    (venue.fill if fill else venue.cancel)(order_id)
    order = client("cancel_order", order_id, BTC, CROSS)
    assert (order["id"], order["status"]) == (order_id, status)


def test_an_unknown_order_raises_what_stock_ccxt_raises(venue: Emulator, client: Client) -> None:
    with pytest.raises(ccxt.OrderNotFound) as caught:
        client("cancel_order", "1000000000000000001", BTC, CROSS)
    report = report_of(caught.value)
    assert report is not None
    assert report.results[0].outcome is Outcome.NOT_FOUND


def test_an_order_that_the_venue_will_not_cancel_raises(venue: Emulator, client: Client) -> None:
    (order_id,) = rungs(venue, 1)
    venue.knobs(refuse_cancels=100)
    with pytest.raises(ccxt.ExchangeError) as caught:
        client("cancel_order", order_id, BTC, CROSS)
    assert not isinstance(caught.value, CancelUnresolved)
    report = report_of(caught.value)
    assert report is not None
    assert report.results[0].outcome is Outcome.OPEN
    assert venue.order(order_id).live


@pytest.mark.parametrize("state", ["live", "partly", "filled", "cancelled"])
def test_a_crossed_order_can_be_fetched(venue: Emulator, client: Client, state: str) -> None:
    (order_id,) = rungs(venue, 1, name="x")
    if state == "partly":
        venue.fill(order_id, "0.0004")
    elif state == "filled":
        venue.fill(order_id)
    elif state == "cancelled":
        venue.cancel(order_id)
    status = {"live": "open", "partly": "open", "filled": "closed", "cancelled": "canceled"}[state]
    by_id = client("fetch_order", order_id, BTC, CROSS)
    by_name = client("fetch_order", "", BTC, CROSS | {"clientOrderId": "x0"})
    assert by_id == by_name
    assert (by_id["id"], by_id["status"]) == (order_id, status)
    filled = {"live": 0, "partly": 0.0004, "filled": 0.001, "cancelled": 0}[state]
    assert (by_id["filled"], by_id["cost"]) == (filled, filled * 50_000)


def test_an_order_of_another_symbol_is_not_found(venue: Emulator, client: Client) -> None:
    (order_id,) = rungs(venue, 1)
    with pytest.raises(ccxt.OrderNotFound, match=order_id):
        client("fetch_order", order_id, "ETH/USDT", CROSS)


def test_an_order_is_placed_once_and_found_behind_a_lost_answer(venue: Emulator, client: Client) -> None:
    venue.knobs(latency_ms=600)
    client.exchange.timeout = 300
    threading.Timer(0.4, lambda: venue.knobs(latency_ms=0)).start()
    order = client("create_order", BTC, "limit", "buy", 0.001, 50_000, CROSS)
    (placed,) = venue.orders(live_only=True)
    assert order["id"] == placed.order_id
    assert order["clientOrderId"] == placed.client_oid
    assert paths(venue).count("place-order") == 1


def test_an_order_that_the_venue_refuses_is_stock_ccxts_exception(venue: Emulator, client: Client) -> None:
    """An urgent one, over whose limits the venue decides."""
    with pytest.raises(ccxt.ExchangeError, match=r"(less|greater) than the minimum"):
        client("create_order", BTC, "limit", "buy", 0.000001, 50_000, {**CROSS, "urgent": True})
    assert paths(venue) == ["place-order"]
    assert venue.orders() == []


def test_missing_funds_are_stock_ccxts_exception_once_the_account_shows_no_order(
    venue: Emulator, client: Client
) -> None:
    """The order itself may have taken the funds, so it is looked up twice."""
    client.exchange.options["batchCancel"] = {"pacing": QUICK}
    with pytest.raises(ccxt.InsufficientFunds):
        client("create_order", BTC, "limit", "buy", 1_000, 50_000, CROSS)
    asked = paths(venue)
    assert asked.count("place-order") == 1
    assert {"assets", "fills"} <= set(asked)
    assert max(asked.count(look) for look in ("history-orders", "order-info")) >= 2
    assert venue.orders() == []


def test_an_order_that_ccxt_refuses_itself_is_not_looked_up(venue: Emulator, client: Client) -> None:
    with pytest.raises(ccxt.InvalidOrder):
        client("create_order", BTC, "limit", "buy", 1e-12, 50_000, CROSS)
    assert paths(venue) == []


def test_an_older_namesake_is_not_taken_for_the_order(venue: Emulator, client: Client) -> None:
    (old,) = rungs(venue, 1, name="again")
    venue.fill(old)
    order = client("create_order", BTC, "limit", "buy", 0.001, 40_000, CROSS | {"clientOrderId": "again0"})
    assert order["id"] != old
    (result,) = client("batch_cancel", (), BTC, ["again0"]).results
    assert (result.id, result.outcome) == (order["id"], Outcome.CANCELED)
