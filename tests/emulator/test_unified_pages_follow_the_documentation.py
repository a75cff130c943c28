"""Promise: a unified account's orders and fills are listed and looked up as the pages of v3 say."""

import pytest

from bitget_margin.emulator import Emulator

from .client import START_MS, V3, FakeClock, UnifiedClient

DAY_MS = 86_400_000
NO_TRIGGERS = dict.fromkeys(
    (
        *("tpTriggerBy", "slTriggerBy", "takeProfit", "stopLoss"),
        *("tpOrderType", "slOrderType", "tpLimitPrice", "slLimitPrice"),
    )
)


def test_an_open_order_is_shown_as_documented(venue: Emulator, unified: UnifiedClient, clock: FakeClock) -> None:
    order_id = unified.placed(clientOid="mine", stpMode="cancel_both")
    placed_ms = clock.now_ms
    expected = {
        "orderId": order_id,
        "clientOid": "mine",
        "category": "MARGIN",
        "symbol": "BTCUSDT",
        "orderType": "limit",
        "side": "buy",
        "price": "50000",
        "qty": "0.01",
        "amount": "0",
        "cumExecQty": "0",
        "cumExecValue": "0",
        "avgPrice": "0",
        "timeInForce": "gtc",
        "orderStatus": "live",
        "posSide": "",
        "holdMode": "",
        "reduceOnly": "NO",
        "feeDetail": [{"feeCoin": "", "fee": ""}],
        "createdTime": str(placed_ms),
        "updatedTime": str(placed_ms),
        "stpMode": "cancel_both",
        **NO_TRIGGERS,
    }
    assert unified.page("unfilled-orders") == {"list": [expected], "cursor": order_id}
    clock.advance(1000)
    filled_ms = clock.now_ms
    venue.fill(order_id, "0.004")
    expected |= {
        "cumExecQty": "0.004",
        "cumExecValue": "200",
        "avgPrice": "50000",
        "orderStatus": "partially_filled",
        "feeDetail": [{"feeCoin": "BTC", "fee": "0.000004"}],
        "updatedTime": str(filled_ms),
    }
    assert unified.page("unfilled-orders")["list"] == [expected]
    assert unified.info(orderId=order_id).data == expected | {"cancelReason": "", "execType": "normal"}


def test_an_ended_order_is_shown_as_documented(venue: Emulator, unified: UnifiedClient, clock: FakeClock) -> None:
    """A canceled one keeps its filled amount and has a reason; a market buy shows its quote coins."""
    cancelled = unified.placed()
    venue.fill(cancelled, "0.001")
    venue.fill(cancelled, "0.002")
    unified.cancel_batch(cancelled)
    filled = unified.placed(orderType="market", qty="120")
    newest, oldest = unified.page("history-orders")["list"]
    shown = ("orderId", "orderStatus", "qty", "amount", "cumExecQty", "avgPrice", "cancelReason", "price")
    assert [newest[name] for name in shown] == [filled, "filled", "0", "120", "0.002", "60000", "", "0"]
    assert [oldest[name] for name in shown] == [
        *(cancelled, "cancelled", "0.01", "0", "0.003", "50000"),
        *("normal_cancel", "50000"),
    ]
    assert oldest["feeDetail"] == [{"feeCoin": "BTC", "fee": "0.000003"}]
    assert unified.info(orderId=cancelled).data == oldest


def test_a_fill_is_shown_as_documented(unified: UnifiedClient, clock: FakeClock) -> None:
    order_id = unified.placed(orderType="market", side="sell", qty="0.01", clientOid="mine")
    page = unified.page("fills")
    (fill,) = page["list"]
    assert page["cursor"] == fill.pop("execId") == fill.pop("execLinkId")
    assert fill == {
        "orderId": order_id,
        "clientOid": "mine",
        "category": "MARGIN",
        "symbol": "BTCUSDT",
        "orderType": "market",
        "side": "sell",
        "execPrice": "60000",
        "execQty": "0.01",
        "execValue": "600",
        "tradeScope": "taker",
        "feeDetail": [{"feeCoin": "USDT", "fee": "0.6"}],
        "createdTime": fill["updatedTime"],
        "updatedTime": fill["createdTime"],
        "execPnl": "0",
    }


def test_one_order_is_found_by_either_id(unified: UnifiedClient) -> None:
    """The order id takes precedence; of orders with the same client id, the live one is found."""
    first = unified.placed(clientOid="a")
    unified.cancel_batch(first)
    second, third = unified.placed(clientOid="a"), unified.placed(clientOid="b")
    assert unified.info(clientOid="a").data["orderId"] == second
    assert unified.info(orderId=first, clientOid="b").data["orderId"] == first
    unified.cancel_batch(second, third)
    assert unified.info(clientOid="a").data["orderId"] == second
    for ids in ({"orderId": "123"}, {"clientOid": "nobody"}, {"orderId": "123", "clientOid": "a"}):
        reply = unified.info(**ids)
        reply.assert_refused("25204")
        assert reply.content["msg"] == "Order does not exist"
    unified.info().assert_refused("400172")


def test_pages_follow_each_other_by_cursor(unified: UnifiedClient) -> None:
    """Newest first, no row twice and none missing, until a page is empty and has no cursor."""
    order_ids = [unified.placed(qty="0.001") for _ in range(5)]
    assert _all_pages(unified, "unfilled-orders", "orderId") == order_ids[::-1]
    unified.cancel_batch(*order_ids)
    assert _all_pages(unified, "history-orders", "orderId") == order_ids[::-1]
    for _ in range(5):
        unified.placed(orderType="market", qty="10")
    exec_ids = _all_pages(unified, "fills", "execId")
    assert len(exec_ids) == 5
    assert exec_ids == sorted(exec_ids, reverse=True)


def _all_pages(unified: UnifiedClient, name: str, row_id: str) -> list[str]:
    found: list[str] = []
    page = unified.page(name, limit=2)
    while page["list"]:
        found += [row[row_id] for row in page["list"]]
        assert page["cursor"] == found[-1]
        page = unified.page(name, limit=2, cursor=page["cursor"])
    assert page["cursor"] is None
    return found


def test_pages_mix_symbols_in_order_of_time(unified: UnifiedClient) -> None:
    bitcoin = unified.placed()
    ether = unified.placed(symbol="ETHUSDT", price="2000", qty="1")
    newest = unified.placed()
    assert unified.open_ids() == [newest, ether, bitcoin]
    assert unified.open_ids(category=None) == [newest, ether, bitcoin]
    assert unified.open_ids(symbol="ETHUSDT") == [ether]
    unified.listed("unfilled-orders", symbol="NOPE").assert_refused("25100")


def test_fills_of_one_order_can_be_requested(unified: UnifiedClient) -> None:
    first = unified.placed(orderType="market", qty="10")
    unified.placed(orderType="market", qty="10", symbol="ETHUSDT")
    assert [row["orderId"] for row in unified.page("fills", orderId=first, category=None)["list"]] == [first]
    assert [row["symbol"] for row in unified.page("fills")["list"]] == ["ETHUSDT", "BTCUSDT"]
    assert unified.page("fills", orderId="123")["list"] == []


def test_a_range_of_time_counts_from_the_creation(unified: UnifiedClient, clock: FakeClock) -> None:
    first = unified.placed()
    first_ms = clock.now_ms
    clock.advance(10_000)
    second = unified.placed()
    assert unified.open_ids(endTime=first_ms) == [first]
    assert unified.open_ids(startTime=first_ms + 1) == [second]
    unified.cancel_batch(first, second)
    assert unified.history_ids(startTime=first_ms, endTime=first_ms) == [first]
    unified.listed("unfilled-orders", startTime=2, endTime=1).assert_refused("40707")
    unified.listed("history-orders", startTime=clock.now_ms, endTime=clock.now_ms - 1).assert_refused("40707")


def test_a_trade_has_two_financial_records(unified: UnifiedClient, clock: FakeClock) -> None:
    unified.placed(orderType="market", qty="100")
    bought_ms = clock.now_ms
    records = unified.get(f"{V3}/account/financial-records", category="MARGIN").data
    came, went = records["list"]
    assert (went["coin"], went["type"], went["amount"], went["fee"]) == (
        "USDT",
        "ORDER_DEALT_FROZEN_OUT",
        "-99.96",
        "0",
    )
    assert (came["coin"], came["type"]) == ("BTC", "ORDER_DEALT_IN")
    assert (came["category"], came["symbol"]) == ("Margin", "BTCUSDT")
    assert float(came["fee"]) == -float(came["amount"]) / 1000
    assert float(came["balance"]) == 2 + float(came["amount"]) + float(came["fee"])
    assert records["cursor"] == went["id"]
    assert went["ts"] == str(bought_ms)
    listed = {"category": "MARGIN", "limit": 1, "cursor": came["id"]}
    assert unified.get(f"{V3}/account/financial-records", **listed).data["list"] == [went]
    for filters in ({"coin": "BTC"}, {"type": "ORDER_DEALT_IN"}):
        assert unified.get(f"{V3}/account/financial-records", category="MARGIN", **filters).data["list"] == [came]
    assert unified.get(f"{V3}/account/financial-records", category="SPOT").data["list"] == []
    unified.get(f"{V3}/account/financial-records").assert_refused("400172")
    old = clock.now_ms - 31 * DAY_MS
    wide = {"category": "MARGIN", "startTime": old, "endTime": clock.now_ms}
    unified.get(f"{V3}/account/financial-records", **wide).assert_refused("00001")


@pytest.mark.parametrize("name", ["history-orders", "fills"])
def test_a_request_covers_thirty_days_of_the_last_ninety(unified: UnifiedClient, clock: FakeClock, name: str) -> None:
    """By default the last thirty, or thirty from its start; everything else is refused."""
    unified.placed(orderType="market", qty="10")
    traded_ms = clock.now_ms
    clock.advance(31 * DAY_MS)
    assert unified.page(name)["list"] == []
    assert len(unified.page(name, startTime=traded_ms)["list"]) == 1
    assert len(unified.page(name, endTime=traded_ms)["list"]) == 1
    assert unified.page(name, startTime=traded_ms - 30 * DAY_MS - 1)["list"] == []
    assert len(unified.page(name, startTime=traded_ms, endTime=traded_ms + 30 * DAY_MS)["list"]) == 1
    too_long = unified.listed(name, startTime=traded_ms, endTime=traded_ms + 30 * DAY_MS + 1)
    too_long.assert_refused("00001")
    assert too_long.content["msg"] == "startTime and endTime interval cannot be greater than 30 days"
    unified.listed(name, startTime=clock.now_ms - 91 * DAY_MS).assert_refused("40704")


def test_open_orders_are_listed_however_old(unified: UnifiedClient, clock: FakeClock) -> None:
    order_id = unified.placed()
    clock.advance(200 * DAY_MS)
    assert unified.open_ids() == unified.open_ids(startTime=START_MS, endTime=clock.now_ms) == [order_id]


@pytest.mark.parametrize("name", ["unfilled-orders", "history-orders", "fills"])
def test_a_page_has_a_hundred_rows_at_most(venue: Emulator, unified: UnifiedClient, name: str) -> None:
    """A hundred by default; a larger limit, or 0, is refused."""
    for _ in range(101):
        placed = venue.place("2001", {"symbol": "BTCUSDT", "side": "buy", "price": "50000", "baseSize": "0.001"})
        if name != "unfilled-orders":
            venue.fill(placed)
    assert len(unified.page(name)["list"]) == len(unified.page(name, limit=100)["list"]) == 100
    for limit in (0, 101, "many", -1):
        unified.listed(name, limit=limit).assert_refused("400172")


def test_history_needs_a_category(unified: UnifiedClient) -> None:
    unified.listed("history-orders", category=None).assert_refused("400172")
    for name in ("unfilled-orders", "fills"):
        assert unified.page(name, category=None)["list"] == []
    for name in ("unfilled-orders", "history-orders", "fills"):
        unified.listed(name, category="STOCKS").assert_refused("400172")
        unified.listed(name, cursor="x").assert_refused("400172")


def test_orders_placed_by_the_control_are_listed(venue: Emulator, unified: UnifiedClient) -> None:
    order_id = venue.place("2001", {"symbol": "BTCUSDT", "side": "sell", "price": "70000", "baseSize": "0.1"})
    (row,) = unified.get(f"{V3}/trade/unfilled-orders").data["list"]
    assert (row["orderId"], row["qty"], row["side"]) == (order_id, "0.1", "sell")
