"""State of the process: the running exchange, which freqtrade does not pass to strategies, and the warnings so far.

Apart from the mixin's module, which hyperopt pickles by value: a weak reference cannot be pickled.
"""

from __future__ import annotations

import logging
import weakref
from contextvars import ContextVar
from typing import Any, Final

_logger: Final = logging.getLogger("bitget_margin")
_exchanges: Final[dict[str, weakref.ref[Any]]] = {}
_RUNNING: Final = "running"
_warned: Final[set[str]] = set()

ACTIVE_HOOKS: Final[ContextVar[frozenset[str]]] = ContextVar("ACTIVE_HOOKS", default=frozenset())
"""Names of the strategy callbacks that are running inside a wrapper."""


def warn_once(text: str) -> None:
    """Log a warning, unless this process has logged the same text before."""
    if text not in _warned:
        _warned.add(text)
        _logger.warning(text)


def set_exchange(exchange: Any) -> None:
    """Register the exchange that this process trades on; a reload replaces it."""
    _exchanges[_RUNNING] = weakref.ref(exchange)


def current_exchange() -> Any:
    """Return the `Bitgetcross` of this process; None where it trades on another exchange, or not at all."""
    reference = _exchanges.get(_RUNNING)
    return None if reference is None else reference()
