"""Numbers of the pairs that trade on margin: decimals, limits and leverage, other than those of spot.

Based on https://www.bitget.com/api-doc/margin/common/support-currencies and uta/public/Instruments (category MARGIN) of
December 2025.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from bitget_margin.core.order_row import text
from bitget_margin.core.responses import data_of, decimal

_MOST_DECIMALS: Final = 30
"""More decimals than any coin has: a larger number is no number of decimals."""
_IN_DOLLARS: Final = "USDT"
"""Coin of the classic list's smallest value, which says nothing of pairs in other coins; ccxt reads it so, too."""
_TRADABLE: Final = frozenset({"1", "online", "normal"})
"""Statuses of a pair that is not paused, in both lists."""
_YES: Final = frozenset({"true", "yes"})


@dataclass(frozen=True, slots=True)
class MarginPair:
    """A pair of the venue's list of margin pairs; None stands for a number that the list does not have."""

    symbol: str
    crosses: bool
    """Whether it trades on cross margin, and not on isolated margin alone."""
    is_active: bool
    """Whether it is not paused."""
    price_tick: Decimal | None
    amount_tick: Decimal | None
    cost_tick: Decimal | None
    """Step of the cost of a market buy, in quote coins."""
    min_amount: Decimal | None
    max_amount: Decimal | None
    min_cost: Decimal | None
    """Smallest value of an order, in quote coins."""
    max_leverage: Decimal | None
    """Of cross margin."""
    raw: Mapping[str, Any]


def read_pairs(
    body: object, read_pair: Callable[[Mapping[str, Any], str], MarginPair]
) -> tuple[MarginPair, ...] | None:
    """Return the pairs of a list; None where there is none, as in a page that is no list."""
    rows = data_of(body)
    named = (
        [(row, text(row.get("symbol"))) for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
    )
    return tuple(read_pair(row, symbol) for row, symbol in named if symbol is not None) or None


def classic_pair(row: Mapping[str, Any], symbol: str) -> MarginPair:
    """Return a pair of the list of classic accounts."""
    return MarginPair(
        symbol,
        crosses=_crosses(row) and _is_yes(row.get("isCrossBorrowable")),
        is_active=_is_active(row),
        price_tick=_tick(row.get("pricePrecision")),
        amount_tick=_tick(row.get("quantityPrecision")),
        cost_tick=None,
        min_amount=_above_zero(row.get("minTradeAmount")),
        max_amount=_above_zero(row.get("maxTradeAmount")),
        min_cost=_above_zero(row.get("minTradeUSDT")) if row.get("quoteCoin") == _IN_DOLLARS else None,
        max_leverage=_above_zero(row.get("maxCrossedLeverage")),
        raw=row,
    )


def unified_pair(row: Mapping[str, Any], symbol: str) -> MarginPair:
    """Return a pair of the list of unified accounts."""
    return MarginPair(
        symbol,
        crosses=_crosses(row),
        is_active=_is_active(row),
        price_tick=_tick(row.get("pricePrecision")),
        amount_tick=_tick(row.get("quantityPrecision")),
        cost_tick=_tick(row.get("quotePrecision")),
        min_amount=_above_zero(row.get("minOrderQty")),
        max_amount=_above_zero(row.get("maxOrderQty")),
        min_cost=_above_zero(row.get("minOrderAmount")),
        max_leverage=_above_zero(row.get("maxCrossedLeverage")),
        raw=row,
    )


def _crosses(row: Mapping[str, Any]) -> bool:
    """Whether the leverage of cross margin is not 0; a list without it has cross margin pairs only."""
    leverage = decimal(row.get("maxCrossedLeverage"))
    return leverage is None or leverage > 0


def _is_yes(value: object) -> bool:
    """Whether a flag is set; documented as a text, and shown as a boolean. One that is missing counts as set."""
    return True if value is None else str(value).lower() in _YES


def _is_active(row: Mapping[str, Any]) -> bool:
    status = text(row.get("status"))
    return status is None or status.lower() in _TRADABLE


def _tick(decimals: object) -> Decimal | None:
    """Return the step that has this number of decimals."""
    number = decimal(decimals)
    if number is None or number != int(number) or not 0 <= number <= _MOST_DECIMALS:
        return None
    return Decimal(1).scaleb(-int(number))


def _above_zero(value: object) -> Decimal | None:
    """Return a limit; 0 stands for none."""
    number = decimal(value)
    return number if number is not None and number > 0 else None
