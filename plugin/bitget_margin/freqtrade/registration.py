"""`register`: freqtrade and ccxt learn the name `bitgetcross`; `unregister` takes it back."""

from __future__ import annotations

from types import ModuleType
from typing import Final

import ccxt
import ccxt.async_support
import ccxt.pro

import bitget_margin
from bitget_margin.freqtrade import tables  # noqa: F401 - declared before freqtrade opens its database
from bitget_margin.freqtrade.base import exchange_module
from bitget_margin.freqtrade.exchange import Bitgetcross
from bitget_margin.freqtrade.settings import NAME


def _flavours() -> tuple[tuple[ModuleType, type], ...]:
    return (
        (ccxt, bitget_margin.bitget),
        (ccxt.async_support, bitget_margin.async_support.bitget),
        (ccxt.pro, bitget_margin.pro.bitget),
    )


_CLASS: Final = NAME.title()


def register() -> None:
    """Make `bitgetcross` known to ccxt and freqtrade, in this process; a second call changes nothing.

    Call it before freqtrade reads its configuration: it looks the exchange up before it loads a strategy.
    """
    for module, flavour in _flavours():
        setattr(module, NAME, flavour)
        if NAME not in module.exchanges:
            module.exchanges.append(NAME)
    setattr(exchange_module, _CLASS, Bitgetcross)


def unregister() -> None:
    """Take the name back."""
    for module, _ in _flavours():
        if hasattr(module, NAME):
            delattr(module, NAME)
        if NAME in module.exchanges:
            module.exchanges.remove(NAME)
    if hasattr(exchange_module, _CLASS):
        delattr(exchange_module, _CLASS)
