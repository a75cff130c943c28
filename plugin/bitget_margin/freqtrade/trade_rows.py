"""Fills of resting orders, in freqtrade's own rows.

freqtrade asks the venue about every open order row in every loop, and times it out: a resting order never is one. What
it has filled so far is a closed row with the venue's cumulative amount, so the trade's amount is right at once. When
the order has ended, its row is opened for the moment in which freqtrade's own `manage_open_orders` reads it, from our
records, and books the fee, the profit, the message and, with the last coin, the end of the trade.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from bitget_margin.freqtrade.compat import Order, Trade, order_row
from bitget_margin.freqtrade.ladder_spec import BUY
from bitget_margin.freqtrade.tracked_order import TrackedOrder, TradeKey

_CLOSED: Final = "closed"
_GRAIN: Final = 1e-12
"""Below the smallest amount of any coin: what is closer is equal."""
_DECIMALS: Final = 12


def open_trade(pair: str) -> Trade | None:
    """Return the open trade on a pair; freqtrade keeps one."""
    return next(iter(Trade.get_trades_proxy(pair=pair, is_open=True)), None)


def key_of(trade: Trade) -> TradeKey:
    """Return which trade this is."""
    return TradeKey(trade.id, int(trade.open_date_utc.timestamp() * 1_000))


def open_trades() -> dict[TradeKey, Trade]:
    """Return the open trades."""
    return {key_of(trade): trade for trade in Trade.get_trades_proxy(is_open=True)}


def refresh() -> None:
    """Let what was read of freqtrade's rows be read anew: another thread may have written to them since."""
    Trade.commit()


def record_fill(trade: Trade, rung: TrackedOrder) -> None:
    """Write what a resting order has filled into its row.

    The fee of a buy, which is taken from the coins, is an estimate until the order has ended.
    """
    if rung.filled <= _GRAIN:
        return
    row = _row(trade, rung)
    if row is None and rung.order_id is not None and order_row(rung.order_id, rung.pair) is not None:
        return  # another thread's, and not refreshed yet; or another trade's
    known = 0.0 if row is None else row.filled or 0.0
    if rung.filled <= known + _GRAIN or (row is not None and row.ft_is_open):
        return
    # "closed" for freqtrade also where the rest was cancelled: it counts cancelled exits, towards an emergency exit.
    order = {**rung.order(), "status": _CLOSED}
    if row is None:
        row = Order.parse_from_ccxt_object(order, rung.pair, rung.side, rung.amount, rung.price)
        row.ft_order_tag = rung.ladder
        trade.orders.append(row)
    else:
        row.update_from_ccxt_object(order)
    if rung.side == BUY:
        row.ft_fee_base = rung.filled * trade.fee_open
    trade.recalc_trade_from_orders()
    Trade.commit()


def hand_to_freqtrade(trade: Trade, rung: TrackedOrder, fee_base: Callable[[TrackedOrder], float | None]) -> bool:
    """Open the row of an order that has ended, for freqtrade to book its end in this loop; return if there is a row.

    :param fee_base: returns, of a buy, the fee that was taken from the coins that were bought, if it is known
    """
    row = _row(trade, rung)
    if row is None or row.ft_is_open:
        return row is not None
    exact = fee_base(rung) if rung.side == BUY else None
    if exact is not None:
        row.ft_fee_base = exact
    row.ft_is_open, row.status = True, "open"
    trade.recalc_trade_from_orders()
    Trade.commit()
    return True


def is_open(trade: Trade, rung: TrackedOrder) -> bool:
    """Whether the row of an order is open: freqtrade has not booked its end."""
    row = _row(trade, rung)
    return row is not None and row.ft_is_open


def remaining_amount(trade: Trade) -> float:
    """Return the base coins that a trade still has, by its rows; freqtrade's own amount never goes down to 0.

    Summed as the decimals that the venue sent: a float that is a hair too small loses a whole lot when it is cut to
    the venue's precision, and the trade never ends.
    """
    total = Decimal(0)
    for row in trade.orders:
        # An open exit has sold what it has filled; of the open buys, only ours have their fee.
        counts = not row.ft_is_open or row.ft_order_side == trade.exit_side or row.ft_fee_base is not None
        if counts and row.filled:
            after_fee = Decimal(repr(row.filled)) - Decimal(repr(row.ft_fee_base or 0.0))
            total += after_fee if row.ft_order_side == trade.entry_side else -after_fee
    return max(0.0, float(round(total, _DECIMALS)))


def _row(trade: Trade, rung: TrackedOrder) -> Order | None:
    return next((row for row in trade.orders if row.order_id == rung.order_id), None)
