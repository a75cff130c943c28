"""What an operator's command asks the venue before it changes anything."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import ccxt

from bitget_margin.adapter.errors import documented
from bitget_margin.adapter.viewing import view_orders
from bitget_margin.cli.account import Account
from bitget_margin.cli.exits import BadUsage
from bitget_margin.cli.selection import Name, Order
from bitget_margin.core.target import IdKind

Step: TypeAlias = Callable[[int, int, str], object]
"""Called with how many symbols are done, how many there are, and the last one."""


@dataclass(frozen=True, slots=True)
class Listed:
    """Open orders, and `unlisted` symbols that were not asked for and may have more of them."""

    orders: tuple[Order, ...]
    unlisted: tuple[str, ...] = ()


def load_markets(account: Account, symbols: Iterable[str]) -> None:
    """Load the markets, and refuse symbols that are none of them.

    :raises BadUsage: a symbol that the venue does not have
    :raises ccxt.BaseError: the venue did not answer, or nothing that can be read
    """
    try:
        markets = account.exchange.load_markets()  # type: ignore[no-untyped-call]  # ccxt has no type here
    except Exception as error:
        raise documented("the markets", error) from error
    for symbol in symbols:
        if not (markets.get(symbol) or {}).get("spot"):
            raise BadUsage(f"the venue has no spot market {symbol}")


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
) -> Listed:
    """Return the open orders of these symbols, or of the account where none is named.

    The venue is asked for all symbols at once first. Where it refuses that, or its answer does not show what holds a
    frozen coin, each symbol that could hold it is asked for.

    :param held: frozen coins
    :param one_by_one: False leaves these symbols to the caller, as `unlisted`
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
            pass
        symbols = candidates(account, coins)
    if not one_by_one:
        return Listed(tuple(found.values()), tuple(symbols))
    for done, symbol in enumerate(symbols, 1):
        found |= {str(order["id"]): order for order in of_symbol(account, symbol)}
        step(done, len(symbols), symbol)
    return Listed(tuple(found.values()))


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
    """Return the frozen coins that none of these orders holds."""
    markets = account.exchange.markets or {}
    known = ((markets.get(order["symbol"]) or {}, order["side"]) for order in orders)
    holding = {market.get("base" if side == "sell" else "quote") for market, side in known}
    return [coin for coin in held if coin not in holding]
