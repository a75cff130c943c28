"""Fees of orders and fills as costs: positive if paid, negative if credited.

The sign of the venue's amount has different meanings:

- Fills of a classic account have the change of the balance: negative if paid, positive if credited.
  A deduction, the fee in BGB, is paid whatever its sign: it is positive in captures (ccxt's pull requests
  20507 and 21530, December 2023 and March 2024; other clients' captures until January 2025), and negative in the
  example at https://www.bitget.com/api-doc/margin/cross/trade/Get-Cross-Order-Fills.
- Rows of a unified account and pushed rows have the paid amount, positive in all documents and nearly all captures.
  No document mentions a credit there.
"""

import json
import reprlib
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from enum import Enum
from typing import Any, Final

import ccxt

from bitget_margin.adapter.ccxt_types import CcxtExchange
from bitget_margin.core.responses import decimal

_COIN_NAMES: Final = ("feeCoin", "feeCoinCode", "feecoinCode")
_AMOUNT_NAMES: Final = ("totalFee", "fee")
_TOTALS: Final = "newFees"
"""Key of sums in an unnamed coin, in the JSON text of fees by coin that rows of orders have."""
_FLAGS: Final = {"yes": True, "true": True, "no": False, "false": False}
_BLANK: Final = (None, "")


class Sign(Enum):
    """Meaning of the sign of an amount."""

    PAID = "paid"
    """The amount was paid, whatever its sign."""
    CHANGE = "change"
    """The amount is a change of the balance; if it was deducted in another coin, it was paid."""


def read_fees(exchange: CcxtExchange, detail: object, sign: Sign, pair: Collection[str] = ()) -> dict[str, Any]:
    """Return ccxt's `fee` and `fees`; empty if any part is unreadable, since the sum would be wrong.

    :param detail: raw `feeDetail`: a fee, a list of fees, fees by coin, the JSON text of these, or nothing
    :param pair: ccxt's codes of the two traded coins, if known: no other coin is ever credited
    """
    costs: dict[str, Decimal] = {}
    for row in _rows(detail):
        if _is_blank(row):
            continue
        coin = _first(row, _COIN_NAMES) if isinstance(row, Mapping) else None
        if not isinstance(coin, str):
            return _unknown()
        code = exchange.safe_currency_code(coin)
        cost = _cost(row, sign, traded=not pair or code in pair)
        if cost is None:
            return _unknown()
        costs[code] = costs.get(code, Decimal(0)) + cost
    listed = [{"currency": code, "cost": float(cost)} for code, cost in costs.items()]
    return {"fee": listed[0] if len(listed) == 1 else None, "fees": listed}


def refuse_broken_text(detail: object) -> None:
    """Raise BadResponse if the text of an order's fees is not JSON: the rest of such a row is not trusted."""
    if isinstance(detail, str) and _parsed(detail) is detail:
        raise ccxt.BadResponse(f"bitget: feeDetail is {reprlib.repr(detail)}, which is no JSON")


def _unknown() -> dict[str, Any]:
    return {"fee": None, "fees": []}


def _rows(detail: object) -> Iterable[Any]:
    if isinstance(detail, str):
        detail = _parsed(detail)
    if detail is None:
        return []
    if isinstance(detail, Mapping):
        single = any(name in detail for name in (*_COIN_NAMES, *_AMOUNT_NAMES))
        return [detail] if single else [row for name, row in detail.items() if name != _TOTALS]
    return detail if isinstance(detail, list) else [detail]


def _parsed(detail: str) -> object:
    """Return the value of a JSON text; None if it is blank, the text itself if it is not JSON."""
    try:
        return json.loads(detail, parse_float=str, parse_int=str) if detail.strip() else None
    except (ValueError, RecursionError):
        return detail


def _is_blank(row: object) -> bool:
    """Whether this is the venue's form of no fee so far."""
    if not isinstance(row, Mapping) or _first(row, _COIN_NAMES) is not None:
        return False
    amount = _first(row, _AMOUNT_NAMES)
    return amount is None or _number(amount) == 0


def _cost(row: Mapping[str, Any], sign: Sign, *, traded: bool) -> Decimal | None:
    """Return the cost of a fee; None if it is unknown.

    :param traded: whether its coin may be one of the two traded coins
    """
    amount = _number(_first(row, _AMOUNT_NAMES))
    if amount is None:
        return None
    deducted = _FLAGS.get(str(row.get("deduction")).lower())
    if amount == 0 and deducted and _number(row.get("totalDeductionFee")):
        return None  # Something was deducted; the field with its amount is not documented.
    if amount <= 0 or deducted or sign is Sign.PAID:
        return abs(amount)
    return -amount if deducted is False and traded else None


def _first(row: Mapping[str, Any], names: Iterable[str]) -> object:
    return next((row[name] for name in names if row.get(name) not in _BLANK), None)


def _number(value: object) -> Decimal | None:
    return decimal(repr(value) if isinstance(value, float) else value)
