"""Clients of every flavour with one interface, and helpers for the orders of an emulator."""

import asyncio
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any
from unittest import mock

import ccxt
from ccxt import async_support

import bitget_margin
from bitget_margin.core.settings import Pacing
from bitget_margin.emulator import Account, AccountKind, Emulator, ccxt_urls
from bitget_margin.rate_limit import registry

CROSS = {"marginMode": "cross"}
QUICK_PACING = Pacing(recancel_ms=210, refusals_ms=200, recheck_ms=250)
"""Shorter pauses than the venue needs; the real ones have tests of their own."""
kind = AccountKind.CLASSIC
"""Account kind of this test run."""
ccxt_config: dict[str, Any] = {}
"""More of ccxt's configuration in this test run; benchmarks and drills have none."""


class Flavour(Enum):
    SYNC = "sync"
    ASYNC = "async"
    PRO = "pro"

    @property
    def cls(self) -> Any:
        """Class of this flavour."""
        flavours = {
            Flavour.SYNC: lambda: bitget_margin.bitget,
            Flavour.ASYNC: lambda: bitget_margin.async_support.bitget,
            Flavour.PRO: lambda: bitget_margin.pro.bitget,
        }
        return flavours[self]()


class Client:
    """An exchange object of any flavour, called synchronously."""

    def __init__(self, flavour: Flavour, config: dict[str, Any], *, load: bool = True) -> None:
        self._loop = asyncio.new_event_loop()
        self._session: Any = None
        self.exchange = self._loop.run_until_complete(self._make(flavour, config, load=load))

    def __call__(self, method: str, *args: Any, **named: Any) -> Any:
        result = getattr(self.exchange, method)(*args, **named)
        return self._loop.run_until_complete(result) if inspect.isawaitable(result) else result

    @staticmethod
    def stock(venue: Emulator) -> Any:
        """Return stock ccxt's sync class on the first account, without rate limiting."""
        return ccxt.bitget(config(venue) | {"enableRateLimit": False})

    def point_to(self, url: str) -> None:
        """Send all requests to another server."""
        self.exchange.urls = self.exchange.urls | ccxt_urls(url)

    def set_session(self, make: Callable[[], Any]) -> None:
        """Give the exchange a session of the user's, made inside the event loop."""

        async def give() -> None:
            if not self.exchange.synchronous and self.exchange.session is not None:
                await self.exchange.session.close()  # it was opened to load the markets
            self.exchange.own_session = False
            self.exchange.session = self._session = make()

        self._loop.run_until_complete(give())

    def close(self) -> None:
        closing = None if self._session is None else self._session.close()
        if inspect.isawaitable(closing):
            self._loop.run_until_complete(closing)
        if not self.exchange.synchronous:
            self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _end(self) -> None:
        # As in `asyncio.run`: a pending task would log a warning during a later test.
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
    """Close an async exchange at once; older ccxt versions close the session only on clean-up."""
    exchange.timeout_on_exit = 0
    await exchange.close(True)


_loaded: list[Any] = []


async def load_markets(exchange: Any) -> None:
    """Set the markets of an exchange; they are loaded once and reused, as all emulators have the same."""
    if not _loaded:
        loading = exchange.load_markets()
        markets = await loading if inspect.isawaitable(loading) else loading
        _loaded.extend(markets.values())
    exchange.set_markets([dict(market) for market in _loaded])


def config(venue: Emulator, account: Account | None = None, **more: Any) -> dict[str, Any]:
    """Return the configuration of a client of this emulator."""
    account = account or venue.accounts[0]
    known = {"uta": account.kind is AccountKind.UNIFIED, "accountLevel": "advanced"}
    options = {"fetchMarkets": {"types": ["spot"], "uta": False}, **known, **more.pop("options", {})}
    return {
        "apiKey": account.api_key,
        "secret": account.secret,
        "password": account.password,
        "urls": ccxt_urls(venue.url),
        "options": options,
        **ccxt_config,
        **more,
    }


@contextmanager
def without_pauses() -> Iterator[None]:
    """Leave out the pauses that ccxt itself makes before requests: a start would take a second more with them.

    The plugin's own rate windows, and the emulator's, stay.
    """

    async def pass_at_once(*_: object) -> None:
        pass

    blocking, awaited = ccxt.Exchange, async_support.Exchange
    with mock.patch.object(blocking, "throttle"), mock.patch.object(awaited, "throttle", pass_at_once):
        yield


def forget_windows(venue: Emulator) -> None:
    """Remove the rate windows of the accounts of an emulator: the next request leaves as in a process of its own."""
    with registry._lock:  # other threads add windows concurrently
        for key in [key for key in registry._windows if key[0].startswith(f"{venue.url} ")]:
            registry._windows.pop(key, None)


def rungs(venue: Emulator, count: int, *, symbol: str = "BTCUSDT", price: int = 50_000, name: str = "") -> list[str]:
    """Place resting buy orders with descending prices on the first account; return their ids."""
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
"""Classic names of the endpoints of a unified account."""


def paths(venue: Emulator) -> list[str]:
    """Return the last part of the path of each private margin request, by its classic name."""
    part = "/margin/crossed/" if venue.accounts[0].kind is AccountKind.CLASSIC else "/api/v3/"
    words = [record.path.rsplit("/", 1)[-1] for record in venue.requests if part in record.path and record.uid]
    return [CLASSIC_NAMES.get(word, word) for word in words]


def batch_max(venue: Emulator) -> int:
    """Return the maximum number of orders in one request of this account."""
    return 50 if venue.accounts[0].kind is AccountKind.CLASSIC else 20


def batches(venue: Emulator, count: int) -> int:
    """Return the number of requests for so many orders of a symbol."""
    return -(-count // batch_max(venue))
