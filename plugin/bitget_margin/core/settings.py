"""Settings of one call, checked before anything is sent, and its deadline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from bitget_margin.core.endpoints import CLASSIC_BATCH_MAX
from bitget_margin.core.order_ref import BadInput

Clock: TypeAlias = Callable[[], float]
"""Returns monotonic milliseconds."""

DEFAULT_TIMEOUT_MS: Final = 10_000
"""Time limit of a call that gives none."""
TIMEOUT_MAX_MS: Final = 3_600_000
"""Longest time limit of a call."""
_CHANGE_MS: Final = 1_500.0
"""Time that a request which changes something gets in a short call, up to half of it: a slow venue still answers."""
_LOOKUP_MS: Final = 2_500.0
"""Time that a lookup gets in a short call that changes something, up to two thirds of it."""


@dataclass(frozen=True, slots=True)
class Pacing:
    """Pauses between requests, and the distances in time that evidence needs, in milliseconds."""

    recancel_ms: float = 1_050
    """Between two cancels of one order: code 45129 allows one per second."""
    refusals_ms: float = 1_000
    """Least distance of the two refusals that prove OPEN."""
    recheck_ms: float = 1_500
    """Least distance of the two lookups that prove NOT_FOUND, because order history lags."""
    limited_ms: float = 1_000
    """Pause after a 429: the length of the rate limit window."""
    polls_ms: tuple[float, ...] = (150, 300, 600, 1_000, 1_500)
    """Pauses between lookups of an order that is not shown as ended yet; the last one repeats."""

    def poll_ms(self, count: int) -> float:
        """Return the pause after lookup number `count`, counted from 0."""
        return self.polls_ms[min(count, len(self.polls_ms) - 1)]


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one call."""

    confirm: bool = True
    timeout_ms: float = DEFAULT_TIMEOUT_MS
    batch_size: int = CLASSIC_BATCH_MAX
    pacing: Pacing = field(default_factory=Pacing)

    @property
    def request_ms(self) -> float:
        """A third of the call: the time of one request among several."""
        return self.timeout_ms / 3

    @property
    def change_ms(self) -> float:
        """Time limit of a request that changes something: it leaves time for a lookup that is as slow."""
        return max(self.request_ms, min(_CHANGE_MS, self.timeout_ms / 2))

    @property
    def lookup_ms(self) -> float:
        """Time limit of a lookup in a call that changes something: one that hangs leaves time for another."""
        return max(self.request_ms, min(_LOOKUP_MS, self.timeout_ms * 2 / 3))


def parse_settings(params: Mapping[str, Any], defaults: Mapping[str, Any], *, confirm: bool) -> Settings:
    """Return the settings of `params`, else of the options, else the built-in ones.

    :param defaults: `options['batchCancel']`
    :raises BadInput: where a value is invalid
    """
    given = {key: params.get(key, defaults.get(key)) for key in ("confirm", "timeout", "batchSize")}
    pacing = defaults.get("pacing", Pacing())
    if not isinstance(pacing, Pacing):
        raise BadInput(f"options['batchCancel']['pacing'] is {pacing!r}: give a Pacing")
    return Settings(
        confirm=_flag(given["confirm"], confirm),
        timeout_ms=_timeout_ms(given["timeout"]),
        batch_size=_batch_size(given["batchSize"]),
        pacing=pacing,
    )


def _flag(value: object, default: bool) -> bool:
    if value is None:
        return default
    if not isinstance(value, bool):
        raise BadInput(f"confirm is {value!r}: give True or False")
    return value


def _timeout_ms(value: object) -> float:
    if value is None:
        return DEFAULT_TIMEOUT_MS
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= TIMEOUT_MAX_MS:
        raise BadInput(f"timeout is {value!r}: give the ms that the whole call may take, up to {TIMEOUT_MAX_MS}")
    return float(value)


def _batch_size(value: object) -> int:
    if value is None:
        return CLASSIC_BATCH_MAX
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= CLASSIC_BATCH_MAX:
        raise BadInput(f"batchSize is {value!r}: give 1 to {CLASSIC_BATCH_MAX}, the most that one request may name")
    return value


@dataclass(frozen=True, slots=True)
class Deadline:
    """Point in time until which a call may run: `span_ms` after its start."""

    clock: Clock
    start_ms: float
    span_ms: float

    @classmethod
    def after(cls, clock: Clock, span_ms: float) -> Deadline:
        """Return the deadline that ends a span which starts now."""
        return cls(clock, clock(), span_ms)

    @property
    def at_ms(self) -> float:
        """The point in time."""
        return self.start_ms + self.span_ms

    def left_ms(self) -> float:
        """Return the time that is left; negative after the deadline."""
        return self.at_ms - self.clock()

    def extended(self, span_ms: float) -> Deadline:
        """Return a deadline with the same start and another span."""
        return Deadline(self.clock, self.start_ms, span_ms)
