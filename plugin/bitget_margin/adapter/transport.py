"""Signed requests follow no redirect: key, passphrase and signature go to the venue's address and nowhere else.

ccxt gives no way to say so to its HTTP clients. While it sends a signed request, it finds another `session` in the
exchange object: the same one, whoever has made it, but for redirects. Public requests, and everybody else who asks for
`session`, find it as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, Final

from bitget_margin.adapter.base import Exchange
from bitget_margin.adapter.faults import is_signed

_SENDS: Final = frozenset({"request", "get", "post", "put", "patch", "delete"})
"""The methods of sessions by which ccxt sends: the first one of requests, the others of aiohttp."""
_SIGNED: Final = ContextVar("_SIGNED", default=False)
"""Whether a signed request is being sent."""


class WithoutRedirects:
    """A session of requests or aiohttp, by which nothing follows a redirect."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._session, name)
        return partial(found, allow_redirects=False) if name in _SENDS else found


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
