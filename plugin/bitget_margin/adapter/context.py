"""What a call tells the parts of ccxt that run below it, without a word in their signatures."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

LIST: Final = "bitget_margin_list"
"""Under this name, parameters hold the list that is the whole body of a request: ccxt wants a dict, to look for options
of its own in it."""

PACED: Final = ContextVar("PACED", default=False)
"""Set while a request of ours goes through ccxt: it has waited for its own window, so ccxt's pacing is skipped."""
