"""The crossed account that an operator's command is about, and the options that say which one it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import click

from bitget_margin.adapter.credentials import mask
from bitget_margin.cli import credentials
from bitget_margin.cli.freqtrade_config import merge
from bitget_margin.core.settings import DEFAULT_TIMEOUT_MS, TIMEOUT_MAX_MS
from bitget_margin.emulator import ccxt_urls
from bitget_margin.sync import bitget

F = TypeVar("F", bound=Callable[..., Any])

CROSS: Final = {"marginMode": "cross"}
_PROXIES: Final = (
    "proxies",
    *(name + suffix for name in ("httpProxy", "httpsProxy", "socksProxy") for suffix in ("", "Callback")),
    *(name + suffix for name in ("http_proxy", "https_proxy", "socks_proxy") for suffix in ("", "_callback")),
)
"""ccxt's settings of which one at most may be made."""
_LEFT_OUT: Final = ("verbose", "apiKey", "secret", "password", "enableRateLimit")
"""Of a bot's ccxt_config: what would print, have a second say about the keys, or let the venue refuse for haste."""
_SPOT_MARKETS: Final = {"options": {"fetchMarkets": {"types": ["spot"], "uta": False}}}


@dataclass(frozen=True, slots=True)
class Account:
    """An account, and the bounds of what is asked of it."""

    exchange: bitget
    timeout_ms: int
    where: str
    """Whose keys, and which venue, in words."""
    secrets: tuple[str, ...] = field(repr=False)

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of each call."""
        return {**CROSS, "timeout": self.timeout_ms}

    def clean(self, text: object) -> str:
        """Return a text without the secrets of this account, in one line."""
        return mask(" ".join(str(text).split()), self.secrets)


def _url(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """Refuse what is no address; without repeating it, there may be a password in it."""
    if value is None:
        return None
    try:
        parts = urlsplit(value)
        named = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        named = False
    if not named or parts.path.strip("/") or parts.query or parts.fragment:
        raise click.BadParameter("give an address such as http://127.0.0.1:8787")
    return value.rstrip("/")


def options(command: F) -> F:
    """Give a command the options by which an operator says whose account it is about."""
    for option in (
        click.option(
            "--timeout",
            "timeout_ms",
            type=click.IntRange(1, TIMEOUT_MAX_MS),
            default=DEFAULT_TIMEOUT_MS,
            show_default=True,
            metavar="MS",
            help="Most ms that the orders of one symbol take.",
        ),
        click.option("--proxy", callback=_url, metavar="URL", help="What ccxt calls httpsProxy."),
        click.option(
            "--url",
            callback=_url,
            metavar="URL",
            help="Another venue than the real one: that of `bitget-margin emulator`, with its keys.",
        ),
        click.option(
            "--config",
            "-c",
            multiple=True,
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            help="A freqtrade configuration that has the keys (its exchange section, proxies too) instead of "
            "BITGET_API_KEY, BITGET_SECRET and BITGET_PASSWORD; may be repeated, a later one wins.",
        ),
    ):
        command = option(command)
    return command


def connect(config: Sequence[Path], url: str | None, proxy: str | None, timeout_ms: int) -> Account:
    """Return the account; nothing is sent.

    :param config: files of a freqtrade configuration; without any, the keys are in the environment
    :param timeout_ms: of each call for one symbol, ms
    :raises BadUsage: there are no keys
    """
    found = credentials.from_config(config, os.environ) if config else credentials.from_environment(os.environ)
    given = {name: value for name, value in found.ccxt_config.items() if name not in _LEFT_OUT}
    if proxy is not None:
        given = {name: value for name, value in given.items() if name not in _PROXIES} | {"httpsProxy": proxy}
    if url is not None:
        given["urls"] = ccxt_urls(url)
    settings: Any = {**merge(_SPOT_MARKETS, given), **found.keys, "timeout": timeout_ms}
    exchange = bitget(settings)
    host = urlsplit(exchange.implode_hostname(exchange.urls["api"]["margin"])).netloc
    where = f"keys from {found.source}, {host}"
    return Account(exchange, timeout_ms, where, (*found.keys.values(), *_passwords(given)))


def _passwords(given: Mapping[str, Any]) -> list[str]:
    """Return what is secret in the addresses of proxies."""
    values = [given.get(name) for name in _PROXIES]
    addresses = [a for value in values for a in (value.values() if isinstance(value, Mapping) else (value,))]
    return [password for a in addresses if isinstance(a, str) and (password := urlsplit(a).password)]
