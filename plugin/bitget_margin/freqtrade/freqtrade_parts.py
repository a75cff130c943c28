"""Comparison of the used parts of freqtrade with the installed one, at the start of a bot."""

import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, Final

from bitget_margin.adapter import ccxt_parts
from bitget_margin.adapter.declared_parts import PartCheck, PartMoved, declared_members, freqtrade_version
from bitget_margin.adapter.tested_versions import CCXT, FREQTRADE, warn_if_untested
from bitget_margin.freqtrade import compat, simulation_compat
from bitget_margin.freqtrade.compat import OperationalException

_NOT_CREATED: Final = "ModelBase"
"""Base of freqtrade's tables, of which nothing but the class itself is used."""


def check_parts(*, trades: bool, simulates: bool) -> PartCheck:
    """Compare what is used in every run, and what only a live bot or a simulation uses.

    Only methods of modules that freqtrade has loaded are compared: this run uses no others.
    """
    check = PartCheck(FREQTRADE.name)
    _compare_classes(check, compat)
    if trades:
        _compare_calls(check, compat.CALLS)
    if simulates:
        _compare_classes(check, simulation_compat)
        _compare_calls(check, simulation_compat.CALLS)
    return check


def refuse_moved_parts(config: Mapping[str, Any]) -> None:
    """Refuse a freqtrade in which something has moved, and log one warning about versions that are not tested.

    :raises OperationalException: what has moved, and in which version
    """
    trades = compat.is_trading(dict(config))
    check = check_parts(trades=trades, simulates=not compat.is_live(dict(config)))
    try:
        check.refuse_moved(FREQTRADE, freqtrade_version())
    except PartMoved as moved:
        raise OperationalException(str(moved)) from moved
    versions = [(CCXT, ccxt_parts.version()), (FREQTRADE, freqtrade_version())]
    warn_if_untested(versions, check.checked + ccxt_parts.number_checked())


def _compare_classes(check: PartCheck, module: ModuleType) -> None:
    for name, members in declared_members(module.__file__ or "").items():
        if name != _NOT_CREATED:
            check.compare_members(name, getattr(module, name), members, decorated=compat.DECORATED, by_name=True)


def _compare_calls(check: PartCheck, calls: Mapping[str, Sequence[str]]) -> None:
    for path, names in calls.items():
        module, cls, method = path.rsplit(".", 2)
        loaded = sys.modules.get(f"freqtrade.{module}")
        if loaded is not None:
            function = getattr(getattr(loaded, cls, None), method, None)
            check.compare_calls(f"{cls}.{method}", function, names, in_order=path == compat.EXIT)
