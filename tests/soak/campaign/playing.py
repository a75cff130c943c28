"""One round, played: the venue prepared, the call made while things happen, the books taken."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from bitget_margin import CancelUnresolved
from support.pulse import Pulse

from .calls import ask_again, call_of, make
from .clients import Clients
from .evidence import Answer, Books, Evidence, Name, Settled
from .placing import undecided
from .scenario import By, Deed, Scenario
from .settling import settle
from .stages import Stage


@dataclass(frozen=True, slots=True)
class Player:
    """What all rounds of a process share."""

    clients: Clients
    threads: Executor
    pulse: Pulse

    async def play(self, scenario: Scenario, stage: Stage) -> Evidence:
        """Play a round and return its evidence."""
        ground = stage.ground(scenario)
        await ground.prepare(scenario)
        await asyncio.sleep(scenario.apart_ms / 1_000)
        names = tuple(ground.name(naming) for naming in scenario.namings)
        exchange = self.clients.of(scenario.flavour, stage.venue, stage.accounts[scenario.uid])
        before = ground.books()
        began, began_ms = time.monotonic(), time.time() * 1_000
        disturbing = asyncio.create_task(ground.disturb(scenario.events))
        answer = await make(exchange, call_of(scenario, names), self.threads)
        # Nothing is awaited from here until the books are taken, so that nobody else changes them.
        disturbing.cancel()
        after, requests = ground.books(), ground.requests()
        lag_ms = self.pulse.worst_ms(began)
        with contextlib.suppress(asyncio.CancelledError):
            await disturbing
        again: Answer | None = None
        again_names: Sequence[Name] = ()
        settled: tuple[Settled, ...] = ()
        if _asks_again(scenario, answer):
            again_names = names or _open(scenario, before)
            ground.heal()
            again = await ask_again(exchange, again_names, self.threads)
        left = [order["clientOrderId"] for order in answer.placed or () if undecided(order)]
        if scenario.method.places and left:
            ground.heal()
            # What is on its way arrives: the trouble has ended only then.
            await asyncio.sleep(scenario.trouble.late_ms / 1_000)
            settled = await settle(exchange, scenario.pair.symbol, left, began_ms, self.threads)
        self.clients.give_back(exchange)
        return Evidence(
            scenario=scenario,
            names=names,
            before=before,
            after=after,
            final=ground.books() if again or settled else after,
            done=tuple(ground.done),
            requests=requests,
            answer=answer,
            began_ms=began_ms,
            lag_ms=lag_ms,
            again=again,
            again_names=tuple(again_names),
            settled=settled,
        )


def _asks_again(scenario: Scenario, answer: Answer) -> bool:
    """Whether the same orders are cancelled once more when the trouble is over: always where they were not resolved.

    A name that has gone to a younger order meanwhile would name that one.
    """
    renamed = any(event.deed is Deed.SUCCEED for event in scenario.events)
    return scenario.asks_again or (isinstance(answer.error, CancelUnresolved) and not renamed)


def _open(scenario: Scenario, books: Books) -> list[Name]:
    """Return the names of all that was open."""
    pair = scenario.pair
    ids = [o.order_id for o in books.values() if o.uid == scenario.uid and o.symbol == pair.market and o.live]
    return [Name(pair.symbol, pair.market, By.ID, order_id) for order_id in ids]
