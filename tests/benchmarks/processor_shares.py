"""Shares of the processor's time of a proven cancel, by the code that takes it."""

import contextlib
import cProfile
import pstats
import time
from collections import Counter
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from benchmarks.cancel_methods import ASYNC, MeasuredClient
from benchmarks.costs import LIST
from benchmarks.venue_process import start_venue

_CLEAR_S: Final = 1.15
"""Time after which all rate windows are empty."""
_WAITS: Final = "'poll' of 'select."
"""Part of the name of the function that waits for the venue."""


class Part(Enum):
    """Code that takes the processor's time."""

    CCXT = "ccxt: parse each order's row, sign each request"
    CORE = "bitget-margin: batches, evidence, outcomes"
    ADAPTER = "bitget-margin: requests, checks of each row, results"
    CONNECTION = "asyncio and aiohttp"
    OTHER = "Python's own libraries"


_FOLDERS: Final = (
    ("bitget_margin/core/", Part.CORE),
    ("bitget_margin/", Part.ADAPTER),
    ("/ccxt/", Part.CCXT),
    *((f"/{name}/", Part.CONNECTION) for name in ("asyncio", "aiohttp", "yarl", "multidict")),
    ("selectors.py", Part.CONNECTION),
)


def measure(repeats: int) -> Mapping[Part, float]:
    """Return the share of each part, of all time but that of waiting; the profile itself slows short calls down."""
    profile = cProfile.Profile()
    with start_venue() as venue, contextlib.closing(MeasuredClient(ASYNC[0], venue)) as running:
        for number in range(repeats + 1):
            ids = venue("place", LIST)
            running.connect()
            time.sleep(_CLEAR_S)
            with profile if number else contextlib.nullcontext():  # the first call loads and compiles
                running.cancel(ids)
            venue("clear")
    stats: Any = pstats.Stats(profile)
    seconds = Counter[Part]()
    for (file, _, name), (_, _, own_seconds, _, callers) in stats.stats.items():
        if _WAITS in name:
            continue
        if file == "~":  # built in: the time is its callers'
            for (caller, _, _), (_, _, their_seconds, _) in callers.items():
                seconds[_part(caller)] += their_seconds
        else:
            seconds[_part(file)] += own_seconds
    return {part: seconds[part] / seconds.total() for part in Part}


def _part(file: str) -> Part:
    return next((part for folder, part in _FOLDERS if folder in file), Part.OTHER)
