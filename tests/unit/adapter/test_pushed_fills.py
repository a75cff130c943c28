"""Fills: those that a unified account pushes are read, and those that a classic account owes are named, each once."""

from typing import Any

import ccxt
import pytest

import bitget_margin
from bitget_margin.adapter.pushed_fills import KnownFills, read_fills
from support.wire import market

#: The page's example, as a fill of a margin order.
ROW = {
    "symbol": "BTCUSDT",
    "orderType": "market",
    "updatedTime": "1736378720623",
    "side": "buy",
    "orderId": "1288888888888888888",
    "execPnl": "0",
    "feeDetail": [{"feeCoin": "BTC", "fee": "0.00001"}],
    "execTime": "1736378720600",
    "tradeScope": "taker",
    "tradeSide": "",
    "execId": "1288888888888888887",
    "execLinkId": "1288888888888888887",
    "execPrice": "94993",
    "holdSide": "",
    "execValue": "949.93",
    "category": "MARGIN",
    "execQty": "0.01",
    "clientOid": "1288888888888888889",
}


def read(*rows: object) -> list[dict[str, Any]]:
    """Return the trade structures of a push."""
    exchange = bitget_margin.pro.bitget()
    exchange.set_markets([market("BTCUSDT", "BTC")])
    return read_fills(exchange, {"arg": {"instType": "UTA", "topic": "fill"}, "data": list(rows)})


def test_the_documented_row() -> None:
    (trade,) = read(ROW)
    names = ("id", "order", "symbol", "side", "takerOrMaker", "price", "amount", "cost", "timestamp", "fee")
    assert [trade[name] for name in names] == [
        *(ROW["execId"], ROW["orderId"], "BTC/USDT", "buy", "taker", 94_993, 0.01, 949.93, 1736378720600),
        {"currency": "BTC", "cost": 0.00001},
    ]


def test_only_fills_of_margin_are_read() -> None:
    assert [trade["id"] for trade in read(ROW | {"category": "SPOT"}, ROW | {"category": "margin"})] == [ROW["execId"]]


@pytest.mark.parametrize(
    "changed",
    [{"execId": ""}, {"category": None}, {"orderId": None}, {"execQty": "x"}, {"execTime": "", "updatedTime": ""}],
)
def test_a_row_that_lacks_something_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ccxt.BadResponse):
        read(ROW | changed)


def trade(trade_id: str, amount: float = 0.1, at_ms: int = 100) -> dict[str, Any]:
    """Return what decides about a fill."""
    return {"id": trade_id, "symbol": "S", "amount": amount, "timestamp": at_ms}


def order(filled: float | None, order_id: str = "1", symbol: str = "S") -> dict[str, Any]:
    """Return what decides about an order."""
    return {"id": order_id, "symbol": symbol, "filled": filled}


def test_fills_are_due_where_an_order_has_filled_further_than_they_show() -> None:
    fills = KnownFills()
    fills.record_order(order(0.1))
    assert fills.due("S") == ()  # nobody watches
    fills.begin("S", 100)
    for filled in (None, 0.0):
        fills.record_order(order(filled))
    fills.record_order(order(0.3, symbol="T"))
    assert fills.due("S") == fills.due("T") == ()
    fills.record_order(order(0.3))
    assert fills.due("S") == ("1",)
    assert [found["id"] for found in fills.record_fetched("S", "1", [trade("b"), trade("a")])] == ["a", "b"]
    assert fills.due("S") == ("1",)  # 0.2 of 0.3
    assert [found["id"] for found in fills.record_fetched("S", "1", [trade("b"), trade("c"), trade("a")])] == ["c"]
    assert fills.due("S") == ()
    fills.record_order(order(0.3))
    assert fills.due("S") == ()  # the push came twice


def test_fills_before_the_first_call_settle_an_order_and_are_not_new() -> None:
    fills = KnownFills()
    fills.begin("S", 100)
    fills.begin("S", 500)
    fills.record_order(order(0.2))
    new = fills.record_fetched("S", "1", [trade("old", at_ms=99), trade("new", at_ms=100)])
    assert [found["id"] for found in new] == ["new"]
    assert fills.due("S") == ()


def test_a_fill_is_new_once_and_each_addition_counts() -> None:
    fills = KnownFills()
    assert [found["id"] for found in fills.new([trade("a"), trade("b"), trade("a")])] == ["a", "b"]
    assert fills.new([trade("b")]) == []
    assert fills.versions == {"S": 1}
    fills.new([trade("c")])
    assert fills.versions == {"S": 2}


def test_what_is_remembered_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bitget_margin.adapter.pushed_fills._IDS_KEPT", 2)
    fills = KnownFills()
    fills.new([trade(name) for name in "abc"])
    assert [found["id"] for found in fills.new([trade(name) for name in "cba"])] == ["a"]
