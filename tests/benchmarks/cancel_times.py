"""Time to cancel a number of orders, by round trip time."""

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.cancel_methods import ASYNC, CHUNK, SYNC, CancelMethod, MeasuredClient
from benchmarks.venue_process import VenueProcess, start_venue

WINDOW: Final = 10
"""Requests per second that the venue accepts."""
_REPEATED_MAX: Final = 500
"""Longest list that is measured repeatedly; with longer ones, the rate windows decide."""
_CLEAR_S: Final = 1.15
"""Time after which all rate windows are empty."""


@dataclass(frozen=True, slots=True)
class CancelTime:
    """One measurement: medians over its repeats, in milliseconds; `refused` counts HTTP 429 responses."""

    method: CancelMethod
    orders: int
    round_trip_ms: int
    took_ms: float
    busy_ms: float
    refused: int
    alive: int

    @property
    def limit_ms(self) -> float:
        """Shortest time that the rate limit allows: a round trip, and a second per ten further requests."""
        return limit_ms(self.orders, self.round_trip_ms)


def limit_ms(orders: int, round_trip_ms: int) -> float:
    """Return the shortest time that the venue's rate limit allows."""
    batches = -(-orders // CHUNK)
    return round_trip_ms + (batches - 1) // WINDOW * 1_000


def measure(
    counts: Sequence[int], round_trips_ms: Sequence[int], repeats: int, report: Callable[[CancelTime], object]
) -> Iterator[CancelTime]:
    """Yield every measurement; each method has an emulator of its own."""
    for round_trip_ms in round_trips_ms:
        for method in (*ASYNC, *SYNC):
            with start_venue() as venue, contextlib.closing(MeasuredClient(method, venue)) as running:
                for count in counts:
                    if count <= method.longest:
                        times = repeats if count <= _REPEATED_MAX else 1
                        measured = _one(venue, running, method, count, round_trip_ms, times)
                        report(measured)
                        yield measured


def _one(
    venue: VenueProcess, running: MeasuredClient, method: CancelMethod, count: int, round_trip_ms: int, repeats: int
) -> CancelTime:
    took: list[float] = []
    busy: list[float] = []
    refused = alive = 0
    for _ in range(repeats):
        ids = venue("place", count)
        running.connect()
        venue("knobs", latency_ms=round_trip_ms)
        time.sleep(_CLEAR_S)
        venue("reset_requests")
        took_ms, busy_ms = running.cancel(ids)
        took.append(took_ms)
        busy.append(busy_ms)
        refused += venue("counts").get(429, 0)
        venue("knobs", latency_ms=0)
        alive += venue("clear")
    return CancelTime(method, count, round_trip_ms, statistics.median(took), statistics.median(busy), refused, alive)
