"""Promise: stock ccxt trades on the emulator as it would on the venue."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, TypeAlias

import ccxt
import ccxt.async_support
import pytest
import pytest_asyncio

from bitget_margin.emulator import Emulator, ccxt_urls

Exchange: TypeAlias = Any
"""The hints of ccxt allow None nearly everywhere."""


STOCK: Exchange = ccxt.bitget()
CROSS = {"marginMode": "cross"}
BTC = "BTC/USDT"


def settings(venue: Emulator, **changes: str) -> Any:
    """Return the settings of a ccxt exchange that talks to the venue."""
    account = venue.accounts[0]
    return {
        "apiKey": account.api_key,
        "secret": account.secret,
        "password": account.password,
        "urls": ccxt_urls(venue.url),
        "enableRateLimit": False,
        "options": {"fetchMarkets": {"types": ["spot"]}},
        **changes,
    }


@pytest.fixture(scope="module")
def venue() -> Iterator[Emulator]:
    """Run a venue on the system's clock."""
    with Emulator() as emulator:
        yield emulator
    assert emulator.errors == ()


@pytest.fixture(scope="module")
def exchange(venue: Emulator) -> Exchange:
    """Return a stock exchange object."""
    return ccxt.bitget(settings(venue))


@pytest_asyncio.fixture
async def async_exchange(venue: Emulator) -> AsyncIterator[Exchange]:
    """Return a stock asynchronous exchange object."""
    exchange: Exchange = ccxt.async_support.bitget(settings(venue))
    yield exchange
    # Older ccxt closes its session only when told to clean up.
    await exchange.close(True)


def test_markets_carry_margin_modes_and_limits(exchange: Exchange) -> None:
    markets = exchange.load_markets()
    assert markets[BTC]["marginModes"]["cross"] is True
    flags = {row["symbol"]: row["isCrossBorrowable"] for row in exchange.publicMarginGetV2MarginCurrencies()["data"]}
    # Older ccxt takes every row for a cross pair, so the rows themselves are the measure.
    assert flags == {"BTCUSDT": True, "ETHUSDT": True, "SOLUSDT": True, "XRPUSDT": False}
    assert markets[BTC]["precision"] == pytest.approx({"amount": 1e-6, "price": 0.01})
    assert markets[BTC]["limits"]["cost"]["min"] == 5
    assert markets[BTC]["active"] is True
    assert exchange.currencies["BTC"]["active"] is True


def test_futures_markets_are_empty(venue: Emulator) -> None:
    exchange: Exchange = ccxt.bitget(settings(venue) | {"options": {}})
    assert all(market["spot"] for market in exchange.load_markets().values())


def test_account_is_found_to_be_classic(exchange: Exchange) -> None:
    with pytest.raises(ccxt.ExchangeError, match="40084"):
        exchange.private_uta_get_v3_account_settings()


def test_market_data_is_readable(exchange: Exchange) -> None:
    assert abs(exchange.fetch_time() - exchange.milliseconds()) < 5000
    ticker = exchange.fetch_ticker(BTC)
    assert ticker["bid"] < ticker["last"] == 60000 < ticker["ask"]
    assert set(exchange.fetch_tickers()) == {BTC, "ETH/USDT", "SOL/USDT", "XRP/USDT"}
    book = exchange.fetch_order_book(BTC, 5)
    assert len(book["bids"]) == len(book["asks"]) == 5
    assert exchange.fetch_trades(BTC, limit=3)[0]["price"] > 0
    assert exchange.fetch_trading_fee(BTC, CROSS)["maker"] == pytest.approx(0.001)


# Where ccxt keeps them has moved.
TIMEFRAMES = (STOCK.options.get("timeframes") or STOCK.options["fetchOHLCV"]["timeframes"])["spot"]


@pytest.mark.parametrize("timeframe", sorted(TIMEFRAMES))
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


def test_balance_shows_totals(exchange: Exchange) -> None:
    """The cross balance shows totals; free stays unknown, since the venue sends no transferable amount."""
    balance = exchange.fetch_balance(CROSS)
    assert balance["BTC"]["total"] == 2
    assert balance["BTC"]["free"] is None


def test_limit_order_lives_and_ends(exchange: Exchange) -> None:
    order = exchange.create_order(BTC, "limit", "buy", 0.001, 50000, CROSS)
    opened = exchange.fetch_open_orders(BTC, params=CROSS)
    assert [(row["id"], row["status"], row["amount"], row["price"]) for row in opened] == [
        (order["id"], "open", 0.001, 50000)
    ]
    exchange.cancel_orders([order["id"]], BTC, CROSS)
    assert exchange.fetch_open_orders(BTC, params=CROSS) == []
    ended = exchange.fetch_canceled_and_closed_orders(BTC, params=CROSS)
    assert (ended[-1]["id"], ended[-1]["status"], ended[-1]["filled"]) == (order["id"], "canceled", 0)


def test_single_cancel_by_client_id(exchange: Exchange) -> None:
    order = exchange.create_order(BTC, "limit", "buy", 0.001, 50000, {**CROSS, "clientOrderId": "a-B_3+x#1"})
    found = exchange.fetch_open_orders(BTC, params={**CROSS, "clientOid": "a-B_3+x#1"})
    assert [row["id"] for row in found] == [order["id"]]
    answer = exchange.cancel_order("", BTC, {**CROSS, "clientOrderId": "a-B_3+x#1"})
    assert answer["id"] == order["id"]


def test_post_only_order_rests(exchange: Exchange) -> None:
    order = exchange.create_order(BTC, "limit", "buy", 0.001, 50000, {**CROSS, "postOnly": True})
    (row,) = exchange.fetch_open_orders(BTC, params={**CROSS, "orderId": order["id"]})
    assert row["postOnly"] is True
    exchange.cancel_order(order["id"], BTC, CROSS)


def test_market_orders_trade_at_once(exchange: Exchange) -> None:
    bought = exchange.create_order("ETH/USDT", "market", "buy", 0.1, 3000, CROSS)
    sold = exchange.create_order("ETH/USDT", "market", "sell", 0.05, None, CROSS)
    trades = {trade["order"]: trade for trade in exchange.fetch_my_trades("ETH/USDT", params=CROSS)}
    assert (trades[bought["id"]]["amount"], trades[bought["id"]]["fee"]["currency"]) == (0.1, "ETH")
    assert trades[bought["id"]]["fee"]["cost"] == pytest.approx(0.0001)
    assert (trades[sold["id"]]["cost"], trades[sold["id"]]["fee"]["cost"]) == (150, 0.15)
    assert trades[sold["id"]]["takerOrMaker"] == "taker"


def test_several_orders_at_once(exchange: Exchange) -> None:
    """A batch of orders is placed; of the refused one stock ccxt says nothing."""
    wanted = [
        {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.001, "price": 40000, "params": CROSS},
        {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.00001, "price": 40000, "params": CROSS},
    ]
    (placed,) = exchange.create_orders(wanted)
    assert [row["id"] for row in exchange.fetch_open_orders(BTC, params=CROSS)] == [placed["id"]]
    exchange.cancel_order(placed["id"], BTC, CROSS)


def test_loans_by_orders_and_by_hand() -> None:
    with Emulator() as venue:
        exchange: Exchange = ccxt.bitget(settings(venue))
        exchange.create_order("SOL/USDT", "market", "sell", 600, None, {**CROSS, "loanType": "autoLoan"})
        assert venue.debts()["SOL"].principal == 100
        cover = {**CROSS, "loanType": "autoRepay", "cost": 16_000}
        exchange.create_order("SOL/USDT", "market", "buy", 16_000, None, cover)
        assert venue.debts() == {}
        assert exchange.borrow_cross_margin("USDT", 1_000)["amount"] == 1_000
        assert exchange.repay_cross_margin("USDT", 1_000)["amount"] == 1_000
        since = exchange.milliseconds() - 60_000
        (charge,) = exchange.fetch_borrow_interest("USDT", None, since, None, CROSS)
        assert (charge["currency"], charge["interest"]) == ("USDT", 0.01)
        assert exchange.fetch_cross_borrow_rate("BTC")["rate"] == 0.00024
        venue.set_debt("BTC", 100)
        venue.set_price("ETHUSDT", 2_999)
        (ended,) = exchange.fetch_my_liquidations("SOL/USDT", since, None, CROSS)
        assert float(ended["info"]["liqRiskRatio"]) == 10
        assert venue.errors == ()


def test_margin_orders_are_unknown_to_spot(exchange: Exchange) -> None:
    order = exchange.create_order(BTC, "limit", "buy", 0.001, 50000, CROSS)
    with pytest.raises(ccxt.OrderNotFound):
        exchange.fetch_order(order["id"], BTC)
    with pytest.raises(ccxt.OrderNotFound):
        exchange.cancel_order(order["id"], BTC)
    assert exchange.fetch_open_orders(BTC) == []
    assert exchange.cancel_orders([order["id"]], BTC) == []
    assert exchange.fetch_balance()["total"]["USDT"] == 0
    exchange.cancel_order(order["id"], BTC, CROSS)


@pytest.mark.parametrize(
    ("spoiled", "error"),
    [
        ({"secret": "wrong"}, ccxt.AuthenticationError),
        ({"password": "wrong"}, ccxt.AuthenticationError),
        ({"apiKey": "wrong"}, ccxt.AuthenticationError),
    ],
)
def test_wrong_credentials_are_refused(venue: Emulator, spoiled: dict[str, str], error: type[Exception]) -> None:
    exchange: Exchange = ccxt.bitget(settings(venue, **spoiled))
    with pytest.raises(error):
        exchange.private_margin_get_v2_margin_crossed_account_assets()


@pytest.mark.asyncio
async def test_asynchronous_exchange_works_the_same(async_exchange: Exchange) -> None:
    await async_exchange.load_markets()
    assert (await async_exchange.fetch_ticker("SOL/USDT"))["last"] == 150
    assert len(await async_exchange.fetch_ohlcv("SOL/USDT", "1m", limit=5)) == 5
    order = await async_exchange.create_order("SOL/USDT", "limit", "sell", 1, 200, CROSS)
    assert [row["id"] for row in await async_exchange.fetch_open_orders("SOL/USDT", params=CROSS)] == [order["id"]]
    await async_exchange.cancel_orders([order["id"]], "SOL/USDT", CROSS)
    await async_exchange.create_order("SOL/USDT", "market", "sell", 1, None, CROSS)
    assert (await async_exchange.fetch_my_trades("SOL/USDT", params=CROSS))[-1]["price"] == 150
    assert (await async_exchange.fetch_balance(CROSS))["SOL"]["total"] == 499
