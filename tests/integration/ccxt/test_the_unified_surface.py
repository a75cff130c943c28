"""Promise: each method of ccxt serves cross margin at the right endpoint, or refuses it with a true reason.

One row per method: `Row(method, arguments, classic account, unified account)`. Each is called in every way of giving
the margin mode. `served` names the endpoints that a call may reach, and what its result is; `refused` the reason.
"""

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import ccxt
import pytest

import bitget_margin
from bitget_margin.emulator import Account, AccountKind, Emulator
from support.client import QUICK_PACING, config, load_markets

BTC, ETH = "BTC/USDT", "ETH/USDT"
CLASSIC, UNIFIED = AccountKind.CLASSIC, AccountKind.UNIFIED
RECENT_MS = int(time.time() * 1_000) - 3_600_000
WAYS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "cross": ({"marginMode": "cross"}, {}),
    "crossed": ({"marginMode": "crossed"}, {}),
    "default of the call": ({"defaultMarginMode": "cross"}, {}),
    "option": ({}, {"defaultMarginMode": "cross"}),
    "option crossed": ({}, {"defaultMarginMode": "crossed"}),
}
"""Ways to give the margin mode: parameters of the call, and options."""
ASIDE = re.compile(r"v3/account/settings|v2/spot/account/info|v2/public/time")
"""Requests about the account itself, which may precede any call."""
FEE_RATES = ("v2/common/trade-rate", "v3/account/fee-rate")
ORDER = {"id", "symbol", "status", "side", "amount", "filled", "remaining", "cost", "average", "fee", "info"}
TRADE = {"id", "order", "symbol", "side", "price", "amount", "cost", "fee", "timestamp", "info"}
ENTRY = {"id", "direction", "account", "type", "currency", "amount", "before", "after", "fee", "info"}


# -- what a row says --------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class World:
    """An account with a filled, a canceled and an open order of BTC, and an open one of ETH."""

    venue: Emulator
    account: Account
    exchange: Any
    filled: str = ""
    """Id of the filled order."""

    def place(self, symbol: str = "BTCUSDT", price: str = "50000", **more: str) -> str:
        """Place a resting order and return its id."""
        size = "0.001" if symbol == "BTCUSDT" else "0.1"
        order = {"symbol": symbol, "side": "buy", "price": price, "baseSize": size, **more}
        return self.venue.place(self.account.uid, order)

    def with_debt(self, code: str) -> tuple[str]:
        """Borrow coins by hand where an account can, and return their code."""
        if self.account.kind is CLASSIC:
            self.exchange.borrow_cross_margin(code, 10)
        return (code,)

    def owing(self) -> tuple[str, float]:
        """Let the account owe coins; return their code, and an amount that covers the debt."""
        if self.account.kind is CLASSIC:
            return (*self.with_debt("USDT"), 11)
        free = self.venue.balances(self.account.uid)["BTC"].available
        self.place(price="70000", side="sell", baseSize=str(free + Decimal("0.01")))
        return "BTC", 1

    def with_orders_of_btc_alone(self) -> tuple[str]:
        """Cancel the orders of other symbols, place one of BTC, and return its symbol."""
        for order in self.venue.orders(self.account.uid, live_only=True):
            if order.symbol != "BTCUSDT":
                self.venue.cancel(order.order_id)
        self.place()
        return (BTC,)

    @property
    def paths(self) -> list[str]:
        """Paths of the requests so far below `/api/`: those of the account, and public ones."""
        mine = (record for record in self.venue.requests if record.uid in {"", self.account.uid})
        return [record.path.removeprefix("/api/") for record in mine]


@dataclass(frozen=True)
class Served:
    """The endpoints that a call reaches, all others being wrong, and a check of its result."""

    endpoints: frozenset[str]
    check: Callable[[Any], object]

    def judge(self, call: Callable[[], Any], paths: Callable[[], list[str]]) -> None:
        result = call()
        sent = set(paths())
        assert sent & self.endpoints, "nothing was sent"
        assert {path for path in sent if not ASIDE.fullmatch(path)} <= self.endpoints
        assert self.check(result), result


@dataclass(frozen=True)
class Refused:
    """The reason of a refusal, before anything is sent."""

    reason: str

    def judge(self, call: Callable[[], Any], paths: Callable[[], list[str]]) -> None:
        with pytest.raises(ccxt.NotSupported, match=self.reason):
            call()
        assert [path for path in paths() if not ASIDE.fullmatch(path)] == []


@dataclass(frozen=True)
class Reaches:
    """The endpoint that a call reaches; the local venue does not serve it."""

    endpoint: str

    def judge(self, call: Callable[[], Any], paths: Callable[[], list[str]]) -> None:
        with pytest.raises(ccxt.BadRequest, match="40404"):
            call()
        assert {path for path in paths() if not ASIDE.fullmatch(path)} == {self.endpoint}


@dataclass(frozen=True)
class NeedsSymbol:
    """The endpoint whose refusal of a request without a symbol is raised in ccxt's words."""

    endpoint: str

    def judge(self, call: Callable[[], Any], paths: Callable[[], list[str]]) -> None:
        with pytest.raises(ccxt.ArgumentsRequired, match="requires a symbol"):
            call()
        assert {path for path in paths() if not ASIDE.fullmatch(path)} == {full(self.endpoint)}


Expected = Served | Refused | Reaches | NeedsSymbol


@dataclass(frozen=True)
class Row:
    """A method, its arguments before `params`, and what becomes of it for each kind of account."""

    method: str
    args: Callable[[World], tuple[Any, ...]]
    classic: Expected
    unified: Expected
    note: str = ""
    params: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        return f"{self.method} {self.note}".strip()


def full(endpoint: str) -> str:
    """Return the path of an endpoint, of which a row may give a short form."""
    return re.sub(r"^t/", "v3/trade/", endpoint.replace("|", "v2/margin/crossed/"))


def served(endpoints: str, check: Callable[[Any], object]) -> Served:
    """Return the expectation of these endpoints, `|` standing for `v2/margin/crossed/`, `t/` for `v3/trade/`."""
    return Served(frozenset(map(full, endpoints.split())), check)


def refused(reason: str) -> Refused:
    return Refused(reason)


def reaches(endpoint: str) -> Reaches:
    return Reaches(endpoint)


def given(*args: Any) -> Callable[[World], tuple[Any, ...]]:
    return lambda _: args


# -- checks of results ------------------------------------------------------------------------------------------------


def a_list(keys: set[str], count: int | None = None) -> Callable[[Any], object]:
    """Return the check of a list of structures."""
    return lambda found: bool(found) and count in (None, len(found)) and all(keys <= set(each) for each in found)


def statuses(*expected: str | None) -> Callable[[Any], object]:
    """Return the check of orders by their statuses."""
    return lambda found: (
        [order["status"] for order in found] == list(expected) and all(set(each) >= ORDER for each in found)
    )


def an_order(status: str | None) -> Callable[[Any], object]:
    return lambda found: set(found) >= ORDER and found["id"] and found["status"] == status


def is_balance(found: Any) -> object:
    return found["USDT"]["free"] > 0 and found["USDT"]["used"] > 0 and "debt" in found["USDT"]


def anything(found: Any) -> object:
    return found is not None


LIMIT = (BTC, "limit", "buy", 0.001, 50_000)
BUY = (BTC, "market", "buy", 0.001, 100_000)
REQUESTS = [{"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.001, "price": 50_000}]
RATES = ("|interest-rate-and-limit", "v3/market/margin-loans")
LEVELS = ("|account/risk-rate", "v3/account/assets")
LEVERAGE = ("|interest-rate-and-limit", "v3/account/settings")
CONDITIONAL = r"no conditional (cross margin )?orders"
UNLESS_ENABLED = r"options\['strategyOrders'\] = True enables strategy orders of a unified account"
NO_LIST = "a unified account has no list of liquidations"
HISTORY = ("|history-orders", "t/history-orders")
FILLS = ("|fills", "t/fills")
RECORDS = ("|financial-records", "v3/account/financial-records")
OPEN = ("|open-orders", "t/unfilled-orders")
CANCELS = ("|batch-cancel-order |cancel-order", "t/cancel-batch t/cancel-order")
LOOKUPS = ("|open-orders |history-orders", "t/order-info")


def both(
    method: str,
    args: Callable[[World], tuple[Any, ...]],
    endpoints: tuple[str, str],
    check: Callable[[Any], object],
    note: str = "",
    **params: Any,
) -> Row:
    """Return the row of a method that both kinds of account serve."""
    classic, unified = (served(each, check) for each in endpoints)
    return Row(method, args, classic, unified, note, tuple(params.items()))


ROWS = (
    both("fetch_balance", given(), ("|account/assets", "v3/account/assets"), is_balance),
    both("create_order", given(*LIMIT), ("|place-order", "t/place-order"), an_order(None), "limit"),
    both("create_order", given(*LIMIT), ("|place-order", "t/place-order"), an_order(None), "post only", postOnly=True),
    both("create_order", given(*LIMIT), ("|place-order", "t/place-order"), an_order(None), "IOC", timeInForce="IOC"),
    both("create_order", given(*LIMIT), ("|place-order", "t/place-order"), an_order(None), "FOK", timeInForce="FOK"),
    both("create_order", given(*BUY), ("|place-order", "t/place-order"), an_order(None), "market buy by price"),
    both(
        "create_order",
        given(BTC, "market", "buy", 0, None),
        ("|place-order", "t/place-order"),
        an_order(None),
        "market buy by cost",
        cost=50,
    ),
    both("create_market_buy_order_with_cost", given(BTC, 50), ("|place-order", "t/place-order"), an_order(None)),
    both("create_orders", given(REQUESTS), ("|batch-place-order", "t/place-batch"), a_list(ORDER, 1)),
    *(
        Row("create_order", given(*LIMIT), refused(CONDITIONAL), refused(UNLESS_ENABLED), name, ((name, 40_000),))
        for name in ("triggerPrice", "stopLossPrice", "takeProfitPrice")
    ),
    *(
        Row("create_order", given(*LIMIT), refused(CONDITIONAL), refused(CONDITIONAL), name, ((name, value),))
        for name, value in (("stopLoss", {"triggerPrice": 40_000}), ("trailingPercent", 1))
    ),
    Row(
        "edit_order",
        lambda world: (world.place(), BTC, "limit", "buy", 0.002, 49_000),
        refused("no endpoint that edits a cross margin order .* on a classic account"),
        served("t/order-info t/modify-order", an_order("open")),
    ),
    both("cancel_order", lambda world: (world.place(), BTC), CANCELS, an_order(None)),
    both("cancel_orders", lambda world: ([world.place(), world.place()], BTC), CANCELS, a_list(ORDER, 2)),
    both(
        "cancel_orders_for_symbols",
        lambda world: ([{"id": world.place(), "symbol": BTC}, {"id": world.place("ETHUSDT", "2000"), "symbol": ETH}],),
        CANCELS,
        a_list(ORDER, 2),
    ),
    both(
        "cancel_orders_with_client_order_ids",
        lambda world: (["mine"] if world.place(clientOid="mine") else [], BTC),
        CANCELS,
        a_list(ORDER, 1),
    ),
    both(
        "cancel_all_orders",
        lambda world: world.with_orders_of_btc_alone(),
        (
            f"{CANCELS[0]} {LOOKUPS[0]} |account/assets",
            f"{CANCELS[1]} {OPEN[1]} {LOOKUPS[1]} {HISTORY[1]} t/unfilled-strategy-orders v3/account/assets",
        ),
        lambda found: len(found) >= 1,
    ),
    Row(
        "cancel_all_orders_after",
        given(60_000),
        refused("no timer that cancels orders on a classic account"),
        served("t/countdown-cancel-all", anything),
    ),
    both("fetch_order", lambda world: (world.place(), BTC), LOOKUPS, an_order("open")),
    both("fetch_open_orders", given(BTC, None, None), OPEN, statuses("open")),
    Row(
        "fetch_open_orders",
        given(None, None, None),
        NeedsSymbol("|open-orders"),
        served("t/unfilled-orders", statuses("open", "open")),
        "no symbol",
    ),
    both(
        "fetch_orders",
        given(BTC, None, None),
        (f"{OPEN[0]} {HISTORY[0]}", f"{OPEN[1]} {HISTORY[1]}"),
        statuses("closed", "canceled", "open"),
    ),
    both("fetch_closed_orders", given(BTC, None, None), HISTORY, statuses("closed")),
    both("fetch_canceled_orders", given(BTC, None, None), HISTORY, statuses("canceled")),
    both("fetch_canceled_and_closed_orders", given(BTC, None, None), HISTORY, statuses("closed", "canceled")),
    both(
        "fetch_canceled_and_closed_orders",
        given(BTC, RECENT_MS, 1),
        HISTORY,
        statuses("closed"),
        "paginated",
        paginate=True,
    ),
    Row(
        "fetch_canceled_and_closed_orders",
        given(None, None, None),
        NeedsSymbol("|history-orders"),
        served("t/history-orders", statuses("closed", "canceled")),
        "no symbol",
    ),
    both("fetch_my_trades", given(BTC, None, None), FILLS, a_list(TRADE, 1)),
    both("fetch_my_trades", given(BTC, RECENT_MS, 100), FILLS, a_list(TRADE, 1), "paginated", paginate=True),
    Row(
        "fetch_my_trades",
        given(None, None, None),
        NeedsSymbol("|fills"),
        served("t/fills", a_list(TRADE, 1)),
        "no symbol",
    ),
    both("fetch_order_trades", lambda world: (world.filled, BTC, None, None), FILLS, a_list(TRADE, 1)),
    both("fetch_ledger", given("USDT", None, None), RECORDS, a_list(ENTRY, 1)),
    both("fetch_ledger", given(None, RECENT_MS, 100), RECORDS, a_list(ENTRY, 2), "paginated", paginate=True),
    Row(
        "fetch_my_liquidations",
        given(BTC, None, None),
        served("|liquidation-history", lambda found: found == []),
        refused(NO_LIST),
    ),
    Row(
        "borrow_cross_margin",
        given("USDT", 10),
        served("|account/borrow", lambda loan: (loan["currency"], loan["amount"]) == ("USDT", 10)),
        refused("a unified account, whose margin orders borrow what they lack by themselves"),
    ),
    Row(
        "repay_cross_margin",
        lambda world: world.owing(),
        served("|account/borrow |account/repay", lambda paid: paid["currency"] == "USDT" and paid["amount"] > 10),
        served("v3/account/assets v3/account/repay", lambda paid: (paid["currency"], paid["amount"]) == ("BTC", 0.01)),
        params=(("paymentCoin", "USDT"),),
    ),
    Row(
        "set_leverage",
        given(3, BTC),
        refused("no endpoint that sets the leverage of cross margin on a classic account"),
        served("v3/account/set-leverage", lambda found: (found["currency"], found["leverage"]) == ("BTC", 3)),
        params=(("code", "BTC"),),
    ),
    Row(
        "fetch_borrow_interest",
        lambda world: (
            ("USDT",) if world.account.kind is UNIFIED or world.exchange.borrow_cross_margin("USDT", 10) else ()
        ),
        served("|interest-history |account/borrow", a_list({"interest", "currency", "symbol", "timestamp"})),
        served("v3/account/financial-records", lambda found: found == []),
    ),
    both("fetch_cross_borrow_rate", given("USDT"), RATES, lambda rate: rate["rate"] > 0),
    Row("fetch_cross_borrow_rates", given(), refused("one coin per request"), refused("one coin per request")),
    both("fetch_cross_margin_level", given(), LEVELS, lambda found: found["marginLevel"] == 0),
    both("fetch_leverage", given(BTC), LEVERAGE, lambda found: found["longLeverage"] == 3),
    Row(
        "set_margin_mode",
        given("cross", BTC),
        refused("no setting of the account"),
        refused("no setting of the account"),
    ),
    both("fetch_trading_fee", given(BTC), FEE_RATES, lambda fee: fee["maker"] > 0),
)


# -- the test ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[CLASSIC, UNIFIED], ids=lambda kind: kind.value)
def venue(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """Run a venue with an account for each row, so that no rate limit of one waits for another."""
    with Emulator(accounts=tuple(Account(kind=request.param) for _ in ROWS)) as running:
        yield running
    assert running.errors == ()


async def world_of(venue: Emulator, number: int) -> World:
    """Return the account of a row with its orders."""
    account = venue.accounts[number]
    exchange = bitget_margin.bitget(config(venue, account, options={"batchCancel": {"pacing": QUICK_PACING}}))
    await load_markets(exchange)
    world = World(venue, account, exchange)
    world.filled, canceled = world.place(), world.place()
    venue.fill(world.filled)
    venue.cancel(canceled)
    world.place()
    world.place("ETHUSDT", "2000")
    return world


@pytest.mark.parametrize("number", range(len(ROWS)), ids=[str(row) for row in ROWS])
async def test_a_method_serves_cross_margin_or_says_why_not(venue: Emulator, number: int) -> None:
    row, world = ROWS[number], await world_of(venue, number)
    if (row.method, world.account.kind, ccxt.__version__) == ("fetch_trading_fee", UNIFIED, "4.5.60"):
        pytest.skip("ccxt 4.5.60 does not know the fees of a unified account")
    expected = row.classic if world.account.kind is CLASSIC else row.unified
    for params, options in WAYS.values():
        if row.method == "fetch_trading_fee":
            await asyncio.sleep(0.4)  # ccxt sends more than the three requests in a second that the venue answers
        world.exchange.options.update(options)
        args, before = row.args(world), len(world.paths)
        method, named = getattr(world.exchange, row.method), params | dict(row.params)
        expected.judge(lambda: method(*args, params=named), lambda: world.paths[before:])  # noqa: B023 - called at once
        for name in options:
            del world.exchange.options[name]


def test_every_row_is_about_a_method_of_ccxt() -> None:
    assert all(callable(getattr(bitget_margin.bitget, row.method)) for row in ROWS)
    assert len({str(row) for row in ROWS}) == len(ROWS)
