"""From a URL to a shared rate window: checked before anything is sent, opened once in a process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final
from urllib.parse import urlsplit

from bitget_margin.gates.gate import BadGate, Gate, Store, WhenDown

DEFAULT_TIMEOUT_MS: Final = 250.0
_TIMEOUT_MAX_MS: Final = 10_000.0
_KNOWN: Final = ("url", "timeout", "whenDown")
_SQLITE: Final = "sqlite"
_SCHEMES: Final = (_SQLITE, "redis", "rediss", "unix")

_gates: Final[dict[GateSettings, Gate]] = {}
_lock: Final = Lock()


@dataclass(frozen=True, slots=True)
class GateSettings:
    """Where the windows are, and how they are asked."""

    url: str
    timeout_ms: float = DEFAULT_TIMEOUT_MS
    when_down: WhenDown = WhenDown.WAIT

    @classmethod
    def of(cls, given: object) -> GateSettings:
        """Read what a user wrote: a URL, or a mapping of `url`, `timeout` (ms) and `whenDown`.

        :raises BadGate: it is neither, or cannot be used
        """
        written: Mapping[Any, Any] = given if isinstance(given, Mapping) else {"url": given}
        unknown = sorted(str(key) for key in set(written) - set(_KNOWN))
        if unknown:
            raise BadGate(f"unknown {', '.join(unknown)}; known are {', '.join(_KNOWN)}")
        return cls(_url(written.get("url")), _timeout_ms(written.get("timeout")), _when_down(written.get("whenDown")))

    @property
    def shown(self) -> str:
        """The URL without what is secret in it."""
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{host}{parts.path}"


def open_gate(given: object) -> Gate:
    """Return the shared window of a URL, the same one each time.

    :param given: see `GateSettings.of`
    :raises BadGate: it cannot be used as it is written, or what it needs is not installed
    """
    settings = GateSettings.of(given)
    with _lock:
        known = _gates.get(settings)
        if known is None:
            store = _store(settings)
            known = _gates[settings] = Gate(settings.shown, store, settings.timeout_ms, settings.when_down)
        return known


def _store(settings: GateSettings) -> Store:
    scheme = urlsplit(settings.url).scheme
    try:
        if scheme == _SQLITE:
            return _sqlite(settings)
        from bitget_margin.gates.redis_store import RedisStore  # noqa: PLC0415 - an extra, and slow to import

        return _made(settings, lambda: RedisStore(settings.url, settings.timeout_ms))
    except ImportError as error:
        raise BadGate(f"{scheme}:// needs {error.name}: pip install 'bitget-margin[shared]'") from error


def _sqlite(settings: GateSettings) -> Store:
    from bitget_margin.gates.sqlite_store import SqliteStore  # noqa: PLC0415 - an extra

    path = Path(urlsplit(settings.url).path.removeprefix("/")) if settings.url.startswith("sqlite:///") else None
    if path is None or not path.name:
        raise BadGate(f"{settings.shown} names no file: give sqlite:///relative/path or sqlite:////absolute/path")
    if not path.parent.is_dir():
        raise BadGate(f"{settings.shown} is in a folder that does not exist: {path.parent}")
    return SqliteStore(str(path.resolve()), settings.timeout_ms)


def _made(settings: GateSettings, make: Callable[[], Store]) -> Store:
    try:
        return make()
    except ValueError as error:
        raise BadGate(f"{settings.shown} cannot be read: {error}") from None


def _url(value: object) -> str:
    if not isinstance(value, str) or urlsplit(value).scheme not in _SCHEMES:
        # Not repeated: it may hold a password.
        shown = f"{urlsplit(value).scheme or 'no scheme'}" if isinstance(value, str) else repr(value)
        raise BadGate(f"its URL begins with {shown}; give sqlite:///path, redis://host:port/0, rediss:// or unix://")
    return value


def _timeout_ms(value: object) -> float:
    if value is None:
        return DEFAULT_TIMEOUT_MS
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _TIMEOUT_MAX_MS:
        raise BadGate(f"timeout is {value!r}; give the ms that the store may take to answer, up to {_TIMEOUT_MAX_MS:g}")
    return float(value)


def _when_down(value: object) -> WhenDown:
    if value is None:
        return WhenDown.WAIT
    try:
        return WhenDown(value)
    except ValueError:
        raise BadGate(f"whenDown is {value!r}; give {' or '.join(each.value for each in WhenDown)}") from None
