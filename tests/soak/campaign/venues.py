"""Emulators for rounds: one for a hundred accounts, and one of its own for a round that needs it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from bitget_margin.emulator import Account, AccountKind, Emulator
from campaign.account_control import AccountControl
from campaign.draw import FOREIGN_ORDERS, draw_scenario
from campaign.scenario import PAIRS, Scenario
from support.client import forget_windows

ROUNDS_PER_VENUE: Final = 100
FOREIGN_UID: Final = "999"
"""Account on every emulator whose orders no round may change."""
_BALANCES: Final = {"USDT": "100000000", "BTC": "10000", "ETH": "100000", "SOL": "1000000"}
_FOREIGN_ORDER: Final = {"side": "buy", "price": "100", "baseSize": "1"}


@dataclass(slots=True)
class SharedVenue:
    """A running emulator with one account per round, and a foreign account with orders."""

    emulator: Emulator
    left: int
    """Number of rounds still to be played on it."""
    foreign_ids: list[str] = field(default_factory=list)
    accounts: dict[str, Account] = field(default_factory=dict)

    @classmethod
    def start(cls, scenarios: Sequence[Scenario]) -> SharedVenue:
        """Start an emulator for these rounds; their seed is also the seed of its faults."""
        accounts = [Account(uid=s.uid, kind=s.account, balances=_BALANCES) for s in scenarios]
        foreign = Account(uid=FOREIGN_UID, balances=_BALANCES)
        emulator = Emulator(accounts=(*accounts, foreign), fault_seed=scenarios[0].seed if scenarios else 0)
        emulator.start()
        markets = [PAIRS[i % len(PAIRS)].market for i in range(FOREIGN_ORDERS)]
        ids = [emulator.place(FOREIGN_UID, _FOREIGN_ORDER | {"symbol": market}) for market in markets]
        return cls(emulator, len(scenarios), ids, {account.uid: account for account in (*accounts, foreign)})

    def control(self, scenario: Scenario) -> AccountControl:
        """Return the control of a round's account."""
        return AccountControl(self.emulator, scenario.uid, self.foreign_ids)

    async def finish_round(self) -> tuple[Exception, ...]:
        """Count a round as played; after the last one stop the emulator and return its errors."""
        self.left -= 1
        if self.left > 0:
            return ()
        forget_windows(self.emulator)
        await asyncio.to_thread(self.emulator.stop)
        return self.emulator.errors


async def rounds_with_venues(
    seed: int, numbers: Sequence[int], account: AccountKind | None = None
) -> AsyncIterator[tuple[Scenario, SharedVenue]]:
    """Yield each round with the emulator on which it is played."""
    for start in range(0, len(numbers), ROUNDS_PER_VENUE):
        scenarios = [draw_scenario(seed, number, account) for number in numbers[start : start + ROUNDS_PER_VENUE]]
        sharing = [scenario for scenario in scenarios if not scenario.has_own_port]
        shared = await asyncio.to_thread(SharedVenue.start, sharing) if sharing else None
        for scenario in scenarios:
            alone = shared is None or scenario.has_own_port
            yield scenario, await asyncio.to_thread(SharedVenue.start, [scenario]) if alone else shared
