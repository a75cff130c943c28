"""Rate limiter shared by several processes, the health of its store and the policy while it is down."""

import logging
import time
from dataclasses import dataclass, field
from enum import Enum
from threading import Lock
from typing import Final, Protocol

BACKOFF_MS: Final = 1_000.0
"""Pause after a failed store request: an earlier retry would delay every request by the timeout."""
_logger: Final = logging.getLogger("bitget_margin.gates")


class BadLimiterConfig(ValueError):
    """The configuration of a shared rate window is invalid."""


class LimiterDown(Exception):
    """The store of a shared rate window did not respond, or not in time."""


class WhenDown(Enum):
    """Behaviour of a new order that is not urgent while the store is down; other requests are sent without it."""

    WAIT = "wait"
    """Wait for the store until the deadline of the call."""
    FAIL = "fail"
    """Fail at once."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Departure slot in a window: reserved if `kept`, otherwise to be requested again in `wait_ms`."""

    wait_ms: float
    kept: bool = True


class Store(Protocol):
    """Storage of the shared windows. Its methods block, at most a little longer than its timeout."""

    def reserve(self, name: str, limit: int, period_ms: float, latest_ms: float) -> Slot | None:
        """Reserve a slot in a window.

        :param name: name of the window
        :param limit: number of requests per period
        :param period_ms: length of the period
        :param latest_ms: maximum time until the slot begins
        :returns: a slot, or None if none begins in time
        :raises LimiterDown: the store does not respond
        """
        ...

    def check(self) -> None:
        """Check that the store can be used, without a reservation.

        :raises LimiterDown: it cannot
        """
        ...


@dataclass(slots=True)
class SharedLimiter:
    """A store and its health. All exchange objects of a process with the same configuration use the same one."""

    url: str
    """URL without the password."""
    store: Store
    timeout_ms: float
    when_down: WhenDown
    failure: Exception | None = None
    """Why the last request failed, also after it is up again."""
    _down_since_ms: float | None = None
    _retry_at_ms: float = 0.0
    _lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def is_down(self) -> bool:
        """Whether the last request to the store failed."""
        return self._down_since_ms is not None

    def may_try(self) -> bool:
        """Whether to try the store now; while it is down, one request of all threads may, once per pause."""
        with self._lock:
            if self._down_since_ms is None:
                return True
            now_ms = monotonic_ms()
            is_due = now_ms >= self._retry_at_ms
            if is_due:
                self._retry_at_ms = now_ms + BACKOFF_MS
            return is_due

    def reserve(self, name: str, limit: int, period_ms: float, latest_ms: float) -> Slot | None:
        """Reserve a slot in the store, see `Store.reserve`."""
        return self.store.reserve(name, limit, period_ms, latest_ms)

    def record_failure(self, why: Exception) -> None:
        """Record a failed store request; log a warning for the first one in a row."""
        with self._lock:
            now_ms = monotonic_ms()
            is_first = self._down_since_ms is None
            self._down_since_ms = now_ms if is_first else self._down_since_ms
            self._retry_at_ms = now_ms + BACKOFF_MS
            self.failure = why
        if is_first:
            others = "fail" if self.when_down is WhenDown.FAIL else "wait"
            _logger.warning(
                "The shared rate window %s is down (%s): queries, cancels and urgent orders are sent without it, by "
                "the window of this process alone; other orders %s. It is tried again every %.0f s.",
                self.url,
                why,
                others,
                BACKOFF_MS / 1_000,
            )

    def record_success(self) -> None:
        """Record that the store responded; log it if the store was down."""
        if self._down_since_ms is None:
            return
        with self._lock:
            since_ms, self._down_since_ms = self._down_since_ms, None
        if since_ms is not None:
            _logger.warning(
                "The shared rate window %s is up again, after %.1f s.", self.url, (monotonic_ms() - since_ms) / 1_000
            )


def monotonic_ms() -> float:
    """Return milliseconds of a clock that only moves forward."""
    return time.monotonic() * 1_000
