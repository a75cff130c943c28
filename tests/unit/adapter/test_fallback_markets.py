"""A pair is derived from the venue's symbol by its quote coin, or not at all."""

import pytest

from bitget_margin.adapter.fallback_markets import market_by_id
from support.calling import exchange


@pytest.mark.parametrize("quote", ["USDT", "USDC", "BTC", "ETH", "EUR", "BRL", "USD1", "USDE", "BGB"])
def test_a_symbol_is_split_at_its_quote_coin(quote: str) -> None:
    market = market_by_id(exchange(), f"XYZ{quote}")
    assert (market["id"], market["base"], market["quote"]) == (f"XYZ{quote}", "XYZ", quote)


@pytest.mark.parametrize("market_id", ["USDT", "XYZ", ""])
def test_a_symbol_without_two_coins_is_no_pair(market_id: str) -> None:
    assert market_by_id(exchange(), market_id) is None
