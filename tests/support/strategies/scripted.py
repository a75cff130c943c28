"""A strategy that follows a script file, which has instructions by pair and is read in every loop."""

import json
import os
import time
from pathlib import Path

from freqtrade.persistence import Trade
from freqtrade.strategy import IStrategy
from pandas import DataFrame

from bitget_margin.freqtrade import CrossedMarginMixin


class Scripted(CrossedMarginMixin, IStrategy):
    timeframe = "1m"
    stoploss = -0.30
    minimal_roi = {"0": 0.15}
    trailing_stop = True
    trailing_stop_positive = 0.02
    trailing_stop_positive_offset = 0.05
    trailing_only_offset_is_reached = True
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

    def script(self, pair):
        return json.loads(Path(os.environ["SCRIPT"]).read_text()).get(pair, {})

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        if self.script(metadata["pair"]).get("enter"):
            dataframe.loc[dataframe.index[-1], "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        if self.script(metadata["pair"]).get("exit"):
            dataframe.loc[dataframe.index[-1], "exit_long"] = 1
        return dataframe

    def custom_exit(self, pair, trade, current_time, current_rate, current_profit, **kwargs):
        return self.script(pair).get("custom_exit")

    def custom_entry_price(self, pair, trade, current_time, proposed_rate, entry_tag, side, **kwargs):
        return proposed_rate * self.script(pair).get("entry_price", 1)

    def custom_exit_price(self, pair, trade, current_time, proposed_rate, current_profit, exit_tag, **kwargs):
        return proposed_rate * self.script(pair).get("exit_price", 1)

    def adjust_trade_position(self, trade, current_time, current_rate, current_profit, min_stake, max_stake, **kwargs):
        wanted = self.script(trade.pair).get("adjust")
        done = trade.get_custom_data("adjusted", default=[])
        if wanted is None or wanted in done or trade.has_open_orders:
            return None
        trade.set_custom_data("adjusted", [*done, wanted])
        return wanted

    def check_exit_timeout(self, pair, trade, order, current_time, **kwargs):
        return bool(self.script(pair).get("exit_timeout"))

    def check_entry_timeout(self, pair, trade, order, current_time, **kwargs):
        return bool(self.script(pair).get("entry_timeout"))

    def adjust_exit_price(self, trade, order, pair, current_time, proposed_rate, current_order_rate, **kwargs):
        factor = self.script(pair).get("replace_exit")
        return current_order_rate if factor is None else proposed_rate * factor

    def confirm_trade_exit(self, pair, **kwargs):
        return not self.script(pair).get("deny")

    def order_filled(self, pair, trade, order, current_time, **kwargs):
        rungs = self.script(pair).get("rungs", 0)
        if order.ft_order_side != trade.entry_side or not rungs:
            return
        step = trade.amount * self.script(pair).get("share", 0.6) / rungs
        first = self.script(pair).get("first", 1.2)
        self.place_resting_orders(
            trade,
            [{"side": "sell", "price": trade.open_rate * (first + 0.005 * i), "amount": step} for i in range(rungs)],
        )

    def bot_loop_start(self, current_time, **kwargs):
        time.sleep(0.05)  # freqtrade's own pause is whole seconds
        for trade in Trade.get_trades_proxy(is_open=True):
            rungs = self.script(trade.pair).get("late", 0)
            orders = [{"side": "buy", "price": trade.open_rate * (0.8 - 0.01 * i), "amount": 0.5} for i in range(rungs)]
            if orders:
                self.place_resting_orders(trade, orders, key="late")


class Unasked(Scripted):
    """The same without a confirmation of its own, as most strategies are."""

    confirm_trade_exit = IStrategy.confirm_trade_exit
