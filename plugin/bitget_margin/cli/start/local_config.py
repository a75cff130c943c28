"""Configuration of a bot for a local venue: what it must say, and what a run of `up` adds."""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from bitget_margin.emulator import Account, ccxt_urls

_EXCHANGE: Final = "bitgetcross"
_CCXT_SECTIONS: Final = ("ccxt_config", "ccxt_sync_config", "ccxt_async_config")
"""Sections of freqtrade's exchange from which ccxt's instances take their settings."""
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_PREFIX: Final = "FREQTRADE__"
"""Beginning of the variables with which freqtrade replaces settings; they win over every file."""


@dataclass(frozen=True, slots=True)
class ApiServer:
    """Address of freqtrade's API server, and the user who may log in."""

    host: str
    port: int
    user: str

    @property
    def url(self) -> str:
        """URL of FreqUI."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"


def refusal(config: Mapping[str, Any]) -> str | None:
    """Return why a configuration is not one for a local venue; None if it is."""
    exchange = _section(config, "exchange")
    if exchange.get("name") != _EXCHANGE:
        return f'"exchange.name" is {exchange.get("name")!r}, not "{_EXCHANGE}"'
    urls = {section: list(_texts(_section(exchange, section).get("urls"))) for section in _CCXT_SECTIONS}
    if not urls[_CCXT_SECTIONS[0]]:
        return f'it has no "exchange.{_CCXT_SECTIONS[0]}.urls", so it is for a real account'
    for section, texts in urls.items():
        for text in texts:
            if not _is_local(text):
                return f'"exchange.{section}.urls" has {text!r}, which is not on this machine'
    return None


def api_server(config: Mapping[str, Any]) -> ApiServer | None:
    """Return the API server of a configuration; None if it is off, or not as freqtrade accepts it."""
    server = _section(config, "api_server")
    host, port, user = (server.get(name) for name in ("listen_ip_address", "listen_port", "username"))
    if not server.get("enabled") or not isinstance(host, str) or not isinstance(port, int):
        return None
    return ApiServer(host, port, str(user))


def with_free_port(server: ApiServer) -> ApiServer:
    """Return an API server on a port that is free now: its own one if it can be, or any.

    freqtrade would wait forever for the start of a server whose port is taken.

    :raises OSError: it has an address that this machine does not have
    """
    try:
        return replace(server, port=_free_port(server.host, server.port))
    except OSError:
        return replace(server, port=_free_port(server.host, 0))


def _free_port(host: str, port: int) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # As the server itself: connections that have ended do not keep a port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        number: int = probe.getsockname()[1]
        return number


def additions(folder: Path, database: Path, venue_url: str, server: ApiServer | None) -> dict[str, Any]:
    """Return the settings of one run, which replace those of the configuration: no request leaves this machine."""
    urls = ccxt_urls(venue_url)
    return {
        "user_data_dir": str(folder),
        "db_url": f"sqlite:///{database}",
        "exchange": {section: {"urls": urls} for section in _CCXT_SECTIONS},
        **({} if server is None else {"api_server": {"listen_port": server.port}}),
    }


@contextmanager
def keys_in_environment(account: Account) -> Iterator[None]:
    """Give freqtrade the keys of a paper account by its variables, and no other variable of its own."""
    keys = {"KEY": account.api_key, "SECRET": account.secret, "PASSWORD": account.password}
    before = _take_variables()
    os.environ.update({f"{_PREFIX}EXCHANGE__{name}": key for name, key in keys.items()})
    try:
        yield
    finally:
        _take_variables()
        os.environ.update(before)


def _take_variables() -> dict[str, str]:
    """Remove freqtrade's variables from the environment, and return them."""
    return {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(_PREFIX)}


def _section(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = config.get(name)
    return section if isinstance(section, Mapping) else {}


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


def _is_local(url: str) -> bool:
    try:
        return urlsplit(url).hostname in _LOOPBACK
    except ValueError:
        return False
