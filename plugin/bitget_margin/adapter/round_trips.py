"""Round trips that the venue has shown lately, for those who decide how long to wait for it."""

from collections import deque
from typing import Final
from weakref import WeakKeyDictionary

from bitget_margin.adapter.ccxt_types import MarginExchange

_KEPT: Final = 8
"""Number of requests that count: a slow moment is soon forgotten."""

_recent_ms: Final[WeakKeyDictionary[MarginExchange, deque[float]]] = WeakKeyDictionary()


def record(exchange: MarginExchange, round_trip_ms: float) -> None:
    """Record the time of a request that was answered, or waited for in vain."""
    _recent_ms.setdefault(exchange, deque(maxlen=_KEPT)).append(round_trip_ms)


def longest_ms(exchange: MarginExchange) -> float:
    """Return the longest of the last round trips; 0 before the first."""
    return max(_recent_ms.get(exchange, ()), default=0.0)
