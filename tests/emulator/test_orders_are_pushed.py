"""Promise: who listens to an account's orders is told of each change, once, in the form that the page documents."""

import time
from decimal import Decimal

from bitget_margin.emulator import Account, Emulator

from .client import Client, FakeClock
from .websocket_client import arg, subscribed

BUY = {"symbol": "BTCUSDT", "side": "buy", "price": "50000", "baseSize": "0.01"}


async def test_a_placed_order_is_pushed(venue: Emulator, client: Client, clock: FakeClock) -> None:
    async with subscribed(venue, clock) as connection:
        order_id = client.placed(price="50000", baseSize="0.01", clientOid="mine")
        now = str(clock.now_ms)
        assert await connection.receive() == {
            "action": "snapshot",
            "arg": arg(),
            "data": [
                {
                    "force": "gtc",
                    "orderType": "limit",
                    "price": "50000.000000000",
                    "quoteSize": "500.000000000",
                    "side": "buy",
                    "feeDetail": [],
                    "enterPointSource": "api",
                    "status": "live",
                    "baseSize": "0.010000000",
                    "cTime": now,
                    "uTime": now,
                    "clientOid": "mine",
                    "fillPrice": "0.000000000",
                    "baseVolume": "0.000000000",
                    "fillTotalAmount": "0.000000000",
                    "loanType": "normal",
                    "orderId": order_id,
                    "stpMode": "none",
                }
            ],
            "ts": clock.now_ms,
        }


async def test_fills_add_up(venue: Emulator, clock: FakeClock) -> None:
    """Volume, amount and fee are sums over the order; the price is that of the last fill."""
    async with subscribed(venue, clock) as connection:
        order_id = venue.place(venue.accounts[0].uid, BUY)
        assert (await connection.receive_row())["status"] == "live"
        placed_ms = clock.now_ms
        for size, total in (("0.004", "0.004"), ("0.001", "0.005"), (None, "0.01")):
            clock.advance(10)
            venue.fill(order_id, size)
            row = await connection.receive_row()
            assert row["status"] == ("filled" if size is None else "partially_filled")
            assert Decimal(row["baseVolume"]) == Decimal(total)
            assert Decimal(row["fillTotalAmount"]) == Decimal(total) * 50_000
            assert Decimal(row["fillPrice"]) == 50_000
            assert (row["cTime"], row["uTime"]) == (str(placed_ms), str(clock.now_ms))
            (fee,) = row["feeDetail"]
            assert (fee["feeCoin"], Decimal(fee["totalFee"])) == ("BTC", -Decimal(total) / 1000)
            assert (fee["deduction"], fee["totalDeductionFee"]) == ("no", "0")
        assert await connection.silent()


async def test_a_market_order_is_pushed_with_its_trade(venue: Emulator, client: Client, clock: FakeClock) -> None:
    async with subscribed(venue, clock) as connection:
        client.placed(orderType="market", price=None, baseSize=None, quoteSize="60")
        assert (await connection.receive_row())["status"] == "live"
        row = await connection.receive_row()
        assert (row["status"], row["orderType"], row["price"]) == ("filled", "market", "0.000000000")
        assert (row["baseSize"], row["quoteSize"]) == ("0.000000000", "60.000000000")
        assert (row["baseVolume"], row["fillTotalAmount"]) == ("0.001000000", "60.000000000")


async def test_a_cancel_is_pushed_with_what_was_filled(venue: Emulator, client: Client, clock: FakeClock) -> None:
    async with subscribed(venue, clock) as connection:
        order_id = client.placed()
        venue.fill(order_id, "0.004")
        client.cancel_batch(order_id)
        assert [(await connection.receive_row())["status"] for _ in range(2)] == ["live", "partially_filled"]
        row = await connection.receive_row()
        assert (row["status"], row["baseVolume"], row["orderId"]) == ("cancelled", "0.004000000", order_id)
        venue.cancel(client.placed())
        client.placed(price="70000", force="post_only")
        assert [(await connection.receive_row())["status"] for _ in range(4)] == ["live", "cancelled"] * 2
        assert await connection.silent()


async def test_only_subscribed_orders_are_pushed(venue: Emulator, clock: FakeClock) -> None:
    (first, second, *_), eth = venue.accounts, BUY | {"symbol": "ETHUSDT", "price": "2000"}
    async with subscribed(venue, clock) as connection, subscribed(venue, clock, "ETHUSDT", account=second) as other:
        venue.place(second.uid, BUY)
        venue.place(first.uid, eth)
        assert await connection.silent()
        assert await other.silent()
        order_id = venue.place(first.uid, BUY)
        assert (await connection.receive_row())["orderId"] == order_id
        assert await other.silent()
        await connection.request({"op": "unsubscribe", "args": [arg()]})
        venue.cancel(order_id)
        assert await connection.silent()


async def test_several_connections_get_the_same_pushes(venue: Emulator, clock: FakeClock) -> None:
    async with subscribed(venue, clock) as connection, subscribed(venue, clock, "ETHUSDT", "BTCUSDT") as other:
        async with subscribed(venue, clock) as gone:
            await gone.socket.close()
        order_id = venue.place(venue.accounts[0].uid, BUY)
        assert [(await each.receive_row())["orderId"] for each in (connection, other)] == [order_id] * 2


async def test_a_subscription_pushes_no_earlier_changes(venue: Emulator, clock: FakeClock) -> None:
    venue.place(venue.accounts[0].uid, BUY)
    async with subscribed(venue, clock) as connection:
        assert await connection.silent()


async def test_scheduled_changes_are_pushed_when_they_are_due() -> None:
    account = Account()
    with Emulator(accounts=(account,)) as venue:
        async with subscribed(venue, lambda: time.time_ns() // 1_000_000) as connection:
            bought = venue.place(account.uid, BUY)
            venue.schedule([(0.1, "BTCUSDT", "49000")])
            assert [(await connection.receive_row())["status"] for _ in range(2)] == ["live", "filled"]
            venue.knobs(ack_delay_ms=100)
            asked_ms = time.time_ns() // 1_000_000
            with Client(venue.url, account, lambda: time.time_ns() // 1_000_000, lambda: None) as client:
                cancelled = client.placed(price="40000")
                client.cancel_batch(cancelled)
            rows = [await connection.receive_row() for _ in range(2)]
            assert [row["status"] for row in rows] == ["live", "cancelled"]
            assert int(rows[1]["uTime"]) >= asked_ms + 100
            assert bought != cancelled
    assert venue.errors == ()


async def test_push_delay(venue: Emulator, clock: FakeClock) -> None:
    """Each push is sent that much later, in the original order."""
    async with subscribed(venue, clock) as connection:
        order_id = venue.place(venue.accounts[0].uid, BUY)
        await connection.receive_row()
        venue.knobs(push_delay_ms=100)
        begun = time.perf_counter()
        venue.fill(order_id, "0.001")
        venue.knobs(push_delay_ms=0)
        venue.cancel(order_id)
        assert (await connection.receive_row())["status"] == "partially_filled"
        assert time.perf_counter() - begun >= 0.1
        assert (await connection.receive_row())["status"] == "cancelled"


async def test_push_twice(venue: Emulator, clock: FakeClock) -> None:
    venue.knobs(push_twice=True)
    async with subscribed(venue, clock) as connection:
        venue.place(venue.accounts[0].uid, BUY)
        assert await connection.receive() == await connection.receive()
        assert await connection.silent()


async def test_push_drop_every(venue: Emulator, clock: FakeClock) -> None:
    """The n-th push of a connection is lost together with it; a new connection counts from 0."""
    venue.knobs(push_drop_every=2)
    for _ in range(2):
        async with subscribed(venue, clock) as connection:
            order_id = venue.place(venue.accounts[0].uid, BUY)
            assert (await connection.receive_row())["orderId"] == order_id
            venue.cancel(order_id)
            assert await connection.ended()


async def test_knobs_of_one_account_concern_its_pushes_alone(venue: Emulator, clock: FakeClock) -> None:
    first, second, *_ = venue.accounts
    venue.knobs(first.uid, push_twice=True, partial_status="partial_fill")
    async with subscribed(venue, clock) as connection, subscribed(venue, clock, account=second) as other:
        for each, account, copies, spelling in (
            (connection, first, 2, "partial_fill"),
            (other, second, 1, "partially_filled"),
        ):
            venue.fill(venue.place(account.uid, BUY), "0.001")
            rows = [await each.receive_row() for _ in range(2 * copies)]
            assert [row["status"] for row in rows] == ["live"] * copies + [spelling] * copies
            assert await each.silent()
