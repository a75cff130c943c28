"""Configuration of a shared rate limiter: validated before anything is sent, opened once per process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Final
from urllib.parse import urlsplit

from bitget_margin.rate_limit.shared import BadLimiterConfig, SharedLimiter, Store, WhenDown

DEFAULT_TIMEOUT_MS: Final = 250.0
_TIMEOUT_MAX_MS: Final = 10_000.0
_KNOWN: Final = ("url", "timeout", "whenDown")
_SQLITE: Final = "sqlite"
_SCHEMES: Final = (_SQLITE, "redis", "rediss", "unix")
_FORMS: Final = "sqlite:///path, redis://host:port/0, rediss:// or unix://"

_limiters: Final[dict[LimiterConfig, SharedLimiter]] = {}
_lock = Lock()


@dataclass(frozen=True, slots=True)
class LimiterConfig:
    """Parsed configuration of a shared rate limiter."""

    url: str = field(repr=False)
    timeout_ms: float = DEFAULT_TIMEOUT_MS
    when_down: WhenDown = WhenDown.WAIT

    @classmethod
    def parse(cls, given: object) -> LimiterConfig:
        """Parse a URL, or a mapping with `url`, `timeout` (ms) and `whenDown`.

        :raises BadLimiterConfig: the configuration is invalid
        """
        config: Mapping[Any, Any] = given if isinstance(given, Mapping) else {"url": given}
        unknown = sorted(str(key) for key in set(config) - set(_KNOWN))
        if unknown:
            raise BadLimiterConfig(f"unknown {', '.join(unknown)}; known are {', '.join(_KNOWN)}")
        return cls(_url(config.get("url")), _timeout_ms(config.get("timeout")), _when_down(config.get("whenDown")))

    @property
    def masked_url(self) -> str:
        """URL without user, password and query."""
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        port = "" if parts.port is None else f":{parts.port}"
        return f"{parts.scheme}://{host}{port}{parts.path}"


def open_limiter(given: object) -> SharedLimiter:
    """Return the shared limiter of a configuration; the same one for equal configurations.

    :param given: see `LimiterConfig.parse`
    :raises BadLimiterConfig: the configuration is invalid, or a required package is not installed
    """
    config = LimiterConfig.parse(given)
    with _lock:
        limiter = _limiters.get(config)
        if limiter is None:
            limiter = SharedLimiter(config.masked_url, _store(config), config.timeout_ms, config.when_down)
            _limiters[config] = limiter
        return limiter


def _store(config: LimiterConfig) -> Store:
    scheme = urlsplit(config.url).scheme
    try:
        if scheme == _SQLITE:
            return _sqlite(config)
        from bitget_margin.rate_limit.redis_store import RedisStore  # noqa: PLC0415 - an extra, and slow to import

        return RedisStore(config.url, config.timeout_ms)
    except ImportError as error:
        raise BadLimiterConfig(f"{scheme}:// needs {error.name}: pip install 'bitget-margin[shared]'") from error


def _sqlite(config: LimiterConfig) -> Store:
    from bitget_margin.rate_limit.sqlite_store import SqliteStore  # noqa: PLC0415 - an extra

    path = Path(urlsplit(config.url).path.removeprefix("/")) if config.url.startswith("sqlite:///") else None
    if path is None or not path.name:
        raise BadLimiterConfig(
            f"{config.masked_url} names no file: give sqlite:///relative/path or sqlite:////absolute/path"
        )
    return SqliteStore(str(path.resolve()), config.timeout_ms)


def _url(value: object) -> str:
    """Return a valid URL. Error messages never quote it: a password may be anywhere in it."""
    if not isinstance(value, str):
        raise BadLimiterConfig(f"its URL is of type {type(value).__name__}; give {_FORMS}")
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - raises ValueError for an invalid port
    except ValueError:
        raise BadLimiterConfig(
            f"its URL cannot be read: percent-encode special characters in the password; give {_FORMS}"
        ) from None
    if parts.scheme not in _SCHEMES:
        raise BadLimiterConfig(f"its URL does not begin with one of {', '.join(_SCHEMES)}; give {_FORMS}")
    if parts.scheme != _SQLITE and any("@" in part for part in (parts.path, parts.query, parts.fragment)):
        raise BadLimiterConfig("its URL has an @ after a /, ? or #: percent-encode special characters in the password")
    return value


def _timeout_ms(value: object) -> float:
    if value is None:
        return DEFAULT_TIMEOUT_MS
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _TIMEOUT_MAX_MS:
        raise BadLimiterConfig(
            f"timeout is {value!r}; give the time limit of a store request in ms, up to {_TIMEOUT_MAX_MS:g}"
        )
    return float(value)


def _when_down(value: object) -> WhenDown:
    if value is None:
        return WhenDown.WAIT
    try:
        return WhenDown(value)
    except ValueError:
        raise BadLimiterConfig(f"whenDown is {value!r}; give {' or '.join(each.value for each in WhenDown)}") from None


def _reset() -> None:
    """Start empty in a forked process: neither connections nor locks survive a fork."""
    global _lock  # noqa: PLW0603 - the module is what was forked
    _lock = Lock()
    _limiters.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset)
