"""The handshake of a websocket follows no redirect: who logs in afterwards does so at the venue's address.

It stands alone, since nothing else in the adapter needs aiohttp.
"""

from __future__ import annotations

from typing import Any, Final

import aiohttp
import ccxt

from bitget_margin.adapter import faults
from bitget_margin.adapter.transport import WithoutRedirects

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
            if not faults.is_redirect(error.status):
                raise
            raise ccxt.NetworkError(faults.redirected(f"websocket {url}", error.status, error.headers)) from error


def without_redirects(client: Any) -> Any:
    """Return one of ccxt's websocket clients, which connects without redirects from now on."""
    connect = type(client).create_connection
    client.create_connection = lambda session: connect(client, _Handshakes(session))
    return client
