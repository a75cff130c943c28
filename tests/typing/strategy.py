"""A strategy, as a user writes it: checked by pyright, never executed.

freqtrade ships no types, and so mypy does not read it; pyright does.
"""
# mypy: ignore-errors

from datetime import datetime
from typing import Any, assert_type

from freqtrade.persistence import Order, Trade
from freqtrade.strategy import IStrategy
from pandas import DataFrame

from bitget_margin.freqtrade import CrossedMarginMixin, LadderRefused, register


class Strategy(CrossedMarginMixin, IStrategy):
    timeframe = "1m"

    def populate_indicators(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        return dataframe

    def order_filled(self, pair: str, trade: Trade, order: Order, current_time: datetime, **kwargs: Any) -> None:
        try:
            placed = self.place_resting_orders(trade, [{"side": "sell", "price": 1.0, "amount": 1.0}], key="profit")
        except LadderRefused as refused:
            assert_type(refused, LadderRefused)
        else:
            assert_type(placed, list[dict[str, Any]])
        assert_type(self.resting_orders(trade), list[dict[str, Any]])


assert_type(register(), None)
