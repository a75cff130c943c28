"""Proof that a request was never sent, from the traceback of its exception.

"Not connected" concerns the last attempt only. A traceback has every function that an exception passed through, and so
whatever retries: urllib3's `Retry`, which makes `urlopen` call itself, a hook, a middleware, a session, an adapter or
an exchange class of the user's own. Any of these is assumed to have sent the request before.
"""

import traceback
from typing import Any, Final, TypeAlias

_Path: TypeAlias = list[tuple[str, str]]
"""Functions that an exception passed through, outermost first: module and qualified name of each."""

_CALLERS: Final = frozenset({"bitget_margin", "ccxt", "asyncio"})
"""Packages between a flow and the HTTP client."""

_OURS: Final = ("bitget_margin.adapter.sessions", "WithoutRedirects._request")
_REQUESTS: Final = [
    ("requests.sessions", "Session.request"),
    ("requests.sessions", "Session.send"),
    ("requests.adapters", "HTTPAdapter.send"),
]
_URLLIB3: Final = [
    ("requests.adapters", "HTTPAdapter.send"),
    ("urllib3.connectionpool", "HTTPConnectionPool.urlopen"),
    ("urllib3.util.retry", "Retry.increment"),
]
_AIOHTTP: Final = frozenset({"aiohttp.client", "aiohttp.connector"})
_AIOHTTP_TRY: Final = ("aiohttp.client", "ClientSession._request")
"""Its own retries are only of `IDEMPOTENT_METHODS`, which exclude POST."""


def never_connected(error: BaseException) -> bool:
    """Whether an exception of ccxt proves that its request was tried once and found no connection.

    :param error: exception of ccxt's `fetch`, whose cause is the HTTP client's own exception
    """
    cause = error.__cause__
    callers = {module.partition(".")[0] for module, _ in _path(error)}
    if cause is None or not callers <= _CALLERS:
        return False
    # The first function is ccxt's own `fetch`, which caught it; ours tries once.
    path = [function for function in _path(cause)[1:] if function != _OURS]
    return _by_requests(cause, path) or _by_aiohttp(cause, path)


def _by_requests(cause: BaseException, path: _Path) -> bool:
    last: Any = cause.args[0] if cause.args else None
    if path != _REQUESTS or not _is_a(last, "MaxRetryError") or _path(last) != _URLLIB3:
        return False
    reason = last.reason
    # Refused, unreachable, unknown host or connect timeout; of the proxy, too.
    return _is_a(reason.original_error if _is_a(reason, "ProxyError") else reason, "ConnectTimeoutError")


def _by_aiohttp(cause: BaseException, path: _Path) -> bool:
    if not (_is_a(cause, "ClientConnectorError") or _is_a(cause, "ConnectionTimeoutError")):
        return False
    return path.count(_AIOHTTP_TRY) == 1 and {module for module, _ in path} <= _AIOHTTP


def _path(error: BaseException) -> _Path:
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    return [(frame.f_globals.get("__name__", ""), frame.f_code.co_qualname) for frame in frames]


def _is_a(error: object, name: str) -> bool:
    """Whether this is an exception of the class with that name: the sync flavour does not import aiohttp."""
    return any(kind.__name__ == name for kind in type(error).__mro__)
