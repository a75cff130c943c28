"""Promise: orders of a unified account borrow what they lack, as documented; those of a classic one never do."""

from decimal import Decimal

import pytest

from bitget_margin.emulator import Emulator

from .client import V3, Client, UnifiedClient


def debt(client: UnifiedClient, coin: str) -> Decimal:
    """Return the debt of a coin, as the account's endpoint shows it."""
    (row,) = (row for row in client.get(f"{V3}/account/assets").data["assets"] if row["coin"] == coin)
    return Decimal(row["debt"])


def test_a_sell_of_more_than_is_held_borrows_the_base_coin(venue: Emulator, unified: UnifiedClient) -> None:
    """The account has 2 BTC; a later buy repays."""
    unified.placed(side="sell", orderType="market", price=None, qty="2.5")
    assert debt(unified, "BTC") == Decimal("0.5")
    assert venue.balances("2001")["BTC"] == (0, 0)
    unified.placed(orderType="market", price=None, qty="60000")
    assert debt(unified, "BTC") == 0
    assert venue.balances("2001")["BTC"].available == Decimal("0.499")
    assert venue.borrowed("2001") == {"BTC": Decimal("0.5")}


def test_a_buy_of_more_than_is_held_borrows_the_quote_coin(unified: UnifiedClient) -> None:
    unified.placed(price="50000", qty="4")
    assert debt(unified, "USDT") == 100_000


def test_a_sell_beside_resting_orders_borrows_what_they_hold(venue: Emulator, unified: UnifiedClient) -> None:
    """A canceled order repays what it has borrowed."""
    unified.placed(side="sell", price="70000", qty="1.5")
    second = unified.placed(side="sell", price="80000", qty="1")
    assert (debt(unified, "BTC"), venue.balances("2001")["BTC"]) == (Decimal("0.5"), (0, Decimal("2.5")))
    unified.cancel(orderId=second)
    assert (debt(unified, "BTC"), venue.balances("2001")["BTC"]) == (0, (Decimal("0.5"), Decimal("1.5")))


def test_no_more_is_lent_than_the_leverage_of_what_the_account_owns(venue: Emulator, unified: UnifiedClient) -> None:
    """It owns 355,000 USDT, and 100,000 of them as such."""
    unified.place(price="50000", qty="16.21").assert_refused("25202")
    unified.placed(price="50000", qty="16.2")
    unified.place(price="50000", qty="0.01").assert_refused("25202")
    assert venue.borrowed("2001") == {"USDT": 710_000}


@pytest.mark.parametrize("how", ["classic", "off"])
def test_nothing_is_lent(venue: Emulator, client: Client, unified: UnifiedClient, how: str) -> None:
    if how == "off":
        venue.knobs(auto_borrow=False)
        unified.place(side="sell", price="70000", qty="2.5").assert_refused("25202")
    else:
        client.place(side="sell", price="70000", baseSize="2.5").assert_refused("43012")
    assert venue.borrowed("1001") == venue.borrowed("2001") == {}
