"""One round, played: the venue prepared, the call made while things happen, the books taken."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Final

from support.pulse import Pulse

from .calls import ask_again, call_of, make
from .clients import Clients
from .evidence import Answer, Books, Evidence, Name
from .ground import Ground
from .scenario import By, Scenario
from .stages import Stage

_APART_SECONDS: Final = 0.005
"""Between the last order and the call: the venue writes whole milliseconds, so what is closer cannot be told apart."""


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
        await asyncio.sleep(_APART_SECONDS)
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
        if scenario.asks_again:
            again_names = names or _open(scenario, before)
            again = await self._ask_again(ground, exchange, again_names)
        self.clients.give_back(exchange)
        return Evidence(
            scenario=scenario,
            names=names,
            before=before,
            after=after,
            final=ground.books() if scenario.asks_again else after,
            done=tuple(ground.done),
            requests=requests,
            answer=answer,
            began_ms=began_ms,
            lag_ms=lag_ms,
            again=again,
            again_names=tuple(again_names),
        )

    async def _ask_again(self, ground: Ground, exchange: Any, names: Sequence[Name]) -> Answer:
        ground.heal()
        return await ask_again(exchange, names, self.threads)


def _open(scenario: Scenario, books: Books) -> list[Name]:
    """Return the names of all that was open."""
    pair = scenario.pair
    ids = [o.order_id for o in books.values() if o.uid == scenario.uid and o.symbol == pair.market and o.live]
    return [Name(pair.symbol, pair.market, By.ID, order_id) for order_id in ids]
