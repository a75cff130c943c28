"""Memory of a bot with ladders, over many idle loops."""

import gc
import os
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.loop_times import enter_all, settle
from bitget_margin.emulator import AccountKind, synthetic_symbols
from support.bot import PAIRS
from support.in_process_bot import in_process_bot

_STEP: Final = 250
"""Number of loops between two readings."""


@dataclass(frozen=True, slots=True)
class BotMemory:
    """Resident memory of the process in MB by number of loops; the venue is in it, too."""

    kind: AccountKind
    mb_by_loops: tuple[tuple[int, float], ...]

    def mean_mb(self, first: float, last: float) -> float:
        """Return the mean between two shares of the loops."""
        most = self.mb_by_loops[-1][0]
        return statistics.fmean(mb for loops, mb in self.mb_by_loops if first * most <= loops <= last * most)


def measure(
    kind: AccountKind, trades: int, rungs: int, loops: int, progress: Callable[[int, float], object]
) -> BotMemory:
    """Let a bot with so many trades and rungs run for so many loops, without a pause between them."""
    symbols, pairs = synthetic_symbols(trades), PAIRS[:trades]
    settings = {"bitget_margin": {"order_pushes": True}}
    with (
        tempfile.TemporaryDirectory() as name,
        in_process_bot(
            Path(name), kind=kind, pairs=pairs, symbols=symbols, settings=settings, keeps_pauses=True
        ) as bot,
    ):
        enter_all(bot, rungs)
        # The rate limit of prices would make a loop last for seconds.
        api, known = bot.exchange._api, {pair: bot.exchange.fetch_ticker(pair) for pair in pairs}
        api.fetch_ticker = lambda pair, *_: dict(known[pair])
        settle(bot)
        found: list[tuple[int, float]] = []
        for count in range(0, loops + 1, _STEP):
            gc.collect()
            found.append((count, _resident_mb()))
            progress(*found[-1])
            bot.loop(_STEP)
    return BotMemory(kind, tuple(found))


def _resident_mb() -> float:
    pages: Any = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6
