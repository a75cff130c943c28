"""Prices of one pair in a backtest of the futures mode, and the trade that freqtrade means by them.

freqtrade asks for the interest of a trade by its amount, its direction and the time of its last fill, with the prices
of its pair, but neither the pair nor the leverage.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bitget_margin.freqtrade.compat import Trade
from bitget_margin.freqtrade.interest import open_trade_like


@dataclass(slots=True)
class BacktestPrices:
    """The first prices of the candles of one pair.

    :param times_seconds: beginnings of the candles, epoch seconds
    """

    times_seconds: Sequence[int]
    opens: Sequence[float]
    pair: str | None = None
    """The pair, once freqtrade has asked for a trade by these prices."""

    @classmethod
    def of(cls, candles: Any) -> "BacktestPrices":
        """Return the prices of candles in freqtrade's form."""
        times = candles["date"].dt.as_unit("s").astype("int64")
        return cls(times.tolist(), candles["open"].tolist())

    def at(self, moment: datetime) -> float | None:
        """Return the first price of the candle of a time; None before the first candle."""
        number = bisect_right(self.times_seconds, moment.timestamp())
        return float(self.opens[number - 1]) if number else None

    def trade_of(self, *, amount: float, is_short: bool, last_filled: datetime) -> Trade | None:
        """Return the open trade that freqtrade means; None if there is none.

        It asks first when an entry has just been filled: of several trades that fit, the newest is meant then.
        """
        trades = [trade for trade in Trade.get_trades_proxy(is_open=True) if self.pair in {None, trade.pair}]
        found = open_trade_like(
            reversed(trades), amount=amount, is_short=is_short, last_filled=last_filled, rate=self.at(last_filled)
        )
        if found is not None:
            self.pair = found.pair
        return found
