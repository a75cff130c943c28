"""Pointing ccxt at the local venue."""

from __future__ import annotations

#: Every REST family of ccxt's bitget class.
_FAMILIES = ("spot", "mix", "user", "p2p", "broker", "margin", "common", "tax", "convert", "copy", "earn", "uta")


def ccxt_urls(url: str) -> dict[str, dict[str, str]]:
    """Return the ``urls`` setting that sends all REST requests of ccxt's bitget class to one address."""
    return {"api": dict.fromkeys(_FAMILIES, url)}
