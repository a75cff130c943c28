"""Margin rows of a unified account, for ccxt: it reads neither their average nor what was filled of their cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from bitget_margin.adapter.fees import Sign, read_fees
from bitget_margin.core.api_v3 import CATEGORY
from bitget_margin.core.order_row import text

if TYPE_CHECKING:
    from bitget_margin.adapter.base import Exchange

_CLASSIC_NAMES: Final = {
    "orderId": "orderId",
    "clientOid": "clientOid",
    "symbol": "symbol",
    "orderType": "orderType",
    "side": "side",
    "price": "price",
    "qty": "baseSize",
    "cumExecQty": "size",
    "cumExecValue": "amount",
    "avgPrice": "priceAvg",
    "timeInForce": "force",
    "orderStatus": "status",
    "createdTime": "cTime",
    "updatedTime": "uTime",
}


def is_margin_category(row: Mapping[str, Any]) -> bool:
    """Whether a row says that it is about margin; the websocket's pages spell it in lower case."""
    category = text(row.get("category"))
    return category is not None and category.upper() == CATEGORY


def is_margin(row: Mapping[str, Any]) -> bool:
    """Whether this is the row of a margin order of a unified account."""
    return is_margin_category(row) and "qty" in row


def as_classic(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row under the names that a classic account's rows have."""
    return {classic: row[name] for name, classic in _CLASSIC_NAMES.items() if name in row}


def fees(exchange: Exchange, row: Mapping[str, Any], _amount_name: str = "fee") -> dict[str, Any]:
    """Return ccxt's `fee` and `fees` of the row of an order, or of a pushed one."""
    return read_fees(exchange, row.get("feeDetail"), Sign.PAID)
