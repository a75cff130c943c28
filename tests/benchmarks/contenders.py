"""The ways to cancel a list of orders: ours, and those that stock ccxt has."""

from __future__ import annotations

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

from .far import CROSS, SYMBOL, FarVenue

CHUNK: Final = 50
_PATIENT: Final = {"timeout": 600_000}


def _chunks(ids: list[str]) -> list[list[str]]:
    return [ids[i : i + CHUNK] for i in range(0, len(ids), CHUNK)]


def _ours_acknowledged(exchange: Any, ids: list[str]) -> Any:
    return exchange.cancel_orders(ids, SYMBOL, CROSS | _PATIENT)


def _ours_confirmed(exchange: Any, ids: list[str]) -> Any:
    return exchange.batch_cancel(ids, SYMBOL, params=_PATIENT)


def _chunked(exchange: Any, ids: list[str]) -> Any:
    for chunk in _chunks(ids):
        with _refusals():
            exchange.cancel_orders(chunk, SYMBOL, CROSS)


async def _chunked_together(exchange: Any, ids: list[str]) -> Any:
    await _all(exchange.cancel_orders(chunk, SYMBOL, CROSS) for chunk in _chunks(ids))


def _singly(exchange: Any, ids: list[str]) -> Any:
    for order_id in ids:
        with _refusals():
            exchange.cancel_order(order_id, SYMBOL, CROSS)


async def _singly_together(exchange: Any, ids: list[str]) -> Any:
    await _all(exchange.cancel_order(order_id, SYMBOL, CROSS) for order_id in ids)


async def _all(cancels: Iterable[Awaitable[Any]]) -> None:
    for result in await asyncio.gather(*cancels, return_exceptions=True):
        if isinstance(result, BaseException) and not isinstance(result, ccxt.DDoSProtection):
            raise result


def _refusals() -> contextlib.suppress:
    """Go on where the venue refuses a request because there were too many: the table counts them."""
    return contextlib.suppress(ccxt.DDoSProtection)


@dataclass(frozen=True, slots=True)
class Contender:
    """A way to cancel, and the longest list that it is measured with."""

    name: str
    make: Callable[[Any], Any]
    cancel: Callable[[Any, list[str]], Any]
    longest: int = 1_000_000
    proves: bool = False

    @property
    def is_ours(self) -> bool:
        """Whether it is this library's."""
        return self.name.startswith("bitget-margin")


ASYNC: Final = (
    Contender("bitget-margin async, proven", bitget_margin.async_support.bitget, _ours_confirmed, proves=True),
    Contender("bitget-margin async", bitget_margin.async_support.bitget, _ours_acknowledged),
    Contender("ccxt async, chunks gathered", ccxt.async_support.bitget, _chunked_together),
    Contender("ccxt async, one by one", ccxt.async_support.bitget, _singly_together, 50),
)
SYNC: Final = (
    Contender("bitget-margin sync, proven", bitget_margin.bitget, _ours_confirmed, proves=True),
    Contender("bitget-margin sync", bitget_margin.bitget, _ours_acknowledged),
    Contender("ccxt sync, chunks in turn", ccxt.bitget, _chunked),
    Contender("ccxt sync, one by one", ccxt.bitget, _singly, 50),
)


class Running:
    """A contender with an exchange object that knows its markets and has a connection."""

    def __init__(self, contender: Contender, venue: FarVenue, **options: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._contender = contender
        self.exchange = self._loop.run_until_complete(self._opened(contender, venue, options))

    def cancel(self, ids: list[str]) -> tuple[float, float]:
        """Cancel, and return the milliseconds that passed, and those of the processor."""
        began, busy = time.perf_counter(), time.process_time()
        self._finish(self._contender.cancel(self.exchange, ids))
        return (time.perf_counter() - began) * 1_000, (time.process_time() - busy) * 1_000

    def warm(self) -> None:
        """Let a connection be there, as it is in a program that runs."""
        self._finish(self.exchange.fetch_balance(CROSS))

    def close(self) -> None:
        """Close the connections."""
        if not self.exchange.synchronous:
            self._loop.run_until_complete(self.exchange.close())
        self._loop.close()

    def _finish(self, result: Any) -> Any:
        return self._loop.run_until_complete(_wait(result)) if inspect.isawaitable(result) else result

    @staticmethod
    async def _opened(contender: Contender, venue: FarVenue, options: dict[str, Any]) -> Any:
        exchange = contender.make(venue.config(**options))
        loading = exchange.load_markets()
        if inspect.isawaitable(loading):
            await loading
        return exchange


async def _wait(result: Awaitable[Any]) -> Any:
    return await result
