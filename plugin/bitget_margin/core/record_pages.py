"""Requests and pages of an account's records: ended orders, fills, changes of the balance, liquidations."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from bitget_margin.core.order_ref import order_number
from bitget_margin.core.order_row import text


class RecordKind(Enum):
    """Kind of records; its value names them in messages."""

    ORDERS = "ended orders"
    FILLS = "fills"
    FINANCIAL = "financial records"
    LIQUIDATIONS = "liquidations"
    INTEREST = "interest"
    OTHER_INTEREST = "interest of no category"
    """Interest that a unified account records beside its margin orders."""


class NoSuchRecords(Exception):
    """The account kind has no endpoint for these records."""


@dataclass(frozen=True, slots=True)
class RecordQuery:
    """Records that are sought; a filter that an endpoint lacks is left to the caller."""

    kind: RecordKind
    symbol: str | None = None
    coin: str | None = None
    order_id: str | None = None


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """Span of time of one request, epoch ms, with both ends; it is open without an end."""

    start_ms: int
    end_ms: int | None


@dataclass(frozen=True, slots=True)
class RecordPage:
    """Page of records by their ids; `full` is whether another page may follow."""

    rows: Mapping[str, Mapping[str, Any]]
    cursor: str | None
    full: bool


def record_page(
    listed: object,
    id_field: str,
    *,
    full: Callable[[int], bool],
    cursor: str | None = None,
    is_ours: Callable[[Mapping[str, Any]], bool] = lambda _: True,
) -> RecordPage | None:
    """Return the page of these rows; None without a list, or with a row that has no id.

    :param full: whether a page of so many rows may have been cut off
    :param cursor: cursor of the next page; by default the lowest id
    """
    if not isinstance(listed, list):
        return None
    rows: dict[str, Mapping[str, Any]] = {}
    for raw in listed:
        record_id = text(raw.get(id_field)) if isinstance(raw, Mapping) else None
        if record_id is None:
            return None
        rows[record_id] = raw
    numbers = [number for record_id in rows if (number := order_number(record_id)) is not None]
    following = cursor or (str(min(numbers)) if numbers else None)
    ours = {record_id: raw for record_id, raw in rows.items() if is_ours(raw)}
    return RecordPage(ours, following if rows else None, bool(rows) and full(len(listed)))
