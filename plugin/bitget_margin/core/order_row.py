"""An order row of the venue: the only proof of an end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from bitget_margin.core.order_ref import IdKind, number


class RowState(Enum):
    """What a row says about its order."""

    LIVE = "live"
    CANCELED = "canceled"
    FILLED = "filled"
    UNREADABLE = "unreadable"

    @property
    def ended(self) -> bool:
        """Whether an order in this state can no longer trade."""
        return self is RowState.CANCELED or self is RowState.FILLED


VENUE_CLOCK_RESOLUTION_MS: Final = 1
"""The venue writes whole milliseconds."""

_ZERO: Final = re.compile(r"0+(\.0+)?")
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
    "reject": RowState.CANCELED,  # refused at entry: it never traded and never will
}
"""https://www.bitget.com/api-doc/margin/cross/trade/Get-Cross-Open-Orders, Get-Cross-Order-History (December 2025),
and uta/trade/Get-Order-Details, which has `new` besides.
"""


@dataclass(frozen=True, slots=True)
class Fields:
    """What the venue calls the parts of a row."""

    status: str
    created: str
    updated: str
    ordered: str
    filled: str
    """In base coins."""
    value: str
    """The same in quote coins."""


CLASSIC_FIELDS: Final = Fields("status", "cTime", "uTime", "baseSize", "size", "amount")
UNIFIED_FIELDS: Final = Fields("orderStatus", "createdTime", "updatedTime", "qty", "cumExecQty", "cumExecValue")


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One row of open-orders or history-orders, as far as the contract needs it; `raw` is what the venue sent."""

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
        """When the row last changed, on the venue's clock."""
        return milliseconds(self.raw.get(self.fields.updated))

    @property
    def created_ms(self) -> int | None:
        """When the order was placed, on the venue's clock."""
        return milliseconds(self.raw.get(self.fields.created))

    @property
    def unfilled(self) -> bool:
        """Whether it says of both coins that nothing was traded."""
        said = (text(self.raw.get(name)) for name in (self.fields.filled, self.fields.value))
        return all(amount is not None and _ZERO.fullmatch(amount) for amount in said)

    @property
    def number(self) -> int | None:
        """The order id as a number, for paging."""
        return number(self.order_id)


def lowest_number(rows: Iterable[OrderRow]) -> int | None:
    """Return the lowest order id of these rows as a number, None where none has one."""
    return min((number for row in rows if (number := row.number) is not None), default=None)


def text(value: object) -> str | None:
    """Return an id or text of the venue as a string: None for what is missing, empty, or no id at all."""
    if isinstance(value, str):
        return value or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def milliseconds(value: object) -> int | None:
    """Return a time of the venue, which it writes as a number or as the text of one."""
    written = text(value)
    return int(written) if written is not None and _TIME.fullmatch(written) else None


def parse_row(raw: object, fields: Fields) -> OrderRow | None:
    """Read a row whose parts have these names; None where it names no order or no symbol: that proves nothing."""
    if not isinstance(raw, Mapping):
        return None
    order_id, symbol = text(raw.get("orderId")), text(raw.get("symbol"))
    if order_id is None or symbol is None:
        return None
    status = raw.get(fields.status)
    state = _STATES.get(status, RowState.UNREADABLE) if isinstance(status, str) else RowState.UNREADABLE
    return OrderRow(order_id, text(raw.get("clientOid")), symbol, state, raw, fields)
