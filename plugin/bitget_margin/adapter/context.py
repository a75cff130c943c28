"""What a call tells the parts of ccxt that run below it, without a word in their signatures."""

from __future__ import annotations

from contextvars import ContextVar
from threading import Lock
from typing import Final

import ccxt


class Signatures:
    """The paths of the private requests that were signed, and so may have been sent, while somebody listens.

    Once closed, nothing more is signed: a thread that was left alone while it waited cannot send any more.
    """

    def __init__(self) -> None:
        self._paths: list[str] = []
        self._closed = False
        self._lock = Lock()

    def sign(self, path: str) -> None:
        """Note a request that is about to be sent, or raise because its time is over."""
        with self._lock:
            if self._closed:
                raise ccxt.RequestTimeout(f"{path} was not sent: its call is over")
            self._paths.append(path)

    @property
    def any(self) -> bool:
        """Whether anything was signed."""
        with self._lock:
            return bool(self._paths)

    def close(self) -> tuple[str, ...]:
        """Let nothing more be signed, and return what was."""
        with self._lock:
            self._closed = True
            return tuple(self._paths)


LIST: Final = "bitget_margin_list"
"""Under this name, parameters hold the list that is the whole body of a request: ccxt wants a dict, to look for options
of its own in it."""

PACED: Final = ContextVar("PACED", default=False)
"""Set while a request of ours goes through ccxt: it has waited for its own window, so ccxt's pacing is skipped."""

SIGNATURES: Final[ContextVar[Signatures | None]] = ContextVar("SIGNATURES", default=None)
"""Where the signatures of this call are noted, if anybody wants to know."""
