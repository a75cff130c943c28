"""Launcher behind `bitget-margin freqtrade …`: all commands of freqtrade, with the exchange `bitgetcross`."""

from collections.abc import Sequence
from types import ModuleType
from typing import Final

import ccxt
import ccxt.async_support
import ccxt.pro

import bitget_margin
from bitget_margin.adapter.declared_parts import PartMoved
from bitget_margin.freqtrade import convert_db, runtime
from bitget_margin.freqtrade.compat import exchange_module, freqtrade_main
from bitget_margin.freqtrade.config import NAME
from bitget_margin.freqtrade.exchange import Bitgetcross


def main(arguments: Sequence[str] | None = None) -> None:
    """Register the exchange and run freqtrade with these arguments; exits with freqtrade's exit code."""
    register()
    convert_db.install()
    freqtrade_main(None if arguments is None else list(arguments))


def _flavours() -> tuple[tuple[ModuleType, type], ...]:
    flavours: tuple[tuple[ModuleType, type], ...] = (
        (ccxt, bitget_margin.bitget),
        (ccxt.async_support, bitget_margin.async_support.bitget),
    )
    try:
        return (*flavours, (ccxt.pro, bitget_margin.pro.bitget))
    except PartMoved as moved:
        # freqtrade takes the async flavour then, and a bot looks its orders up in every loop.
        runtime.warn_once(f"Without websockets: {moved}")
        return flavours


_CLASS: Final = NAME.title()


def register() -> None:
    """Register `bitgetcross` with ccxt and freqtrade in this process; a second call changes nothing.

    Call it before freqtrade reads its configuration, in which it looks the exchange up.
    """
    for module, flavour in _flavours():
        setattr(module, NAME, flavour)
        if NAME not in module.exchanges:
            module.exchanges.append(NAME)
    setattr(exchange_module, _CLASS, Bitgetcross)


def unregister() -> None:
    """Remove `bitgetcross` from ccxt and freqtrade; a second call changes nothing."""
    for module, _ in _flavours():
        if hasattr(module, NAME):
            delattr(module, NAME)
        if NAME in module.exchanges:
            module.exchanges.remove(NAME)
    if hasattr(exchange_module, _CLASS):
        delattr(exchange_module, _CLASS)
