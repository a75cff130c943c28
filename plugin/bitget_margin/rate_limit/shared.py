"""What a shared rate window does, whatever keeps it, and what is done where it cannot be asked."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from enum import Enum
from threading import Lock
from typing import Final, Protocol

BACKOFF_MS: Final = 1_000.0
"""How long a store that did not answer is left alone: asking it would cost every request the same time again."""
_logger: Final = logging.getLogger("bitget_margin.gates")


class BadLimiterConfig(ValueError):
    """A shared rate window that cannot be used as it was written."""


class LimiterDown(Exception):
    """The store of a shared rate window did not answer, or not in time."""


class WhenDown(Enum):
    """What a request does while the store cannot be asked; what belongs to a cancel goes out in any case."""

    WAIT = "wait"
    """It waits for the store, until its call's deadline."""
    FAIL = "fail"
    """It fails at once."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a window: it is kept and begins in `wait_ms`, or it is not, and can be asked for again then."""

    wait_ms: float
    kept: bool = True


class Store(Protocol):
    """What keeps the windows. Its methods block, for a little longer than the timeout it was made with at most."""

    def reserve(self, name: str, limit: int, period_ms: float, latest_ms: float) -> Slot | None:
        """Ask for a place in a window.

        :param name: of the window
        :param limit: how many requests may leave in a period
        :param period_ms: how long that is
        :param latest_ms: how far ahead the place may begin at the most
        :returns: a place, or None if there is none before that
        :raises GateDown: the store cannot be asked
        """
        ...


@dataclass(slots=True)
class SharedLimiter:
    """A store, and what is known of its health; one for all exchange objects of a process that name the same URL."""

    url: str
    """Without its password."""
    store: Store
    timeout_ms: float
    when_down: WhenDown
    _down_since_ms: float | None = None
    _retry_at_ms: float = 0.0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def in_backoff(self) -> bool:
        """Whether the store has just failed, and is not worth asking yet."""
        return self._down_since_ms is not None and _now_ms() < self._retry_at_ms

    def reserve(self, name: str, limit: int, period_ms: float, latest_ms: float) -> Slot | None:
        """Ask the store for a place, see `Store.reserve`."""
        return self.store.reserve(name, limit, period_ms, latest_ms)

    def record_failure(self, why: Exception) -> None:
        """Note that the store did not answer, and warn when that begins."""
        with self._lock:
            begins = self._down_since_ms is None
            now_ms = _now_ms()
            self._down_since_ms = now_ms if begins else self._down_since_ms
            self._retry_at_ms = now_ms + BACKOFF_MS
        if begins:
            others = "fails" if self.when_down is WhenDown.FAIL else "waits"
            _logger.warning(
                "The shared rate window %s cannot be asked (%s): cancels go out without it, by the window of this "
                "process alone; everything else %s. It is asked again every %.0f s.",
                self.url,
                why,
                others,
                BACKOFF_MS / 1_000,
            )

    def record_success(self) -> None:
        """Note that the store answers."""
        if self._down_since_ms is None:
            return
        with self._lock:
            since_ms, self._down_since_ms = self._down_since_ms, None
        if since_ms is not None:
            _logger.warning(
                "The shared rate window %s answers again, after %.1f s.", self.url, (_now_ms() - since_ms) / 1_000
            )


def _now_ms() -> float:
    return time.monotonic() * 1_000
