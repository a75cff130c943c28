"""Promise: open orders stay open on pairs that stop trading, and spot orders share the wallet of a unified account."""

from decimal import Decimal
from typing import Any

import pytest

from bitget_margin.emulator import Emulator

from .client import V3, Client, FakeClock, UnifiedClient

SPOT = {"symbol": "BTCUSDT", "side": "buy", "price": "50000", "baseSize": "0.01", "category": "SPOT"}
UNFILLED = f"{V3}/trade/unfilled-orders"


@pytest.mark.parametrize("status", ["halted", "delisted"])
def test_a_pair_that_stops_trading_keeps_its_orders(venue: Emulator, either: Client, status: str) -> None:
    order_id = either.placed()
    venue.change_pair("BTCUSDT", status=status)
    either.place().assert_refused("50027")
    assert either.open_ids() == [order_id]
    either.cancel_batch(order_id)
    assert not venue.order(order_id).live


def test_public_lists_show_which_pairs_trade(venue: Emulator, client: Client) -> None:
    venue.change_pair("BTCUSDT", status="halted")
    venue.change_pair("ETHUSDT", status="delisted")
    venue.change_pair("SOLUSDT", cross_borrowable=False)
    listed = {row["symbol"]: row["status"] for row in client.get("/api/v2/spot/public/symbols").data}
    assert listed == {"BTCUSDT": "halt", "SOLUSDT": "online", "XRPUSDT": "online"}
    margin = {row["symbol"]: row["isCrossBorrowable"] for row in client.get("/api/v2/margin/currencies").data}
    assert margin == {"BTCUSDT": True, "SOLUSDT": False, "XRPUSDT": False}
    unified = client.get(f"{V3}/market/instruments", category="SPOT").data
    assert {row["symbol"]: row["status"] for row in unified}["BTCUSDT"] == "offline"
    venue.change_pair("BTCUSDT", status="online")
    assert client.place().code == "00000"


def listed(unified: UnifiedClient, **params: str) -> list[str]:
    """Return the ids of open orders."""
    return [row["orderId"] for row in unified.get(UNFILLED, **params).data["list"] or []]


def test_a_spot_order_is_in_the_list_of_its_category_and_in_that_of_all(
    venue: Emulator, unified: UnifiedClient
) -> None:
    spot, margin = venue.place("2001", SPOT), unified.placed()
    assert listed(unified, category="SPOT") == [spot]
    assert listed(unified, category="MARGIN") == [margin]
    assert listed(unified) == [margin, spot]


def test_a_spot_order_is_canceled_by_its_category_alone(venue: Emulator, unified: UnifiedClient) -> None:
    spot = venue.place("2001", SPOT)
    unified.cancel_batch(spot)
    assert venue.order(spot).live
    body: Any = [{"orderId": spot, "symbol": "BTCUSDT", "category": "SPOT"}]
    assert unified.post(f"{V3}/trade/cancel-batch", body).code == "00000"
    assert not venue.order(spot).live


def test_a_spot_order_never_borrows(venue: Emulator) -> None:
    with pytest.raises(Exception, match="43012"):
        venue.place("2001", SPOT | {"baseSize": "9"})
    assert venue.borrowed("2001") == {}


@pytest.mark.parametrize("margin_locks", [True, False])
def test_locked_counts_spot_orders_and_by_a_knob_margin_orders(
    venue: Emulator, unified: UnifiedClient, margin_locks: bool
) -> None:
    venue.knobs(margin_locks=margin_locks)
    venue.place("2001", SPOT)
    unified.placed()
    (row,) = [row for row in unified.get(f"{V3}/account/assets").data["assets"] if row["coin"] == "USDT"]
    held = venue.balances("2001")["USDT"].frozen
    assert held > 500
    assert Decimal(row["locked"]) == (held if margin_locks else 500)
    assert Decimal(row["available"]) == Decimal(row["balance"]) - held


def test_open_orders_show_a_new_order_late(venue: Emulator, either: Client, clock: FakeClock) -> None:
    venue.knobs(open_orders_late_ms=5_000)
    order_id = either.placed()
    assert either.open_ids() == []
    clock.advance(5_000)
    assert either.open_ids() == [order_id]
