"""Market data: an answer that cannot be read raises an exception of ccxt.

ccxt takes the first row of an answer without asking whether there is one. freqtrade handles ccxt's exceptions, and
ends with any other one: a bot would be gone in the middle of a crash because of one empty answer.
"""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import ccxt

from bitget_margin.adapter.errors import cause_of, documented
from bitget_margin.adapter.wrapping import within

_METHODS: Final = (
    *("fetch_ticker", "fetch_tickers", "fetch_order_book", "fetch_ohlcv", "fetch_trades"),
    *("fetch_time", "fetch_markets", "fetch_currencies"),
)
_CCXT: Final = Path(ccxt.__file__).parent


def guard_methods(cls: type) -> None:
    """Wrap the methods of a class that read market data; a mixin has none."""
    for name in _METHODS:
        if hasattr(cls, name):
            setattr(cls, name, within(lambda *_, name=name: _documented(name), getattr(cls, name)))


@contextmanager
def _documented(name: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if not _is_raised_by_ccxt(error):
            raise
        raise documented(f"bitget {name}()", error) from cause_of(error)


def _is_raised_by_ccxt(error: Exception) -> bool:
    """Whether ccxt's own code has raised an exception that is none of its own; others are errors of the caller."""
    frames = traceback.extract_tb(error.__traceback__)
    return not isinstance(error, ccxt.BaseError) and Path(frames[-1].filename).is_relative_to(_CCXT)
