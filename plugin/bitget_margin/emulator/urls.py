"""URLs with which ccxt uses the emulator instead of the real venue."""

from typing import Any

_FAMILIES = ("spot", "mix", "user", "p2p", "broker", "margin", "common", "tax", "convert", "copy", "earn", "uta")
"""All REST families of ccxt's bitget class."""
_SOCKETS = {
    "public": "/v2/ws/public",
    "private": "/v2/ws/private",
    "utaPublic": "/v3/ws/public",
    "utaPrivate": "/v3/ws/private",
}
"""Websockets of ccxt's bitget class, by their paths.

The emulator serves `private` and `utaPrivate` only. The others fail here rather than connect to the real venue, and so
does that of demo trading, which has no margin.
"""


def ccxt_urls(url: str) -> dict[str, dict[str, Any]]:
    """Return the ``urls`` setting that sends all requests of ccxt's bitget classes to one address."""
    base = url.replace("http", "ws", 1)
    sockets = {name: base + path for name, path in _SOCKETS.items()}
    return {"api": {**dict.fromkeys(_FAMILIES, url), "ws": sockets, "demo": dict.fromkeys(_SOCKETS, base)}}
