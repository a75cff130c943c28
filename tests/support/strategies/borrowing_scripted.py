"""A strategy with leverage and shorts that follows a script file, which has instructions by pair.

It reads the file in every loop, and the balance, so that what freqtrade shows of it is of now.
"""

import json
import os
import time
from pathlib import Path

from freqtrade.persistence import PairLocks
from freqtrade.strategy import IStrategy
from pandas import DataFrame

from bitget_margin.freqtrade import CrossedMarginMixin


class BorrowingScripted(CrossedMarginMixin, IStrategy):
    timeframe = "1m"
    can_short = True
    stoploss = -0.95
    minimal_roi = {"0": 10}
    startup_candle_count = 1
    process_only_new_candles = False
    position_adjustment_enable = True
    order_types = {"entry": "limit", "exit": "limit", "stoploss": "market", "stoploss_on_exchange": False}

    def script(self, pair):
        return json.loads(Path(os.environ["SCRIPT"]).read_text()).get(pair, {})

    def bot_loop_start(self, current_time, **kwargs):
        time.sleep(0.15)  # freqtrade's own pause is whole seconds
        for pair in self.dp.current_whitelist():
            for side in ("long", "short", "*"):
                PairLocks.unlock_pair(pair, side=side)
        self.wallets.update()

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        direction = self.script(metadata["pair"]).get("enter")
        if direction:
            dataframe.loc[dataframe.index[-1], f"enter_{direction}"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        if self.script(metadata["pair"]).get("exit"):
            dataframe.loc[dataframe.index[-1], ["exit_long", "exit_short"]] = 1
        return dataframe

    def leverage(self, pair, current_time, current_rate, proposed_leverage, max_leverage, entry_tag, side, **kwargs):
        return self.script(pair).get("leverage", 1.0)

    def custom_stake_amount(self, pair, current_time, current_rate, proposed_stake, *args, **kwargs):
        return self.script(pair).get("stake", proposed_stake)

    def custom_entry_price(self, pair, trade, current_time, proposed_rate, entry_tag, side, **kwargs):
        return proposed_rate * self.script(pair).get("entry_price", 1.0)

    def custom_exit_price(self, pair, trade, current_time, proposed_rate, current_profit, exit_tag, **kwargs):
        return proposed_rate * self.script(pair).get("exit_price", 1.0)

    def adjust_trade_position(self, trade, current_time, current_rate, current_profit, min_stake, max_stake, **kwargs):
        """Add the stake of the script, or take it off, once for each number."""
        number, stake = self.script(trade.pair).get("adjust", (0, 0.0))
        if not number or trade.has_open_orders or trade.get_custom_data("adjusted", default=0) >= number:
            return None
        trade.set_custom_data("adjusted", number)
        return stake

    def order_filled(self, pair, trade, order, current_time, **kwargs):
        ladder = self.script(pair).get("ladder")
        if order.ft_order_side != trade.entry_side or not ladder or trade.nr_of_successful_entries != 1:
            return
        better = -1 if trade.is_short else 1
        orders = [
            {"side": trade.exit_side, "price": trade.open_rate * (1 + better * distance), "share": share}
            for distance, share in ladder
        ]
        self.place_resting_orders(trade, orders)
