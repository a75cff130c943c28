"""Promise: ccxt's own tests of an exchange pass on cross margin, for each method that the account kind has."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any, Final

import ccxt
import pytest

import bitget_margin
from bitget_margin.emulator import Account, AccountKind, Emulator
from support.client import config

suite = pytest.importorskip("ccxt.test.exchange.sync", reason="this ccxt comes without its tests")

SYMBOL: Final = "BTC/USDT"
ARGUMENTS: Final = {"symbol": SYMBOL, "code": "USDT"}
OTHERS: Final = {"test_fetch_my_liquidations": SYMBOL}
"""Arguments of tests whose parameter has the name of another one."""
_CONTRACTS: Final = "about contracts; the local venue lists spot and margin pairs only"
_WALLET: Final = "about deposits and withdrawals, which no margin account has"
_BROKEN: Final = "fails with every exchange"
NOT_APPLICABLE: Final = {
    "test_create_order": f"{_BROKEN}: it adds a number to a text",
    "test_fetch_currencies": "wants more than the five coins of the local venue",
    "test_fetch_deposit_withdrawals": _WALLET,
    "test_fetch_deposits": _WALLET,
    "test_fetch_funding_rate_history": _CONTRACTS,
    "test_fetch_leverage_tiers": _CONTRACTS,
    "test_fetch_margin_modes": _CONTRACTS,
    "test_fetch_market_leverage_tiers": "gives no coin, which ccxt's method requires for cross margin",
    "test_fetch_markets": f"{_BROKEN}: it wants a dictionary where each exchange returns a list",
    "test_fetch_open_interest_history": _CONTRACTS,
    "test_fetch_positions": _CONTRACTS,
    "test_fetch_transfers": "about transfers between wallets, which the local venue does not have",
    "test_fetch_withdrawals": _WALLET,
    "test_load_markets": _CONTRACTS,
    "test_proxies": "changes the exchange object, and calls no method of the venue",
}
"""Tests that say nothing about cross margin, with the reason."""
NOT_UNIFIED: Final = {"test_fetch_my_liquidations": "has no list of liquidations"}
"""Tests of methods that a unified account does not have, with the reason that the exception gives."""
ALL: Final = sorted(module.name for module in pkgutil.iter_modules(suite.__path__))


def has(exchange: Any, name: str) -> bool:
    """Whether the exchange has the tested method, as ccxt itself decides before it runs the test."""
    head, *rest = name.removeprefix("test_").split("_")
    named = head + "".join(f"{part[:1].upper()}{part[1:]}" for part in rest)
    known = {each.lower(): value for each, value in exchange.has.items()}
    return known.get(named.lower(), True) not in (None, False)


@pytest.fixture(scope="module", params=list(AccountKind), ids=lambda kind: kind.value)
def exchange(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Return the sync class on an account of each kind in turn, with some orders and fills behind it."""
    with Emulator(accounts=(Account(kind=request.param),)) as venue:
        made = bitget_margin.bitget(config(venue))
        made.options["defaultMarginMode"] = "cross"
        made.load_markets()
        price = made.fetch_ticker(SYMBOL)["last"]
        made.create_order(SYMBOL, "market", "buy", 0.01, price)
        ended = made.create_order(SYMBOL, "limit", "buy", 0.001, price * 0.5)
        made.cancel_order(ended["id"], SYMBOL)
        made.create_order(SYMBOL, "limit", "sell", 0.001, price * 1.5)
        yield made


@pytest.mark.parametrize("name", ALL)
def test_a_method_does_what_ccxt_expects_of_it(exchange: Any, name: str) -> None:
    test = getattr(importlib.import_module(f"{suite.__name__}.{name}"), name)
    if name in NOT_APPLICABLE:
        pytest.skip(NOT_APPLICABLE[name])
    if not has(exchange, name):
        pytest.skip("the account kind has no such method")
    wanted = list(inspect.signature(test).parameters)[2:]
    arguments = [OTHERS.get(name, ARGUMENTS[each]) for each in wanted]
    if exchange.options["uta"] and name in NOT_UNIFIED:
        with pytest.raises(ccxt.NotSupported, match=NOT_UNIFIED[name]):
            test(exchange, {}, *arguments)
    else:
        test(exchange, {}, *arguments)


def test_what_is_not_applicable_is_there() -> None:
    assert set(NOT_APPLICABLE) <= set(ALL)
