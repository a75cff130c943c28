"""Rate windows of this process: one per account and endpoint, shared by all exchange objects."""

from __future__ import annotations

from threading import Lock
from typing import Final

from bitget_margin.core.endpoints import Endpoint
from bitget_margin.rate_limit.window import Window

_windows: Final[dict[tuple[str, Endpoint], Window]] = {}


_lock = Lock()


def window(account: str, endpoint: Endpoint) -> Window:
    """Return the window of an account's endpoint."""
    with _lock:
        return _windows.setdefault((account, endpoint), Window(endpoint.per_second))


def _forget() -> None:
    """Begin anew in a process that was forked: a lock that was held stays so there."""
    global _lock  # noqa: PLW0603 - the module is what was forked
    _lock = Lock()
    _windows.clear()
