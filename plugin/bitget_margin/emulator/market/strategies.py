"""Strategy orders of the venue: they wait for a price, and then place an order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.decimals import ZERO
from bitget_margin.emulator.market.orders import Force, LoanType, Order, OrderType, Side, Ticket
from bitget_margin.emulator.market.prices import Market
from bitget_margin.emulator.market.wallet import Wallet


class StrategyKind(StrEnum):
    """Type of a strategy order."""

    TPSL = "tpsl"
    TRIGGER = "trigger"


class StrategyStatus(StrEnum):
    """State of a strategy order, as the newest client libraries spell it."""

    PENDING = "pending"
    SUCCESS = "success"
    """It has placed its order."""
    FAILED = "failed"
    """Its order was refused."""
    CANCELLED = "cancelled"


class TriggerBy(StrEnum):
    """Price that is watched; here both are the last price."""

    MARKET = "market"
    MARK = "mark"


class LegKind(StrEnum):
    """Condition of a strategy order, named as in its rows."""

    TAKE_PROFIT = "takeProfit"
    STOP_LOSS = "stopLoss"
    TRIGGER = "trigger"


@dataclass(frozen=True, slots=True)
class Leg:
    """One condition of a strategy order, and the order that it places.

    :param price: price that triggers it, in quote coins
    :param limit_price: price of the order, 0 for a market order
    :param below: whether it triggers at that price and below it, or at it and above
    """

    kind: LegKind
    price: Decimal
    by: TriggerBy
    order_type: OrderType
    limit_price: Decimal
    below: bool

    def is_reached(self, market_price: Decimal) -> bool:
        """Return whether it triggers at a price."""
        return market_price <= self.price if self.below else market_price >= self.price


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyTicket:
    """Strategy order to be placed, already checked; its size is in base coins."""

    client_oid: str
    symbol: str
    type: StrategyKind
    side: Side
    size: Decimal
    legs: tuple[Leg, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyOrder(StrategyTicket):
    """State of a strategy order at one moment; each change makes a new value.

    :param frozen: amount that it keeps frozen: base coins of a sell, quote coins of a buy
    :param hit: the condition that has triggered
    :param placed_id: id of the order that it has placed
    """

    order_id: str
    uid: str
    created_ms: int
    updated_ms: int
    status: StrategyStatus = StrategyStatus.PENDING
    frozen: Decimal = ZERO
    hit: Leg | None = None
    placed_id: str | None = None

    @property
    def live(self) -> bool:
        """Whether it can still trigger or be canceled."""
        return self.status is StrategyStatus.PENDING


Placing = Callable[[str, Ticket, int], Order]
"""Places the order of a triggered one: account, order, time in ms since the epoch."""


class StrategyOrders:
    """All strategy orders by id; ids grow with time.

    :param place: places an order, or raises `VenueError`
    :param freezes: returns whether the strategy orders of an account freeze coins
    """

    def __init__(
        self,
        market: Market,
        wallets: Mapping[str, Wallet],
        place: Placing,
        next_id: Callable[[], str],
        freezes: Callable[[str], bool],
    ) -> None:
        self._market = market
        self._wallets = wallets
        self._place = place
        self._next_id = next_id
        self._freezes = freezes
        self._by_id: dict[str, StrategyOrder] = {}

    def place(self, uid: str, ticket: StrategyTicket, now_ms: int) -> StrategyOrder:
        """Place a strategy order, which triggers at once where the price has been reached already."""
        if any(order.client_oid == ticket.client_oid for order in self.of_account(uid) if order.live):
            raise VenueError(Refusal.DUPLICATE_CLIENT_ID)
        order = StrategyOrder(
            client_oid=ticket.client_oid,
            symbol=ticket.symbol,
            type=ticket.type,
            side=ticket.side,
            size=ticket.size,
            legs=ticket.legs,
            order_id=self._next_id(),
            uid=uid,
            created_ms=now_ms,
            updated_ms=now_ms,
        )
        self._by_id[order.order_id] = self._with_frozen(order, now_ms)
        self.watch(ticket.symbol, now_ms)
        return self._by_id[order.order_id]

    def modify(self, order_id: str, size: Decimal, legs: tuple[Leg, ...], now_ms: int) -> StrategyOrder:
        """Change size and conditions of a live strategy order."""
        before = self.get(order_id)
        order = self._with_frozen(replace(before, size=size, legs=legs, updated_ms=now_ms), now_ms)
        self._by_id[order_id] = order
        self.watch(order.symbol, now_ms)
        return self._by_id[order_id]

    def cancel(self, order_id: str, now_ms: int) -> StrategyOrder:
        """Cancel a strategy order, unless it has ended, and release the coins that it has frozen."""
        order = self.get(order_id)
        return self._end(order, StrategyStatus.CANCELLED, now_ms) if order.live else order

    def watch(self, symbol: str, now_ms: int) -> None:
        """Trigger the strategy orders that the price of a symbol has reached, oldest first."""
        price = self._market.price(symbol)
        for order in [order for order in self._by_id.values() if order.live and order.symbol == symbol]:
            hit = next((leg for leg in order.legs if leg.is_reached(price)), None)
            if hit is not None:
                self._trigger(order, hit, now_ms)

    def get(self, order_id: str) -> StrategyOrder:
        """Return the strategy order with this id, or raise a ValueError."""
        if order_id not in self._by_id:
            raise ValueError(f"there is no strategy order {order_id}")
        return self._by_id[order_id]

    def find(self, uid: str, order_id: str | None, client_oid: str | None) -> StrategyOrder | None:
        """Return an account's strategy order by order id or else by client id, a live one first."""
        key = "client_oid" if order_id is None else "order_id"
        found = [order for order in self.of_account(uid) if getattr(order, key) == (order_id or client_oid)]
        return next((order for order in found if order.live), found[0] if found else None)

    def of_account(self, uid: str) -> list[StrategyOrder]:
        """Return the strategy orders of an account, newest first."""
        return [order for order in reversed(self._by_id.values()) if order.uid == uid]

    def all(self) -> list[StrategyOrder]:
        """Return all strategy orders, oldest first."""
        return list(self._by_id.values())

    def _trigger(self, order: StrategyOrder, hit: Leg, now_ms: int) -> None:
        self._end(replace(order, hit=hit), StrategyStatus.SUCCESS, now_ms)
        is_cost = order.side is Side.BUY and hit.order_type is OrderType.MARKET
        ticket = Ticket(
            client_oid=self._next_id(),
            symbol=order.symbol,
            side=order.side,
            order_type=hit.order_type,
            force=Force.GTC,
            loan_type=LoanType.AUTO_LOAN,
            price=hit.limit_price,
            base_size=ZERO if is_cost else order.size,
            quote_size=order.size * self._market.price(order.symbol) if is_cost else ZERO,
        )
        try:
            placed = self._place(order.uid, ticket, now_ms)
        except VenueError:
            self._by_id[order.order_id] = replace(self.get(order.order_id), status=StrategyStatus.FAILED)
        else:
            self._by_id[order.order_id] = replace(self.get(order.order_id), placed_id=placed.order_id)

    def _end(self, order: StrategyOrder, status: StrategyStatus, now_ms: int) -> StrategyOrder:
        self._move(order, ZERO, now_ms)
        ended = self._by_id[order.order_id] = replace(order, status=status, frozen=ZERO, updated_ms=now_ms)
        return ended

    def _with_frozen(self, order: StrategyOrder, now_ms: int) -> StrategyOrder:
        """Return an order with the amount that it freezes, or refuse with the venue's error."""
        wanted = ZERO
        if self._freezes(order.uid):
            wanted = order.size if order.side is Side.SELL else order.size * max(leg.price for leg in order.legs)
        self._move(order, wanted, now_ms)
        return replace(order, frozen=wanted)

    def _move(self, order: StrategyOrder, wanted: Decimal, now_ms: int) -> None:
        """Freeze or release the difference to what an order has frozen."""
        symbol, wallet = self._market.symbols[order.symbol], self._wallets[order.uid]
        coin = symbol.base if order.side is Side.SELL else symbol.quote
        if wanted > order.frozen:
            wallet.freeze(coin, wanted - order.frozen)
        elif wanted < order.frozen:
            wallet.release(coin, order.frozen - wanted)
        wallet.keep_state(now_ms)
