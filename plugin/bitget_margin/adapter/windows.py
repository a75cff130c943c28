"""The rate windows of this process: one per account and endpoint, shared by all instances."""

from __future__ import annotations

import hashlib
from threading import Lock
from typing import Final

from bitget_margin.core.call import Endpoint
from bitget_margin.core.window import Window

_windows: Final[dict[tuple[str, Endpoint], Window]] = {}
_lock: Final = Lock()


def window(account: str, endpoint: Endpoint) -> Window:
    """Return the window of an account's endpoint."""
    with _lock:
        return _windows.setdefault((account, endpoint), Window(endpoint.per_second))


def account_name(uid: object, api_key: object, url: object) -> str:
    """Name the account whose window counts: its UID, else a hash of its key; `url` keeps venues apart."""
    who = f"uid {uid}" if uid else hashlib.sha256(str(api_key).encode()).hexdigest()
    return f"{url} {who}"
