"""Orders and their fills, as immutable values."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from bitget_margin.emulator.decimals import ZERO

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
