"""What a freqtrade process writes to its console, one line for each record."""

from __future__ import annotations

import re

WIDE = {"COLUMNS": "1000"}
"""The environment in which freqtrade's console seldom breaks a record into lines."""

_OLD_DESTRUCTOR = re.compile(
    r"Exception ignored in: <function Exchange\.__del__[^\n]*\nTraceback.*?RuntimeError: Event loop is closed\n",
    re.DOTALL,
)


def has_traceback(said: str) -> bool:
    """Whether a log shows a traceback; freqtrade 2026.6 ends with one of its own, on every exchange."""
    return "Traceback" in _OLD_DESTRUCTOR.sub("", said)


def unwrapped(said: str) -> str:
    """Return a log without the line breaks that freqtrade's console puts into long records.

    What begins with a digit (a record does, with its date), a space or a frame (a table) stays a line of its own.
    """
    return re.sub(r"(?<!\n)\n(?![\d─-╿ \n*])", "", said)


def records(said: str, logger: str, level: str) -> list[str]:
    """Return the messages of a logger at one level."""
    return re.findall(rf"^\d{{4}}-\S+ \S+ - {logger} - {level} - (.*)$", unwrapped(said), re.MULTILINE)


def other_exchange(strategy: str) -> str:
    """Return what a strategy with the mixin says on stock bitget."""
    return (
        f"{strategy} uses CrossedMarginMixin, and \"exchange.name\" is 'bitget': set it to 'bitgetcross' and start "
        "with `bitget-margin freqtrade trade`."
    )
