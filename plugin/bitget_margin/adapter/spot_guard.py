"""Last check of requests to the spot account: none of a cross margin call, a warning for one without a margin mode.

Some of ccxt's methods drop the margin mode, or do not know it, and then read or trade the spot account. Every unified
method of a class is wrapped, so that `sign` knows the margin mode of the call that a request belongs to.
"""

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

import ccxt

from bitget_margin.adapter.ccxt_types import MarginExchange
from bitget_margin.adapter.errors import SpotWalletWarning
from bitget_margin.adapter.params import CROSS, DEFAULT_MODE
from bitget_margin.adapter.wrapping import within


@dataclass(frozen=True, slots=True)
class _UnifiedCall:
    """Call of a unified method, with its margin mode; None without one."""

    method: str
    margin_mode: str | None


_CALL: Final[ContextVar[_UnifiedCall | None]] = ContextVar("UNIFIED_CALL", default=None)
"""Outermost call of a unified method, or the first cross margin call within it; None outside of one."""
_LIBRARIES: Final = frozenset({"bitget_margin", "ccxt", "asyncio"})
"""Packages whose code a warning is not about."""
_UNIFIED: Final = (
    *("add_", "borrow_", "cancel_", "close_", "create_", "edit_", "fetch_", "reduce_", "repay_", "set_"),
    *("transfer", "watch_", "withdraw"),
)
"""Beginnings of the names of ccxt's unified methods."""
_OF_THE_WHOLE_ACCOUNT: Final = ("v2/spot/wallet/", "v2/spot/account/info", "v2/spot/account/transferRecords")
"""Private endpoints below `spot` that are about deposits, transfers and the owner: no wallet is traded or read."""
_BY_CATEGORY: Final = ("v3/trade/", "v3/account/financial-records")
"""Endpoints of a unified account that read or trade one category."""
_SPOT: Final = "SPOT"
_EXPLAINS: Final = ("v3/trade/unfilled-orders", "v3/trade/unfilled-strategy-orders")
"""Lists that `cancel_all_orders` reads of category SPOT, to explain what locks coins of the shared wallet."""


def guard_methods(cls: type) -> None:
    """Wrap the unified methods of a class that take `params`."""
    for name in dir(cls):
        method = inspect.getattr_static(cls, name)
        if name.startswith(_UNIFIED) and not name.endswith("_request") and inspect.isfunction(method):
            names = list(inspect.signature(method).parameters)
            if "params" in names:
                setattr(cls, name, _guarded(name, names.index("params"), method))


def check(exchange: MarginExchange, api: Any, path: str, params: object) -> None:
    """Examine a signed request of the current call to the spot account.

    :raises ccxt.NotSupported: the call is on cross margin
    """
    call = _CALL.get()
    if call is None or "private" not in api or not _is_spot(path, params):
        return
    if call.margin_mode is None:
        _warn(exchange, call)
    explains = call.method == "cancel_all_orders" and path in _EXPLAINS
    if call.margin_mode == CROSS and not explains:
        raise ccxt.NotSupported(
            f"{exchange.id} {call.method}(): ccxt sends this to the spot account ({path}), not to the cross margin "
            "account; call it without a margin mode if that is meant"
        )


def check_subscription(exchange: MarginExchange, arg: object) -> None:
    """Examine a private subscription of the current call to the spot account.

    :raises ccxt.NotSupported: the call is on cross margin
    """
    call = _CALL.get()
    if call is None or not isinstance(arg, Mapping) or arg.get("instType") != _SPOT:
        return
    if call.margin_mode is None:
        _warn(exchange, call)
    if call.margin_mode == CROSS:
        raise ccxt.NotSupported(
            f"{exchange.id} {call.method}(): ccxt subscribes to the spot account ({arg.get('channel')}), not to the "
            "cross margin account; call it without a margin mode if that is meant"
        )


def _warn(exchange: MarginExchange, call: _UnifiedCall) -> None:
    """Warn of a call without a margin mode, once per exchange object and not if the option is set, even to None."""
    if exchange.has_warned_of_spot or DEFAULT_MODE in exchange.options:
        return
    exchange.has_warned_of_spot = True
    warnings.warn(
        f"{exchange.id} {call.method}(): without a margin mode this goes to the spot account, as in stock ccxt, not to "
        f"the cross margin account: set options[{DEFAULT_MODE!r}] to 'cross', or to None if the spot account is meant",
        SpotWalletWarning,
        stacklevel=_callers_level(),
    )


def _callers_level() -> int:
    """Return the `stacklevel` by which the caller of this function warns about the code that uses the libraries."""
    frame, level = inspect.currentframe(), 0
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] in _LIBRARIES:
        frame, level = frame.f_back, level + 1
    return level


def _is_spot(path: str, params: object) -> bool:
    if path.startswith(_BY_CATEGORY):
        items = params if isinstance(params, list) else [params]
        return any(isinstance(item, Mapping) and str(item.get("category")).upper() == _SPOT for item in items)
    return path.startswith("v2/spot/") and not path.startswith(_OF_THE_WHOLE_ACCOUNT)


def _guarded(name: str, position: int, method: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method, during which `_CALL` shows its call."""

    def params_of(args: tuple[Any, ...], named: Mapping[str, Any]) -> object:
        return args[position] if len(args) > position else named.get("params")

    return within(lambda args, named: _marked(name, args[0], params_of(args, named)), method)


@contextmanager
def _marked(name: str, exchange: MarginExchange, params: object) -> Iterator[None]:
    outer, mode = _CALL.get(), _margin_mode(exchange, name, params)
    if outer is not None and (outer.margin_mode == CROSS or mode != CROSS):
        yield
        return
    token = _CALL.set(_UnifiedCall(name, mode))
    try:
        yield
    finally:
        _CALL.reset(token)


def _margin_mode(exchange: MarginExchange, name: str, params: object) -> str | None:
    """Return the margin mode of a call; one that nobody knows is empty, and refused by the method itself."""
    first, *others = name.split("_")
    try:
        given = params if isinstance(params, dict) else {}
        mode, _ = exchange.handle_margin_mode_and_params(first + "".join(word.title() for word in others), given)
    except ccxt.BaseError:
        return ""
    return None if mode is None else str(mode)
