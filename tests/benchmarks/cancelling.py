"""How long it takes to cancel so many orders, at so much of a round trip."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from .contenders import ASYNC, CHUNK, SYNC, Contender, Running
from .far import FarVenue, far_venue

WINDOW: Final = 10
"""Requests per second that the venue takes."""
_OFTEN: Final = 500
"""Longer lists are cancelled once: the venue's windows decide how long it takes."""
_CLEAR_S: Final = 1.15
"""After this time, no window remembers anything."""


@dataclass(frozen=True, slots=True)
class Cancelling:
    """One measurement: medians over its repeats, in milliseconds; `refused` counts answers with HTTP 429."""

    contender: Contender
    orders: int
    round_trip_ms: int
    took_ms: float
    busy_ms: float
    refused: int
    alive: int

    @property
    def limit_ms(self) -> float:
        """What the venue itself allows: a round trip, and a second more for each further ten requests."""
        return limit_ms(self.orders, self.round_trip_ms)


def limit_ms(orders: int, round_trip_ms: int) -> float:
    """Return how long the venue's windows make the fastest client take, by calculation."""
    batches = -(-orders // CHUNK)
    return round_trip_ms + (batches - 1) // WINDOW * 1_000


def measure(
    counts: Sequence[int], round_trips_ms: Sequence[int], repeats: int, tell: Callable[[Cancelling], object]
) -> Iterator[Cancelling]:
    """Yield every measurement; each contender has a venue of its own."""
    for round_trip_ms in round_trips_ms:
        for contender in (*ASYNC, *SYNC):
            with far_venue() as venue, contextlib.closing(Running(contender, venue)) as running:
                for count in counts:
                    if count <= contender.longest:
                        times = repeats if count <= _OFTEN else 1
                        measured = _one(venue, running, contender, count, round_trip_ms, times)
                        tell(measured)
                        yield measured


def _one(
    venue: FarVenue, running: Running, contender: Contender, count: int, round_trip_ms: int, repeats: int
) -> Cancelling:
    took: list[float] = []
    busy: list[float] = []
    refused = alive = 0
    for _ in range(repeats):
        ids = venue("place", count)
        running.warm()
        venue("latency", round_trip_ms)
        time.sleep(_CLEAR_S)
        venue("forget")
        took_ms, busy_ms = running.cancel(ids)
        took.append(took_ms)
        busy.append(busy_ms)
        refused += venue("counts").get(429, 0)
        venue("latency", 0)
        alive += venue("clear")
    return Cancelling(contender, count, round_trip_ms, statistics.median(took), statistics.median(busy), refused, alive)
