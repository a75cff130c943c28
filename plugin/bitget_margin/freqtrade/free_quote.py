"""Quote coins that are free for ladders in dry runs and backtests, in the futures mode.

On a classic account a debt stays beside the coins that come in; on a unified one these pay it back. Here all debts are
taken off, as on the latter: a live bot has as much, or more.
"""

from collections.abc import Iterable

from bitget_margin.freqtrade.compat import Trade
from bitget_margin.freqtrade.ladder_spec import BUY
from bitget_margin.freqtrade.positions import position_of


def free_quote(collateral: float, trades: Iterable[Trade], resting: float) -> float:
    """Return the quote coins that no debt and no order claims, at least 0.

    :param collateral: the margin, as if no trade were open
    :param trades: all open trades
    :param resting: cost of all resting buys of ladders
    """
    free = collateral - resting
    for trade in trades:
        position = position_of(trade)
        free -= position.signed * position.open_rate
        if position.is_short:
            free -= position.amount * position.open_rate * (trade.fee_open or 0.0)
        # What a buy that has not filled holds.
        free -= sum(row.safe_remaining * row.safe_price for row in trade.open_orders if row.ft_order_side == BUY)
    return max(0.0, free)
