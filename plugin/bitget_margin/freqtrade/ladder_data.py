"""Resting orders as custom data of their trades, for freqtrade's REST interface and messages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.compat import Trade
from bitget_margin.freqtrade.database import short_lock_wait
from bitget_margin.freqtrade.order_store import OrderStore
from bitget_margin.freqtrade.tracked_order import TrackedOrder, TradeKey

KEY: Final = "resting_orders"
"""Key of the custom data."""
_FIELDS: Final = ("side", "price", "amount", "filled", "status")


@dataclass(eq=False, kw_only=True)
class LadderData:
    """Custom data of the trades with resting orders; written where it has changed."""

    store: OrderStore
    _changed: set[TradeKey] = field(default_factory=set, init=False)

    def note(self, trade: TradeKey | None) -> None:
        """Note that resting orders of a trade have changed."""
        if trade is not None:
            self._changed.add(trade)

    def write(self) -> None:
        """Write what has changed; what could not be written is written later."""
        if not self._changed:
            return
        trades = trade_rows.open_trades()
        for key in tuple(self._changed):
            # A trade that has just ended has ended orders; one that was deleted has no data.
            trade: Any = trades.get(key) or trade_rows.closed_trade(key)
            if trade is not None:
                value = [describe(order) for order in self.store.of_trade(key)]
                with short_lock_wait(Trade.session.connection()):
                    trade.set_custom_data(KEY, value)
            self._changed.discard(key)


def describe(order: TrackedOrder) -> Mapping[str, Any]:
    """Return an order for a reader: its ladder and number, and fields of ccxt's structure."""
    structure = order.to_ccxt()
    return {"ladder": order.ladder, "number": order.number + 1, **{name: structure[name] for name in _FIELDS}}
