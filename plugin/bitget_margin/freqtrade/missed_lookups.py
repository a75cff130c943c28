"""Lookups that were answered and did not show an order: since when, and until when."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bitget_margin.freqtrade.tracked_order import TrackedOrder


@dataclass(eq=False)
class MissedLookups:
    """Times of the lookups that were answered and did not show an order, by client order id."""

    clock: Callable[[], float] = time.monotonic
    _times: dict[str, tuple[float, float]] = field(default_factory=dict, init=False)
    """First and last miss, in seconds."""

    def note(self, order: TrackedOrder, seconds: float = 0.0) -> None:
        """Note a lookup that missed an order; the first such note counts as if it came `seconds` earlier."""
        first, _ = self._times.get(order.client_id, (self.clock() - seconds, 0.0))
        self._times[order.client_id] = (first, self.clock())

    def seconds(self, order: TrackedOrder) -> float:
        """Return the time between the first miss and the last; 0 where there is none."""
        first, last = self._times.get(order.client_id, (0.0, 0.0))
        return last - first

    def age_seconds(self, order: TrackedOrder) -> float:
        """Return the time since the last miss."""
        return self.clock() - self._times[order.client_id][1]

    def has(self, order: TrackedOrder) -> bool:
        """Whether the last lookup that was answered has missed this order."""
        return order.client_id in self._times

    def clear(self, order: TrackedOrder) -> None:
        """Forget the misses of an order that was seen, or that is not looked up any more."""
        self._times.pop(order.client_id, None)
