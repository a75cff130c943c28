"""Public market data of API v2."""

from collections.abc import Mapping
from decimal import Decimal

from bitget_margin.emulator.api.candles import DAY_MS, HOUR_MS, MINUTE_MS, WEEK_MS, ZONE_MS, Grid, candle_rows
from bitget_margin.emulator.api.request import PublicRequest, Row
from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.decimals import EXACT, floor_to, write_decimal
from bitget_margin.emulator.market.symbol import PairStatus, Symbol

_BOOK_DEPTH = 150
_TRADES = 20
_TRADE_SPACING_MS = 1000
_RATIO_DECIMALS = 5
_DEFAULT_CANDLES = 100
_RECENT_CAP = 1000
_HISTORY_CAP = 200
_MONDAY_MS = 4 * DAY_MS
"""Start of the first week: 1970-01-01 was a Thursday."""
_LENGTHS_MS: Mapping[str, int] = {
    "1min": MINUTE_MS,
    "3min": 3 * MINUTE_MS,
    "5min": 5 * MINUTE_MS,
    "15min": 15 * MINUTE_MS,
    "30min": 30 * MINUTE_MS,
    "1h": HOUR_MS,
    "4h": 4 * HOUR_MS,
    "6h": 6 * HOUR_MS,
    "12h": 12 * HOUR_MS,
    "1day": DAY_MS,
    "3day": 3 * DAY_MS,
    "1week": WEEK_MS,
    "6Hutc": 6 * HOUR_MS,
    "12Hutc": 12 * HOUR_MS,
    "1Dutc": DAY_MS,
    "3Dutc": 3 * DAY_MS,
    "1Wutc": WEEK_MS,
}
_MONTHS = ("1M", "1Mutc")

Level = tuple[Decimal, Decimal]
"""Price in quote coins, amount in base coins."""


def server_time(request: PublicRequest) -> Row:
    """Return the time of the venue."""
    return {"serverTime": str(request.now_ms)}


def coins(request: PublicRequest) -> list[Row]:
    """List the coins of all symbols."""
    wanted = request.params.optional_text("coin")
    return [_coin(number, name) for number, name in enumerate(request.coins(), start=1) if wanted in (None, name)]


def _coin(number: int, name: str) -> Row:
    chain = {
        "chain": name,
        "needTag": "false",
        "withdrawable": "true",
        "rechargeable": "true",
        "withdrawFee": "0",
        "extraWithdrawFee": "0",
        "depositConfirm": "1",
        "withdrawConfirm": "1",
        "minDepositAmount": "0.00000001",
        "minWithdrawAmount": "0.00000001",
        "browserUrl": "",
        "contractAddress": "",
        "withdrawStep": "0",
        "withdrawMinScale": "8",
        "congestion": "normal",
    }
    return {"coinId": str(number), "coin": name, "transfer": "true", "areaCoin": "no", "chains": [chain]}


def _limits(symbol: Symbol) -> Row:
    return {
        "symbol": symbol.symbol,
        "baseCoin": symbol.base,
        "quoteCoin": symbol.quote,
        "minTradeAmount": write_decimal(symbol.min_amount),
        "maxTradeAmount": "10000000000",
        "takerFeeRate": write_decimal(symbol.taker_fee_rate),
        "makerFeeRate": write_decimal(symbol.maker_fee_rate),
        "pricePrecision": str(symbol.price_precision),
        "quantityPrecision": str(symbol.quantity_precision),
        "minTradeUSDT": write_decimal(symbol.min_quote_value),
    }


def symbols(request: PublicRequest) -> list[Row]:
    """List the spot pairs."""
    return [
        _limits(symbol)
        | {
            "quotePrecision": str(symbol.price_precision + symbol.quantity_precision),
            "status": "online" if symbol.status is PairStatus.ONLINE else "halt",
            "buyLimitPriceRatio": "0.05",
            "sellLimitPriceRatio": "0.05",
            "areaSymbol": "no",
        }
        for symbol in (listed.on_spot for listed in request.symbols())
    ]


def margin_currencies(request: PublicRequest) -> list[Row]:
    """List the margin pairs."""
    leverage = write_decimal(request.engine.loans.terms.leverage)
    return [
        _limits(symbol)
        | {
            "maxCrossedLeverage": leverage if symbol.cross_borrowable else "0",
            "maxIsolatedLeverage": "10",
            "warningRiskRatio": "0.8",
            "liquidationRiskRatio": "1",
            "isBorrowable": True,
            "userMinBorrow": "0.00000001",
            "status": "1",
            "isIsolatedBaseBorrowable": True,
            "isIsolatedQuoteBorrowable": True,
            "isCrossBorrowable": symbol.cross_borrowable,
        }
        for symbol in request.symbols()
    ]


def tickers(request: PublicRequest) -> list[Row]:
    """List the last day of one symbol or of all."""
    return [_ticker(request, symbol) for symbol in request.symbols()]


def _ticker(request: PublicRequest, symbol: Symbol) -> Row:
    day = request.engine.market.candle(symbol.symbol, request.now_ms - DAY_MS, request.now_ms + 1)
    last = request.engine.market.price(symbol.symbol)
    bid, ask = _best_prices(symbol, last)
    change = write_decimal(round(EXACT.divide(last - day.open, day.open), _RATIO_DECIMALS))
    value = write_decimal(day.volume * last)
    return {
        "symbol": symbol.symbol,
        "open": write_decimal(day.open),
        "high24h": write_decimal(day.high),
        "low24h": write_decimal(day.low),
        "lastPr": write_decimal(last),
        "quoteVolume": value,
        "baseVolume": write_decimal(day.volume),
        "usdtVolume": value,
        "ts": str(request.now_ms),
        "bidPr": write_decimal(bid),
        "askPr": write_decimal(ask),
        "bidSz": write_decimal(_level_size(symbol, 1)),
        "askSz": write_decimal(_level_size(symbol, 1)),
        "openUtc": write_decimal(
            request.engine.market.price_at(symbol.symbol, request.now_ms - request.now_ms % DAY_MS)
        ),
        "changeUtc24h": change,
        "change24h": change,
    }


def order_book(request: PublicRequest) -> Row:
    """Return the best offers of a symbol."""
    depth = min(request.params.optional_integer("limit") or _BOOK_DEPTH, _BOOK_DEPTH)
    asks, bids = book_levels(request, depth)
    return {
        "asks": [[write_decimal(price), write_decimal(size)] for price, size in asks],
        "bids": [[write_decimal(price), write_decimal(size)] for price, size in bids],
        "ts": str(request.now_ms),
    }


def book_levels(request: PublicRequest, depth: int) -> tuple[list[Level], list[Level]]:
    """Return the asks and bids of a symbol, best first."""
    symbol = request.symbol()
    bid, ask = _best_prices(symbol, request.engine.market.price(symbol.symbol))
    asks = [(ask + symbol.tick * level, _level_size(symbol, level + 1)) for level in range(depth)]
    bids = [(bid - symbol.tick * level, _level_size(symbol, level + 1)) for level in range(depth)]
    return asks, [level for level in bids if level[0] > 0]


def fills(request: PublicRequest) -> list[Row]:
    """Return the last trades of a symbol, newest first."""
    symbol = request.symbol()
    latest_ms = request.now_ms - request.now_ms % _TRADE_SPACING_MS
    count = min(request.params.optional_integer("limit") or _TRADES, _TRADES)
    return [
        {
            "symbol": symbol.symbol,
            "tradeId": str(at_ms),
            "side": "buy" if at_ms // _TRADE_SPACING_MS % 2 else "sell",
            "price": write_decimal(request.engine.market.price_at(symbol.symbol, at_ms)),
            "size": write_decimal(_level_size(symbol, 1)),
            "ts": str(at_ms),
        }
        for at_ms in (latest_ms - _TRADE_SPACING_MS * number for number in range(count))
    ]


def candles(request: PublicRequest) -> list[list[str]]:
    """List candles up to the present one, oldest first."""
    start_ms, end_ms = request.params.optional_integer("startTime"), request.params.optional_integer("endTime")
    return candle_rows(request, _read_grid(request), start_ms or 0, end_ms, _read_limit(request, _RECENT_CAP))


def history_candles(request: PublicRequest) -> list[list[str]]:
    """List candles before a required moment, oldest first; the start of the range does not count here."""
    return candle_rows(
        request, _read_grid(request), 0, request.params.integer("endTime"), _read_limit(request, _HISTORY_CAP)
    )


def _best_prices(symbol: Symbol, last: Decimal) -> tuple[Decimal, Decimal]:
    """Return bid and ask: one tick around the last price."""
    return max(last - symbol.tick, symbol.tick), last + symbol.tick


def _level_size(symbol: Symbol, level: int) -> Decimal:
    """Return a made-up amount of base coins, worth about 1000 quote coins per level."""
    return max(floor_to(1000 * level / symbol.start_price, symbol.quantity_precision), symbol.min_amount)


def _read_limit(request: PublicRequest, cap: int) -> int:
    return min(request.params.optional_integer("limit") or _DEFAULT_CANDLES, cap)


def _read_grid(request: PublicRequest) -> Grid:
    granularity = request.params.text("granularity")
    zone_ms = 0 if granularity.endswith("utc") else ZONE_MS
    if granularity in _MONTHS:
        return Grid(None, -zone_ms)
    length_ms = _LENGTHS_MS.get(granularity)
    if length_ms is None:
        raise VenueError(Refusal.BAD_PARAMETER, "granularity")
    return Grid(length_ms, (_MONDAY_MS if length_ms == WEEK_MS else 0) - zone_ms)
