"""Fake venue for new orders, with scripted execution, responses and delays of its lists."""

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
    """Order of this venue."""

    order_id: str
    client_id: str
    at_ms: float
    live: bool = True
    side: str = "buy"
    size: str = SIZE
    symbol: str = SYMBOL
    shown_ms: float = 0.0
    """Time from which the lists show it."""
    overrides: dict[str, Any] = field(default_factory=dict)
    """Fields of its row with other values."""
    in_call: bool = True
    """Whether the call placed it, not an earlier one."""


@dataclass(slots=True)
class PlacingVenue:
    """Venue whose clock follows that of the caller."""

    kind: AccountKind = AccountKind.CLASSIC
    executed: Callable[[str, int], bool] = lambda _client_id, _times: True
    """Whether the order of this client order id is executed when it is sent for the n-th time, from 1."""
    respond: Callable[[list[str], int], object] | None = None
    """Returns the response to the n-th request for these client order ids; None for the documented one."""
    fills_at_once: bool = False
    lists_lag_ms: float = 0.0
    lookup_faults: int = 0
    """How many lookups get no response at first."""
    orders: list[Placed] = field(default_factory=list)
    foreign_fills: int = 0
    frozen: Mapping[str, str] | None = None
    """Frozen amounts of the balance; None for the correct ones."""
    fills_lag_ms: float = 0.0
    rows_behind_ms: float = 0.0
    """Lag of the clock of rows and fills behind that of responses."""
    row_overrides: dict[str, Any] = field(default_factory=dict)
    """Fields of rows of new orders with other values."""
    sent: list[list[str]] = field(default_factory=list)
    script: Script = field(init=False)

    def __post_init__(self) -> None:
        self.script = Script(self.respond_to)

    def times(self, client_id: str) -> int:
        """Return how often an order of this client order id was sent."""
        return sum(client_id in sent for sent in self.sent)

    def of(self, client_id: str) -> list[Placed]:
        """Return the orders of this client order id that the call placed."""
        return [order for order in self.orders if order.client_id == client_id and order.in_call]

    # -- responses ----------------------------------------------------------------------------------------------------

    def respond_to(self, call: Call) -> object:
        """Return the response to a request."""
        if call.endpoint in _PLACES:
            return self._place(call)
        if self.lookup_faults > 0:
            self.lookup_faults -= 1
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
        client_ids = [item["clientOid"] for item in items]
        self.sent.append(client_ids)
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
                    overrides=self.row_overrides,
                )
                self.orders.append(placed)
        if self.respond is not None and (response := self.respond(client_ids, len(self.sent))) is not None:
            return response
        good = [
            {"orderId": o.order_id, "clientOid": o.client_id}
            for o in self.orders
            if o.client_id in client_ids and o.in_call
        ]
        if single:
            return good[-1] if good else {}
        return good if unified else {"successList": good, "failureList": []}

    def _shown(self, symbol: str | None = None) -> list[Placed]:
        now = self.script.now_ms
        return [o for o in self.orders if o.shown_ms <= now and symbol in {None, o.symbol}]

    def _list(self, call: Call, *, live: bool) -> object:
        params: Any = call.params
        rows = [o for o in self._shown(params.get("symbol")) if o.live is live]
        for key, attribute in (("clientOid", "client_id"), ("orderId", "order_id")):
            if key in params:
                rows = [o for o in rows if getattr(o, attribute) == params[key]]
        if "idLessThan" in params:
            rows = [o for o in rows if int(o.order_id) < int(params["idLessThan"])]
        listed = [self._row(o) for o in sorted(rows, key=lambda o: -int(o.order_id))]
        return {"orderList": listed} if self.kind is AccountKind.CLASSIC else {"list": listed, "cursor": ""}

    def _one(self, call: Call) -> object:
        params: Any = call.params
        key, attribute = ("clientOid", "client_id") if "clientOid" in params else ("orderId", "order_id")
        found = [o for o in self._shown() if getattr(o, attribute) == params[key]]
        return self._row(found[-1]) if found else fault("25204", "Order does not exist")

    def _row(self, o: Placed) -> dict[str, Any]:
        at = str(int(EPOCH_MS + o.at_ms - START_MS - self.rows_behind_ms))
        ids = {"orderId": o.order_id, "clientOid": o.client_id, "symbol": o.symbol, "side": o.side, "price": PRICE}
        status, filled = ("live", "0") if o.live else ("filled", o.size)
        if self.kind is AccountKind.CLASSIC:
            amounts = {"status": status, "baseSize": o.size, "size": filled, "amount": "0"}
            return {**ids, **amounts, "orderType": "limit", "cTime": at, "uTime": at, **o.overrides}
        amounts = {"orderStatus": status, "qty": o.size, "cumExecQty": filled, "cumExecValue": "0"}
        times = {"createdTime": at, "updatedTime": at}
        return {**ids, **amounts, "category": "MARGIN", "orderType": "limit", **times, **o.overrides}

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
        frozen = {"BTC": Decimal(0), "USDT": Decimal(0)}
        for o in self.orders:
            if o.live:
                coin, amount = (
                    ("USDT", Decimal(o.size) * Decimal(PRICE)) if o.side == "buy" else ("BTC", Decimal(o.size))
                )
                frozen[coin] += amount
        shown = {coin: str(amount) for coin, amount in frozen.items()} if self.frozen is None else self.frozen
        if self.kind is AccountKind.CLASSIC:
            return [{"coin": coin, "frozen": amount} for coin, amount in shown.items()]
        return {"assets": [{"coin": coin, "locked": "0"} for coin in shown]}

    # -- the call -----------------------------------------------------------------------------------------------------

    def placement(
        self, *client_ids: str, is_single: bool = True, is_unique: bool = True, terms: Terms = TERMS, **settings: Any
    ) -> Placement:
        """Return a call that places orders of these client order ids."""
        ctx: CallContext = self.script.ctx(kind=self.kind, **settings)

        def build(api: Api, states: Iterable[PlaceState]) -> Call:
            orders = [{"clientOid": s.ref.value, "side": s.terms.side, "baseSize": SIZE} for s in states]
            return api.single_place_request(orders[0]) if is_single else api.batch_place_request(SYMBOL, orders)

        states = tuple(PlaceState(OrderRef(SYMBOL, IdKind.CLIENT, name), terms, is_unique) for name in client_ids)
        return Placement(ctx, SYMBOL, COINS, states, build, is_single)


def failed_items(kind: AccountKind, client_ids: Iterable[str], code: str | None, text: str = "no") -> object:
    """Return the response to a batch in which these orders failed."""
    entry: dict[str, Any] = {} if code is None else {"errorCode": code, "code": code}
    rows = [{"clientOid": name, "errorMsg": text, "msg": text, **entry} for name in client_ids]
    if kind is AccountKind.UNIFIED:
        return rows if code is not None else [{**row, "code": "unread"} for row in rows]
    return {"successList": [], "failureList": rows}


def no_response(_client_ids: list[str], _times: int) -> Fault:
    """Return the fault of a request without a response."""
    return fault()


def refuses_with(code: str, status: int = 400) -> Callable[[list[str], int], Fault | Reply]:
    """Return a function that refuses whole requests with this code."""
    return lambda _client_ids, _times: fault(code, "no", status)
