"""Rate windows of this process, one per account and request path, shared by all exchange objects."""

import os
from threading import Lock
from typing import Final

from bitget_margin.rate_limit.window import Window

_windows: Final[dict[tuple[str, str], Window]] = {}
_lock = Lock()


def window_for(account: str, path: str, limit: int) -> Window:
    """Return the window of a request path of an account; the first call sets its limit."""
    with _lock:
        return _windows.setdefault((account, path), Window(limit))


def _reset() -> None:
    """Start empty in a forked process: a lock that another thread held would never be released there."""
    global _lock  # noqa: PLW0603 - the module is what was forked
    _lock = Lock()
    _windows.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset)
