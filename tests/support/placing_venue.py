"""A venue that takes new orders, by a script: what it executes, what it answers, and when its lists show it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from bitget_margin.core.api import Api
from bitget_margin.core.effects import Call, Fault, Reply
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.place import Placement
from bitget_margin.core.place_state import PlaceState, Terms
from bitget_margin.core.requests import CallContext
from support.script import EPOCH_MS, START_MS, Script, fault

SYMBOL: Final = "BTCUSDT"
COINS: Final = {SYMBOL: ("BTC", "USDT"), "ETHUSDT": ("ETH", "USDT")}
PRICE: Final = "50000"
SIZE: Final = "0.001"
TERMS: Final = Terms("buy", Decimal(SIZE), None, Decimal(PRICE))

_PLACES: Final = {
    Endpoint.PLACE,
    Endpoint.UNIFIED_PLACE,
    Endpoint.BATCH_PLACE,
    Endpoint.UNIFIED_BATCH_PLACE,
}
_LISTS: Final = {
    Endpoint.OPEN_ORDERS: True,
    Endpoint.UNIFIED_OPEN_ORDERS: True,
    Endpoint.HISTORY_ORDERS: False,
    Endpoint.UNIFIED_HISTORY_ORDERS: False,
}


@dataclass(slots=True)
class Placed:
    """An order of this venue."""

    order_id: str
    name: str
    at_ms: float
    live: bool = True
    side: str = "buy"
    size: str = SIZE
    symbol: str = SYMBOL
    shown_ms: float = 0.0
    """When the lists show it."""
    said: dict[str, Any] = field(default_factory=dict)
    """What its row says otherwise."""
    ours: bool = True
    """Placed by the call, not before it."""


@dataclass(slots=True)
class PlacingVenue:
    """What is executed and answered; times are of the caller's clock, which the venue's follows."""

    kind: AccountKind = AccountKind.CLASSIC
    executed: Callable[[str, int], bool] = lambda _name, _times: True
    """Whether the order of this name is executed, at this time that it is sent, from 1."""
    answer: Callable[[list[str], int], object] | None = None
    """Returns the answer to these names, at this time; None answers as documented."""
    fills_at_once: bool = False
    lists_lag_ms: float = 0.0
    look_faults: int = 0
    """How many look-ups get no answer first."""
    orders: list[Placed] = field(default_factory=list)
    foreign_fills: int = 0
    frozen: Mapping[str, str] | None = None
    """What the balance shows as frozen; None is the truth."""
    fills_lag_ms: float = 0.0
    rows_behind_ms: float = 0.0
    """How far the clock of rows and fills is behind that of answers."""
    rows_say: dict[str, Any] = field(default_factory=dict)
    """What the rows of new orders say otherwise."""
    sent: list[list[str]] = field(default_factory=list)
    script: Script = field(init=False)

    def __post_init__(self) -> None:
        self.script = Script(self.say)

    def times(self, name: str) -> int:
        """Return how often an order of this name was sent."""
        return sum(name in names for names in self.sent)

    def of(self, name: str) -> list[Placed]:
        """Return the orders of this name that the call placed."""
        return [order for order in self.orders if order.name == name and order.ours]

    # -- the answers --------------------------------------------------------------------------------------------------

    def say(self, call: Call) -> object:
        """Return the answer to a request."""
        if call.endpoint in _PLACES:
            return self._place(call)
        if self.look_faults > 0:
            self.look_faults -= 1
            return fault()
        if call.endpoint in _LISTS:
            return self._list(call, live=_LISTS[call.endpoint])
        if call.endpoint is Endpoint.UNIFIED_ORDER:
            return self._one(call)
        if call.endpoint in {Endpoint.FILLS, Endpoint.UNIFIED_FILLS}:
            return self._fills()
        return self._assets()

    def _place(self, call: Call) -> object:
        single = call.endpoint in {Endpoint.PLACE, Endpoint.UNIFIED_PLACE}
        body: Any = call.params
        unified = call.endpoint in {Endpoint.UNIFIED_PLACE, Endpoint.UNIFIED_BATCH_PLACE}
        items = [body] if single else list(body) if unified else body["orderList"]
        names = [item["clientOid"] for item in items]
        self.sent.append(names)
        for item in items:
            name = item["clientOid"]
            if self.executed(name, self.times(name)):
                placed = Placed(
                    str(1_000 + len(self.orders)),
                    name,
                    self.script.now_ms,
                    live=not self.fills_at_once,
                    side=item["side"],
                    shown_ms=self.script.now_ms + self.lists_lag_ms,
                    said=self.rows_say,
                )
                self.orders.append(placed)
        said = None if self.answer is None else self.answer(names, len(self.sent))
        if said is not None:
            return said
        good = [{"orderId": o.order_id, "clientOid": o.name} for o in self.orders if o.name in names and o.ours]
        if single:
            return good[-1] if good else {}
        return good if unified else {"successList": good, "failureList": []}

    def _shown(self, symbol: str | None = None) -> list[Placed]:
        now = self.script.now_ms
        return [o for o in self.orders if o.shown_ms <= now and symbol in {None, o.symbol}]

    def _list(self, call: Call, *, live: bool) -> object:
        params: Any = call.params
        rows = [o for o in self._shown(params.get("symbol")) if o.live is live]
        for key, of in (("clientOid", "name"), ("orderId", "order_id")):
            if key in params:
                rows = [o for o in rows if getattr(o, of) == params[key]]
        if "idLessThan" in params:
            rows = [o for o in rows if int(o.order_id) < int(params["idLessThan"])]
        listed = [self._row(o) for o in sorted(rows, key=lambda o: -int(o.order_id))]
        return {"orderList": listed} if self.kind is AccountKind.CLASSIC else {"list": listed, "cursor": ""}

    def _one(self, call: Call) -> object:
        params: Any = call.params
        key, of = ("clientOid", "name") if "clientOid" in params else ("orderId", "order_id")
        found = [o for o in self._shown() if getattr(o, of) == params[key]]
        return self._row(found[-1]) if found else fault("25204", "Order does not exist")

    def _row(self, o: Placed) -> dict[str, Any]:
        at = str(int(EPOCH_MS + o.at_ms - START_MS - self.rows_behind_ms))
        ids = {"orderId": o.order_id, "clientOid": o.name, "symbol": o.symbol, "side": o.side, "price": PRICE}
        status, filled = ("live", "0") if o.live else ("filled", o.size)
        if self.kind is AccountKind.CLASSIC:
            amounts = {"status": status, "baseSize": o.size, "size": filled, "amount": "0"}
            return {**ids, **amounts, "orderType": "limit", "cTime": at, "uTime": at, **o.said}
        amounts = {"orderStatus": status, "qty": o.size, "cumExecQty": filled, "cumExecValue": "0"}
        times = {"createdTime": at, "updatedTime": at}
        return {**ids, **amounts, "category": "MARGIN", "orderType": "limit", **times, **o.said}

    def _fills(self) -> object:
        now = self.script.now_ms
        filled = [o for o in self.orders if not o.live and o.at_ms + self.fills_lag_ms <= now]
        rows = [self._fill(o.order_id, o.side, o.at_ms) for o in filled]
        rows += [self._fill(str(90_000 + i), "buy", now) for i in range(self.foreign_fills)]
        return {"fills": rows} if self.kind is AccountKind.CLASSIC else {"list": rows or None, "cursor": ""}

    def _fill(self, order_id: str, side: str, at_ms: float) -> dict[str, str]:
        at = str(int(EPOCH_MS + at_ms - START_MS - self.rows_behind_ms))
        return {"orderId": order_id, "symbol": SYMBOL, "side": side, "cTime": at, "createdTime": at}

    def _assets(self) -> object:
        held = {"BTC": Decimal(0), "USDT": Decimal(0)}
        for o in self.orders:
            if o.live:
                coin, amount = (
                    ("USDT", Decimal(o.size) * Decimal(PRICE)) if o.side == "buy" else ("BTC", Decimal(o.size))
                )
                held[coin] += amount
        shown = {coin: str(amount) for coin, amount in held.items()} if self.frozen is None else self.frozen
        if self.kind is AccountKind.CLASSIC:
            return [{"coin": coin, "frozen": amount} for coin, amount in shown.items()]
        return {"assets": [{"coin": coin, "locked": "0"} for coin in shown]}

    # -- the call -----------------------------------------------------------------------------------------------------

    def placement(
        self, *names: str, is_single: bool = True, is_unique: bool = True, terms: Terms = TERMS, **settings: Any
    ) -> Placement:
        """Return a call that places these orders."""
        ctx: CallContext = self.script.ctx(kind=self.kind, **settings)

        def build(api: Api, states: Iterable[PlaceState]) -> Call:
            orders = [{"clientOid": s.ref.value, "side": s.terms.side, "baseSize": SIZE} for s in states]
            return api.single_place_request(orders[0]) if is_single else api.batch_place_request(SYMBOL, orders)

        states = tuple(PlaceState(OrderRef(SYMBOL, IdKind.CLIENT, name), terms, is_unique) for name in names)
        return Placement(ctx, SYMBOL, COINS, states, build, is_single)


def failed_items(kind: AccountKind, names: Iterable[str], code: str | None, text: str = "no") -> object:
    """Return the answer to a batch in which these orders failed."""
    entry: dict[str, Any] = {} if code is None else {"errorCode": code, "code": code}
    rows = [{"clientOid": name, "errorMsg": text, "msg": text, **entry} for name in names]
    if kind is AccountKind.UNIFIED:
        return rows if code is not None else [{**row, "code": "unread"} for row in rows]
    return {"successList": [], "failureList": rows}


def lost(_names: list[str], _times: int) -> Fault:
    """Answer nothing."""
    return fault()


def says(code: str, status: int = 400) -> Callable[[list[str], int], Fault | Reply]:
    """Return what answers with this code for the whole request."""
    return lambda _names, _times: fault(code, "no", status)
