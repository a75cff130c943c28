"""Stops in freqtrade's own rows, and as the structures that freqtrade reads."""

from collections.abc import Callable
from typing import Any, Final

from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.compat import FreqtradeOrder, Trade, order_row
from bitget_margin.freqtrade.order_store import OrderStore
from bitget_margin.freqtrade.stop_client import placed_id_of
from bitget_margin.freqtrade.tracked_order import Phase, TrackedOrder
from bitget_margin.freqtrade.trade_rows import key_of

SIDE: Final = "stoploss"
"""freqtrade's side of a stop on the exchange."""


def structure(stop: TrackedOrder) -> dict[str, Any]:
    """Return a stop as ccxt's order structure: open until its end is proven, closed with the fills of its order."""
    fired = not stop.phase.open and stop.filled > 0
    status = "open" if stop.phase.open else "closed" if fired else "canceled"
    return {
        **stop.to_ccxt(),
        "type": SIDE,
        "price": None,
        "stopPrice": stop.price,
        "stopLossPrice": stop.price,
        "status": status,
        "average": stop.average if fired else None,
        "id_stop": placed_id_of(stop) or stop.order_id,
        "info": {},
    }


def unknown_structure(order_id: str, pair: str) -> dict[str, Any]:
    """Return a stop that the plugin has no record of, by freqtrade's own row, as open."""
    row = order_row(order_id, pair)
    known = {} if row is None else row.to_ccxt_object()
    return {"id": order_id, "symbol": pair, "filled": 0.0, "fee": None, **known, "status": "open", "type": SIDE}


def row_of(trade: Trade, stop: TrackedOrder) -> FreqtradeOrder | None:
    """Return freqtrade's row of a stop; None where it has none."""
    return next((row for row in trade.orders if row.order_id == stop.order_id), None)


def add_missing_row(trade: Trade, stop: TrackedOrder) -> None:
    """Add the row of a stop that freqtrade could not store: killed in between, or found after a lost answer."""
    if stop.order_id is None or row_of(trade, stop) is not None or order_row(stop.order_id, stop.pair) is not None:
        return
    opened = {**structure(stop), "status": "open", "filled": 0.0, "remaining": stop.amount, "average": None}
    trade.orders.append(FreqtradeOrder.parse_from_ccxt_object(opened, stop.pair, SIDE, stop.amount, stop.price))
    Trade.commit()


def reopen_unbooked(store: OrderStore, left: Callable[[Trade], float]) -> None:
    """Open the rows of stops that have sold and whose trade is not what its rows say, once after a start.

    freqtrade commits the row first and the trade later: killed between the two, it never comes back to the trade.
    """
    for trade in trade_rows.open_trades().values():
        for stop in store.stops_of(key_of(trade)):
            if stop.phase is not Phase.ENDED or not stop.filled:
                continue
            add_missing_row(trade, stop)
            row = row_of(trade, stop)
            if row is not None and not row.ft_is_open and left(trade) <= 0:
                row.ft_is_open, row.status = True, "open"
                Trade.commit()
