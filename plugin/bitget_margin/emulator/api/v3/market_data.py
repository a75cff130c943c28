"""The market in the words of the unified account: the same prices under other names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bitget_margin.emulator.api.candles import ZONE_MS, Grid, candle_rows
from bitget_margin.emulator.api.request import PublicRequest
from bitget_margin.emulator.api.v2.market_data import asked_symbols, book_levels, market_fills
from bitget_margin.emulator.api.v2.market_data import tickers as classic_tickers
from bitget_margin.emulator.api.v2.rows import Row
from bitget_margin.emulator.api.v3.category import read_category
from bitget_margin.emulator.api.v3.rows import instrument_row
from bitget_margin.emulator.errors import Refusal, VenueError

_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 60 * _MINUTE_MS
#: The page's, and 2H, which is ccxt's alone. There are 6Hutc and the like besides, so these begin their days in UTC+8.
_INTERVALS_MS: Final[Mapping[str, int]] = {
    "1m": _MINUTE_MS,
    "3m": 3 * _MINUTE_MS,
    "5m": 5 * _MINUTE_MS,
    "15m": 15 * _MINUTE_MS,
    "30m": 30 * _MINUTE_MS,
    "1H": _HOUR_MS,
    "2H": 2 * _HOUR_MS,
    "4H": 4 * _HOUR_MS,
    "6H": 6 * _HOUR_MS,
    "12H": 12 * _HOUR_MS,
    "1D": 24 * _HOUR_MS,
}
_CANDLES: Final = 100
_RECENT_CAP: Final = 1000
_HISTORY_CAP: Final = 100
_COLUMNS: Final = 7
_BOOK_DEPTH: Final = 5
_BOOK_CAP: Final = 200
_TICKER: Final[Mapping[str, str]] = {
    "symbol": "symbol",
    "ts": "ts",
    "lastPrice": "lastPr",
    "openPrice24h": "open",
    "highPrice24h": "high24h",
    "lowPrice24h": "low24h",
    "ask1Price": "askPr",
    "bid1Price": "bidPr",
    "bid1Size": "bidSz",
    "ask1Size": "askSz",
    "price24hPcnt": "change24h",
    "volume24h": "baseVolume",
    "turnover24h": "quoteVolume",
}


def instruments(call: PublicRequest) -> list[Row]:
    """List the pairs of a category."""
    category = read_category(call.params)
    return [instrument_row(symbol, category) for symbol in asked_symbols(call)] if category.on_spot_market else []


def tickers(call: PublicRequest) -> list[Row]:
    """List the last day of one pair or of all."""
    # The pages of the market know SPOT, and MARGIN only sometimes; ccxt asks for MARGIN once it has a margin mode.
    category = read_category(call.params)
    if not category.on_spot_market:
        return []
    return [
        {"category": category.value, **{name: row[classic] for name, classic in _TICKER.items()}}
        for row in classic_tickers(call)
    ]


def order_book(call: PublicRequest) -> Row:
    """Return the best offers of a pair."""
    _check_market(call)
    asks, bids = book_levels(call, min(call.params.optional_integer("limit") or _BOOK_DEPTH, _BOOK_CAP))
    return {
        # The page types them as texts and shows numbers, and so does a captured book.
        "a": [[float(price), float(size)] for price, size in asks],
        "b": [[float(price), float(size)] for price, size in bids],
        "ts": str(call.now_ms),
    }


def candles(call: PublicRequest) -> list[list[str]]:
    """List candles up to the present one, oldest first."""
    return _candles(call, _RECENT_CAP)


def history_candles(call: PublicRequest) -> list[list[str]]:
    """List candles of a range, oldest first, few at a time."""
    return _candles(call, _HISTORY_CAP)


def fills(call: PublicRequest) -> list[Row]:
    """List the last trades of a pair, newest first."""
    _check_market(call)
    return [
        {
            "execId": row["tradeId"],
            "execLinkId": row["tradeId"],
            "price": row["price"],
            "size": row["size"],
            "side": row["side"],
            "ts": row["ts"],
        }
        for row in market_fills(call)
    ]


def _candles(call: PublicRequest, cap: int) -> list[list[str]]:
    _check_market(call)
    length_ms = _INTERVALS_MS.get(call.params.text("interval"))
    if length_ms is None:
        raise VenueError(Refusal.BAD_PARAMETER, "interval")
    limit = call.params.integer_or("limit", _CANDLES)
    # The endpoint of old candles refuses a limit above 100, as ccxt found.
    if not 0 < limit <= cap:
        raise VenueError(Refusal.BAD_PARAMETER, "limit")
    start_ms, end_ms = call.params.integer_or("startTime", 0), call.params.optional_integer("endTime")
    return [row[:_COLUMNS] for row in candle_rows(call, Grid(length_ms, -ZONE_MS), start_ms, end_ms, limit)]


def _check_market(call: PublicRequest) -> None:
    """Refuse a category that has no pairs here."""
    category, symbol = read_category(call.params), call.params.text("symbol")
    if not category.on_spot_market:
        raise VenueError(Refusal.UNKNOWN_SYMBOL, symbol)
