"""What an operator's command asks the venue before it changes anything."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import ccxt
import click

from bitget_margin.adapter.errors import documented
from bitget_margin.adapter.fetch import view_orders
from bitget_margin.cli.operator import errors
from bitget_margin.cli.operator.account import Account
from bitget_margin.cli.operator.errors import BadUsage
from bitget_margin.cli.operator.selection import Name, Order, folded, matches
from bitget_margin.core.order_ref import IdKind

_QUOTES: Final = ("USDT", "USDC", "BTC", "ETH")
Step: TypeAlias = Callable[[int, int, str], object]
"""Called with how many symbols are done, how many there are, and the last one."""


@dataclass(frozen=True, slots=True)
class Listed:
    """Open orders, and `unlisted` symbols that were not asked for and may have more of them."""

    orders: tuple[Order, ...]
    unlisted: tuple[str, ...] = ()


def load_markets(account: Account) -> None:
    """Load the markets, or what the venue's lists of pairs have of them; without any list, there are none.

    Public lists are no reason to leave an order where it is: what goes on without them is told on standard error.
    """
    exchange = account.exchange
    try:
        exchange.load_markets()  # type: ignore[no-untyped-call]  # ccxt has no type here
        if not candidates(account):  # ccxt reads a page for people as a list without pairs
            raise ccxt.BadResponse("its lists name no pair of crossed margin")
    except Exception as error:  # noqa: BLE001 - documented() makes one of ccxt's exceptions of it
        pairs = _pairs(account)
        exchange.markets = None
        if pairs:
            exchange.set_markets(pairs)
        said = account.clean(errors.said(documented("the markets", error)))
        how = "with its pairs alone" if pairs else "without them"
        click.echo(f"Warning: the venue's markets could not be loaded, this goes on {how}: {said}", err=True)


def spelling(account: Account, symbols: Iterable[str]) -> dict[str, str]:
    """Return for each written symbol the one of the venue that it means; written alike, each means itself.

    :raises BadUsage: the venue has no such symbol, or it could mean several
    """
    known = [symbol for symbol, market in (account.exchange.markets or {}).items() if market["spot"]]
    found = {}
    for symbol in symbols:
        meant = matches(symbol, known) if known else (_by_ccxt(account, symbol),)
        if not meant:
            raise BadUsage(f"the venue has no spot market {symbol}")
        if len(meant) > 1:
            raise BadUsage(f"{symbol} could be {' or '.join(sorted(meant))}: write it as one of them")
        found[symbol] = meant[0]
    return found


def _by_ccxt(account: Account, symbol: str) -> str:
    """Return a symbol as ccxt writes it: in capitals, but for the coins to which it gives names of its own."""
    names = {folded(name): name for name in account.exchange.commonCurrencies.values()}
    codes = (
        names.get(folded(coin)) or account.exchange.common_currency_code(coin.upper()) for coin in symbol.split("/")
    )
    return "/".join(codes)


def _pairs(account: Account) -> list[Any]:
    """Return a market for each pair that one of the venue's lists names, as far as a cancel needs it."""
    exchange = account.exchange
    pairs: dict[str, Any] = {}
    for ask in (exchange.publicMarginGetV2MarginCurrencies, exchange.publicSpotGetV2SpotPublicSymbols):
        with suppress(Exception):  # whatever is wrong with one list, the other one may be good
            answer: Any = ask()
            listed = {row["symbol"]: row for row in answer["data"]}
            # The first list names the pairs of margin; what only the other one has, is looked at only where named.
            pairs = {**{id_: _pair(account, row, crossed=not pairs) for id_, row in listed.items()}, **pairs}
    return list(pairs.values())


def _pair(account: Account, row: Mapping[str, Any], *, crossed: bool) -> Any:
    base_id, quote_id = row["baseCoin"], row["quoteCoin"]
    base, quote = (account.exchange.safe_currency_code(coin) for coin in (base_id, quote_id))
    return account.exchange.safe_market_structure(
        {
            "id": row["symbol"],
            "symbol": f"{base}/{quote}",
            "base": base,
            "quote": quote,
            "baseId": base_id,
            "quoteId": quote_id,
            "type": "spot",
            "spot": True,
            "active": True,
            "marginModes": {"cross": crossed, "isolated": False},
        }
    )


def frozen(account: Account) -> dict[str, float]:
    """Return how much of each coin open orders hold, by the balance."""
    used: Mapping[str, Any] = account.exchange.fetch_balance(account.params)["used"]
    return {coin: float(amount) for coin, amount in sorted(used.items()) if amount}


def candidates(account: Account, coins: Collection[str] | None = None) -> tuple[str, ...]:
    """Return the crossed symbols, suspended ones too: all, or those whose orders could hold one of these coins."""
    return tuple(
        symbol
        for symbol, market in sorted((account.exchange.markets or {}).items())
        if market["spot"]
        and (market.get("marginModes") or {}).get("cross")
        and (coins is None or market["base"] in coins or market["quote"] in coins)
    )


def open_orders(
    account: Account,
    symbols: Sequence[str],
    held: Mapping[str, float],
    step: Step,
    *,
    one_by_one: bool = True,
    guess: bool = False,
) -> Listed:
    """Return the open orders of these symbols, or of the account where none is named.

    The venue is asked for all symbols at once first. Where it refuses that, or its answer does not show what holds a
    frozen coin, each symbol that could hold it is asked for.

    :param held: frozen coins
    :param one_by_one: False leaves these symbols to the caller, as `unlisted`
    :param guess: where neither orders nor pairs are listed, be content with those of pairs that there may be
    """
    found: dict[str, Order] = {}
    if not symbols:
        coins: Collection[str] = held
        try:
            found = {
                str(order["id"]): order for order in account.exchange.fetch_open_orders(None, params=account.params)
            }
            coins = unexplained(account, found.values(), held)
        except ccxt.ArgumentsRequired:
            if not account.exchange.markets:
                if not guess:
                    raise ccxt.ExchangeNotAvailable(
                        "it shows open orders pair by pair, and its lists of pairs are down: name pairs by --symbol"
                    ) from None
                return Listed(_guessed(account, held))
        symbols = candidates(account, coins)
    if not one_by_one:
        return Listed(tuple(found.values()), tuple(symbols))
    for done, symbol in enumerate(symbols, 1):
        found |= {str(order["id"]): order for order in of_symbol(account, symbol)}
        step(done, len(symbols), symbol)
    return Listed(tuple(found.values()))


def _guessed(account: Account, held: Mapping[str, float]) -> tuple[Order, ...]:
    """Return the open orders of pairs that there may be: of the coins in the wallet, in the usual quote coins.

    What rests elsewhere stays frozen, so that nobody takes this for all.
    """
    coins: Mapping[str, Any] = account.exchange.fetch_balance(account.params)["total"]
    pairs = [(base, quote) for base in coins for quote in _QUOTES if base != quote and (base in held or quote in held)]
    found: list[Order] = []
    for base, quote in pairs:
        with suppress(ccxt.BaseError):  # there may be no such pair
            found += of_symbol(account, f"{base}/{quote}")
    return tuple(found)


def of_symbol(account: Account, symbol: str) -> tuple[Order, ...]:
    """Return the open orders of one symbol."""
    return tuple(account.exchange.fetch_open_orders(symbol, params=account.params))


def locate(account: Account, names: Sequence[Name], places: Sequence[str], step: Step) -> dict[Name, Order]:
    """Return those of these orders that the venue shows, live or ended.

    :param places: symbols in which to look for those whose symbol is not told, the likely ones first
    """
    told = tuple(name.symbol for name in names if name.symbol is not None)
    symbols = tuple(dict.fromkeys(told if len(told) == len(names) else (*told, *places)))
    found: dict[Name, Order] = {}
    for done, symbol in enumerate(symbols, 1):
        left = [name for name in names if name not in found and name.symbol in {None, symbol}]
        if left:
            ids = [name.value for name in left if name.kind is IdKind.ORDER]
            client_ids = [name.value for name in left if name.kind is IdKind.CLIENT]
            shown = account.exchange.perform(view_orders(account.exchange, symbol, ids, client_ids, account.params))
            found |= {name: shown[name.value] for name in left if name.value in shown}
            step(done, len(symbols), symbol)
    return found


def unexplained(account: Account, orders: Iterable[Order], held: Mapping[str, float]) -> list[str]:
    """Return the frozen coins that none of these orders holds; none where the venue's pairs are not known."""
    markets = account.exchange.markets
    if not markets:
        return []
    known = ((markets.get(order["symbol"]) or {}, order["side"]) for order in orders)
    holding = {market.get("base" if side == "sell" else "quote") for market, side in known}
    return [coin for coin in held if coin not in holding]
