"""A local Bitget venue for crossed margin: a paper account, the base of the demo, and the ground truth of tests."""

from .account import Account, AccountKind
from .command import run
from .emulator import Emulator
from .faults import FaultKind, FaultRule
from .knobs import Knobs
from .message import RequestRecord
from .order import Order
from .symbol import DEFAULT_SYMBOLS, Symbol, synthetic_symbols
from .texts import VenueError
from .urls import ccxt_urls

__all__ = [
    "DEFAULT_SYMBOLS",
    "Account",
    "AccountKind",
    "Emulator",
    "FaultKind",
    "FaultRule",
    "Knobs",
    "Order",
    "RequestRecord",
    "Symbol",
    "VenueError",
    "ccxt_urls",
    "run",
    "synthetic_symbols",
]
