"""Pointing ccxt at the local venue."""

from __future__ import annotations

from typing import Any

#: Every REST family of ccxt's bitget class.
_FAMILIES = ("spot", "mix", "user", "p2p", "broker", "margin", "common", "tax", "convert", "copy", "earn", "uta")


#: Its websockets, by their paths. The local venue has the private one only: the others fail here rather than reach the
#: real venue, and so does that of demo trading, which has no margin.
_SOCKETS = {
    "public": "/v2/ws/public",
    "private": "/v2/ws/private",
    "utaPublic": "/v3/ws/public",
    "utaPrivate": "/v3/ws/private",
}


def ccxt_urls(url: str) -> dict[str, dict[str, Any]]:
    """Return the ``urls`` setting that sends everything of ccxt's bitget classes to one address."""
    base = url.replace("http", "ws", 1)
    sockets = {name: base + path for name, path in _SOCKETS.items()}
    return {"api": {**dict.fromkeys(_FAMILIES, url), "ws": sockets, "demo": dict.fromkeys(_SOCKETS, base)}}
