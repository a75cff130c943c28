"""Time and private requests of freqtrade's loop, with ladders and without."""

import itertools
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

from bitget_margin.emulator import AccountKind, synthetic_symbols
from support.bot import PAIRS, signed_requests
from support.in_process_bot import CONTROLS, InProcessBot, in_process_bot

LOOP_S: Final = 5.0
"""Time between the beginnings of two loops, as freqtrade's default."""
_SETTLE_S: Final = 30.0
"""Time until the venue has confirmed all subscriptions, and every pair was looked up after that."""


class Case(Enum):
    """What a bot has beside its trades."""

    NO_LADDERS = "without ladders"
    PUSHES = "ladders and pushes"
    NO_PUSHES = "ladders without pushes"


@dataclass(frozen=True, slots=True)
class LoopTime:
    """Times of idle loops, and their private requests."""

    kind: AccountKind
    case: Case
    round_trip_ms: int
    median_ms: float
    longest_ms: float
    requests_per_loop: float


def measure(kind: AccountKind, trades: int, rungs: int, round_trip_ms: int, loops: int) -> Iterator[LoopTime]:
    """Measure a bot in each case; nothing happens meanwhile."""
    for case in Case:
        settings = {"bitget_margin": {"order_pushes": case is Case.PUSHES}}
        symbols, pairs = synthetic_symbols(trades), PAIRS[:trades]
        with (
            tempfile.TemporaryDirectory() as name,
            in_process_bot(
                Path(name), kind=kind, pairs=pairs, symbols=symbols, settings=settings, keeps_pauses=True
            ) as bot,
        ):
            enter_all(bot, 0 if case is Case.NO_LADDERS else rungs)
            bot.venue.knobs(latency_ms=round_trip_ms)
            settle(bot)
            times, requests = zip(*(_loop(bot) for _ in range(loops)), strict=True)
            bot.venue.knobs(latency_ms=0)
        yield LoopTime(kind, case, round_trip_ms, statistics.median(times), max(times), sum(requests) / loops)


def enter_all(bot: InProcessBot, rungs: int) -> None:
    """Enter every pair, with a ladder far above the price."""

    def ladder(trade: Any) -> list[dict[str, Any]]:
        prices = itertools.count(trade.open_rate * 1.5, trade.open_rate * 0.02)
        return [
            {"side": "sell", "price": price, "amount": trade.amount * 0.9 / rungs}
            for _, price in zip(range(rungs), prices, strict=False)
        ]

    CONTROLS.enter, CONTROLS.ladder = True, ladder if rungs else None
    bot.loop()
    CONTROLS.enter = False
    bot.loop(2)
    placed = len(bot.live())
    expected = rungs * len(bot.bot.active_pair_whitelist)
    if placed != expected:
        raise RuntimeError(f"{placed} orders rest, not {expected}")


def settle(bot: InProcessBot) -> None:
    """Run loops until pushes spare lookups."""
    end = time.monotonic() + _SETTLE_S
    while time.monotonic() < end:
        bot.loop()
        time.sleep(0.2)


def _loop(bot: InProcessBot) -> tuple[float, int]:
    """Return the time of one loop, and the private requests until the next one."""
    before, began = len(signed_requests(bot.venue)), time.monotonic()
    bot.loop()
    took_ms = (time.monotonic() - began) * 1_000
    time.sleep(max(0.0, began + LOOP_S - time.monotonic()))
    return took_ms, len(signed_requests(bot.venue)) - before
