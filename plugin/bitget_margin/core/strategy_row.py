"""Strategy orders of a unified account: their terms, and the rows of their lists.

A strategy order waits for a price and then places an order. The pages of December 2025 have type `tpsl` and contracts
only; type `trigger`, the status and the category MARGIN are in client libraries of 2026. Their rows show neither side
nor type, and no status before 2026.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from bitget_margin.core.order_ref import IdKind, order_number
from bitget_margin.core.order_row import milliseconds, text
from bitget_margin.core.responses import Listing, decimal

_REL_TOLERANCE: Final = Decimal("1e-9")
"""Relative difference up to which two amounts are equal."""


class StrategyType(Enum):
    """Type of a strategy order; the value is that of requests."""

    TPSL = "tpsl"
    TRIGGER = "trigger"


class Condition(Enum):
    """Condition of a strategy order, with the names of its fields in requests and rows."""

    STOP_LOSS = ("stopLoss", "slTriggerBy", "slOrderType", "slLimitPrice", StrategyType.TPSL)
    TAKE_PROFIT = ("takeProfit", "tpTriggerBy", "tpOrderType", "tpLimitPrice", StrategyType.TPSL)
    TRIGGER = ("triggerPrice", "triggerBy", "triggerOrderType", "triggerOrderPrice", StrategyType.TRIGGER)

    def __init__(self, price: str, watched: str, order_type: str, limit_price: str, kind: StrategyType) -> None:
        self.price: Final = price
        self.watched: Final = watched
        """Field with the price that is watched: `market` or `mark`."""
        self.order_type: Final = order_type
        self.limit_price: Final = limit_price
        self.type: Final = kind


class StrategyState(Enum):
    """State of a strategy order by its row."""

    WAITING = "it waits for its price"
    SUBMITTING = "triggered; its order is on its way"
    FIRED = "it has placed its order"
    FAILED = "its order was refused"
    CANCELED = "canceled before it triggered"
    ENDED = "in history without a status: canceled, or triggered"
    UNREADABLE = "an unknown status"

    @property
    def ended(self) -> bool:
        """Whether the strategy order can no longer trigger."""
        return self not in {StrategyState.WAITING, StrategyState.SUBMITTING, StrategyState.UNREADABLE}


_STATES: Final = {
    "pending": StrategyState.WAITING,
    "submitting": StrategyState.SUBMITTING,
    "success": StrategyState.FIRED,
    "failed": StrategyState.FAILED,
    "cancelled": StrategyState.CANCELED,
    "canceled": StrategyState.CANCELED,
}
"""https://github.com/tiagosiebler/bitget-api and UnipayFI/go-bitget, 2026; the older pages have no status."""


@dataclass(frozen=True, slots=True)
class StrategyRow:
    """Row of a strategy order; `raw` is the row as it was received."""

    order_id: str
    client_id: str | None
    symbol: str
    state: StrategyState
    raw: Mapping[str, Any]

    def key(self, kind: IdKind) -> str | None:
        """Return the id of this kind."""
        return self.order_id if kind is IdKind.ORDER else self.client_id

    @property
    def amount(self) -> Decimal | None:
        """Amount in base coins."""
        return decimal(self.raw.get("qty"))

    @property
    def side(self) -> str | None:
        """`buy` or `sell`; None where the row does not show it, as in the documents."""
        side = text(self.raw.get("side"))
        return side if side is None else side.lower()

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions that have a price."""
        return tuple(each for each in Condition if decimal(self.raw.get(each.price)))

    @property
    def created_ms(self) -> int | None:
        """Time at which it was placed, on the venue's clock."""
        return milliseconds(self.raw.get("createdTime"))

    @property
    def updated_ms(self) -> int | None:
        """Time of the last change, on the venue's clock."""
        return milliseconds(self.raw.get("updatedTime"))

    @property
    def number(self) -> int | None:
        """The order id as a number."""
        return order_number(self.order_id)


@dataclass(frozen=True, slots=True)
class StrategyTerms:
    """Terms of a strategy order with one condition. Amounts are in base coins."""

    symbol: str
    side: str
    amount: Decimal
    condition: Condition
    price: Decimal
    """Price that triggers it."""
    order_type: str
    limit_price: Decimal | None = None
    """Price of its order; None for a market order."""
    watched: str = "market"

    def fields(self) -> dict[str, str]:
        """Return the fields of its condition, as the venue names them."""
        named = self.condition
        fields = {named.price: f"{self.price:f}", named.watched: self.watched, named.order_type: self.order_type}
        return fields if self.limit_price is None else {**fields, named.limit_price: f"{self.limit_price:f}"}

    def fits(self, row: StrategyRow) -> bool:
        """Whether a row shows these terms: every value that it has is the same, and amount and price are there."""
        if row.symbol != self.symbol or row.conditions != (self.condition,) or row.side not in {None, self.side}:
            return False
        shown_type = text(row.raw.get(self.condition.order_type))
        if shown_type is not None and shown_type.lower() != self.order_type:
            return False
        limit = decimal(row.raw.get(self.condition.limit_price))
        if limit and not _equal(limit, self.limit_price):
            return False
        return _equal(row.amount, self.amount) and _equal(decimal(row.raw.get(self.condition.price)), self.price)


def terms_of(row: StrategyRow, side: str) -> StrategyTerms | None:
    """Return the terms that a row shows; None where it has not exactly one condition, or no amount.

    :param side: its side, where the row does not show it
    """
    if len(row.conditions) != 1 or row.amount is None:
        return None
    (condition,) = row.conditions
    price, limit = decimal(row.raw.get(condition.price)), decimal(row.raw.get(condition.limit_price))
    order_type = (text(row.raw.get(condition.order_type)) or "market").lower()
    watched = text(row.raw.get(condition.watched)) or "market"
    if price is None:
        return None
    return StrategyTerms(
        row.symbol, row.side or side, row.amount, condition, price, order_type, limit or None, watched.lower()
    )


@dataclass(frozen=True, slots=True)
class SubOrder:
    """Order that a strategy order has placed; `filled` is None where the row does not show it."""

    order_id: str
    symbol: str
    filled: Decimal | None
    average: Decimal | None
    raw: Mapping[str, Any]


def parse_strategy(raw: object, listing: Listing) -> StrategyRow | None:
    """Read a row of a list; None without an order id or a symbol."""
    if not isinstance(raw, Mapping):
        return None
    order_id, symbol = text(raw.get("orderId")), text(raw.get("symbol"))
    if order_id is None or symbol is None:
        return None
    status = text(raw.get("status"))
    if status is None:
        state = StrategyState.WAITING if listing is Listing.OPEN else StrategyState.ENDED
    else:
        state = _STATES.get(status.lower(), StrategyState.UNREADABLE)
    return StrategyRow(order_id, text(raw.get("clientOid")), symbol, state, raw)


def parse_sub_order(raw: object) -> SubOrder | None:
    """Read a row of strategy-sub-orders; None without an order id or a symbol."""
    if not isinstance(raw, Mapping):
        return None
    order_id, symbol = text(raw.get("subOrderId")), text(raw.get("symbol"))
    if order_id is None or symbol is None:
        return None
    return SubOrder(order_id, symbol, decimal(raw.get("cumExecQty")), decimal(raw.get("avgPrice")), raw)


def _equal(shown: Decimal | None, wanted: Decimal | None) -> bool:
    if shown is None or wanted is None:
        return shown is wanted
    return abs(shown - wanted) <= _REL_TOLERANCE * abs(wanted)
