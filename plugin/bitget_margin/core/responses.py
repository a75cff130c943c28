"""Types that responses are parsed to, for both account kinds, and parsers of their common parts."""

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
"""Largest power of ten that is accepted in amounts: arithmetic with larger ones would fail."""


class Listing(Enum):
    """The two lists of orders; an order that is in neither may be on its way from one to the other."""

    OPEN = "open"
    HISTORY = "history"


@dataclass(frozen=True, slots=True)
class OrderQuery:
    """Request for one order by its id, and the lists that its response covers."""

    call: Call
    lists: tuple[Listing, ...]


@dataclass(frozen=True, slots=True)
class BatchItem:
    """Entry for one order in the response to a batch; `raw` is the entry as it was received."""

    order_id: str | None
    client_id: str | None
    reason: str | None
    code: str | None
    raw: Mapping[str, Any]

    def key(self, kind: IdKind) -> str | None:
        """Return the id of this kind; entries are matched only by the kind of id that was sent."""
        return self.order_id if kind is IdKind.ORDER else self.client_id


@dataclass(frozen=True, slots=True)
class BatchResponse:
    """Response to a batch by entry; `unreadable` holds entries without an id."""

    successes: tuple[BatchItem, ...]
    failures: tuple[BatchItem, ...]
    unreadable: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class FillRow:
    """Fill of an order; `at_ms` is its time on the venue's clock, `amount` in base coins."""

    order_id: str
    symbol: str | None
    side: str
    at_ms: int | None
    amount: Decimal | None = None
    price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Page of order rows.

    `size` counts all rows, readable or not; `sent_ms` is the time of the response on the venue's clock.
    """

    rows: tuple[OrderRow, ...]
    size: int
    sent_ms: int | None = None
    cursor: str | None = None
    """Cursor of the next page; None after the last one."""
    full: bool = True
    """Whether it may have been cut off at a maximum page size, so that another page may follow."""

    @property
    def last(self) -> bool:
        """Whether no page follows."""
        return self.size == 0 or (self.cursor is None and not self.full)

    @property
    def whole(self) -> bool:
        """Whether every row could be read; one that cannot may be an open order."""
        return len(self.rows) == self.size


def page_of(reply: ReplyOrFault, read: Callable[[object], Page | None]) -> Page | None:
    """Read the reply to a query for one order; a fault that means "unknown order" is an empty page."""
    if isinstance(reply, Reply):
        return read(reply.body)
    gone = verdict_of_fault(reply) in {Verdict.GONE, Verdict.UNSETTLED} and hint_gone(reply.code, reply.text)
    return Page((), 0, sent_ms_of(reply.body)) if gone else None


def sent_ms_of(body: object) -> int | None:
    """Return the time of a response on the venue's clock."""
    return milliseconds(body.get("requestTime")) if isinstance(body, Mapping) else None


def data_of(body: object) -> object:
    """Return the data of a response; None unless its code is that of success."""
    return body.get("data") if isinstance(body, Mapping) and body.get("code") == SUCCESS else None


def fields_of(body: object) -> Mapping[str, Any]:
    """Return the data of a response as a mapping; empty where it is none."""
    data = data_of(body)
    return data if isinstance(data, Mapping) else {}


def list_of(body: object, *names: str) -> object:
    """Return the list of a response under one of its names; an empty one may be written as null."""
    data = fields_of(body)
    given = [data[name] for name in names if name in data]
    return next((listed for listed in given if listed is not None), [] if given else None)


def parse_items(
    listed: object, *, reason: str, code: str
) -> tuple[tuple[BatchItem, ...], tuple[Mapping[str, Any], ...]]:
    """Return the entries of a batch, and those without an id.

    :param reason: field with the text of a failure
    :param code: field with the code of a failure
    """
    items: list[BatchItem] = []
    unreadable: list[Mapping[str, Any]] = []
    for raw in listed if isinstance(listed, list) else ():
        entry = as_mapping(raw)
        order_id, client_id = text(entry.get("orderId")), text(entry.get("clientOid"))
        if order_id is None and client_id is None:
            unreadable.append(entry)
        else:
            items.append(BatchItem(order_id, client_id, text(entry.get(reason)), text(entry.get(code)), entry))
    return tuple(items), tuple(unreadable)


def as_mapping(raw: object) -> Mapping[str, Any]:
    """Return an entry as a mapping, also where it is none, so that it can be reported."""
    return raw if isinstance(raw, Mapping) else {"raw": raw}


def parse_fills(listed: object, limit: int, *, created: str, amount: str, price: str) -> tuple[FillRow, ...] | None:
    """Read a page of fills; None where a row cannot be read or the page may have been cut off.

    :param created: field with the time; `amount` and `price` are the names of fields, too
    """
    if not isinstance(listed, list) or len(listed) >= limit:
        return None
    fills: list[FillRow] = []
    for raw in listed:
        entry = as_mapping(raw)
        order_id, side = text(entry.get("orderId")), text(entry.get("side"))
        if order_id is None or side is None:
            return None
        amounts = (decimal(entry.get(name)) for name in (amount, price))
        at_ms = milliseconds(entry.get(created))
        fills.append(FillRow(order_id, text(entry.get("symbol")), side.lower(), at_ms, *amounts))
    return tuple(fills)


def decimal(value: object) -> Decimal | None:
    """Return an amount; None where it is no finite number, is too large, or is a float."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) <= _LARGEST_EXPONENT else None
