"""API keys of the account of an operator: from the environment, a freqtrade configuration, or the terminal.

freqtrade itself is not needed: its files are JSON with comments and trailing commas, and several of them are merged.
"""

import json
import re
import sys
import termios
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Final

import ccxt
import click

from bitget_margin.adapter.credentials import unfit
from bitget_margin.cli.operator.errors import MAY_TRADE, BadUsage, Exit

VARIABLES: Final = {
    "apiKey": ("BITGET_API_KEY",),
    "secret": ("BITGET_SECRET", "BITGET_API_SECRET"),
    "password": ("BITGET_PASSWORD", "BITGET_API_PASSPHRASE"),
}
"""Environment variables by ccxt's name of the key; the second one is named as in Bitget's documentation."""
_PROMPTS: Final = {"apiKey": "API key", "secret": "secret", "password": "passphrase"}
_TYPED: Final = "what you typed (40009: the secret; 40012: the passphrase; 40006: the key)"
_LOCAL_FLAGS: Final = 3
"""Index of the local modes in the attributes of a terminal."""
_PASTE_SECONDS: Final = 0.2
"""Time for what is left of a paste to arrive after the last answer, before the echo is on again."""
_FREQTRADE_VARIABLES: Final = {
    "apiKey": ("FREQTRADE__EXCHANGE__KEY", "FREQTRADE__EXCHANGE__API_KEY", "FREQTRADE__EXCHANGE__APIKEY"),
    "secret": ("FREQTRADE__EXCHANGE__SECRET",),
    "password": ("FREQTRADE__EXCHANGE__PASSWORD",),
}
_ALL_VARIABLES: Final = frozenset(chain(*VARIABLES.values(), *_FREQTRADE_VARIABLES.values()))
_TERMINAL: Final = "the terminal"
_CONFIG_FIELDS: Final = {"apiKey": ("api_key", "apiKey", "key"), "secret": ("secret",), "password": ("password",)}
_EXCHANGES: Final = frozenset({"bitgetcross", "bitget"})
_HELP: Final = (
    "set BITGET_API_KEY, BITGET_SECRET and BITGET_PASSWORD (the passphrase) in the environment, or name the "
    "configuration of a freqtrade bot with --config"
)

_MORE_FILES: Final = "add_config_files"
_MAX_DEPTH: Final = 5
_STRING: Final = r'(?P<string>"(?:\\.|[^"\\])*")'
_COMMENT: Final = re.compile(_STRING + r"|//[^\n]*|/\*.*?\*/", re.DOTALL)
_TRAILING_COMMA: Final = re.compile(_STRING + r"|,(?=\s*[}\]])")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Keys of an account as ccxt expects them; `repr` omits them."""

    keys: Mapping[str, str] = field(repr=False)
    origins: Mapping[str, str]
    """Where each one is from, by the same names: a variable, a configuration, or the terminal."""
    ccxt_config: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Other ccxt settings of a freqtrade configuration: proxies, URLs, options."""

    def __post_init__(self) -> None:
        """Refuse keys that no request can carry."""
        found = unfit(self.keys)
        if found is not None:
            name, why = found
            raise BadUsage(f"{self.origins[name]}: the {_PROMPTS[name]} {why}: copy it again; nothing was sent")

    @property
    def source(self) -> str:
        """Description of their origin, for people; of several variables, the first is named."""
        variables = [origin for origin in self.origins.values() if origin in _ALL_VARIABLES]
        others = [origin for origin in self.origins.values() if origin not in _ALL_VARIABLES]
        return _listed(([f"the environment ({variables[0]})"] if variables else []) + others)

    @property
    def to_check(self) -> str:
        """Places to check if the venue refuses the keys, for people."""
        named = _listed(origin for origin in self.origins.values() if origin != _TERMINAL)
        typed = _TYPED if _TERMINAL in self.origins.values() else ""
        return ", and ".join(part for part in (named, typed, MAY_TRADE) if part)


def from_environment(environment: Mapping[str, str]) -> Credentials:
    """Read the keys from environment variables.

    :raises BadUsage: one is missing, has two values under its two names, or has a character that no key has
    """
    found = {key: _variable(environment, variables) for key, variables in VARIABLES.items()}
    missing = [VARIABLES[key][0] for key, variable in found.items() if variable is None]
    if len(missing) == len(found):
        raise BadUsage(f"no keys: {_HELP}")
    if missing:
        raise BadUsage(f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set: {_HELP}")
    origins = {key: variable for key, variable in found.items() if variable is not None}
    return Credentials({key: environment[variable] for key, variable in origins.items()}, origins)


def from_terminal(environment: Mapping[str, str]) -> Credentials:
    """Read the keys that the environment does not have from the terminal, without echo.

    :raises BadUsage: an answer is empty, a variable has two values under its two names, or a key has a character that
        none has
    :raises click.exceptions.Exit: interrupted, with the exit code of that
    """
    found = {key: _variable(environment, variables) for key, variables in VARIABLES.items()}
    keys = {key: "" if variable is None else environment[variable] for key, variable in found.items()}
    try:
        with _no_echo() if not all(keys.values()) else nullcontext():
            for key in (key for key, value in keys.items() if not value):
                answer = click.prompt(_PROMPTS[key], default="", show_default=False, hide_input=True, err=True)
                keys[key] = answer.strip()
                if not keys[key]:
                    raise BadUsage(f"no {_PROMPTS[key]} was given: nothing was sent")
    except click.Abort:
        raise click.exceptions.Exit(Exit.INTERRUPTED) from None
    return Credentials(keys, {key: variable or _TERMINAL for key, variable in found.items()})


def is_terminal() -> bool:
    """Whether somebody can be asked on standard input."""
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()


@contextmanager
def _no_echo() -> Iterator[None]:
    """Keep the echo of the terminal off, also between two questions, and drop what is left of a paste at the end.

    A block of several lines that is pasted at the first question is neither shown nor left to the shell.
    """
    try:
        before = termios.tcgetattr(sys.stdin)
    except (OSError, ValueError, termios.error):  # no real terminal
        yield
        return
    silent = [*before]
    silent[_LOCAL_FLAGS] &= ~termios.ECHO
    termios.tcsetattr(sys.stdin, termios.TCSAFLUSH, silent)
    try:
        yield
    finally:
        time.sleep(_PASTE_SECONDS)
        termios.tcsetattr(sys.stdin, termios.TCSAFLUSH, before)


def from_config(paths: Sequence[Path], environment: Mapping[str, str]) -> Credentials:
    """Read the keys of a freqtrade bot; as in freqtrade, its environment variables override its files.

    :raises BadUsage: a file cannot be read, is about another exchange, or a key is missing
    """
    files = ", ".join(str(path) for path in paths)
    exchange = read_config(paths).get("exchange")
    if not isinstance(exchange, Mapping):
        raise BadUsage(f'{files}: there is no section "exchange"')
    name = exchange.get("name")
    if name not in _EXCHANGES:
        raise BadUsage(f"{files}: \"exchange.name\" is {name!r}, and has to be 'bitgetcross' (or 'bitget')")
    found, origins = {}, {}
    for key, variables in _FREQTRADE_VARIABLES.items():
        in_file = next((exchange[word] for word in _CONFIG_FIELDS[key] if exchange.get(word)), "")
        variable = next((name for name in variables if environment.get(name)), None)
        found[key] = str(in_file) if variable is None else environment[variable]
        origins[key] = variable or files
    missing = [_CONFIG_FIELDS[key][-1] for key, value in found.items() if not value]
    if missing:
        named = ", ".join(f"exchange.{word}" for word in missing)
        by_variable = ", ".join(f"FREQTRADE__EXCHANGE__{word.upper()}" for word in missing)
        raise BadUsage(f"{files}: no {named}: set {by_variable} in the environment, or write it there")
    sections = {section: exchange.get(section) or {} for section in ("ccxt_config", "ccxt_sync_config")}
    for section, given in sections.items():
        if not isinstance(given, Mapping):
            raise BadUsage(f'{files}: "exchange.{section}" is not an object')
    return Credentials(found, origins, ccxt.Exchange.deep_extend(*sections.values()))


def read_config(paths: Iterable[Path], depth: int = 0) -> dict[str, Any]:
    """Merge freqtrade configuration files: a later one overrides, and a file overrides those that it names.

    :raises BadUsage: a file cannot be read; the message quotes none of its contents, which may be keys
    """
    if depth > _MAX_DEPTH:
        raise BadUsage(f"{_MORE_FILES} leads in a circle")
    merged: dict[str, Any] = {}
    for path in paths:
        own = _parse(path)
        more = own.get(_MORE_FILES) or []
        if not isinstance(more, list) or not all(isinstance(name, str) for name in more):
            raise BadUsage(f"{path}: {_MORE_FILES} is not a list of file names")
        below = read_config([path.resolve().parent / name for name in more], depth + 1)
        merged = ccxt.Exchange.deep_extend(merged, below, own)
    return merged


def _parse(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BadUsage(f"{path} cannot be read: {why}") from None
    for ignored in (_COMMENT, _TRAILING_COMMA):
        text = ignored.sub(_blank, text)
    try:
        config = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadUsage(f"{path} is not JSON: {error.msg} in line {error.lineno}, column {error.colno}") from None
    if not isinstance(config, dict):
        raise BadUsage(f"{path} is not a configuration: it holds no object")
    return config


def _blank(match: re.Match[str]) -> str:
    """Keep a string; replace anything else by spaces, so that line and column numbers stay correct."""
    return match["string"] or re.sub(r"[^\n]", " ", match[0])


def _variable(environment: Mapping[str, str], variables: Sequence[str]) -> str | None:
    """Return the name of the variable that is set; None if none is."""
    found = {environment[variable]: variable for variable in reversed(variables) if environment.get(variable)}
    if len(found) > 1:
        raise BadUsage(f"{' and '.join(variables)} are set to different values: unset one of them")
    return next(iter(found.values()), None)


def _listed(names: Iterable[str]) -> str:
    """Return each name once, with commas and an "and"."""
    *first, last = dict.fromkeys(names) or ("",)
    return f"{', '.join(first)} and {last}" if first else last
