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

import aiohttp
import ccxt
from urllib3.util import Retry

from bitget_margin.adapter import ccxt_errors
from bitget_margin.adapter.ccxt_errors import is_signed
from bitget_margin.adapter.ccxt_types import CcxtExchange

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


class Sessions(CcxtExchange):
    """Put before ccxt's own classes: the sessions that they send by."""

    @property
    def session(self) -> Any:
        """The session as it was given or made, or for a signed request the same one without redirects."""
        return to_send(vars(self).get("_session"))

    @session.setter
    def session(self, session: Any) -> None:
        self._session = session


_Session: Final[Any] = aiohttp.ClientSession


class _Handshakes(WithoutRedirects):
    """An aiohttp session as aiohttp's own `ws_connect` sees it, which takes no word about redirects."""

    def ws_connect(self, *args: Any, **named: Any) -> Any:
        """Return what aiohttp's does, with a handshake by this object's requests."""
        return _Session.ws_connect(self, *args, **named)

    async def _ws_connect(self, url: Any, **named: Any) -> Any:
        try:
            return await _Session._ws_connect(self, url, **named)  # noqa: SLF001 - no other way leads past redirects
        except aiohttp.WSServerHandshakeError as error:
            if not ccxt_errors.is_redirect(error.status):
                raise
            raise ccxt.NetworkError(ccxt_errors.redirected(f"websocket {url}", error.status, error.headers)) from error


def without_redirects(client: Any) -> Any:
    """Return one of ccxt's websocket clients, which connects without redirects from now on."""
    connect = type(client).create_connection
    client.create_connection = lambda session: connect(client, _Handshakes(session))
    return client
