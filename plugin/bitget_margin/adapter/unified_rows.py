"""Margin rows of a unified account, for ccxt: it reads neither their average nor what was filled of their cost."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from bitget_margin.core.answers import decimal
from bitget_margin.core.unified import CATEGORY

if TYPE_CHECKING:
    from bitget_margin.adapter.margin import CrossedMargin

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


def is_margin_fill(row: Mapping[str, Any]) -> bool:
    """Whether this is the row of a fill of such an order."""
    return row.get("category") == CATEGORY and "execId" in row


def is_margin(row: Mapping[str, Any]) -> bool:
    """Whether this is the row of a margin order of a unified account."""
    return row.get("category") == CATEGORY and "qty" in row


def as_classic(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row under the names that a classic account's rows have."""
    return {classic: row[name] for name, classic in _CLASSIC_NAMES.items() if name in row}


def fees(exchange: CrossedMargin, row: Mapping[str, Any], amount_name: str = "fee") -> dict[str, Any]:
    """Return ccxt's `fee` and `fees` of a row of an order or a fill.

    `amount_name` is what the row calls the amount of a fee. The sign is documented one way and was captured the other;
    spot margin pays no rebates, so a fee is what was paid.
    """
    paid: dict[str, Decimal] = {}
    details = row.get("feeDetail")
    for detail in details if isinstance(details, list) else ():
        coin = detail.get("feeCoin") if isinstance(detail, Mapping) else None
        amount = decimal(detail.get(amount_name)) if isinstance(coin, str) and coin else None
        if amount is not None and isinstance(coin, str):
            paid[coin] = paid.get(coin, Decimal(0)) + abs(amount)
    listed = [{"currency": exchange.safe_currency_code(coin), "cost": float(cost)} for coin, cost in paid.items()]
    return {"fee": listed[0] if len(listed) == 1 else None, "fees": listed}
