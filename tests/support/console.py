"""What a freqtrade process writes to its console, one line for each record."""

from __future__ import annotations

import re


def unwrapped(said: str) -> str:
    """Return a log without the line breaks that freqtrade's console puts into records at 200 characters.

    What begins with a digit (a record does, with its date), a space or a frame (a table) stays a line of its own.
    """
    return re.sub(r"(?<!\n)\n(?![\d─-╿ \n*])", "", said)


def records(said: str, level: str) -> list[str]:
    """Return the messages of one level."""
    return re.findall(rf"^\d{{4}}-\S+ \S+ - \S+ - {level} - (.*)$", unwrapped(said), re.MULTILINE)
