"""The venue as its owner sees it: orders placed before a call, things done during it, and the books after it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bitget_margin.emulator import Emulator, Order, RequestRecord

from .evidence import Done, Name
from .scenario import MARKETS, By, Deed, Event, Fate, Naming, Plan, Scenario

_AT_ONCE = 8
"""How many orders are placed before others get their turn."""


@dataclass(slots=True)
class Ground:
    """One account of a venue; `neighbours` are orders of another one."""

    venue: Emulator
    uid: str
    neighbours: Sequence[str]
    ids: list[str] = field(default_factory=list)
    """Ids of the planned orders, in their order."""
    done: list[Done] = field(default_factory=list)

    async def prepare(self, scenario: Scenario) -> None:
        """Place the planned orders, let each meet its fate, and then let the trouble begin."""
        for i, plan in enumerate(scenario.plans):
            self.ids.append(self._place(plan))
            if i % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)
        if scenario.trouble.knobs:
            self.venue.knobs(self.uid, **dict(scenario.trouble.knobs))
        for rule in scenario.trouble.rules:
            self.venue.add_fault(
                rule.kind,
                rule.path,
                count=rule.count,
                probability=rule.probability,
                uid=self.uid,
                duration_ms=rule.duration_ms,
                code=rule.code,
                text=rule.text,
                status=rule.status,
                items=rule.items,
            )

    def name(self, naming: Naming) -> Name:
        """Return how the call names an order."""
        if naming.plan is not None:
            order = self.venue.order(self.ids[naming.plan])
            value = order.order_id if naming.by is By.ID else order.client_oid
        elif naming.neighbour is not None:
            value = self.neighbours[naming.neighbour]
        else:
            value = naming.value
        return Name(naming.symbol, MARKETS[naming.symbol], naming.by, value)

    async def disturb(self, events: Sequence[Event]) -> None:
        """Do what is to happen behind the caller's back, each at its time from now."""
        began = time.monotonic()
        for event in sorted(events, key=lambda event: event.at_ms):
            await asyncio.sleep(max(0.0, began + event.at_ms / 1_000 - time.monotonic()))
            self._do(event)

    def books(self) -> dict[str, Order]:
        """Return the account's orders and the neighbour's, as they are now."""
        ours = {order.order_id: order for order in self.venue.orders(self.uid)}
        return ours | {order_id: self.venue.order(order_id) for order_id in self.neighbours}

    def requests(self) -> tuple[RequestRecord, ...]:
        """Return the requests of the account so far."""
        return self.venue.requests_of(self.uid)

    def heal(self) -> None:
        """End the trouble."""
        self.venue.clear_faults(self.uid)
        self.venue.reset_knobs(self.uid)

    def _place(self, plan: Plan) -> str:
        name = {} if plan.name is None else {"clientOid": plan.name}
        fields = {"symbol": plan.pair.market, "side": plan.side, "price": plan.price, "baseSize": plan.size}
        order_id = self.venue.place(self.uid, fields | name)
        if plan.fate is Fate.PARTLY:
            self.venue.fill(order_id, plan.part)
        elif plan.fate is Fate.FILLED:
            self.venue.fill(order_id)
        elif plan.fate is Fate.CANCELLED:
            self.venue.cancel(order_id)
        return order_id

    def _do(self, event: Event) -> None:
        order = self.venue.order(self.ids[event.plan])
        left = order.base_size - order.filled
        part = (left / 2).quantize(order.base_size)
        heir = None
        try:
            if event.deed is Deed.CANCEL:
                after = self.venue.cancel(order.order_id)
            elif event.deed is Deed.PART and 0 < part < left:
                after = self.venue.fill(order.order_id, part)
            elif event.deed is Deed.SUCCEED:
                after = self.venue.fill(order.order_id)
                heir = self.venue.place(
                    self.uid,
                    {
                        "symbol": order.symbol,
                        "side": order.side,
                        "price": str(order.price),
                        "baseSize": str(order.base_size),
                        "clientOid": order.client_oid,
                    },
                )
            else:
                after = self.venue.fill(order.order_id)
        except ValueError:  # it has ended meanwhile
            return
        self.done.append(Done(after.updated_ms, order.order_id, event.deed, heir))
