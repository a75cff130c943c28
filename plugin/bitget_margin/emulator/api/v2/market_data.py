"""The endpoints for everybody."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from bitget_margin.emulator.api.candles import candles, history_candles
from bitget_margin.emulator.api.request import PublicEndpoint, PublicRequest
from bitget_margin.emulator.api.v2.rows import Row
from bitget_margin.emulator.market.decimals import EXACT, floor_to, write_decimal
from bitget_margin.emulator.market.symbol import Symbol

_DAY_MS = 86_400_000
_BOOK_DEPTH = 150
_TRADES = 20
_TRADE_SPACING_MS = 1000
_RATIO_DECIMALS = 5

#: Price in quote coins, amount in base coins.
Level = tuple[Decimal, Decimal]


def _time(call: PublicRequest) -> Row:
    return {"serverTime": str(call.now_ms)}


def _coins(call: PublicRequest) -> list[Row]:
    symbols = call.engine.market.symbols.values()
    names = dict.fromkeys(coin for symbol in symbols for coin in (symbol.quote, symbol.base))
    wanted = call.params.optional_text("coin")
    return [_coin(number, name) for number, name in enumerate(names, start=1) if wanted in (None, name)]


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


def _symbols(call: PublicRequest) -> list[Row]:
    return [
        _limits(symbol)
        | {
            "quotePrecision": str(symbol.price_precision + symbol.quantity_precision),
            "status": "online",
            "buyLimitPriceRatio": "0.05",
            "sellLimitPriceRatio": "0.05",
            "areaSymbol": "no",
        }
        for symbol in asked_symbols(call)
    ]


def _margin_currencies(call: PublicRequest) -> list[Row]:
    return [
        _limits(symbol)
        | {
            "maxCrossedLeverage": "3" if symbol.cross_borrowable else "0",
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
        for symbol in asked_symbols(call)
    ]


def tickers(call: PublicRequest) -> list[Row]:
    """Return the last day of one symbol or of all."""
    return [_ticker(call, symbol) for symbol in asked_symbols(call)]


def _ticker(call: PublicRequest, symbol: Symbol) -> Row:
    day = call.engine.market.candle(symbol.symbol, call.now_ms - _DAY_MS, call.now_ms + 1)
    last = call.engine.market.price(symbol.symbol)
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
        "ts": str(call.now_ms),
        "bidPr": write_decimal(bid),
        "askPr": write_decimal(ask),
        "bidSz": write_decimal(_level_size(symbol, 1)),
        "askSz": write_decimal(_level_size(symbol, 1)),
        "openUtc": write_decimal(call.engine.market.price_at(symbol.symbol, call.now_ms - call.now_ms % _DAY_MS)),
        "changeUtc24h": change,
        "change24h": change,
    }


def _order_book(call: PublicRequest) -> Row:
    depth = min(call.params.optional_integer("limit") or _BOOK_DEPTH, _BOOK_DEPTH)
    asks, bids = book_levels(call, depth)
    return {
        "asks": [[write_decimal(price), write_decimal(size)] for price, size in asks],
        "bids": [[write_decimal(price), write_decimal(size)] for price, size in bids],
        "ts": str(call.now_ms),
    }


def book_levels(call: PublicRequest, depth: int) -> tuple[list[Level], list[Level]]:
    """Return the asks and bids of a symbol, best first."""
    symbol = call.symbol()
    bid, ask = _best_prices(symbol, call.engine.market.price(symbol.symbol))
    asks = [(ask + symbol.tick * level, _level_size(symbol, level + 1)) for level in range(depth)]
    bids = [(bid - symbol.tick * level, _level_size(symbol, level + 1)) for level in range(depth)]
    return asks, [level for level in bids if level[0] > 0]


def market_fills(call: PublicRequest) -> list[Row]:
    """Return the last trades of a symbol, newest first."""
    symbol = call.symbol()
    latest_ms = call.now_ms - call.now_ms % _TRADE_SPACING_MS
    count = min(call.params.optional_integer("limit") or _TRADES, _TRADES)
    return [
        {
            "symbol": symbol.symbol,
            "tradeId": str(at_ms),
            "side": "buy" if at_ms // _TRADE_SPACING_MS % 2 else "sell",
            "price": write_decimal(call.engine.market.price_at(symbol.symbol, at_ms)),
            "size": write_decimal(_level_size(symbol, 1)),
            "ts": str(at_ms),
        }
        for at_ms in (latest_ms - _TRADE_SPACING_MS * number for number in range(count))
    ]


def _contracts(_call: PublicRequest) -> list[Row]:
    return []


def asked_symbols(call: PublicRequest) -> list[Symbol]:
    """Return the symbol of the request, or all when it names none."""
    name = call.params.optional_text("symbol")
    return list(call.engine.market.symbols.values()) if name is None else [call.symbol_named(name)]


def _best_prices(symbol: Symbol, last: Decimal) -> tuple[Decimal, Decimal]:
    """Return bid and ask: one tick around the last price."""
    return max(last - symbol.tick, symbol.tick), last + symbol.tick


def _level_size(symbol: Symbol, level: int) -> Decimal:
    """Return a made-up amount of base coins, worth about 1000 quote coins per level."""
    return max(floor_to(1000 * level / symbol.start_price, symbol.quantity_precision), symbol.min_amount)


_SPOT = "/api/v2/spot"

PUBLIC_ENDPOINTS: Mapping[tuple[str, str], PublicEndpoint] = {
    ("GET", "/api/v2/public/time"): _time,
    ("GET", f"{_SPOT}/public/coins"): _coins,
    ("GET", f"{_SPOT}/public/symbols"): _symbols,
    ("GET", "/api/v2/margin/currencies"): _margin_currencies,
    ("GET", f"{_SPOT}/market/tickers"): tickers,
    ("GET", f"{_SPOT}/market/orderbook"): _order_book,
    ("GET", f"{_SPOT}/market/candles"): candles,
    ("GET", f"{_SPOT}/market/history-candles"): history_candles,
    ("GET", f"{_SPOT}/market/fills-history"): market_fills,
    ("GET", "/api/v2/mix/market/contracts"): _contracts,
}
