"""Last check of a cross margin call: no request of it may reach the spot account.

Some of ccxt's methods drop the margin mode, or do not know it, and then read or trade the spot account. Every unified
method of a class is wrapped, so that `sign` knows whether the request belongs to a cross margin call.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

import ccxt

from bitget_margin.adapter.ccxt_types import MarginExchange
from bitget_margin.adapter.params import is_cross
from bitget_margin.adapter.wrapping import within

_CALL: Final[ContextVar[str | None]] = ContextVar("CROSS_MARGIN_CALL", default=None)
"""Name of the unified method of the current cross margin call; None outside of one."""
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
    """Raise NotSupported for a request of a cross margin call to the spot account."""
    method = _CALL.get()
    explains = method == "cancel_all_orders" and path in _EXPLAINS
    if method is not None and not explains and "private" in api and _is_spot(path, params):
        raise ccxt.NotSupported(
            f"{exchange.id} {method}(): ccxt sends this to the spot account ({path}), not to the cross margin account; "
            "call it without a margin mode if that is meant"
        )


def check_subscription(exchange: MarginExchange, arg: object) -> None:
    """Raise NotSupported for a private subscription of a cross margin call to the spot account."""
    method = _CALL.get()
    if method is not None and isinstance(arg, Mapping) and arg.get("instType") == _SPOT:
        raise ccxt.NotSupported(
            f"{exchange.id} {method}(): ccxt subscribes to the spot account ({arg.get('channel')}), not to the cross "
            "margin account; call it without a margin mode if that is meant"
        )


def _is_spot(path: str, params: object) -> bool:
    if path.startswith(_BY_CATEGORY):
        items = params if isinstance(params, list) else [params]
        return any(isinstance(item, Mapping) and str(item.get("category")).upper() == _SPOT for item in items)
    return path.startswith("v2/spot/") and not path.startswith(_OF_THE_WHOLE_ACCOUNT)


def _guarded(name: str, position: int, method: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method, during which `_CALL` shows a cross margin call."""

    def params_of(args: tuple[Any, ...], named: Mapping[str, Any]) -> object:
        return args[position] if len(args) > position else named.get("params")

    return within(lambda args, named: _marked(name, args[0], params_of(args, named)), method)


@contextmanager
def _marked(name: str, exchange: MarginExchange, params: object) -> Iterator[None]:
    if _CALL.get() is not None or not _asks_for_cross(exchange, name, params):
        yield
        return
    token = _CALL.set(name)
    try:
        yield
    finally:
        _CALL.reset(token)


def _asks_for_cross(exchange: MarginExchange, name: str, params: object) -> bool:
    """Whether a call names cross margin; a mode that nobody knows is refused by the method itself."""
    first, *others = name.split("_")
    try:
        given = params if isinstance(params, dict) else {}
        return is_cross(exchange, first + "".join(word.title() for word in others), None, given)
    except ccxt.BaseError:
        return False
