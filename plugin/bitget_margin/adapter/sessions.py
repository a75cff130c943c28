"""Sessions for signed requests: no redirects and no retries, so that the key stays with the venue.

A session that ccxt makes has room for the connections of all requests that are sent side by side.

ccxt has no option for this. While it sends a signed request, the exchange object's `session` is a wrapper of the same
session that follows no redirect and does not retry a POST, which would place an order twice. Public requests, and
other users of `session`, get the session itself.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from bitget_margin.adapter.ccxt_errors import is_signed
from bitget_margin.adapter.ccxt_types import CcxtExchange

_SENDS: Final = frozenset({"request", "get", "post", "put", "patch", "delete"})
"""Methods of sessions that ccxt calls: the first of requests, the others of aiohttp."""
_NO_RETRY: Final = Retry(0, read=False)
"""Default of requests: no retry."""
_CONNECTIONS: Final = 100
"""Number of connections to a host that are kept. With the 10 of requests, it drops each further one with a warning."""
_SIGNED: Final = ContextVar("_SIGNED", default=False)
"""Whether a signed request is being sent."""


class WithoutRedirects:
    """Wrapper of a session of requests or aiohttp that follows no redirect and does not retry a POST."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def __getattr__(self, name: str) -> Any:
        if name == "request":
            return partial(self._request, allow_redirects=False)
        found = getattr(self._session, name)
        return partial(found, allow_redirects=False) if name in _SENDS else found

    def _request(self, method: str, *args: Any, **named: Any) -> Any:
        session = _without_retries(self._session) if method.upper() == "POST" else self._session
        return session.request(method, *args, **named)


def _without_retries(session: Any) -> Any:
    """Return a copy of a session of requests, with the same connections, whose adapters do not retry."""
    adapters = getattr(session, "adapters", None)
    if not isinstance(adapters, MutableMapping):
        return session
    copies = OrderedDict((prefix, _copy(adapter, max_retries=_NO_RETRY)) for prefix, adapter in adapters.items())
    return _copy(session, adapters=copies)


def _copy(original: Any, **changed: Any) -> Any:
    """Return a shallow copy with changed attributes; `copy.copy` would open new connections of requests."""
    made = object.__new__(type(original))
    vars(made).update(vars(original))
    vars(made).update({name: value for name, value in changed.items() if name in vars(original)})
    return made


@contextmanager
def sending(headers: object) -> Iterator[None]:
    """Mark the request with these headers as being sent; if it is signed, redirects are off."""
    token = _SIGNED.set(is_signed(headers))
    try:
        yield
    finally:
        _SIGNED.reset(token)


def for_request(session: Any) -> Any:
    """Return the session for the current request; wrapped if the request is signed."""
    return WithoutRedirects(session) if session is not None and _SIGNED.get() else session


def keep_connections(session: Any) -> None:
    """Let a new session of requests keep as many connections as there are requests side by side."""
    if type(session) is requests.Session:
        for prefix in list(session.adapters):
            session.mount(prefix, HTTPAdapter(pool_maxsize=_CONNECTIONS))


class Sessions(CcxtExchange):
    """Mixin for ccxt's classes that wraps the session of signed requests."""

    def __init__(self, config: Mapping[str, Any] = {}) -> None:
        super().__init__(config)
        if not config.get("session"):
            keep_connections(self.session)

    def __del__(self) -> None:
        """Do what ccxt does, except at the end of the interpreter, where nothing of this module is left for it."""
        if callable(for_request):
            super().__del__()  # type: ignore[misc]  # object has none

    @property
    def session(self) -> Any:
        """The session of the exchange object, wrapped while a signed request is sent."""
        return for_request(vars(self).get("_session"))

    @session.setter
    def session(self, session: Any) -> None:
        self._session = session
