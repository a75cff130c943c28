"""Launcher behind `bitget-margin freqtrade …`: all commands of freqtrade, with the exchange `bitgetcross`."""

from collections.abc import Sequence
from types import ModuleType
from typing import Any, Final

import ccxt
import ccxt.async_support
import ccxt.pro

import bitget_margin
from bitget_margin.adapter.declared_parts import PartMoved
from bitget_margin.freqtrade import convert_db, runtime
from bitget_margin.freqtrade.compat import exchange_module, freqtrade_main
from bitget_margin.freqtrade.config import NAME, TITLE
from bitget_margin.freqtrade.exchange import Bitgetcross

_PROGRAM: Final = "bitget-margin freqtrade"
"""Name of the program in freqtrade's help and usage."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Register the exchange and run freqtrade with these arguments; exits with freqtrade's exit code."""
    register()
    convert_db.install()
    freqtrade_main(None if arguments is None else list(arguments), _PROGRAM)


class _SyncFlavour(bitget_margin.bitget):
    """Sync class that freqtrade is given."""

    def describe(self) -> Any:
        """Return ccxt's description of the exchange, by the name that freqtrade's lists show."""
        return _titled(super().describe())


class _AsyncFlavour(bitget_margin.async_support.bitget):
    """Async class that freqtrade is given."""

    def describe(self) -> Any:
        """Return ccxt's description of the exchange, by the name that freqtrade's lists show."""
        return _titled(super().describe())


_PRO: type | None = None
"""Websocket class that freqtrade is given; without one it takes the async class."""
try:

    class _ProFlavour(bitget_margin.pro.bitget):
        """Websocket class that freqtrade is given."""

        def describe(self) -> Any:
            """Return ccxt's description of the exchange, by the name that freqtrade's lists show."""
            return _titled(super().describe())

    _PRO = _ProFlavour
except PartMoved as moved:
    # A bot looks its orders up in every loop then.
    runtime.warn_once(f"Without websockets: {moved}")


def _titled(description: dict[str, Any]) -> dict[str, Any]:
    return {**description, "name": TITLE}


def _flavours() -> tuple[tuple[ModuleType, type], ...]:
    flavours: tuple[tuple[ModuleType, type], ...] = ((ccxt, _SyncFlavour), (ccxt.async_support, _AsyncFlavour))
    return flavours if _PRO is None else (*flavours, (ccxt.pro, _PRO))


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
