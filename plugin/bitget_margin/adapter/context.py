"""What a call tells the parts of ccxt that run below it, without a word in their signatures."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

PACED: Final = ContextVar("PACED", default=False)
"""Set while a request of ours goes through ccxt: it has waited for its own window, so ccxt's pacing is skipped."""

SIGNED: Final[ContextVar[list[str] | None]] = ContextVar("SIGNED", default=None)
"""The paths of private requests that were signed, and so may have been sent, where somebody wants to know."""
