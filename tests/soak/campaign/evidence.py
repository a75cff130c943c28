"""Evidence of a played round: the venue's books and requests, and the library's answer."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from bitget_margin.emulator import AccountKind, FaultKind, Order, RequestRecord
from bitget_margin.emulator.market.strategies import StrategyOrder
from campaign.scenario import By, OwnerAction, Scenario

ENDED: Final = {"cancelled", "filled"}
NEVER_EXECUTED: Final = frozenset({FaultKind.TOO_MANY, FaultKind.CLOCK_SKEW, FaultKind.UNIFIED})
"""Faults whose responses prove that a request was not executed."""
_SHOW_LIVE: Final = ("/open-orders", "/unfilled-orders", "/order-info")
_PAGES_READ: Final = 6
"""Number of pages of open orders that one lookup by a client order id reads."""
_CANCELS: Final = ("/batch-cancel-order", "/cancel-order", "/cancel-batch")
_CANCELS_ALL: Final = "/cancel-symbol-order"
"""Cancel of all orders of a symbol, which names none of them."""


@dataclass(frozen=True, slots=True)
class Name:
    """An order as the call named it: ccxt's symbol, the venue's symbol, and one id."""

    symbol: str
    market: str
    by: By
    value: str


@dataclass(frozen=True, slots=True)
class Statement:
    """The library's statement about one order; `outcome` is an `Outcome` value, or derived from the status."""

    id: str | None
    client_id: str | None
    symbol: str
    outcome: str
    order: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """Result of a call: statements, placed orders, or an exception with or without a report."""

    statements: tuple[Statement, ...] | None = None
    placed: tuple[Mapping[str, Any], ...] | None = None
    error: BaseException | None = None
    elapsed_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Done:
    """Action of the venue's owner on an order, on the venue's clock."""

    at_ms: int
    order_id: str
    action: OwnerAction
    successor: str | None = None
    """Id of the younger order that took over the client order id."""


@dataclass(frozen=True, slots=True)
class Settled:
    """Final state of an order that a call left open, from lookups after the faults."""

    name: str
    """Its client order id."""
    order: Mapping[str, Any] | None = None
    is_missed: bool = False
    """Whether two lookups with a pause between them did not show it: it was not placed."""
    error: BaseException | None = None
    """Last error of the lookups, if neither is the case."""
    elapsed_ms: float = 0.0
    """Time from the end of the faults to this result."""


Books = Mapping[str, Order]
"""Orders by id, including the foreign ones."""
Stops = Mapping[str, StrategyOrder]
"""Strategy orders by id."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that the rules use; times are on the venue's clock, in milliseconds."""

    scenario: Scenario
    names: tuple[Name, ...]
    before: Books
    after: Books
    final: Books
    """Books at the end of the round, after the calls that follow the faults."""
    done: tuple[Done, ...]
    requests: tuple[RequestRecord, ...]
    """Requests of the call, without those of the second call."""
    answer: Answer
    began_ms: float
    lag_ms: float
    """Worst delay of this process's event loop."""
    again: Answer | None = None
    again_names: tuple[Name, ...] = ()
    settled: tuple[Settled, ...] = ()
    stops_before: Stops = field(default_factory=dict)
    stops: Stops = field(default_factory=dict)
    """Strategy orders at the end of the round."""

    @property
    def deadline_ms(self) -> float:
        """Time at which the call has to start its report."""
        return self.began_ms + self.scenario.timeout_ms - min(100, self.scenario.timeout_ms / 10)

    @property
    def distinct(self) -> tuple[Name, ...]:
        """Names without duplicates, in the order of their first use."""
        return tuple(dict.fromkeys(self.names))

    def meant(self, name: Name) -> Order | None:
        """Return the order that had the name when the call began: the live one, else the newest."""
        ours = [
            order
            for order in self.before.values()
            if self.owns(order)
            and order.symbol == name.market
            and name.value == (order.order_id if name.by is By.ID else order.client_oid)
        ]
        return max(ours, key=lambda order: (order.live, int(order.order_id)), default=None)

    def is_elsewhere(self, name: Name) -> bool:
        """Whether a unified account's lookup by id, which ignores the symbol, finds an order that is not meant.

        That is an order of another symbol, or a spot order.
        """
        return self.meant(name) is None and self._has_namesake_elsewhere(name)

    def is_beyond_pages(self, name: Name) -> bool:
        """Whether only the end of open orders would decide on a client order id, and no lookup reads that far."""
        live = [
            order for order in self.final.values() if self.owns(order) and order.symbol == name.market and order.live
        ]
        cap = self.scenario.faults.knob("open_orders_cap")
        is_unified = self.scenario.account is not AccountKind.CLASSIC
        return is_unified and name.by is By.CLIENT_ID and 0 < cap * _PAGES_READ <= len(live)

    def _has_namesake_elsewhere(self, name: Name) -> bool:
        same = (
            order
            for order in self.after.values()
            if order.uid == self.scenario.uid and name.value in (order.order_id, order.client_oid)
        )
        is_unified = self.scenario.account is not AccountKind.CLASSIC
        return is_unified and any(order.symbol != name.market or order.is_spot for order in same)

    def is_moved(self, name: Name) -> bool:
        """Whether a fault shows an order of another symbol as one of this symbol."""
        return self.is_elsewhere(name) and self.scenario.faults.has(FaultKind.WRONG_SYMBOL)

    def touchable(self) -> set[str]:
        """Return the ids of the orders that the call may end."""
        if not self.scenario.method.places and not self.names:
            market = self.scenario.pair.market
            return {o.order_id for o in self.before.values() if self.owns(o) and o.symbol == market and o.live}
        return {order.order_id for name in self.names if (order := self.meant(name)) is not None}

    def owns(self, order: Order) -> bool:
        """Whether it is a margin order of this round's account."""
        return order.uid == self.scenario.uid and not order.is_spot

    def cancels(self, *values: str) -> list[RequestRecord]:
        """Return the cancels that name an order by one of these ids."""
        return [
            record
            for record in self.requests
            if record.path.endswith(_CANCELS) and any(value in values for value in named(record))
        ]

    def cancels_all(self, market: str) -> bool:
        """Whether one request has canceled all orders of this symbol."""
        return any(
            record.executed and record.path.endswith(_CANCELS_ALL) and json.loads(record.body).get("symbol") == market
            for record in self.requests
        )

    def new(self) -> list[Order]:
        """Return the orders placed during the round by the library."""
        known = {*self.before, *(done.successor for done in self.done)}
        return [order for order_id, order in self.final.items() if order_id not in known]

    def successor(self, name: Name) -> Order | None:
        """Return the younger order that took over this name during the call."""
        if name.by is By.ID:
            return None
        successors = [self.final[done.successor] for done in self.done if done.successor is not None]
        return next((o for o in successors if o.client_oid == name.value and o.symbol == name.market), None)

    def is_indistinguishable(self, successor: Order) -> bool:
        """Whether a call cannot distinguish this younger order from the one that is meant.

        Either the older order had ended before the first cancel by that name that may have been executed, or no cancel
        was executed before that and no lookup was answered that could have shown the older order.
        """
        ended_ms = next(done.at_ms for done in self.done if done.successor == successor.order_id)
        before = [record for record in self.cancels(successor.client_oid) if record.at_ms < ended_ms]
        if all(record.fault in NEVER_EXECUTED for record in before):
            return True
        lookups = (record for record in self.requests if record.path.endswith(_SHOW_LIVE) and record.at_ms < ended_ms)
        was_shown = any(record.status == HTTPStatus.OK for record in lookups)
        return not was_shown and not any(record.executed for record in before)


def named(record: RequestRecord) -> Iterator[str]:
    """Yield the ids that the body of a cancel names."""
    body = json.loads(record.body)
    items = body.get("orderIdList", [body]) if isinstance(body, dict) else body
    for item in items:
        yield from (item[key] for key in By if key in item)


def is_cancel(record: RequestRecord) -> bool:
    """Whether this request cancels orders."""
    return record.path.endswith(_CANCELS)
