"""Strategy of a backtest that does what the test has planned, candle by candle."""

from typing import Any

from freqtrade.strategy import IStrategy

from bitget_margin.freqtrade import CrossedMarginMixin
from support.backtest import PLAN


class Planned(CrossedMarginMixin, IStrategy):
    """Enters and exits at the planned candles, and places the planned ladder with each entry."""

    INTERFACE_VERSION = 3
    timeframe = "1m"
    minimal_roi: dict[str, float] = {}
    stoploss = -0.5
    startup_candle_count = 0

    def populate_indicators(self, dataframe: Any, metadata: Any) -> Any:
        """Add nothing."""
        return dataframe

    def populate_entry_trend(self, dataframe: Any, metadata: Any) -> Any:
        """Signal in the candle before the planned one: freqtrade acts at the next open."""
        dataframe["enter_long"] = 0
        for candle in PLAN.enter.get(metadata["pair"], ()):
            dataframe.loc[candle - 1, "enter_long"] = 1
        for candle in PLAN.enter_short.get(metadata["pair"], ()):
            dataframe.loc[candle - 1, "enter_short"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: Any, metadata: Any) -> Any:
        """Signal in the candle before the planned one."""
        dataframe["exit_long"] = 0
        for candle in PLAN.leave.get(metadata["pair"], ()):
            dataframe.loc[candle - 1, "exit_long"] = 1
        for candle in PLAN.leave_short.get(metadata["pair"], ()):
            dataframe.loc[candle - 1, "exit_short"] = 1
        return dataframe

    def order_filled(self, pair: str, trade: Any, order: Any, current_time: Any, **kwargs: Any) -> None:
        """Place the ladder once the first entry has filled."""
        if PLAN.ladder is not None and trade.nr_of_successful_entries == 1:
            self.place_resting_orders(trade, PLAN.ladder(trade), key="steps")
        PLAN.filled(self, trade, order)

    def confirm_trade_exit(self, pair: str, trade: Any, *args: Any, exit_reason: str, **kwargs: Any) -> bool:
        """Confirm what is not refused."""
        return not PLAN.refuse(exit_reason)

    def adjust_trade_position(self, trade: Any, current_time: Any, *args: Any, **kwargs: Any) -> Any:
        """Adjust as planned."""
        return PLAN.adjust(trade, current_time.minute)

    def custom_stoploss(
        self, pair: str, trade: Any, current_time: Any, current_rate: float, current_profit: float, after_fill: bool
    ) -> float | None:
        """Return the planned stop."""
        return None if PLAN.stop is None else PLAN.stop(trade, after_fill)

    def leverage(self, pair: str, **request: Any) -> float:
        """Return the planned leverage."""
        return PLAN.leverage({"pair": pair, **request})


class PlannedBoth(Planned):
    """The same for the futures mode."""

    can_short = True
