"""Parsing of the log that a freqtrade process writes to its console."""

import re

WIDE = {"COLUMNS": "1000"}
"""Environment in which freqtrade's console seldom wraps a record."""

_OLD_DESTRUCTOR = re.compile(
    r"Exception ignored in: <function Exchange\.__del__[^\n]*\nTraceback.*?RuntimeError: Event loop is closed\n",
    re.DOTALL,
)


def has_traceback(log: str) -> bool:
    """Whether a log shows a traceback; freqtrade 2026.6 ends with one of its own, on every exchange."""
    return "Traceback" in _OLD_DESTRUCTOR.sub("", log)


def unwrapped(log: str) -> str:
    """Return a log without the line breaks that freqtrade's console puts into long records.

    A line that begins with a digit (the date of a record), a space or a frame (a table) stays separate.
    """
    return re.sub(r"(?<!\n)\n(?![\d─-╿ \n*])", "", log)


def records(log: str, logger: str, level: str) -> list[str]:
    """Return the messages of a logger at one level."""
    return re.findall(rf"^\d{{4}}-\S+ \S+ - {logger} - {level} - (.*)$", unwrapped(log), re.MULTILINE)


def other_exchange(strategy: str) -> str:
    """Return the message of a strategy with the mixin on stock bitget."""
    return (
        f"{strategy} uses CrossedMarginMixin, and \"exchange.name\" is 'bitget': set it to 'bitgetcross' and start "
        "with `bitget-margin freqtrade trade`."
    )


def without_versions(errors: str) -> str:
    """Return standard error without the warning about a version that is newer than the tested ones, as any may be."""
    return "".join(line for line in errors.splitlines(keepends=True) if "with which the tests have run" not in line)
