"""A change on the venue whose effect another thread asks for: it asks once the request is sent."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_CHANGE: Final[ContextVar["AwaitedChange | None"]] = ContextVar("_CHANGE", default=None)
"""The change that the current requests make, if somebody waits for it to be sent."""


class AwaitedChange:
    """Requests that change something, for a thread that asks for their effect.

    It asks once the first of them is sent: threads do not run in the order of their begin.
    """

    def __init__(self) -> None:
        self._is_sent = False
        self._is_known = threading.Event()

    def note_sent(self) -> None:
        """Note that a request is being sent."""
        self._is_sent = True
        self._is_known.set()

    def wait(self, seconds: float) -> bool:
        """Wait until a request is sent, or until it is known that none will be, this long at most.

        :returns: whether one was sent
        """
        self._is_known.wait(seconds)
        return self._is_sent

    @contextmanager
    def made_here(self) -> Iterator[None]:
        """Let the requests of this block, also those of its threads, be the ones that make this change."""
        token = _CHANGE.set(self)
        try:
            yield
        finally:
            _CHANGE.reset(token)
            self._is_known.set()


def note_change_sent() -> None:
    """Note that a request that changes something is being sent."""
    change = _CHANGE.get()
    if change is not None:
        change.note_sent()
