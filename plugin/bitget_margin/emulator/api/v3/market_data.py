"""Public market data of API v3: the same prices as in API v2, with other names."""

from collections.abc import Mapping
from typing import Final

from bitget_margin.emulator.api.candles import DAY_MS, HOUR_MS, MINUTE_MS, ZONE_MS, Grid, candle_rows
from bitget_margin.emulator.api.request import PublicRequest, Row
from bitget_margin.emulator.api.v2 import market_data as v2_market_data
from bitget_margin.emulator.api.v3.category import read_category
from bitget_margin.emulator.api.v3.rows import instrument_row
from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.decimals import write_decimal

_INTERVALS_MS: Final[Mapping[str, int]] = {
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1H": HOUR_MS,
    "2H": 2 * HOUR_MS,
    "4H": 4 * HOUR_MS,
    "6H": 6 * HOUR_MS,
    "12H": 12 * HOUR_MS,
    "1D": DAY_MS,
}
"""Documented intervals, and 2H, which only ccxt knows.

There are 6Hutc and the like besides, so these begin their days in UTC+8.
"""
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


def instruments(request: PublicRequest) -> list[Row]:
    """List the pairs of a category."""
    category = read_category(request.params)
    leverage = write_decimal(request.engine.loans.terms.leverage)
    listed = request.symbols() if category.on_spot_market else []
    return [instrument_row(symbol, category, leverage) for symbol in listed]


def tickers(request: PublicRequest) -> list[Row]:
    """List the last day of one pair or of all."""
    # The documents always list SPOT, and MARGIN sometimes; ccxt requests MARGIN once it has a margin mode.
    category = read_category(request.params)
    if not category.on_spot_market:
        return []
    return [
        {"category": category.value, **{name: row[classic] for name, classic in _TICKER.items()}}
        for row in v2_market_data.tickers(request)
    ]


def order_book(request: PublicRequest) -> Row:
    """Return the best offers of a pair."""
    _check_market(request)
    asks, bids = v2_market_data.book_levels(
        request, min(request.params.optional_integer("limit") or _BOOK_DEPTH, _BOOK_CAP)
    )
    return {
        # Numbers, as in the documents' example and in a captured book, though they are documented as texts.
        "a": [[float(price), float(size)] for price, size in asks],
        "b": [[float(price), float(size)] for price, size in bids],
        "ts": str(request.now_ms),
    }


def candles(request: PublicRequest) -> list[list[str]]:
    """List candles up to the present one, oldest first."""
    return _candles(request, _RECENT_CAP)


def history_candles(request: PublicRequest) -> list[list[str]]:
    """List candles of a range, oldest first, few at a time."""
    return _candles(request, _HISTORY_CAP)


def fills(request: PublicRequest) -> list[Row]:
    """List the last trades of a pair, newest first."""
    _check_market(request)
    return [
        {
            "execId": row["tradeId"],
            "execLinkId": row["tradeId"],
            "price": row["price"],
            "size": row["size"],
            "side": row["side"],
            "ts": row["ts"],
        }
        for row in v2_market_data.fills(request)
    ]


def _candles(request: PublicRequest, cap: int) -> list[list[str]]:
    _check_market(request)
    length_ms = _INTERVALS_MS.get(request.params.text("interval"))
    if length_ms is None:
        raise VenueError(Refusal.BAD_PARAMETER, "interval")
    limit = request.params.integer("limit", _CANDLES)
    # ccxt: the endpoint of old candles refuses a limit above 100.
    if not 0 < limit <= cap:
        raise VenueError(Refusal.BAD_PARAMETER, "limit")
    start_ms, end_ms = request.params.integer("startTime", 0), request.params.optional_integer("endTime")
    return [row[:_COLUMNS] for row in candle_rows(request, Grid(length_ms, -ZONE_MS), start_ms, end_ms, limit)]


def _check_market(request: PublicRequest) -> None:
    """Refuse a category that has no pairs here."""
    category, symbol = read_category(request.params), request.params.text("symbol")
    if not category.on_spot_market:
        raise VenueError(Refusal.UNKNOWN_SYMBOL, symbol)
