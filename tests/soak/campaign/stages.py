"""Venues for rounds: one for a hundred accounts side by side, and one alone for whom a port that refuses is drawn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from bitget_margin.emulator import Account, Emulator

from .clients import forget_windows
from .drawing import NEIGHBOURS, draw_scenario
from .ground import Ground
from .scenario import PAIRS, Scenario

ROUNDS_PER_STAGE: Final = 100
_BALANCES: Final = {"USDT": "100000000", "BTC": "10000", "ETH": "100000", "SOL": "1000000"}
NEIGHBOUR: Final = "999"
_NEIGHBOUR_ORDER: Final = {"side": "buy", "price": "100", "baseSize": "1"}


@dataclass(slots=True)
class Stage:
    """A running venue, with an account for each of some rounds, and a neighbour whom nobody may touch."""

    venue: Emulator
    left: int
    """How many rounds still have to be played on it."""
    neighbours: list[str] = field(default_factory=list)
    accounts: dict[str, Account] = field(default_factory=dict)

    @classmethod
    def of(cls, scenarios: Sequence[Scenario]) -> Stage:
        """Start a venue for these rounds; the dice of its faults are those of their seed."""
        accounts = [Account(uid=s.uid, kind=s.account, balances=_BALANCES) for s in scenarios]
        neighbour = Account(uid=NEIGHBOUR, balances=_BALANCES)
        venue = Emulator(accounts=(*accounts, neighbour), fault_seed=scenarios[0].seed if scenarios else 0)
        venue.start()
        markets = [PAIRS[i % len(PAIRS)].market for i in range(NEIGHBOURS)]
        ids = [venue.place(NEIGHBOUR, _NEIGHBOUR_ORDER | {"symbol": market}) for market in markets]
        return cls(venue, len(scenarios), ids, {account.uid: account for account in (*accounts, neighbour)})

    def ground(self, scenario: Scenario) -> Ground:
        """Return the place of a round."""
        return Ground(self.venue, scenario.uid, self.neighbours)

    async def leave(self) -> tuple[Exception, ...]:
        """Count a round as played; after the last one stop, and return what the venue stumbled over."""
        self.left -= 1
        if self.left > 0:
            return ()
        forget_windows(self.venue)
        await asyncio.to_thread(self.venue.stop)
        return self.venue.errors


async def staged(seed: int, numbers: Sequence[int]) -> AsyncIterator[tuple[Scenario, Stage]]:
    """Yield each round with the venue that it is played on."""
    for start in range(0, len(numbers), ROUNDS_PER_STAGE):
        group = numbers[start : start + ROUNDS_PER_STAGE]
        scenarios = [draw_scenario(seed, number) for number in group]
        shared = [scenario for scenario in scenarios if not scenario.has_own_port]
        stage = await asyncio.to_thread(Stage.of, shared) if shared else None
        for scenario in scenarios:
            if stage is None or scenario.has_own_port:
                yield scenario, await asyncio.to_thread(Stage.of, [scenario])
            else:
                yield scenario, stage
