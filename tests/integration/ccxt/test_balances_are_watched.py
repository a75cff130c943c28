"""Promise: a watched balance is that of the cross margin wallet, on both kinds of account, and of no other wallet."""

import asyncio
from typing import Any

import ccxt
import pytest

from bitget_margin.emulator import Account, AccountKind, Emulator
from support.client import CROSS, rungs
from support.watching import accepts, is_unified, left, soon, streaming, subscribing, unified, until

WALLET = {"USDT": "1000", "BTC": "0.5"}


@pytest.fixture
def venue(venue_of_each_kind: Emulator) -> Emulator:
    """Return an emulator with accounts of each kind in turn."""
    return venue_of_each_kind


async def balance_of(venue: Emulator, exchange: Any, **params: Any) -> Any:
    """Return the first balance, which a subscription pushes."""
    call = exchange.watch_balance(CROSS | params)
    return await soon(await subscribing(venue, call, "account", "account-crossed"))


def amounts(balance: Any, *codes: str) -> list[tuple[Any, ...]]:
    """Return free, used and total of some coins."""
    return [(balance[code]["free"], balance[code]["used"], balance[code]["total"]) for code in codes]


@pytest.mark.parametrize("mode", ["cross", "crossed"])
async def test_the_balance_is_as_fetched_and_follows_each_trade(venue: Emulator, mode: str) -> None:
    async with streaming(venue) as exchange:
        first = await balance_of(venue, exchange, marginMode=mode)
        fetched = await exchange.fetch_balance(CROSS)
        assert amounts(first, "USDT", "BTC") == amounts(fetched, "USDT", "BTC")
        assert first["free"]["USDT"] == 100_000
        call = asyncio.ensure_future(exchange.watch_balance(CROSS))
        (order_id,) = rungs(venue, 1)
        venue.fill(order_id, "0.0004")
        balance = await soon(call)
        while balance["BTC"]["total"] == 2:
            balance = await soon(exchange.watch_balance(CROSS))
        fetched = await exchange.fetch_balance(CROSS)
        assert amounts(balance, "USDT", "BTC") == amounts(fetched, "USDT", "BTC")
        assert balance["USDT"]["used"] == pytest.approx(30)
        assert first["free"]["USDT"] == 100_000  # an earlier structure does not change


@pytest.mark.parametrize("kind", AccountKind)
async def test_a_debt_is_shown_as_fetched(kind: AccountKind) -> None:
    account = Account(kind=kind, balances=WALLET, debts={"BTC": "0.1", "ETH": "2"})
    with Emulator(accounts=(account,)) as venue:
        async with streaming(venue) as exchange:
            balance = await balance_of(venue, exchange)
            fetched = await exchange.fetch_balance(CROSS)
            assert balance["debt"] == fetched["debt"] == {"USDT": 0, "BTC": 0.1, "ETH": 2}
    assert venue.errors == ()


async def test_what_came_between_two_calls_is_returned_at_once(venue: Emulator) -> None:
    venue.knobs(push_frozen=True, push_action="update")
    async with streaming(venue) as exchange:
        await balance_of(venue, exchange)
        rungs(venue, 1)
        await until(lambda: exchange.crossed_balance["USDT"]["used"] == 50)
        assert (await soon(exchange.watch_balance(CROSS)))["USDT"]["free"] == 99_950
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(exchange.watch_balance(CROSS), 0.1)


async def test_the_spot_wallet_is_kept_apart(venue: Emulator) -> None:
    """Stock ccxt has one cache for both, and the debt of one would show in the other."""
    async with streaming(venue) as exchange:
        await balance_of(venue, exchange)
        assert not any(name in exchange.balance for name in ("USDT", "debt"))
        (connection,) = exchange.clients.values()
        spot = {
            "action": "snapshot",
            "arg": {"instType": "SPOT", "channel": "account", "coin": "default"},
            "data": [{"coin": "USDT", "available": "7", "frozen": "0"}],
            "ts": 1,
        }
        exchange.handle_message(connection, spot)
        assert exchange.balance["USDT"]["free"] == 7
        assert "debt" not in exchange.balance
        assert exchange.crossed_balance["USDT"]["free"] == 100_000


@unified
async def test_stock_s_calls_on_the_same_connection_go_on(venue: Emulator) -> None:
    """Both have subscribed to the same channel."""
    async with streaming(venue) as exchange:
        await balance_of(venue, exchange)
        call = asyncio.ensure_future(exchange.watch_balance())
        await asyncio.sleep(0.05)
        (order_id,) = rungs(venue, 1)
        venue.fill(order_id)
        assert (await soon(call))["BTC"]["total"] > 2


async def test_an_earlier_balance_that_comes_late_changes_nothing(venue: Emulator) -> None:
    async with streaming(venue) as exchange:
        balance = await balance_of(venue, exchange)
        (connection,) = exchange.clients.values()
        row = {"coin": "USDT", "available": "1", "frozen": "0", "locked": "0", "balance": "1"}
        exchange.handle_message(
            connection, balance["info"] | {"data": [{"coin": [row]}] if is_unified(venue) else [row], "ts": 1}
        )
        assert exchange.crossed_balance["USDT"]["free"] == 100_000


@pytest.mark.parametrize("value", ["1e999999999", "n/a", {}, True])
async def test_an_amount_that_cannot_be_read_ends_the_connection(venue: Emulator, value: object) -> None:
    async with streaming(venue) as exchange:
        balance = await balance_of(venue, exchange)
        call = asyncio.ensure_future(exchange.watch_balance(CROSS))
        await asyncio.sleep(0.01)
        (connection,) = exchange.clients.values()
        row = {"coin": "USDT", "available": value, "frozen": "0", "locked": "0"}
        data = [{"coin": [row]}] if is_unified(venue) else [row]
        exchange.handle_message(connection, balance["info"] | {"data": data})
        with pytest.raises(ccxt.BadResponse, match="available"):
            await soon(call)
        assert exchange.clients == {}


async def test_a_new_connection_begins_with_no_outdated_coin(venue: Emulator) -> None:
    async with streaming(venue) as exchange:
        balance = await balance_of(venue, exchange)
        (connection,) = exchange.clients.values()
        row = {"coin": "OLD", "available": "1", "frozen": "0", "locked": "0"}
        data = [{"coin": [row]}] if is_unified(venue) else [row]
        exchange.handle_message(connection, balance["info"] | {"data": data})
        assert "OLD" in await soon(exchange.watch_balance(CROSS))
        venue.refuse_connections(1)
        await left(venue)
        await until(lambda: not exchange.clients)
        await until(lambda: accepts(venue))
        with pytest.raises(ccxt.NetworkError, match="has ended since the last call"):
            await soon(exchange.watch_balance(CROSS))
        assert "OLD" not in await balance_of(venue, exchange)


async def test_unknown_parameters_are_refused_before_anything_is_sent(venue: Emulator) -> None:
    async with streaming(venue) as exchange:
        venue.reset_requests()
        with pytest.raises(ccxt.BadRequest, match="unknown parameter 'symbol'"):
            await soon(exchange.watch_balance(CROSS | {"symbol": "BTC/USDT"}))
        assert not exchange.clients
        assert venue.requests == ()
