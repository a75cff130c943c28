"""Sliding rate window of this process: at most `limit` requests in any `period_ms`.

The venue counts requests as they arrive. Slots are handed out by departure time, so that several can be reserved ahead.
Before a request leaves, known arrivals are checked too: a response proves that its request had arrived by then.
"""

import heapq
from collections import deque
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

PERIOD_MS: Final = 1_050.0
"""The venue counts one second; 50 ms more absorb most differences in travel time."""
ARRIVED_MS: Final = 1_001.0
"""Time after which a request that had arrived no longer counts."""


@dataclass(slots=True)
class Window:
    """Log of departures: a slot begins `period_ms` after the one `limit` places before it, in order of requests."""

    limit: int
    period_ms: float = PERIOD_MS
    _departures: deque[float] = field(default_factory=deque)
    _free: list[float] = field(default_factory=list)
    """Heap of released slots."""
    _arrivals: list[float] = field(default_factory=list)
    """Latest possible arrival time of each recent request; until its response, the departure time."""
    _lock: Lock = field(default_factory=Lock, repr=False)

    def reserve(self, now_ms: float, latest_ms: float) -> float | None:
        """Reserve a slot and return when it begins; None, without a reservation, if that is after `latest_ms`."""
        with self._lock:
            at_ms = now_ms
            if len(self._departures) == self.limit:
                at_ms = max(now_ms, self._departures[0] + self.period_ms)
            while self._free and self._free[0] < now_ms:
                heapq.heappop(self._free)
            if self._free and self._free[0] <= min(at_ms, latest_ms):
                return heapq.heappop(self._free)
            return None if at_ms > latest_ms else self._record(at_ms)

    def record_slot(self, now_ms: float) -> float:
        """Record a departure that a shared limiter granted for now, and return its slot."""
        with self._lock:
            return self._record(now_ms)

    def start(self, now_ms: float) -> float | None:
        """Record that a request leaves and return None, or return when to try again if the venue may be full."""
        with self._lock:
            self._drop_expired(now_ms)
            if len(self._arrivals) >= self.limit:
                return self._arrivals[-self.limit] + ARRIVED_MS
            self._arrivals.append(now_ms)
            return None

    def record_arrival(self, left_ms: float, now_ms: float) -> None:
        """Record that the request that left at `left_ms` had arrived by now."""
        with self._lock:
            if left_ms in self._arrivals:
                self._arrivals.remove(left_ms)
                self._arrivals.append(now_ms)

    def record_uncounted(self, now_ms: float) -> None:
        """Record that a request without a slot had arrived by now."""
        with self._lock:
            self._arrivals.append(now_ms)

    def record_quota(self, remaining: int, now_ms: float, *, ours: int = 0) -> int:
        """Count requests of other programs, from the venue's remaining quota; return how many were added.

        Their arrival times are unknown, but all have arrived by now.

        :param ours: least number of requests of this process in it: 1 for the one that is answered, however late
        """
        with self._lock:
            self._drop_expired(now_ms)
            foreign = max(0, self.limit - remaining - max(ours, len(self._arrivals)))
            self._arrivals += [now_ms] * foreign
            return foreign

    def withdraw(self, at_ms: float | None, left_ms: float | None) -> None:
        """Remove a request that found no connection: it never arrived."""
        with self._lock:
            if at_ms is not None and at_ms in self._departures:
                self._departures.remove(at_ms)
            if left_ms in self._arrivals:
                self._arrivals.remove(left_ms)

    def release(self, at_ms: float) -> None:
        """Make a slot that will not be used available to other requests."""
        with self._lock:
            heapq.heappush(self._free, at_ms)

    def absorb(self, other: "Window") -> None:
        """Count the requests of another window, which turns out to be of the same account, as well."""
        departures, arrivals = other.recent()
        with self._lock:
            departures = sorted([*self._departures, *departures])[-self.limit :]
            self._departures.clear()
            self._departures.extend(departures)
            self._arrivals += arrivals

    def recent(self) -> tuple[list[float], list[float]]:
        """Return the recorded departures and arrivals."""
        with self._lock:
            return list(self._departures), list(self._arrivals)

    def _record(self, at_ms: float) -> float:
        if len(self._departures) == self.limit:
            self._departures.popleft()
        self._departures.append(at_ms)
        return at_ms

    def _drop_expired(self, now_ms: float) -> None:
        """Drop arrivals that the venue no longer counts, and sort the others."""
        self._arrivals = sorted(at_ms for at_ms in self._arrivals if at_ms > now_ms - ARRIVED_MS)
