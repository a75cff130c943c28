"""Example strategy: buy a dip, place a ladder of take-profits, sell the rest once the price is back.

The entry rule is no advice: it only produces trades. The part to copy is `order_filled` at the end.
"""

from datetime import datetime
from typing import Any

from freqtrade.persistence import Order, Trade
from freqtrade.strategy import IntParameter, IStrategy
from pandas import DataFrame

from bitget_margin.freqtrade import CrossedMarginMixin


# The mixin comes first, so that it sees every exit before IStrategy does.
class LadderExample(CrossedMarginMixin, IStrategy):
    """Dips by RSI and a moving average, with three resting sells above each entry."""

    INTERFACE_VERSION = 3
    timeframe = "5m"
    startup_candle_count = 50
    stoploss = -0.05
    # The ladder takes the profits, so freqtrade's own table stays empty.
    minimal_roi = {}
    # Parameters for hyperopt: --spaces buy sell
    buy_rsi = IntParameter(20, 45, default=35, space="buy")
    sell_rsi = IntParameter(50, 80, default=55, space="sell")

    # Distances of the resting sells above the entry. Each sells a fifth, so the exit signal sells two fifths.
    # The minimum of an order is 5 USDT: with a stake below about 30 USDT, use fewer steps or a larger share.
    take_profits = (0.01, 0.02, 0.03)
    share_of_each = 0.2

    def populate_indicators(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Add the RSI and the average of the last 50 closes, with pandas alone."""
        change = dataframe["close"].diff()
        up = change.clip(lower=0).ewm(alpha=1 / 14, adjust=False).mean()
        down = change.clip(upper=0).abs().ewm(alpha=1 / 14, adjust=False).mean()
        dataframe["rsi"] = 100 * up / (up + down)
        dataframe["average"] = dataframe["close"].rolling(50).mean()
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Buy where the price has fallen fast, and is below its average."""
        dip = (dataframe["rsi"] < self.buy_rsi.value) & (dataframe["close"] < dataframe["average"])
        dataframe.loc[dip, "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Sell the rest where the price is back above its average.

        The mixin cancels what still rests of the ladder before freqtrade places this sell.
        """
        back = (dataframe["rsi"] > self.sell_rsi.value) & (dataframe["close"] > dataframe["average"])
        dataframe.loc[back, "exit_long"] = 1
        return dataframe

    def order_filled(self, pair: str, trade: Trade, order: Order, current_time: datetime, **kwargs: Any) -> None:
        """Place the ladder once the entry has filled."""
        # freqtrade calls this for exits too, and for each rung that fills: only an entry may place a ladder.
        if order.ft_order_side != trade.entry_side:
            return
        # A trade has one ladder per key, here the default one: being called again for the same entry places nothing.
        # Amounts and prices are cut to the venue's precision; a ladder that cannot work is refused before it is sent.
        # Backtesting, hyperopt and dry runs simulate the ladder.
        self.place_resting_orders(
            trade,
            [
                {
                    "side": "sell",
                    "price": trade.open_rate * (1 + profit),
                    "amount": trade.amount * self.share_of_each,
                }
                for profit in self.take_profits
            ],
        )
