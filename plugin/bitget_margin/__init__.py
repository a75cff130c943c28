"""Bitget's cross margin account for ccxt: batch cancel with one confirmed outcome per order.

`bitget`, `async_support.bitget` and `pro.bitget` extend ccxt's classes of the same names. ccxt is loaded on first use.
"""

import importlib
from typing import TYPE_CHECKING, Any

from bitget_margin.core.outcome import CancelReport, CancelResult, Outcome
from bitget_margin.version import __version__

if TYPE_CHECKING:
    from bitget_margin import async_support, pro
    from bitget_margin.adapter.errors import (
        CancelUnresolved,
        ChangeUnresolved,
        PlaceUnresolved,
        SpotWalletWarning,
        report_of,
    )
    from bitget_margin.sync import bitget

__all__ = [
    "CancelReport",
    "CancelResult",
    "CancelUnresolved",
    "ChangeUnresolved",
    "Outcome",
    "PlaceUnresolved",
    "SpotWalletWarning",
    "__version__",
    "async_support",
    "bitget",
    "pro",
    "report_of",
]


_FLAVOURS = frozenset({"async_support", "pro"})
_ERRORS = frozenset({"CancelUnresolved", "ChangeUnresolved", "PlaceUnresolved", "SpotWalletWarning", "report_of"})


def __getattr__(name: str) -> Any:
    """Load ccxt, or a flavour, on first use: importing aiohttp takes half a second."""
    if name == "bitget":
        return importlib.import_module(f"{__name__}.sync").bitget
    if name in _ERRORS:
        return getattr(importlib.import_module(f"{__name__}.adapter.errors"), name)
    if name in _FLAVOURS:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
