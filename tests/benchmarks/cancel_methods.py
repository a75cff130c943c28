"""Methods of canceling a list of orders: those of this library and of stock ccxt."""

import asyncio
import contextlib
import inspect
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import ccxt
import ccxt.async_support

import bitget_margin
from benchmarks.venue_process import CROSS, SYMBOL, VenueProcess

CHUNK: Final = 50
_LONG_TIMEOUT: Final = {"timeout": 600_000}


def _chunks(ids: list[str]) -> list[list[str]]:
    return [ids[i : i + CHUNK] for i in range(0, len(ids), CHUNK)]


def _ours_acknowledged(exchange: Any, ids: list[str]) -> Any:
    return exchange.cancel_orders(ids, SYMBOL, CROSS | _LONG_TIMEOUT)


def _ours_confirmed(exchange: Any, ids: list[str]) -> Any:
    return exchange.batch_cancel(ids, SYMBOL, params=_LONG_TIMEOUT)


def _chunked(exchange: Any, ids: list[str]) -> Any:
    for chunk in _chunks(ids):
        with _refusals():
            exchange.cancel_orders(chunk, SYMBOL, CROSS)


async def _chunked_gathered(exchange: Any, ids: list[str]) -> Any:
    await _all(exchange.cancel_orders(chunk, SYMBOL, CROSS) for chunk in _chunks(ids))


def _one_by_one(exchange: Any, ids: list[str]) -> Any:
    for order_id in ids:
        with _refusals():
            exchange.cancel_order(order_id, SYMBOL, CROSS)


async def _one_by_one_gathered(exchange: Any, ids: list[str]) -> Any:
    await _all(exchange.cancel_order(order_id, SYMBOL, CROSS) for order_id in ids)


async def _all(cancels: Iterable[Awaitable[Any]]) -> None:
    for result in await asyncio.gather(*cancels, return_exceptions=True):
        if isinstance(result, BaseException) and not isinstance(result, ccxt.DDoSProtection):
            raise result


def _refusals() -> contextlib.suppress:
    """Ignore refusals for too many requests: the table counts them."""
    return contextlib.suppress(ccxt.DDoSProtection)


@dataclass(frozen=True, slots=True)
class CancelMethod:
    """A method of canceling, and the longest list that it is measured with."""

    name: str
    make: Callable[[Any], Any]
    cancel: Callable[[Any, list[str]], Any]
    longest: int = 1_000_000
    proves: bool = False

    @property
    def is_ours(self) -> bool:
        """Whether it belongs to this library."""
        return self.name.startswith("bitget-margin")


ASYNC: Final = (
    CancelMethod("bitget-margin async, proven", bitget_margin.async_support.bitget, _ours_confirmed, proves=True),
    CancelMethod("bitget-margin async", bitget_margin.async_support.bitget, _ours_acknowledged),
    CancelMethod("ccxt async, chunks gathered", ccxt.async_support.bitget, _chunked_gathered),
    CancelMethod("ccxt async, one by one", ccxt.async_support.bitget, _one_by_one_gathered, 50),
)
SYNC: Final = (
    CancelMethod("bitget-margin sync, proven", bitget_margin.bitget, _ours_confirmed, proves=True),
    CancelMethod("bitget-margin sync", bitget_margin.bitget, _ours_acknowledged),
    CancelMethod("ccxt sync, chunks in turn", ccxt.bitget, _chunked),
    CancelMethod("ccxt sync, one by one", ccxt.bitget, _one_by_one, 50),
)


class MeasuredClient:
    """An exchange object with markets and a connection, on which a method is measured."""

    def __init__(self, method: CancelMethod, venue: VenueProcess, **options: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._method = method
        self.exchange = self._loop.run_until_complete(self._opened(method, venue, options))

    def cancel(self, ids: list[str]) -> tuple[float, float]:
        """Cancel orders; return the elapsed time and the processor time, in ms."""
        began, busy = time.perf_counter(), time.process_time()
        self._finish(self._method.cancel(self.exchange, ids))
        return (time.perf_counter() - began) * 1_000, (time.process_time() - busy) * 1_000

    def connect(self) -> None:
        """Open a connection, as a running program has one."""
        self._finish(self.exchange.fetch_balance(CROSS))

    def close(self) -> None:
        """Close the connections."""
        if not self.exchange.synchronous:
            self._loop.run_until_complete(self.exchange.close())
        self._loop.close()

    def _finish(self, result: Any) -> Any:
        return self._loop.run_until_complete(_wait(result)) if inspect.isawaitable(result) else result

    @staticmethod
    async def _opened(method: CancelMethod, venue: VenueProcess, options: dict[str, Any]) -> Any:
        exchange = method.make(venue.config(**options))
        loading = exchange.load_markets()
        if inspect.isawaitable(loading):
            await loading
        return exchange


async def _wait(result: Awaitable[Any]) -> Any:
    return await result
