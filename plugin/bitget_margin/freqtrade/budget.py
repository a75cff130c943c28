"""Time that exits and loops may spend on resting orders, by the round trips that the venue has shown."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

ROUND_TRIPS: Final = 4
"""Round trips of an exit before its order: a lookup, freqtrade's balance, the batch cancel and its confirmation."""
LOOP_MS: Final = 3_000.0
"""Time that one loop spends on resting orders while the venue answers fast."""
LONGEST_MS: Final = 15_000.0
"""Longest time of an exit or a loop, however slow the venue is."""
SLOW_MS: Final = 400.0
"""Round trip from which on a venue is slow: exits come before all that can wait."""
_LEAST_CANCEL_MS: Final = 1_000.0
"""Time of a batch cancel beside its round trips: it is sent again after a fault, and looked up again."""
_LAST_LOOK: Final = 1.25
"""Round trips of one lookup that is answered as fast as the others."""
_LEAST_MS: Final = 50.0
"""Least time that is worth a request."""


class Budget:
    """The time that is left of a span that has begun, for all requests in it."""

    def __init__(self, total_ms: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends_at = clock() + total_ms / 1_000

    def left_ms(self) -> float:
        """Return the time that is left; 0 where it is too short for a request."""
        left_ms = (self._ends_at - self._clock()) * 1_000
        return left_ms if left_ms >= _LEAST_MS else 0.0

    def at_least(self, total_ms: float) -> "Budget":
        """Return this budget, or a new one of this span where less is left."""
        return self if self.left_ms() >= total_ms else Budget(total_ms, self._clock)


class Allowance:
    """Time that may be spent in `with` blocks, over one loop; what happens between them is not counted."""

    def __init__(self, total_ms: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left_ms = total_ms
        self._since = 0.0

    def left_ms(self) -> float:
        """Return the time that is left; 0 where it is too short for a request."""
        return self._left_ms if self._left_ms >= _LEAST_MS else 0.0

    def __enter__(self) -> Self:
        self._since = self._clock()
        return self

    def __exit__(self, *_: object) -> None:
        self._left_ms -= (self._clock() - self._since) * 1_000


@dataclass(eq=False)
class Pace:
    """Round trips that the venue has shown lately, and the budgets that follow from them.

    No part of an exit is cut off because the venue is slow: each budget has room for the requests that it is for.

    :param wait_ms: time that an exit waits for confirmations, beside the round trips
    :param shown_ms: returns the longest of the last round trips
    """

    wait_ms: float
    shown_ms: Callable[[], float]
    clock: Callable[[], float] = time.monotonic

    @property
    def round_trip_ms(self) -> float:
        """The longest of the last round trips."""
        return self.shown_ms()

    @property
    def is_slow(self) -> bool:
        """Whether the exits of a loop come before all that can wait."""
        return self.round_trip_ms >= SLOW_MS

    def exit_budget(self) -> Budget:
        """Return the time from the begin of an exit to its order."""
        return self._budget(self.wait_ms + ROUND_TRIPS * self.round_trip_ms)

    def cancel_ms(self) -> float:
        """Return the least time of a batch cancel, which is sent once more if it failed, however slow the venue is."""
        return min(LONGEST_MS, max(_LEAST_CANCEL_MS, self.wait_ms / 2) + 3 * self.round_trip_ms)

    def last_look_ms(self) -> float:
        """Return the time that an exit waits for one more lookup, after the time of a batch cancel without proof."""
        return min(_LAST_LOOK * self.round_trip_ms, LONGEST_MS - self.cancel_ms())

    def read_ms(self) -> float:
        """Return the time limit of one query outside of an exit."""
        return min(LONGEST_MS, max(LOOP_MS, self.wait_ms + 2 * self.round_trip_ms))

    def loop_budget(self) -> Budget:
        """Return the time that one loop may spend: shared by all pairs, and apart from the time of exits."""
        return self._budget(max(LOOP_MS, self.wait_ms, 2 * self.round_trip_ms))

    def _budget(self, total_ms: float) -> Budget:
        return Budget(min(LONGEST_MS, total_ms), self.clock)
