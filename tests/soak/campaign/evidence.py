"""A round after it was played: what the venue's books say, and what the library said."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from bitget_margin.emulator import AccountKind, FaultKind, Order, RequestRecord

from .scenario import By, Deed, Scenario

ENDED: Final = {"cancelled", "filled"}
NEVER_EXECUTED: Final = frozenset({FaultKind.TOO_MANY, FaultKind.CLOCK_SKEW, FaultKind.UNIFIED})
"""Faults whose answers say that a request was not carried out."""
_SHOW_LIVE: Final = ("/open-orders", "/unfilled-orders", "/order-info")
_CANCELS: Final = ("/batch-cancel-order", "/cancel-order", "/cancel-batch")


@dataclass(frozen=True, slots=True)
class Name:
    """An order as the call named it: ccxt's symbol and the venue's, and one id."""

    symbol: str
    market: str
    by: By
    value: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What the library said of one order; `outcome` is the value of the `Outcome`, or what a status stands for."""

    id: str | None
    client_id: str | None
    symbol: str
    outcome: str
    order: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of the call: statements, placed orders, or an exception with or without a report."""

    statements: tuple[Statement, ...] | None = None
    placed: tuple[Mapping[str, Any], ...] | None = None
    error: BaseException | None = None
    elapsed_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Done:
    """What the venue's owner did to an order, on the venue's clock."""

    at_ms: int
    order_id: str
    deed: Deed
    heir: str | None = None
    """The younger order that was given the name of this one."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of an order that a call left open, as look-ups show it once the trouble has ended."""

    name: str
    """Its client order id."""
    order: Mapping[str, Any] | None = None
    is_missed: bool = False
    """Whether two look-ups that stand apart did not show it: it was not placed."""
    error: BaseException | None = None
    """Why it is not known, where neither is the case."""
    elapsed_ms: float = 0.0
    """How long after the trouble had ended it was known."""


Books = Mapping[str, Order]
"""Orders by id, those of the neighbour included."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that the judge looks at; times are of the venue's clock, in milliseconds."""

    scenario: Scenario
    names: tuple[Name, ...]
    before: Books
    after: Books
    final: Books
    """As it was when the round was over, after whatever was asked once the trouble had ended."""
    done: tuple[Done, ...]
    requests: tuple[RequestRecord, ...]
    """Those of the call, without those of the second question."""
    answer: Answer
    began_ms: float
    lag_ms: float
    """How late this process was with what it had to do, at the worst."""
    again: Answer | None = None
    again_names: tuple[Name, ...] = ()
    settled: tuple[Settled, ...] = ()

    @property
    def deadline_ms(self) -> float:
        """When the call has to begin to write its report."""
        return self.began_ms + self.scenario.timeout_ms - min(100, self.scenario.timeout_ms / 10)

    @property
    def distinct(self) -> tuple[Name, ...]:
        """Every name once, where it was first given."""
        return tuple(dict.fromkeys(self.names))

    def meant(self, name: Name) -> Order | None:
        """Return the order that had the name when the call began: the live one, else the newest."""
        ours = [
            order
            for order in self.before.values()
            if order.uid == self.scenario.uid
            and order.symbol == name.market
            and name.value == (order.order_id if name.by is By.ID else order.client_oid)
        ]
        return max(ours, key=lambda order: (order.live, int(order.order_id)), default=None)

    def is_elsewhere(self, name: Name) -> bool:
        """Whether a unified account's question by id, which knows no symbol, shows an order of another one."""
        if self.scenario.account is AccountKind.CLASSIC:
            return False
        same = [o for o in self.after.values() if self.owns(o) and name.value in (o.order_id, o.client_oid)]
        return self.meant(name) is None and any(order.symbol != name.market for order in same)

    def is_moved(self, name: Name) -> bool:
        """Whether the venue shows an order of another symbol as one of this symbol, and ended: nobody knows better."""
        return self.is_elsewhere(name) and self.scenario.trouble.has(FaultKind.WRONG_SYMBOL)

    def touchable(self) -> set[str]:
        """Return the ids of the orders that the call may end."""
        if not self.scenario.method.places and not self.names:
            market = self.scenario.pair.market
            return {o.order_id for o in self.before.values() if self.owns(o) and o.symbol == market and o.live}
        return {order.order_id for name in self.names if (order := self.meant(name)) is not None}

    def owns(self, order: Order) -> bool:
        """Whether it is an order of this round's account."""
        return order.uid == self.scenario.uid

    def cancels(self, *values: str) -> list[RequestRecord]:
        """Return the cancels that name an order by one of these ids."""
        return [
            record
            for record in self.requests
            if record.path.endswith(_CANCELS) and any(value in values for value in named(record))
        ]

    def new(self) -> list[Order]:
        """Return the orders that were placed during the round, but not by the venue's owner."""
        known = {*self.before, *(done.heir for done in self.done)}
        return [order for order_id, order in self.final.items() if order_id not in known]

    def heir(self, name: Name) -> Order | None:
        """Return the younger order that was given this name while the call ran."""
        if name.by is By.ID:
            return None
        heirs = [self.final[done.heir] for done in self.done if done.heir is not None]
        return next((o for o in heirs if o.client_oid == name.value and o.symbol == name.market), None)

    def is_taken_over(self, heir: Order) -> bool:
        """Whether a call can but take this younger order for the one that is meant.

        The older one had ended already when the first cancel by that name arrived that may have been carried out; or
        none was carried out before that, and no look-up answered that could have shown the older one.
        """
        ended_ms = next(done.at_ms for done in self.done if done.heir == heir.order_id)
        before = [record for record in self.cancels(heir.client_oid) if record.at_ms < ended_ms]
        if all(record.fault in NEVER_EXECUTED for record in before):
            return True
        looks = (record for record in self.requests if record.path.endswith(_SHOW_LIVE) and record.at_ms < ended_ms)
        looked = any(record.status == HTTPStatus.OK for record in looks)
        return not looked and not any(record.executed for record in before)


def named(record: RequestRecord) -> Iterator[str]:
    """Yield the ids that the body of a cancel names."""
    body = json.loads(record.body)
    items = body.get("orderIdList", [body]) if isinstance(body, dict) else body
    for item in items:
        yield from (item[key] for key in By if key in item)


def is_cancel(record: RequestRecord) -> bool:
    """Whether this request wants orders cancelled."""
    return record.path.endswith(_CANCELS)
