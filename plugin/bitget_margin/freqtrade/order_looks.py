"""Looks at a resting order that the operator wants to forget, and the decision that they allow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from bitget_margin.adapter.fetch import OrdersView
from bitget_margin.freqtrade.ladder_spec import REL_TOLERANCE
from bitget_margin.freqtrade.tracked_order import ENDED, TrackedOrder

LOOKS: Final = 2
"""Number of complete looks that have to miss an order, as for a cancel's `NOT_FOUND`."""


class Finding(Enum):
    """The state of an order by these looks."""

    ABSENT = "absent"
    """In no list and not found by its ids, in two complete looks: it may be forgotten."""
    OPEN = "open"
    """A row shows it as open."""
    ENDED = "ended"
    """A row shows its end, which the bot books."""
    FILLED = "filled"
    """No row is left, and its fills are more than the bot has booked."""
    UNKNOWN = "unknown"
    """A look was not answered in full, or a row cannot be told to be of this order."""


@dataclass(frozen=True, slots=True)
class OrderLook:
    """Answers to one look at an order, by its order id and its client order id."""

    rows: tuple[Mapping[str, Any], ...] = ()
    """ccxt's structures of its rows."""
    filled: float = 0.0
    """Sum of its fills where it has no row, in coins of the position."""
    is_complete: bool = False
    """Whether an order that this look does not show does not rest."""


def ids_of(order: TrackedOrder) -> list[str]:
    """Return the ids by which an order is looked up: the client order id, and the order id if it has one."""
    return [order.client_id, *([] if order.order_id is None else [order.order_id])]


def look_of(order: TrackedOrder, view: OrdersView) -> OrderLook:
    """Return what a lookup by all its ids shows of an order."""
    ids = ids_of(order)
    fills = [view.fills[name].amount for name in ids if name in view.fills]
    return OrderLook(
        tuple(view.orders[name] for name in ids if name in view.orders),
        order.net_of(max(fills, default=0.0)),
        view.open_is_complete and view.unanswered.isdisjoint(ids),
    )


def judge(order: TrackedOrder, looks: Sequence[OrderLook]) -> Finding:
    """Return the state of an order by looks that were made one after the other, some time apart."""
    rows = [row for look in looks for row in look.rows]
    if any(row["status"] == "open" for row in rows):
        return Finding.OPEN
    # Another order may have its client order id by now.
    if any(row["status"] in ENDED and order.order_id in {None, row["id"]} for row in rows):
        return Finding.ENDED
    if rows:
        return Finding.UNKNOWN
    if any(look.filled > order.filled + order.amount * REL_TOLERANCE for look in looks):
        return Finding.FILLED
    return Finding.ABSENT if len(looks) >= LOOKS and all(look.is_complete for look in looks) else Finding.UNKNOWN
