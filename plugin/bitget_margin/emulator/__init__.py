"""A local Bitget venue for crossed margin: a paper account, the base of the demo, and the ground truth of tests."""

from bitget_margin.emulator.account import Account, AccountKind
from bitget_margin.emulator.command import run
from bitget_margin.emulator.emulator import Emulator
from bitget_margin.emulator.faults import FaultKind, FaultRule
from bitget_margin.emulator.knobs import Knobs
from bitget_margin.emulator.message import RequestRecord
from bitget_margin.emulator.order import Order
from bitget_margin.emulator.symbol import DEFAULT_SYMBOLS, Symbol, synthetic_symbols
from bitget_margin.emulator.texts import VenueError
from bitget_margin.emulator.urls import ccxt_urls

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
