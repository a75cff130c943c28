"""Order rows of responses: the only proof of the final state of an order."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from bitget_margin.core.order_ref import IdKind, order_number


class RowState(Enum):
    """State of an order by its row."""

    LIVE = "live"
    CANCELED = "canceled"
    FILLED = "filled"
    UNREADABLE = "unreadable"

    @property
    def ended(self) -> bool:
        """Whether the state is final: the order can no longer trade."""
        return self is RowState.CANCELED or self is RowState.FILLED


VENUE_CLOCK_RESOLUTION_MS: Final = 1
"""Times in responses are whole milliseconds."""

_TIME: Final = re.compile(r"-?[0-9]{1,18}")
_STATES: Final = {
    "live": RowState.LIVE,
    "new": RowState.LIVE,
    "partial_fill": RowState.LIVE,  # the open-orders page
    "partially_fill": RowState.LIVE,  # the history-orders page
    "partially_filled": RowState.LIVE,  # the websocket page
    "filled": RowState.FILLED,
    "cancelled": RowState.CANCELED,
    "canceled": RowState.CANCELED,
    "reject": RowState.CANCELED,  # refused at entry: it never traded
}
"""Documented states. Other ones are unreadable.

Source: https://www.bitget.com/api-doc/margin/cross/trade/Get-Cross-Open-Orders, Get-Cross-Order-History, and
uta/trade/Get-Order-Details, which has `new` besides (December 2025).
"""


@dataclass(frozen=True, slots=True)
class Fields:
    """Names of the fields of a row, which differ between the account kinds."""

    status: str
    created: str
    updated: str
    ordered: str
    """Ordered amount in base coins."""
    filled: str
    """Filled amount in base coins."""


CLASSIC_FIELDS: Final = Fields("status", "cTime", "uTime", "baseSize", "size")
UNIFIED_FIELDS: Final = Fields("orderStatus", "createdTime", "updatedTime", "qty", "cumExecQty")


@dataclass(frozen=True, slots=True)
class OrderRow:
    """Row of open orders or order history; `raw` is the row as it was received."""

    order_id: str
    client_id: str | None
    symbol: str
    state: RowState
    raw: Mapping[str, Any]
    fields: Fields = CLASSIC_FIELDS

    def key(self, kind: IdKind) -> str | None:
        """Return the id of this kind."""
        return self.order_id if kind is IdKind.ORDER else self.client_id

    @property
    def updated_ms(self) -> int | None:
        """Time of the last change, on the venue's clock."""
        return milliseconds(self.raw.get(self.fields.updated))

    @property
    def created_ms(self) -> int | None:
        """Time at which the order was placed, on the venue's clock."""
        return milliseconds(self.raw.get(self.fields.created))

    @property
    def number(self) -> int | None:
        """The order id as a number, for paging."""
        return order_number(self.order_id)


def lowest_number(rows: Iterable[OrderRow]) -> int | None:
    """Return the lowest order id of these rows as a number; None where no id is a number."""
    return min((number for row in rows if (number := row.number) is not None), default=None)


def text(value: object) -> str | None:
    """Return an id or text as a string; None where it is missing, empty, or of another type."""
    if isinstance(value, str):
        return value or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def milliseconds(value: object) -> int | None:
    """Return a time in milliseconds, which may be a number or a string; None for anything else."""
    digits = text(value)
    return int(digits) if digits is not None and _TIME.fullmatch(digits) else None


def parse_row(raw: object, fields: Fields) -> OrderRow | None:
    """Read a row with these field names; None without an order id or a symbol."""
    if not isinstance(raw, Mapping):
        return None
    order_id, symbol = text(raw.get("orderId")), text(raw.get("symbol"))
    if order_id is None or symbol is None:
        return None
    status = raw.get(fields.status)
    state = _STATES.get(status, RowState.UNREADABLE) if isinstance(status, str) else RowState.UNREADABLE
    return OrderRow(order_id, text(raw.get("clientOid")), symbol, state, raw, fields)
