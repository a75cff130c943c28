"""Orders and fills of the venue, and the indexes by which they are found."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from bitget_margin.emulator.market.decimals import ZERO

BGB = "BGB"
"""Coin of the venue, in which an account can pay its fees."""


class Side(StrEnum):
    """Direction of an order."""

    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    """Whether an order names a price."""

    LIMIT = "limit"
    MARKET = "market"


class Force(StrEnum):
    """Time in force of an order."""

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
    """Borrowing mode of an order of a classic account; those of a unified one always borrow what they lack."""

    NORMAL = "normal"
    AUTO_LOAN = "autoLoan"
    AUTO_REPAY = "autoRepay"
    AUTO_LOAN_AND_REPAY = "autoLoanAndRepay"

    @property
    def borrows(self) -> bool:
        """Whether an order borrows what it lacks."""
        return self in (LoanType.AUTO_LOAN, LoanType.AUTO_LOAN_AND_REPAY)

    @property
    def repays(self) -> bool:
        """Whether the coins that an order receives repay debts."""
        return self in (LoanType.AUTO_REPAY, LoanType.AUTO_LOAN_AND_REPAY)


class Status(StrEnum):
    """State of an order, spelled as in most responses of the venue."""

    LIVE = "live"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"


class Scope(StrEnum):
    """Whether a fill came from a resting or a crossing order."""

    MAKER = "maker"
    TAKER = "taker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """Order to be placed, already checked.

    :param price: limit price in quote coins, 0 for a market order
    :param base_size: ordered base coins, 0 for a market buy
    :param quote_size: ordered quote coins, 0 for a market sell
    :param is_spot: whether it is a spot order, which shares the wallet of a unified account and never borrows
    """

    client_oid: str
    symbol: str
    side: Side
    order_type: OrderType
    force: Force
    loan_type: LoanType
    price: Decimal
    base_size: Decimal
    quote_size: Decimal
    self_trade: SelfTrade = SelfTrade.NONE
    is_spot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(Ticket):
    """State of a placed order at one moment; each change makes a new value.

    :param filled: traded base coins
    :param quote_filled: traded quote coins
    :param is_liquidation: whether the venue has placed it to liquidate the account
    :param created_ms: time of placing, ms since the epoch
    :param updated_ms: time of the last change, ms since the epoch
    """

    order_id: str
    uid: str
    created_ms: int
    updated_ms: int
    status: Status = Status.LIVE
    filled: Decimal = ZERO
    quote_filled: Decimal = ZERO
    is_liquidation: bool = False

    @property
    def live(self) -> bool:
        """Whether it can still be filled or canceled."""
        return self.status in (Status.LIVE, Status.PARTIALLY_FILLED)

    @property
    def reserve(self) -> Decimal:
        """Amount that it keeps frozen: quote coins of a buy, base coins of a sell."""
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

    :param order: the order after this trade
    :param size: traded base coins
    :param amount: traded quote coins
    :param fee: paid fee, in the coin that was received or in BGB
    :param at_ms: time, ms since the epoch
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


class Orders:
    """All orders and fills by id, account, symbol and client id; ids grow with time."""

    def __init__(self) -> None:
        self._by_id: dict[str, Order] = {}
        self._live: dict[str, dict[str, None]] = defaultdict(dict)
        self._of_account: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._of_client_id: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._fills: dict[tuple[str, str], list[Fill]] = defaultdict(list)
        self._fills_of_order: dict[str, list[Fill]] = defaultdict(list)
        self._before_end: dict[str, Order] = {}
        self._forgotten: set[str] = set()
        self._observers: list[Callable[[Order], object]] = []

    def observe(self, observer: Callable[[Order], object]) -> None:
        """Call a function with each new and each changed order from now on."""
        self._observers.append(observer)

    def add(self, order: Order) -> None:
        """Add a new order."""
        self._of_account[order.uid, order.symbol].append(order.order_id)
        self._of_client_id[order.uid, order.client_oid].append(order.order_id)
        self.update(order)

    def update(self, order: Order) -> None:
        """Replace an order by its changed value."""
        known = self._by_id.get(order.order_id, order)
        if not order.live and known.live:
            self._before_end[order.order_id] = known
        self._by_id[order.order_id] = order
        if order.live:
            self._live[order.symbol][order.order_id] = None
        else:
            self._live[order.symbol].pop(order.order_id, None)
        for observer in self._observers:
            observer(order)

    def before_end(self, order: Order) -> Order:
        """Return an ended order as it was before its end."""
        return self._before_end.get(order.order_id, order)

    def forget(self, order_id: str) -> None:
        """Let no request find an order any more."""
        self._forgotten.add(order_id)

    def show(self, order_id: str) -> None:
        """Let requests find an order again."""
        self._forgotten.discard(order_id)

    def backdate(self, order_id: str, ms: int) -> None:
        """Move the time at which an order was placed into the past."""
        order = self.get(order_id)
        self._by_id[order_id] = replace(order, created_ms=order.created_ms - ms)

    def add_fill(self, fill: Fill) -> None:
        """Add a trade."""
        self._fills[fill.order.uid, fill.order.symbol].append(fill)
        self._fills_of_order[fill.order.order_id].append(fill)

    def get(self, order_id: str) -> Order:
        """Return the order with this id, or raise a ValueError."""
        if order_id not in self._by_id:
            raise ValueError(f"there is no order {order_id}")
        return self._by_id[order_id]

    def get_live(self, order_id: str) -> Order:
        """Return the live order with this id, or raise a ValueError."""
        order = self.get(order_id)
        if not order.live:
            raise ValueError(f"order {order_id} has ended, it is {order.status}")
        return order

    def all(self) -> Iterable[Order]:
        """Return all orders, oldest first."""
        return self._by_id.values()

    def live_of(self, symbol: str) -> list[Order]:
        """Return the live orders of a symbol, oldest first."""
        return [self._by_id[order_id] for order_id in self._live[symbol]]

    def of_account(self, uid: str, *symbols: str) -> list[Order]:
        """Return the orders of an account in some symbols, newest first."""
        order_ids = (order_id for symbol in symbols for order_id in self._of_account[uid, symbol])
        return [self._by_id[order_id] for order_id in sorted(order_ids, reverse=True) if self._known(order_id)]

    def fills_of(self, uid: str, *symbols: str) -> list[Fill]:
        """Return the trades of an account in some symbols, newest first."""
        fills = (fill for symbol in symbols for fill in self._fills[uid, symbol])
        return sorted(fills, key=lambda fill: fill.trade_id, reverse=True)

    def fills_of_order(self, order: Order) -> list[Fill]:
        """Return the trades of one order, oldest first."""
        return self._fills_of_order.get(order.order_id, [])

    def live_with_client_id(self, uid: str, client_oid: str) -> Order | None:
        """Return the newest live order of an account with this client id."""
        return next((order for order in self._with_client_id(uid, client_oid) if order.live), None)

    def find(self, uid: str, symbol: str | None, order_id: str | None, client_oid: str | None) -> Order | None:
        """Return an account's order by order id or else by client id, a live one first.

        :param symbol: only orders of this symbol are found; None for any
        """
        if order_id is not None:
            order = self._by_id.get(order_id) if self._known(order_id) else None
            return order if order and order.uid == uid and symbol in (None, order.symbol) else None
        found = [order for order in self._with_client_id(uid, client_oid or "") if symbol in (None, order.symbol)]
        return next((order for order in found if order.live), found[0] if found else None)

    def _with_client_id(self, uid: str, client_oid: str) -> list[Order]:
        order_ids = reversed(self._of_client_id.get((uid, client_oid), ()))
        return [self._by_id[order_id] for order_id in order_ids if self._known(order_id)]

    def _known(self, order_id: str) -> bool:
        return order_id not in self._forgotten
