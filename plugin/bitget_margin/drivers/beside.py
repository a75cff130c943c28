"""Work that runs in a thread of its own, beside others: `requests` has no timeout for a whole request.

Two requests side by side cost one round trip of a slow venue, not two.
"""

import contextvars
import threading
from collections.abc import Callable
from typing import Generic

from bitget_margin.adapter.transport import monotonic_ms
from bitget_margin.core.effects import T


class Beside(Generic[T]):
    """Work that has begun; the thread is left alone where nobody waits for it any more.

    :param work: requests alone: a database session belongs to the thread that opened it
    """

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._result: list[T] = []
        self._error: BaseException | None = None
        self._ended = threading.Event()
        self.ended_ms: float | None = None
        """Time at which the work ended, on the monotonic clock."""
        threading.Thread(target=contextvars.copy_context().run, args=(self._run,), daemon=True).start()

    def ended(self, seconds: float) -> bool:
        """Wait for the end of the work, this long at most; return whether it has ended."""
        return self._ended.wait(max(0.0, seconds))

    def result(self) -> T:
        """Return the result, or raise what the work raised; wait for its end."""
        self._ended.wait()
        if self._error is not None:
            raise self._error
        return self._result[0]

    def _run(self) -> None:
        try:
            self._result.append(self._work())
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            self._error = error
        finally:
            self.ended_ms = monotonic_ms()
            self._ended.set()
