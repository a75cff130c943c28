"""Connection to the cross margin account of an operator's command, and the options that choose it."""

from __future__ import annotations

import errno
import importlib
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

import ccxt
import click

from bitget_margin.adapter.credentials import mask
from bitget_margin.adapter.declared_parts import PartMoved
from bitget_margin.adapter.loopback import is_loopback
from bitget_margin.adapter.params import account_kind_of
from bitget_margin.cli.operator import errors
from bitget_margin.cli.operator.api_keys import from_config, from_environment, from_terminal, is_terminal
from bitget_margin.cli.operator.errors import BadUsage, UnfitCcxt
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.settings import DEFAULT_TIMEOUT_MS, TIMEOUT_MAX_MS
from bitget_margin.emulator import ccxt_urls

if TYPE_CHECKING:
    from bitget_margin.sync import bitget

F = TypeVar("F", bound=Callable[..., Any])

URL_VARIABLE: Final = "BITGET_URL"
"""Environment variable with the address that the keys of the environment belong to."""
_ADDRESS: Final = "give an address such as http://127.0.0.1:8787"
_PROXIES: Final = (
    "proxies",
    *(name + suffix for name in ("httpProxy", "httpsProxy", "socksProxy") for suffix in ("", "Callback")),
    *(name + suffix for name in ("http_proxy", "https_proxy", "socks_proxy") for suffix in ("", "_callback")),
)
"""ccxt's proxy settings, of which it accepts at most one."""
_IGNORED: Final = ("verbose", "apiKey", "secret", "password", "enableRateLimit")
"""Settings of a bot's ccxt_config that do not apply here: they print, repeat the keys or lift the rate limit."""
_REFUSED: Final = os.strerror(errno.ECONNREFUSED)
"""Words of an error where nobody listens at an address."""
_SPOT_MARKETS: Final = {"options": {"fetchMarkets": {"types": ["spot"], "uta": False}}}


@dataclass(frozen=True, slots=True)
class Connection:
    """ccxt exchange of one account, with the timeout of its calls."""

    exchange: bitget
    timeout_ms: int
    label: str
    """Origin of the keys and host of the venue, for people."""
    secrets: tuple[str, ...] = field(repr=False)
    keys_to_check: str = errors.KEYS_TO_CHECK
    is_local: bool = False
    """Whether the venue is on this machine, as that of `bitget-margin emulator` is."""
    repeated: str = ""
    """Options that have chosen the account, with a space before each, as a shell reads them: for printed commands."""
    proxy: str | None = None
    """Address of the proxy that requests take, without its credentials."""

    @property
    def params(self) -> dict[str, Any]:
        """Parameters of each call."""
        return {"marginMode": "cross", "timeout": self.timeout_ms}

    @property
    def is_unified(self) -> bool:
        """Whether the account is known to be a unified one; the first response of the venue shows it."""
        return account_kind_of(self.exchange, {}) is AccountKind.UNIFIED

    def explain(self, error: BaseException) -> str:
        """Return an error in one line, with the remedy where it is known, without the secrets of this account."""
        text = errors.message(error, self.keys_to_check)
        if self.lacks_time(error):
            text += f": --timeout is {self.timeout_ms} ms, and by default {DEFAULT_TIMEOUT_MS}"
        elif _REFUSED in text and self.proxy is not None:
            text += f": is the proxy {self.proxy} running?"
        elif _REFUSED in text and self.is_local:
            text += ": is `bitget-margin emulator` running there?"
        return self.redact(text)

    def lacks_time(self, error: BaseException) -> bool:
        """Whether the time was up, and is shorter than the default."""
        return self.timeout_ms < DEFAULT_TIMEOUT_MS and errors.took_too_long(error)

    def advice(self, error: BaseException | None = None) -> str:
        """Return what helps where a reading failed: whatever stands between this command and the venue is named."""
        if error is not None and self.lacks_time(error):
            return errors.MORE_TIME
        if self.proxy is not None:
            venue = "" if self.is_local else ", and at Bitget's status page"
            return f"run it again; if it lasts, look at the proxy {self.proxy}{venue}"
        if self.is_local:
            return "run it again; if it lasts, look at what `bitget-margin emulator` has printed where it runs"
        return errors.RUN_AGAIN

    def redact(self, text: object) -> str:
        """Return a text in one line, without the secrets of this account."""
        return mask(" ".join(str(text).split()), self.secrets)


def _url(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """Refuse a malformed address; the message omits it, since it may contain a password."""
    if value is not None and not _is_address(value):
        raise click.BadParameter(_ADDRESS)
    return None if value is None else value.rstrip("/")


def _url_from_environment(environment: Mapping[str, str]) -> str | None:
    """Return the address that belongs to the keys of the environment; None if it has none.

    :raises BadUsage: it is malformed
    """
    value = environment.get(URL_VARIABLE)
    if not value:
        return None
    if not _is_address(value):
        raise BadUsage(f"{URL_VARIABLE}: {_ADDRESS}, or unset it")
    return value.rstrip("/")


def _is_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        named = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
    return named and not (parts.path.strip("/") or parts.query or parts.fragment)


def options(command: F) -> F:
    """Add the options of keys, address, timeout and output format to a command."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout; text for people on stderr."),
        click.option(
            "--timeout",
            "timeout_ms",
            type=click.IntRange(1, TIMEOUT_MAX_MS),
            default=DEFAULT_TIMEOUT_MS,
            show_default=True,
            metavar="MS",
            help="Most ms that one query, or the orders of one symbol, take.",
        ),
        click.option("--proxy", callback=_url, metavar="URL", help="HTTP proxy, ccxt's httpsProxy."),
        click.option(
            "--url",
            callback=_url,
            metavar="URL",
            help="Another venue than the real one: that of `bitget-margin emulator`, with its keys; by default "
            f"{URL_VARIABLE}, unless --config is given.",
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


def connect(
    config: Sequence[Path], url: str | None, proxy: str | None, timeout_ms: int, *, may_ask: bool = False
) -> Connection:
    """Return a connection to the account; no request is sent.

    :param config: files of a freqtrade configuration; without any, the keys are read from the environment
    :param url: of another venue than the real one; without it and without files, that of the environment
    :param timeout_ms: of each call for one symbol, ms
    :param may_ask: whether keys that are missing are asked for, if standard input is a terminal
    :raises BadUsage: there are no keys, or the address of the environment is malformed
    :raises UnfitCcxt: a part of ccxt has moved
    """
    address = url
    if config:
        credentials = from_config(config, os.environ)
    else:
        # Keys of the local venue must not go to the real one.
        url = url or _url_from_environment(os.environ)
        credentials = (from_terminal if may_ask and is_terminal() else from_environment)(os.environ)
    try:
        exchange_class = importlib.import_module("bitget_margin.sync").bitget
    except PartMoved as moved:
        raise UnfitCcxt(str(moved)) from None
    given = {name: value for name, value in credentials.ccxt_config.items() if name not in _IGNORED}
    if proxy is not None:
        given = {name: value for name, value in given.items() if name not in _PROXIES} | {"httpsProxy": proxy}
    if url is not None:
        given["urls"] = ccxt_urls(url)
    merged = ccxt.Exchange.deep_extend(_SPOT_MARKETS, given)
    settings: Any = {**merged, **credentials.keys, "timeout": timeout_ms}
    exchange: bitget = exchange_class(settings)
    venue = urlsplit(exchange.implode_hostname(exchange.urls["api"]["margin"]))
    return Connection(
        exchange,
        timeout_ms,
        f"keys from {credentials.source}, {venue.netloc}",
        (*credentials.keys.values(), *_proxy_passwords(given)),
        credentials.to_check,
        is_local=is_loopback(venue.hostname),
        repeated=_repeated(config, address),
        proxy=_proxy(given, venue.scheme),
    )


def _repeated(config: Sequence[Path], url: str | None) -> str:
    given = [("--config", str(path)) for path in config] + ([] if url is None else [("--url", url)])
    return "".join(f" {option} {shlex.quote(value)}" for option, value in given)


def _proxy(given: Mapping[str, Any], scheme: str) -> str | None:
    """Return the address of the proxy for URLs of this scheme, without credentials; None without one."""
    by_scheme = given.get("proxies")
    names = (f"{scheme}Proxy", f"{scheme}_proxy", "socksProxy", "socks_proxy")
    values = (*(given.get(name) for name in names), by_scheme.get(scheme) if isinstance(by_scheme, Mapping) else None)
    address = next((value for value in values if isinstance(value, str) and value), None)
    if address is None:
        return None
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _proxy_passwords(given: Mapping[str, Any]) -> list[str]:
    """Return the passwords in the addresses of proxies."""
    values = [given.get(name) for name in _PROXIES]
    addresses = [a for value in values for a in (value.values() if isinstance(value, Mapping) else (value,))]
    return [password for a in addresses if isinstance(a, str) and (password := urlsplit(a).password)]
