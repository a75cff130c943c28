"""Rights of an API key, as far as the venue shows them.

spot/account/Get-Account-Info names the rights of a classic account's key by codes of four letters, and has other words
in its example; uta/account/Get-Account-Info those of a unified one.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bitget_margin.core.order_row import text

_CODE: Final = re.compile(r"[a-z0-9]{3}[rw]")
"""Code of a right: the last letter is for reading or writing."""
_MARGIN_READ: Final = "smor"
_MARGIN_TRADE: Final = "smow"
_WITHDRAW: Final = "wwow"
_UNIFIED_TRADE: Final = "uta_trade"
_UNIFIED_MANAGE: Final = "uta_mgt"
_UNIFIED_WITHDRAW: Final = "withdraw"
_UNIFIED_KNOWN: Final = frozenset({_UNIFIED_TRADE, _UNIFIED_MANAGE, _UNIFIED_WITHDRAW})
_WRITES: Final = {"read-and-write": True, "read_and_write": True, "read-only": False, "readonly": False}
_SEPARATORS: Final = re.compile(r"[,;\s]+")


@dataclass(frozen=True, slots=True)
class KeyRights:
    """Rights of an API key; None stands for what the venue does not show."""

    can_read_margin: bool | None = None
    can_trade_margin: bool | None = None
    can_withdraw: bool | None = None
    addresses: tuple[str, ...] | None = None
    """IP addresses that the key is bound to; empty for a key that works from everywhere."""


def classic_rights(fields: Mapping[str, Any]) -> KeyRights:
    """Return the rights of a key of a classic account; unknown where none of the documented codes is among them."""
    names = _names(fields.get("authorities"))
    known = names is not None and any(_CODE.fullmatch(name) for name in names)
    addresses = _addresses(fields)
    if names is None or not known:
        return KeyRights(addresses=addresses)
    trades = _MARGIN_TRADE in names
    return KeyRights(trades or _MARGIN_READ in names, trades, _WITHDRAW in names, addresses)


def unified_rights(fields: Mapping[str, Any]) -> KeyRights:
    """Return the rights of a key of a unified account."""
    names, writes = _names(fields.get("permissions")), _WRITES.get((text(fields.get("permType")) or "").lower())
    addresses = _addresses(fields)
    if names is None or not set(names) & _UNIFIED_KNOWN:
        return KeyRights(can_trade_margin=False if writes is False else None, addresses=addresses)
    trades, withdraws = _UNIFIED_TRADE in names, _UNIFIED_WITHDRAW in names
    return KeyRights(
        can_read_margin=trades or _UNIFIED_MANAGE in names,
        can_trade_margin=writes if trades else False,
        can_withdraw=writes if withdraws else False,
        addresses=addresses,
    )


def _names(value: object) -> tuple[str, ...] | None:
    """Return the names of rights; None where the venue shows no list of them."""
    if not isinstance(value, Sequence) or isinstance(value, str) or not all(isinstance(name, str) for name in value):
        return None
    return tuple(name.lower() for name in value)


def _addresses(fields: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the addresses that a key is bound to; None where the venue does not show them."""
    given = fields.get("ips")
    if isinstance(given, str):
        return tuple(address for address in _SEPARATORS.split(given) if address)
    return _names(given)
