"""The time that a call has, on a clock that is passed in."""

from __future__ import annotations

from dataclasses import dataclass

from bitget_margin.core.call import Clock


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point on the clock; `span_ms` is what there was in all."""

    clock: Clock
    start_ms: float
    span_ms: float

    @classmethod
    def after(cls, clock: Clock, span_ms: float) -> Deadline:
        """Return the deadline that lies so far ahead of now."""
        return cls(clock, clock(), span_ms)

    @property
    def at_ms(self) -> float:
        """The point itself."""
        return self.start_ms + self.span_ms

    def now_ms(self) -> float:
        """Return the time."""
        return self.clock()

    def left_ms(self) -> float:
        """Return the time that is left, negative once it has passed."""
        return self.at_ms - self.clock()

    def extended(self, span_ms: float) -> Deadline:
        """Return a deadline with the same start and another span."""
        return Deadline(self.clock, self.start_ms, span_ms)
