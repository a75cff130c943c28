"""Checks of the installed versions: Python and this package, ccxt, freqtrade."""

import importlib
import platform
from collections.abc import Callable, Iterator
from typing import Any, Final

from bitget_margin.adapter import ccxt_parts
from bitget_margin.adapter.declared_parts import freqtrade_version
from bitget_margin.adapter.health import CheckStatus, HealthCheck, versions_check
from bitget_margin.adapter.tested_versions import CCXT, FREQTRADE
from bitget_margin.version import __version__

PYTHON: Final = "python"


def read_versions(*, has_freqtrade: bool) -> Iterator[HealthCheck]:
    """Check the versions of what is installed, and compare what is used of it."""
    yield HealthCheck(PYTHON, CheckStatus.OK, f"{platform.python_version()}, bitget-margin {__version__}")
    yield _attempt(CCXT.name, _ccxt)
    if has_freqtrade:
        yield _attempt(FREQTRADE.name, _freqtrade)
    else:
        yield versions_check(FREQTRADE.name, FREQTRADE, None, 0, ())


def _ccxt() -> HealthCheck:
    # Imported here since it takes half a second.
    flavours = [importlib.import_module(name).bitget for name in ("ccxt", "ccxt.async_support", "ccxt.pro")]
    compare = (ccxt_parts.check_sync, ccxt_parts.check_async, ccxt_parts.check_pro)
    checks = [check(flavour) for check, flavour in zip(compare, flavours, strict=True)]
    moved = [text for check in checks for text in check.moved]
    return versions_check(CCXT.name, CCXT, ccxt_parts.version(), sum(check.checked for check in checks), moved)


def _freqtrade() -> HealthCheck:
    importlib.import_module("freqtrade.freqtradebot")
    parts: Any = importlib.import_module("bitget_margin.freqtrade.freqtrade_parts")
    check = parts.check_parts(trades=True, simulates=True)
    return versions_check(FREQTRADE.name, FREQTRADE, freqtrade_version(), check.checked, check.moved)


def _attempt(name: str, read: Callable[[], HealthCheck]) -> HealthCheck:
    try:
        return read()
    except Exception as error:  # noqa: BLE001 - an installation may be broken in any way
        return HealthCheck(name, CheckStatus.FAILED, f"cannot be imported: {error}")
