"""Fills of simulated resting orders, recorded in freqtrade's own order rows of a backtest."""

from datetime import datetime

from bitget_margin.freqtrade.candle_fills import CandlePrices
from bitget_margin.freqtrade.compat import FreqtradeOrder, Trade
from bitget_margin.freqtrade.simulation_compat import (
    BacktestStrategy,
    call_order_filled,
    simulated_row,
    update_liquidation,
)
from bitget_margin.freqtrade.tracked_order import TrackedOrder
from bitget_margin.freqtrade.trade_rows import LADDER_REASON


def fill(strategy: BacktestStrategy, trade: Trade, order: TrackedOrder, amount: float, at: datetime) -> None:
    """Record a fill after which the trade goes on, and tell the strategy."""
    row = simulated_row(trade, order, amount, at)
    trade.orders.append(row)
    row.close_bt_order(at, trade)
    trade.recalc_trade_from_orders()
    strategy.wallets.update()
    call_order_filled(strategy, trade, row, at)
    update_liquidation(strategy, trade)
    profit = trade.calc_profit_ratio(order.price)
    strategy.ft_stoploss_adjust(order.price, trade, at, profit, 0, after_fill=True)


def end_trade(trade: Trade, order: TrackedOrder, candle: CandlePrices) -> FreqtradeOrder:
    """Record a fill that closes the last coins, as an order that freqtrade fills in this candle, and ends the trade by.

    freqtrade fills no order whose price lies outside of the candle. Where the price has jumped over it, the row has
    the nearest price of the candle until then: see `correct_price`.
    """
    # Entries that have not filled go, as at any exit of a backtest.
    trade.orders[:] = [row for row in trade.orders if not row.ft_is_open]
    row = simulated_row(trade, order, trade.amount, candle.at)
    row.ft_price = min(max(order.price, candle.low), candle.high)
    trade.orders.append(row)
    trade.exit_reason = LADDER_REASON
    return row


def correct_price(row: FreqtradeOrder) -> None:
    """Give the row of a fill that ended a trade the price of its order, by which freqtrade then closes the trade."""
    row.ft_price = row.price
