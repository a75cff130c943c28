"""Which pairs a loop looks up: those with something to decide, those with a push, and each one at a bounded age.

Without pushes, every loop looks every pair up, as far as a slow venue allows it.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final

from bitget_margin.freqtrade.budget import Pace
from bitget_margin.freqtrade.ports import Pushes

_PAUSE_ROUND_TRIPS: Final = 4
"""Least time between two lookups of a pair without anything urgent, in round trips."""
_LONGEST_PAUSE_SECONDS: Final = 5.0
_AFTER_PUSH_SECONDS: Final = 5.0
"""Time after a push within which a lookup does not count: lists may show the change later."""


@dataclass(eq=False, kw_only=True)
class Lookups:
    """Times of the lookups, by pair.

    :param max_age_seconds: longest time for which pushes spare a lookup
    """

    pace: Pace
    pushes: Pushes
    max_age_seconds: float
    clock: Callable[[], float] = time.monotonic
    _tried_at: dict[str, float] = field(default_factory=dict, init=False)
    """Begin of the last lookup, whatever came of it."""
    _seen_at: dict[str, float] = field(default_factory=dict, init=False)
    """Begin of the last one that was answered and processed."""
    swept: set[str] = field(default_factory=set, init=False)
    """Pairs whose open orders were listed since the start."""

    def begin(self, pairs: Collection[str]) -> None:
        """Note that lookups of these pairs begin."""
        self._tried_at.update(dict.fromkeys(pairs, self.clock()))

    def end(self, pair: str) -> None:
        """Note that the last lookup of a pair was answered and processed."""
        self._seen_at[pair] = self._tried_at.get(pair, self.clock())
        self.swept.add(pair)

    def confirm(self, pair: str, at_seconds: float) -> None:
        """Note that a list which was requested at this time shows a pair as it was known."""
        self._seen_at[pair] = max(at_seconds, self._seen_at.get(pair, at_seconds))

    def require(self, pair: str) -> None:
        """Let this loop look a pair up."""
        self._tried_at.pop(pair, None)
        self._seen_at.pop(pair, None)

    def age_seconds(self, pair: str) -> float:
        """Return the time since the last answered lookup of a pair began; infinity where there is none."""
        return self.clock() - self._seen_at.get(pair, float("-inf"))

    def is_quiet(self, pair: str) -> bool:
        """Whether every change of a pair since its last lookup would have been pushed, and none was."""
        since, seen = self.pushes.quiet_since(pair), self._seen_at.get(pair)
        return since is not None and seen is not None and seen >= since + _AFTER_PUSH_SECONDS

    def is_due(self, pair: str) -> bool:
        """Whether this loop looks up a pair without anything urgent."""
        if pair not in self.swept:
            return True
        pause = min(_LONGEST_PAUSE_SECONDS, _PAUSE_ROUND_TRIPS * self.pace.round_trip_ms / 1_000)
        if self.clock() - self._tried_at.get(pair, float("-inf")) < pause:
            return False
        return self.age_seconds(pair) >= self.max_age_seconds or not self.is_quiet(pair)
