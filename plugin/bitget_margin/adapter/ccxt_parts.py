"""Comparison of the used parts of ccxt with the installed one, as each flavour is loaded."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import ccxt

from bitget_margin.adapter import ccxt_types
from bitget_margin.adapter.declared_parts import PartCheck, declared_members
from bitget_margin.adapter.tested_versions import CCXT, warn_if_untested

_CLIENT: Final = "ccxt.async_support.base.ws.client"
_checks: Final[dict[str, PartCheck]] = {}
"""Comparisons of this process, by flavour."""


def version() -> str:
    """Return the version of the installed ccxt."""
    return str(ccxt.__version__)


def check_sync(exchange: type) -> PartCheck:
    """Compare the sync class of ccxt."""
    return _compare("ccxt.bitget", exchange, ccxt_types.SYNC_CALLS, besides=ccxt_types.ASYNC_ALONE)


def check_async(exchange: type) -> PartCheck:
    """Compare the async class of ccxt."""
    return _compare("ccxt.async_support.bitget", exchange, ccxt_types.ASYNC_CALLS)


def check_pro(exchange: type, client: type | None = None) -> PartCheck:
    """Compare the websocket code of ccxt; the class has the REST calls of the async one.

    :param client: class of its connections, by default ccxt's
    """
    check, members = PartCheck(CCXT.name), declared_members(ccxt_types.__file__)
    client = client or importlib.import_module(_CLIENT).Client
    check.compare_members("ccxt.pro.bitget", exchange, members.get("ProCcxtExchange", ()))
    check.compare_members("ccxt.pro's client", client, members.get("CcxtClient", ()))
    _compare_calls(check, "ccxt.pro.bitget", exchange, ccxt_types.PRO_CALLS)
    return check


def require(flavour: str, check: PartCheck) -> None:
    """Refuse to load a flavour with a part that has moved; to be called before its class is defined.

    :raises PartMoved: what has moved, and in which version of ccxt
    """
    check.refuse_moved(CCXT, version())
    _checks[flavour] = check


def warn_of_untested_ccxt() -> None:
    """Log one warning in this process if ccxt is of a version that the tests have not run with.

    Called as the first exchange object is made: by then, a program has set its log up.
    """
    warn_if_untested([(CCXT, version())], number_checked())


def number_checked() -> int:
    """Return the number of parts of ccxt that were compared in this process."""
    return sum(check.checked for check in _checks.values())


def _compare(
    shown: str, exchange: type, calls: Mapping[str, Sequence[str]], *, besides: Sequence[str] = ()
) -> PartCheck:
    check, members = PartCheck(CCXT.name), declared_members(ccxt_types.__file__)
    for declared in ("CcxtExchange", "AsyncCcxtExchange"):
        check.compare_members(shown, exchange, members.get(declared, ()), besides=besides)
    _compare_calls(check, shown, exchange, calls)
    return check


def _compare_calls(check: PartCheck, shown: str, exchange: Any, calls: Mapping[str, Sequence[str]]) -> None:
    for method, names in calls.items():
        check.compare_calls(f"{shown}.{method}", getattr(exchange, method, None), names)
