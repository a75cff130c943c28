"""Queries of the operator's commands: markets, open orders, frozen coins. Nothing is changed here."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import ccxt
import click

from bitget_margin.adapter import fallback_markets
from bitget_margin.adapter.errors import documented
from bitget_margin.adapter.fetch import view_orders
from bitget_margin.adapter.locked import fetch_locked
from bitget_margin.cli.operator.account import Connection
from bitget_margin.cli.operator.errors import BadUsage
from bitget_margin.cli.operator.selection import NamedOrder, Order, folded, matches
from bitget_margin.core.locked_coins import LockedCoins
from bitget_margin.core.order_ref import IdKind
from bitget_margin.core.settings import Pacing

_FROZEN_TOLERANCE: Final = 0.01
"""Part of a frozen amount that orders need not account for: whether it includes fees is not documented."""
_QUOTES: Final = ("USDT", "USDC", "BTC", "ETH")
Step: TypeAlias = Callable[[int, int, str], object]
"""Progress callback: number of symbols done, number of all symbols, the last symbol."""


@dataclass(frozen=True, slots=True)
class Listed:
    """Open orders, and the symbols that may have more of them and were not queried."""

    orders: tuple[Order, ...]
    pending_symbols: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FrozenCoins:
    """Frozen amount of each coin, and the coins that no open order accounts for."""

    frozen: Mapping[str, float]
    unexplained: Sequence[str] = ()
    locked: LockedCoins | None = None
    """Of a unified account with locked coins: the orders that hold them."""


def load_markets(connection: Connection) -> None:
    """Load the markets; if that fails, those of a list of pairs, or none.

    A public list that is down must not prevent a cancel: standard error gets a warning, and the command goes on.
    """
    exchange = connection.exchange
    try:
        exchange.load_markets()  # type: ignore[no-untyped-call]  # ccxt has no type here
        if not candidates(connection):  # ccxt parses an HTML page as an empty list
            raise ccxt.BadResponse("its lists name no pair of cross margin")
    except Exception as error:  # noqa: BLE001 - documented() turns it into one of ccxt's exceptions
        pairs = _pairs(connection)
        exchange.markets = None
        if pairs:
            exchange.set_markets(pairs)
        reason = connection.explain(documented("the markets", error))
        how = "with its pairs alone" if pairs else "without them"
        click.echo(f"Warning: the venue's markets could not be loaded, this goes on {how}: {reason}", err=True)


def spelling(
    connection: Connection, symbols: Iterable[str], origins: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Map each given symbol to ccxt's spelling of it, which may differ in case, blanks and slash.

    :param origins: where a symbol is from, for messages
    :raises BadUsage: there is no such spot market, or several that differ only in case
    """
    markets = (connection.exchange.markets or {}).items()
    known = {symbol: str(market.get("id") or "") for symbol, market in markets if market["spot"]}
    found = {}
    for symbol in symbols:
        where = f"{origins[symbol]}: " if origins and symbol in origins else ""
        matching = matches(symbol, known) if known else (_ccxt_symbol(connection, symbol, where),)
        if not matching:
            raise BadUsage(f"{where}the venue has no spot market {symbol}")
        if len(matching) > 1:
            raise BadUsage(f"{where}{symbol} could be {' or '.join(sorted(matching))}: write it as one of them")
        found[symbol] = matching[0]
    return found


def _ccxt_symbol(connection: Connection, symbol: str, where: str) -> str:
    """Spell a symbol without a list of markets: in capitals, except for coins that ccxt names itself.

    :raises BadUsage: it has no slash, so that only a list would show its two coins
    """
    if "/" not in symbol:
        raise BadUsage(f"{where}{symbol}: the venue's lists of pairs are down, write it with a slash, such as BTC/USDT")
    names = {folded(name): name for name in connection.exchange.commonCurrencies.values()}
    codes = (
        names.get(folded(coin)) or connection.exchange.common_currency_code(coin.upper()) for coin in symbol.split("/")
    )
    return "/".join(codes)


def _pairs(connection: Connection) -> list[Any]:
    """Return a minimal market structure, enough for a cancel, for each pair of two public lists."""
    exchange = connection.exchange
    pairs: dict[str, Any] = {}
    for request in (exchange.publicMarginGetV2MarginCurrencies, exchange.publicSpotGetV2SpotPublicSymbols):
        with suppress(Exception):  # the other list may still be good
            response: Any = request()
            listed = {row["symbol"]: row for row in response["data"]}
            # The first list has the margin pairs; pairs that only the other one has are queried only if named.
            pairs = {**{id_: _pair(connection, row, crossed=not pairs) for id_, row in listed.items()}, **pairs}
    return list(pairs.values())


def _pair(connection: Connection, row: Mapping[str, Any], *, crossed: bool) -> Any:
    market = fallback_markets.pair_market(connection.exchange, row["baseCoin"], row["quoteCoin"])
    return {**market, "active": True, "marginModes": {"cross": crossed, "isolated": False}}


def frozen(connection: Connection, balance: Mapping[str, Any] | None = None) -> dict[str, float]:
    """Return the amount of each coin that open orders hold, from a balance; without one, it is queried."""
    if balance is None:
        balance = connection.exchange.fetch_balance(connection.params)
    used: Mapping[str, Any] = balance["used"]
    return {coin: float(amount) for coin, amount in sorted(used.items()) if amount}


def candidates(connection: Connection, coins: Collection[str] | None = None) -> tuple[str, ...]:
    """Return the cross margin symbols, also suspended ones: all, or those that trade one of these coins."""
    return tuple(
        symbol
        for symbol, market in sorted((connection.exchange.markets or {}).items())
        if market["spot"]
        and (market.get("marginModes") or {}).get("cross")
        and (coins is None or market["base"] in coins or market["quote"] in coins)
    )


def other_pairs(connection: Connection, coins: Collection[str]) -> tuple[str, ...]:
    """Return the spot symbols without cross margin that trade one of these coins: they may have had it before."""
    crossed = set(candidates(connection))
    return tuple(
        symbol
        for symbol, market in sorted((connection.exchange.markets or {}).items())
        if market["spot"] and symbol not in crossed and (market["base"] in coins or market["quote"] in coins)
    )


def open_orders(
    connection: Connection,
    symbols: Sequence[str],
    held: Mapping[str, float],
    step: Step,
    *,
    one_by_one: bool = True,
    guess_pairs: bool = False,
) -> Listed:
    """Return the open orders of these symbols, or of the account if none is given.

    The first request is for all symbols at once. If it is refused, or orders in the response do not explain a frozen
    coin, each symbol that trades this coin is queried: first those with cross margin, then the others. The locked coins
    of a unified account are no reason for that: they may be held by spot orders.

    :param held: frozen coins
    :param one_by_one: if False, these symbols are not queried, but returned as `pending_symbols`
    :param guess_pairs: if neither orders nor pairs can be listed, query the pairs that the coins of the wallet suggest
    """
    found: dict[str, Order] = {}
    account_wide = not symbols
    if account_wide:
        coins: Collection[str] = held
        try:
            found = {
                str(order["id"]): order
                for order in connection.exchange.fetch_open_orders(None, params=connection.params)
            }
            coins = () if connection.is_unified else unexplained(connection, found.values(), held)
        except ccxt.ArgumentsRequired:
            if not connection.exchange.markets:
                if not guess_pairs:
                    raise ccxt.ExchangeNotAvailable(
                        "it shows open orders pair by pair, and its lists of pairs are down: name pairs by --symbol"
                    ) from None
                return Listed(_orders_of_guessed_pairs(connection, held))
            if connection.is_unified:
                coins = connection.exchange.currencies or ()
        symbols = candidates(connection, coins)
    if not one_by_one:
        return Listed(tuple(found.values()), tuple(symbols))

    found |= _orders_of(connection, symbols, step)
    if account_wide and not connection.is_unified:
        others = other_pairs(connection, unexplained(connection, found.values(), held))
        found |= _orders_of(connection, others, step)
        left = unexplained(connection, found.values(), held)
        found |= {str(order["id"]): order for order in (_orders_of_guessed_pairs(connection, left) if left else ())}
    return Listed(tuple(found.values()))


def _orders_of(connection: Connection, symbols: Sequence[str], step: Step) -> dict[str, Order]:
    """Return the open orders of these symbols by their ids."""
    found: dict[str, Order] = {}
    for done, symbol in enumerate(symbols, 1):
        found |= {str(order["id"]): order for order in of_symbol(connection, symbol)}
        step(done, len(symbols), symbol)
    return found


def is_still_empty(connection: Connection) -> bool:
    """Whether a second list of all open orders is empty, some time after the first."""
    time.sleep(Pacing().recheck_ms / 1_000)
    return not connection.exchange.fetch_open_orders(None, params=connection.params)


def _orders_of_guessed_pairs(connection: Connection, held: Collection[str]) -> tuple[Order, ...]:
    """Return the open orders of the pairs without a market that coins of the wallet form with the usual quote coins.

    Orders of other pairs keep their coins frozen, so the result cannot be mistaken for a complete one.
    """
    coins: Mapping[str, Any] = connection.exchange.fetch_balance(connection.params)["total"]
    named = ((base, quote) for base in coins for quote in _QUOTES if base != quote)
    pairs = (f"{base}/{quote}" for base, quote in named if base in held or quote in held)
    found: list[Order] = []
    for pair in pairs:
        if pair not in (connection.exchange.markets or {}):
            with suppress(ccxt.BaseError):  # there may be no such pair
                found += of_symbol(connection, pair)
    return tuple(found)


def of_symbol(connection: Connection, symbol: str) -> tuple[Order, ...]:
    """Return the open orders of one symbol."""
    return tuple(connection.exchange.fetch_open_orders(symbol, params=connection.params))


def locate(
    connection: Connection, names: Sequence[NamedOrder], places: Sequence[str], step: Step
) -> dict[NamedOrder, Order]:
    """Look up named orders, open or ended, and return those that are found.

    :param places: symbols to search for orders without a symbol, the likely ones first
    """
    given = tuple(name.symbol for name in names if name.symbol is not None)
    symbols = tuple(dict.fromkeys(given if len(given) == len(names) else (*given, *places)))
    found: dict[NamedOrder, Order] = {}
    for done, symbol in enumerate(symbols, 1):
        left = [name for name in names if name not in found and name.symbol in {None, symbol}]
        if left:
            ids = [name.value for name in left if name.kind is IdKind.ORDER]
            client_ids = [name.value for name in left if name.kind is IdKind.CLIENT]
            exchange = connection.exchange
            rows = exchange.perform(view_orders(exchange, symbol, ids, client_ids, connection.params)).orders
            found |= {name: rows[name.value] for name in left if name.value in rows}
            step(done, len(symbols), symbol)
    return found


def unexplained(connection: Connection, orders: Iterable[Order], held: Mapping[str, float]) -> list[str]:
    """Return the frozen coins that these orders do not account for; empty if the markets are not loaded."""
    if not connection.exchange.markets:
        return []
    left = dict(held)
    for order in orders:
        base, _, quote = order["symbol"].partition("/")
        sells, remaining = order["side"] == "sell", order["remaining"] or 0.0
        coin = base if sells else quote
        if coin in left:
            left[coin] -= remaining if sells else remaining * (order["price"] or 0.0)
    return [coin for coin, amount in left.items() if amount > held[coin] * _FROZEN_TOLERANCE]


def held_coins(connection: Connection, orders: Iterable[Order], held: Mapping[str, float]) -> FrozenCoins:
    """Return the frozen coins of the account, with what these open orders do not account for."""
    explained = locked(connection) if held else None
    if explained is None:
        return FrozenCoins(held, unexplained(connection, orders, held))
    codes = [connection.exchange.safe_currency_code(coin) for coin in explained.unexplained]
    return FrozenCoins(held, codes, explained)


def locked(connection: Connection) -> LockedCoins | None:
    """Return the locked coins of a unified account and what holds them; None of a classic account."""
    exchange = connection.exchange
    return exchange.perform(fetch_locked(exchange, connection.params)) if connection.is_unified else None
