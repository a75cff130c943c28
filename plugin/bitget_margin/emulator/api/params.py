"""Parameters of a request, and the venue's errors for malformed ones."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, NoReturn, TypeVar
from urllib.parse import parse_qsl

from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.decimals import ZERO, read_decimal

_Choice = TypeVar("_Choice", bound=StrEnum)
_INTEGER = re.compile(r"[0-9]{1,20}")
MOST_ITEMS = 50
"""Most items of a list in a classic body."""
MOST_ROWS = 20
"""Most items of a unified body, which is a list."""
_ITEM_LISTS = ("orderList", "orderIdList")
"""Names of the lists of items in a classic body."""


class Params:
    """Named values of a request; null and empty ones count as missing."""

    def __init__(self, values: Mapping[str, Any], rows: object = None) -> None:
        self._values = values
        self._rows = rows

    @classmethod
    def from_query(cls, query: str) -> Params:
        """Read the parameters of a query string."""
        return cls(dict(parse_qsl(query, keep_blank_values=True)))

    @classmethod
    def from_body(cls, body: bytes) -> Params:
        """Read the parameters of a JSON object."""
        values = _read_json(body)
        if not isinstance(values, dict):
            raise VenueError(Refusal.BAD_BODY, "body")
        return cls(values)

    @classmethod
    def from_array(cls, body: bytes) -> Params:
        """Read a JSON array, for ``rows``."""
        return cls({}, _read_json(body))

    def optional_text(self, name: str) -> str | None:
        """Return a text or number as text, or None when it is missing."""
        value = self._values.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise VenueError(Refusal.BAD_PARAMETER, name)
        try:
            return str(value)
        except ValueError:  # an integer of thousands of digits
            raise VenueError(Refusal.BAD_PARAMETER, name) from None

    def text_or_empty(self, name: str) -> str:
        """Return a text to send back, empty when it is missing or malformed."""
        try:
            return self.optional_text(name) or ""
        except VenueError:
            return ""

    def text(self, name: str) -> str:
        """Return a required text."""
        text = self.optional_text(name)
        if text is None:
            raise VenueError(Refusal.EMPTY_PARAMETER, name)
        return text

    def amount(self, name: str) -> Decimal:
        """Return a required positive number."""
        number = read_decimal(self.text(name))
        if number is None or number == ZERO:
            raise VenueError(Refusal.BAD_PARAMETER, name)
        return number

    def optional_integer(self, name: str) -> int | None:
        """Return a whole number, or None when it is missing."""
        text = self.optional_text(name)
        if text is None:
            return None
        if not _INTEGER.fullmatch(text):
            raise VenueError(Refusal.BAD_PARAMETER, name)
        return int(text)

    def integer(self, name: str, default: int | None = None) -> int:
        """Return a whole number, which is required unless there is a default."""
        number = self.optional_integer(name)
        number = default if number is None else number
        if number is None:
            raise VenueError(Refusal.EMPTY_PARAMETER, name)
        return number

    def choice(self, name: str, kind: type[_Choice], default: _Choice | None = None) -> _Choice:
        """Return a member of an enum by its value in any letter case; it is required unless there is a default."""
        if default is not None and self.optional_text(name) is None:
            return default
        text = self.text(name).lower()
        for member in kind:
            if member.value.lower() == text:
                return member
        raise VenueError(Refusal.BAD_PARAMETER, name)

    def texts(self, name: str) -> list[str]:
        """Return a required list of texts."""
        values = self._values.get(name)
        if values is None or values in ("", []):
            raise VenueError(Refusal.EMPTY_PARAMETER, name)
        if not isinstance(values, list) or not all(isinstance(value, str) and value for value in values):
            raise VenueError(Refusal.BAD_PARAMETER, name)
        return values

    def items(self, name: str) -> list[Params]:
        """Return a required list of 1 to 50 objects."""
        return _objects(self._values.get(name), name, MOST_ITEMS, Refusal.TOO_MANY_ITEMS)

    def without_items(self, most: int | None) -> tuple[Params | None, list[Params]]:
        """Split a batch into the remaining request, None if nothing is left, and the first items, which are removed.

        :param most: number of items to remove; None for all
        """
        name = next((name for name in _ITEM_LISTS if name in self._values), None)
        items = self._rows if name is None else self._values[name]
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            return self, []
        removed, left = (items, []) if most is None else (items[:most], items[most:])
        rest = None if not left else Params({}, left) if name is None else Params({**self._values, name: left})
        return rest, [Params(item) for item in removed]

    def rows(self) -> list[Params]:
        """Return the 1 to 20 objects of a body that is an array."""
        return _objects(self._rows, "body", MOST_ROWS, Refusal.TOO_MANY_OF_20)


def _objects(values: object, name: str, most: int, too_many: Refusal) -> list[Params]:
    if values is None or values in ("", []):
        raise VenueError(Refusal.EMPTY_PARAMETER, name)
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise VenueError(Refusal.BAD_PARAMETER, name)
    if len(values) > most:
        raise VenueError(too_many)
    return [Params(value) for value in values]


def _read_json(body: bytes) -> Any:
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError, ArithmeticError):
        raise VenueError(Refusal.BAD_BODY, "body") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
