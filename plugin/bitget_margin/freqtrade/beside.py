"""Work that runs in a thread of its own beside other requests: a slow venue then costs one round trip, not two."""

import contextvars
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Beside(Generic[T]):
    """Work that has begun; the thread is left alone where nobody waits for it any more.

    :param work: requests alone: the database session belongs to the thread that opened it
    """

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._result: list[T] = []
        self._error: BaseException | None = None
        self._ended = threading.Event()
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
            self._ended.set()
