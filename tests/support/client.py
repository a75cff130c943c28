"""Clients of any flavour, called in the same way, and a venue's orders as its owner places and sees them."""

from __future__ import annotations

import asyncio
import inspect
from enum import Enum
from typing import Any

import ccxt

import bitget_margin
from bitget_margin.emulator import Account, AccountKind, Emulator, ccxt_urls

CROSS = {"marginMode": "cross"}
kind = AccountKind.CLASSIC
"""The kind of account that this run is about."""


class Flavour(Enum):
    SYNC = "sync"
    ASYNC = "async"
    PRO = "pro"

    @property
    def cls(self) -> Any:
        """The class of this flavour."""
        flavours = {
            Flavour.SYNC: lambda: bitget_margin.bitget,
            Flavour.ASYNC: lambda: bitget_margin.async_support.bitget,
            Flavour.PRO: lambda: bitget_margin.pro.bitget,
        }
        return flavours[self]()


class Client:
    """One exchange object of any flavour, called in the same way; markets are loaded."""

    def __init__(self, flavour: Flavour, config: dict[str, Any], *, load: bool = True) -> None:
        self._loop = asyncio.new_event_loop()
        self.exchange = self._loop.run_until_complete(self._make(flavour, config, load=load))

    def __call__(self, method: str, *args: Any, **named: Any) -> Any:
        result = getattr(self.exchange, method)(*args, **named)
        return self._loop.run_until_complete(result) if inspect.isawaitable(result) else result

    @staticmethod
    def stock(venue: Emulator) -> Any:
        """Return stock ccxt's sync class on the first account, without any pacing."""
        return ccxt.bitget(config(venue) | {"enableRateLimit": False})

    def close(self) -> None:
        if not self.exchange.synchronous:
            self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _end(self) -> None:
        # As `asyncio.run` does: a task that is left over would complain in the log of a later test.
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await close(self.exchange)

    async def _make(self, flavour: Flavour, config: dict[str, Any], *, load: bool) -> Any:
        exchange = flavour.cls(config)
        if load:
            await load_markets(exchange)
        return exchange


async def close(exchange: Any) -> None:
    """Close an async exchange at once; older ccxt closes its session only when told to clean up."""
    exchange.timeout_on_exit = 0
    await exchange.close(True)


_loaded: list[Any] = []


async def load_markets(exchange: Any) -> None:
    """Give an exchange its markets: from a venue the first time, then as they were; every venue has the same."""
    if not _loaded:
        loading = exchange.load_markets()
        markets = await loading if inspect.isawaitable(loading) else loading
        _loaded.extend(markets.values())
    exchange.set_markets([dict(market) for market in _loaded])


def config(venue: Emulator, account: Account | None = None, **more: Any) -> dict[str, Any]:
    """Return the configuration of a client of this venue."""
    account = account or venue.accounts[0]
    known = {"uta": account.kind is AccountKind.UNIFIED}
    options = {"fetchMarkets": {"types": ["spot"], "uta": False}, **known, **more.pop("options", {})}
    return {
        "apiKey": account.api_key,
        "secret": account.secret,
        "password": account.password,
        "urls": ccxt_urls(venue.url),
        "options": options,
        **more,
    }


def rungs(venue: Emulator, count: int, *, symbol: str = "BTCUSDT", price: int = 50_000, name: str = "") -> list[str]:
    """Place resting buy orders as the venue's owner, one price step apart, and return their ids."""
    uid = venue.accounts[0].uid
    step = price // 1_000
    size = "0.001" if symbol == "BTCUSDT" else "0.1"
    return [
        venue.place(
            uid,
            {"symbol": symbol, "side": "buy", "price": str(price - i * step // 10), "baseSize": size}
            | ({"clientOid": f"{name}{i}"} if name else {}),
        )
        for i in range(count)
    ]


CLASSIC_NAMES = {
    "cancel-batch": "batch-cancel-order",
    "place-batch": "batch-place-order",
    "unfilled-orders": "open-orders",
}
"""What endpoints of a unified account are called on a classic one."""


def paths(venue: Emulator) -> list[str]:
    """Return the last word of the path of each private margin request that was for this kind of account, in order."""
    part = "/margin/crossed/" if venue.accounts[0].kind is AccountKind.CLASSIC else "/api/v3/"
    words = [record.path.rsplit("/", 1)[-1] for record in venue.requests if part in record.path and record.uid]
    return [CLASSIC_NAMES.get(word, word) for word in words]


def batch_max(venue: Emulator) -> int:
    """Return how many orders one request of this account may name."""
    return 50 if venue.accounts[0].kind is AccountKind.CLASSIC else 20


def batches(venue: Emulator, count: int) -> int:
    """Return in how many requests the venue lets this account name so many orders of a symbol."""
    return -(-count // batch_max(venue))
