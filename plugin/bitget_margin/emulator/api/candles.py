"""Candles: division of time, and the rows of a range."""

from dataclasses import dataclass
from datetime import UTC, datetime

from bitget_margin.emulator.api.request import PublicRequest
from bitget_margin.emulator.market.decimals import write_decimal

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
WEEK_MS = 7 * DAY_MS
ZONE_MS = 8 * HOUR_MS
"""Time zone in which days begin, UTC+8, except those of granularities with "utc" in their name."""
_LONGER_THAN_A_MONTH_MS = 32 * DAY_MS


@dataclass(frozen=True, slots=True)
class Grid:
    """Division of time into candles.

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


def candle_rows(request: PublicRequest, grid: Grid, start_ms: int, end_ms: int | None, limit: int) -> list[list[str]]:
    """List the last candles of a range, oldest first.

    :param end_ms: None for the present
    """
    symbol, market = request.symbol(), request.engine.market
    present_ms = request.now_ms + 1
    # The limit counts back from the end of the range.
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


def _month_start(at_ms: int) -> int:
    day = datetime.fromtimestamp(at_ms // 1000, UTC)
    return int(datetime(day.year, day.month, 1, tzinfo=UTC).timestamp()) * 1000
