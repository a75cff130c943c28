"""Handshakes of websockets that follow no redirect, so that what they send stays with the venue.

A module of its own, since the sync class needs no aiohttp, which takes longer to load than all else of this package.
"""

from typing import Any, Final

import aiohttp
import ccxt

from bitget_margin.adapter import ccxt_errors
from bitget_margin.adapter.sessions import WithoutRedirects

_Session: Final[Any] = aiohttp.ClientSession


class _Handshakes(WithoutRedirects):
    """Wrapper of an aiohttp session for websocket handshakes: `ws_connect` has no option for redirects."""

    def ws_connect(self, *args: Any, **named: Any) -> Any:
        """Call aiohttp's method, with a handshake by the requests of this wrapper."""
        return _Session.ws_connect(self, *args, **named)

    async def _ws_connect(self, url: Any, **named: Any) -> Any:
        try:
            return await _Session._ws_connect(self, url, **named)  # noqa: SLF001 - there is no public way to disable redirects
        except aiohttp.WSServerHandshakeError as error:
            if not ccxt_errors.is_redirect(error.status):
                raise
            raise ccxt.NetworkError(ccxt_errors.redirected(f"websocket {url}", error.status, error.headers)) from error


def without_redirects(client: Any) -> Any:
    """Make one of ccxt's websocket clients connect without redirects, and return it."""
    connect = type(client).create_connection
    client.create_connection = lambda session: connect(client, _Handshakes(session))
    return client
