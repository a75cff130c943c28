"""Pointing ccxt at the local venue."""

from __future__ import annotations

from typing import Any

#: Every REST family of ccxt's bitget class.
_FAMILIES = ("spot", "mix", "user", "p2p", "broker", "margin", "common", "tax", "convert", "copy", "earn", "uta")


#: Its websockets, which the local venue does not have: they fail here rather than reach the real one.
_SOCKETS = ("public", "private", "utaPublic", "utaPrivate")


def ccxt_urls(url: str) -> dict[str, dict[str, Any]]:
    """Return the ``urls`` setting that sends everything of ccxt's bitget classes to one address."""
    sockets = dict.fromkeys(_SOCKETS, url.replace("http", "ws", 1))
    return {"api": {**dict.fromkeys(_FAMILIES, url), "ws": sockets, "demo": sockets}}
