"""Promise: lists, sums, fills and balances lag on demand, and old orders can be made: forgotten, or placed long ago."""

from decimal import Decimal
from typing import Any

import pytest

from bitget_margin.emulator import Emulator

from .client import CROSSED, V3, Client, FakeClock, UnifiedClient

LAG_MS = 20_000
DAY_MS = 86_400_000


def rows(client: Client, name: str, **params: object) -> list[dict[str, Any]]:
    """Return the rows of a list of either kind of account."""
    if isinstance(client, UnifiedClient):
        return client.page("unfilled-orders" if name == "open-orders" else name, **params)["list"]
    reply = {"open-orders": client.open_orders, "history-orders": client.history, "fills": client.fills}[name]
    content: dict[str, Any] = reply(**params).data
    return list(content["fills" if name == "fills" else "orderList"])


def filled_amount(client: Client, row: dict[str, str]) -> Decimal:
    """Return the filled amount in the row of an order."""
    return Decimal(row["cumExecQty" if isinstance(client, UnifiedClient) else "size"])


def frozen(client: Client, coin: str) -> Decimal:
    """Return the frozen amount of a coin, as the account's endpoint shows it."""
    if isinstance(client, UnifiedClient):
        (row,) = (row for row in client.get(f"{V3}/account/assets").data["assets"] if row["coin"] == coin)
        return Decimal(row["locked"])
    (row,) = client.get(f"{CROSSED}/account/assets", coin=coin).data
    return Decimal(row["frozen"])


def test_open_orders_lag(venue: Emulator, either: Client, clock: FakeClock) -> None:
    """A filled order stands in both lists for a while, in one of them as it was."""
    venue.knobs(open_orders_lag_ms=LAG_MS)
    order_id = either.placed()
    venue.fill(order_id, "0.004")
    venue.fill(order_id)
    assert either.history_ids() == [order_id]
    (stale,) = rows(either, "open-orders")
    assert stale["orderId"] == order_id
    assert filled_amount(either, stale) == Decimal("0.004")
    clock.advance(LAG_MS)
    assert either.open_ids() == []


def test_sums_lag(venue: Emulator, either: Client, clock: FakeClock) -> None:
    """An ended order shows its fill later than its end."""
    venue.knobs(sums_lag_ms=LAG_MS)
    order_id = either.placed()
    venue.fill(order_id)
    (early,) = rows(either, "history-orders")
    clock.advance(LAG_MS)
    (late,) = rows(either, "history-orders")
    assert (filled_amount(either, early), filled_amount(either, late)) == (0, Decimal("0.01"))
    status = "orderStatus" if isinstance(either, UnifiedClient) else "status"
    assert early[status] == late[status]


def test_sums_of_one_order_lag(venue: Emulator, unified: UnifiedClient, clock: FakeClock) -> None:
    venue.knobs(sums_lag_ms=LAG_MS)
    order_id = unified.placed()
    venue.fill(order_id)
    assert unified.info(orderId=order_id).data["cumExecQty"] == "0"
    clock.advance(LAG_MS)
    assert unified.info(orderId=order_id).data["cumExecQty"] == "0.01"


def test_fills_lag(venue: Emulator, either: Client, clock: FakeClock) -> None:
    venue.knobs(fills_lag_ms=LAG_MS)
    order_id = either.placed()
    venue.fill(order_id)
    assert either.fill_ids() == []
    clock.advance(LAG_MS)
    assert either.fill_ids() == [order_id]


def test_balance_lag(venue: Emulator, either: Client, clock: FakeClock) -> None:
    """The assets show an order late, and the orders that follow meet the true balance."""
    clock.advance(LAG_MS)
    venue.knobs(balance_lag_ms=LAG_MS)
    either.placed()
    assert frozen(either, "USDT") == 0
    clock.advance(LAG_MS)
    assert frozen(either, "USDT") == 500


def test_a_forgotten_order_is_in_no_response(venue: Emulator, either: Client) -> None:
    """Neither lists, nor lookups by id, nor cancels know it; the control does."""
    venue.knobs(failure_code=True)
    order_id = either.placed(clientOid="a")
    with pytest.raises(ValueError, match="is live"):
        venue.forget(order_id)
    venue.cancel(order_id)
    venue.forget(order_id)
    assert either.history_ids() == either.open_ids() == []
    assert either.canceled(order_id, {"clientOid": "a"})[1] == [
        {"orderId": order_id, "clientOid": "", **either.UNKNOWN},
        {"orderId": "", "clientOid": "a", **either.UNKNOWN},
    ]
    if isinstance(either, UnifiedClient):
        either.info(orderId=order_id).assert_refused("25204")
    assert venue.order(order_id).status == "cancelled"


def test_an_order_that_is_not_shown_lives_on(venue: Emulator, either: Client) -> None:
    """As the rows of an order may be missing for a while."""
    order_id = either.placed()
    venue.hide(order_id)
    assert either.history_ids() == either.open_ids() == []
    assert either.canceled(order_id)[1] != []
    assert venue.order(order_id).live
    assert frozen(either, "USDT") == 500
    venue.show(order_id)
    assert either.open_ids() == [order_id]
    venue.cancel(order_id)
    venue.forget(order_id)
    venue.show(order_id)
    assert either.history_ids() == [order_id]


def test_a_backdated_order_leaves_the_pages_of_the_last_days(venue: Emulator, either: Client) -> None:
    old, young = either.placed(), either.placed()
    venue.backdate(old, 31 * DAY_MS)
    for order_id in (old, young):
        venue.cancel(order_id)
    assert either.history_ids() == [young]
