"""Play one round: prepare the account, make the call during the events, record the books."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from bitget_margin import CancelUnresolved
from campaign.calls import call_of, cancel_again, make
from campaign.clients import Clients
from campaign.evidence import Answer, Books, Evidence, Name, Settled
from campaign.follow_up import settle
from campaign.judge_placing import undecided
from campaign.scenario import By, OwnerAction, Scenario
from campaign.venues import SharedVenue
from support.pulse import Pulse


@dataclass(frozen=True, slots=True)
class Player:
    """Resources that all rounds of a process share."""

    clients: Clients
    threads: Executor
    pulse: Pulse

    async def play(self, scenario: Scenario, venue: SharedVenue) -> Evidence:
        """Play a round and return its evidence."""
        control = venue.control(scenario)
        await control.prepare(scenario)
        await asyncio.sleep(scenario.apart_ms / 1_000)
        names = tuple(control.name(reference) for reference in scenario.references)
        exchange = self.clients.of(scenario.flavour, venue.emulator, venue.accounts[scenario.uid])
        before, stops_before = control.books(), control.stops()
        began, began_ms = time.monotonic(), time.time() * 1_000
        events = asyncio.create_task(control.run_events(scenario.events))
        answer = await make(exchange, call_of(scenario, names), self.threads)
        # No await from here until the books are recorded, so that no other task changes them.
        events.cancel()
        after, requests = control.books(), control.requests()
        lag_ms = self.pulse.worst_ms(began)
        with contextlib.suppress(asyncio.CancelledError):
            await events
        again: Answer | None = None
        again_names: Sequence[Name] = ()
        settled: tuple[Settled, ...] = ()
        if _cancels_again(scenario, answer):
            again_names = names or _open(scenario, before)
            control.end_faults()
            again = await cancel_again(exchange, again_names, self.threads)
        left = [order["clientOrderId"] for order in answer.placed or () if undecided(order)]
        if scenario.method.places and left:
            control.end_faults()
            # Delayed requests still arrive: the faults have ended only then.
            await asyncio.sleep(scenario.faults.late_ms / 1_000)
            settled = await settle(exchange, scenario.pair.symbol, left, began_ms, self.threads)
        self.clients.release(exchange)
        return Evidence(
            scenario=scenario,
            names=names,
            before=before,
            after=after,
            final=control.books() if again or settled else after,
            done=tuple(control.done),
            requests=requests,
            answer=answer,
            began_ms=began_ms,
            lag_ms=lag_ms,
            again=again,
            again_names=tuple(again_names),
            settled=settled,
            stops_before=stops_before,
            stops=control.stops(),
        )


def _cancels_again(scenario: Scenario, answer: Answer) -> bool:
    """Whether the same orders are canceled again after the faults: always if any is unresolved.

    Not if a name now belongs to a younger order, which the second call would cancel.
    """
    renamed = any(event.action is OwnerAction.SUCCEED for event in scenario.events)
    return scenario.cancels_again or (isinstance(answer.error, CancelUnresolved) and not renamed)


def _open(scenario: Scenario, books: Books) -> list[Name]:
    """Return the names of all open orders."""
    pair = scenario.pair
    ids = [o.order_id for o in books.values() if o.uid == scenario.uid and o.symbol == pair.market and o.live]
    return [Name(pair.symbol, pair.market, By.ID, order_id) for order_id in ids]
