"""A venue in memory and a driver on a simulated clock: flows run without sockets, threads or waiting.

Written apart from the emulator, so that the two do not share a mistake. `disturbances` are taken one by
one, for each request; the truth is in `orders`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from bitget_margin.core.api import api_of
from bitget_margin.core.effects import Call, Fault, Flow, Reply, ReplyOrFault, Resync, Send, SendAll, T, Wait
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.requests import CallContext
from bitget_margin.core.settings import Deadline, Settings

ROUND_TRIP_MS = 10.0


class Disturbance(Enum):
    """Disturbances of one request."""

    NONE = "none"
    LOST_BEFORE = "lost before it was executed"
    LOST_AFTER = "executed, and the answer lost"
    HTML = "executed, and answered with a page"
    NULL = "executed, and answered with null lists"
    SYSTEM = "executed, and answered with 40010"
    LIMITED = "429"
    NEITHER = "executed, and the items left out of both lists"
    IGNORED = "not executed, and the items left out of both lists"
    BOTH = "executed, and the items put in both lists"
    NEVER_LANDS = "acknowledged, and not executed"
    REFUSED = "refused, though alive"
    FILL_WINS = "acknowledged, and filled instead"
    FOREIGN = "executed, with a row that nobody asked for"
    BOGUS_ROWS = "lookups answer with rows of another symbol"


@dataclass(slots=True)
class Order:
    """The truth about one order."""

    order_id: str
    client_id: str
    symbol: str
    status: str = "live"
    ended_ms: float = 0.0
    touched: bool = False

    placed_ms: float | None = None

    def row(self, kind: AccountKind = AccountKind.CLASSIC) -> dict[str, str]:
        row = {"orderId": self.order_id, "clientOid": self.client_id, "symbol": self.symbol}
        placed = {} if self.placed_ms is None else {"placed": str(int(self.placed_ms))}
        times = {**placed, "ended": str(int(self.ended_ms))}
        if kind is AccountKind.UNIFIED:
            names = {"placed": "createdTime", "ended": "updatedTime"}
            row |= {"category": "MARGIN", "orderStatus": self.status}
        else:
            names = {"placed": "cTime", "ended": "uTime"}
            row |= {"status": self.status}
        return row | {names[name]: value for name, value in times.items()}


@dataclass(slots=True)
class ModelVenue:
    """Orders, a clock, and the disturbances of the requests to come."""

    orders: list[Order]
    disturbances: Iterator[Disturbance] = field(default_factory=lambda: iter(()))
    history_lag_ms: float = 0.0
    now_ms: float = 0.0
    kind: AccountKind = AccountKind.CLASSIC
    assumed: AccountKind | None = None
    """The account kind that the client assumes; None for the right one."""
    calls: list[Call] = field(default_factory=list)

    def clock(self) -> float:
        return self.now_ms

    def ctx(self, settings: Settings) -> CallContext:
        deadline = Deadline.after(self.clock, settings.timeout_ms)
        return CallContext(settings, deadline, since_ms=0, api=api_of(self.assumed or self.kind))

    def run(self, flow: Flow[T]) -> T:
        """Drive a flow to its end, on the clock of this venue."""
        value: Any = None
        try:
            while True:
                effect = flow.send(value)
                value = None
                if isinstance(effect, SendAll):
                    value = tuple(self._answered(send) for send in effect.sends)
                elif isinstance(effect, Wait):
                    self.now_ms = max(self.now_ms, effect.until_ms)
                else:
                    assert isinstance(effect, Resync)
        except StopIteration as stop:
            return stop.value

    def find(self, symbol: str, key: str, value: str) -> Order | None:
        """Return the newest order of that id, the live one first."""
        ours = [
            o for o in self.orders if o.symbol == symbol and value == (o.order_id if key == "orderId" else o.client_id)
        ]
        live = [order for order in ours if order.status == "live"]
        return (live or ours[-1:] or [None])[0]

    def _answered(self, send: Send) -> ReplyOrFault:
        send.left_ms = self.now_ms
        send.reply = self._send(send)
        return send.reply

    def _send(self, send: Send) -> ReplyOrFault:
        if self.now_ms >= send.deadline_ms:
            return Fault(TimeoutError("no time"), sent=False)
        send.started = True
        self.calls.append(send.call)
        disturbance = next(self.disturbances, Disturbance.NONE)
        self.now_ms += ROUND_TRIP_MS
        if disturbance is Disturbance.LIMITED:
            return Fault(OSError("429"), "429", "Too Many Requests", 429)
        if disturbance is Disturbance.LOST_BEFORE:
            return self._lost(send)
        if send.call.endpoint.kind is not self.kind:
            code = "40085" if self.kind is AccountKind.UNIFIED else "40084"
            return Fault(OSError(code), code, "the other kind of account", 400)
        answers: dict[Endpoint, Callable[[Call, Disturbance], object]] = {
            Endpoint.BATCH_CANCEL: self._batch_cancel,
            Endpoint.OPEN_ORDERS: self._open_orders,
            Endpoint.HISTORY_ORDERS: self._history_orders,
            Endpoint.BATCH_PLACE: self._batch_place,
            Endpoint.UNIFIED_BATCH_CANCEL: self._batch_cancel,
            Endpoint.UNIFIED_OPEN_ORDERS: self._open_orders,
            Endpoint.UNIFIED_HISTORY_ORDERS: self._history_orders,
            Endpoint.UNIFIED_ORDER: self._one_order,
            Endpoint.UNIFIED_BATCH_PLACE: self._batch_place,
            Endpoint.ASSETS: self._assets,
            Endpoint.UNIFIED_ASSETS: self._assets,
            Endpoint.FILLS: self._fills,
            Endpoint.UNIFIED_FILLS: self._fills,
            Endpoint.UNIFIED_SETTINGS: lambda *_: {"accountLevel": "advanced"},
        }
        data = answers[send.call.endpoint](send.call, disturbance)
        if data is None:
            return Fault(OSError("25204"), "25204", "Order does not exist", 400)
        return self._answer(send, disturbance, data)

    def _answer(self, send: Send, disturbance: Disturbance, data: object) -> ReplyOrFault:
        if disturbance is Disturbance.LOST_AFTER:
            return self._lost(send)
        if disturbance is Disturbance.SYSTEM:
            return Fault(OSError("40010"), "40010", "Request timed out", 400)
        if disturbance is Disturbance.HTML:
            return Reply("<html>")
        if disturbance is Disturbance.NULL:
            data = {"successList": None, "failureList": None, "orderList": None}
            data = data if self.kind is AccountKind.CLASSIC else {"list": "null", "assets": None}
        return Reply({"code": "00000", "msg": "success", "requestTime": int(self.now_ms), "data": data})

    def _assets(self, _call: Call, _disturbance: Disturbance) -> object:
        held = "1000000" if any(order.status == "live" for order in self.orders) else "0"
        rows = [{"coin": coin, "frozen": held, "locked": "0"} for coin in ("BTC", "USDT")]
        return rows if self.kind is AccountKind.CLASSIC else {"assets": rows}

    def _fills(self, _call: Call, _disturbance: Disturbance) -> object:
        filled = [order for order in self.orders if order.status == "filled"]
        at = {order.order_id: str(int(order.ended_ms)) for order in filled}
        rows = [{"orderId": i, "side": "buy", "cTime": ms, "createdTime": ms} for i, ms in at.items()]
        return {"fills": rows} if self.kind is AccountKind.CLASSIC else {"list": rows}

    def _lost(self, send: Send) -> Fault:
        self.now_ms = max(self.now_ms, min(self.now_ms + send.request_ms, send.deadline_ms))
        return Fault(TimeoutError("no answer"))

    def _batch_cancel(self, call: Call, disturbance: Disturbance) -> object:
        success: list[dict[str, str]] = []
        failure: list[dict[str, str]] = []
        for item in batch_items(call):
            ((key, value),) = ((key, item[key]) for key in ("orderId", "clientOid") if key in item)
            order = self.find(item["symbol"], key, value)
            if order is None or order.status != "live":
                text = "The order does not exist" if order is None else "Order Cancelled"
                echo = {key: value} if order is None else {"orderId": order.order_id, "clientOid": order.client_id}
                failure.append({**echo, "errorMsg": text})
                continue
            order.touched = True
            echo = {"orderId": order.order_id, "clientOid": order.client_id}
            if disturbance is Disturbance.REFUSED:
                failure.append({**echo, "errorMsg": "Cancel order error"})
                continue
            if disturbance not in {Disturbance.IGNORED, Disturbance.NEVER_LANDS}:
                order.status = "filled" if disturbance is Disturbance.FILL_WINS else "cancelled"
                order.ended_ms = self.now_ms
            if disturbance in {Disturbance.NEITHER, Disturbance.IGNORED}:
                continue
            success.append(echo)
            if disturbance is Disturbance.BOTH:
                failure.append({**echo, "errorMsg": "Order Cancelled"})
        if disturbance is Disturbance.FOREIGN:
            success.append({"orderId": "777", "clientOid": "stranger"})
        return self._lists(success, failure)

    def _batch_place(self, call: Call, disturbance: Disturbance) -> object:
        success: list[dict[str, str]] = []
        failure: list[dict[str, str]] = []
        for item in batch_items(call):
            name = item["clientOid"]
            taken = self.find(item["symbol"], "clientOid", name)
            if disturbance is Disturbance.REFUSED or (taken is not None and taken.status == "live"):
                failure.append({"clientOid": name, "errorMsg": "Duplicated clientOid"})
                continue
            order = Order(str(10_000 + len(self.orders)), name, item["symbol"], placed_ms=self.now_ms)
            if disturbance is not Disturbance.IGNORED:
                self.orders.append(order)
            if disturbance is Disturbance.FILL_WINS:
                order.status, order.ended_ms = "filled", self.now_ms
            if disturbance not in {Disturbance.NEITHER, Disturbance.IGNORED}:
                success.append({"orderId": order.order_id, "clientOid": name})
        return self._lists(success, failure)

    def _lists(self, success: list[dict[str, str]], failure: list[dict[str, str]]) -> object:
        if self.kind is AccountKind.CLASSIC:
            return {"successList": success, "failureList": failure}
        gone = {"The order does not exist", "Order Cancelled"}
        failed = [
            {**row, "code": "25204" if row["errorMsg"] in gone else "45024", "msg": row["errorMsg"]} for row in failure
        ]
        return [*success, *failed]

    def _one_order(self, call: Call, disturbance: Disturbance) -> object:
        params = dict(call.params)
        key = "orderId" if "orderId" in params else "clientOid"
        found = [self.find(symbol, key, params[key]) for symbol in sorted({order.symbol for order in self.orders})]
        seen = [o for o in found if o and (o.status == "live" or o.ended_ms + self.history_lag_ms <= self.now_ms)]
        if not seen:
            return None
        row = seen[0].row(self.kind)
        return {**row, "symbol": "OTHER", "orderStatus": "cancelled"} if disturbance is Disturbance.BOGUS_ROWS else row

    def _open_orders(self, call: Call, disturbance: Disturbance) -> object:
        return self._page(call, disturbance, [order for order in self.orders if order.status == "live"])

    def _history_orders(self, call: Call, disturbance: Disturbance) -> object:
        seen = [o for o in self.orders if o.status != "live" and o.ended_ms + self.history_lag_ms <= self.now_ms]
        return self._page(call, disturbance, seen)

    def _page(self, call: Call, disturbance: Disturbance, orders: list[Order]) -> object:
        params = dict(call.params)
        rows = [order for order in orders if params.get("symbol") in {None, order.symbol}]
        if "orderId" in params:
            rows = [order for order in rows if order.order_id == params["orderId"]]
        elif "clientOid" in params:
            rows = [order for order in rows if order.client_id == params["clientOid"]]
        else:
            below = int(params.get("idLessThan") or params.get("cursor") or 10**19)
            rows = [order for order in rows if int(order.order_id) < below]
        rows = sorted(rows, key=lambda order: -int(order.order_id))[: int(params.get("limit", "100"))]
        shown = [order.row(self.kind) for order in rows]
        if disturbance is Disturbance.BOGUS_ROWS:
            ended = {"symbol": "OTHER", "status": "cancelled", "orderStatus": "cancelled"}
            shown = [{**order.row(self.kind), **ended} for order in self.orders]
        if self.kind is AccountKind.CLASSIC:
            return {"orderList": shown}
        return {"list": shown, "cursor": rows[-1].order_id if rows else None}


def batch_items(call: Call) -> list[dict[str, str]]:
    """Return the orders that a batch names, each with its symbol."""
    if isinstance(call.params, list):
        return call.params
    params = dict(call.params)
    listed = params.get("orderIdList") or params["orderList"]
    return [{"symbol": params["symbol"], **item} for item in listed]
