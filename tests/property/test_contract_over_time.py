"""The contract over a whole life: orders placed, filled, cancelled and asked for again, under whatever goes wrong."""

from typing import Any
from unittest import mock

import ccxt
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import bitget_margin
from bitget_margin import PlaceUnresolved
from bitget_margin.adapter import call as adapter_call
from bitget_margin.adapter.place import create_orders
from bitget_margin.core import cancel
from bitget_margin.core.cancel_state import CancelState
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.outcome import Outcome
from bitget_margin.core.settings import Settings
from support.fuzzing import examples
from support.model import Disturbance, ModelVenue, Order

SYMBOL = "BTC/USDT"
MARKET = {
    "id": "BTCUSDT",
    "symbol": SYMBOL,
    "base": "BTC",
    "quote": "USDT",
    "baseId": "BTC",
    "quoteId": "USDT",
    "type": "spot",
    "spot": True,
    "swap": False,
    "future": False,
    "settle": None,
    "active": True,
    "precision": {"amount": 1e-6, "price": 0.01},
    "limits": {},
    "info": {},
}
REQUEST = {"symbol": SYMBOL, "type": "limit", "side": "buy", "amount": 1, "price": 1}
disturbances = st.sampled_from(Disturbance).map(lambda one: [one]) | st.lists(st.sampled_from(Disturbance), max_size=6)


class Life(RuleBasedStateMachine):
    """One account and its orders. Names are never used twice: what is not proven of a name is told elsewhere."""

    @initialize(kind=st.sampled_from(AccountKind))
    def begin(self, kind: AccountKind) -> None:
        self.venue = ModelVenue([], kind=kind)
        self.foreign = Order("500", "stranger", MARKET["id"])
        self.venue.orders.append(self.foreign)
        self.names: list[str] = []
        self.proven: dict[str, Outcome] = {}
        self.exchange = bitget_margin.bitget(
            {"apiKey": "k", "secret": "s", "password": "p", "options": {"uta": kind is AccountKind.UNIFIED}}
        )
        self.exchange.set_markets([MARKET])
        self.clock = mock.patch.object(adapter_call, "monotonic_ms", self.venue.clock)
        self.clock.start()

    def teardown(self) -> None:
        if hasattr(self, "clock"):
            self.clock.stop()

    @rule(count=st.integers(1, 4), wrong=disturbances, timeout_ms=st.sampled_from([400, 3_000]))
    def place(self, count: int, wrong: list[Disturbance], timeout_ms: int) -> None:
        """Whatever becomes of the answer, an order is placed once at most, and what has an id is there."""
        names = [f"n{len(self.names) + i}" for i in range(count)]
        self.names += names
        self.venue.disturbances = iter(wrong)
        orders = [REQUEST | {"params": {"clientOrderId": name}} for name in names]
        placed: list[Any]
        try:
            placed = self.venue.run(
                create_orders(self.exchange, orders, {"timeout": timeout_ms, "marginMode": "cross"})
            )
        except PlaceUnresolved as error:
            placed = error.orders
        except (ccxt.BaseError, OSError):  # a definitive refusal, or the model's own exception for one
            assert not any(order.client_id in names for order in self.venue.orders)
            return
        assert [order["clientOrderId"] for order in placed] == names
        for name, order in zip(names, placed, strict=True):
            there = [known for known in self.venue.orders if known.client_id == name]
            if order["id"] is not None:
                assert [known.order_id for known in there] == [order["id"]]
            elif order["status"] == "rejected":
                assert there == []

    @precondition(lambda self: self.names)
    @rule(data=st.data(), status=st.sampled_from(["filled", "cancelled"]))
    def end(self, data: st.DataObject, status: str) -> None:
        """End an order behind the client's back."""
        order = self.venue.find(MARKET["id"], "clientOid", data.draw(st.sampled_from(self.names)))
        if order is not None and order.status == "live":
            order.status, order.ended_ms = status, self.venue.now_ms

    @rule(ms=st.sampled_from([1, 500, 5_000]))
    def wait(self, ms: int) -> None:
        """Time passes."""
        self.venue.now_ms += ms

    @rule(lag_ms=st.sampled_from([0.0, 0.0, 700.0, 5_000.0]))
    def lag(self, lag_ms: float) -> None:
        """History comes later, or at once."""
        self.venue.history_lag_ms = lag_ms

    @rule(kind=st.sampled_from(AccountKind))
    def turn(self, kind: AccountKind) -> None:
        """Make the account one of the other kind; the client learns it."""
        self.venue.kind = kind

    @precondition(lambda self: self.names)
    @rule(
        data=st.data(),
        wrong=disturbances,
        confirm=st.booleans(),
        timeout_ms=st.sampled_from([300.0, 4_000.0, 10_000.0]),
    )
    def cancel(self, data: st.DataObject, wrong: list[Disturbance], confirm: bool, timeout_ms: float) -> None:
        """See that what is called ended has ended so, and that what was proven once is proven again."""
        named = data.draw(st.lists(st.sampled_from(self.names), min_size=1, max_size=5, unique=True))
        targets = []
        for name in named:
            order = self.venue.find(MARKET["id"], "clientOid", name)
            by_id = order is not None and data.draw(st.booleans())
            key = (IdKind.ORDER, order.order_id) if by_id and order is not None else (IdKind.CLIENT, name)
            targets.append(OrderRef(MARKET["id"], *key))
        self.venue.disturbances = iter(wrong)
        state, ctx = CancelState.of(targets), self.venue.ctx(Settings(confirm=confirm, timeout_ms=timeout_ms))
        began_ms = self.venue.now_ms
        self.venue.run(cancel.cancel(ctx, state))
        assert self.venue.now_ms - began_ms <= timeout_ms + 20
        for name, order in zip(named, state.orders.values(), strict=True):
            self._check(name, order.outcome, confirm=confirm)

    def _check(self, name: str, outcome: Outcome | None, *, confirm: bool) -> None:
        order = self.venue.find(MARKET["id"], "clientOid", name)
        status = None if order is None else order.status
        assert outcome is not None
        if outcome.ended:
            assert status == {Outcome.CANCELED: "cancelled", Outcome.FILLED: "filled"}[outcome]
            assert self.proven.setdefault(name, outcome) is outcome
        elif outcome is Outcome.NOT_FOUND:
            assert order is None or self.venue.history_lag_ms > Settings().pacing.recheck_ms
        elif outcome is Outcome.OPEN:
            assert status == "live"
        elif outcome is Outcome.ACCEPTED:
            assert not confirm

    @invariant()
    def nobody_else_is_touched(self) -> None:
        """See that what nobody named lives on, and that no name has two orders."""
        if not hasattr(self, "venue"):
            return
        assert self.foreign.status == "live"
        assert not self.foreign.touched
        names = [order.client_id for order in self.venue.orders]
        assert len(names) == len(set(names))


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=examples(200), stateful_step_count=12, deadline=None)
