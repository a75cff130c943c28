"""Resting buys of longs that fill after the exit of their trade: the coins belong to that exit, and are sold at once.

The exit did not wait for the proof that they are canceled. Coins without a trade would have no stop-loss. A cover that
fills late is none of them: it has bought coins that are not owed any more, and the user is warned.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.compat import Trade
from bitget_margin.freqtrade.order_store import OrderStore
from bitget_margin.freqtrade.tracked_order import Origin, TrackedOrder


@dataclass(eq=False, kw_only=True)
class LateBuys:
    """Fills of buys whose trade has ended.

    :param adopt: makes a trade of an order whose own trade is deleted
    :param sell: sells all coins of a trade in the next loop, as its exit did
    """

    store: OrderStore
    alerts: Alerts
    adopt: Callable[[TrackedOrder], object]
    sell: Callable[[Trade], object]

    def take_in(self, order: TrackedOrder) -> bool:
        """Give a buy to the open trade on its pair, to its own trade, which opens again, or to a new one.

        :returns: whether it was given; not to a short, and none opens beside one
        """
        name = f"Resting buy {order.order_id} on {order.pair} filled {order.filled:.8g} after its trade had ended"
        owner = trade_rows.owner_of(order)
        trade = trade_rows.open_trade(order.pair)
        if trade is not None and trade.entry_side != order.side:
            return False
        if trade is not None and (owner is None or owner is trade):
            self.alerts.warn(f"{name}: it belongs to trade {trade.id} now.")
            trade_rows.record_fill(trade, order)
            return True
        trade = owner or (None if order.trade is None else trade_rows.closed_trade(order.trade))
        if trade is None:
            self.alerts.warn(f"{name}, and freqtrade has deleted the trade: it gets a new one.")
            self.adopt(replace(order, origin=Origin.FREQTRADE, trade_id=None, opened_ms=None))
            return True
        self.alerts.warn(f"{name}: trade {trade.id} is open again, and these coins are sold at once.")
        trade_rows.reopen(trade)
        if not trade_rows.record_fill(trade, order):
            return True  # the next lookup, or the next loop, takes it in again
        # Not handed to freqtrade: its callback for a filled entry would place a ladder for coins that are being sold.
        self.store.update([(order, replace(order, settled=True))])
        self.sell(trade)
        return True
