"""Configuration of a bot for a local venue: what it must say, and what a run of `up` adds."""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
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
        return f"http://{self.host}:{self.port}"


def refusal(config: Mapping[str, Any]) -> str | None:
    """Return why a configuration is not one for a local venue; None if it is."""
    exchange = config.get("exchange") or {}
    if exchange.get("name") != _EXCHANGE:
        return f'"exchange.name" is {exchange.get("name")!r}, not "{_EXCHANGE}"'
    urls = {section: list(_texts((exchange.get(section) or {}).get("urls"))) for section in _CCXT_SECTIONS}
    if not urls["ccxt_config"]:
        return '"exchange.ccxt_config.urls" is missing, so it is for a real account'
    for section, texts in urls.items():
        for text in texts:
            if urlsplit(text).hostname not in _LOOPBACK:
                return f'"exchange.{section}.urls" has {text}, which is not on this machine'
    return None


def api_server(config: Mapping[str, Any]) -> ApiServer | None:
    """Return the API server of a configuration; None if it is off."""
    server = config.get("api_server") or {}
    if not server.get("enabled"):
        return None
    return ApiServer(str(server["listen_ip_address"]), int(server["listen_port"]), str(server.get("username")))


def with_free_port(server: ApiServer) -> ApiServer:
    """Return an API server on a port that is free now: its own one, or any.

    freqtrade would wait forever for the start of a server whose port is taken.
    """
    for port in (server.port, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((server.host, port))
                # Two sockets may share an address until one of them listens.
                probe.listen()
            except OSError:
                if port:
                    continue
                raise
            return ApiServer(server.host, probe.getsockname()[1], server.user)
    raise AssertionError


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
    before = {name: value for name, value in os.environ.items() if name.startswith(_PREFIX)}
    _replace(before, {
        f"{_PREFIX}EXCHANGE__KEY": account.api_key,
        f"{_PREFIX}EXCHANGE__SECRET": account.secret,
        f"{_PREFIX}EXCHANGE__PASSWORD": account.password,
    })
    try:
        yield
    finally:
        _replace([name for name in os.environ if name.startswith(_PREFIX)], before)


def _replace(old: Any, new: Mapping[str, str]) -> None:
    for name in old:
        del os.environ[name]
    os.environ.update(new)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value
