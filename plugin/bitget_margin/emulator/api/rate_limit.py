"""Sliding windows that limit the requests of each client and endpoint."""

from collections import deque

SPAN_MS = 1000


class SlidingWindow:
    """Limit of requests within any one second.

    :param limit: requests per second
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._admitted: deque[int] = deque()

    def admit(self, now_ms: int) -> bool:
        """Count a request if there is room for it, and return whether there was."""
        room = self.left(now_ms) > 0
        if room:
            self._admitted.append(now_ms)
        return room

    def left(self, now_ms: int) -> int:
        """Return the number of requests that still have room now."""
        while self._admitted and self._admitted[0] <= now_ms - SPAN_MS:
            self._admitted.popleft()
        return self._limit - len(self._admitted)


class SlidingWindows:
    """One window per client and endpoint."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, str], SlidingWindow] = {}

    def of(self, client: str, endpoint: str, limit: int) -> SlidingWindow:
        """Return the window of a client (UID or IP address) at an endpoint, made on first use."""
        return self._windows.setdefault((client, endpoint), SlidingWindow(limit))
