"""Standard output and error that stop no command: text that cannot be written is dropped, or written late.

Orders are canceled whether or not the output can be read. A closed pipe, a full disk, a character that the encoding
lacks and a closed stream raise nothing; a blocked terminal or pipe delays nothing but the end of the command.
"""

import errno
import io
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout, suppress
from typing import Any, Final, TextIO

import click

from bitget_margin.cli.signals import handlers_kept, signal_handlers

COMPLETE_VARIABLE: Final = "_BITGET_MARGIN_COMPLETE"
"""Variable by which a shell asks for completion; click names it after the command."""
INTERRUPTED: Final = 130
"""Exit code after Ctrl-C."""
_WAIT_SECONDS: Final = 0.2
"""Longest wait of a write, which keeps the two streams in order; a write behind a blocked one does not wait."""


class Stream(io.TextIOBase):
    """Text stream whose methods neither raise nor block for long; a thread writes to the stream below."""

    encoding: str = "utf-8"
    errors: str = "strict"

    def __init__(self, below: TextIO | None) -> None:
        self._below = below
        self._texts: queue.Queue[str] = queue.Queue()
        self._thread: threading.Thread | None = None
        self.encoding = getattr(below, "encoding", None) or self.encoding
        self.errors = getattr(below, "errors", None) or self.errors
        self.failure: Exception | None = None if below is not None else OSError(errno.EBADF, os.strerror(errno.EBADF))
        """Error after which nothing more is written."""
        self.is_result = False
        """Whether the exit code depends on it."""

    def fileno(self) -> int:
        """Return the file descriptor of the stream below."""
        if self._below is None:
            raise io.UnsupportedOperation("fileno")
        return self._below.fileno()

    def isatty(self) -> bool:
        """Whether the stream below is a terminal."""
        with suppress(ValueError):
            return self._below is not None and self._below.isatty()
        return False

    def writable(self) -> bool:
        """Return True: a failure of the stream below is ignored."""
        return True

    def write(self, text: str) -> int:
        """Write a text, now or later."""
        if not isinstance(text, str):  # click and others recognize a text stream by this error
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if self.failure is None and text:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="output", daemon=True)
                self._thread.start()
            with self._texts.all_tasks_done:
                timeout = 0 if self._texts.unfinished_tasks else _WAIT_SECONDS
            self._texts.put(text)
            with self._texts.all_tasks_done:
                self._texts.all_tasks_done.wait_for(lambda: not self._texts.unfinished_tasks, timeout)
        return len(text)

    @property
    def is_pending(self) -> bool:
        """Whether something is neither written nor dropped yet."""
        return self._texts.unfinished_tasks > 0

    def drain(self) -> None:
        """Wait until everything is written or dropped."""
        self._texts.join()

    def _run(self) -> None:
        while True:
            text = self._texts.get()
            if self.failure is None and self._below is not None:
                self._write_below(self._below, text)
            self._texts.task_done()

    def _write_below(self, below: TextIO, text: str) -> None:
        try:
            try:
                below.write(text)
            except UnicodeEncodeError:
                below.write(text.encode(self.encoding, "backslashreplace").decode(self.encoding))
            below.flush()
        except Exception as error:  # noqa: BLE001 - no failure of the output may end the command
            self.failure = error
            _discard(below)


def _discard(stream: TextIO) -> None:
    """Redirect the buffered rest to the null device; else Python fails to write it at exit, with code 120."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(null, stream.fileno())
        finally:
            os.close(null)
        stream.flush()


def arrived() -> bool:
    """Whether standard output has accepted everything so far; a reader that has closed the pipe counts as served."""
    stream = sys.stdout
    if not isinstance(stream, Stream):
        return True
    stream.drain()
    return stream.failure is None or isinstance(stream.failure, BrokenPipeError)


def code_once_written(code: int, if_lost: int) -> int:
    """Return the exit code of a command whose result is its output; Ctrl-C and SIGTERM end the wait for a reader.

    :param if_lost: code if standard output has not accepted everything, unless `code` is higher
    """
    lost = max(code, if_lost)
    stream = sys.stdout
    if not isinstance(stream, Stream):
        return code
    stream.is_result = True
    with _wait_ends_with(lost, stream):
        return code if arrived() else lost


@contextmanager
def _wait_ends_with(code: int, *streams: Stream) -> Iterator[None]:
    """Let a signal end the process with this code while a stream waits for a reader; else it is ignored."""

    def end(*_: object) -> None:
        if any(stream.is_pending for stream in streams):
            # Python's own exit would wait for the thread that waits for a reader.
            os._exit(code)

    with signal_handlers(dict.fromkeys((signal.SIGINT, signal.SIGTERM), end)):
        yield


def is_closed() -> bool:
    """Whether standard output takes nothing any more."""
    stream = sys.stdout
    if not isinstance(stream, Stream):
        return False
    stream.drain()
    return stream.failure is not None


def attempt(show: Callable[..., object], *args: Any, **named: Any) -> None:
    """Call a function that prints; if it fails, report the error and go on."""
    try:
        show(*args, **named)
    except Exception as error:  # noqa: BLE001 - no failure of the output may end the command
        click.echo(f"Error: this cannot be shown: {type(error).__name__}: {error}", err=True)


class Commands(click.Group):
    """Group of commands whose actions and exit codes do not depend on their output."""

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Read the command line; Ctrl-C meanwhile, as while the help is written, has the usual exit code."""
        try:
            return super().make_context(*args, **extra)
        except KeyboardInterrupt:
            raise click.exceptions.Exit(INTERRUPTED) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; Ctrl-C that it does not handle itself has the usual exit code, not click's."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise click.exceptions.Exit(INTERRUPTED) from None

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the given command, and wait for its output; complete a command line if a shell asks for it."""
        extra.setdefault("complete_var", COMPLETE_VARIABLE)
        if COMPLETE_VARIABLE in os.environ:  # click writes bytes then
            return super().main(*args, **extra)
        # A command leaves late signals ignored, to the end of its process. A program that passes arguments goes on.
        is_process = (args[0] if args else extra.get("args")) is None
        with (
            nullcontext() if is_process else handlers_kept(),
            redirect_stdout(Stream(sys.stdout)) as out,
            redirect_stderr(Stream(sys.stderr)) as err,
        ):
            try:
                return super().main(*args, **extra)
            except SystemExit as end:
                _finish(out, err, end)
                raise
            finally:
                out.drain()
                err.drain()


def _finish(out: Stream, err: Stream, end: SystemExit) -> None:
    """Wait for the output; Ctrl-C and SIGTERM end the wait, with the exit code of the command."""
    with _wait_ends_with(end.code if isinstance(end.code, int) else 1, out, err):
        out.drain()
        if not arrived():
            why = getattr(out.failure, "strerror", None) or out.failure
            code = "says so" if out.is_result else "is correct all the same"
            err.write(f"Error: standard output cannot be written ({why}); the exit code {code}.\n")
        err.drain()
