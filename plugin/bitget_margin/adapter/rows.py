"""Margin rows of a unified account, for ccxt: it reads neither their average nor what was filled of their cost."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import ccxt

from bitget_margin.adapter.ccxt_types import CcxtExchange
from bitget_margin.adapter.fees import Sign, read_fees
from bitget_margin.core.api_v3 import CATEGORY
from bitget_margin.core.order_row import text
from bitget_margin.core.responses import decimal

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


def fees(exchange: CcxtExchange, row: Mapping[str, Any], _amount_name: str = "fee") -> dict[str, Any]:
    """Return ccxt's `fee` and `fees` of the row of an order, or of a pushed one."""
    return read_fees(exchange, row.get("feeDetail"), Sign.PAID)


_EXPONENT: Final = re.compile(r"[\d._\s+-]+[eE][\d_\s+-]+")
"""A number with an exponent, with what Python, and so ccxt, reads over within it."""
_IGNORED: Final = re.compile(r"[_\s]+")
_SUSPECT: Final = re.compile(r"\s*\{|[\d._\s+-][^eE]*[eE]")
"""How a text begins that may be such a number, or JSON: all others, nearly all of a row, are passed over at once."""
_NO_AMOUNTS: Final = frozenset({"orderId", "clientOid", "tradeId", "execId", "execLinkId", "fillId"})
"""Names, which may look like numbers."""


def refuse_huge_exponents(value: object, name: str = "a field") -> None:
    """Raise BadResponse where a number has more digits than there is money, however deep it stands in an answer.

    :param value: what the venue sent: a row, a list of rows, or what stands in a field
    :param name: of the field, for the message
    """
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key not in _NO_AMOUNTS and not (isinstance(inner, str) and _SUSPECT.match(inner) is None):
                refuse_huge_exponents(inner, str(key))
    elif isinstance(value, list):
        for inner in value:
            refuse_huge_exponents(inner, name)
    elif isinstance(value, str):
        _refuse_text(value, name)


def _refuse_text(text: str, name: str) -> None:
    if text.lstrip().startswith("{"):
        # ccxt reads the fees of a classic account's rows out of such a text.
        refuse_huge_exponents(_parsed(text))
    elif _EXPONENT.fullmatch(text) and decimal(_IGNORED.sub("", text)) is None:
        raise ccxt.BadResponse(f"bitget: {name} is {text[:40]}, which is no amount of anything")


def _parsed(text: str) -> object:
    """Return what a JSON text says, None where it is none."""
    try:
        return json.loads(text, parse_float=str)
    except (ValueError, RecursionError):
        return None
