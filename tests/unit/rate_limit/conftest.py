"""A forked process for the tests of what does not survive a fork."""

import os
import signal
import warnings
from collections.abc import Callable

import pytest

_LONGEST_S = 10


@pytest.fixture
def holds_after_fork() -> Callable[[Callable[[], bool]], bool]:
    """Return a function that evaluates a condition in a forked process; one that waits for a lock does not hold."""
    return _holds_after_fork


def _holds_after_fork(condition: Callable[[], bool]) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the tests' own threads are not used by the child
        child = os.fork()
    if not child:
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(_LONGEST_S)
            os._exit(0 if condition() else 1)
        finally:
            os._exit(2)
    return os.waitpid(child, 0)[1] == 0
