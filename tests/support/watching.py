"""Helpers for `watch_orders` on the emulator, which wait until the subscription is active."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import bitget_margin
from bitget_margin.emulator import Account, Emulator
from support.client import CROSS, close, config, load_markets

LIMIT_SECONDS = 10
BTC = "BTC/USDT"


@contextlib.asynccontextmanager
async def streaming(venue: Emulator, account: Account | None = None, **more: Any) -> AsyncIterator[Any]:
    """Yield an exchange of the pro flavour with markets."""
    exchange: Any = bitget_margin.pro.bitget(config(venue, account, **more))
    try:
        await load_markets(exchange)
        yield exchange
    finally:
        await close(exchange)


async def watching(venue: Emulator, exchange: Any, symbol: str = BTC, **params: Any) -> asyncio.Task[list[Any]]:
    """Start `watch_orders` and return its task once the emulator pushes changes to it."""
    call = asyncio.ensure_future(exchange.watch_orders(symbol, params=CROSS | params))
    market_id = exchange.market(symbol)["id"]
    await until(lambda: call.done() or market_id in _subscribed(venue))
    return call


async def left(venue: Emulator) -> None:
    """Wait until the emulator has no subscriber."""
    await until(lambda: not _subscribed(venue))


async def known(exchange: Any, count: int, *statuses: str) -> None:
    """Wait until this number of orders was pushed, with these states among them."""
    await until(
        lambda: (
            len(exchange.crossed_orders) == count
            and {order["info"]["status"] for order in exchange.crossed_orders} >= set(statuses)
        )
    )


def _subscribed(venue: Emulator) -> set[str]:
    with venue._venue.opened():
        return {symbol for topics in venue._venue.feed._topics.values() for _, symbol in topics}


async def until(condition: Callable[[], bool]) -> None:
    """Wait until the condition is true."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while not condition():  # noqa: ASYNC110 - the venue is in another thread
            await asyncio.sleep(0.002)


async def soon(call: Any) -> Any:
    """Return the result of a call, within a time limit."""
    return await asyncio.wait_for(call, LIMIT_SECONDS)
