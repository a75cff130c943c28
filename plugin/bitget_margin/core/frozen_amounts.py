"""Frozen amounts of the balance, and the part of them that listed open orders account for."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from bitget_margin.core.order_row import OrderRow, text
from bitget_margin.core.responses import as_mapping, decimal

Coins = Mapping[str, tuple[str, str]]
"""Base and quote coin of each symbol, under the venue's own names."""

_ROUNDING: Final = Decimal("0.00000001")
"""Amount that an order may freeze beyond its unfilled amount."""


def parse_frozen(rows: object, field: str) -> Mapping[str, Decimal] | None:
    """Read the frozen amount of each coin; None where a row cannot be read, which does not mean zero."""
    if not isinstance(rows, list):
        return None
    frozen: dict[str, Decimal] = {}
    for raw in rows:
        entry = as_mapping(raw)
        coin, amount = text(entry.get("coin")), decimal(entry.get(field))
        if coin is None or amount is None:
            return None
        frozen[coin] = frozen.get(coin, Decimal(0)) + amount
    return frozen


def unexplained(rows: Iterable[OrderRow], frozen: Mapping[str, Decimal], coins: Coins) -> Mapping[str, Decimal]:
    """Return the part of the frozen amounts that these open orders do not account for."""
    left = dict(frozen)
    for row in rows:
        # An ended order freezes nothing, in whichever list it stands.
        lock = None if row.state.ended else frozen_by(row, coins)
        if lock is not None and lock[0] in left:
            left[lock[0]] -= lock[1] + _ROUNDING
    return {coin: amount for coin, amount in left.items() if amount > 0}


def frozen_by(row: OrderRow, coins: Coins) -> tuple[str, Decimal] | None:
    """Return the coin and the amount that an open limit order freezes; None where the row lacks them."""
    base_quote = coins.get(row.symbol)
    ordered, filled = decimal(row.raw.get(row.fields.ordered)), decimal(row.raw.get(row.fields.filled))
    price = decimal(row.raw.get("price"))
    if base_quote is None or ordered is None or filled is None:
        return None
    if str(row.raw.get("side")).endswith("sell"):
        return base_quote[0], ordered - filled
    return None if price is None else (base_quote[1], (ordered - filled) * price)
