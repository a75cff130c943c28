"""Conversion of pushed cross margin orders to ccxt's order structures."""

import reprlib
from collections.abc import Mapping
from typing import Any, Final

import ccxt

from bitget_margin.adapter import rows, watch
from bitget_margin.adapter.ccxt_types import MarginExchange
from bitget_margin.adapter.orders import market_of_symbol
from bitget_margin.core import api_v3
from bitget_margin.core.order_row import text

_REST_NAMES: Final = {"baseVolume": "size", "fillTotalAmount": "amount"}
"""Fields that have another name in pushed rows than in open-orders; both are totals of the order."""
_UNUSED: Final = frozenset({"feeDetail", "fillPrice"})
"""Fields that ccxt must not read: the fees are read here, and the price of the last fill is no average."""
_TRADED: Final = frozenset({"partial_fill", "partially_fill", "partially_filled", "filled"})
"""Statuses that an order has after a trade: its last change was a fill."""
_ENDED: Final = frozenset({"closed", "canceled", "rejected"})


def read_orders(exchange: MarginExchange, message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the order structures of a push, or raise BadResponse; rows that are not of margin are left out."""
    pushed = watch.rows_of(exchange, message)
    if watch.subscription_of(message) is not None:
        return [_unified_order(exchange, row) for row in pushed if is_margin(exchange, row)]
    market_id = text(message["arg"].get("instId"))
    if market_id is None:
        raise watch.unreadable(exchange, message)
    market = market_of_symbol(exchange, market_id)
    return [_classic_order(exchange, row, market) for row in pushed]


def is_margin(exchange: MarginExchange, row: Mapping[str, Any]) -> bool:
    """Whether a row of a unified account is of margin; one without a category could be, and raises BadResponse."""
    if text(row.get("category")) is None:
        raise ccxt.BadResponse(f"{exchange.id}: a pushed row has no category: {reprlib.repr(row)}")
    return api_v3.is_margin(row)


def is_older(order: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Whether a pushed order is an earlier state of a known one: pushes can overtake each other.

    An end stays, and filled amounts only grow; where both are the same, the time of the last change decides.
    """
    ended, was_ended = order["status"] in _ENDED, known["status"] in _ENDED
    if ended is not was_ended:
        return was_ended
    filled, was_filled = order["filled"] or 0, known["filled"] or 0
    if filled != was_filled:
        return bool(filled < was_filled)
    changed, was_changed = order["lastUpdateTimestamp"], known["lastUpdateTimestamp"]
    return changed is not None and was_changed is not None and changed < was_changed


def _unified_order(exchange: MarginExchange, row: Mapping[str, Any]) -> dict[str, Any]:
    symbol = text(row.get("symbol"))
    if symbol is None:
        raise ccxt.BadResponse(f"{exchange.id}: a pushed row has no symbol: {reprlib.repr(row)}")
    known = {**rows.as_classic(row), "baseSize": row.get("qty")}
    return _order(exchange, row, known, market_of_symbol(exchange, symbol), row.get("orderStatus"))


def _classic_order(exchange: MarginExchange, row: Mapping[str, Any], market: Any) -> dict[str, Any]:
    known = {_REST_NAMES.get(name, name): value for name, value in row.items() if name not in _UNUSED}
    return _order(exchange, row, known, market, row.get("status"))


def _order(
    exchange: MarginExchange, row: Mapping[str, Any], known: dict[str, Any], market: Any, status: object
) -> dict[str, Any]:
    if text(row.get("orderId")) is None:
        raise ccxt.BadResponse(f"{exchange.id}: a pushed row has no order id: {reprlib.repr(row)}")
    try:
        order: dict[str, Any] = exchange.parse_order(known, market)
    except Exception as error:
        raise ccxt.BadResponse(f"{exchange.id}: a pushed row cannot be read: {error!r}") from error
    traded = order["lastUpdateTimestamp"] if status in _TRADED else None
    return {**order, "info": row, "lastTradeTimestamp": traded, **rows.fees(exchange, row)}
