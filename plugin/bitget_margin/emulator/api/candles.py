"""Candles: how time is cut, and which ones a request gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from bitget_margin.emulator.api.request import PublicRequest
from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.decimals import write_decimal

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_DAY_MS = 24 * _HOUR_MS
_WEEK_MS = 7 * _DAY_MS
#: Granularities without "utc" begin their days in this time zone, UTC+8.
ZONE_MS = 8 * _HOUR_MS
#: 1970-01-01 was a Thursday; weeks begin on Monday.
_MONDAY_MS = 4 * _DAY_MS

_LENGTHS_MS: Mapping[str, int] = {
    "1min": _MINUTE_MS,
    "3min": 3 * _MINUTE_MS,
    "5min": 5 * _MINUTE_MS,
    "15min": 15 * _MINUTE_MS,
    "30min": 30 * _MINUTE_MS,
    "1h": _HOUR_MS,
    "4h": 4 * _HOUR_MS,
    "6h": 6 * _HOUR_MS,
    "12h": 12 * _HOUR_MS,
    "1day": _DAY_MS,
    "3day": 3 * _DAY_MS,
    "1week": _WEEK_MS,
    "6Hutc": 6 * _HOUR_MS,
    "12Hutc": 12 * _HOUR_MS,
    "1Dutc": _DAY_MS,
    "3Dutc": 3 * _DAY_MS,
    "1Wutc": _WEEK_MS,
}
_MONTHS = ("1M", "1Mutc")
_LONGER_THAN_A_MONTH_MS = 32 * _DAY_MS
_DEFAULT_LIMIT = 100
_RECENT_CAP = 1000
_HISTORY_CAP = 200


@dataclass(frozen=True, slots=True)
class Grid:
    """A way to cut time into candles.

    :param length_ms: length of a candle, None for calendar months
    :param first_ms: start of some candle, ms since the epoch
    """

    length_ms: int | None
    first_ms: int

    def start(self, at_ms: int) -> int:
        """Return the start of the candle that holds a moment, ms since the epoch."""
        if self.length_ms is None:
            return _month_start(at_ms - self.first_ms) + self.first_ms
        return at_ms - (at_ms - self.first_ms) % self.length_ms

    def end(self, start_ms: int) -> int:
        """Return the end of the candle that begins at a moment, ms since the epoch."""
        if self.length_ms is None:
            return self.start(start_ms + _LONGER_THAN_A_MONTH_MS)
        return start_ms + self.length_ms


def candles(call: PublicRequest) -> list[list[str]]:
    """List candles up to the present one, oldest first."""
    start_ms, end_ms = call.params.optional_integer("startTime"), call.params.optional_integer("endTime")
    return candle_rows(call, _read_grid(call), start_ms or 0, end_ms, _read_limit(call, _RECENT_CAP))


def history_candles(call: PublicRequest) -> list[list[str]]:
    """List candles before a required moment, oldest first; the start of the range does not count here."""
    return candle_rows(call, _read_grid(call), 0, call.params.integer("endTime"), _read_limit(call, _HISTORY_CAP))


def candle_rows(call: PublicRequest, grid: Grid, start_ms: int, end_ms: int | None, limit: int) -> list[list[str]]:
    """List the last candles of a range, oldest first.

    :param end_ms: None for the present
    """
    symbol, market = call.symbol(), call.engine.market
    present_ms = call.now_ms + 1
    # The venue counts its limit back from the end of the range.
    next_ms = min(present_ms, end_ms if end_ms is not None else present_ms)
    rows: list[list[str]] = []
    while len(rows) < limit and next_ms > 0:
        begin_ms = grid.start(next_ms - 1)
        if begin_ms < max(start_ms, 0):
            break
        candle = market.candle(symbol.symbol, begin_ms, min(grid.end(begin_ms), present_ms))
        value = write_decimal(candle.volume * candle.close)
        prices = (candle.open, candle.high, candle.low, candle.close, candle.volume)
        rows.append([str(begin_ms), *map(write_decimal, prices), value, value])
        next_ms = begin_ms
    return rows[::-1]


def _read_limit(call: PublicRequest, cap: int) -> int:
    return min(call.params.optional_integer("limit") or _DEFAULT_LIMIT, cap)


def _read_grid(call: PublicRequest) -> Grid:
    granularity = call.params.text("granularity")
    zone_ms = 0 if granularity.endswith("utc") else ZONE_MS
    if granularity in _MONTHS:
        return Grid(None, -zone_ms)
    length_ms = _LENGTHS_MS.get(granularity)
    if length_ms is None:
        raise VenueError(Refusal.BAD_PARAMETER, "granularity")
    return Grid(length_ms, (_MONDAY_MS if length_ms == _WEEK_MS else 0) - zone_ms)


def _month_start(at_ms: int) -> int:
    day = datetime.fromtimestamp(at_ms // 1000, UTC)
    return int(datetime(day.year, day.month, 1, tzinfo=UTC).timestamp()) * 1000
