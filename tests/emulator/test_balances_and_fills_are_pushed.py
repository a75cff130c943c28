"""Promise: the websockets of both account kinds push orders, fills and balances as the pages document them."""

import contextlib
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from bitget_margin.emulator import Account, AccountKind, Emulator

from .client import FakeClock
from .websocket_client import LOGGED_IN, WebSocketClient, connected, login

BUY = {"symbol": "BTCUSDT", "side": "buy", "price": "50000", "baseSize": "0.01", "clientOid": "mine"}
CROSSED = {"instType": "MARGIN", "channel": "account-crossed", "coin": "default"}


def uta(topic: str) -> dict[str, str]:
    """Return the argument of a unified account's subscription."""
    return {"instType": "UTA", "topic": topic}


@contextlib.asynccontextmanager
async def listening(
    venue: Emulator, clock: FakeClock, account: Account, *args: dict[str, str]
) -> AsyncIterator[WebSocketClient]:
    """Connect an account to the websocket of its kind, and subscribe to some channels."""
    async with connected(venue, "v3" if account.kind is AccountKind.UNIFIED else "v2") as connection:
        assert await connection.request(login(account, clock.now_ms)) == LOGGED_IN
        for arg in args:
            assert await connection.request({"op": "subscribe", "args": [arg]}) == {"event": "subscribe", "arg": arg}
        yield connection


async def rows(connection: WebSocketClient, arg: dict[str, str], action: str = "snapshot") -> list[dict[str, Any]]:
    """Return the rows of the next push, which must be of this channel."""
    push = await connection.receive()
    assert (push["arg"], push["action"]) == (arg, action)
    return list(push["data"])


@pytest.fixture
def account(venue: Emulator) -> Account:
    """Return a unified account."""
    return venue.accounts[2]


async def test_an_order_of_a_unified_account(venue: Emulator, clock: FakeClock, account: Account) -> None:
    async with listening(venue, clock, account, uta("order")) as connection:
        order_id, now = venue.place(account.uid, BUY), str(clock.now_ms)
        (placed,) = await rows(connection, uta("order"))
        assert placed == {
            "category": "MARGIN",
            "symbol": "BTCUSDT",
            "orderId": order_id,
            "clientOid": "mine",
            "price": "50000",
            "qty": "0.01",
            "amount": "0",
            "holdMode": "",
            "holdSide": "",
            "tradeSide": "",
            "orderType": "limit",
            "timeInForce": "gtc",
            "side": "buy",
            "marginMode": "crossed",
            "marginCoin": "",
            "reduceOnly": "no",
            "cumExecQty": "0",
            "cumExecValue": "0",
            "avgPrice": "0",
            "totalProfit": "0",
            "orderStatus": "live",
            "cancelReason": "",
            "leverage": "",
            "feeDetail": [{"feeCoin": "", "fee": ""}],
            "createdTime": now,
            "updatedTime": now,
            "stpMode": "none",
        }
        venue.fill(order_id, "0.004")
        venue.cancel(order_id)
        filled, ended = [(await rows(connection, uta("order")))[0] for _ in range(2)]
        assert (filled["orderStatus"], filled["cumExecQty"]) == ("partially_filled", "0.004")
        assert (ended["orderStatus"], ended["cumExecQty"], ended["cancelReason"]) == (
            "cancelled",
            "0.004",
            "normal_cancel",
        )
        assert await connection.silent()


async def test_one_subscription_is_for_all_symbols(venue: Emulator, clock: FakeClock, account: Account) -> None:
    async with listening(venue, clock, account, uta("order")) as connection:
        for symbol in ("BTCUSDT", "ETHUSDT"):
            venue.place(account.uid, BUY | {"symbol": symbol, "price": "1000", "clientOid": symbol})
            assert (await rows(connection, uta("order")))[0]["symbol"] == symbol


async def test_a_fill_of_a_unified_account(venue: Emulator, clock: FakeClock, account: Account) -> None:
    async with listening(venue, clock, account, uta("fill")) as connection:
        order_id = venue.place(account.uid, BUY)
        venue.fill(order_id, "0.004")
        (row,) = await rows(connection, uta("fill"))
        assert row == {
            "symbol": "BTCUSDT",
            "orderType": "limit",
            "updatedTime": str(clock.now_ms),
            "side": "buy",
            "orderId": order_id,
            "execPnl": "0",
            "feeDetail": [{"feeCoin": "BTC", "fee": "0.000004"}],
            "execTime": str(clock.now_ms),
            "tradeScope": "maker",
            "tradeSide": "",
            "execId": row["execId"],
            "execLinkId": row["execId"],
            "execPrice": "50000",
            "holdSide": "",
            "execValue": "200",
            "category": "MARGIN",
            "execQty": "0.004",
            "clientOid": "mine",
        }
        venue.cancel(order_id)
        assert await connection.silent()


async def test_the_balances_of_a_unified_account(clock: FakeClock) -> None:
    """All at first, then those that a trade has changed."""
    account = Account(kind=AccountKind.UNIFIED, balances={"USDT": "1000", "ETH": "1"}, debts={"BTC": "0.001"})
    with Emulator(accounts=(account,), clock=clock) as venue:
        async with listening(venue, clock, account, uta("account")) as connection:
            (first,) = await rows(connection, uta("account"))
            assert [coin["coin"] for coin in first["coin"]] == ["USDT", "ETH", "BTC"]
            assert first["coin"][2] == {
                "debts": "0.001",
                "balance": "0",
                "available": "0",
                "borrow": "0.001",
                "locked": "0",
                "equity": "-0.001",
                "coin": "BTC",
                "usdValue": first["coin"][2]["usdValue"],
            }
            worth = sum(Decimal(coin["usdValue"]) for coin in first["coin"])
            assert Decimal(first["totalEquity"]) == Decimal(first["effEquity"]) == worth
            order_id = venue.place(account.uid, BUY)
            assert await connection.silent()  # a placed order only freezes coins
            venue.fill(order_id, "0.004")
            (row,) = await rows(connection, uta("account"))
            assert [(coin["coin"], coin["balance"], coin["locked"]) for coin in row["coin"]] == [
                ("USDT", "800", "300"),
                ("BTC", "0.003996", "0"),
            ]
    assert venue.errors == ()


async def test_the_balances_of_a_classic_account(venue: Emulator, clock: FakeClock) -> None:
    account = venue.accounts[0]
    async with listening(venue, clock, account, CROSSED) as connection:
        first = await rows(connection, CROSSED)
        assert first[0] == {
            "uTime": str(clock.now_ms),
            "id": account.uid,
            "coin": "USDT",
            "available": "100000",
            "borrow": "0",
            "frozen": "0",
            "interest": "0",
            "coupon": "0",
        }
        order_id = venue.place(account.uid, BUY)
        assert await connection.silent()
        venue.knobs(push_frozen=True)
        venue.cancel(order_id)
        assert [(row["coin"], row["available"]) for row in await rows(connection, CROSSED)] == [("USDT", "100000")]


@pytest.mark.parametrize(
    ("version", "wrong"),
    [
        ("v3", uta("orders")),
        ("v3", {"instType": "MARGIN", "topic": "order"}),
        ("v3", {"instType": "UTA", "channel": "order"}),
        ("v3", CROSSED),
        ("v2", uta("order")),
        ("v2", CROSSED | {"coin": "USDT"}),
        ("v2", {"instType": "MARGIN", "channel": "account-crossed"}),
    ],
)
async def test_unknown_channels_are_refused(
    venue: Emulator, clock: FakeClock, version: str, wrong: dict[str, str]
) -> None:
    async with connected(venue, version) as connection:
        assert await connection.request(login(venue.accounts[0], clock.now_ms)) == LOGGED_IN
        refused = await connection.request({"op": "subscribe", "args": [wrong]})
        assert (refused["event"], refused["code"]) == ("error", 30001)


@pytest.mark.parametrize(("version", "number"), [("v2", 2), ("v3", 0)])
async def test_an_account_of_the_other_kind_gets_no_pushes(
    venue: Emulator, clock: FakeClock, version: str, number: int
) -> None:
    """It can log in and subscribe."""
    account = venue.accounts[number]
    arg = CROSSED if version == "v2" else uta("account")
    async with connected(venue, version) as connection:
        assert await connection.request(login(account, clock.now_ms)) == LOGGED_IN
        assert (await connection.request({"op": "subscribe", "args": [arg]}))["event"] == "subscribe"
        venue.place(account.uid, BUY)
        assert await connection.silent()


async def test_an_account_that_becomes_another_kind_gets_no_more_pushes(
    venue: Emulator, clock: FakeClock, account: Account
) -> None:
    async with listening(venue, clock, account, uta("order")) as connection:
        venue.turn(account.uid, AccountKind.CLASSIC)
        venue.place(account.uid, BUY)
        assert await connection.silent()


async def test_push_action_and_category(venue: Emulator, clock: FakeClock, account: Account) -> None:
    venue.knobs(push_action="update", category_case="lower")
    async with listening(venue, clock, account, uta("order"), uta("fill")) as connection:
        venue.fill(venue.place(account.uid, BUY), "0.001")
        for topic in ("order", "order", "fill"):
            assert (await rows(connection, uta(topic), "update"))[0]["category"] == "margin"


async def test_push_lose_every(venue: Emulator, clock: FakeClock, account: Account) -> None:
    venue.knobs(push_lose_every=2)
    async with listening(venue, clock, account, uta("order")) as connection:
        order_id = venue.place(account.uid, BUY)
        venue.fill(order_id, "0.001")
        venue.cancel(order_id)
        assert [(await rows(connection, uta("order")))[0]["orderStatus"] for _ in range(2)] == ["live", "cancelled"]


async def test_push_swap_every(venue: Emulator, clock: FakeClock, account: Account) -> None:
    """The last one is sent all the same."""
    venue.knobs(push_swap_every=2)
    async with listening(venue, clock, account, uta("order")) as connection:
        order_id = venue.place(account.uid, BUY)
        for _ in range(3):
            venue.fill(order_id, "0.001")
        filled = [(await rows(connection, uta("order")))[0]["cumExecQty"] for _ in range(4)]
        assert filled == ["0", "0.002", "0.001", "0.003"]
