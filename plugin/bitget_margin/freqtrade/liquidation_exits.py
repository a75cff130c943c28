"""Orders by which the venue has liquidated the account, shown to freqtrade as exits of its trade."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.compat import Trade, lot_amount, order_row

_PREFIX: Final = "liquidation"
"""Beginning of the side of such an order in the venue's rows.

https://www.bitget.com/api-doc/margin/cross/trade/Get-Cross-Order-History
"""
_ALL: Final = 0.98
"""Share of a position from which on its liquidation counts as that of all of it."""


def is_liquidation(order: Mapping[str, Any]) -> bool:
    """Whether an order is one of the venue's own."""
    return str((order.get("info") or {}).get("side", "")).startswith(_PREFIX)


def liquidation_exits(trade: Trade, orders: Sequence[Mapping[str, Any]], quote: str) -> list[dict[str, Any]]:
    """Return the venue's liquidation orders of a trade as exits of no more than what it has left.

    freqtrade closes a trade that it recovers only where its amounts come out at zero, to the last digit, and the venue
    sells dust along, or buys fees.
    """
    left, exits = lot_amount(trade, trade_rows.remaining_amount(trade)), []
    for order in orders:
        row = order_row(order["id"], trade.pair)
        if not is_liquidation(order) or order["side"] != trade.exit_side or (row is not None and not row.ft_is_open):
            continue
        filled = order.get("filled") or 0.0
        part = left if filled >= left * _ALL else lot_amount(trade, filled)
        left -= part
        if part > 0:
            fee = {"currency": quote, "cost": 0.0, "rate": 0.0}
            exits.append({**order, "amount": part, "filled": part, "remaining": 0.0, "status": "closed", "fee": fee})
    return exits
