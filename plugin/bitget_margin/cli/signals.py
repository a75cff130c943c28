"""Signal handlers of commands that must not end in the middle of their work, nor with another exit code than theirs."""

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

_LATE: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that would end a process whose exit code is decided with a code of their own."""


def install_handlers(handlers: Mapping[signal.Signals, Any]) -> None:
    """Install handlers by signal number, to the end of the command; outside of the main thread, do nothing."""
    if threading.current_thread() is threading.main_thread():
        for number, handler in handlers.items():
            signal.signal(number, handler)


def ignore_late_signals() -> None:
    """Ignore Ctrl-C, SIGTERM and a hang-up to the end of the process: the exit code is decided.

    Python takes up to a second to end a process, in which a signal would replace a true exit code by a false one.
    """
    install_handlers(dict.fromkeys(_LATE, signal.SIG_IGN))


@contextmanager
def signal_handlers(handlers: Mapping[signal.Signals, Any]) -> Iterator[None]:
    """Install handlers by signal number during the block; outside of the main thread, do nothing."""
    before = {number: signal.getsignal(number) for number in handlers}
    install_handlers(handlers)
    try:
        yield
    finally:
        _restore(before)


@contextmanager
def handlers_kept() -> Iterator[None]:
    """Restore at the end of the block the handlers that a command leaves behind."""
    before = {number: signal.getsignal(number) for number in _LATE}
    try:
        yield
    finally:
        _restore(before)


def _restore(before: Mapping[signal.Signals, Any]) -> None:
    # A handler that was not installed by Python is None, and cannot be restored.
    install_handlers({number: handler for number, handler in before.items() if handler is not None})
