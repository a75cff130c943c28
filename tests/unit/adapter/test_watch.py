"""Subscriptions of both account kinds, and the calls that are refused before anything is sent."""

from types import SimpleNamespace
from typing import Any

import ccxt
import pytest

import bitget_margin
from bitget_margin.adapter import watch
from bitget_margin.core.endpoints import AccountKind

MARKET = {"id": "BTCUSDT", "symbol": "BTC/USDT"}


@pytest.fixture
def exchange() -> Any:
    """Return an exchange with keys."""
    return bitget_margin.pro.bitget({"apiKey": "k", "secret": "s", "password": "p"})


@pytest.mark.parametrize("name", ["watchOrders", "watchMyTrades", "watchBalance"])
def test_what_can_be_watched_is_in_has(exchange: Any, name: str) -> None:
    assert exchange.has[name] is True
    assert not bitget_margin.bitget().has[name]
    assert not bitget_margin.async_support.bitget().has[name]


def test_orders_are_subscribed_to_by_symbol_or_for_all(exchange: Any) -> None:
    classic = watch.orders_subscription(AccountKind.CLASSIC, MARKET)
    assert classic.arg == {"instType": "MARGIN", "channel": "orders-crossed", "instId": "BTCUSDT"}
    assert classic.url(exchange).endswith("/v2/ws/private")
    assert classic.hash == watch.classic_orders_topic("BTC/USDT")
    for market in (MARKET, None):
        unified = watch.orders_subscription(AccountKind.UNIFIED, market)
        assert unified.arg == {"instType": "UTA", "topic": "order"}
        assert unified.url(exchange).endswith("/v3/ws/private")
    assert len({unified.topic(None), unified.topic("BTC/USDT"), unified.topic("ETH/USDT")}) == 3


def test_balances_are_those_of_the_account_kind() -> None:
    assert watch.balance_subscription(AccountKind.CLASSIC).arg == {
        "instType": "MARGIN",
        "channel": "account-crossed",
        "coin": "default",
    }
    assert watch.balance_subscription(AccountKind.UNIFIED).arg == {"instType": "UTA", "topic": "account"}


def test_hashes_are_not_those_of_ccxt() -> None:
    """It has its own subscriptions on the same connection, with other caches."""
    ours = (watch.UNIFIED_ORDERS, watch.UNIFIED_FILLS, watch.UNIFIED_BALANCE)
    for subscription in ours:
        client = SimpleNamespace(subscriptions={found.hash: True for found in ours})
        assert not watch.stock_listens(client, subscription)
    for key, subscription in zip(("order:trades:UTA", "fill:UTA", "balance:uta"), ours, strict=True):
        assert watch.stock_listens(SimpleNamespace(subscriptions={key: True}), subscription)


@pytest.mark.parametrize(
    ("arg", "classic", "unified"),
    [
        ({"instType": "MARGIN", "channel": "orders-crossed", "instId": "BTCUSDT"}, True, None),
        ({"instType": "MARGIN", "channel": "account-crossed", "coin": "default"}, True, None),
        ({"instType": "UTA", "topic": "order"}, False, watch.UNIFIED_ORDERS),
        ({"instType": "UTA", "topic": "fill"}, False, watch.UNIFIED_FILLS),
        ({"instType": "UTA", "topic": "account"}, False, watch.UNIFIED_BALANCE),
        ({"instType": "UTA", "topic": "position"}, False, None),
        ({"instType": "UTA", "topic": ["order"]}, False, None),
        ({"instType": "SPOT", "channel": "orders", "instId": "BTCUSDT"}, False, None),
        ({"instType": "SPOT", "channel": "account", "coin": "default"}, False, None),
        (None, False, None),
        ("orders-crossed", False, None),
    ],
)
def test_pushes_are_told_apart_by_their_argument(arg: object, classic: bool, unified: object) -> None:
    assert watch.is_classic_cross({"arg": arg}) is classic
    assert watch.subscription_of({"arg": arg}) is unified


@pytest.mark.parametrize(
    ("args", "error", "text"),
    [
        (("", None, None, {}), ccxt.ArgumentsRequired, "requires a symbol"),
        (("BTC/USDT", "now", None, {}), ccxt.BadRequest, "since"),
        (("BTC/USDT", None, 1.5, {}), ccxt.BadRequest, "limit"),
        (("BTC/USDT", None, None, {"x": 1}), ccxt.BadRequest, "unknown parameter 'x'"),
    ],
)
def test_bad_arguments_are_refused(exchange: Any, args: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=rf"watch_orders\(\).*{text}"):
        watch.check_call(exchange, "watch_orders", *args)


def test_the_symbol_is_returned_and_may_be_missing(exchange: Any) -> None:
    assert watch.check_call(exchange, "watch_orders", "BTC/USDT", 1, 2, {"marginMode": "cross"}) == "BTC/USDT"
    assert watch.check_call(exchange, "watch_orders", None, None, None, {}) is None
    watch.check_balance_call(exchange, {"marginMode": "cross", "stock": False})
    with pytest.raises(ccxt.BadRequest, match=r"watch_balance\(\): unknown parameter 'x'"):
        watch.check_balance_call(exchange, {"x": 1})


@pytest.mark.parametrize("rows", [None, {}, "", [None], [[]]])
def test_a_push_without_rows_is_refused(exchange: Any, rows: object) -> None:
    with pytest.raises(ccxt.BadResponse, match="a push cannot be read"):
        watch.rows_of(exchange, {"data": rows})
