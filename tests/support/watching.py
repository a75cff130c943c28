"""Helpers for `watch_orders` on the emulator, which wait until the subscription is active."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

import bitget_margin
from bitget_margin.core import endpoints
from bitget_margin.emulator import Account, AccountKind, Emulator
from support.client import CROSS, close, config, load_markets

LIMIT_SECONDS = 10
classic, unified = (
    pytest.mark.parametrize("venue_of_each_kind", [kind], indirect=True, ids=lambda kind: kind.value)
    for kind in (AccountKind.CLASSIC, AccountKind.UNIFIED)
)
BTC = "BTC/USDT"


@contextlib.asynccontextmanager
async def streaming(venue: Emulator, account: Account | None = None, **more: Any) -> AsyncIterator[Any]:
    """Yield an exchange of the pro flavour with markets."""
    exchange: Any = bitget_margin.pro.bitget(config(venue, account, **more))
    try:
        await load_markets(exchange)
        if exchange.options["uta"] is not None:
            exchange.learn_account_kind(endpoints.AccountKind((account or venue.accounts[0]).kind.value))
        yield exchange
    finally:
        await close(exchange)


def is_unified(venue: Emulator) -> bool:
    """Whether the first account is a unified one."""
    return venue.accounts[0].kind is AccountKind.UNIFIED


async def watching(venue: Emulator, exchange: Any, symbol: str | None = BTC, **params: Any) -> asyncio.Task[list[Any]]:
    """Start `watch_orders` and return its task once the emulator pushes changes to it."""
    call = exchange.watch_orders(symbol, params=CROSS | params)
    return await subscribing(venue, call, "order" if symbol is None else exchange.market(symbol)["id"])


async def subscribing(venue: Emulator, call: Any, *names: str) -> asyncio.Task[Any]:
    """Start a call that watches, and return its task once the emulator has a subscription with one of these names.

    :param names: channels or symbols; the orders of a unified account have no symbol
    """
    task = asyncio.ensure_future(call)
    await until(lambda: task.done() or not {"order", *names}.isdisjoint(subscribed(venue)))
    return task


async def left(venue: Emulator) -> None:
    """Wait until the emulator has no subscriber."""
    await until(lambda: not subscribed(venue))


def accepts(venue: Emulator) -> bool:
    """Whether the emulator accepts connections: it may do so again a little after the time that it was told."""
    address = urlsplit(venue.url)
    try:
        socket.create_connection((address.hostname or "", address.port or 0), LIMIT_SECONDS).close()
    except ConnectionRefusedError:
        return False
    return True


async def known(exchange: Any, count: int, *statuses: str) -> None:
    """Wait until this number of orders was pushed, with these states among them."""
    await until(
        lambda: (
            len(exchange.crossed_orders) == count
            and {raw_status(order) for order in exchange.crossed_orders} >= set(statuses)
        )
    )


def subscribed(venue: Emulator) -> set[str]:
    """Return the channels that have a subscriber, and the symbols of those that are of one symbol."""
    with venue._venue.opened():
        topics = venue._venue.feed.subscribed()
    return {name for topic in topics for name in (topic.channel.label, topic.symbol) if name}


def raw_status(order: dict[str, Any]) -> str:
    """Return the status of an order as the venue spells it."""
    row = order["info"]
    return str(row.get("status") or row["orderStatus"])


async def until(condition: Callable[[], bool]) -> None:
    """Wait until the condition is true."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while not condition():  # noqa: ASYNC110 - the venue is in another thread
            await asyncio.sleep(0.002)


async def soon(call: Any) -> Any:
    """Return the result of a call, within a time limit."""
    return await asyncio.wait_for(call, LIMIT_SECONDS)
