"""Play many rounds concurrently in one process, and in several processes."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import multiprocessing
import queue
import sys
import traceback
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from multiprocessing.queues import Queue
from typing import Final

from bitget_margin.emulator import AccountKind
from campaign.calls import Call, make
from campaign.clients import Clients, load_markets
from campaign.draw import draw_scenario
from campaign.evidence import Evidence
from campaign.judge import judge
from campaign.play import Player
from campaign.scenario import PAIRS, Flavour, Scenario
from campaign.venues import FOREIGN_UID, SharedVenue, rounds_with_venues
from campaign.verdict import Verdict
from support.pulse import Pulse

Report = Callable[[Verdict], object]
_TRIES: Final = 3
_POLL_SECONDS: Final = 5.0
_SWITCH_SECONDS: Final = 0.001
"""Switch interval of threads: every emulator responds from a thread of its own."""
_GARBAGE: Final = 50_000


class EmulatorError(Exception):
    """The emulator or a process failed: the rounds cannot be judged."""


def run(
    seed: int, numbers: Sequence[int], *, workers: int, processes: int, account: AccountKind | None = None
) -> Iterator[Verdict]:
    """Play these rounds and yield their verdicts as they come."""
    context = multiprocessing.get_context("spawn")
    verdicts: Queue[Verdict | str | None] = context.Queue()
    shares = [list(numbers[start::processes]) for start in range(processes)]
    running = [
        context.Process(target=_run_share, args=(seed, share, account, workers, verdicts), daemon=True)
        for share in shares
    ]
    for process in running:
        process.start()
    left = len(running)
    try:
        while left:
            try:
                verdict = verdicts.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                if any(process.exitcode for process in running):
                    raise EmulatorError("a process has ended too early") from None
                continue
            if isinstance(verdict, str):
                raise EmulatorError(verdict)
            if verdict is None:
                left -= 1
            else:
                yield verdict
    finally:
        for process in running:
            process.terminate()
            process.join()


async def play_all(
    seed: int, numbers: Sequence[int], account: AccountKind | None, workers: int, report: Report
) -> None:
    """Play these rounds in this process, so many at a time, and report each verdict."""
    async with opened() as player:
        busy: list[Scenario] = []
        rounds = rounds_with_venues(seed, numbers, account)
        turn = asyncio.Lock()

        async def work() -> None:
            while True:
                async with turn:
                    drawn = await anext(rounds, None)
                if drawn is None:
                    return
                await player.pulse.calm()
                verdict = judge(await play(player, *drawn))
                if verdict.timely:
                    busy.append(drawn[0])
                else:
                    report(verdict)

        await asyncio.gather(*(work() for _ in range(workers)))
        for scenario in busy:
            report(await _replay_alone(player, scenario))


async def play_one(seed: int, number: int, account: AccountKind | None = None) -> Evidence:
    """Play one round alone."""
    async with opened() as player:
        scenario = draw_scenario(seed, number, account)
        return await play(player, scenario, await asyncio.to_thread(SharedVenue.start, [scenario]))


@asynccontextmanager
async def opened() -> AsyncIterator[Player]:
    """Open what rounds need and close it at the end."""
    venue = await asyncio.to_thread(SharedVenue.start, [])
    clients = Clients(await asyncio.to_thread(load_markets, venue.emulator))
    pulse = Pulse()
    heartbeat = asyncio.create_task(pulse.beat())
    # The executor is large enough that no round waits for a thread.
    threads = ThreadPoolExecutor(1_000)
    try:
        await _warm_up(clients, venue, threads)
        yield Player(clients, threads, pulse)
    finally:
        await venue.finish_round()
        heartbeat.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await heartbeat
        await clients.close()
        threads.shutdown()


async def _warm_up(clients: Clients, venue: SharedVenue, threads: ThreadPoolExecutor) -> None:
    """Make one call of each flavour: the first call in a process is many times slower."""
    for flavour in Flavour:
        exchange = clients.of(flavour, venue.emulator, venue.accounts[FOREIGN_UID])
        await make(exchange, Call("batch_cancel", (["1"], PAIRS[0].symbol)), threads)
        clients.release(exchange)


async def play(player: Player, scenario: Scenario, venue: SharedVenue) -> Evidence:
    """Play one round; raise if the emulator had an error."""
    try:
        return await player.play(scenario, venue)
    finally:
        errors = await venue.finish_round()
        if errors:
            raise EmulatorError(f"--seed {scenario.seed} --round {scenario.number} or before: {errors!r}")


async def _replay_alone(player: Player, scenario: Scenario) -> Verdict:
    """Play a round again, alone, until its timing is right or the attempts are used up."""
    reruns = 0
    while True:
        reruns += 1
        await player.pulse.calm()
        verdict = judge(await play(player, scenario, await asyncio.to_thread(SharedVenue.start, [scenario])))
        if reruns == _TRIES or not verdict.timely:
            return replace(verdict, reruns=reruns)


def _run_share(
    seed: int,
    numbers: Sequence[int],
    account: AccountKind | None,
    workers: int,
    verdicts: Queue[Verdict | str | None],
) -> None:
    sys.setswitchinterval(_SWITCH_SECONDS)
    # Freeze imported objects: collecting them repeatedly would be most of the work.
    gc.freeze()
    gc.set_threshold(_GARBAGE, 20, 20)
    with contextlib.suppress(KeyboardInterrupt):
        try:
            asyncio.run(play_all(seed, numbers, account, workers, verdicts.put))
        except Exception as error:
            verdicts.put("".join(traceback.format_exception(error)))
            raise
    verdicts.put(None)
