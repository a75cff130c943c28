"""Spot orders and strategy orders that the owner of a unified account has placed, beside those of a program."""

from dataclasses import dataclass, field
from decimal import Decimal

from bitget_margin.emulator import Emulator, Order, RequestRecord
from bitget_margin.emulator.market.orders import OrderType, Side
from bitget_margin.emulator.market.strategies import (
    Leg,
    LegKind,
    StrategyKind,
    StrategyOrder,
    StrategyTicket,
    TriggerBy,
)


def may_touch_them(record: RequestRecord) -> bool:
    """Whether a request may change spot or strategy orders."""
    is_spot = "spot" in f"{record.path} {record.body}".lower()
    return record.method == "POST" and (is_spot or "strategy" in record.path)


def place_spot_order(venue: Emulator, uid: str, market: str, side: str, price: str, size: str, name: str = "") -> str:
    """Place a spot order, which holds coins of the common wallet, and return its id."""
    fields = {"category": "SPOT", "symbol": market, "side": side, "price": price, "baseSize": size}
    return venue.place(uid, fields | ({"clientOid": name} if name else {}))


def place_stop(venue: Emulator, uid: str, market: str, size: str, price: str, name: str) -> str:
    """Place a strategy order that sells below a price, and return its id."""
    leg = Leg(LegKind.STOP_LOSS, Decimal(price), TriggerBy.MARKET, OrderType.MARKET, Decimal(0), below=True)
    ticket = StrategyTicket(
        client_oid=name,
        symbol=market,
        type=StrategyKind.TPSL,
        side=Side.SELL,
        size=Decimal(size),
        legs=(leg,),
    )
    return venue.place_strategy_order(uid, ticket)


@dataclass
class OwnerOrders:
    """Orders of the owner of one account, which no program may touch."""

    venue: Emulator
    uid: str
    spot: dict[str, Order] = field(default_factory=dict)
    stops: dict[str, StrategyOrder] = field(default_factory=dict)

    def place_spot_order(self, market: str, side: str, price: str, size: str) -> str:
        """Place a spot order and return its id."""
        placed = place_spot_order(self.venue, self.uid, market, side, price, size)
        self.spot[placed] = self.venue.order(placed)
        return placed

    def place_stop(self, market: str, size: str, price: str) -> str:
        """Place a strategy order that sells below a price, and return its id."""
        placed = place_stop(self.venue, self.uid, market, size, price, f"stop-{len(self.stops)}")
        self.stops = {each.order_id: each for each in self.venue.strategy_orders(self.uid)}
        return placed

    def assert_untouched(self) -> None:
        """Check that all of them are as they were placed, that no other exists, and that no request was about them."""
        orders = {order.order_id: order for order in self.venue.orders(self.uid) if order.is_spot}
        assert orders == self.spot
        assert {each.order_id: each for each in self.venue.strategy_orders(self.uid)} == self.stops
        assert [record for record in self.venue.requests if may_touch_them(record)] == []
