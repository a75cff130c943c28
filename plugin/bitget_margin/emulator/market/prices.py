"""Price history of each symbol: a made-up past, then a given one if there is one, then the moves of this run."""

import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise

from bitget_margin.emulator.market.decimals import floor_to
from bitget_margin.emulator.market.symbol import Symbol

_MILLION = 1_000_000
_WAVES = ((7 * 86_400_000, 30_000), (21_600_000, 10_000), (600_000, 2_000), (60_000, 500))
"""Waves of the made-up past: period in ms, and amplitude in millionths of the start price."""
_SAMPLES = 4


@dataclass(frozen=True, slots=True)
class Candle:
    """Prices within a span of time; volume in base coins."""

    start_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class Market:
    """Prices by symbol over time.

    :param start_ms: start of the run, ms since the epoch; earlier prices are made up, unless they are given
    """

    def __init__(self, symbols: Iterable[Symbol], start_ms: int) -> None:
        self.symbols: dict[str, Symbol] = {symbol.symbol: symbol for symbol in symbols}
        self._times = {name: [start_ms] for name in self.symbols}
        self._prices = {name: [symbol.start_price] for name, symbol in self.symbols.items()}

    def price(self, symbol: str) -> Decimal:
        """Return the last price, in quote coins."""
        return self._prices[symbol][-1]

    def move(self, symbol: str, price: Decimal, now_ms: int) -> None:
        """Set the last price."""
        self._times[symbol].append(max(now_ms, self._times[symbol][-1]))
        self._prices[symbol].append(price)

    def recall(self, symbol: str, past: Sequence[tuple[int, Decimal]]) -> None:
        """Set prices of the past, as ms since the epoch and quote coins, the oldest first.

        :raises ValueError: the price has moved since the start, or a time is after the next one
        """
        times = [at_ms for at_ms, _ in past]
        if len(self._times[symbol]) > 1 or any(one > other for one, other in pairwise([*times, *self._times[symbol]])):
            raise ValueError(f"the past of {symbol} must be in order, end before the start, and be set before any move")
        self._times[symbol][:0] = times
        self._prices[symbol][:0] = [price for _, price in past]

    def price_at(self, symbol: str, at_ms: int) -> Decimal:
        """Return the price at a moment."""
        if at_ms < self._times[symbol][0]:
            return self._past_price(self.symbols[symbol], at_ms)
        return self._prices[symbol][max(bisect_right(self._times[symbol], at_ms) - 1, 0)]

    def candle(self, symbol: str, start_ms: int, end_ms: int) -> Candle:
        """Return the candle from one moment until just before another one."""
        last_ms = end_ms - 1
        step = max((last_ms - start_ms) // _SAMPLES, 1)
        samples = [self.price_at(symbol, at_ms) for at_ms in (*range(start_ms, last_ms, step), last_ms)]
        times = self._times[symbol]
        moves = self._prices[symbol][bisect_left(times, start_ms) : bisect_left(times, end_ms)]
        prices = samples + moves
        volume = Decimal(_MILLION + _noise(symbol, 0, start_ms)) / _MILLION
        return Candle(start_ms, samples[0], max(prices), min(prices), samples[-1], volume)

    def _past_price(self, symbol: Symbol, at_ms: int) -> Decimal:
        shift = _wave(symbol.symbol, at_ms) - _wave(symbol.symbol, self._times[symbol.symbol][0])
        price = self._prices[symbol.symbol][0] * (_MILLION + shift) / _MILLION
        return max(floor_to(price, symbol.price_precision), symbol.tick)


def _wave(symbol: str, at_ms: int) -> int:
    total = 0
    for period_ms, amplitude in _WAVES:
        index, passed_ms = divmod(at_ms, period_ms)
        left, right = _noise(symbol, period_ms, index), _noise(symbol, period_ms, index + 1)
        total += amplitude * (left + (right - left) * passed_ms // period_ms) // _MILLION
    return total


@lru_cache(maxsize=100_000)
def _noise(symbol: str, period_ms: int, index: int) -> int:
    """Return a number from minus to plus one million that only depends on the arguments."""
    return zlib.crc32(f"{symbol}:{period_ms}:{index}".encode()) % (2 * _MILLION + 1) - _MILLION
