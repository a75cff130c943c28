"""Whose account it is: keys from the environment or from a freqtrade configuration, never from arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bitget_margin.cli import freqtrade_config
from bitget_margin.cli.exits import BadUsage

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
