"""Promise: orders are checked, rest, trade and end the way the venue documents."""

from decimal import Decimal

import pytest

from bitget_margin.emulator import Account, Emulator

from .client import CROSSED, START_MS, Client, FakeClock


def money(venue: Emulator, coin: str) -> tuple[str, str]:
    """Return available and frozen of the first account."""
    available, frozen = venue.balances("1001")[coin]
    return f"{available.normalize():f}", f"{frozen.normalize():f}"


def test_open_row_has_the_documented_fields(client: Client) -> None:
    order_id = client.placed(clientOid="my1", force="GTC", loanType="autoLoan")
    (row,) = client.open_orders().data["orderList"]
    placed_ms = row.pop("cTime")
    assert row.pop("uTime") == placed_ms
    assert int(placed_ms) > START_MS
    assert row == {
        "orderId": order_id,
        "symbol": "BTCUSDT",
        "orderType": "limit",
        "enterPointSource": "API",
        "clientOid": "my1",
        "loanType": "autoLoan",
        "price": "50000",
        "side": "buy",
        "status": "live",
        "baseSize": "0.01",
        "quoteSize": "500",
        "priceAvg": "0",
        "size": "0",
        "amount": "0",
        "force": "gtc",
    }


def test_ids_are_long_and_increase(client: Client) -> None:
    """Order ids are 19 digits long and grow; a client id is made up when none is given."""
    order_ids = [client.placed() for _ in range(3)]
    assert order_ids == sorted(set(order_ids))
    assert all(len(order_id) == 19 and order_id.isdigit() for order_id in order_ids)
    client_oid = client.place().data["clientOid"]
    assert len(client_oid) == 32
    assert int(client_oid, 16)


def test_limit_orders_freeze_and_release(venue: Emulator, client: Client) -> None:
    buy, sell = client.placed(), client.placed(side="sell", price="70000", baseSize="0.5")
    assert money(venue, "USDT") == ("99500", "500")
    assert money(venue, "BTC") == ("1.5", "0.5")
    client.cancel_batch(buy, sell)
    assert money(venue, "USDT") == ("100000", "0")
    assert money(venue, "BTC") == ("2", "0")


def test_resting_order_fills_at_its_limit(venue: Emulator, client: Client) -> None:
    """A move through the limit fills at the limit, with the maker's fee in the bought coin."""
    order_id = client.placed()
    venue.set_price("BTCUSDT", "50000.01")
    assert client.open_ids() == [order_id]
    venue.set_price("BTCUSDT", 49000)
    (row,) = client.history().data["orderList"]
    assert (row["status"], row["priceAvg"], row["size"], row["amount"]) == ("filled", "50000", "0.01", "500")
    assert money(venue, "USDT") == ("99500", "0")
    assert money(venue, "BTC") == ("2.00999", "0")
    (fill,) = client.fills().data["fills"]
    assert fill["feeDetail"] == {
        "deduction": "no",
        "feeCoin": "BTC",
        "totalDeductionFee": "0",
        "totalFee": "-0.00001",
    }
    assert (fill["orderId"], fill["tradeScope"], fill["priceAvg"]) == (order_id, "maker", "50000")


def test_crossing_order_fills_at_the_price_and_frees_the_rest(venue: Emulator, client: Client) -> None:
    """A buy above the price trades at the price; what was frozen above it comes back."""
    order_id = client.placed(price="65000", baseSize="1")
    assert venue.order(order_id).quote_filled == 60000
    assert money(venue, "USDT") == ("40000", "0")
    assert client.fills().data["fills"][0]["tradeScope"] == "taker"


def test_market_buy_spends_at_most_its_quote_size(venue: Emulator, client: Client) -> None:
    """A market buy takes as many coins as its money buys in whole steps."""
    order_id = client.placed(orderType="market", quoteSize="100.01", price=None, baseSize=None)
    (row,) = client.history().data["orderList"]
    assert (row["orderId"], row["baseSize"], row["quoteSize"], row["price"]) == (order_id, "0", "100.01", "0")
    assert (row["size"], row["amount"], row["status"]) == ("0.001666", "99.96", "filled")
    assert money(venue, "USDT") == ("99900.04", "0")


def test_market_sell_pays_its_fee_in_quote_coins(venue: Emulator, client: Client) -> None:
    """A market sell gives coins and receives money less the taker's fee."""
    client.placed(side="sell", orderType="market", baseSize="0.5", price=None)
    assert money(venue, "BTC") == ("1.5", "0")
    assert money(venue, "USDT") == ("129970", "0")


@pytest.mark.parametrize(
    ("force", "price", "status"),
    [
        ("post_only", "50000", "live"),
        ("post_only", "60000", "cancelled"),
        ("ioc", "59999", "cancelled"),
        ("IOC", "60000", "filled"),
        ("fok", "59999", "cancelled"),
        ("FOK", "61000", "filled"),
    ],
)
def test_force_decides_whether_an_order_rests(
    venue: Emulator, client: Client, force: str, price: str, status: str
) -> None:
    """Post-only never crosses; immediate orders never rest; nothing stays frozen for an ended order."""
    order = venue.order(client.placed(force=force, price=price))
    assert order.status == status
    assert venue.balances("1001")["USDT"][1] == order.reserve


def test_liquidity_is_given_by_price_then_time(venue: Emulator, client: Client) -> None:
    """A limited move fills the best price first, then the oldest order, and the last one partly."""
    late_best = client.placed(price="51000")
    first, second = client.placed(price="50000"), client.placed(price="50000")
    best = client.placed(price="52000")
    venue.set_price("BTCUSDT", "49000", liquidity="0.025")
    filled = {order.order_id: order.filled for order in venue.orders()}
    assert filled == {
        best: Decimal("0.01"),
        late_best: Decimal("0.01"),
        first: Decimal("0.005"),
        second: Decimal(0),
    }
    rows = {row["orderId"]: row for row in client.open_orders().data["orderList"]}
    assert rows[first]["status"] == "partial_fill"
    assert (rows[first]["size"], rows[first]["amount"], rows[first]["priceAvg"]) == ("0.005", "250", "50000")
    client.cancel_batch(first)
    (row,) = client.history(orderId=first).data["orderList"]
    assert (row["status"], row["size"]) == ("cancelled", "0.005")


def test_price_path_is_walked_as_time_passes(clock: FakeClock) -> None:
    with Emulator(clock=clock, path=[(10, "BTCUSDT", "50000"), (20, "BTCUSDT", "61000")]) as venue:
        uid = venue.accounts[0].uid
        order_id = venue.place(uid, {"symbol": "BTCUSDT", "side": "buy", "price": "55000", "baseSize": "1"})
        clock.advance(9_999)
        assert venue.order(order_id).live
        clock.advance(20_000)
        assert venue.order(order_id).status == "filled"
        assert venue.order(order_id).updated_ms == START_MS + 10_000


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"symbol": None}, "40019"),
        ({"symbol": "NOPEUSDT"}, "40034"),
        ({"symbol": "btcusdt"}, "40034"),
        ({"symbol": "XRPUSDT", "price": "0.4", "baseSize": "100"}, "50001"),
        ({"side": None}, "40019"),
        ({"side": "up"}, "40020"),
        ({"orderType": "stop"}, "40020"),
        ({"loanType": None}, "40019"),
        ({"loanType": "lots"}, "40020"),
        ({"force": None}, "40019"),
        ({"stpMode": "often"}, "40020"),
        ({"price": None}, "40019"),
        ({"price": "0"}, "40020"),
        ({"price": "-1"}, "40020"),
        ({"price": "1e4"}, "40020"),
        ({"price": "NaN"}, "40020"),
        ({"price": "50000.001"}, "40808"),
        ({"baseSize": "0.0000001"}, "40808"),
        ({"baseSize": "0.00009"}, "45110"),
        ({"baseSize": "2.01"}, "43012"),
        ({"side": "sell", "baseSize": "2.01"}, "43012"),
        ({"orderType": "market", "quoteSize": "4.99"}, "45110"),
        ({"orderType": "market"}, "40019"),
        ({"orderType": "market", "quoteSize": "100000.01"}, "43012"),
    ],
)
def test_wrong_orders_are_refused_without_effect(
    venue: Emulator, client: Client, fields: dict[str, object], code: str
) -> None:
    client.place(**fields).assert_refused(code)
    assert venue.orders() == []
    assert money(venue, "USDT") == ("100000", "0")


def test_minimum_is_named_in_the_refusal(client: Client) -> None:
    assert client.place(baseSize="0.00009").content["msg"] == "less than the minimum amount 5 USDT"


def test_batch_places_what_it_can(venue: Emulator, client: Client) -> None:
    order = {"side": "buy", "orderType": "limit", "force": "gtc", "loanType": "normal", "price": "50000"}
    items = [order | {"baseSize": "0.01", "clientOid": "good"}, order | {"baseSize": "0.00001", "clientOid": "small"}]
    data = client.post(f"{CROSSED}/batch-place-order", {"symbol": "BTCUSDT", "orderList": items}).data
    (placed,) = venue.orders()
    assert data["successList"] == [{"orderId": placed.order_id, "clientOid": "good"}]
    assert data["failureList"] == [
        {"orderId": "", "clientOid": "small", "errorMsg": "less than the minimum amount 5 USDT"}
    ]


def test_assets_show_what_is_frozen(client: Client) -> None:
    client.placed()
    (row,) = client.get(f"{CROSSED}/account/assets", coin="USDT").data
    assert (row["totalAmount"], row["available"], row["frozen"], row["net"]) == ("100000", "99500", "500", "100000")
    assert (row["borrow"], row["interest"], row["coupon"]) == ("0", "0", "0")
    assert client.get(f"{CROSSED}/account/risk-rate").data == {"riskRateRatio": "0"}


def test_debts_are_shown_and_lower_the_net() -> None:
    account = Account(balances={"USDT": "1000", "BTC": "1"}, debts={"USDT": "100.5", "ADA": "3"})
    clock = FakeClock()
    with Emulator(accounts=(account,), clock=clock) as venue, Client(venue.url, account, clock, int) as own:
        rows = own.get(f"{CROSSED}/account/assets").data
    shown = {row["coin"]: (row["totalAmount"], row["borrow"], row["net"]) for row in rows}
    assert shown == {"USDT": ("1000", "100.5", "899.5"), "BTC": ("1", "0", "1"), "ADA": ("0", "3", "-3")}
