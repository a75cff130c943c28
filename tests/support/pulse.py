"""Measure delays of this process, so that a busy machine does not count against the library."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_BEAT_SECONDS: Final = 0.005
_KEPT_SECONDS: Final = 30.0
_CALM_MS: Final = 15.0
"""Normal delay of a machine; no new round starts after a longer one."""
_MOMENT_SECONDS: Final = 0.05


class Pulse:
    """A timer that records how late it is woken."""

    def __init__(self) -> None:
        self._beats: deque[tuple[float, float]] = deque()

    async def beat(self) -> None:
        """Run until canceled."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(_BEAT_SECONDS)
            self._note(before)

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Run the timer in a thread during the block."""
        done = threading.Event()

        def beat() -> None:
            while not done.is_set():
                before = time.monotonic()
                time.sleep(_BEAT_SECONDS)
                self._note(before)

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _note(self, before: float) -> None:
        now = time.monotonic()
        self._beats.append((now, (now - before - _BEAT_SECONDS) * 1_000))
        while self._beats[0][0] < now - _KEPT_SECONDS:
            self._beats.popleft()

    def worst_ms(self, since: float) -> float:
        """Return the longest delay since a monotonic time."""
        worst_ms = 0.0
        for at, late_ms in reversed(self._beats):
            if at < since:
                break
            # A delay that began before counts only from then on.
            worst_ms = max(worst_ms, min(late_ms, (at - since) * 1_000))
        return worst_ms

    def late_ms(self, since: float) -> float:
        """Return the sum of the delays since a monotonic time."""
        return sum(late_ms for at, late_ms in self._beats if at >= since and late_ms > _CALM_MS)

    async def calm(self) -> None:
        """Wait until the last moments had no delay."""
        while self.worst_ms(time.monotonic() - _MOMENT_SECONDS) > _CALM_MS:  # noqa: ASYNC110 - time itself
            await asyncio.sleep(_BEAT_SECONDS)


class Stopwatch:
    """Duration of a block, set at its end."""

    took_ms: float


@contextmanager
def stopwatch() -> Iterator[Stopwatch]:
    """Measure a block without delays of the machine; computing time of this process counts."""
    pulse, watch = Pulse(), Stopwatch()
    with pulse.beating():
        started, worked = time.monotonic(), time.process_time()
        try:
            yield watch
        finally:
            took_ms = (time.monotonic() - started) * 1_000
            own_ms = (time.process_time() - worked) * 1_000
    watch.took_ms = took_ms - max(0.0, pulse.late_ms(started) - own_ms)
