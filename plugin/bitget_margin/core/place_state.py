"""Evidence about new orders, from responses and lookups, and the outcome that it proves.

The outcome of an order by the response to its request:

    acknowledged under its client order id          PLACED
    a code that proves that nothing was executed    REFUSED
    a refusal that proves nothing                   looked up; REFUSED after two misses, if neither balance nor
      (Doubt.REFUSED_UNPROVEN)                        fills show a trace of the order
    "this client order id is in use"                looked up; the order that has it is this one (PLACED) or another
      (Doubt.CLIENT_ID_TAKEN)                         one (CLIENT_ID_TAKEN). Absence never makes it REFUSED
    any other response, or none                     looked up until the deadline. Absence proves nothing: history
      (Doubt.MAYBE_PLACED)                            lags, and the request may still be on its way

A lookup counts as a miss only if it would have shown the order: both lists were read to their end, and every row could
be read. A row counts as this order if its symbol, side, amount and time fit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Final

from bitget_margin.core.effects import Fault
from bitget_margin.core.order_ref import OrderRef
from bitget_margin.core.order_row import VENUE_CLOCK_RESOLUTION_MS, OrderRow, RowState
from bitget_margin.core.responses import BatchItem, decimal
from bitget_margin.core.settings import Pacing
from bitget_margin.core.verdicts import Verdict, verdict_of_item

CLOCKS_APART_MS: Final = 1_000.0
"""Largest difference between the clocks that write the times of responses and of rows."""
_REL_TOLERANCE: Final = Decimal("1e-9")
"""Relative difference up to which two amounts are equal."""


class PlaceOutcome(Enum):
    """Proven result of a request to place an order."""

    PLACED = "acknowledged, or shown by a row"
    REFUSED = "certainly not placed"
    CLIENT_ID_TAKEN = "not placed: another order has its client order id"


class Doubt(Enum):
    """Reason why it is not known whether an order was placed."""

    MAYBE_PLACED = "it may have been placed, or may still be"
    REFUSED_UNPROVEN = "refused with a code that does not prove it"
    CLIENT_ID_TAKEN = "refused because an order has its client order id"


@dataclass(frozen=True, slots=True)
class Terms:
    """Values of the request that distinguish orders of one client order id; None where not sent."""

    side: str
    base: Decimal | None
    """Amount in base coins."""
    quote: Decimal | None
    """Cost in quote coins, of a market buy."""
    price: Decimal | None
    order_type: str | None = None

    def fits(self, row: OrderRow) -> bool:
        """Whether no value of the row differs from these terms."""
        if not str(row.raw.get("side", self.side)).lower().endswith(self.side):
            return False
        if self.order_type is not None and str(row.raw.get("orderType", self.order_type)).lower() != self.order_type:
            return False
        sent: Mapping[str, Decimal | None] = {row.fields.ordered: self.base, "quoteSize": self.quote}
        if self.base is not None:
            sent = {row.fields.ordered: self.base, "price": self.price}
        return all(_matches(decimal(row.raw.get(field)), value) for field, value in sent.items() if value is not None)


def _matches(shown: Decimal | None, sent: Decimal) -> bool:
    return not shown or abs(shown - sent) <= _REL_TOLERANCE * abs(sent)


class Age(Enum):
    """Time at which an order was placed, relative to the start of the call, by the venue's clock."""

    BEFORE = "before"
    SINCE = "since"
    UNKNOWN = "unknown: the difference is within that of the venue's clocks"


def age_of(row: OrderRow, began_ms: float | None) -> Age:
    """Return whether the order of a row was placed before or since the start of the call."""
    if began_ms is None or row.created_ms is None:
        return Age.UNKNOWN
    if row.created_ms >= began_ms - VENUE_CLOCK_RESOLUTION_MS:
        return Age.SINCE
    return Age.UNKNOWN if row.created_ms >= began_ms - CLOCKS_APART_MS else Age.BEFORE


@dataclass(slots=True)
class PlaceState:
    """Evidence about one new order. Times are in milliseconds of the caller's clock."""

    ref: OrderRef
    """Its symbol and its client order id."""
    terms: Terms
    is_unique: bool
    """Whether no other order ever had its client order id."""

    outcome: PlaceOutcome | None = None
    doubt: Doubt = Doubt.MAYBE_PLACED
    is_limited: bool = False
    """Whether the rate limit refused it: it was not executed and can be sent again."""
    item: BatchItem | None = None
    """Its entry in the response."""
    fault: Fault | None = None
    """The failed reply to its request."""
    row: OrderRow | None = None
    namesake: OrderRow | None = None
    """An open order with other values under its client order id, of about the same time."""
    misses_ms: tuple[float, ...] = ()
    """Times of the lookups that would have shown it and did not."""

    @property
    def order_id(self) -> str | None:
        """The order id, once it is proven that the order was placed."""
        if self.outcome is not PlaceOutcome.PLACED:
            return None
        found = self.item if self.row is None else self.row
        return None if found is None else found.order_id

    # -- the response to the request -------------------------------------------------------------------------------

    def record_success(self, item: BatchItem) -> None:
        """Record an entry of success; it proves the order only under the client order id that was sent."""
        self.item = item
        self.is_limited = False
        if item.client_id == self.ref.value and item.order_id is not None and item.order_id.strip("0"):
            self.outcome = PlaceOutcome.PLACED
        else:
            self.doubt = Doubt.MAYBE_PLACED

    def record_failure(
        self, verdict: Verdict | None, *, item: BatchItem | None = None, fault: Fault | None = None
    ) -> None:
        """Record a failure; the verdict is None for an entry without a code whose text decides nothing."""
        self.item, self.fault = item, fault
        self.is_limited = verdict is Verdict.LIMITED
        if verdict in _NOT_PLACED:
            self.outcome = PlaceOutcome.REFUSED
        elif verdict is Verdict.DUPLICATE:
            self.doubt = Doubt.CLIENT_ID_TAKEN
        elif verdict is Verdict.AMBIGUOUS:
            self.doubt = Doubt.MAYBE_PLACED
        else:
            self.doubt = Doubt.REFUSED_UNPROVEN

    def record_failed_item(self, item: BatchItem) -> None:
        """Record an entry of failure; one with an order id proves nothing, whatever its code."""
        verdict = verdict_of_item(item.code, item.reason)
        self.record_failure(None if verdict in _NOT_PLACED and item.order_id is not None else verdict, item=item)

    def record_ambiguous(self) -> None:
        """Record a response that has no entry for this order, or two that contradict each other."""
        self.doubt, self.is_limited = Doubt.MAYBE_PLACED, False

    # -- lookups ---------------------------------------------------------------------------------------------------

    def record_row(self, row: OrderRow, began_ms: float | None) -> bool:
        """Record a row of this client order id; return whether this order may exist beside it.

        :param began_ms: when the call began, on the venue's clock, rather too early than too late
        """
        if row.symbol != self.ref.symbol or row.state is RowState.UNREADABLE:
            return True
        if not self.is_unique:
            live, age = row.state is RowState.LIVE, age_of(row, began_ms)
            if live and age is Age.BEFORE and self.doubt is Doubt.CLIENT_ID_TAKEN and not self.terms.fits(row):
                self.outcome = PlaceOutcome.CLIENT_ID_TAKEN
                return False
            if live and not self.terms.fits(row):
                self.namesake = row
            if not self.terms.fits(row) or (not live and age is not Age.SINCE):
                return live or age is not Age.BEFORE  # an older order that has ended left its client order id free
        if self.row is None or (row.number or 0) > (self.row.number or 0):
            self.row, self.outcome = row, PlaceOutcome.PLACED
        return False

    def record_miss(self, now_ms: float) -> None:
        """Record a lookup that would have shown the order and did not."""
        self.misses_ms = (*self.misses_ms, now_ms)

    def is_missed_twice(self, pacing: Pacing) -> bool:
        """Whether two lookups missed it that are as far apart as proof needs."""
        return bool(self.misses_ms) and self.misses_ms[-1] - self.misses_ms[0] >= pacing.recheck_ms

    def recheck_ms(self, pacing: Pacing) -> float | None:
        """Return the time from which a second miss counts; None before the first one and after the second."""
        if not self.misses_ms or self.is_missed_twice(pacing):
            return None
        return self.misses_ms[0] + pacing.recheck_ms


_NOT_PLACED: Final = frozenset({Verdict.UNSENT, Verdict.DEFINITIVE, Verdict.REFUSED, Verdict.CLOCK})
"""Verdicts that prove that no order was placed."""
