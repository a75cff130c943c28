"""Many rounds: side by side in a process, and over several processes."""

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

from support.pulse import Pulse

from .calls import Call, make
from .clients import Clients, load_markets
from .drawing import draw_scenario
from .evidence import Evidence
from .judge import judge
from .playing import Player
from .scenario import PAIRS, Flavour, Scenario
from .stages import NEIGHBOUR, Stage, staged
from .verdict import Verdict

Report = Callable[[Verdict], object]
_TRIES: Final = 3
_PATIENCE_SECONDS: Final = 5.0
_SWITCH_SECONDS: Final = 0.001
"""How long a thread may keep the others waiting: every venue answers from a thread of its own."""
_GARBAGE: Final = 50_000


class VenueStumbled(Exception):
    """The venue met something that nobody foresaw: its books are no truth to judge by."""


def run(seed: int, numbers: Sequence[int], *, workers: int, processes: int) -> Iterator[Verdict]:
    """Play these rounds and yield their verdicts as they come."""
    context = multiprocessing.get_context("spawn")
    verdicts: Queue[Verdict | str | None] = context.Queue()
    shares = [list(numbers[start::processes]) for start in range(processes)]
    running = [
        context.Process(target=_run_share, args=(seed, share, workers, verdicts), daemon=True) for share in shares
    ]
    for process in running:
        process.start()
    left = len(running)
    try:
        while left:
            try:
                verdict = verdicts.get(timeout=_PATIENCE_SECONDS)
            except queue.Empty:
                if any(process.exitcode for process in running):
                    raise VenueStumbled("a process has ended before its time") from None
                continue
            if isinstance(verdict, str):
                raise VenueStumbled(verdict)
            if verdict is None:
                left -= 1
            else:
                yield verdict
    finally:
        for process in running:
            process.terminate()
            process.join()


async def play_all(seed: int, numbers: Sequence[int], workers: int, report: Report) -> None:
    """Play these rounds in this process, so many at a time, and report each verdict."""
    async with opened() as player:
        busy: list[Scenario] = []
        rounds = staged(seed, numbers)
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
            report(await _play_in_peace(player, scenario))


async def play_one(seed: int, number: int) -> Evidence:
    """Play one round alone."""
    async with opened() as player:
        scenario = draw_scenario(seed, number)
        return await play(player, scenario, await asyncio.to_thread(Stage.of, [scenario]))


@asynccontextmanager
async def opened() -> AsyncIterator[Player]:
    """Give what rounds need, and close it."""
    stage = await asyncio.to_thread(Stage.of, [])
    clients = Clients(await asyncio.to_thread(load_markets, stage.venue))
    pulse = Pulse()
    beating = asyncio.create_task(pulse.beat())
    # Threads are made as they are needed, and a round never has to wait for one.
    threads = ThreadPoolExecutor(1_000)
    try:
        await _warm_up(clients, stage, threads)
        yield Player(clients, threads, pulse)
    finally:
        await stage.leave()
        beating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beating
        await clients.close()
        threads.shutdown()


async def _warm_up(clients: Clients, stage: Stage, threads: ThreadPoolExecutor) -> None:
    """Make one call of each flavour: the first one of a process takes many times as long as the others."""
    for flavour in Flavour:
        exchange = clients.of(flavour, stage.venue, stage.accounts[NEIGHBOUR])
        await make(exchange, Call("batch_cancel", (["1"], PAIRS[0].symbol)), threads)
        clients.give_back(exchange)


async def play(player: Player, scenario: Scenario, stage: Stage) -> Evidence:
    try:
        return await player.play(scenario, stage)
    finally:
        errors = await stage.leave()
        if errors:
            raise VenueStumbled(f"--seed {scenario.seed} --round {scenario.number} or before: {errors!r}")


async def _play_in_peace(player: Player, scenario: Scenario) -> Verdict:
    """Play a round again, alone, until nothing is wrong with its time or it has had its chances."""
    reruns = 0
    while True:
        reruns += 1
        await player.pulse.calm()
        verdict = judge(await play(player, scenario, await asyncio.to_thread(Stage.of, [scenario])))
        if reruns == _TRIES or not verdict.timely:
            return replace(verdict, reruns=reruns)


def _run_share(seed: int, numbers: Sequence[int], workers: int, verdicts: Queue[Verdict | str | None]) -> None:
    sys.setswitchinterval(_SWITCH_SECONDS)
    # What was imported stays: looking through it again and again would be most of the work.
    gc.freeze()
    gc.set_threshold(_GARBAGE, 20, 20)
    with contextlib.suppress(KeyboardInterrupt):
        try:
            asyncio.run(play_all(seed, numbers, workers, verdicts.put))
        except Exception as error:
            verdicts.put("".join(traceback.format_exception(error)))
            raise
    verdicts.put(None)
