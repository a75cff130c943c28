"""The clock that the adapter's calls go by."""

from __future__ import annotations

import time


def now_ms() -> float:
    """Return a time that only goes forward."""
    return time.monotonic() * 1_000
