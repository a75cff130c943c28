"""Evidence about new orders: what the venue said of each, what its rows show, and what that proves.

How an order is settled:

    sent -> acknowledged under its client order id           PLACED
         -> a code that is known to mean "not executed"      REFUSED
         -> refused in words that prove nothing              looked up; REFUSED after two misses, if the account
            (Doubt.REFUSED_IN_WORDS)                          shows no trace of it
         -> "this client order id is taken"                  looked up; the order that has it is this one, or
            (Doubt.NAME_TAKEN)                                another one: then NAME_TAKEN. Never REFUSED by absence
         -> any other answer, or none                        looked up until the deadline. Absence proves nothing:
            (Doubt.MAYBE_PLACED)                              history lags, and the request may still be on its way

A look-up counts as a miss only if it would have shown the order: both lists answered, read to their end, every row
readable. A row counts as this order if symbol, side, amount and time fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Final

from bitget_margin.core.effects import Fault
from bitget_margin.core.order_ref import OrderRef
from bitget_margin.core.order_row import VENUE_CLOCK_RESOLUTION_MS, OrderRow, RowState
from bitget_margin.core.responses import Item, decimal
from bitget_margin.core.settings import Pacing
from bitget_margin.core.verdicts import Verdict, verdict_of_item

CLOCKS_APART_MS: Final = 1_000.0
"""How far the clocks behind the venue's answers and its rows may be apart."""
_REL_TOLERANCE: Final = Decimal("1e-9")


class Fate(Enum):
    """How a new order ended up, once that is proven."""

    PLACED = "the venue acknowledged it, or a row shows it"
    REFUSED = "it was certainly not placed"
    NAME_TAKEN = "it was not placed: another order has its client order id"


class Doubt(Enum):
    """Why it is not known whether an order was placed."""

    MAYBE_PLACED = "it may have been placed, or may still be"
    REFUSED_IN_WORDS = "refused by a code that does not prove it"
    NAME_TAKEN = "the venue says that an order has its client order id"


@dataclass(frozen=True, slots=True)
class Terms:
    """What tells an order from another one under the same client order id, as it was sent; None where not sent."""

    side: str
    base: Decimal | None
    """Amount in base coins."""
    quote: Decimal | None
    """Cost in quote coins, of a market buy."""
    price: Decimal | None
    order_type: str | None = None

    def fit(self, row: OrderRow) -> bool:
        """Whether the row may be of an order with these terms: nothing that it says differs from them."""
        if not str(row.raw.get("side", self.side)).lower().endswith(self.side):
            return False
        if self.order_type is not None and str(row.raw.get("orderType", self.order_type)).lower() != self.order_type:
            return False
        said: Mapping[str, Decimal | None] = {row.fields.ordered: self.base, "quoteSize": self.quote}
        if self.base is not None:
            said = {row.fields.ordered: self.base, "price": self.price}
        return all(_matches(decimal(row.raw.get(field)), sent) for field, sent in said.items() if sent is not None)


def _matches(shown: Decimal | None, sent: Decimal) -> bool:
    return not shown or abs(shown - sent) <= _REL_TOLERANCE * abs(sent)


class Age(Enum):
    """Whether an order was placed before the call began, by the venue's clock."""

    BEFORE = "before"
    SINCE = "since"
    UNKNOWN = "too close to tell: answers and rows may be written by clocks of their own"


def age_of(row: OrderRow, began_ms: float | None) -> Age:
    """Return whether the order of a row was placed before the call began."""
    if began_ms is None or row.created_ms is None:
        return Age.UNKNOWN
    if row.created_ms >= began_ms - VENUE_CLOCK_RESOLUTION_MS:
        return Age.SINCE
    return Age.UNKNOWN if row.created_ms >= began_ms - CLOCKS_APART_MS else Age.BEFORE


@dataclass(slots=True)
class PlaceState:
    """What is known of one new order. Times are of the caller's clock, in milliseconds."""

    ref: OrderRef
    """Its symbol and its client order id."""
    terms: Terms
    is_unique: bool
    """Whether its client order id was made for it: no other order ever had it."""

    fate: Fate | None = None
    doubt: Doubt = Doubt.MAYBE_PLACED
    is_limited: bool = False
    """Not executed, because too many requests came: it can be sent again."""
    item: Item | None = None
    """The venue's entry for it in the answer."""
    fault: Fault | None = None
    """The reply to its request that was no success."""
    row: OrderRow | None = None
    misses_ms: tuple[float, ...] = ()
    """When look-ups did not show it that would have."""

    @property
    def order_id(self) -> str | None:
        """The order id, once it is proven that the order was placed."""
        if self.fate is not Fate.PLACED:
            return None
        found = self.item if self.row is None else self.row
        return None if found is None else found.order_id

    # -- the answer to the request --------------------------------------------------------------------------------

    def acknowledge(self, item: Item) -> None:
        """Record that the venue took the order, under the client order id that was sent."""
        self.item = item
        self.is_limited = False
        if item.client_id == self.ref.value and item.order_id is not None and item.order_id.strip("0"):
            self.fate = Fate.PLACED
        else:
            self.doubt = Doubt.MAYBE_PLACED

    def fail(self, why: Verdict | None, *, item: Item | None = None, fault: Fault | None = None) -> None:
        """Record an answer that is no success; None for an entry that has no code, and a text that decides nothing."""
        self.item, self.fault = item, fault
        self.is_limited = why is Verdict.LIMITED
        if why in _NOT_PLACED:
            self.fate = Fate.REFUSED
        elif why is Verdict.DUPLICATE:
            self.doubt = Doubt.NAME_TAKEN
        elif why is Verdict.AMBIGUOUS:
            self.doubt = Doubt.MAYBE_PLACED
        else:
            self.doubt = Doubt.REFUSED_IN_WORDS

    def fail_item(self, item: Item) -> None:
        """Record a failure entry; one that names an order proves nothing, whatever its code."""
        why = verdict_of_item(item.code, item.reason)
        self.fail(None if why in _NOT_PLACED and item.order_id is not None else why, item=item)

    def leave_open(self) -> None:
        """Record an answer that says nothing of this order, or two things."""
        self.doubt, self.is_limited = Doubt.MAYBE_PLACED, False

    # -- what look-ups show ---------------------------------------------------------------------------------------

    def see(self, row: OrderRow, began_ms: float | None) -> bool:
        """Take a row under this client order id; return whether it leaves open where this order is.

        :param began_ms: when the call began, on the venue's clock, rather too early than too late
        """
        if row.symbol != self.ref.symbol or row.state is RowState.UNREADABLE:
            return True
        if not self.is_unique:
            live, age = row.state is RowState.LIVE, age_of(row, began_ms)
            if live and age is Age.BEFORE and self.doubt is Doubt.NAME_TAKEN and not self.terms.fit(row):
                self.fate = Fate.NAME_TAKEN
                return False
            if not self.terms.fit(row) or (not live and age is not Age.SINCE):
                return live or age is not Age.BEFORE  # an older order that has ended left its name free
        if self.row is None or (row.number or 0) > (self.row.number or 0):
            self.row, self.fate = row, Fate.PLACED
        return False

    def miss(self, now_ms: float) -> None:
        """Record a look-up that would have shown the order, and did not."""
        self.misses_ms = (*self.misses_ms, now_ms)

    def is_missed_twice(self, pacing: Pacing) -> bool:
        """Whether two look-ups missed it that stand as far apart as proof needs."""
        return bool(self.misses_ms) and self.misses_ms[-1] - self.misses_ms[0] >= pacing.recheck_ms

    def recheck_ms(self, pacing: Pacing) -> float | None:
        """Return when a miss is the second one that counts; None before the first one and after that."""
        if not self.misses_ms or self.is_missed_twice(pacing):
            return None
        return self.misses_ms[0] + pacing.recheck_ms


_NOT_PLACED: Final = frozenset({Verdict.UNSENT, Verdict.DEFINITIVE, Verdict.REFUSED, Verdict.CLOCK})
"""Verdicts on a request or an entry that prove that no order was placed."""
