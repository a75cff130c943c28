"""The strategy of the crash drill, with ladders and without.

Each pair is entered once. The ladders stand in the file that the variable SCRIPT names; `loops.txt` beside it gets the
process and the time of each loop, in ms since the epoch.
"""

import json
import os
import time
from pathlib import Path

from freqtrade.persistence import Trade
from freqtrade.strategy import IStrategy
from pandas import DataFrame

from bitget_margin.freqtrade import CrossedMarginMixin


class WithoutLadders(IStrategy):
    timeframe = "1m"
    stoploss = -0.08  # replaced by the configuration
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
    }

    def bot_loop_start(self, current_time, **kwargs):
        with Path(os.environ["SCRIPT"]).with_name("loops.txt").open("a") as loops:
            loops.write(f"{os.getpid()} {time.time_ns() // 1_000_000}\n")

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        if not Trade.get_trades_proxy(pair=metadata["pair"]):
            dataframe.loc[dataframe.index[-1], "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        return dataframe


class WithLadders(CrossedMarginMixin, WithoutLadders):
    def order_filled(self, pair, trade, order, current_time, **kwargs):
        if order.ft_order_side != trade.entry_side or trade.nr_of_successful_entries != 1:
            return
        rungs = json.loads(Path(os.environ["SCRIPT"]).read_text())[pair]["ladder"]
        self.place_resting_orders(
            trade,
            [
                {"side": side, "price": trade.open_rate * price, "amount": trade.amount * share}
                for side, price, share in rungs
            ],
        )
