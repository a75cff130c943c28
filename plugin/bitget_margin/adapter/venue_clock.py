"""The venue's clock as its answers show it, and the times that are sent by it.

The local clock can be hours or days off, and can jump. The venue's time comes with every answer; from then on the time
that passed is counted on a clock that only goes forward.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

from bitget_margin.adapter.ccxt_types import MarginExchange
from bitget_margin.core.api_v2 import WINDOW_MS
from bitget_margin.core.order_row import milliseconds

WHOLE_WINDOW: Final = 0
"""A start time that stands for the oldest one that the venue answers for; it is filled in as the request leaves."""
_LIMIT_MS: Final = 90 * 86_400_000
"""How far back the venue answers, and where nothing is given, how far back of the local clock stock ccxt asks."""
_GRAIN_MS: Final = 60_000
"""How long a request may take from the reading of a clock until the venue reads its own."""
_EARLIEST_MS: Final = 1_500_000_000_000
"""In 2017: an earlier time is none of the venue's."""
_LATEST_MS: Final = 4_000_000_000_000
"""In 2096: nor is a later one."""
_CROSSED: Final = "v2/margin/crossed/"
_SLEEPLESS: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", None)


def elapsed_ms() -> float:
    """Return a time that only goes forward, also while the machine sleeps where the system has such a clock."""
    seconds = time.monotonic() if _SLEEPLESS is None else time.clock_gettime(_SLEEPLESS)
    return seconds * 1_000


def learn(exchange: MarginExchange, headers: object, body: object) -> None:
    """Take in the time of an answer: its `requestTime`; its Date header only while there is nothing better.

    Late by the time that the answer travelled, never early.
    """
    told = _plausible(milliseconds(body.get("requestTime")) if isinstance(body, Mapping) else None)
    if told is None and exchange.venue_offset_ms is None:
        told = _plausible(_date(headers))
    if told is not None:
        exchange.venue_offset_ms = told - elapsed_ms()


def now(exchange: MarginExchange) -> int:
    """Return the venue's time in ms; before its first answer the local one, as ccxt corrects it."""
    if exchange.venue_offset_ms is None:
        return exchange.milliseconds() - (exchange.options.get("timeDifference") or 0)
    return int(exchange.venue_offset_ms + elapsed_ms())


def bounded(exchange: MarginExchange, path: object, params: Any) -> Any:
    """Return the parameters of a request with its start time inside what the venue answers for, by its own clock.

    A start that stock ccxt has counted back from the local clock becomes the oldest one, too.
    """
    start_ms = milliseconds(params.get("startTime")) if isinstance(params, Mapping) else None
    if start_ms is None or not str(path).startswith(_CROSSED):
        return params
    oldest_ms = now(exchange) - (WINDOW_MS if start_ms == WHOLE_WINDOW else _LIMIT_MS - _GRAIN_MS)
    is_stock = 0 <= exchange.milliseconds() - _LIMIT_MS - start_ms <= _GRAIN_MS
    return {**params, "startTime": str(oldest_ms)} if is_stock or start_ms < oldest_ms else params


def _plausible(told: int | None) -> int | None:
    return told if told is not None and _EARLIEST_MS <= told <= _LATEST_MS else None


def _date(headers: object) -> int | None:
    """Return the time that the Date header gives."""
    if not isinstance(headers, Mapping):
        return None
    written = next((value for name, value in headers.items() if str(name).lower() == "date"), None)
    try:
        return int(parsedate_to_datetime(written).timestamp() * 1_000) if isinstance(written, str) else None
    except (ValueError, OverflowError):
        return None
