"""All orders and fills of the venue, and the ways to find them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from bitget_margin.emulator.market.decimals import ZERO
from bitget_margin.emulator.market.symbol import Symbol


class Orders:
    """Orders by id, account, symbol and client id; ids grow with time."""

    def __init__(self) -> None:
        self._by_id: dict[str, Order] = {}
        self._live: dict[str, dict[str, None]] = defaultdict(dict)
        self._of_account: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._of_client_id: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._fills: dict[tuple[str, str], list[Fill]] = defaultdict(list)
        self._observers: list[Callable[[Order], object]] = []

    def observe(self, observer: Callable[[Order], object]) -> None:
        """Have something called with each new and each changed order."""
        self._observers.append(observer)

    def add(self, order: Order) -> None:
        """Take in a new order."""
        self._of_account[order.uid, order.symbol].append(order.order_id)
        self._of_client_id[order.uid, order.client_oid].append(order.order_id)
        self.update(order)

    def update(self, order: Order) -> None:
        """Put a changed order in the place of the old one."""
        self._by_id[order.order_id] = order
        if order.live:
            self._live[order.symbol][order.order_id] = None
        else:
            self._live[order.symbol].pop(order.order_id, None)
        for observer in self._observers:
            observer(order)

    def add_fill(self, fill: Fill) -> None:
        """Take in a trade."""
        self._fills[fill.order.uid, fill.order.symbol].append(fill)

    def get(self, order_id: str) -> Order | None:
        """Return the order with this id."""
        return self._by_id.get(order_id)

    def everything(self) -> Iterable[Order]:
        """Return all orders, oldest first."""
        return self._by_id.values()

    def live_of(self, symbol: str) -> list[Order]:
        """Return the live orders of a symbol, oldest first."""
        return [self._by_id[order_id] for order_id in self._live[symbol]]

    def of_account(self, uid: str, symbol: str) -> list[Order]:
        """Return the orders of an account and symbol, newest first."""
        return [self._by_id[order_id] for order_id in reversed(self._of_account[uid, symbol])]

    def fills_of(self, uid: str, symbol: str) -> list[Fill]:
        """Return the trades of an account and symbol, newest first."""
        return self._fills[uid, symbol][::-1]

    def fills_of_order(self, order: Order) -> list[Fill]:
        """Return the trades of one order, oldest first."""
        return [fill for fill in self._fills[order.uid, order.symbol] if fill.order.order_id == order.order_id]

    def live_with_client_id(self, uid: str, client_oid: str) -> Order | None:
        """Return the newest live order of an account with this client id."""
        return next((order for order in self._with_client_id(uid, client_oid) if order.live), None)

    def find(self, uid: str, symbol: str | None, order_id: str | None, client_oid: str | None) -> Order | None:
        """Return an account's order by order id or else by client id, a live one first.

        :param symbol: orders of other ones do not count; None for any
        """
        if order_id is not None:
            order = self._by_id.get(order_id)
            return order if order and order.uid == uid and symbol in (None, order.symbol) else None
        found = [order for order in self._with_client_id(uid, client_oid or "") if symbol in (None, order.symbol)]
        return next((order for order in found if order.live), found[0] if found else None)

    def _with_client_id(self, uid: str, client_oid: str) -> list[Order]:
        return [self._by_id[order_id] for order_id in reversed(self._of_client_id.get((uid, client_oid), ()))]


@dataclass(frozen=True, slots=True)
class Ticket:
    """What an order is to be; sizes and price are 0 where they do not apply."""

    symbol: Symbol
    client_oid: str
    side: Side
    order_type: OrderType
    force: Force
    loan_type: LoanType
    price: Decimal
    base_size: Decimal
    quote_size: Decimal
    self_trade: SelfTrade


#: The venue's own coin, in which a customer may pay fees.
BGB = "BGB"


class Side(StrEnum):
    """Direction of an order."""

    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    """Whether an order names a price."""

    LIMIT = "limit"
    MARKET = "market"


class Force(StrEnum):
    """How long an order may rest."""

    GTC = "gtc"
    POST_ONLY = "post_only"
    IOC = "ioc"
    FOK = "fok"


class SelfTrade(StrEnum):
    """Self-trade prevention; recorded only, since orders here trade against the price alone."""

    NONE = "none"
    CANCEL_TAKER = "cancel_taker"
    CANCEL_MAKER = "cancel_maker"
    CANCEL_BOTH = "cancel_both"


class LoanType(StrEnum):
    """How an order borrows; recorded only, since the local venue lends nothing."""

    NORMAL = "normal"
    AUTO_LOAN = "autoLoan"
    AUTO_REPAY = "autoRepay"
    AUTO_LOAN_AND_REPAY = "autoLoanAndRepay"


class Status(StrEnum):
    """Where an order stands."""

    LIVE = "live"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"


class Scope(StrEnum):
    """Whether a fill came from a resting or a crossing order."""

    MAKER = "maker"
    TAKER = "taker"


@dataclass(frozen=True, slots=True)
class Order:
    """An order at one moment; a change makes a new value.

    :param price: limit price in quote coins, 0 for a market order
    :param base_size: ordered base coins, 0 for a market buy
    :param quote_size: ordered quote coins, 0 for a market sell
    :param filled: traded base coins
    :param quote_filled: traded quote coins
    :param created_ms: when it was placed, ms since the epoch
    :param updated_ms: when it last changed, ms since the epoch
    """

    order_id: str
    client_oid: str
    uid: str
    symbol: str
    side: Side
    order_type: OrderType
    force: Force
    loan_type: LoanType
    price: Decimal
    base_size: Decimal
    quote_size: Decimal
    created_ms: int
    updated_ms: int
    self_trade: SelfTrade = SelfTrade.NONE
    status: Status = Status.LIVE
    filled: Decimal = ZERO
    quote_filled: Decimal = ZERO

    @property
    def live(self) -> bool:
        """Whether it can still be filled or cancelled."""
        return self.status in (Status.LIVE, Status.PARTIALLY_FILLED)

    @property
    def reserve(self) -> Decimal:
        """What it keeps frozen: quote coins of a buy, base coins of a sell."""
        if not self.live:
            return ZERO
        if self.side is Side.SELL:
            return self.base_size - self.filled
        if self.order_type is OrderType.MARKET:
            return self.quote_size - self.quote_filled
        return self.price * (self.base_size - self.filled)

    def crosses(self, market_price: Decimal) -> bool:
        """Return whether it can trade at that price, in quote coins."""
        if self.order_type is OrderType.MARKET:
            return True
        return market_price <= self.price if self.side is Side.BUY else market_price >= self.price


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade of an order.

    :param size: traded base coins
    :param amount: traded quote coins
    :param fee: paid, in the coin that was received or in BGB
    :param at_ms: when, ms since the epoch
    """

    trade_id: str
    order: Order
    price: Decimal
    size: Decimal
    amount: Decimal
    fee: Decimal
    fee_coin: str
    scope: Scope
    at_ms: int
