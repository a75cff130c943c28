"""A pair is derived from the venue's symbol by its quote coin, or from ccxt's, or not at all."""

import ccxt
import pytest

from bitget_margin.adapter.fallback_markets import (
    are_listed,
    market_by_id,
    market_of,
    market_of_row,
    pairs_of,
    spot_market,
    spot_markets,
)
from support.calling import BTC, exchange


@pytest.mark.parametrize("quote", ["USDT", "USDC", "BTC", "ETH", "EUR", "BRL", "USD1", "USDE", "BGB"])
def test_a_symbol_is_split_at_its_quote_coin(quote: str) -> None:
    market = market_by_id(exchange(), f"XYZ{quote}")
    assert (market["id"], market["base"], market["quote"]) == (f"XYZ{quote}", "XYZ", quote)


@pytest.mark.parametrize("market_id", ["USDT", "XYZ", ""])
def test_a_symbol_without_two_coins_is_no_pair(market_id: str) -> None:
    assert market_by_id(exchange(), market_id) is None


@pytest.mark.parametrize(
    ("symbol", "market_id", "unified"),
    [
        (BTC, "BTCUSDT", BTC),
        ("BTCUSDT", "BTCUSDT", BTC),
        ("ABC/XYZ", "ABCXYZ", "ABC/XYZ"),
        ("TON/USDT", "TONCOINUSDT", "TON/USDT"),
    ],
)
def test_a_market_has_the_venues_and_ccxts_names(symbol: str, market_id: str, unified: str) -> None:
    made = exchange(markets=False)
    made.commonCurrencies = made.commonCurrencies | {"TONCOIN": "TON"}
    market = market_of(made, "m", symbol)
    assert (market["id"], market["symbol"], market["type"], market["spot"]) == (market_id, unified, "spot", True)


@pytest.mark.parametrize("symbol", ["BTC/USDT/X", "BTC/USDT/", "/USDT", "BTC/", "/", "", "XYZ", "BTC/BTC"])
def test_a_symbol_that_names_no_two_coins_is_refused(symbol: str) -> None:
    with pytest.raises(ccxt.BadSymbol, match=rf"^bitget m\(\): '{symbol}' is no pair; give one such as 'BTC/USDT'$"):
        market_of(exchange(markets=False), "m", symbol)


@pytest.mark.parametrize("symbol", ["TONCOIN/USDT", "BTC/TONCOIN"])
def test_a_coin_that_ccxt_has_renamed_is_refused_under_the_venues_name(symbol: str) -> None:
    made = exchange(markets=False)
    made.commonCurrencies = made.commonCurrencies | {"TONCOIN": "TON"}
    with pytest.raises(ccxt.BadSymbol, match=rf"^bitget m\(\): ccxt's name of TONCOIN in '{symbol}' is 'TON'$"):
        market_of(made, "m", symbol)


def test_markets_are_listed_only_with_a_spot_market() -> None:
    made = exchange()
    assert are_listed(made)
    made.markets = {symbol: market for symbol, market in made.markets.items() if not market["spot"]}
    assert not are_listed(made)
    assert not are_listed(exchange(markets=False))


def test_a_removed_pair_has_a_market_if_both_of_its_coins_are_known() -> None:
    made = exchange()
    assert "ETH/BTC" not in made.markets
    removed = spot_market(made, "m", "ETH/BTC")
    assert (removed["id"], removed["symbol"]) == ("ETHBTC", "ETH/BTC")
    assert spot_market(made, "m", BTC) is made.markets[BTC]
    assert set(spot_markets(made, [removed])) > {"ETHBTC", "BTCUSDT"}
    with pytest.raises(ccxt.BadSymbol):
        spot_market(made, "m", "XX/USDT")


def test_a_row_of_a_removed_pair_has_ccxts_symbol() -> None:
    made = exchange()
    assert (market_of_row(made, "BTCUSDT") or {})["symbol"] == BTC
    assert (market_of_row(made, "XYZUSDT") or {})["symbol"] == "XYZ/USDT"
    assert market_of_row(made, "XYZ") is None


def test_pairs_are_guessed_by_the_coins_that_are_frozen_and_those_that_are_there() -> None:
    sold = pairs_of(["XYZ"], {"BTC"})
    assert {"XYZUSDT", "XYZBTC"} <= set(sold)
    assert "BTCXYZ" not in sold
    assert {"SOLUSDT", "BTCUSDT"} <= set(pairs_of(["USDT"], {"BTC", "SOL", "USDT"}))
    assert "USDTUSDT" not in pairs_of(["USDT"], {"USDT"})
