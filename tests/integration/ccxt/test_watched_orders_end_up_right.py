"""Promise: however pushes are lost, repeated, late or out of order, every watched state is right after a resync.

The follower does what `docs/ccxt.md` tells a program to do: it takes newer states only, and fetches after each error.
By default 300 random changes for each kind of account; 10,000 with `-m drill` (`-s` prints what happened).
"""

import asyncio
import contextlib
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import ccxt
import pytest

from bitget_margin.emulator import Emulator
from bitget_margin.emulator.market.orders import Order, Status
from support.client import CROSS
from support.watching import BTC, is_unified, streaming, subscribed, until

ETH = "ETH/USDT"
PRICES = {"BTCUSDT": (60_000, "0.01"), "ETHUSDT": (3_000, "0.1")}
CHANGES_PER_ROUND = 100
LIVE_MAX = 30
FIRST_ROUNDS = ((40, 0, 5), (0, 0, 2), (0, 3, 5))
"""Which pushes are lost with the connection, lost without a sign, and overtaken: each n-th one."""
STATES = {Status.LIVE: "open", Status.PARTIALLY_FILLED: "open", Status.FILLED: "closed", Status.CANCELLED: "canceled"}


def rank(order: dict[str, Any]) -> tuple[bool, float, int]:
    """Return what decides which of two states is newer."""
    return order["status"] != "open", order["filled"] or 0.0, order["lastUpdateTimestamp"]


def state(order: dict[str, Any]) -> tuple[Any, ...]:
    """Return what a follower must know of an order."""
    return order["status"], order["filled"], order["symbol"]


def state_at_venue(order: Order) -> tuple[Any, ...]:
    """Return the same of an order of the venue."""
    return STATES[order.status], float(order.filled), f"{order.symbol.removesuffix('USDT')}/USDT"


@dataclass(slots=True)
class Follower:
    """Program that follows its orders: by pushes, and by fetching after each error."""

    exchange: Any
    symbols: tuple[str | None, ...]
    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Newest state of each order."""
    returned: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Last state of each order that a call has returned."""
    placed: set[str] = field(default_factory=set)
    """Ids of the orders that it has placed and whose end it does not know."""
    errors: int = 0
    _resyncing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def take(self, orders: Iterable[dict[str, Any]]) -> None:
        """Take the states that are newer than the known ones."""
        for order in orders:
            known = self.known.get(order["id"])
            if known is None or rank(order) >= rank(known):
                self.known[order["id"]] = order
                if order["status"] != "open":
                    self.placed.discard(order["id"])

    async def follow(self, symbol: str | None) -> None:
        """Watch the orders of a symbol, or of all."""
        while True:
            try:
                orders = await self.exchange.watch_orders(symbol, params=CROSS)
            except ccxt.NetworkError:
                self.errors += 1
                await self.resync()
                continue
            assert orders
            for order in orders:
                assert rank(order) >= rank(self.returned.get(order["id"], order)), (
                    "a call has returned an earlier state"
                )
                self.returned[order["id"]] = order
            self.take(orders)

    async def resync(self) -> None:
        """Fetch the open orders, and each order that is not among them though its end is not known."""
        async with self._resyncing:
            awaited = set(self.placed)
            for symbol in (BTC, ETH):
                orders = await self.exchange.fetch_open_orders(symbol, None, None, CROSS)
                self.take(orders)
                awaited -= {order["id"] for order in orders}
            for order_id in awaited & self.placed:
                symbol = self.known[order_id]["symbol"]
                self.take([await self.exchange.fetch_order(order_id, symbol, CROSS)])


@dataclass(slots=True)
class Market:
    """Venue whose orders change at random."""

    venue: Emulator
    follower: Follower
    chance: random.Random
    live: list[str] = field(default_factory=list)

    def change(self) -> None:
        """Change something about one order."""
        uid = self.venue.accounts[0].uid
        draw = self.chance.random()
        if not self.live or (draw < 0.4 and len(self.live) < LIVE_MAX):
            symbol = self.chance.choice(list(PRICES))
            price, size = PRICES[symbol]
            side = self.chance.choice(["buy", "sell"])
            at_price = price * (0.9 if side == "buy" else 1.1)
            fields = {"symbol": symbol, "side": side, "price": f"{at_price:.0f}", "baseSize": size}
            if draw < 0.05:  # fills at once
                fields["price"] = f"{price * (1.02 if side == 'buy' else 0.98):.0f}"
            order_id = self.venue.place(uid, fields)
            shown = {
                "status": "open",
                "filled": 0.0,
                "lastUpdateTimestamp": 0,
                "symbol": symbol.replace("USDT", "/USDT"),
            }
            self.follower.placed.add(order_id)
            self.follower.take([{"id": order_id, **shown}])
        else:
            order_id = self.chance.choice(self.live)
            order = self.venue.order(order_id)
            part = (order.base_size - order.filled) / 4
            if draw < 0.6 and part >= order.base_size / 100:
                self.venue.fill(order_id, round(part, 4))
            elif draw < 0.8:
                self.venue.fill(order_id)
            else:
                self.venue.cancel(order_id)
        self.live = [known for known in {*self.live, order_id} if self.venue.order(known).live]
        self.live.sort()

    def disturb(self, number: int) -> bool:
        """Choose how pushes go wrong in a round, the first three fixed; return whether some are lost."""
        chance = self.chance
        drops, loses, swaps = chance.choice([0, 0, 0, 40]), chance.choice([0, 0, 3, 10]), chance.choice([0, 2, 5])
        if number < len(FIRST_ROUNDS):
            drops, loses, swaps = FIRST_ROUNDS[number]
        self.venue.knobs(
            push_drop_every=drops,
            push_lose_every=loses,
            push_swap_every=swaps,
            push_delay_ms=chance.choice([0, 0, 3]),
            push_twice=chance.choice([True, False]),
            push_action=chance.choice(["snapshot", "update"]),
            category_case=chance.choice(["documented", "lower"]),
            partial_status=chance.choice(["documented", "partial_fill", "partially_fill"]),
        )
        return bool(drops or loses)

    def wrong(self) -> dict[str, Any]:
        """Return the orders of which the follower knows another state than the venue."""
        orders = {order.order_id: state_at_venue(order) for order in self.venue.orders(self.venue.accounts[0].uid)}
        known = {order_id: state(order) for order_id, order in self.follower.known.items()}
        return {name: (known.get(name), orders[name]) for name in orders if known.get(name) != orders[name]}


@pytest.fixture
def venue(venue_of_each_kind: Emulator) -> Emulator:
    """Return an emulator with accounts of each kind in turn."""
    return venue_of_each_kind


@pytest.mark.parametrize("changes", [300, pytest.param(10_000, marks=[pytest.mark.drill, pytest.mark.timeout(900)])])
async def test_every_last_state_is_right_after_a_resync(venue: Emulator, changes: int) -> None:
    """And without one where no push was lost."""
    async with streaming(venue) as exchange:
        follower = Follower(exchange, (None,) if is_unified(venue) else (BTC, ETH))
        market = Market(venue, follower, random.Random(changes))  # noqa: S311 - the same changes in each run
        following = [asyncio.ensure_future(follower.follow(symbol)) for symbol in follower.symbols]
        await until(lambda: len(subscribed(venue)) > 2 * (len(following) - 1))
        whole = 0
        for number in range(changes // CHANGES_PER_ROUND):
            loses, errors = market.disturb(number), follower.errors
            for _ in range(CHANGES_PER_ROUND):
                market.change()
                await asyncio.sleep(market.chance.choice([0, 0, 0.001, 0.004]))
            assert not [task.exception() for task in following if task.done()]
            if loses or follower.errors != errors:
                await follower.resync()
                assert market.wrong() == {}
                await asyncio.sleep(0.1)  # late pushes
            else:
                whole += 1
                with contextlib.suppress(TimeoutError):
                    await until(lambda: not market.wrong())
            assert market.wrong() == {}
        for task in following:
            task.cancel()
        await asyncio.wait(following)
        lost = f"{follower.errors} lost connections, {whole} rounds without a lost push"
        print(f"{changes} changes of {len(follower.known)} orders, {lost}")  # noqa: T201 - the result of the drill
        assert follower.errors
        assert whole
