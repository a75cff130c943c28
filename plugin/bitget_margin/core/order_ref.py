"""References to orders: a symbol and one id, checked before anything is sent."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bitget_margin.core.endpoints import AccountKind

CLIENT_ID_MAX_LENGTH: Final = 50
_LARGEST: Final = 2**63 - 1
_DIGITS: Final = len(str(_LARGEST))
_CLASSIC_SIGNS: Final = "- + _ #"
"""FAQ, question 13, as of December 2025; with letters, digits and at most 50 characters."""
_ALL_SIGNS: Final = f"{_CLASSIC_SIGNS} . : /"
"""Those of a unified account besides (uta/trade/Place-Order). Orders of its time as a classic one keep their ids."""
_ORDER_ID: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_\-]{0,63}")


class BadInput(ValueError):
    """Invalid argument, refused before anything is sent; the message names it."""


class IdKind(StrEnum):
    """Kind of an id; the value is the name of its field in requests and responses."""

    ORDER = "orderId"
    CLIENT = "clientOid"


@dataclass(frozen=True, slots=True)
class OrderRef:
    """Reference to one order: the venue's symbol (`BTCUSDT`) and an id of one kind."""

    symbol: str
    kind: IdKind
    value: str


def order_number(order_id: str | None) -> int | None:
    """Return an order id as a number, for paging; None where it is none of 64 bits."""
    if order_id is None or not order_id.isdecimal() or len(order_id) > _DIGITS:
        return None
    value = int(order_id)
    return value if value < _LARGEST else None


def checked_order_id(value: object, where: str) -> str:
    """Return an order id as a string; `where` names the argument in the message.

    An integer is accepted, because every order id fits one exactly; a float is not.
    """
    whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST
    text = str(value) if whole else value
    if isinstance(value, Mapping):
        raise BadInput(f"{where} is an order structure; give its 'id'")
    if not isinstance(text, str) or not _ORDER_ID.fullmatch(text):
        raise BadInput(f"{where} is {value!r}: an order id is a non-empty string such as '1181888708480737281'")
    return text


def checked_client_id(value: object, where: str, kind: AccountKind | None = None) -> str:
    """Return a client order id of the characters that are allowed.

    :param kind: account kind; None where it is not known, and an id of either kind is accepted
    """
    signs = _CLASSIC_SIGNS if kind is AccountKind.CLASSIC else _ALL_SIGNS
    allowed = rf"[0-9A-Za-z{re.escape(signs.replace(' ', ''))}]{{1,{CLIENT_ID_MAX_LENGTH}}}"
    if not isinstance(value, str) or not re.fullmatch(allowed, value):
        raise BadInput(
            f"{where} is {value!r}: a client order id {'' if kind is None else f'of a {kind.value} account '}"
            f"is 1 to {CLIENT_ID_MAX_LENGTH} characters out of 0-9 A-Z a-z {signs}",
        )
    return value


def order_refs(
    symbol: str, ids: Iterable[object], client_ids: Iterable[object], kind: AccountKind | None = None
) -> tuple[OrderRef, ...]:
    """Return the distinct orders of one symbol, order ids first, in the order of their first mention.

    :param kind: account kind, if it is known
    """
    named = [OrderRef(symbol, IdKind.ORDER, checked_order_id(value, f"ids[{i}]")) for i, value in enumerate(ids)]
    named += [
        OrderRef(symbol, IdKind.CLIENT, checked_client_id(value, f"clientOrderIds[{i}]", kind))
        for i, value in enumerate(client_ids)
    ]
    return distinct(named)


def distinct(named: Iterable[OrderRef]) -> tuple[OrderRef, ...]:
    """Return every order once, in the order of first mention."""
    return tuple(dict.fromkeys(named))


def batches(targets: Iterable[OrderRef], batch_size: int) -> Iterator[tuple[OrderRef, ...]]:
    """Split orders into batches of one symbol and one kind of id, of at most `batch_size` orders."""
    groups: dict[tuple[str, IdKind], list[OrderRef]] = {}
    for target in targets:
        groups.setdefault((target.symbol, target.kind), []).append(target)
    for members in groups.values():
        for start in range(0, len(members), batch_size):
            yield tuple(members[start : start + batch_size])
