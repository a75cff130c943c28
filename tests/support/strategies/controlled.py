"""A strategy that follows the `CONTROLS` of the test in the same process."""

from freqtrade.strategy import IStrategy
from pandas import DataFrame

from bitget_margin.freqtrade import CrossedMarginMixin
from support.in_process_bot import CONTROLS


class Controlled(CrossedMarginMixin, IStrategy):
    timeframe = "1m"
    stoploss = -0.90
    minimal_roi = {"0": 10}
    startup_candle_count = 1
    process_only_new_candles = False
    position_adjustment_enable = True
    order_types = {"entry": "limit", "exit": "limit", "stoploss": "market", "stoploss_on_exchange": False}

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        if CONTROLS.enter:
            dataframe.loc[dataframe.index[-1], "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        if CONTROLS.exit:
            dataframe.loc[dataframe.index[-1], "exit_long"] = 1
        return dataframe

    def custom_exit_price(self, pair, trade, current_time, proposed_rate, current_profit, exit_tag, **kwargs):
        return proposed_rate * CONTROLS.exit_price

    def order_filled(self, pair, trade, order, current_time, **kwargs):
        if order.ft_order_side == trade.entry_side and CONTROLS.ladder and trade.nr_of_successful_entries == 1:
            self.place_resting_orders(trade, CONTROLS.ladder(trade))

    def bot_loop_start(self, current_time, **kwargs):
        if CONTROLS.loop:
            CONTROLS.loop(self)

    def adjust_trade_position(self, trade, *args, **kwargs):
        return CONTROLS.adjust(trade) if CONTROLS.adjust else None
