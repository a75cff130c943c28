"""How late this process is with what it has to do: what a busy machine does to a call is not the library's doing."""

from __future__ import annotations

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
"""Any machine is as late as this now and then: no new round begins while it was later a moment ago."""
_MOMENT_SECONDS: Final = 0.05


class Pulse:
    """A clock that notices when it is woken too late."""

    def __init__(self) -> None:
        self._beats: deque[tuple[float, float]] = deque()

    async def beat(self) -> None:
        """Go on until cancelled."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(_BEAT_SECONDS)
            self._note(before)

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Beat in a thread while the block runs."""
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
        """Return how late it was at the worst since then, on the monotonic clock."""
        worst_ms = 0.0
        for at, late_ms in reversed(self._beats):
            if at < since:
                break
            # A beat that was late before then is late by no more than has passed since.
            worst_ms = max(worst_ms, min(late_ms, (at - since) * 1_000))
        return worst_ms

    def late_ms(self, since: float) -> float:
        """Return how long this process was kept from its work since then, all in all."""
        return sum(late_ms for at, late_ms in self._beats if at >= since and late_ms > _CALM_MS)

    async def calm(self) -> None:
        """Wait until there is time for another round."""
        while self.worst_ms(time.monotonic() - _MOMENT_SECONDS) > _CALM_MS:  # noqa: ASYNC110 - time itself
            await asyncio.sleep(_BEAT_SECONDS)


class Stopwatch:
    """How long a block took, once it has ended."""

    took_ms: float


@contextmanager
def stopwatch() -> Iterator[Stopwatch]:
    """Measure a block, less what the machine kept it waiting; what this process computed meanwhile counts."""
    pulse, watch = Pulse(), Stopwatch()
    with pulse.beating():
        started, worked = time.monotonic(), time.process_time()
        try:
            yield watch
        finally:
            took_ms = (time.monotonic() - started) * 1_000
            own_ms = (time.process_time() - worked) * 1_000
    watch.took_ms = took_ms - max(0.0, pulse.late_ms(started) - own_ms)
