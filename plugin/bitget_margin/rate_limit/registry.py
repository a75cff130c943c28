"""Rate windows of this process, one per account and request path, shared by all exchange objects."""

import os
from threading import Lock
from typing import Final

from bitget_margin.rate_limit.window import Window

_windows: Final[dict[tuple[str, str], Window]] = {}
_names: Final[dict[str, str]] = {}
"""Present names of accounts by earlier ones."""
_lock = Lock()


def window_for(account: str, path: str, limit: int) -> Window:
    """Return the window of a request path of an account; the first call sets its limit."""
    with _lock:
        return _windows.setdefault((_names.get(account, account), path), Window(limit))


def rename(account: str, name: str) -> None:
    """Continue the windows of an account under another name: requests that have left still count for the venue.

    Exchange objects that know the account by its earlier name go on with the same windows.
    """
    if account == name:
        return
    with _lock:
        _names[account] = name
        for (named, path), window in list(_windows.items()):
            if named == account:
                del _windows[named, path]
                known = _windows.setdefault((name, path), window)
                if known is not window:
                    known.absorb(window)


def _reset() -> None:
    """Start empty in a forked process: a lock that another thread held would never be released there."""
    global _lock  # noqa: PLW0603 - the module is what was forked
    _lock = Lock()
    _windows.clear()
    _names.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset)
