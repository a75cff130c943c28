"""The venue's rate window, kept on our side: so many requests in any span of so much time.

The venue counts arrivals. A place is given by departures, so that many can be given at once; before a request leaves,
what has been answered is looked at too, since an answer says that its request had arrived by then.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

LIMIT: Final = 10
PERIOD_MS: Final = 1_050.0
"""The venue counts one second; 50 ms more absorb most of what requests differ in on their way."""
ARRIVED_MS: Final = 1_001.0
"""After this time, what had arrived counts no more."""


@dataclass(slots=True)
class Window:
    """A log of departures: one leaves when the one `limit` before it is `period_ms` old; first come, first served."""

    limit: int = LIMIT
    period_ms: float = PERIOD_MS
    _departures: deque[float] = field(default_factory=deque)
    _free: list[float] = field(default_factory=list)
    """Places that were kept and not used, earliest first."""
    _arrivals: list[float] = field(default_factory=list)
    """When the latest requests had arrived at the latest; those on their way count from their departure."""
    _lock: Lock = field(default_factory=Lock, repr=False)

    def reserve(self, now_ms: float, latest_ms: float) -> float | None:
        """Return when the request may leave, and keep that place for it; None, and no place, if after `latest_ms`."""
        with self._lock:
            at_ms = now_ms
            if len(self._departures) == self.limit:
                at_ms = max(now_ms, self._departures[0] + self.period_ms)
            while self._free and self._free[0] < now_ms:
                heapq.heappop(self._free)
            if self._free and self._free[0] <= min(at_ms, latest_ms):
                return heapq.heappop(self._free)
            if at_ms > latest_ms:
                return None
            if len(self._departures) == self.limit:
                self._departures.popleft()
            self._departures.append(at_ms)
            return at_ms

    def record_slot(self, now_ms: float) -> float:
        """Note a place that somebody else has given for now, and return it."""
        with self._lock:
            if len(self._departures) == self.limit:
                self._departures.popleft()
            self._departures.append(now_ms)
            return now_ms

    def start(self, now_ms: float) -> float | None:
        """Note that a request leaves; or, where what left before has not all arrived, return when it may."""
        with self._lock:
            self._forget(now_ms)
            if len(self._arrivals) >= self.limit:
                return self._arrivals[-self.limit] + ARRIVED_MS
            self._arrivals.append(now_ms)
            return None

    def record_arrival(self, left_ms: float, now_ms: float) -> None:
        """Note that the request which left then had arrived by now."""
        with self._lock:
            if left_ms in self._arrivals:
                self._arrivals.remove(left_ms)
                self._arrivals.append(now_ms)

    def record_quota(self, left: int, now_ms: float) -> int:
        """Take in how many requests the venue would still take, and return how many it took of somebody else.

        When those arrived is not known, but that they have by now is.
        """
        with self._lock:
            self._forget(now_ms)
            strangers = max(0, self.limit - left - len(self._arrivals))
            self._arrivals += [now_ms] * strangers
            return strangers

    def withdraw(self, at_ms: float | None, left_ms: float | None) -> None:
        """Take back a request that found nobody to connect to: it did not arrive, and takes no room."""
        with self._lock:
            if at_ms is not None and at_ms in self._departures:
                self._departures.remove(at_ms)
            if left_ms in self._arrivals:
                self._arrivals.remove(left_ms)

    def release(self, at_ms: float) -> None:
        """Let somebody else have a place that will not be used."""
        with self._lock:
            heapq.heappush(self._free, at_ms)

    def _forget(self, now_ms: float) -> None:
        """Leave out what the venue counts no more."""
        self._arrivals = sorted(at_ms for at_ms in self._arrivals if at_ms > now_ms - ARRIVED_MS)
