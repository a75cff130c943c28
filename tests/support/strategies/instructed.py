"""A strategy that follows the scripts of a bot run in the same process."""

from bots.script import SCRIPTS
from freqtrade.strategy import IStrategy
from pandas import DataFrame

from bitget_margin.freqtrade import CrossedMarginMixin


class Instructed(CrossedMarginMixin, IStrategy):
    timeframe = "1m"
    stoploss = -0.10
    minimal_roi = {"0": 10}
    startup_candle_count = 1
    process_only_new_candles = False
    position_adjustment_enable = True
    order_types = {
        "entry": "limit",
        "exit": "limit",
        "stoploss": "market",
        "stoploss_on_exchange": False,
        "emergency_exit": "market",
        "force_exit": "limit",
    }

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        if SCRIPTS[metadata["pair"]].enter:
            dataframe.loc[dataframe.index[-1], "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        if SCRIPTS[metadata["pair"]].exit:
            dataframe.loc[dataframe.index[-1], "exit_long"] = 1
        return dataframe

    def custom_entry_price(self, pair, trade, current_time, proposed_rate, entry_tag, side, **kwargs):
        return proposed_rate * SCRIPTS[pair].entry_price

    def custom_exit_price(self, pair, trade, current_time, proposed_rate, current_profit, exit_tag, **kwargs):
        return proposed_rate * SCRIPTS[pair].exit_price

    def adjust_trade_position(self, trade, current_time, current_rate, current_profit, min_stake, max_stake, **kwargs):
        wanted = SCRIPTS[trade.pair].adjust
        return wanted if wanted and trade.nr_of_successful_entries == 1 and not trade.has_open_orders else None

    def order_filled(self, pair, trade, order, current_time, **kwargs):
        steps = SCRIPTS[pair].ladder
        if order.ft_order_side != trade.entry_side or not steps or trade.nr_of_successful_entries != 1:
            return
        self.place_resting_orders(
            trade,
            [
                {"side": step.side, "price": trade.open_rate * step.price, "amount": trade.amount * step.share}
                for step in steps
            ],
        )
