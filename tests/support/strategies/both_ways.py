"""Strategies for the futures mode that go long below an average and short above it, with a ladder for each trade."""

from freqtrade.strategy import IStrategy
from pandas import DataFrame

from bitget_margin.freqtrade import CrossedMarginMixin


class BothWays(CrossedMarginMixin, IStrategy):
    timeframe = "5m"
    can_short = True
    stoploss = -0.12
    minimal_roi: dict[str, float] = {}
    wanted_leverage = {"long": 3.0, "short": 2.0}
    away = (0.01, 0.02, 0.03)
    band = 0.01

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe["average"] = dataframe["close"].rolling(20).mean()
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe.loc[dataframe["close"] < dataframe["average"] * (1 - self.band), "enter_long"] = 1
        dataframe.loc[dataframe["close"] > dataframe["average"] * (1 + self.band), "enter_short"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        dataframe.loc[dataframe["close"] > dataframe["average"] * (1 + self.band), "exit_long"] = 1
        dataframe.loc[dataframe["close"] < dataframe["average"] * (1 - self.band / 2), "exit_short"] = 1
        return dataframe

    def leverage(self, pair, side, **kwargs) -> float:
        return self.wanted_leverage[side]

    def order_filled(self, pair, trade, order, current_time, **kwargs) -> None:
        if order.ft_order_side != trade.entry_side:
            return
        away = [-each if trade.is_short else each for each in self.away]
        third = trade.amount / len(away)
        self.place_resting_orders(
            trade,
            [{"side": trade.exit_side, "price": trade.open_rate * (1 + each), "amount": third} for each in away],
        )


class Nervous(BothWays):
    """The same on candles that move little."""

    away = (0.001, 0.002, 0.003)
    band = 0.002


class WithoutMixin(IStrategy):
    """The same signals without ladders, and without the limit of the leverage of shorts."""

    timeframe = BothWays.timeframe
    can_short = True
    stoploss = BothWays.stoploss
    minimal_roi: dict[str, float] = {}
    band = Nervous.band
    populate_indicators = BothWays.populate_indicators
    populate_entry_trend = BothWays.populate_entry_trend
    populate_exit_trend = BothWays.populate_exit_trend

    def leverage(self, pair, side, **kwargs) -> float:
        return 9.0
