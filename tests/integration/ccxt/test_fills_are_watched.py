"""Promise: each fill of a cross margin order is returned once, on both kinds of account, and no call waits for ever."""

import asyncio
from typing import Any

import ccxt
import pytest

from bitget_margin import pro
from bitget_margin.emulator import Emulator
from support.client import CROSS, rungs
from support.watching import BTC, classic, is_unified, left, soon, streaming, subscribing, unified

ETH = "ETH/USDT"


@pytest.fixture
def venue(venue_of_each_kind: Emulator) -> Emulator:
    """Return an emulator with accounts of each kind in turn."""
    return venue_of_each_kind


async def fills_of(venue: Emulator, exchange: Any, symbol: str | None = BTC, **params: Any) -> asyncio.Task[list[Any]]:
    """Start `watch_my_trades` and return its task once the emulator pushes to it."""
    call = exchange.watch_my_trades(symbol, params=CROSS | params)
    return await subscribing(venue, call, "fill" if is_unified(venue) else exchange.market(symbol)["id"])


async def collected(exchange: Any, count: int, found: list[Any] | None = None) -> list[Any]:
    """Return this number of fills, in the order in which calls return them."""
    fills = list(found or [])
    while len(fills) < count:
        fills += await soon(exchange.watch_my_trades(BTC, params=CROSS))
    return fills


async def nothing_comes(call: Any) -> bool:
    """Whether a call still waits after a moment."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(call, 0.2)
    return True


@pytest.mark.parametrize("mode", ["cross", "crossed"])
async def test_each_fill_is_returned_once_and_is_as_fetched(venue: Emulator, mode: str) -> None:
    async with streaming(venue) as exchange:
        call = await fills_of(venue, exchange, marginMode=mode)
        (order_id,) = rungs(venue, 1, name="mine")
        venue.fill(order_id, "0.0004")
        fills = await soon(call)
        venue.fill(order_id, "0.0003")
        venue.cancel(order_id)
        fills = await collected(exchange, 2, fills)
        fetched = await exchange.fetch_my_trades(BTC, params=CROSS)
        assert [fill | {"info": None} for fill in fills] == [fill | {"info": None} for fill in fetched]
        assert [(fill["order"], fill["amount"], fill["price"]) for fill in fills] == [
            (order_id, 0.0004, 50_000),
            (order_id, 0.0003, 50_000),
        ]
        assert fills[0]["fee"] == {"currency": "BTC", "cost": pytest.approx(4e-7)}
        assert await nothing_comes(exchange.watch_my_trades(BTC, params=CROSS))
        assert exchange.myTrades is None
        assert not exchange.orders


async def test_fills_before_the_first_call_are_not_new(venue: Emulator) -> None:
    async with streaming(venue) as exchange:
        (order_id,) = rungs(venue, 1)
        venue.fill(order_id, "0.0001")
        await asyncio.sleep(0.01)
        await exchange.fetch_balance(CROSS)  # the venue's clock is known
        call = await fills_of(venue, exchange)
        venue.fill(order_id, "0.0002")
        assert [fill["amount"] for fill in await soon(call)] == [0.0002]
        venue.cancel(order_id)
        assert await nothing_comes(exchange.watch_my_trades(BTC, params=CROSS))


async def test_a_push_that_comes_twice_brings_no_fill_twice(venue: Emulator) -> None:
    venue.knobs(push_twice=True, push_swap_every=3)
    async with streaming(venue) as exchange:
        call = await fills_of(venue, exchange)
        for order_id in rungs(venue, 4):
            venue.fill(order_id, "0.0004")
            venue.fill(order_id)
        fills = await collected(exchange, 8, await soon(call))
        assert len({fill["id"] for fill in fills}) == len(fills) == 8
        assert await nothing_comes(exchange.watch_my_trades(BTC, params=CROSS))


async def test_two_calls_that_wait_get_the_same_fills(venue: Emulator) -> None:
    async with streaming(venue) as exchange:
        calls = [await fills_of(venue, exchange) for _ in range(2)]
        await asyncio.sleep(0.01)
        (order_id,) = rungs(venue, 1)
        venue.fill(order_id, "0.0004")
        first, second = [await soon(call) for call in calls]
        assert [fill["amount"] for fill in first] == [fill["amount"] for fill in second] == [0.0004]


async def test_fills_and_orders_are_watched_side_by_side(venue: Emulator) -> None:
    async with streaming(venue) as exchange:
        fills = await fills_of(venue, exchange)
        orders = await subscribing(venue, exchange.watch_orders(BTC, params=CROSS), "BTCUSDT")
        (order_id,) = rungs(venue, 1)
        venue.fill(order_id)
        assert [fill["order"] for fill in await soon(fills)] == [order_id]
        seen = await soon(orders)
        while seen[-1]["status"] != "closed":
            seen += await soon(exchange.watch_orders(BTC, params=CROSS))
        assert {order["id"] for order in seen} == {order_id}


@unified
async def test_fills_of_all_symbols_of_a_unified_account(venue: Emulator) -> None:
    async with streaming(venue) as exchange:
        call = await fills_of(venue, exchange, None)
        (order_id,) = rungs(venue, 1, symbol="ETHUSDT", price=1000)
        venue.fill(order_id)
        assert [(fill["symbol"], fill["order"]) for fill in await soon(call)] == [(ETH, order_id)]


@unified
async def test_only_margin_fills_of_a_unified_account_are_returned(venue: Emulator) -> None:
    async with streaming(venue) as exchange:
        call = await fills_of(venue, exchange)
        (connection,) = exchange.clients.values()
        row = {"symbol": "BTCUSDT", "orderId": "1", "side": "buy", "execPrice": "1", "execQty": "1"}
        row["execTime"] = "1700000000000"
        rows = [row | {"execId": name, "category": name} for name in ("SPOT", "usdt-futures", "margin")]
        exchange.handle_message(connection, {"arg": {"instType": "UTA", "topic": "fill"}, "data": rows, "ts": 1})
        assert [fill["id"] for fill in await soon(call)] == ["margin"]
        exchange.handle_message(connection, {"arg": {"instType": "UTA", "topic": "fill"}, "data": [row], "ts": 1})
        with pytest.raises(ccxt.BadResponse, match="has no category"):
            await soon(exchange.watch_my_trades(BTC, params=CROSS))


@classic
async def test_fills_that_a_classic_account_lists_late_are_waited_for(venue: Emulator) -> None:
    venue.knobs(fills_lag_ms=400)
    async with streaming(venue) as exchange:
        call = await fills_of(venue, exchange)
        (order_id,) = rungs(venue, 1)
        venue.fill(order_id, "0.0004")
        assert [fill["amount"] for fill in await soon(call)] == [0.0004]


@classic
async def test_fills_that_are_never_listed_raise_and_are_fetched_by_the_next_call(
    venue: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pro, "_FILLS_MS", 200.0)
    venue.knobs(fills_lag_ms=60_000)
    async with streaming(venue) as exchange:
        call = await fills_of(venue, exchange)
        (order_id,) = rungs(venue, 1)
        venue.fill(order_id, "0.0004")
        with pytest.raises(ccxt.NetworkError, match=f"fills of {order_id} are not listed yet"):
            await soon(call)
        venue.knobs(fills_lag_ms=0)
        assert [fill["amount"] for fill in await collected(exchange, 1)] == [0.0004]


async def test_a_lost_connection_raises_and_the_next_call_connects_again(venue: Emulator) -> None:
    async with streaming(venue) as exchange:
        call = await fills_of(venue, exchange)
        venue.knobs(push_drop_every=1)
        (order_id,) = rungs(venue, 1)
        venue.fill(order_id, "0.0001")
        with pytest.raises(ccxt.NetworkError):
            await soon(call)
        venue.knobs(push_drop_every=0)
        await left(venue)
        call = await fills_of(venue, exchange)
        venue.fill(order_id, "0.0002")
        # A classic account's fills are fetched by order: those of the gap come with the next push.
        expected = [0.0002] if is_unified(venue) else [0.0001, 0.0002]
        assert [fill["amount"] for fill in await soon(call)] == expected
