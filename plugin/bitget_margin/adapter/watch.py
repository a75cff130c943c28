"""Cross margin orders of the websocket, converted for ccxt.

https://www.bitget.com/api-doc/margin/cross/websocket/private/Cross-Orders
"""

import reprlib
from collections.abc import Mapping
from typing import Any, Final

import ccxt

from bitget_margin.adapter.ccxt_types import MarginExchange, Params
from bitget_margin.adapter.params import required_symbol, split_params
from bitget_margin.adapter.rows import fees
from bitget_margin.core.order_row import text

METHOD: Final = "watch_orders"
CHANNEL: Final = "orders-crossed"
_REST_NAMES: Final = {"baseVolume": "size", "fillTotalAmount": "amount"}
"""Fields that have another name in pushed rows than in open-orders; both are totals of the order."""
_UNUSED: Final = frozenset({"feeDetail", "fillPrice"})
"""Fields that ccxt must not read: the fees are read here, and the price of the last fill is no average."""
_TRADED: Final = frozenset({"partial_fill", "partially_fill", "partially_filled", "filled"})
"""Statuses that an order has after a trade: its last change was a fill."""


def checked_symbol(exchange: MarginExchange, symbol: object, params: Params) -> str:
    """Return the symbol to watch; refuse unsupported parameters before anything is sent."""
    split_params(exchange, METHOD, params, ())
    return required_symbol(exchange, METHOD, symbol)


def refuse_unified(exchange: MarginExchange) -> None:
    """Raise NotSupported: the channel does not push orders of a unified account."""
    raise ccxt.NotSupported(
        f"{exchange.id} {METHOD}(): on a unified account, margin orders cannot be watched; use fetch_open_orders()",
    )


def argument(market_id: str) -> dict[str, str]:
    """Return the argument of a subscription to the orders of one symbol; there is none for all symbols."""
    return {"instType": "MARGIN", "channel": CHANNEL, "instId": market_id}


def topic(symbol: str) -> str:
    """Return the message hash with which ccxt resolves the waiting calls of a symbol."""
    return f"{CHANNEL}:{symbol}"


def is_ours(message: Mapping[str, Any]) -> bool:
    """Whether a message is from this channel."""
    arg = message.get("arg")
    return isinstance(arg, Mapping) and arg.get("channel") == CHANNEL


def orders(exchange: MarginExchange, message: Mapping[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """Return the symbol and the order structures of a message, or raise BadResponse."""
    market_id, rows = text(message["arg"].get("instId")), message.get("data")
    if market_id is None or not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise ccxt.BadResponse(f"{exchange.id} {METHOD}(): a push cannot be read: {reprlib.repr(message)}")
    market = exchange.safe_market(market_id, None, None, "spot")
    return market["symbol"], [_order(exchange, row, market) for row in rows]


def _order(exchange: MarginExchange, row: Mapping[str, Any], market: Any) -> dict[str, Any]:
    if text(row.get("orderId")) is None:
        raise ccxt.BadResponse(f"{exchange.id} {METHOD}(): a pushed row has no order id: {reprlib.repr(row)}")
    known = {_REST_NAMES.get(name, name): value for name, value in row.items() if name not in _UNUSED}
    try:
        order: dict[str, Any] = exchange.parse_order(known, market)
    except Exception as error:
        raise ccxt.BadResponse(f"{exchange.id} {METHOD}(): a pushed row cannot be read: {error!r}") from error
    traded = order["lastUpdateTimestamp"] if row.get("status") in _TRADED else None
    return {**order, "info": row, "lastTradeTimestamp": traded, **fees(exchange, row)}
