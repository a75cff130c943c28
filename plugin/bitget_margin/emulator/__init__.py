"""Emulator of Bitget for cross margin: paper account, base of the demo, and ground truth of tests."""

import importlib
from typing import TYPE_CHECKING, Any

from bitget_margin.emulator.behaviour.faults import FaultKind, FaultRule
from bitget_margin.emulator.behaviour.knobs import Knobs
from bitget_margin.emulator.errors import VenueError
from bitget_margin.emulator.market.loan_terms import LoanTerms
from bitget_margin.emulator.market.orders import Order
from bitget_margin.emulator.market.symbol import DEFAULT_SYMBOLS, SpotNumbers, Symbol, synthetic_symbols
from bitget_margin.emulator.market.wallet import Account, AccountKind
from bitget_margin.emulator.messages import RequestRecord
from bitget_margin.emulator.urls import ccxt_urls

if TYPE_CHECKING:
    from bitget_margin.emulator.emulator import Emulator, run

__all__ = [
    "DEFAULT_SYMBOLS",
    "Account",
    "AccountKind",
    "Emulator",
    "FaultKind",
    "FaultRule",
    "Knobs",
    "LoanTerms",
    "Order",
    "RequestRecord",
    "SpotNumbers",
    "Symbol",
    "VenueError",
    "ccxt_urls",
    "run",
    "synthetic_symbols",
]

_SERVER = frozenset({"Emulator", "run"})


def __getattr__(name: str) -> Any:
    """Load the server on first use: whoever needs its addresses alone does not wait for aiohttp."""
    if name in _SERVER:
        return getattr(importlib.import_module(f"{__name__}.emulator"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
