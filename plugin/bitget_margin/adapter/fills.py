"""Conversion of fills of margin orders, of both account kinds, to the form that ccxt reads.

https://www.bitget.com/api-doc/margin/cross/trade/Get-Cross-Order-Fills, https://www.bitget.com/api-doc/uta/trade/Get-Order-Fills
"""

import reprlib
from collections.abc import Mapping
from typing import Any, Final

import ccxt

from bitget_margin.adapter.ccxt_types import CcxtExchange
from bitget_margin.adapter.fees import Sign, read_fees
from bitget_margin.core import api_v3
from bitget_margin.core.order_row import milliseconds, text
from bitget_margin.core.responses import decimal

_TEXTS: Final = {
    "tradeId": ("tradeId", "execId"),
    "orderId": ("orderId",),
    "symbol": ("symbol",),
    "orderType": ("orderType",),
    "tradeScope": ("tradeScope",),
}
_AMOUNTS: Final = {
    "priceAvg": ("priceAvg", "execPrice"),
    "size": ("size", "execQty"),
    "amount": ("amount", "execValue"),
}
_TIMES: Final = ("cTime", "createdTime", "execTime", "uTime", "updatedTime")
_PRIVATE: Final = frozenset({"orderId", "tradeScope", "feeDetail"})
"""Fields that public trades do not have."""
_OTHER_WALLETS: Final = ("userId", "posMode", "baseVolume")
"""Fields that spot fills and contract fills have, but margin fills do not."""


def is_margin(row: Mapping[str, Any]) -> bool:
    """Whether this is the row of a fill of a margin order."""
    if text(row.get("category")) is not None:
        return api_v3.is_margin(row)
    return not _PRIVATE.isdisjoint(row) and all(row.get(name) is None for name in _OTHER_WALLETS)


def as_classic(exchange: CcxtExchange, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row under the names of a classic account, without the fee.

    Raise BadResponse if the order, the size or the time is missing: the sum of an order's fills would silently lack it.
    """
    found: dict[str, Any] = {name: _first_text(row, names) for name, names in _TEXTS.items()}
    found |= {name: _first_amount(row, names) for name, names in _AMOUNTS.items()}
    found["side"] = plain_side(row.get("side"))
    found["cTime"] = next((ms for name in _TIMES if (ms := milliseconds(row.get(name))) is not None), None)
    for name, missing in (("orderId", "order"), ("size", "size"), ("cTime", "time")):
        if found[name] is None:
            raise ccxt.BadResponse(
                f"{exchange.id}: a fill cannot be read, since it has no {missing}: {reprlib.repr(dict(row))}",
            )
    return found


def plain_side(side: object) -> object:
    """Return `buy` or `sell`, also of liquidations and repayments (`liquidation-sell`, `system_repay_buy`)."""
    if not isinstance(side, str):
        return None
    lower = side.lower()
    return next((plain for plain in ("buy", "sell") if lower.endswith(plain)), lower or None)


def fees_of(exchange: CcxtExchange, row: Mapping[str, Any], symbol: str | None) -> dict[str, Any]:
    """Return ccxt's `fee` and `fees` of a fill; `symbol` is ccxt's, if known."""
    if "execId" in row or text(row.get("category")) is not None:
        return read_fees(exchange, row.get("feeDetail"), Sign.PAID)
    return read_fees(exchange, row.get("feeDetail"), Sign.CHANGE, pair_of(symbol))


def pair_of(symbol: str | None) -> tuple[str, ...]:
    """Return the codes of the two coins of ccxt's symbol; empty if it is unknown."""
    return tuple(symbol.split("/")) if symbol and "/" in symbol else ()


def _first_text(row: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((value for name in names if (value := text(row.get(name))) is not None), None)


def _first_amount(row: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    for name in names:
        value = row.get(name)
        amount = decimal(repr(value) if isinstance(value, float) else value)
        if amount is not None:
            return format(amount, "f")
    return None
