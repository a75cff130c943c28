"""Markets derived from symbols, for cancels of pairs that the public lists of markets do not show.

The venue's symbol of a pair is the names of its two coins. These markets are never stored in the exchange object: the
next call loads the lists again.
"""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, TypeVar

import ccxt

from bitget_margin.adapter import params
from bitget_margin.adapter.ccxt_types import MarginExchange

V = TypeVar("V")

_QUOTES: Final = ("USDT", "USDC", "BTC", "ETH", "EUR", "BRL", "USD1", "USDE", "BGB")
"""Quote coins by which a symbol of the venue is split."""


class FallbackMarkets(Mapping[str, V]):
    """Mapping by the venue's symbols whose values are computed on access; iteration yields nothing."""

    def __init__(self, make: Callable[[str], V | None]) -> None:
        self._make = make

    def __getitem__(self, market_id: str) -> V:
        made = self._make(market_id)
        if made is None:
            raise KeyError(market_id)
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def are_listed(exchange: MarginExchange) -> bool:
    """Whether the markets are loaded, with at least one spot market."""
    return any(market["spot"] for market in (exchange.markets or {}).values())


def spot_market(exchange: MarginExchange, method: str, symbol: str) -> Any:
    """Return the market of a symbol: the loaded one, or else one derived from the symbol.

    Beside loaded markets, both coins have to be known: a pair may have been removed while an order of it is open.
    """
    if not exchange.markets:
        return market_of(exchange, method, symbol)
    if symbol not in exchange.markets and symbol not in (exchange.markets_by_id or {}):
        with suppress(ccxt.BadSymbol):
            derived = market_of(exchange, method, symbol)
            if {derived["base"], derived["quote"]} <= (exchange.currencies or {}).keys():
                return derived
    return params.spot_market(exchange, method, symbol)


def market_of_row(exchange: MarginExchange, market_id: str) -> Any | None:
    """Return the spot market of an order's row: the loaded one, or else one derived from the venue's symbol."""
    loaded = (exchange.markets_by_id or {}).get(market_id) or ()
    return next((market for market in loaded if market["spot"]), None) or market_by_id(exchange, market_id)


def spot_markets(exchange: MarginExchange, named: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the spot markets by the venue's symbol: the loaded ones and `named`."""
    known = {market["id"]: market for market in named}
    if exchange.markets:
        return {**known, **{market["id"]: market for market in exchange.markets.values() if market["spot"]}}
    return FallbackMarkets(lambda market_id: known.get(market_id) or market_by_id(exchange, market_id))


def coin_pairs(exchange: MarginExchange, markets: Mapping[str, Any]) -> Mapping[str, tuple[str, str]]:
    """Return the venue's names of the base and the quote coin of each market."""
    if isinstance(markets, FallbackMarkets):
        known: Mapping[str, Any] = markets
        return FallbackMarkets(lambda market_id: coins_of(exchange, known[market_id]) if market_id in known else None)
    return {market_id: coins_of(exchange, market) for market_id, market in markets.items()}


def coin_id(exchange: MarginExchange, code: str) -> str:
    """Return the venue's name of a coin that ccxt may have renamed: TONCOIN for TON."""
    return _venue_names(exchange).get(code, code)


def coins_of(exchange: MarginExchange, market: Mapping[str, Any]) -> tuple[str, str]:
    """Return the venue's names of the base and the quote coin of a market."""
    base_id, quote_id = market.get("baseId"), market.get("quoteId")
    return base_id or coin_id(exchange, market["base"]), quote_id or coin_id(exchange, market["quote"])


def market_of(exchange: MarginExchange, method: str, symbol: str) -> Any:
    """Return a market derived from a symbol, with the fields that a cancel needs, or raise BadSymbol.

    As in ccxt, the symbol may be the venue's.
    """
    named_by_id = market_by_id(exchange, symbol)
    if "/" not in symbol and named_by_id is not None:
        return named_by_id
    base, _, quote = symbol.partition("/")
    if not base or not quote or "/" in quote or base == quote:
        raise ccxt.BadSymbol(f"{exchange.id} {method}(): {symbol!r} is no pair; give one such as 'BTC/USDT'")
    for coin in (base, quote):
        code = exchange.commonCurrencies.get(coin, coin)
        if code != coin and coin not in _venue_names(exchange):
            raise ccxt.BadSymbol(f"{exchange.id} {method}(): ccxt's name of {coin} in {symbol!r} is {code!r}")
    return pair_market(exchange, coin_id(exchange, base), coin_id(exchange, quote))


def market_by_id(exchange: MarginExchange, market_id: str) -> Any | None:
    """Return a market derived from the venue's symbol; None if its coins cannot be separated."""
    quote_id = next((quote for quote in _QUOTES if market_id.endswith(quote) and market_id != quote), None)
    return None if quote_id is None else pair_market(exchange, market_id.removesuffix(quote_id), quote_id)


def pairs_of(coins: Iterable[str], others: Iterable[str]) -> tuple[str, ...]:
    """Return the venue's symbols that trade one of these coins for a quote coin, or for it one of the other coins."""
    listed = tuple(coins)
    pairs = [(coin, quote) for coin in listed for quote in _QUOTES]
    pairs += [(other, coin) for coin in listed if coin in _QUOTES for other in sorted(others)]
    return tuple(dict.fromkeys(f"{base}{quote}" for base, quote in pairs if base != quote))


def pair_market(exchange: MarginExchange, base_id: str, quote_id: str) -> Any:
    """Return the market of two coins, by the venue's names of them."""
    base, quote = (exchange.commonCurrencies.get(coin, coin) for coin in (base_id, quote_id))
    market_id = f"{base_id}{quote_id}"
    return {
        **exchange.safe_market(market_id, None, None, "spot"),
        "id": market_id,
        "symbol": f"{base}/{quote}",
        "base": base,
        "quote": quote,
        "baseId": base_id,
        "quoteId": quote_id,
        "type": "spot",
        "spot": True,
    }


def _venue_names(exchange: MarginExchange) -> Mapping[str, str]:
    """Return the venue's coin names by ccxt's. Coins that ccxt renames at every exchange are left out: XBT."""
    return {code: name for name, code in exchange.commonCurrencies.items() if _common_renames().get(name) != code}


@functools.cache
def _common_renames() -> Mapping[str, str]:
    described: Any = ccxt.Exchange().describe()
    common: Mapping[str, str] = described["commonCurrencies"]
    return common
