"""Promise: stock ccxt trades with a unified account on the emulator as it would on the venue."""

from collections.abc import Iterator
from typing import Any, TypeAlias

import ccxt
import pytest

from bitget_margin.emulator import Account, AccountKind, Emulator, ccxt_urls

Exchange: TypeAlias = Any
"""The hints of ccxt allow None nearly everywhere."""

BTC, ETH, SOL = "BTC/USDT", "ETH/USDT", "SOL/USDT"
asks_for_the_kind_of_account = pytest.mark.skipif(
    not hasattr(ccxt.bitget, "handle_uta_and_params"), reason="older ccxt has to be told the kind of the account"
)


@pytest.fixture
def venue() -> Iterator[Emulator]:
    """Run a venue on the system's clock, whose windows no other test has filled."""
    with Emulator(accounts=(Account(kind=AccountKind.UNIFIED),)) as emulator:
        yield emulator
    assert emulator.errors == ()


def connected(venue: Emulator, **options: object) -> Exchange:
    """Return a stock exchange object."""
    account = venue.accounts[0]
    return ccxt.bitget(
        {
            "apiKey": account.api_key,
            "secret": account.secret,
            "password": account.password,
            "urls": ccxt_urls(venue.url),
            "enableRateLimit": False,
            "options": {"defaultMarginMode": "cross", **options},
        }
    )


@pytest.fixture
def exchange(venue: Emulator) -> Exchange:
    """Return a stock exchange object that knows what kind of account it has."""
    return connected(venue, uta=True)


@asks_for_the_kind_of_account
def test_the_account_is_found_to_be_unified(venue: Emulator) -> None:
    exchange = connected(venue)
    exchange.load_markets()
    assert exchange.options["uta"] is True


def test_markets_have_their_limits(exchange: Exchange) -> None:
    """They have no margin modes, since stock ccxt requests the spot pairs only."""
    market = exchange.load_markets()[BTC]
    assert market["precision"] == pytest.approx({"amount": 1e-6, "price": 0.01})
    assert market["limits"]["cost"]["min"] == 5
    assert (market["active"], market["spot"], market["margin"]) == (True, True, False)
    assert set(exchange.markets) == {BTC, ETH, SOL, "XRP/USDT"}


def test_market_data_is_readable(exchange: Exchange) -> None:
    assert abs(exchange.fetch_time() - exchange.milliseconds()) < 5000
    ticker = exchange.fetch_ticker(BTC)
    assert ticker["bid"] < ticker["last"] == 60000 < ticker["ask"]
    assert set(exchange.fetch_tickers([BTC, ETH])) == {BTC, ETH}
    book = exchange.fetch_order_book(BTC, 7)
    assert len(book["bids"]) == len(book["asks"]) == 7
    assert exchange.fetch_trades(BTC, limit=3)[0]["price"] > 0


@asks_for_the_kind_of_account
def test_fees_are_readable(exchange: Exchange) -> None:
    assert exchange.fetch_trading_fee(BTC)["maker"] == pytest.approx(0.001)
    assert exchange.fetch_trading_fees()[ETH]["taker"] == pytest.approx(0.001)


@pytest.mark.parametrize("timeframe", ["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d"])
def test_candles_of_every_timeframe_parse(exchange: Exchange, timeframe: str) -> None:
    rows = exchange.fetch_ohlcv(BTC, timeframe, limit=20)
    assert len(rows) == 20
    assert [row[0] for row in rows] == sorted({row[0] for row in rows})
    assert all(low <= min(first, last) <= max(first, last) <= high for _, first, high, low, last, _ in rows)


def test_candles_of_a_range_begin_where_asked(exchange: Exchange) -> None:
    hour = 3_600_000
    for age_hours in (48, 24 * 200):
        since = (exchange.milliseconds() // hour - age_hours) * hour
        rows = exchange.fetch_ohlcv(BTC, "1h", since=since, limit=10)
        assert [row[0] for row in rows] == [since + hour * number for number in range(10)]


def test_balance_shows_totals_and_what_is_free(exchange: Exchange) -> None:
    order = exchange.create_order(SOL, "limit", "sell", 100, 200)
    balance = exchange.fetch_balance()["SOL"]
    assert (balance["free"], balance["used"], balance["total"], balance["debt"]) == (400, 100, 500, 0)
    exchange.cancel_order(order["id"], SOL)


def test_a_limit_order_lives_and_ends(exchange: Exchange) -> None:
    order = exchange.create_order(BTC, "limit", "buy", 0.001, 50000, {"clientOrderId": "a.b:c/1"})
    assert order["clientOrderId"] == "a.b:c/1"
    (opened,) = exchange.fetch_open_orders(BTC)
    found = exchange.fetch_order(order["id"], BTC)
    for shown in (opened, found, exchange.fetch_order("", BTC, {"clientOrderId": "a.b:c/1"})):
        assert (shown["id"], shown["status"], shown["amount"], shown["filled"]) == (order["id"], "open", 0.001, 0)
    assert exchange.cancel_order(order["id"], BTC)["id"] == order["id"]
    assert exchange.fetch_open_orders(BTC) == exchange.fetch_open_orders() == []
    assert exchange.fetch_order(order["id"], BTC)["status"] == "canceled"
    assert order["id"] in {row["id"] for row in exchange.fetch_canceled_orders(BTC)}
    with pytest.raises(ccxt.ExchangeError, match="25204"):
        exchange.cancel_order(order["id"], BTC)


def test_a_post_only_order_rests(exchange: Exchange) -> None:
    order = exchange.create_order(BTC, "limit", "buy", 0.001, 50000, {"postOnly": True})
    assert exchange.fetch_order(order["id"], BTC)["postOnly"] is True
    exchange.cancel_order(order["id"], BTC)


def test_market_orders_trade_at_once(exchange: Exchange) -> None:
    bought = exchange.create_market_buy_order_with_cost(ETH, 300)
    sold = exchange.create_order(ETH, "market", "sell", 0.05)
    trades = {trade["order"]: trade for trade in exchange.fetch_my_trades(ETH)}
    assert (trades[bought["id"]]["amount"], trades[bought["id"]]["cost"]) == (0.1, 300)
    assert (trades[sold["id"]]["cost"], trades[sold["id"]]["takerOrMaker"]) == (150, "taker")
    assert {row["id"] for row in exchange.fetch_closed_orders(ETH)} == {bought["id"], sold["id"]}
    assert exchange.fetch_order(bought["id"], ETH)["filled"] == 0.1


def test_errors_of_stock_ccxt_still_exist(venue: Emulator, exchange: Exchange) -> None:
    """Errors of stock ccxt: no average, a cost from the limit price, fees below zero and without a coin."""
    order = exchange.create_order(BTC, "limit", "buy", 0.01, 61000)
    shown = exchange.fetch_order(order["id"], BTC)
    assert shown["info"]["avgPrice"] == "60000"
    assert (shown["average"], shown["cost"]) == (None, 610)
    assert shown["fee"] == {"cost": -1e-5, "currency": None}
    (trade,) = (trade for trade in exchange.fetch_my_trades(BTC) if trade["order"] == order["id"])
    assert trade["fee"] == {"cost": -1e-5, "currency": "BTC"}


def test_several_orders_at_once(exchange: Exchange) -> None:
    """A batch is placed and cancelled; a refused item comes back without id or status, its reason in the info."""
    wanted = [
        {"symbol": SOL, "type": "limit", "side": "buy", "amount": 1, "price": 100, "params": {}},
        {"symbol": SOL, "type": "limit", "side": "buy", "amount": 0.001, "price": 100, "params": {}},
    ]
    placed, refused = exchange.create_orders(wanted)
    assert (refused["id"], refused["status"], refused["info"]["code"]) == (None, None, "25611")
    cancelled, unknown = exchange.cancel_orders([placed["id"], "123"], SOL)
    assert (cancelled["id"], cancelled["status"]) == (placed["id"], None)
    assert (unknown["id"], unknown["info"]["code"]) == ("123", "25204")
    assert exchange.fetch_open_orders(SOL) == []


def test_all_orders_of_a_symbol_are_canceled(exchange: Exchange) -> None:
    for price in (100, 101):
        exchange.create_order(SOL, "limit", "buy", 1, price)
    exchange.cancel_all_orders(SOL)
    assert exchange.fetch_open_orders(SOL) == []


def test_orders_are_paged_by_cursor(exchange: Exchange) -> None:
    ids = [exchange.create_order(SOL, "limit", "buy", 1, price)["id"] for price in (90, 91, 92)]
    first = exchange.fetch_open_orders(SOL, limit=2)
    assert [row["id"] for row in first] == ids[1:]
    assert [row["id"] for row in exchange.fetch_open_orders(SOL, limit=2, params={"cursor": ids[1]})] == ids[:1]
    exchange.cancel_orders(ids, SOL)
