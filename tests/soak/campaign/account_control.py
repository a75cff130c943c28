"""Control of one emulated account: orders before a call, events during it, books after it."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from bitget_margin.emulator import Emulator, Order, RequestRecord
from bitget_margin.emulator.market.strategies import StrategyOrder
from campaign.evidence import Done, Name
from campaign.scenario import MARKETS, By, Event, InitialState, OrderReference, OwnerAction, Plan, Scenario
from support.owner_orders import place_spot_order, place_stop

_AT_ONCE = 8
"""Orders placed before other tasks may run."""


@dataclass(slots=True)
class AccountControl:
    """Operations on one emulated account; `foreign_ids` are orders of another account."""

    venue: Emulator
    uid: str
    foreign_ids: Sequence[str]
    ids: list[str] = field(default_factory=list)
    """Ids of the planned orders, in the order of the plans."""
    spot_ids: list[str] = field(default_factory=list)
    stop_ids: list[str] = field(default_factory=list)
    done: list[Done] = field(default_factory=list)

    async def prepare(self, scenario: Scenario) -> None:
        """Place the planned orders, bring each to its initial state, then start the faults."""
        if scenario.owner_knobs:
            self.venue.knobs(self.uid, **dict(scenario.owner_knobs))
        self._place_owner_orders(scenario)
        for i, plan in enumerate(scenario.plans):
            self.ids.append(self._place(plan))
            if i % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)
        if scenario.faults.knobs:
            self.venue.knobs(self.uid, **dict(scenario.faults.knobs))
        for rule in scenario.faults.rules:
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

    def name(self, reference: OrderReference) -> Name:
        """Return how the call names an order."""
        if reference.plan is not None:
            order = self.venue.order(self.ids[reference.plan])
            value = order.order_id if reference.by is By.ID else order.client_oid
        elif reference.foreign is not None:
            value = self.foreign_ids[reference.foreign]
        elif reference.spot is not None:
            spot = self.venue.order(self.spot_ids[reference.spot])
            value = spot.order_id if reference.by is By.ID else spot.client_oid
        elif reference.stop is not None:
            value = self.stop_ids[reference.stop] if reference.by is By.ID else f"t{reference.stop}"
        else:
            value = reference.value
        return Name(reference.symbol, MARKETS[reference.symbol], reference.by, value)

    async def run_events(self, events: Sequence[Event]) -> None:
        """Perform the events, each at its time from now."""
        began = time.monotonic()
        for event in sorted(events, key=lambda event: event.at_ms):
            await asyncio.sleep(max(0.0, began + event.at_ms / 1_000 - time.monotonic()))
            self._do(event)

    def books(self) -> dict[str, Order]:
        """Return the current orders of the account and of the foreign account."""
        ours = {order.order_id: order for order in self.venue.orders(self.uid)}
        return ours | {order_id: self.venue.order(order_id) for order_id in self.foreign_ids}

    def stops(self) -> dict[str, StrategyOrder]:
        """Return the current strategy orders of the account."""
        return {order.order_id: order for order in self.venue.strategy_orders(self.uid)}

    def requests(self) -> tuple[RequestRecord, ...]:
        """Return the requests of the account so far."""
        return self.venue.requests_of(self.uid)

    def end_faults(self) -> None:
        """Clear the faults and reset the knobs."""
        self.venue.clear_faults(self.uid)
        self.venue.reset_knobs(self.uid)

    def _place_owner_orders(self, scenario: Scenario) -> None:
        for plan in scenario.spot_orders:
            placed = place_spot_order(
                self.venue, self.uid, plan.pair.market, plan.side, plan.price, plan.size, plan.name
            )
            if Decimal(plan.part):
                self.venue.fill(placed, plan.part)
            self.spot_ids.append(placed)
        for stop in scenario.stops:
            self.stop_ids.append(place_stop(self.venue, self.uid, stop.pair.market, stop.size, stop.price, stop.name))

    def _place(self, plan: Plan) -> str:
        name = {} if plan.name is None else {"clientOid": plan.name}
        fields = {"symbol": plan.pair.market, "side": plan.side, "price": plan.price, "baseSize": plan.size}
        order_id = self.venue.place(self.uid, fields | name)
        if plan.state is InitialState.PARTLY:
            self.venue.fill(order_id, plan.part)
        elif plan.state is InitialState.FILLED:
            self.venue.fill(order_id)
        elif plan.state is InitialState.CANCELLED:
            self.venue.cancel(order_id)
        return order_id

    def _do(self, event: Event) -> None:
        order = self.venue.order(self.ids[event.plan])
        left = order.base_size - order.filled
        part = (left / 2).quantize(order.base_size)
        successor = None
        try:
            if event.action is OwnerAction.CANCEL:
                after = self.venue.cancel(order.order_id)
            elif event.action is OwnerAction.PART and 0 < part < left:
                after = self.venue.fill(order.order_id, part)
            elif event.action is OwnerAction.SUCCEED:
                after = self.venue.fill(order.order_id)
                successor = self.venue.place(
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
        except ValueError:  # the order has ended since
            return
        self.done.append(Done(after.updated_ms, order.order_id, event.action, successor))
