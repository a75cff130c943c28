"""Promise: the market looks the same through the endpoints of v3 as through those of v2."""

from decimal import Decimal

import pytest

from bitget_margin.emulator import Emulator, SpotNumbers, Symbol

from .client import V3, Client, FakeClock

MARKET = f"{V3}/market"
HOUR_MS = 3_600_000


def test_margin_pairs_show_whether_they_can_be_borrowed(client: Client) -> None:
    """A leverage of 0 means no cross margin; the other fields are those of captured rows."""
    rows = {row["symbol"]: row for row in client.get(f"{MARKET}/instruments", category="MARGIN").data}
    assert {name: row["maxCrossedLeverage"] for name, row in rows.items()} == {
        "BTCUSDT": "3",
        "ETHUSDT": "3",
        "SOLUSDT": "3",
        "XRPUSDT": "0",
    }
    assert rows["BTCUSDT"] == {
        "symbol": "BTCUSDT",
        "category": "MARGIN",
        "baseCoin": "BTC",
        "quoteCoin": "USDT",
        "buyLimitPriceRatio": "0.05",
        "sellLimitPriceRatio": "0.05",
        "minOrderQty": "0.000001",
        "maxOrderQty": "0",
        "pricePrecision": "2",
        "quantityPrecision": "6",
        "quotePrecision": "8",
        "minOrderAmount": "5",
        "maxSymbolOrderNum": "400",
        "maxProductOrderNum": "400",
        "status": "online",
        "maintainTime": "",
        "areaSymbol": "no",
        "isIsolatedBaseBorrowable": "NO",
        "isIsolatedQuotedBorrowable": "NO",
        "warningRiskRatio": "0.8",
        "liquidationRiskRatio": "1",
        "maxCrossedLeverage": "3",
        "maxIsolatedLeverage": "0",
        "userMinBorrow": "0.00000001",
    }


def test_margin_pairs_can_be_coarser_than_spot_pairs() -> None:
    """Orders are checked by the numbers of the margin pair, which both lists of margin pairs show."""
    spot = SpotNumbers(price_precision=2, quantity_precision=6, min_amount=Decimal(0), min_quote_value=Decimal(1))
    pair = Symbol("ETHUSDT", "ETH", "USDT", Decimal(3000), 1, 4, Decimal("0.001"), spot=spot)
    with Emulator(symbols=(pair,)) as venue, Client(venue.url, venue.accounts[0], FakeClock(), lambda: None) as client:
        for category, numbers in (("SPOT", ("2", "6", "0", "1")), ("MARGIN", ("1", "4", "0.001", "5"))):
            (row,) = client.get(f"{MARKET}/instruments", category=category).data
            names = ("pricePrecision", "quantityPrecision", "minOrderQty", "minOrderAmount")
            assert tuple(row[name] for name in names) == numbers
        for path, numbers in (
            ("spot/public/symbols", ("2", "6", "0", "1")),
            ("margin/currencies", ("1", "4", "0.001", "5")),
        ):
            (row,) = client.get(f"/api/v2/{path}").data
            names = ("pricePrecision", "quantityPrecision", "minTradeAmount", "minTradeUSDT")
            assert tuple(row[name] for name in names) == numbers


def test_spot_pairs_have_no_margin_fields_and_there_are_no_futures(client: Client) -> None:
    (row,) = client.get(f"{MARKET}/instruments", category="SPOT", symbol="ETHUSDT").data
    assert (row["symbol"], row["category"], "maxCrossedLeverage" in row) == ("ETHUSDT", "SPOT", False)
    for name in ("instruments", "tickers"):
        assert client.get(f"{MARKET}/{name}", category="USDT-FUTURES").data == []
    for name in ("orderbook", "fills", "candles"):
        client.get(f"{MARKET}/{name}", category="USDT-FUTURES", symbol="BTCUSDT").assert_refused("25100")


@pytest.mark.parametrize("name", ["instruments", "tickers", "orderbook", "candles", "history-candles", "fills"])
def test_category_and_symbol_are_checked(client: Client, name: str) -> None:
    client.get(f"{MARKET}/{name}", symbol="BTCUSDT").assert_refused("400172")
    client.get(f"{MARKET}/{name}", category="SPOT", symbol="NOPE", interval="1m").assert_refused("25100")


def test_tickers_agree_with_the_classic_ones(venue: Emulator, client: Client) -> None:
    venue.set_price("BTCUSDT", "61000")
    (row,) = client.get(f"{MARKET}/tickers", category="MARGIN", symbol="BTCUSDT").data
    (classic,) = client.get("/api/v2/spot/market/tickers", symbol="BTCUSDT").data
    assert row["lastPrice"] == classic["lastPr"] == "61000"
    assert (row["bid1Price"], row["ask1Price"], row["category"]) == (classic["bidPr"], classic["askPr"], "MARGIN")
    assert len(client.get(f"{MARKET}/tickers", category="SPOT").data) == 4


def test_the_book_has_numbers_and_the_requested_depth(client: Client) -> None:
    """Five levels by default, two hundred at most."""
    book = client.get(f"{MARKET}/orderbook", category="SPOT", symbol="BTCUSDT").data
    assert (len(book["a"]), len(book["b"])) == (5, 5)
    assert book["b"][0][0] < 60000 < book["a"][0][0]
    deep = client.get(f"{MARKET}/orderbook", category="SPOT", symbol="BTCUSDT", limit=500).data
    assert len(deep["a"]) == 200


def test_candles_agree_with_the_classic_ones(client: Client, clock: FakeClock) -> None:
    query = {"symbol": "BTCUSDT", "endTime": clock.now_ms - HOUR_MS, "limit": 50}
    classic = client.get("/api/v2/spot/market/candles", granularity="1h", **query).data
    for name in ("candles", "history-candles"):
        rows = client.get(f"{MARKET}/{name}", category="MARGIN", interval="1H", **query).data
        assert rows == [row[:7] for row in classic]


def test_days_begin_in_the_venues_time_zone(client: Client) -> None:
    """UTC+8, as those of v2 without utc in their name."""
    (row,) = client.get(f"{MARKET}/candles", category="SPOT", symbol="BTCUSDT", interval="1D", limit=1).data
    assert int(row[0]) % (24 * HOUR_MS) == 16 * HOUR_MS


def test_candles_have_limits(client: Client) -> None:
    """A thousand recent ones, a hundred old ones, a hundred by default; more is refused."""
    query = {"category": "SPOT", "symbol": "BTCUSDT", "interval": "1m"}
    for name, most in (("candles", 1000), ("history-candles", 100)):
        assert len(client.get(f"{MARKET}/{name}", **query).data) == 100
        assert len(client.get(f"{MARKET}/{name}", limit=most, **query).data) == most
        for limit in (most + 1, 0):
            client.get(f"{MARKET}/{name}", limit=limit, **query).assert_refused("400172")
    client.get(f"{MARKET}/candles", **(query | {"interval": "1h"})).assert_refused("400172")


def test_trades_are_shown(client: Client) -> None:
    rows = client.get(f"{MARKET}/fills", category="SPOT", symbol="BTCUSDT", limit=3).data
    assert [set(row) for row in rows] == [{"execId", "execLinkId", "price", "size", "side", "ts"}] * 3
    assert [row["ts"] for row in rows] == sorted((row["ts"] for row in rows), reverse=True)
