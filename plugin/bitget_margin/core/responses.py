"""What the venue's answers come to, whatever account they are about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any, Final

from bitget_margin.core.effects import Call, Reply, ReplyOrFault
from bitget_margin.core.order_ref import IdKind
from bitget_margin.core.order_row import OrderRow, milliseconds, text
from bitget_margin.core.verdicts import SUCCESS, Verdict, hint_gone, verdict_of_fault

_LARGEST_EXPONENT: Final = 40
"""No amount of money is larger or smaller; beyond it, arithmetic would fail."""


class Listing(Enum):
    """The two lists of orders: an order that is in neither may be on its way from one to the other."""

    OPEN = "open"
    HISTORY = "history"


@dataclass(frozen=True, slots=True)
class OrderQuery:
    """A request for one order by its id, and the lists that its answer speaks for."""

    call: Call
    lists: tuple[Listing, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """What an answer says of one order of a batch; `raw` is what the venue sent."""

    order_id: str | None
    client_id: str | None
    reason: str | None
    code: str | None
    raw: Mapping[str, Any]

    def key(self, kind: IdKind) -> str | None:
        """Return the id of the kind that was sent: entries are matched by nothing else."""
        return self.order_id if kind is IdKind.ORDER else self.client_id


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """What the answer to a batch lists; `unreadable` holds entries that name no order."""

    successes: tuple[Item, ...]
    failures: tuple[Item, ...]
    unreadable: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class FillRow:
    """One fill: whose order, its side, and when, on the venue's clock."""

    order_id: str
    symbol: str | None
    side: str
    at_ms: int | None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of order rows; `size` counts what the venue sent, readable or not, at `sent_ms` of its own clock."""

    rows: tuple[OrderRow, ...]
    size: int
    sent_ms: int | None = None
    cursor: str | None = None
    """Where the next page begins; None after the last one."""
    full: bool = True
    """Whether it may have been cut off by a cap, so that another page is worth asking for."""

    @property
    def last(self) -> bool:
        """Whether the venue says that nothing comes after it."""
        return self.size == 0 or (self.cursor is None and not self.full)

    @property
    def whole(self) -> bool:
        """Whether every row could be read: one that cannot may be an order that lives."""
        return len(self.rows) == self.size


def page_of(reply: ReplyOrFault, read: Callable[[object], Page | None]) -> Page | None:
    """Read a reply to a question about one order: that the venue does not know it is an empty page."""
    if isinstance(reply, Reply):
        return read(reply.body)
    gone = verdict_of_fault(reply) in {Verdict.GONE, Verdict.UNSETTLED} and hint_gone(reply.code, reply.text)
    return Page((), 0, sent_ms_of(reply.body)) if gone else None


def sent_ms_of(body: object) -> int | None:
    """Return when an answer was sent, on the venue's clock."""
    return milliseconds(body.get("requestTime")) if isinstance(body, Mapping) else None


def data_of(body: object) -> object:
    """Return what an answer carries; None where it is not one of success."""
    return body.get("data") if isinstance(body, Mapping) and body.get("code") == SUCCESS else None


def parse_item(raw: object, *, reason: str, code: str) -> Item | None:
    """Read an entry of a batch, whose fields for a failure have these names; None where it names no order."""
    if not isinstance(raw, Mapping):
        return None
    order_id, client_id = text(raw.get("orderId")), text(raw.get("clientOid"))
    if order_id is None and client_id is None:
        return None
    return Item(order_id, client_id, text(raw.get(reason)), text(raw.get(code)), raw)


def as_mapping(raw: object) -> Mapping[str, Any]:
    """Return an entry that cannot be read in a form that can be shown."""
    return raw if isinstance(raw, Mapping) else {"raw": raw}


def fills_of(listed: object, created: str, limit: int) -> tuple[FillRow, ...] | None:
    """Read a page of fills; None where a row cannot be read, or the page may have been cut off."""
    if not isinstance(listed, list) or len(listed) >= limit:
        return None
    fills: list[FillRow] = []
    for raw in listed:
        order_id = text(raw.get("orderId")) if isinstance(raw, Mapping) else None
        side = text(raw.get("side")) if isinstance(raw, Mapping) else None
        if order_id is None or side is None:
            return None
        fills.append(FillRow(order_id, text(raw.get("symbol")), side.lower(), milliseconds(raw.get(created))))
    return tuple(fills)


def decimal(value: object) -> Decimal | None:
    """Return a number of the venue, or None where it is none."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) <= _LARGEST_EXPONENT else None
