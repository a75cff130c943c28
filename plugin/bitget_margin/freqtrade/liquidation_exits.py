"""Orders by which the venue has liquidated the account, shown to freqtrade as exits of its trade."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

import ccxt

from bitget_margin.core.responses import decimal
from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.compat import Trade, lot_amount, order_row

logger = logging.getLogger("bitget_margin")

_PREFIX: Final = "liquidation"
"""Beginning of the side of such an order in the rows of a classic account, and of its kind in those of a unified one.

https://www.bitget.com/api-doc/margin/cross/trade/Get-Cross-Order-History
https://www.bitget.com/api-doc/uta/trade/Get-Order-History
"""
_FIELDS: Final = ("side", "execType")
_FEE_FLOW: Final = "LIQ_FEE"
_EARLIER_MS: Final = 60_000
"""Time before its first order at which a liquidation may have begun."""
_OPEN: Final = "open"
_DECIMALS: Final = 12
"""More than any coin has."""
_ALL: Final = 0.98
"""Share of a position from which on its liquidation counts as that of all of it."""


def is_liquidation(order: Mapping[str, Any]) -> bool:
    """Whether an order is one of the venue's own."""
    info = order.get("info") or {}
    return any(str(info.get(name, "")).startswith(_PREFIX) for name in _FIELDS)


def liquidation_exits(trade: Trade, orders: Sequence[Mapping[str, Any]], quote: str) -> list[dict[str, Any]]:
    """Return the venue's liquidation orders of a trade as exits of no more than what it has left.

    freqtrade closes a trade that it recovers only where its amounts come out at zero, to the last digit, and the venue
    sells dust along, or buys fees. An order that is not done yet is left to a later call: freqtrade would book it as
    ended.
    """
    left, exits = lot_amount(trade, trade_rows.remaining_amount(trade)), []
    for order in orders:
        row = order_row(order["id"], trade.pair)
        is_booked = row is not None and not row.ft_is_open
        if not is_liquidation(order) or order["side"] != trade.exit_side or order["status"] == _OPEN or is_booked:
            continue
        filled = order.get("filled") or 0.0
        part = left if filled >= left * _ALL else lot_amount(trade, filled)
        left = round(left - part, _DECIMALS)
        if part > 0:
            fee = {"currency": quote, "cost": 0.0, "rate": 0.0}
            exits.append({**order, "amount": part, "filled": part, "remaining": 0.0, "status": "closed", "fee": fee})
    return exits


def liquidation_fee(
    api: Any, orders: Sequence[Mapping[str, Any]], stake_coin: str, *, unified: bool, timeout_ms: float
) -> float | None:
    """Return what the venue has charged for the liquidation of these orders; None where its records do not show it.

    https://www.bitget.com/api-doc/margin/cross/record/Get-Cross-Liquidation-Records
    https://www.bitget.com/api-doc/uta/account/Get-Account-Assets-History
    """
    since_ms, params = min(int(order["timestamp"] or 0) for order in orders) - _EARLIER_MS, {"timeout": timeout_ms}
    try:
        if unified:
            flows = api.fetch_ledger(stake_coin, since_ms, None, {"type": "margin", **params})
            fees = [flow["amount"] for flow in flows if flow["info"].get("type") == _FEE_FLOW]
        else:
            records = api.fetch_my_liquidations(None, since_ms, None, {"marginMode": "cross", **params})
            fees = [decimal(record["info"].get("liqFee")) for record in records]
    except ccxt.BaseError as error:
        logger.warning("The fee of the liquidation could not be read: %s", error)
        return None
    known = [abs(float(fee)) for fee in fees if fee is not None]
    return sum(known) if known else None


def liquidation_text(trade: Trade, exits: Sequence[Mapping[str, Any]], fee: float | None, stake_coin: str) -> str:
    """Return what the user is told of the liquidation of a trade."""
    closed, price = sum(order["filled"] for order in exits), exits[-1].get("average") or exits[-1].get("price")
    at = "a price that it does not show" if price is None else f"{price:.8g}"
    charged = "What it has charged for that is" if fee is None else f"Its fee of {fee:.8g} {stake_coin} is"
    return (
        f"LIQUIDATED: the venue has closed {closed:.8g} of trade {trade.id} on {trade.pair} at {at}. "
        f"{charged} not in freqtrade's books: look at the account."
    )
