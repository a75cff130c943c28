"""A venue whose responses a test defines, on a simulated clock: no sockets, threads or waiting."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bitget_margin.core import cancel
from bitget_margin.core.api import api_of
from bitget_margin.core.cancel_state import CancelState
from bitget_margin.core.effects import Call, Fault, Flow, Reply, ReplyOrFault, Resync, Send, SendAll, T, Wait
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.requests import CallContext
from bitget_margin.core.settings import Deadline, Settings

EPOCH_MS = 1_700_000_000_000
"""The venue's clock when a test begins; the caller's shows 1 000 000."""
START_MS = 1_000_000.0
ROUND_TRIP_MS = 10.0
SINCE_MS = EPOCH_MS - 1_000

Respond = Callable[[Call], object]
"""Returns a reply, or the data of a response of success."""


def fault(code: str | None = None, text: str | None = None, status: int | None = 400, *, sent: bool = True) -> Fault:
    """Return a fault of this code; without one, of a lost answer."""
    return Fault(OSError(f"{code} {text}"), code, text, status, sent=sent)


def row(order_id: int, status: str = "live", **more: Any) -> dict[str, Any]:
    """Return a classic order row of BTCUSDT, placed and changed long before the test began."""
    old = str(EPOCH_MS - 500_000)
    named = {"orderId": str(order_id), "clientOid": f"c{order_id}", "symbol": "BTCUSDT", "status": status}
    return {**named, "cTime": old, "uTime": old, **more}


def by_id(*numbers: int, symbol: str = "BTCUSDT") -> tuple[OrderRef, ...]:
    """Return orders that are named by their order ids."""
    return tuple(OrderRef(symbol, IdKind.ORDER, str(number)) for number in numbers)


def by_name(name: str, symbol: str = "BTCUSDT") -> OrderRef:
    """Return an order that is named by its client order id."""
    return OrderRef(symbol, IdKind.CLIENT, name)


def accepted(*numbers: int) -> dict[str, Any]:
    """Return the data of a classic response that lists these orders as successes."""
    return {"successList": [{"orderId": str(number)} for number in numbers], "failureList": []}


def refused(*numbers: int, text: str = "Cancel order error") -> dict[str, Any]:
    """Return the data of a classic response that lists these orders as failures."""
    return {"successList": [], "failureList": [{"orderId": str(n), "errorMsg": text} for n in numbers]}


def page(*rows: object) -> dict[str, Any]:
    """Return the data of a classic page."""
    return {"orderList": list(rows)}


@dataclass(slots=True)
class Script:
    """A driver on a simulated clock, and the requests and waits that it has performed."""

    respond: Respond
    now_ms: float = START_MS
    calls: list[Call] = field(default_factory=list)
    sent_at: list[float] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    resyncs: int = 0

    def clock(self) -> float:
        """Return the time of the caller's clock."""
        return self.now_ms

    def ctx(self, *, kind: AccountKind = AccountKind.CLASSIC, **settings: Any) -> CallContext:
        """Return the context of a call whose time begins now."""
        bounds = Settings(**settings)
        deadline = Deadline.after(self.clock, bounds.timeout_ms)
        return CallContext(bounds, deadline, since_ms=SINCE_MS, api=api_of(kind))

    def cancel(self, *targets: OrderRef, single: bool = False, **settings: Any) -> tuple[CallContext, CancelState]:
        """Cancel these orders; return the context and the state at the end."""
        ctx, state = self.ctx(**settings), CancelState.of(targets)
        state.use_single_endpoint = single
        self.run(cancel.cancel(ctx, state))
        assert state.in_flight == []
        return ctx, state

    def run(self, flow: Flow[T]) -> T:
        """Drive a flow to its end."""
        value: Any = None
        try:
            while True:
                value = self._do(flow.send(value))
        except StopIteration as stop:
            return stop.value

    def _do(self, effect: object) -> object:
        if isinstance(effect, SendAll):
            self.groups.append(len(effect.sends))
            return tuple(self._reply(send) for send in effect.sends)
        if isinstance(effect, Resync):
            assert effect.deadline_ms > self.now_ms
            self.resyncs += 1
            self.now_ms += ROUND_TRIP_MS
            return None
        assert isinstance(effect, Wait)
        self.waits.append(effect.until_ms - self.now_ms)
        self.now_ms = max(self.now_ms, effect.until_ms)
        return None

    def _reply(self, send: Send) -> ReplyOrFault:
        send.left_ms, send.started = self.now_ms, True
        self.calls.append(send.call)
        self.sent_at.append(self.now_ms)
        data = self.respond(send.call)
        self.now_ms += ROUND_TRIP_MS
        clock = EPOCH_MS + int(self.now_ms - START_MS)
        success = {"code": "00000", "msg": "success", "requestTime": clock, "data": data}
        send.reply = data if isinstance(data, Reply | Fault) else Reply(success)
        return send.reply


def in_turn(*responses: object) -> Respond:
    """Return these one after another, and the last one from then on."""
    left = list(responses)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]
