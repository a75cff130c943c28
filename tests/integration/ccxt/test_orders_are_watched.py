"""Promise: watched cross margin orders are as pushed, and no call waits for ever."""

import asyncio
import time
from typing import Any

import ccxt
import pytest

from bitget_margin import pro
from bitget_margin.emulator import AccountKind, Emulator
from support.client import CROSS, rungs
from support.watching import BTC, classic, is_unified, known, left, soon, streaming, unified, until, watching

ETH = "ETH/USDT"


@pytest.fixture
def venue(venue_of_each_kind: Emulator) -> Emulator:
    """Return an emulator with accounts of each kind in turn."""
    return venue_of_each_kind


def pushed(venue: Emulator, data: Any) -> dict[str, Any]:
    """Return a push of orders with this data."""
    classic_arg = {"instType": "MARGIN", "channel": "orders-crossed", "instId": "BTCUSDT"}
    arg = {"instType": "UTA", "topic": "order"} if is_unified(venue) else classic_arg
    return {"action": "snapshot", "arg": arg, "data": data, "ts": 1}


def has_fields(order: dict[str, Any], **expected: object) -> None:
    """Check some fields of an order structure."""
    assert {name: order[name] for name in expected} == expected


def push_again(exchange: Any) -> None:
    """Let the next call return at once, as if the last push had come after the last call."""
    exchange._watching.unseen |= set(exchange._watching.clients)


def place(venue: Emulator, **fields: str) -> str:
    """Place an order as the first account's owner."""
    return venue.place(venue.accounts[0].uid, {"symbol": "BTCUSDT", "side": "buy", **fields})


async def test_each_change_of_an_order_is_told(venue: Emulator) -> None:
    async with streaming(venue) as exchange:
        call = await watching(venue, exchange)
        begun_ms = time.time_ns() // 1_000_000
        order_id = place(venue, price="50000", baseSize="0.01", clientOid="mine")
        (order,) = await soon(call)
        common = {"id": order_id, "symbol": BTC, "side": "buy", "type": "limit", "price": 50_000, "amount": 0.01}
        has_fields(order, **common, clientOrderId="mine", status="open", timeInForce="GTC")
        has_fields(order, filled=0, remaining=0.01, cost=0, average=None, fee=None, fees=[], lastTradeTimestamp=None)
        assert order["timestamp"] >= begun_ms

        call = await watching(venue, exchange)
        venue.fill(order_id, "0.004")
        placed, (order,) = order, await soon(call)
        has_fields(placed, **common, filled=0, remaining=0.01)  # the earlier structure does not change
        has_fields(order, **common, status="open", filled=0.004, remaining=0.006, cost=200, average=50_000)
        has_fields(
            order, fee={"currency": "BTC", "cost": 0.000004}, lastTradeTimestamp=venue.order(order_id).updated_ms
        )

        call = await watching(venue, exchange)
        venue.cancel(order_id)
        (order,) = await soon(call)
        has_fields(order, **common, status="canceled", filled=0.004, remaining=0.006, cost=200, average=50_000)
        has_fields(order, fee={"currency": "BTC", "cost": 0.000004}, lastTradeTimestamp=None)
        assert "cancelled" in (order["info"].get("status"), order["info"].get("orderStatus"))


async def test_it_is_told_since_when_every_change_is_pushed(venue: Emulator) -> None:
    """Once the venue has confirmed it, until the connection ends, and anew with the next one."""
    async with streaming(venue) as exchange:
        assert exchange.orders_pushed_since_ms(BTC) is None
        begun_ms = time.monotonic() * 1_000
        call = await watching(venue, exchange)
        await until(lambda: exchange.orders_pushed_since_ms(BTC) is not None)
        first_ms = exchange.orders_pushed_since_ms(BTC)
        assert begun_ms <= first_ms <= time.monotonic() * 1_000
        assert (exchange.orders_pushed_since_ms() is not None) is is_unified(venue)
        assert (exchange.orders_pushed_since_ms(ETH) is not None) is is_unified(venue)
        venue.knobs(push_drop_every=1)
        place(venue, price="50000", baseSize="0.01")
        with pytest.raises(ccxt.NetworkError):
            await soon(call)
        assert exchange.orders_pushed_since_ms(BTC) is None
        venue.knobs(push_drop_every=0)
        call = await watching(venue, exchange)
        await until(lambda: exchange.orders_pushed_since_ms(BTC) is not None)
        assert exchange.orders_pushed_since_ms(BTC) > first_ms
        place(venue, price="50000", baseSize="0.01")
        await soon(call)


async def test_what_is_watched_is_what_is_fetched(venue: Emulator) -> None:
    async with streaming(venue) as exchange:
        for fields in (
            {"orderType": "market", "quoteSize": "60"},
            {"orderType": "market", "side": "sell", "baseSize": "0.001"},
            {"side": "sell", "price": "50000", "baseSize": "0.001"},
        ):
            call = await watching(venue, exchange)
            order_id = place(venue, **fields)
            (watched,) = await soon(call)
            while watched["status"] == "open":
                (watched,) = await soon(exchange.watch_orders(BTC, params=CROSS))
            fetched = await exchange.fetch_order(order_id, BTC, CROSS)
            same = set(fetched) - {"info", "fee", "fees", "lastTradeTimestamp"}
            assert {name: watched[name] for name in same} == {name: fetched[name] for name in same}
            has_fields(watched, status="closed", average=60_000, amount=0.001, filled=0.001, remaining=0, cost=60)
            paid = {"currency": "BTC", "cost": 0.000001} if watched["side"] == "buy" else {"currency": "USDT"}
            assert watched["fee"] == {"cost": 0.06, **paid}
            assert watched["lastTradeTimestamp"] == watched["lastUpdateTimestamp"]


@pytest.mark.parametrize("mode", ["cross", "crossed", "CROSSED"])
async def test_crossed_means_cross(venue: Emulator, mode: str) -> None:
    async with streaming(venue) as exchange:
        call = await watching(venue, exchange, marginMode=mode)
        (order_id,) = rungs(venue, 1)
        assert [order["id"] for order in await soon(call)] == [order_id]


async def test_a_default_margin_mode_counts(venue: Emulator) -> None:
    async with streaming(venue, options={"defaultMarginMode": "cross"}) as exchange:
        first = await watching(venue, exchange)
        second = asyncio.ensure_future(exchange.watch_orders(BTC))
        await asyncio.sleep(0)
        (order_id,) = rungs(venue, 1)
        for call in (first, second):
            assert [order["id"] for order in await soon(call)] == [order_id]


async def test_symbols_are_watched_side_by_side(venue: Emulator) -> None:
    """With `type`, stock ccxt does not subscribe to the second symbol."""
    async with streaming(venue) as exchange:
        calls = [await watching(venue, exchange, symbol, type="margin") for symbol in (BTC, ETH)]
        ids = [rungs(venue, 1, symbol=symbol)[0] for symbol in ("BTCUSDT", "ETHUSDT")]
        for call, order_id, symbol in zip(calls, ids, (BTC, ETH), strict=True):
            assert [(order["id"], order["symbol"]) for order in await soon(call)] == [(order_id, symbol)]


async def test_what_came_between_two_calls_is_returned_at_once(venue: Emulator) -> None:
    async with streaming(venue) as exchange:
        call = await watching(venue, exchange)
        first, second, third = rungs(venue, 3)
        seen = {order["id"] for order in await soon(call)}
        while seen < {first, second, third}:
            seen |= {order["id"] for order in await soon(exchange.watch_orders(BTC, params=CROSS))}
        venue.fill(first, "0.0004")
        venue.fill(first)
        venue.cancel(second)
        await known(exchange, 3, "filled", "cancelled")
        orders = await soon(exchange.watch_orders(BTC, params=CROSS))
        assert [(order["id"], order["status"]) for order in orders] == [(first, "closed"), (second, "canceled")]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(exchange.watch_orders(BTC, params=CROSS), 0.1)


async def test_a_limit_and_a_time_narrow_the_answer(venue: Emulator) -> None:
    async with streaming(venue) as exchange:
        call = await watching(venue, exchange)
        ids = rungs(venue, 3)
        await soon(call)
        await known(exchange, 3)
        push_again(exchange)
        assert [order["id"] for order in await exchange.watch_orders(BTC, None, 1, CROSS)] == ids[-1:]
        later = venue.order(ids[-1]).created_ms + 1
        push_again(exchange)
        assert await exchange.watch_orders(BTC, later, None, CROSS) == []


async def test_a_push_that_comes_twice_counts_once(venue: Emulator) -> None:
    venue.knobs(push_twice=True)
    async with streaming(venue) as exchange:
        call = await watching(venue, exchange)
        (order_id,) = rungs(venue, 1)
        venue.fill(order_id, "0.0004")
        (order,) = await soon(call)
        while order["filled"] == 0 or any(topic.endswith(BTC) for topic in exchange._watching.unseen):
            (order,) = await soon(exchange.watch_orders(BTC, params=CROSS))
        has_fields(order, id=order_id, filled=0.0004, remaining=0.0006, status="open")
        assert len(exchange.crossed_orders) == 1


async def test_a_lost_connection_is_told_and_the_next_call_connects_again(venue: Emulator) -> None:
    async with streaming(venue) as exchange:
        call = await watching(venue, exchange)
        venue.knobs(push_drop_every=1)
        lost, after = rungs(venue, 2)
        with pytest.raises(ccxt.NetworkError):
            await soon(call)
        venue.knobs(push_drop_every=0)
        await left(venue)
        call = await watching(venue, exchange)
        venue.cancel(after)
        assert [(order["id"], order["status"]) for order in await soon(call)] == [(after, "canceled")]
        assert [order["id"] for order in await exchange.fetch_open_orders(BTC, None, None, CROSS)] == [lost]


async def test_a_connection_without_pings_is_closed_and_the_call_raises(venue: Emulator) -> None:
    venue.knobs(ping_patience_ms=200)
    async with streaming(venue) as exchange:
        with pytest.raises(ccxt.NetworkError):
            await soon(exchange.watch_orders(BTC, params=CROSS))


async def test_pings_are_answered(venue: Emulator) -> None:
    received: list[object] = []
    async with streaming(venue, options={"ws": {"keepAlive": 200}}) as exchange:
        exchange.handle_pong = lambda connection, message: received.append(message)
        call = await watching(venue, exchange)
        await until(lambda: len(received) > 1)
        assert set(received) == {"pong"}
        (order_id,) = rungs(venue, 1)
        assert [order["id"] for order in await soon(call)] == [order_id]


async def test_a_connection_that_ends_between_two_calls_is_told_by_the_next(venue: Emulator) -> None:
    """What was pushed before is returned first; without the exception, nobody would fetch what has changed since."""
    async with streaming(venue) as exchange:
        call = await watching(venue, exchange)
        first, second = rungs(venue, 2)
        await soon(call)
        await known(exchange, 2)
        venue.knobs(push_drop_every=1)
        venue.cancel(first)
        await until(lambda: not exchange.clients)
        venue.knobs(push_drop_every=0)
        assert [order["id"] for order in await soon(exchange.watch_orders(BTC, params=CROSS))] == [second]
        with pytest.raises(ccxt.NetworkError, match="has ended since the last call"):
            await soon(exchange.watch_orders(BTC, params=CROSS))
        call = await watching(venue, exchange)
        venue.cancel(second)
        assert [(order["id"], order["status"]) for order in await soon(call)] == [(second, "canceled")]


async def test_an_earlier_state_that_comes_late_is_not_returned(venue: Emulator) -> None:
    venue.knobs(push_swap_every=2)
    async with streaming(venue) as exchange:
        call = await watching(venue, exchange)
        (order_id,) = rungs(venue, 1)
        await soon(call)
        venue.fill(order_id, "0.0004")
        venue.cancel(order_id)
        (order,) = await soon(exchange.watch_orders(BTC, params=CROSS))
        has_fields(order, id=order_id, status="canceled", filled=0.0004)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(exchange.watch_orders(BTC, params=CROSS), 0.2)


@pytest.mark.parametrize("text", ['{"arg": ', "[1]", '{"arg": {"channel": 1}, "data": '])
async def test_a_text_that_is_no_message_ends_the_connection(venue: Emulator, text: str) -> None:
    """Ccxt would read no further message, and its calls would wait for ever."""
    async with streaming(venue) as exchange:
        call = await watching(venue, exchange)
        (connection,) = exchange.clients.values()
        connection.handle_text_or_binary_message(text)
        with pytest.raises(ccxt.BadResponse):
            await soon(call)
        assert exchange.clients == {}


@pytest.mark.parametrize("configured", [True, False, None])
async def test_the_account_kind_is_the_one_that_the_venue_names(venue: Emulator, configured: bool | None) -> None:
    """An account of the other kind would be listened to in vain."""
    async with streaming(venue, options={"uta": None}) as exchange:
        exchange.options["uta"] = configured
        venue.reset_requests()
        call = await watching(venue, exchange)
        (order_id,) = rungs(venue, 1)
        assert [order["id"] for order in await soon(call)] == [order_id]
        assert exchange.options["uta"] is is_unified(venue)
        assert {record.path for record in venue.requests} == {"/api/v3/account/settings"}


@classic
async def test_an_account_that_becomes_a_unified_one_is_listened_to_as_such(venue: Emulator) -> None:
    async with streaming(venue) as exchange:
        call = await watching(venue, exchange)
        venue.turn(venue.accounts[0].uid, AccountKind.UNIFIED)
        await exchange.fetch_open_orders(BTC, None, None, CROSS)
        with pytest.raises(ccxt.NetworkError, match="this is a unified account"):
            await soon(call)
        call = await watching(venue, exchange)
        (order_id,) = rungs(venue, 1)
        assert [order["id"] for order in await soon(call)] == [order_id]


@pytest.mark.parametrize(
    ("broken", "value", "error"),
    [
        ("secret", "wrong", ccxt.AuthenticationError),
        ("password", "wrong", ccxt.AuthenticationError),
        ("apiKey", "wrong", ccxt.AuthenticationError),
        ("seconds", lambda: 1000, ccxt.BadRequest),
    ],
)
async def test_a_refused_login_leaves_nobody_waiting(venue: Emulator, broken: str, value: Any, error: type) -> None:
    """Stock ccxt would wait for ever after some of these."""
    async with streaming(venue) as exchange:
        right = getattr(exchange, broken)
        setattr(exchange, broken, value)
        with pytest.raises(error):
            await soon(exchange.watch_orders(BTC, params=CROSS))
        setattr(exchange, broken, right)
        call = await watching(venue, exchange)
        (order_id,) = rungs(venue, 1)
        assert [order["id"] for order in await soon(call)] == [order_id]


async def test_a_login_without_an_answer_leaves_nobody_waiting(
    venue: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pro, "_LOGIN_SECONDS", 0.2)
    async with streaming(venue) as exchange:
        handle = exchange.handle_authenticate
        exchange.handle_authenticate = lambda *_: None
        with pytest.raises(ccxt.RequestTimeout, match="login at the websocket was not answered"):
            await soon(exchange.watch_orders(BTC, params=CROSS))
        exchange.handle_authenticate = handle
        call = await watching(venue, exchange)
        await asyncio.sleep(0.25)
        (order_id,) = rungs(venue, 1)
        assert [order["id"] for order in await soon(call)] == [order_id]


async def test_a_refused_subscription_leaves_nobody_waiting(venue: Emulator) -> None:
    async with streaming(venue) as exchange:
        call = await watching(venue, exchange)
        with pytest.raises(ccxt.BadRequest, match="30001"):
            await soon(exchange.watch_private(is_unified(venue), "x", "x", {"instType": "x", "topic": "x"}))
        with pytest.raises(ccxt.BadRequest, match="30001"):
            await soon(call)
        await left(venue)
        call = await watching(venue, exchange)
        (order_id,) = rungs(venue, 1)
        assert [order["id"] for order in await soon(call)] == [order_id]


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        [None],
        [["orderId", "1"]],
        [{}],
        [{"orderId": "1", "baseSize": "0.01", "loanType": "normal", "side": "buy", "baseVolume": "1e999999999"}],
    ],
)
async def test_a_push_that_cannot_be_read_ends_the_connection(venue: Emulator, data: Any) -> None:
    async with streaming(venue) as exchange:
        call = await watching(venue, exchange)
        (connection,) = exchange.clients.values()
        exchange.handle_message(connection, pushed(venue, data))
        with pytest.raises(ccxt.BadResponse):
            await soon(call)
        assert exchange.clients == {}


async def test_spot_orders_are_kept_apart(venue: Emulator) -> None:
    async with streaming(venue) as exchange:
        call = await watching(venue, exchange)
        (connection,) = exchange.clients.values()
        arg = {"instType": "SPOT", "channel": "orders", "instId": "BTCUSDT"}
        row = {"instId": "BTCUSDT", "orderId": "1", "newSize": "1", "orderType": "limit", "side": "buy"}
        exchange.handle_message(connection, {"action": "snapshot", "arg": arg, "data": [row], "ts": 1})
        assert [order["id"] for order in exchange.orders] == ["1"]
        (order_id,) = rungs(venue, 1)
        assert [order["id"] for order in await soon(call)] == [order_id]
        assert [order["id"] for order in exchange.orders] == ["1"]


@pytest.mark.parametrize(
    ("symbol", "params", "error", "text"),
    [
        ("", {}, ccxt.ArgumentsRequired, "requires a symbol"),
        (7, {}, ccxt.BadRequest, "symbol is 7"),
        ("NO/SUCH", {}, ccxt.BadSymbol, "NO/SUCH"),
        ("BTC/USDT:USDT", {}, ccxt.BadSymbol, "cross margin orders are on spot symbols"),
        (BTC, {"trigger": True}, ccxt.NotSupported, "no trigger orders"),
        (BTC, {"limitt": 1}, ccxt.BadRequest, "unknown parameter 'limitt'"),
        (BTC, {"marginMode": "both"}, ccxt.BadRequest, "marginMode is 'both'"),
    ],
)
async def test_bad_input_is_refused_before_anything_is_sent(
    venue: Emulator, symbol: Any, params: dict[str, Any], error: type, text: str
) -> None:
    """Stock ccxt subscribes to the symbol 'default' and then waits for ever."""
    async with streaming(venue) as exchange:
        venue.reset_requests()
        with pytest.raises(error) as caught:
            await soon(exchange.watch_orders(symbol, params=CROSS | params))
        assert text in str(caught.value)
        assert not exchange.clients
        assert venue.requests == ()


@classic
async def test_a_classic_account_requires_a_symbol(venue: Emulator) -> None:
    """Stock ccxt subscribes to the symbol 'default' and then waits for ever."""
    async with streaming(venue) as exchange:
        venue.reset_requests()
        for method in (exchange.watch_orders, exchange.watch_my_trades):
            with pytest.raises(ccxt.ArgumentsRequired, match="requires a symbol such as 'BTC/USDT'"):
                await soon(method(params=CROSS))
        assert not exchange.clients
        assert venue.requests == ()


@unified
async def test_all_symbols_of_a_unified_account_are_watched_at_once(venue: Emulator) -> None:
    async with streaming(venue) as exchange:
        call = await watching(venue, exchange, None)
        of_eth = await watching(venue, exchange, ETH)
        ids = {symbol: rungs(venue, 1, symbol=symbol.replace("/", ""))[0] for symbol in (BTC, ETH)}
        seen = {(order["symbol"], order["id"]) for order in await soon(call)}
        while len(seen) < 2:
            seen |= {(order["symbol"], order["id"]) for order in await soon(exchange.watch_orders(params=CROSS))}
        assert seen == set(ids.items())
        assert [order["id"] for order in await soon(of_eth)] == [ids[ETH]]


@unified
@pytest.mark.parametrize("category", ["MARGIN", "margin", "Margin"])
async def test_only_margin_orders_of_a_unified_account_are_returned(venue: Emulator, category: str) -> None:
    """A push can have rows of every business line."""
    async with streaming(venue) as exchange:
        call = await watching(venue, exchange)
        (connection,) = exchange.clients.values()
        row = {"symbol": "BTCUSDT", "qty": "1", "orderType": "limit", "side": "buy", "orderStatus": "live"}
        categories = ["SPOT", "usdt-futures", category]
        rows = [row | {"orderId": str(i), "category": categories[i]} for i in range(3)]
        exchange.handle_message(connection, pushed(venue, rows))
        assert [order["id"] for order in await soon(call)] == ["2"]
        assert exchange.orders is None


@unified
async def test_isolated_margin_of_a_unified_account_is_refused(venue: Emulator) -> None:
    """There is none; stock ccxt waits for ever."""
    async with streaming(venue) as exchange:
        calls = (exchange.watch_orders, exchange.watch_my_trades, lambda _, params: exchange.watch_balance(params))
        for call in calls:
            with pytest.raises(ccxt.NotSupported, match="a unified account has no isolated spot margin"):
                await soon(call(BTC, params={"marginMode": "isolated"}))
        assert not exchange.clients


async def test_sandbox_mode_and_missing_keys_are_refused(venue: Emulator) -> None:
    async with streaming(venue) as exchange:
        exchange.options["sandboxMode"] = True
        with pytest.raises(ccxt.NotSupported, match="demo trading has no margin"):
            await exchange.watch_orders(BTC, params=CROSS)
        exchange.options["sandboxMode"] = False
        exchange.secret = ""
        with pytest.raises(ccxt.AuthenticationError, match="secret"):
            await exchange.watch_orders(BTC, params=CROSS)
        assert not exchange.clients


@classic
async def test_without_a_margin_mode_it_is_stock_s(venue: Emulator) -> None:
    async with streaming(venue, options={"defaultMarginMode": None}) as exchange:
        with pytest.raises(ccxt.BadRequest, match="instType:SPOT,channel:orders,instId:BTCUSDT"):
            await soon(exchange.watch_orders(BTC))


async def test_a_classic_account_is_asked_for_its_kind_once(venue: Emulator) -> None:
    async with streaming(venue, options={"uta": None}) as exchange:
        venue.reset_requests()
        for number in range(2):
            call = await watching(venue, exchange)
            (order_id,) = rungs(venue, 1, price=50_000 - number * 1000)
            assert [order["id"] for order in await soon(call)] == [order_id]
        assert [record.path for record in venue.requests] == ["/api/v3/account/settings"]
