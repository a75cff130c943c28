"""Numbers that are no amount of anything, refused before ccxt writes them out digit by digit."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

import ccxt

from bitget_margin.core.responses import decimal

_EXPONENT: Final = re.compile(r"[\d._\s+-]+[eE][\d_\s+-]+")
"""A number with an exponent, with what Python, and so ccxt, reads over within it."""
_IGNORED: Final = re.compile(r"[_\s]+")
_SUSPECT: Final = re.compile(r"\s*\{|[\d._\s+-][^eE]*[eE]")
"""How a text begins that may be such a number, or JSON: all others, nearly all of a row, are passed over at once."""
_NO_AMOUNTS: Final = frozenset({"orderId", "clientOid", "tradeId", "execId", "execLinkId", "fillId"})
"""Names, which may look like numbers."""


def refuse_absurd(value: object, name: str = "a field") -> None:
    """Raise BadResponse where a number has more digits than there is money, however deep it stands in an answer.

    :param value: what the venue sent: a row, a list of rows, or what stands in a field
    :param name: of the field, for the message
    """
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key not in _NO_AMOUNTS and not (isinstance(inner, str) and _SUSPECT.match(inner) is None):
                refuse_absurd(inner, str(key))
    elif isinstance(value, list):
        for inner in value:
            refuse_absurd(inner, name)
    elif isinstance(value, str):
        _refuse_text(value, name)


def _refuse_text(text: str, name: str) -> None:
    if text.lstrip().startswith("{"):
        # ccxt reads the fees of a classic account's rows out of such a text.
        refuse_absurd(_parsed(text))
    elif _EXPONENT.fullmatch(text) and decimal(_IGNORED.sub("", text)) is None:
        raise ccxt.BadResponse(f"bitget: {name} is {text[:40]}, which is no amount of anything")


def _parsed(text: str) -> object:
    """Return what a JSON text says, None where it is none."""
    try:
        return json.loads(text, parse_float=str)
    except (ValueError, RecursionError):
        return None
