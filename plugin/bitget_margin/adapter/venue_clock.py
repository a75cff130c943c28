"""The venue's clock, learned from its responses, and start times of requests by that clock.

The local clock can be hours or days off, and can jump. Every response has the venue's time; the time since the last one
is measured with a monotonic clock.
"""

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

from bitget_margin.adapter.ccxt_types import MarginExchange
from bitget_margin.adapter.transport import header
from bitget_margin.core.api_v2 import WINDOW_MS
from bitget_margin.core.order_row import milliseconds

WHOLE_WINDOW: Final = 0
"""Placeholder for the oldest start time that the venue accepts; replaced when the request is signed."""
_LIMIT_MS: Final = 90 * 86_400_000
"""Maximum age of a start time; also stock ccxt's default, counted back from the local clock."""
VENUE_CLOCK_RESOLUTION_MS: Final = 60_000
"""Margin for the time between the reading of a clock here and at the venue."""
_EARLIEST_MS: Final = 1_500_000_000_000
"""Earliest plausible venue time, in 2017."""
_LATEST_MS: Final = 4_000_000_000_000
"""Latest plausible venue time, in 2096."""
_CROSSED: Final = "v2/margin/crossed/"
_BOOT_CLOCK: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", None)


def elapsed_ms() -> float:
    """Return monotonic milliseconds that include sleep of the machine, where there is such a clock."""
    seconds = time.monotonic() if _BOOT_CLOCK is None else time.clock_gettime(_BOOT_CLOCK)
    return seconds * 1_000


def learn(exchange: MarginExchange, headers: object, body: object) -> None:
    """Learn the venue's time from a response: its `requestTime`, or its Date header before the first one.

    The learned time is late by the travel time of the response, never early.
    """
    time_ms = _plausible(milliseconds(body.get("requestTime")) if isinstance(body, Mapping) else None)
    if time_ms is None and exchange.venue_offset_ms is None:
        time_ms = _plausible(_date_ms(headers))
    if time_ms is not None:
        exchange.venue_offset_ms = time_ms - elapsed_ms()


def now(exchange: MarginExchange) -> int:
    """Return the venue's time in ms; before its first response the local time with ccxt's correction."""
    if exchange.venue_offset_ms is None:
        return exchange.milliseconds() - (exchange.options.get("timeDifference") or 0)
    return int(exchange.venue_offset_ms + elapsed_ms())


def bounded(exchange: MarginExchange, path: object, params: Any) -> Any:
    """Return the parameters of a request with a start time that the venue accepts, by its own clock.

    Stock ccxt's default start time, counted back from the local clock, is replaced too.
    """
    start_ms = milliseconds(params.get("startTime")) if isinstance(params, Mapping) else None
    if start_ms is None or not str(path).startswith(_CROSSED):
        return params
    oldest_ms = now(exchange) - (WINDOW_MS if start_ms == WHOLE_WINDOW else _LIMIT_MS - VENUE_CLOCK_RESOLUTION_MS)
    is_stock = 0 <= exchange.milliseconds() - _LIMIT_MS - start_ms <= VENUE_CLOCK_RESOLUTION_MS
    return {**params, "startTime": str(oldest_ms)} if is_stock or start_ms < oldest_ms else params


def _plausible(time_ms: int | None) -> int | None:
    return time_ms if time_ms is not None and _EARLIEST_MS <= time_ms <= _LATEST_MS else None


def _date_ms(headers: object) -> int | None:
    """Return the time in the Date header."""
    date = header(headers, "date")
    try:
        return int(parsedate_to_datetime(date).timestamp() * 1_000) if isinstance(date, str) else None
    except (ValueError, OverflowError):
        return None
