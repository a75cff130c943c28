"""Promise: an order of a unified account is edited in place, and one timer cancels all orders of the account."""

from decimal import Decimal

import pytest

from bitget_margin.emulator import Emulator

from .client import V3, Client, FakeClock, Reply, UnifiedClient


def edit(client: UnifiedClient, order_id: str, **changes: object) -> Reply:
    """Edit an order of BTCUSDT."""
    named = {"category": "MARGIN", "symbol": "BTCUSDT", "orderId": order_id} | changes
    return client.post(f"{V3}/trade/modify-order", {key: value for key, value in named.items() if value is not None})


def countdown(client: UnifiedClient, seconds: object) -> Reply:
    """Start the timer."""
    client.clock.advance(1_000)  # type: ignore[attr-defined]
    return client.post(f"{V3}/trade/countdown-cancel-all", {"countdown": seconds})


def test_amount_and_price_change_and_the_id_stays(venue: Emulator, unified: UnifiedClient) -> None:
    order_id = unified.placed(clientOid="mine")
    assert edit(unified, order_id, qty="0.02", price="51000").data == {"orderId": order_id, "clientOid": "mine"}
    row = unified.info(orderId=order_id).data
    assert (row["qty"], row["price"], row["orderStatus"], row["clientOid"]) == ("0.02", "51000", "live", "mine")
    assert venue.balances("2001")["USDT"] == (98_980, 1_020)
    edit(unified, order_id, orderId=None, clientOid="mine", price="10000")
    assert venue.balances("2001")["USDT"] == (99_800, 200)
    unified.cancel(orderId=order_id)
    assert venue.balances("2001")["USDT"] == (100_000, 0)


def test_an_order_whose_new_price_crosses_is_filled(unified: UnifiedClient) -> None:
    order_id = unified.placed()
    edit(unified, order_id, price="70000").data  # noqa: B018 - it must succeed
    row = unified.info(orderId=order_id).data
    assert (row["orderStatus"], Decimal(row["avgPrice"]), row["price"]) == ("filled", 60_000, "70000")


def test_of_a_partly_filled_order_the_new_amount_includes_what_is_filled(
    venue: Emulator, unified: UnifiedClient
) -> None:
    order_id = unified.placed()
    venue.fill(order_id, "0.004")
    edit(unified, order_id, qty="0.004").assert_refused("25568")
    edit(unified, order_id, qty="0.006").data  # noqa: B018
    assert venue.balances("2001")["USDT"].frozen == 100


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "400172"),
        ({"qty": "0.01", "price": "50000"}, "25571"),
        ({"qty": "0.01"}, "25571"),
        ({"qty": "0"}, "400172"),
        ({"price": "50000.123456789"}, "25200"),
        ({"qty": "0.00001"}, "25611"),
        ({"price": "60000", "symbol": None}, "400172"),
        ({"price": "60000", "category": None}, "400172"),
        ({"price": "60000", "category": "SPOT"}, "25204"),
        ({"price": "60000", "symbol": "ETHUSDT"}, "25204"),
        ({"price": "60000", "orderId": "123"}, "25204"),
        ({"price": "60000", "orderId": None}, "400172"),
        ({"price": "60000", "autoCancel": "maybe"}, "400172"),
    ],
)
def test_a_refused_edit_changes_nothing(
    venue: Emulator, unified: UnifiedClient, changes: dict[str, object], code: str
) -> None:
    order_id = unified.placed()
    before = venue.order(order_id)
    edit(unified, order_id, **changes).assert_refused(code)
    assert venue.order(order_id) == before


def test_an_ended_order_cannot_be_edited(unified: UnifiedClient) -> None:
    order_id = unified.placed()
    unified.cancel(orderId=order_id)
    edit(unified, order_id, price="51000").assert_refused("25204")


def test_an_edit_that_fails_cancels_where_the_request_says_so(venue: Emulator, unified: UnifiedClient) -> None:
    venue.knobs(auto_borrow=False)
    order_id = unified.placed()
    edit(unified, order_id, qty="5").assert_refused("25202")
    assert venue.order(order_id).live
    edit(unified, order_id, qty="5", autoCancel="yes").assert_refused("25202")
    assert not venue.order(order_id).live


@pytest.mark.parametrize("seconds", ["4", "61", "-1", "x", None])
def test_a_timer_is_5_to_60_seconds(unified: UnifiedClient, seconds: object) -> None:
    countdown(unified, seconds).assert_refused("400172")


def test_a_timer_that_ends_cancels_all_orders_of_the_account_and_of_no_other(
    venue: Emulator, unified: UnifiedClient, other_unified: UnifiedClient, client: Client, clock: FakeClock
) -> None:
    mine = [unified.placed(), unified.placed(symbol="ETHUSDT", price="1000", qty="1")]
    others = [other_unified.placed(), client.placed()]
    assert countdown(unified, "10").data == "success"
    clock.advance(8_000)
    assert countdown(unified, 10).data == "success"
    clock.advance(9_999)
    assert all(venue.order(order_id).live for order_id in mine)
    clock.advance(1)
    assert [venue.order(order_id).live for order_id in mine + others] == [False, False, True, True]
    late = unified.placed()
    clock.advance(60_000)
    assert venue.order(late).live


def test_zero_ends_the_timer(venue: Emulator, unified: UnifiedClient, clock: FakeClock) -> None:
    order_id = unified.placed()
    countdown(unified, "5")
    countdown(unified, "0")
    clock.advance(60_000)
    assert venue.order(order_id).live


def test_the_timer_is_limited_to_one_request_per_second(unified: UnifiedClient) -> None:
    countdown(unified, "5")
    unified.post(f"{V3}/trade/countdown-cancel-all", {"countdown": "5"}).assert_refused("429", 429)
