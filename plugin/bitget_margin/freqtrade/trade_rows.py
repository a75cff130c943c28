"""Fills of resting orders, recorded in freqtrade's own order rows.

freqtrade queries every open order row in every loop, and cancels it at its timeout, so the row of a resting order is
closed. Its fills so far are in that row with the cumulative amount, so the trade's amount is right at once. Once the
order has ended, its row is opened for one loop: freqtrade's `manage_open_orders` then reads it, from the order store,
and books the fee, the profit, the message and, with the last coin, the end of the trade.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from bitget_margin.freqtrade.compat import FreqtradeOrder, Trade, lot_amount, order_row
from bitget_margin.freqtrade.database import short_lock_wait
from bitget_margin.freqtrade.ladder_spec import BUY, REL_TOLERANCE
from bitget_margin.freqtrade.tracked_order import TrackedOrder, TradeKey, net_filled

logger = logging.getLogger("bitget_margin")

LADDER_REASON: Final = "ladder"
"""freqtrade's exit reason of a trade that its resting orders have ended."""
_CLOSED: Final = "closed"
_AMOUNT_EPSILON: Final = 1e-12
"""Less than the smallest amount of any coin: amounts that are closer are equal."""
_DECIMALS: Final = 12
"""More than any coin has."""
_ALL_SHARE: Final = 0.98
"""Share of a trade from which on a found exit counts as one of all: what it leaves may be fees and interest."""


def open_trade(pair: str) -> Trade | None:
    """Return the open trade on a pair; freqtrade keeps at most one."""
    return next(iter(Trade.get_trades_proxy(pair=pair, is_open=True)), None)


def key_of(trade: Trade) -> TradeKey:
    """Return the identity of a trade."""
    return TradeKey(trade.id, int(trade.open_date_utc.timestamp() * 1_000))


def open_trades() -> dict[TradeKey, Trade]:
    """Return the open trades by their identity."""
    return {key_of(trade): trade for trade in Trade.get_trades_proxy(is_open=True)}


def refresh() -> None:
    """Expire the session: another thread may have changed the rows.

    Rows with changes that freqtrade has not stored yet are left: to store them here could wait for a lock.
    """
    session = Trade.session()
    if not (session.new or session.dirty or session.deleted):
        Trade.commit()
        return
    for row in session.identity_map.values():
        if row not in session.dirty:
            session.expire(row)


def closed_trade(key: TradeKey) -> Trade | None:
    """Return the trade with this identity that is not open any more; None where it was deleted."""
    trade = Trade.session.get(Trade, key.id)
    return trade if trade is not None and not trade.is_open and key_of(trade) == key else None


def trade_of_number(number: int) -> Trade | None:
    """Return the trade with this number, open or not; a database may have given the number of a deleted one again."""
    return Trade.session.get(Trade, number)


def reopen(trade: Trade) -> None:
    """Open a trade again whose resting buy has filled after its exit, so that these coins are sold too."""
    trade.is_open, trade.close_date, trade.close_rate, trade.exit_order_status = True, None, None, ""


def end(trade: Trade, rate: float) -> None:
    """Close a trade whose rest is too small to be sold."""
    trade.close(rate)
    Trade.commit()


def repair(trade: Trade, left: float, *, is_booked: bool) -> str | None:
    """Correct a trade by its rows, and return what was done; None where nothing was.

    freqtrade commits the row of a fill first and the trade later: killed between the two, it never comes back to the
    trade. Of one that has nothing left, the last exit is opened, so that freqtrade books it, and ends the trade.

    :param left: coins that the trade still has by its rows, in the precision of the venue
    :param is_booked: whether no ended resting order of the trade is still to be handed to freqtrade
    """
    if trade.open_orders or left == trade.amount:
        return None
    done = f"has {left:.8g}, not {trade.amount:.8g}: corrected."
    if left <= 0:
        exits = [row for row in trade.orders if row.ft_order_side == trade.exit_side and row.filled]
        if not (exits and is_booked):
            return None
        exits[-1].ft_is_open = True
        done = "has nothing left, and is still open: its last exit is booked once more."
    trade.recalc_trade_from_orders()
    Trade.commit()
    return done


def unrecorded(trade: Trade, orders: Iterable[TrackedOrder]) -> float:
    """Return the coins that resting orders have added to a trade, less those closed, and that are in no row of it."""
    coins = 0.0
    for order in orders:
        row = _row(trade, order)
        missing = order.filled - (0.0 if row is None else row.filled or 0.0)
        if missing > _AMOUNT_EPSILON:
            coins += missing if order.side == trade.entry_side else -missing
    return coins


def record_fill(trade: Trade, tracked: TrackedOrder) -> bool:
    """Record the fills of a resting order in its row; return False where they could not be stored."""
    return record_fills(trade, [tracked])


def record_fills(trade: Trade, orders: Iterable[TrackedOrder]) -> bool:
    """Record the fills of resting orders in their rows, which are created with the first fill, with one commit.

    The fee of a buy of a long, which the venue takes in base coins, is an estimate until the order has ended. A
    database that cannot be written delays nothing: `unrecorded` counts such fills, and the next call records them.

    :returns: False where the fills could not be stored
    """
    changed = [tracked.order_id for tracked in orders if _write_fill(trade, tracked)]
    if not changed:
        return True
    trade.recalc_trade_from_orders()
    try:
        with short_lock_wait(Trade.session.connection()):
            Trade.commit()
    except SQLAlchemyError as error:
        Trade.rollback()
        ids = ", ".join(map(str, changed))
        logger.warning("Fills of order %s on %s could not be stored yet: %s", ids, trade.pair, error)
        return False
    return True


def _write_fill(trade: Trade, tracked: TrackedOrder) -> bool:
    """Write the fills of an order to its row; return whether they are new."""
    if tracked.filled <= _AMOUNT_EPSILON:
        return False
    row = _row(trade, tracked)
    if row is None and tracked.order_id is not None and order_row(tracked.order_id, tracked.pair) is not None:
        return False  # written by another thread since the last refresh, or a row of another trade
    known = 0.0 if row is None else row.filled or 0.0
    if tracked.filled <= known + _AMOUNT_EPSILON or (row is not None and row.ft_is_open):
        return False
    # Closed, also where the rest was canceled: freqtrade counts canceled exits, towards an emergency exit.
    structure = {**tracked.to_ccxt(), "status": _CLOSED}
    if row is None:
        request = (tracked.pair, tracked.side, tracked.amount, tracked.price)
        row = FreqtradeOrder.parse_from_ccxt_object(structure, *request)
        row.ft_order_tag = tracked.ladder
        trade.orders.append(row)
    else:
        row.update_from_ccxt_object(structure)
    if _pays_in_coins(trade, tracked):
        # In a dry run, freqtrade takes no fee in coins: all fees are costs there.
        row.ft_fee_base = 0.0 if tracked.is_simulated else tracked.filled * trade.fee_open
    return True


def _pays_in_coins(trade: Trade, tracked: TrackedOrder) -> bool:
    """Whether the fee of an order reduces the coins of its trade; that of a cover is in what it buys beyond them."""
    return tracked.side == BUY == trade.entry_side


def as_cover(trade: Trade, order: TrackedOrder) -> TrackedOrder:
    """Return an order that was found without a record, in coins of the position if it covers a short.

    The venue shows the amount that was sent: it leaves less after the fee, unless the account pays that in another
    coin. What leaves nearly all of the trade was sent for all of it.
    """
    if not (order.side == trade.exit_side == BUY and order.amount and order.sent is None):
        return order
    # Slightly more, so that a float just below a multiple of the lot size is not cut to the one before.
    fee = trade.fee_close if trade.fee_open_currency in {None, trade.safe_quote_currency} else 0.0
    net = lot_amount(trade, order.amount * (1 - fee) * (1 + REL_TOLERANCE)) or order.amount
    left = remaining_amount(trade)
    if left > 0 and net >= left * _ALL_SHARE:
        net = left
    return replace(order, amount=net, sent=order.amount, filled=net_filled(net, order.amount, order.filled))


def is_exit(row: FreqtradeOrder) -> bool:
    """Whether a row of freqtrade's is that of an exit."""
    return row.ft_order_side == row.trade.exit_side


def is_recorded(tracked: TrackedOrder) -> bool:
    """Whether freqtrade's rows have all fills of an order, in whichever trade."""
    row = None if tracked.order_id is None else order_row(tracked.order_id, tracked.pair)
    return tracked.filled <= _AMOUNT_EPSILON + (0.0 if row is None else row.filled or 0.0)


def owner_of(tracked: TrackedOrder) -> Trade | None:
    """Return the trade that has the row of an order; None where there is no row."""
    row = None if tracked.order_id is None else order_row(tracked.order_id, tracked.pair)
    return None if row is None else Trade.session.get(Trade, row.ft_trade_id)


def hand_to_freqtrade(trade: Trade, tracked: TrackedOrder, fee_base: Callable[[TrackedOrder], float | None]) -> bool:
    """Open the row of an order that has ended, so that freqtrade books it in this loop.

    :param fee_base: returns the fee in base coins of a buy of a long, or None where it is not known
    :returns: whether the order has a row
    """
    row = _row(trade, tracked)
    if row is None or row.ft_is_open:
        return row is not None
    exact = fee_base(tracked) if _pays_in_coins(trade, tracked) else None
    if exact is not None:
        row.ft_fee_base = exact
    row.ft_is_open, row.status = True, "open"
    trade.recalc_trade_from_orders()
    if not trade.exit_reason and lot_amount(trade, remaining_amount(trade)) <= 0:
        # No exit of freqtrade has ended it: without a reason, it would be missing in freqtrade's statistics of them.
        trade.exit_reason = LADDER_REASON
    Trade.commit()
    return True


def is_open(trade: Trade, tracked: TrackedOrder) -> bool:
    """Whether the row of an order is open: freqtrade has not booked it yet."""
    row = _row(trade, tracked)
    return row is not None and row.ft_is_open


def remaining_amount(trade: Trade) -> float:
    """Return the base coins that a trade still has, by its rows; freqtrade's own amount never becomes 0.

    Summed as decimals: a float just below a multiple of the lot size would lose a whole lot when it is cut to the
    precision of the market, and the trade would never end.
    """
    total = Decimal(0)
    for row in trade.orders:
        # The fills of an open exit are closed. Of the open entries, buys of ladders count: they have their fee.
        counts = not row.ft_is_open or row.ft_order_side == trade.exit_side or row.ft_fee_base is not None
        if counts and row.filled:
            after_fee = Decimal(repr(row.filled)) - Decimal(repr(row.ft_fee_base or 0.0))
            total += after_fee if row.ft_order_side == trade.entry_side else -after_fee
    return max(0.0, float(round(total, _DECIMALS)))


def closed_by_open_exits(trade: Trade) -> float:
    """Return the fills of open exits: freqtrade takes them off the amount of a trade once the order has ended."""
    rows = (row for row in trade.orders if row.ft_is_open and row.ft_order_side == trade.exit_side)
    return sum(row.filled or 0.0 for row in rows)


def _row(trade: Trade, tracked: TrackedOrder) -> FreqtradeOrder | None:
    return next((row for row in trade.orders if row.order_id == tracked.order_id), None)
