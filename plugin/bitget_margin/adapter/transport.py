"""Signed requests follow no redirect, and are sent once: key and signature go to the venue's address and nowhere else.

ccxt gives no way to say so to its HTTP clients. While it sends a signed request, it finds another `session` in the
exchange object: the same one, whoever has made it, but for redirects and for retries of a POST, which would place an
order twice. Public requests, and everybody else who asks for
`session`, find it as it is.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, Final

from urllib3.util import Retry

from bitget_margin.adapter.base import Exchange
from bitget_margin.adapter.faults import is_signed

_SENDS: Final = frozenset({"request", "get", "post", "put", "patch", "delete"})
"""The methods of sessions by which ccxt sends: the first one of requests, the others of aiohttp."""
_NO_RETRY: Final = Retry(0, read=False)
"""The default of requests."""
_SIGNED: Final = ContextVar("_SIGNED", default=False)
"""Whether a signed request is being sent."""


class WithoutRedirects:
    """A session of requests or aiohttp, by which nothing follows a redirect, and requests repeats no POST."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def __getattr__(self, name: str) -> Any:
        if name == "request":
            return partial(self._request, allow_redirects=False)
        found = getattr(self._session, name)
        return partial(found, allow_redirects=False) if name in _SENDS else found

    def _request(self, method: str, *args: Any, **named: Any) -> Any:
        session = _once(self._session) if method.upper() == "POST" else self._session
        return session.request(method, *args, **named)


def _once(session: Any) -> Any:
    """Return a twin of a session of requests, on the same connections, whose adapters try once."""
    adapters = getattr(session, "adapters", None)
    if not isinstance(adapters, MutableMapping):
        return session
    once = OrderedDict((prefix, _twin(adapter, max_retries=_NO_RETRY)) for prefix, adapter in adapters.items())
    return _twin(session, adapters=once)


def _twin(of: Any, **changed: Any) -> Any:
    """Return another object with the same parts, but for these; requests' own copying would open new connections."""
    twin = object.__new__(type(of))
    vars(twin).update(vars(of))
    known = {name: value for name, value in changed.items() if name in vars(of)}
    vars(twin).update(known)
    return twin


@contextmanager
def sending(headers: object) -> Iterator[None]:
    """Let ccxt send a request with these headers from here on; redirects are off where they are signed."""
    token = _SIGNED.set(is_signed(headers))
    try:
        yield
    finally:
        _SIGNED.reset(token)


def to_send(session: Any) -> Any:
    """Return the session by which to send now, if there is one."""
    return WithoutRedirects(session) if session is not None and _SIGNED.get() else session


class Sessions(Exchange):
    """Put before ccxt's own classes: the sessions that they send by."""

    @property
    def session(self) -> Any:
        """The session as it was given or made, or for a signed request the same one without redirects."""
        return to_send(vars(self).get("_session"))

    @session.setter
    def session(self, session: Any) -> None:
        self._session = session
