"""Options and progress that the commands of this folder share."""

import argparse
import sys
import time
from typing import Final

_PROGRESS_SECONDS: Final = 0.5


def create_parser(program: str, description: str, *, unit: str, count: int) -> argparse.ArgumentParser:
    """Return a parser with the options that choose what is drawn.

    :param unit: name of one drawn item in the options, such as `round` for `--rounds` and `--round`
    :param count: default number of items
    """
    parser = argparse.ArgumentParser(prog=f"tests/soak/{program}/run.py", description=description)
    parser.add_argument(f"--{unit}s", type=positive, default=count, help=f"number of {unit}s (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help=f"seed of the {unit}s (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help=f"number of the first {unit} (default: %(default)s)")
    parser.add_argument(f"--{unit}", type=int, help=f"replay one {unit} and print it in full")
    parser.add_argument("--processes", type=positive, default=2, help="number of processes (default: %(default)s)")
    return parser


def positive(text: str) -> int:
    """Parse a whole number above 0."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not above 0")
    return value


class Progress:
    """A line on a terminal that shows how many items are done; no output elsewhere."""

    def __init__(self, unit: str, total: int) -> None:
        self._unit = unit
        self._total = total
        self._next = 0.0

    def show(self, count: int, flawed: int) -> None:
        """Update the line, at most twice a second."""
        now = time.monotonic()
        if sys.stderr.isatty() and now >= self._next:
            self._next = now + _PROGRESS_SECONDS
            sys.stderr.write(f"\r{count} of {self._total} {self._unit}s, {flawed} with findings ")
            sys.stderr.flush()

    def end(self) -> None:
        """Remove the line."""
        if sys.stderr.isatty():
            sys.stderr.write("\r\033[K")
