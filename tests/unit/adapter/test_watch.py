"""Rows of the websocket, as documented and as captured, become order structures that say what they say, and no more."""

from typing import Any

import ccxt
import pytest

import bitget_margin
from bitget_margin.adapter import watch

MARKET = {
    "id": "BTCUSDT",
    "symbol": "BTC/USDT",
    "base": "BTC",
    "quote": "USDT",
    "baseId": "BTC",
    "quoteId": "USDT",
    "type": "spot",
    "spot": True,
    "swap": False,
    "future": False,
    "option": False,
    "contract": False,
    "precision": {"amount": 1e-6, "price": 0.01},
    "limits": {},
}
#: The page's example: a market buy that is not done yet.
DOCUMENTED = {
    "force": "gtc",
    "orderType": "market",
    "price": "0.000000000",
    "quoteSize": "0.000000000",
    "side": "buy",
    "feeDetail": [{"feeCoin": "USDT", "deduction": "no", "totalDeductionFee": "0", "totalFee": "0.01538693"}],
    "enterPointSource": "web",
    "status": "partially_filled",
    "baseSize": "0.000000000",
    "cTime": "1695881543701",
    "uTime": "1695881543701",
    "clientOid": "2000000000",
    "fillPrice": "26426.800000000",
    "baseVolume": "0.000200000",
    "fillTotalAmount": "5.285360000",
    "loanType": "normal",
    "orderId": "1",
    "stpMode": "cancel_taker",
}
#: From ccxt's source: a partial fill, as the venue pushed it before it told when an order changed.
CAPTURED = {
    "enterPointSource": "web",
    "feeDetail": [{"feeCoin": "AAVE", "deduction": "no", "totalDeductionFee": "0", "totalFee": "-0.00010740"}],
    "force": "gtc",
    "orderType": "limit",
    "price": "93.170000000",
    "fillPrice": "93.170000000",
    "baseSize": "0.110600000",
    "quoteSize": "10.304602000",
    "baseVolume": "0.107400000",
    "fillTotalAmount": "10.006458000",
    "side": "buy",
    "status": "partially_filled",
    "cTime": "1717875017306",
    "clientOid": "b57afe789a06454e9c560a2aab7f7201",
    "loanType": "auto-loan",
    "orderId": "1183419084588060673",
}


@pytest.fixture
def exchange() -> Any:
    """Return an exchange that knows one market."""
    made = bitget_margin.pro.bitget()
    made.set_markets([MARKET])
    return made


def read(exchange: Any, *rows: object, **changes: object) -> list[dict[str, Any]]:
    """Return the order structures of a push."""
    data = [row | changes if isinstance(row, dict) else row for row in rows]
    arg = {"instType": "MARGIN", "channel": "orders-crossed", "instId": "BTCUSDT"}
    symbol, orders = watch.orders(exchange, {"action": "snapshot", "arg": arg, "data": data})
    assert symbol == "BTC/USDT"
    return orders


def picked(order: dict[str, Any], *names: str) -> tuple[Any, ...]:
    """Return some fields."""
    return tuple(order[name] for name in names)


def test_the_documented_row(exchange: Any) -> None:
    """The amount is not in the row, so it and the remaining amount stay unknown."""
    (order,) = read(exchange, DOCUMENTED)
    assert picked(order, "symbol", "id", "clientOrderId", "status") == ("BTC/USDT", "1", "2000000000", "open")
    assert picked(order, "amount", "filled", "remaining", "cost") == (None, 0.0002, None, 5.28536)
    assert order["average"] == pytest.approx(26426.8)
    assert order["fee"] == {"currency": "USDT", "cost": 0.01538693}
    assert picked(order, "timestamp", "lastTradeTimestamp") == (1695881543701, 1695881543701)
    assert order["info"] == DOCUMENTED


def test_the_captured_row(exchange: Any) -> None:
    """The time of the trade is not in the row, so it stays unknown."""
    (order,) = read(exchange, CAPTURED)
    assert picked(order, "amount", "filled", "remaining", "cost") == (0.1106, 0.1074, 0.0032, 10.006458)
    assert picked(order, "price", "side", "type", "timeInForce", "status") == (93.17, "buy", "limit", "GTC", "open")
    assert order["fee"] == {"currency": "AAVE", "cost": 0.0001074}
    assert picked(order, "timestamp", "lastTradeTimestamp", "lastUpdateTimestamp") == (1717875017306, None, None)


@pytest.mark.parametrize(
    ("raw", "status", "traded"),
    [
        ("live", "open", False),
        ("partial_fill", "open", True),
        ("partially_fill", "open", True),
        ("partially_filled", "open", True),
        ("filled", "closed", True),
        ("cancelled", "canceled", False),
        ("reject", "rejected", False),
    ],
)
def test_every_status_is_known(exchange: Any, raw: str, status: str, traded: bool) -> None:
    """And the last change was a trade only if the state says so."""
    (order,) = read(exchange, DOCUMENTED, status=raw)
    assert order["status"] == status
    assert order["lastTradeTimestamp"] == (1695881543701 if traded else None)


def test_the_average_is_not_the_last_price(exchange: Any) -> None:
    """Stock ccxt returns the price of the last fill."""
    (order,) = read(exchange, CAPTURED, fillPrice="90", baseVolume="0.1", fillTotalAmount="9.2")
    assert order["average"] == 92


@pytest.mark.parametrize(("side", "expected"), [("liquidation-sell", "sell"), ("systemRepay-buy", "buy")])
def test_sides_are_buy_or_sell(exchange: Any, side: str, expected: str) -> None:
    """Also where the venue trades for its customer."""
    assert read(exchange, CAPTURED, side=side)[0]["side"] == expected


def test_fees_in_several_coins_are_listed(exchange: Any) -> None:
    fees = [{"feeCoin": coin, "totalFee": fee} for coin, fee in (("BTC", "-1"), ("BGB", "-2"))]
    (order,) = read(exchange, CAPTURED, feeDetail=fees)
    assert picked(order, "fee", "fees") == (None, [{"currency": "BTC", "cost": 1}, {"currency": "BGB", "cost": 2}])


@pytest.mark.parametrize("detail", ["n/a", "{", 5, None, [5]])
def test_fees_that_cannot_be_read_are_unknown_and_the_order_is_there_all_the_same(
    exchange: Any, detail: object
) -> None:
    (order,) = read(exchange, CAPTURED, feeDetail=detail)
    assert picked(order, "fee", "fees", "filled", "status") == (None, [], 0.1074, "open")


def test_a_symbol_in_the_row_is_read_too(exchange: Any) -> None:
    """The page lists it, though neither its example nor any capture has it."""
    assert read(exchange, CAPTURED, symbol="BTCUSDT")[0]["symbol"] == "BTC/USDT"


@pytest.mark.parametrize(
    "row", [None, 1, "row", [], {}, CAPTURED | {"orderId": None}, CAPTURED | {"baseVolume": "1e999999999"}]
)
def test_an_unreadable_push_is_refused(exchange: Any, row: object) -> None:
    with pytest.raises(ccxt.BadResponse, match=r"^bitget watch_orders\(\): a push(ed row)? (cannot be|has no)"):
        read(exchange, CAPTURED, row)


@pytest.mark.parametrize("message", [{"arg": {}, "data": []}, {"arg": {"instId": "BTCUSDT"}}])
def test_a_push_about_no_symbol_or_with_no_rows_is_refused_and_shown(exchange: Any, message: Any) -> None:
    with pytest.raises(ccxt.BadResponse, match=r"a push cannot be read: {'arg': {"):
        watch.orders(exchange, message)


def test_the_channel_is_one_of_a_symbol(exchange: Any) -> None:
    argument = watch.argument("BTCUSDT")
    assert argument == {"instType": "MARGIN", "channel": "orders-crossed", "instId": "BTCUSDT"}
    assert watch.is_ours({"arg": argument})
    assert not any(watch.is_ours(other) for other in ({}, {"arg": None}, {"arg": {"channel": "orders"}}))
    assert watch.topic("BTC/USDT") == "orders-crossed:BTC/USDT"
    exchange.apiKey = exchange.secret = exchange.password = "given"
    assert watch.checked_symbol(exchange, "BTC/USDT", {"marginMode": "cross"}) == "BTC/USDT"
    with pytest.raises(ccxt.ArgumentsRequired, match=r"watch_orders\(\) requires a symbol"):
        watch.checked_symbol(exchange, None, {"marginMode": "cross"})
    with pytest.raises(ccxt.BadRequest, match=r"watch_orders\(\): unknown parameter 'x'"):
        watch.checked_symbol(exchange, "BTC/USDT", {"marginMode": "cross", "x": 1})
    with pytest.raises(ccxt.NotSupported, match=r"^bitget watch_orders\(\): on a unified account, .*fetch_open_orders"):
        watch.refuse_unified(exchange)
