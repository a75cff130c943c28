"""Looks at the account again and again, of which any may fail."""

from collections.abc import Callable
from typing import TypeVar

import ccxt

from bitget_margin.cli.operator import errors

V = TypeVar("V")


def repeat(
    look: Callable[[V | None], V],
    show: Callable[[V | None, ccxt.BaseError | None, float], object],
    wait: Callable[[], object],
    monotonic_seconds: Callable[[], float],
) -> None:
    """Look and show in turn until something is raised, such as KeyboardInterrupt; a look that fails ends nothing.

    :param look: reads the account, given the last successful look
    :param show: shows the last successful look, the failure of a later one, and the age of the look in seconds
    :param wait: waits until the next look
    :raises ccxt.AuthenticationError: the first look shows that the keys are refused
    """
    last, at_seconds = None, monotonic_seconds()
    while True:
        failure = None
        try:
            last = look(last)
            at_seconds = monotonic_seconds()
        except ccxt.BaseError as error:
            if last is None and errors.refuses_keys(error):
                raise
            failure = error
        show(last, failure, monotonic_seconds() - at_seconds)
        wait()
