"""Promise: all methods share one margin mode; other modes behave as in stock ccxt."""

import asyncio
import time
from typing import Any

import ccxt
import ccxt.async_support
import ccxt.pro
import pytest
from ccxt.base.types import Entry

import bitget_margin
from bitget_margin.emulator import Emulator
from support.client import CROSS, Client, Flavour, config, load_markets, paths, rungs
from support.pulse import stopwatch

BTC = "BTC/USDT"
OURS = {
    "cancelAllOrders",
    "cancelOrder",
    "cancelOrders",
    "cancelOrdersForSymbols",
    "cancelOrderWithClientOrderId",
    "cancelOrdersWithClientOrderId",
    "fetchOrder",
    "fetchOrders",
    "fetchOrderTrades",
}


@pytest.mark.parametrize("mode", ["cross", "crossed", "CROSSED"])
def test_crossed_means_cross_for_every_method(venue: Emulator, client: Client, mode: str) -> None:
    """Stock ccxt places `crossed` orders on spot, cancels nothing, and reports success."""
    params = {"marginMode": mode}
    order = client("create_order", BTC, "limit", "buy", 0.001, 50_000, params)
    assert [row["id"] for row in client("fetch_open_orders", BTC, None, None, params)] == [order["id"]]
    assert client("fetch_balance", params)["USDT"]["used"] == 50
    client("cancel_order", order["id"], BTC, params)
    assert venue.orders(live_only=True) == []
    assert all("/spot/" not in record.path for record in venue.requests)


def test_a_default_margin_mode_counts(venue: Emulator, client: Client) -> None:
    client.exchange.options["defaultMarginMode"] = "crossed"
    (order_id,) = rungs(venue, 1)
    assert client("fetch_order", order_id, BTC)["status"] == "open"
    client("cancel_orders", [order_id], BTC)
    *lookups, cancel = paths(venue)
    assert set(lookups) in ({"open-orders", "history-orders"}, {"order-info"})
    assert cancel == "batch-cancel-order"


@pytest.mark.classic
@pytest.mark.parametrize(
    ("method", "args"),
    [
        ("cancel_orders", (["1", "2"], BTC)),
        ("cancel_order", ("1", BTC)),
        ("cancel_all_orders", (BTC,)),
        ("fetch_order", ("1", BTC)),
        ("fetch_open_orders", (BTC,)),
        ("create_order", (BTC, "limit", "buy", 0.001, 50_000)),
        ("cancel_orders_for_symbols", ([{"id": "1", "symbol": BTC}],)),
    ],
)
@pytest.mark.parametrize("params", [{}, {"marginMode": "isolated"}])
def test_without_crossed_margin_every_method_is_stock_ccxts(
    venue: Emulator,
    method: str,
    args: tuple[Any, ...],
    params: dict[str, str],
) -> None:
    ours = _result_of(
        bitget_margin.bitget(config(venue, options={"defaultMarginMode": None})),
        venue,
        method,
        (*args, *_gap(method, args), params),
    )
    theirs = _result_of(ccxt.bitget(config(venue)), venue, method, (*args, *_gap(method, args), params))
    assert ours == theirs


def _gap(method: str, args: tuple[Any, ...]) -> tuple[None, ...]:
    return (None, None) if method == "fetch_open_orders" else ()


def _result_of(exchange: Any, venue: Emulator, method: str, args: tuple[Any, ...]) -> Any:
    asyncio.run(load_markets(exchange))
    venue.reset_requests()
    try:
        result: Any = getattr(exchange, method)(*args)
    except ccxt.BaseError as error:
        result = type(error)
    sent = [(record.method, record.path, record.body) for record in venue.requests]
    return sent, result if isinstance(result, type) else len(result)


@pytest.mark.parametrize("flavour", list(Flavour))
def test_the_description_tells_the_truth(flavour: Flavour) -> None:
    stock = {Flavour.SYNC: ccxt, Flavour.ASYNC: ccxt.async_support, Flavour.PRO: ccxt.pro}[flavour].bitget()
    ours = flavour.cls()
    assert ours.id == "bitget"
    assert isinstance(ours, type(stock))
    assert {key for key in OURS if ours.has[key] is True} == OURS
    assert {key: ours.has[key] for key in stock.has if key not in OURS} == {
        key: value for key, value in stock.has.items() if key not in OURS
    }
    spot = ours.features["spot"]
    assert spot["cancelOrders"]["max"] == 50
    assert spot["cancelAllOrders"]["symbolRequired"] is False
    assert all(
        spot[key]["marginMode"] for key in ("cancelOrder", "cancelOrders", "cancelOrdersForSymbols", "fetchOrder")
    )
    assert {key for key in stock.features["spot"] if key not in spot} == set()


@pytest.mark.classic
def test_the_implicit_call_exists_whether_or_not_ccxt_describes_it(venue: Emulator, client: Client) -> None:
    cls = type(client.exchange)
    ours = next(base for base in cls.__mro__ if base.__name__ == "CrossedMargin")
    for name in (
        "private_margin_post_v2_margin_crossed_batch_cancel_order",
        "privateMarginPostV2MarginCrossedBatchCancelOrder",
    ):
        assert isinstance(vars(ours)[name], Entry)
        (order_id,) = rungs(venue, 1)
        answer = client(name, {"symbol": "BTCUSDT", "orderIdList": [{"orderId": order_id}]})
        assert answer["data"]["successList"][0]["orderId"] == order_id
        assert not venue.order(order_id).live


def test_the_crossed_balance_has_free_used_and_debt(venue: Emulator, client: Client) -> None:
    """Stock ccxt leaves `free` and `used` out, so freqtrade sees no funds."""
    rungs(venue, 2)
    balance = client("fetch_balance", CROSS)
    assert balance["USDT"] == {"free": 99_900.005, "used": 99.995, "total": 100_000.0, "debt": 0.0}
    assert balance["BTC"] == {"free": 2.0, "used": 0.0, "total": 2.0, "debt": 0.0}
    assert {row["coin"] for row in balance["info"]} >= {"USDT", "BTC"}
    assert all("transferable" not in row for row in balance["info"])


def test_open_orders_come_from_all_pages(venue: Emulator, client: Client) -> None:
    """250 orders are three pages of the venue."""
    ids = rungs(venue, 250)
    orders = client("fetch_open_orders", BTC, None, None, CROSS)
    assert sorted(order["id"] for order in orders) == sorted(ids)
    newest = client("fetch_open_orders", BTC, None, 30, CROSS)
    assert sorted(order["id"] for order in newest) == ids[-30:]
    until = orders[99]["timestamp"]
    early = client("fetch_open_orders", BTC, None, None, CROSS | {"until": until})
    assert {order["id"] for order in early} == {order["id"] for order in orders if order["timestamp"] <= until}


@pytest.mark.classic
def test_open_orders_without_a_symbol_say_that_the_venue_wants_one(venue: Emulator, client: Client) -> None:
    with pytest.raises(ccxt.ArgumentsRequired, match="requires a symbol"):
        client("fetch_open_orders", None, None, None, CROSS)
    ids = rungs(venue, 1) + rungs(venue, 1, symbol="ETHUSDT", price=2_500)
    venue.knobs(open_orders_without_symbol="answer")
    assert {order["id"] for order in client("fetch_open_orders", None, None, None, CROSS)} == set(ids)


def test_rows_that_the_venue_refused_at_entry_are_rejected() -> None:
    assert bitget_margin.bitget().parse_order_status("reject") == "rejected"
    assert bitget_margin.bitget().parse_order_status("partially_fill") == "open"


def test_the_crossed_balance_keeps_its_time(venue: Emulator, client: Client) -> None:
    began = time.monotonic()
    for _ in range(8):
        client("fetch_balance", CROSS)
    assert time.monotonic() - began < 0.6
    venue.knobs(latency_ms=5_000)
    with stopwatch() as watch, pytest.raises(ccxt.RequestTimeout):
        client("fetch_balance", CROSS | {"timeout": 300})
    assert watch.took_ms < 300 + 200


@pytest.mark.parametrize("amount", [0, None])
def test_a_market_buy_may_be_given_by_its_cost_alone(venue: Emulator, client: Client, amount: int | None) -> None:
    """As in stock ccxt on a classic account; on a unified one, stock ccxt refuses it."""
    order = client("create_order", BTC, "market", "buy", amount, None, CROSS | {"cost": 50})
    request = {"symbol": BTC, "type": "market", "side": "buy", "amount": amount, "params": CROSS | {"cost": 60}}
    (other,) = client("create_orders", [request])
    assert [venue.order(each["id"]).quote_size for each in (order, other)] == [50, 60]
