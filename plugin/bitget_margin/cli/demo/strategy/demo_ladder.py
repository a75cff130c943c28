"""Strategy of the demo: one trade with a ladder, by `CrossedMarginMixin` and `place_resting_orders`."""
# ruff: noqa: ARG002 - the signatures are freqtrade's

from typing import Any

from bitget_margin.freqtrade import CrossedMarginMixin
from bitget_margin.freqtrade.compat import IStrategy, Trade

RUNGS = 12


class DemoLadder(CrossedMarginMixin, IStrategy):
    """Buys once, rests sells of 60 % of it above the entry, and sells the rest when the price comes back."""

    timeframe = "1m"
    startup_candle_count = 1
    stoploss = -0.5
    minimal_roi = {"0": 10}  # noqa: RUF012 - freqtrade's own form

    def order_filled(self, pair: str, trade: Any, order: Any, current_time: Any, **kwargs: Any) -> None:
        """Place the ladder with one request: 12 rungs of 5 % each, from 1 % to 6.5 % above the entry."""
        if order.ft_order_side == trade.entry_side:
            rungs = [
                {"side": "sell", "price": trade.open_rate * (1.01 + 0.005 * i), "amount": trade.amount * 0.05}
                for i in range(RUNGS)
            ]
            self.place_resting_orders(trade, rungs)

    def custom_exit(self, pair: str, trade: Any, current_time: Any, current_rate: float, **kwargs: Any) -> str | None:
        """Exit once a rung has filled and the price is back near the entry; the mixin cancels the other rungs."""
        sold = any(order["filled"] for order in self.resting_orders(trade))
        return "price_came_back" if sold and current_rate < trade.open_rate * 1.005 else None

    def confirm_trade_entry(self, pair: str, **kwargs: Any) -> bool:
        """Allow one trade only."""
        return not Trade.get_trades_proxy(pair=pair)

    def populate_indicators(self, dataframe: Any, metadata: dict[str, Any]) -> Any:
        """Return the candles unchanged; no indicator is used."""
        return dataframe

    def populate_entry_trend(self, dataframe: Any, metadata: dict[str, Any]) -> Any:
        """Enter at once."""
        dataframe["enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: Any, metadata: dict[str, Any]) -> Any:
        """Leave the exit to `custom_exit`."""
        return dataframe
