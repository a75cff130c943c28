"""Promise: a unified account places and cancels margin orders as the pages of v3 say."""

from decimal import Decimal

import pytest

from bitget_margin.emulator import Account, AccountKind, Emulator

from .client import CROSSED, V3, Client, FakeClock, UnifiedClient, row

PLACE = f"{V3}/trade/place-order"
PLACE_BATCH = f"{V3}/trade/place-batch"
CANCEL = f"{V3}/trade/cancel-order"
CANCEL_BATCH = f"{V3}/trade/cancel-batch"
GONE = {"code": "25204", "msg": "Order does not exist"}
"""Reason of an order that cannot be canceled."""
CANCEL_ALL = f"{V3}/trade/cancel-symbol-order"


def test_each_kind_of_account_has_its_own_endpoints(client: Client, unified: UnifiedClient) -> None:
    """Neither can trade through those of the other, and both see the market of both."""
    unified.post(f"{CROSSED}/place-order", {}).assert_refused("40085")
    for name in ("place-order", "place-batch", "cancel-order", "cancel-batch", "cancel-symbol-order"):
        client.post(f"{V3}/trade/{name}", {}).assert_refused("40084")
    for name in ("trade/unfilled-orders", "trade/order-info", "trade/history-orders", "trade/fills"):
        client.get(f"{V3}/{name}").assert_refused("40084")
    for each in (unified, client):
        assert each.get(f"{V3}/market/instruments", category="MARGIN").data
        assert each.get("/api/v2/spot/market/tickers").data


def test_a_limit_order_freezes_and_frees(venue: Emulator, unified: UnifiedClient) -> None:
    reply = unified.place(clientOid="a.A:/_-9").data
    assert reply == row(venue.orders()[0].order_id, "a.A:/_-9")
    assert venue.balances("2001")["USDT"].frozen == 500
    assert unified.post(CANCEL, {"clientOid": "a.A:/_-9"}).data == reply
    assert venue.balances("2001")["USDT"].frozen == 0
    second = unified.placed()
    assert unified.post(CANCEL, {"orderId": second, "category": "MARGIN"}).data["orderId"] == second
    for order_id in (second, "123"):
        unified.post(CANCEL, {"orderId": order_id}).assert_refused("25204")


def test_a_market_buy_is_sized_in_quote_coins(venue: Emulator, unified: UnifiedClient) -> None:
    """A market sell is sized in base coins; both ignore the price."""
    bought = unified.placed(orderType="market", qty="600", price=None)
    sold = unified.placed(orderType="market", qty="0.01", side="sell")
    assert (venue.order(bought).filled, venue.order(sold).quote_filled) == (Decimal("0.01"), 600)
    shown = unified.info(orderId=bought).data
    assert (shown["qty"], shown["amount"], shown["cumExecQty"], shown["cumExecValue"]) == ("0", "600", "0.01", "600")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"category": None}, "400172"),
        ({"category": "SPOT"}, "25240"),
        ({"category": "USDT-FUTURES"}, "25240"),
        ({"category": "NOTHING"}, "400172"),
        ({"symbol": None}, "400172"),
        ({"symbol": "NOPEUSDT"}, "25100"),
        ({"symbol": "XRPUSDT"}, "25240"),
        ({"side": "hold"}, "400172"),
        ({"orderType": None}, "400172"),
        ({"price": None}, "400172"),
        ({"qty": None}, "400172"),
        ({"qty": "0"}, "400172"),
        ({"qty": "-1"}, "400172"),
        ({"qty": ["0.01"]}, "400172"),
        ({"qty": "0.0000001"}, "25200"),
        ({"price": "50000.001"}, "25200"),
        ({"qty": "0.00001"}, "25611"),
        ({"qty": "0.000001", "price": "9999999"}, None),
        ({"qty": "100"}, "25202"),
        ({"clientOid": "x" * 32}, None),
        ({"clientOid": "x" * 33}, "25200"),
        ({"clientOid": "a#b"}, "25200"),
        ({"clientOid": "a+b"}, "25200"),
        ({"timeInForce": "day"}, "400172"),
        ({"timeInForce": "GTC"}, None),
        ({"stpMode": "cancel_taker"}, None),
        ({"stpMode": "some"}, "400172"),
        ({"takeProfit": "70000"}, "25593"),
        ({"stopLoss": "40000"}, "25593"),
    ],
)
def test_orders_are_checked(
    venue: Emulator, unified: UnifiedClient, changes: dict[str, object], code: str | None
) -> None:
    reply = unified.place(**changes)
    if code is None:
        assert reply.data["orderId"] == venue.orders()[0].order_id
    else:
        reply.assert_refused(code)
        assert venue.orders() == []


@pytest.mark.parametrize(
    ("force", "price", "reason"),
    [
        ("ioc", "50000", "ioc_not_full_cancel"),
        ("fok", "50000", "fok_not_full_cancel"),
        ("post_only", "61000", "post_only_fill_cancel"),
    ],
)
def test_an_order_that_may_not_rest_or_cross_has_a_cancel_reason(
    unified: UnifiedClient, force: str, price: str, reason: str
) -> None:
    shown = unified.info(orderId=unified.placed(timeInForce=force, price=price)).data
    assert (shown["orderStatus"], shown["timeInForce"], shown["cancelReason"]) == ("cancelled", force, reason)


def test_a_batch_is_placed_item_by_item(venue: Emulator, unified: UnifiedClient) -> None:
    items = [
        unified.order(clientOid="a"),
        unified.order(clientOid="b", qty="0.00001"),
        unified.order(clientOid="a"),
        unified.order(symbol="ETHUSDT", price="2000", qty="0.1", clientOid="c"),
        unified.order(clientOid="d", symbol=None),
    ]
    rows = unified.post(PLACE_BATCH, items).data
    first, second = venue.orders()
    assert rows == [
        row(first.order_id, "a"),
        {"clientOid": "b", "code": "25611", "msg": "Order quantity must be greater than the minimum order amount"},
        {"clientOid": "a", "code": "25212", "msg": "Duplicate clientOid"},
        row(second.order_id, "c"),
        {"clientOid": "d", "code": "400172", "msg": "Parameter verification failed symbol"},
    ]


def test_a_batch_is_canceled_item_by_item(unified: UnifiedClient) -> None:
    bitcoin, ether = unified.placed(clientOid="a"), unified.placed(symbol="ETHUSDT", price="2000", qty="1")
    ended = unified.placed(clientOid="c")
    unified.post(CANCEL, {"orderId": ended})
    wrong_symbol = unified.placed(clientOid="d")
    items = [
        bitcoin,
        {"orderId": ether, "symbol": "ETHUSDT"},
        ended,
        "123",
        {"orderId": wrong_symbol, "symbol": "SOLUSDT"},
    ]
    rows = unified.cancel_batch(*items).data
    assert [item["orderId"] for item in rows[:2]] == [bitcoin, ether]
    assert rows[0] == row(bitcoin, "a")
    assert rows[2:] == [row(ended, "c", **GONE), row("123", "", **GONE), row(wrong_symbol, "", **GONE)]
    assert unified.cancel_batch({"clientOid": "d"}, {"clientOid": "nobody"}).data == [
        row(wrong_symbol, "d"),
        row("", "nobody", **GONE),
    ]
    assert unified.open_ids() == []


def test_client_ids_do_not_count_beside_order_ids(venue: Emulator, unified: UnifiedClient) -> None:
    """The order id of an item takes precedence; in a batch with an order id, items with a client id alone fail."""
    first, second = unified.placed(clientOid="a"), unified.placed(clientOid="b")
    assert unified.cancel_batch({"orderId": first, "clientOid": "b"}, {"clientOid": "b"}).data == [
        row(first, "a"),
        row("", "b", **GONE),
    ]
    assert venue.order(second).live


@pytest.mark.parametrize("category", ["SPOT", "USDT-FUTURES", "COIN-FUTURES", "USDC-FUTURES"])
def test_an_order_of_another_category_does_not_exist(venue: Emulator, unified: UnifiedClient, category: str) -> None:
    order_id = unified.placed(clientOid="a")
    unified.post(CANCEL, {"orderId": order_id, "category": category}).assert_refused("25204")
    assert unified.cancel_batch({"orderId": order_id, "category": category}).data == [row(order_id, "", **GONE)]
    assert unified.post(CANCEL_ALL, {"category": category}).data == {"list": []}
    unified.placed(orderType="market", qty="100")
    for name in ("unfilled-orders", "history-orders", "fills"):
        assert unified.page(name, category=category) == {"list": [], "cursor": None}
    assert venue.order(order_id).live


def test_categories_of_a_batch_must_be_one(venue: Emulator, unified: UnifiedClient) -> None:
    order_id = unified.placed()
    unified.cancel_batch(order_id, {"orderId": "1", "category": "SPOT"}).assert_refused("400172")
    unified.post(PLACE_BATCH, [unified.order(), unified.order(category="SPOT")]).assert_refused("400172")
    assert [order.order_id for order in venue.orders(live_only=True)] == [order_id]
    assert unified.cancel_batch({"orderId": order_id, "category": "margin"}).data[0]["orderId"] == order_id


def test_twenty_items_are_the_most(venue: Emulator, unified: UnifiedClient) -> None:
    order_id = unified.placed()
    reply = unified.cancel_batch(order_id, *map(str, range(20)))
    reply.assert_refused("40306")
    assert reply.content["msg"] == "Batch processing orders can only process up to 20"
    unified.post(PLACE_BATCH, [unified.order()] * 21).assert_refused("40306")
    assert [order.order_id for order in venue.orders()] == [order_id]
    assert len(unified.cancel_batch(order_id, *map(str, range(19))).data) == 20
    placed = unified.post(PLACE_BATCH, [unified.order(qty="0.001") for _ in range(20)]).data
    assert len({item["orderId"] for item in placed}) == 20


def test_all_orders_of_a_symbol_or_category_are_canceled(unified: UnifiedClient) -> None:
    bitcoin = [unified.placed() for _ in range(2)]
    ether = unified.placed(symbol="ETHUSDT", price="2000", qty="1")
    rows = unified.post(CANCEL_ALL, {"category": "MARGIN", "symbol": "BTCUSDT"}).data["list"]
    assert [item["orderId"] for item in rows] == bitcoin[::-1]
    assert unified.open_ids() == [ether]
    assert unified.post(CANCEL_ALL, {"category": "MARGIN"}).data["list"][0]["orderId"] == ether
    assert unified.post(CANCEL_ALL, {"category": "MARGIN"}).data == {"list": []}
    unified.post(CANCEL_ALL, {}).assert_refused("400172")
    unified.post(CANCEL_ALL, {"category": "MARGIN", "symbol": "NOPE"}).assert_refused("25100")


@pytest.mark.parametrize(
    ("method", "path", "limit"),
    [
        ("POST", CANCEL_BATCH, 5),
        ("POST", PLACE_BATCH, 5),
        ("POST", CANCEL_ALL, 5),
        ("POST", PLACE, 10),
        ("POST", CANCEL, 10),
        ("GET", f"{V3}/trade/unfilled-orders", 20),
        ("GET", f"{V3}/trade/order-info", 20),
        ("GET", f"{V3}/trade/history-orders", 20),
        ("GET", f"{V3}/trade/fills", 20),
        ("GET", f"{V3}/account/settings", 20),
        ("GET", f"{V3}/account/assets", 20),
        ("GET", f"{V3}/account/fee-rate", 3),
    ],
)
def test_each_endpoint_has_the_limit_of_its_page(
    venue: Emulator, unified: UnifiedClient, other_unified: UnifiedClient, method: str, path: str, limit: int
) -> None:
    unified.pause = other_unified.pause = int
    replies = [unified.send(method, path) for _ in range(limit + 1)]
    assert [reply.headers["x-mbx-used-remain-limit"] for reply in replies[:2]] == [str(limit - 1), str(limit - 2)]
    assert [reply.status == 429 for reply in replies] == [False] * limit + [True]
    replies[-1].assert_refused("429", 429)
    assert other_unified.send(method, path).status != 429


def test_balances_are_shown(clock: FakeClock) -> None:
    account = Account(kind=AccountKind.UNIFIED, balances={"USDT": "1000", "BTC": "2", "ETH": "0"}, debts={"SOL": "2"})
    with Emulator(accounts=(account,), clock=clock) as venue, UnifiedClient(venue.url, account, clock, int) as client:
        client.placed()
        data = client.get(f"{V3}/account/assets").data
        assert [list(coin.values()) for coin in data["assets"]] == [
            ["USDT", "1000", "1000", "1000", "500", "0", "500"],
            ["BTC", "2", "120000", "2", "2", "0", "0"],
            ["SOL", "-2", "-300", "0", "0", "2", "0"],
        ]
        assert list(data["assets"][0]) == ["coin", "equity", "usdValue", "balance", "available", "debt", "locked"]
        assert (data["accountEquity"], data["btcEquity"]) == ("120700", "2.01166667")
        assert client.get(f"{V3}/account/funding-assets").data == []
        assert client.get(f"{V3}/account/settings").data["uid"] == account.uid
        fee = {"makerFeeRate": "0.001", "takerFeeRate": "0.001"}
        assert client.get(f"{V3}/account/fee-rate", category="MARGIN", symbol="BTCUSDT").data == fee
        assert client.get(f"{V3}/account/all-fee-rate", category="MARGIN").data[0] == {**fee, "symbol": "BTCUSDT"}
        client.get(f"{V3}/account/fee-rate", symbol="BTCUSDT").assert_refused("400172")
