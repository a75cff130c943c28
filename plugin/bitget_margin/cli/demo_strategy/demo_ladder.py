"""One trade with a ladder: what a strategy of your own needs is `CrossedMarginMixin` and `place_resting_orders`."""

from __future__ import annotations

from typing import Any

from bitget_margin.freqtrade import CrossedMarginMixin
from bitget_margin.freqtrade.base import IStrategy, Order, Trade

RUNGS = 12


class DemoLadder(CrossedMarginMixin, IStrategy):
    """Buys once, offers 60 % of it in rungs above the entry, and exits when the price falls below the entry."""

    timeframe = "1m"
    startup_candle_count = 1
    stoploss = -0.5
    minimal_roi = {"0": 10}  # noqa: RUF012 - freqtrade's own form

    def order_filled(self, pair: str, trade: Trade, order: Order, **kwargs: Any) -> None:  # noqa: ARG002
        """Place the ladder: 12 rungs of 5 %, from 1 % to 6.5 % above the entry, with one request."""
        if order.ft_order_side == trade.entry_side:
            prices = [trade.open_rate * (1.01 + 0.005 * rung) for rung in range(RUNGS)]
            amount = trade.amount * 0.05
            self.place_resting_orders(
                trade, [{"side": "sell", "price": price, "amount": amount} for price in prices]
            )

    def custom_exit(self, pair: str, trade: Trade, current_time: Any, current_rate: float, *_: Any, **__: Any) -> Any:
        """Exit at 1 % below the entry. Of the ladder nothing is said here: the mixin cancels it before the exit."""
        return "fell_below_entry" if current_rate < trade.open_rate * 0.99 else None

    def confirm_trade_entry(self, pair: str, *_: Any, **__: Any) -> bool:
        """Enter once."""
        return not Trade.get_trades_proxy(pair=pair)

    def populate_indicators(self, dataframe: Any, metadata: Any) -> Any:
        """Need none."""
        return dataframe

    def populate_entry_trend(self, dataframe: Any, metadata: Any) -> Any:
        """Enter at once."""
        dataframe["enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: Any, metadata: Any) -> Any:
        """Leave the exit to `custom_exit`."""
        return dataframe
