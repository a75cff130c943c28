"""How old an order is, in the words of a person: `90s`, `10m`, `2h`, `1d`."""

from __future__ import annotations

import re
from typing import Final

UNITS_MS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_AGE: Final = re.compile(r"(?P<count>\d{1,9})(?P<unit>[smhd])")


def read(text: str) -> int:
    """Return an age in ms.

    :raises ValueError: it is none
    """
    match = _AGE.fullmatch(text.strip())
    if match is None or not int(match["count"]):
        raise ValueError(f"{text!r} is no age: give a whole number above 0 and s, m, h or d, such as 10m or 2h")
    return int(match["count"]) * UNITS_MS[match["unit"]]


def told(age_ms: float | None) -> str:
    """Return an age in its two largest units, such as `2h 05m`; empty where it is not known."""
    if age_ms is None:
        return ""
    seconds = max(0, int(age_ms // 1_000))
    minutes, hours, days = seconds // 60, seconds // 3_600, seconds // 86_400
    if days:
        return f"{days}d {hours % 24:02}h"
    if hours:
        return f"{hours}h {minutes % 60:02}m"
    return f"{minutes}m {seconds % 60:02}s" if minutes else f"{seconds}s"
