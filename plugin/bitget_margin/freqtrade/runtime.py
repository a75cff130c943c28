"""The running exchange, where the strategy can find it: freqtrade gives strategies no way to it.

Apart from the mixin's module, which hyperopt pickles by value: a weak reference cannot be.
"""

from __future__ import annotations

import weakref
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bitget_margin.freqtrade.exchange import Bitgetcross

_exchanges: Final[dict[str, weakref.ref[Bitgetcross]]] = {}
_RUNNING: Final = "running"

NESTED: Final[ContextVar[frozenset[str]]] = ContextVar("NESTED", default=frozenset())
"""Which hooks of the strategy are active with ours around them: only the outermost acts."""

_told: Final[set[str]] = set()


def warn_once(text: str) -> bool:
    """Whether this process asks for the first time about this text."""
    news = text not in _told
    _told.add(text)
    return news


def set_exchange(exchange: Bitgetcross) -> None:
    """Remember the exchange that this process trades on; after a reload it is the new one."""
    _exchanges[_RUNNING] = weakref.ref(exchange)


def exchange() -> Bitgetcross | None:
    """Return the exchange, or None where this process does not trade on one of ours."""
    reference = _exchanges.get(_RUNNING)
    return None if reference is None else reference()
