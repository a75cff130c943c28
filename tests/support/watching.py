"""Watching the orders of a local venue, and knowing when the watch has begun."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import bitget_margin
from bitget_margin.emulator import Account, Emulator
from support.client import CROSS, close, config, load_markets

PATIENCE_SECONDS = 10
BTC = "BTC/USDT"


@contextlib.asynccontextmanager
async def streaming(venue: Emulator, account: Account | None = None, **more: Any) -> AsyncIterator[Any]:
    """Make an exchange of the pro flavour, with its markets."""
    exchange: Any = bitget_margin.pro.bitget(config(venue, account, **more))
    try:
        await load_markets(exchange)
        yield exchange
    finally:
        await close(exchange)


async def watching(venue: Emulator, exchange: Any, symbol: str = BTC, **params: Any) -> asyncio.Task[list[Any]]:
    """Begin a call of `watch_orders`, and return it once the venue would tell it of a change."""
    call = asyncio.ensure_future(exchange.watch_orders(symbol, params=CROSS | params))
    market_id = exchange.market(symbol)["id"]
    await until(lambda: call.done() or market_id in _listened_to(venue))
    return call


async def left(venue: Emulator) -> None:
    """Wait until nobody listens to the venue any more."""
    await until(lambda: not _listened_to(venue))


async def known(exchange: Any, count: int, *statuses: str) -> None:
    """Wait until so many orders were pushed, and some of them are in these states."""
    await until(
        lambda: (
            len(exchange.crossed_orders) == count
            and {order["info"]["status"] for order in exchange.crossed_orders} >= set(statuses)
        )
    )


def _listened_to(venue: Emulator) -> set[str]:
    with venue._venue.opened():
        return {symbol for topics in venue._venue.feed._topics.values() for _, symbol in topics}


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - the venue is in another thread
            await asyncio.sleep(0.002)


async def soon(call: Any) -> Any:
    """Return what a call returns, which must not take for ever."""
    return await asyncio.wait_for(call, PATIENCE_SECONDS)
