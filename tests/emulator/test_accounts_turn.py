"""Promise: an account can be turned into one of the other kind while it is open, with all that it has."""

from contextlib import ExitStack

import pytest

from bitget_margin.emulator import Account, AccountKind, Emulator

from .client import Client, FakeClock

LIMIT = {"symbol": "BTCUSDT", "side": "buy", "price": "50000", "baseSize": "0.001"}
CLASSIC = "/api/v2/margin/crossed/account/assets"
UNIFIED = "/api/v3/account/assets"


def test_its_orders_stay_and_the_other_endpoints_serve_it() -> None:
    clock = FakeClock()
    with Emulator(accounts=(Account(),), clock=clock) as venue, ExitStack() as stack:
        (account,) = venue.accounts
        order_id = venue.place(account.uid, LIMIT)
        client = stack.enter_context(Client(venue.url, account, clock, lambda: clock.advance(1_000)))
        assert client.get(CLASSIC).code == "00000"
        venue.turn(account.uid, AccountKind.UNIFIED)
        assert (client.get(CLASSIC).code, client.get(UNIFIED).code) == ("40085", "00000")
        assert client.get("/api/v3/trade/order-info", orderId=order_id).data["orderStatus"] == "live"
        assert [each.kind for each in venue.accounts] == [AccountKind.UNIFIED]
        venue.turn(account.uid, AccountKind.CLASSIC)
        assert (client.get(CLASSIC).code, client.get(UNIFIED).code) == ("00000", "40084")


def test_an_unknown_account_is_named() -> None:
    with Emulator() as venue, pytest.raises(ValueError, match="no account 7"):
        venue.turn("7", AccountKind.UNIFIED)
