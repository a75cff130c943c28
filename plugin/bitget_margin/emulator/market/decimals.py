"""Exact decimal numbers: reading, writing and rounding of prices and amounts."""

import re
from decimal import ROUND_DOWN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow

EXACT = Context(prec=100, traps=[InvalidOperation, DivisionByZero, Overflow])
"""Arithmetic wide enough that no product of two numbers of a request is rounded."""
ZERO = Decimal(0)

_PLAIN = re.compile(r"[0-9]{1,20}(\.[0-9]{1,18})?")


def read_decimal(text: str) -> Decimal | None:
    """Return the number that a plain decimal text like ``"12.50"`` stands for, or None for any other text."""
    return Decimal(text) if _PLAIN.fullmatch(text) else None


def write_decimal(number: Decimal) -> str:
    """Return the shortest plain text of a number, never in exponent notation."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text


def floor_to(number: Decimal, decimals: int) -> Decimal:
    """Return the number rounded towards zero to that many decimals."""
    return number.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_DOWN, context=EXACT)


def fits(number: Decimal, decimals: int) -> bool:
    """Return whether the number needs no more than that many decimals."""
    return floor_to(number, decimals) == number
