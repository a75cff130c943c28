"""Rows of the websocket, as documented and as captured, become order structures that say what they say, and no more."""

from typing import Any

import ccxt
import pytest

import bitget_margin
from bitget_margin.adapter.pushed_orders import is_older, read_orders

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
    return read_orders(exchange, {"action": "snapshot", "arg": arg, "data": data})


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
    with pytest.raises(ccxt.BadResponse, match=r"^bitget: a push(ed row)? (cannot be|has no)"):
        read(exchange, CAPTURED, row)


@pytest.mark.parametrize(
    "message",
    [
        {"arg": {"channel": "orders-crossed"}, "data": []},
        {"arg": {"channel": "orders-crossed", "instId": "BTCUSDT"}},
        {"arg": {"instType": "UTA", "topic": "order"}, "data": None},
        {"arg": {"instType": "UTA", "topic": "order"}, "data": {}},
    ],
)
def test_a_push_about_no_symbol_or_with_no_rows_is_refused_and_shown(exchange: Any, message: Any) -> None:
    with pytest.raises(ccxt.BadResponse, match=r"a push cannot be read: {'arg': {"):
        read_orders(exchange, message)


# -- a unified account ------------------------------------------------------------------------------------------------

#: The page's example, as a margin order.
UNIFIED = {
    "category": "margin",
    "symbol": "BTCUSDT",
    "orderId": "1",
    "clientOid": "mine",
    "price": "",
    "qty": "0.001",
    "amount": "1000",
    "holdMode": "",
    "holdSide": "",
    "tradeSide": "",
    "orderType": "market",
    "timeInForce": "gtc",
    "side": "sell",
    "marginMode": "crossed",
    "marginCoin": "",
    "reduceOnly": "no",
    "cumExecQty": "0.001",
    "cumExecValue": "83.1315",
    "avgPrice": "83131.5",
    "totalProfit": "0",
    "orderStatus": "filled",
    "cancelReason": "",
    "leverage": "",
    "feeDetail": [{"feeCoin": "USDT", "fee": "0.0332526"}],
    "createdTime": "1742367838101",
    "updatedTime": "1742367838115",
    "stpMode": "none",
}


def read_unified(exchange: Any, *rows: object) -> list[dict[str, Any]]:
    """Return the order structures of a unified account's push."""
    return read_orders(
        exchange, {"action": "snapshot", "arg": {"instType": "UTA", "topic": "order"}, "data": list(rows)}
    )


def test_the_documented_row_of_a_unified_account(exchange: Any) -> None:
    (order,) = read_unified(exchange, UNIFIED)
    assert picked(order, "symbol", "id", "clientOrderId", "status") == ("BTC/USDT", "1", "mine", "closed")
    assert picked(order, "amount", "filled", "remaining", "cost", "average") == (0.001, 0.001, 0, 83.1315, 83131.5)
    assert order["fee"] == {"currency": "USDT", "cost": 0.0332526}
    assert picked(order, "timestamp", "lastTradeTimestamp") == (1742367838101, 1742367838115)
    assert order["info"] == UNIFIED


def test_an_amount_that_a_unified_account_leaves_out_stays_unknown(exchange: Any) -> None:
    """The row is of a margin order all the same."""
    (order,) = read_unified(exchange, {name: value for name, value in UNIFIED.items() if name != "qty"})
    assert picked(order, "amount", "filled", "status") == (0.001, 0.001, "closed")


@pytest.mark.parametrize(
    ("raw", "status", "traded"),
    [
        ("live", "open", False),
        ("new", "open", False),
        ("partially_filled", "open", True),
        ("filled", "closed", True),
        ("cancelled", "canceled", False),
    ],
)
def test_every_status_of_a_unified_account_is_known(exchange: Any, raw: str, status: str, traded: bool) -> None:
    (order,) = read_unified(exchange, UNIFIED | {"orderStatus": raw})
    assert order["status"] == status
    assert order["lastTradeTimestamp"] == (1742367838115 if traded else None)


def test_rows_of_other_business_lines_are_left_out(exchange: Any) -> None:
    others = [UNIFIED | {"category": category} for category in ("SPOT", "spot", "usdt-futures", "COIN-FUTURES")]
    assert read_unified(exchange, *others) == []


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"category": None}, "has no category"),
        ({"category": ""}, "has no category"),
        ({"symbol": None}, "has no symbol"),
        ({"orderId": ""}, "has no order id"),
        ({"cumExecQty": "1e999999999"}, "cannot be read"),
    ],
)
def test_an_unreadable_row_of_a_unified_account_is_refused(exchange: Any, changed: dict[str, Any], text: str) -> None:
    """One without a category could be of a margin order."""
    with pytest.raises(ccxt.BadResponse, match=f"a pushed row {text}"):
        read_unified(exchange, UNIFIED | changed)


# -- the order of states ----------------------------------------------------------------------------------------------


def state(status: str, filled: float | None, changed_ms: int | None) -> dict[str, Any]:
    """Return what decides about the order of two states."""
    return {"status": status, "filled": filled, "lastUpdateTimestamp": changed_ms}


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (state("open", 0, 1), state("open", 0.1, 1)),
        (state("open", 0.1, 2), state("open", 0.2, 1)),
        (state("open", 0.1, 1), state("open", 0.1, 2)),
        (state("open", 0.2, 2), state("canceled", 0.1, 1)),
        (state("open", None, None), state("rejected", None, None)),
        (state("canceled", 0.1, 2), state("canceled", 0.2, 1)),
        (state("closed", 1, 1), state("closed", 1, 2)),
    ],
)
def test_an_end_and_what_has_filled_decide_before_the_time(earlier: dict[str, Any], later: dict[str, Any]) -> None:
    assert is_older(earlier, later)
    assert not is_older(later, earlier)


@pytest.mark.parametrize("changed_ms", [1, None])
def test_the_same_state_again_is_not_older(changed_ms: int | None) -> None:
    """Nor is one whose time is unknown."""
    assert not is_older(state("open", 0.1, changed_ms), state("open", 0.1, changed_ms))
    assert not is_older(state("open", 0.1, None), state("open", 0.1, 1))
