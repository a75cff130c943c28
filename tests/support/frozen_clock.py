"""A clock for tests that moves only when a test moves it."""

from dataclasses import dataclass


@dataclass(slots=True)
class FrozenClock:
    """Callable in place of `monotonic_ms`; returns `now`."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now
