"""Strategy of the demo with leverage: a short of BTC, then a long of ETH, each with a ladder."""
# ruff: noqa: ARG002 - the signatures are freqtrade's

from typing import Any

from bitget_margin.freqtrade import CrossedMarginMixin
from bitget_margin.freqtrade.compat import IStrategy, Trade

RUNGS = 4
SHARE = 0.2
"""Share of a trade that each rung closes."""
SHORT = "BTC/USDT"
LEVERAGE = {SHORT: 2.0, "ETH/USDT": 3.0}
STAKES = {SHORT: 4_000.0, "ETH/USDT": 5_700.0}


class DemoLeverage(CrossedMarginMixin, IStrategy):
    """Sells BTC short at 2x, buys ETH at 3x, and leaves both when the price comes back after a rung has filled."""

    timeframe = "1m"
    can_short = True
    startup_candle_count = 1
    stoploss = -0.9
    minimal_roi = {"0": 10}  # noqa: RUF012 - freqtrade's own form

    def leverage(self, pair: str, *args: Any, **kwargs: Any) -> float:
        """Return the leverage of the pair."""
        return LEVERAGE[pair]

    def custom_stake_amount(self, pair: str, *args: Any, **kwargs: Any) -> float:
        """Return the stake of the pair."""
        return STAKES[pair]

    def order_filled(self, pair: str, trade: Any, order: Any, current_time: Any, **kwargs: Any) -> None:
        """Place the ladder with one request: 4 rungs of 20 % each, from 1 % to 2.5 % better than the entry."""
        if order.ft_order_side == trade.entry_side:
            better = -1 if trade.is_short else 1
            prices = [trade.open_rate * (1 + better * (0.01 + 0.005 * i)) for i in range(RUNGS)]
            self.place_resting_orders(
                trade, [{"side": trade.exit_side, "price": price, "share": SHARE} for price in prices]
            )

    def custom_exit(self, pair: str, trade: Any, current_time: Any, current_rate: float, **kwargs: Any) -> str | None:
        """Exit once a rung has filled and the price is back near the entry; the mixin cancels the other rungs."""
        filled = any(order["filled"] for order in self.resting_orders(trade))
        move = (current_rate / trade.open_rate - 1) * (-1 if trade.is_short else 1)
        return "price_came_back" if filled and move < 0.005 else None  # noqa: PLR2004 - less than the first rung

    def confirm_trade_entry(self, pair: str, **kwargs: Any) -> bool:
        """Allow one trade of a pair, the long only once the short has its ladder, which holds quote coins."""
        if Trade.get_trades_proxy(pair=pair):
            return False
        return pair == SHORT or any(self.resting_orders(trade) for trade in Trade.get_trades_proxy(pair=SHORT))

    def populate_indicators(self, dataframe: Any, metadata: dict[str, Any]) -> Any:
        """Return the candles unchanged; no indicator is used."""
        return dataframe

    def populate_entry_trend(self, dataframe: Any, metadata: dict[str, Any]) -> Any:
        """Enter at once."""
        dataframe["enter_short" if metadata["pair"] == SHORT else "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: Any, metadata: dict[str, Any]) -> Any:
        """Leave the exit to `custom_exit`."""
        return dataframe
