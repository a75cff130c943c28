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
from bitget_margin.cli.operator import freqtrade_config
from bitget_margin.cli.operator.errors import BadUsage
from bitget_margin.cli.operator.freqtrade_config import merge
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
    found = from_config(config, os.environ) if config else from_environment(os.environ)
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


#: What ccxt calls each, and the variables that may hold it; the second is Bitget's own word.
VARIABLES: Final = {
    "apiKey": ("BITGET_API_KEY",),
    "secret": ("BITGET_SECRET", "BITGET_API_SECRET"),
    "password": ("BITGET_PASSWORD", "BITGET_API_PASSPHRASE"),
}
_FREQTRADE_VARIABLES: Final = {
    "apiKey": ("FREQTRADE__EXCHANGE__KEY", "FREQTRADE__EXCHANGE__API_KEY", "FREQTRADE__EXCHANGE__APIKEY"),
    "secret": ("FREQTRADE__EXCHANGE__SECRET",),
    "password": ("FREQTRADE__EXCHANGE__PASSWORD",),
}
_IN_CONFIG: Final = {"apiKey": ("api_key", "apiKey", "key"), "secret": ("secret",), "password": ("password",)}
_EXCHANGES: Final = frozenset({"bitgetcross", "bitget"})
_HOW: Final = (
    "set BITGET_API_KEY, BITGET_SECRET and BITGET_PASSWORD (the passphrase) in the environment, or name the "
    "configuration of a freqtrade bot with --config"
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """The keys of an account, as ccxt takes them; they do not show."""

    source: str
    """Where they come from, in words."""
    keys: Mapping[str, str] = field(repr=False)
    ccxt_config: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What a freqtrade configuration hands to ccxt besides: proxies, URLs, options."""


def from_environment(environment: Mapping[str, str]) -> Credentials:
    """Return the keys that the environment holds.

    :raises BadUsage: one is missing, or has two values under its two names
    """
    found = {name: _value(environment, variables) for name, variables in VARIABLES.items()}
    missing = [VARIABLES[name][0] for name, value in found.items() if not value]
    if len(missing) == len(found):
        raise BadUsage(f"no keys: {_HOW}")
    if missing:
        raise BadUsage(f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set: {_HOW}")
    return Credentials("the environment (BITGET_API_KEY)", found)


def from_config(paths: Sequence[Path], environment: Mapping[str, str]) -> Credentials:
    """Return the keys of a freqtrade bot; as with freqtrade, its variables win over its files.

    :raises BadUsage: a file cannot be read, is about another exchange, or a key is missing
    """
    files = ", ".join(str(path) for path in paths)
    exchange = freqtrade_config.read(paths).get("exchange")
    if not isinstance(exchange, Mapping):
        raise BadUsage(f'{files}: there is no section "exchange"')
    name = exchange.get("name")
    if name not in _EXCHANGES:
        raise BadUsage(f"{files}: \"exchange.name\" is {name!r}, and has to be 'bitgetcross' (or 'bitget')")
    found = {}
    for key, variables in _FREQTRADE_VARIABLES.items():
        in_file = next((exchange[word] for word in _IN_CONFIG[key] if exchange.get(word)), "")
        found[key] = next((environment[v] for v in variables if environment.get(v)), "") or str(in_file)
    missing = [_IN_CONFIG[key][-1] for key, value in found.items() if not value]
    if missing:
        named = ", ".join(f"exchange.{word}" for word in missing)
        by_variable = ", ".join(f"FREQTRADE__EXCHANGE__{word.upper()}" for word in missing)
        raise BadUsage(f"{files}: no {named}; write it there, or set {by_variable}")
    return Credentials(files, found, _ccxt_config(files, exchange))


def _ccxt_config(files: str, exchange: Mapping[str, Any]) -> dict[str, Any]:
    """Return what freqtrade hands to ccxt's sync class."""
    whole: dict[str, Any] = {}
    for section in ("ccxt_config", "ccxt_sync_config"):
        given = exchange.get(section) or {}
        if not isinstance(given, Mapping):
            raise BadUsage(f'{files}: "exchange.{section}" is not an object')
        whole = freqtrade_config.merge(whole, given)
    return whole


def _value(environment: Mapping[str, str], variables: Sequence[str]) -> str:
    found = {environment[variable] for variable in variables if environment.get(variable)}
    if len(found) > 1:
        raise BadUsage(f"{' and '.join(variables)} are set to different values: unset one of them")
    return next(iter(found), "")
