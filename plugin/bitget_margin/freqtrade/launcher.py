"""`bitget-margin freqtrade …`: freqtrade itself, with every one of its commands, knowing `bitgetcross`."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Final

import ccxt
import ccxt.async_support
import ccxt.pro

import bitget_margin
from bitget_margin.freqtrade import (
    convert_db,
    order_store,  # noqa: F401 - declared before freqtrade opens its database
)
from bitget_margin.freqtrade.compat import exchange_module, freqtrade_main
from bitget_margin.freqtrade.config import NAME
from bitget_margin.freqtrade.exchange import Bitgetcross


def main(arguments: Sequence[str] | None = None) -> None:
    """Register, and run freqtrade with these arguments; ends with freqtrade's own exit code."""
    register()
    convert_db.install()
    freqtrade_main(None if arguments is None else list(arguments))


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
