"""Standard output and error that stop no command: a text that cannot be written is dropped, or written late.

Orders are canceled whether or not anybody can read of it. A reader that is gone, a full disk, an encoding without a
character and a closed stream raise nothing; a terminal or a pipe that takes no more makes nobody wait before the end.
"""

from __future__ import annotations

import errno
import io
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any, Final, NoReturn, TextIO, TypeVar

import click

T = TypeVar("T")

_PATIENCE_SECONDS: Final = 0.2
"""How long a text is waited for, so that the two streams stay in order; only once while a stream takes nothing."""


class Stream(io.TextIOBase):
    """A text stream whose methods neither raise nor wait for long; a thread writes to the stream below."""

    def __init__(self, below: TextIO | None) -> None:
        self._below = below
        self._waiting: list[str] = []
        self._late = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self.lost: Exception | None = None if below is not None else OSError(errno.EBADF, os.strerror(errno.EBADF))
        """The reason why nothing more can be written."""

    @property
    def encoding(self) -> str:  # type: ignore[override]  # typeshed has an attribute
        """Return the encoding of the stream below."""
        return getattr(self._below, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]  # typeshed has an attribute
        """Return how the stream below treats characters that its encoding does not have."""
        return getattr(self._below, "errors", None) or "strict"

    def fileno(self) -> int:
        """Return the file descriptor of the stream below."""
        if self._below is None:
            raise io.UnsupportedOperation("fileno")
        return self._below.fileno()

    def isatty(self) -> bool:
        """Whether a person reads this."""
        with suppress(ValueError):
            return self._below is not None and self._below.isatty()
        return False

    def writable(self) -> bool:
        """Whether this can be written to: always."""
        return True

    def write(self, text: str) -> int:
        """Write a text, now or later."""
        if not isinstance(text, str):  # by this error click and others know a text stream
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if self.lost is None and text:
            with self._changed:
                self._waiting.append(text)
                self._start()
                self._changed.notify_all()
                if not self._late:
                    self._late = not self._changed.wait_for(self._is_empty, _PATIENCE_SECONDS)
        return len(text)

    def drain(self) -> None:
        """Wait until everything is written or dropped."""
        with self._changed:
            self._changed.wait_for(self._is_empty)

    def _is_empty(self) -> bool:
        return not self._waiting

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="output", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                texts = tuple(self._waiting)
            if self.lost is None and self._below is not None:
                self._put(self._below, "".join(texts))
            with self._changed:
                del self._waiting[: len(texts)]
                self._late = self._late and bool(self._waiting)
                self._changed.notify_all()

    def _put(self, below: TextIO, text: str) -> None:
        try:
            try:
                below.write(text)
            except UnicodeEncodeError:
                below.write(text.encode(self.encoding, "backslashreplace").decode(self.encoding))
            below.flush()
        except Exception as error:  # noqa: BLE001 - whatever it is, this is only talk
            self.lost = error
            _discard(below)


def _discard(stream: TextIO) -> None:
    """Let what is still buffered go nowhere: Python would fail to write it at its end, and exit with 120."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, stream.fileno())
        finally:
            os.close(nowhere)
        stream.flush()


@contextmanager
def streams() -> Iterator[tuple[Stream, Stream]]:
    """Put such streams in the place of standard output and error."""
    out, err = Stream(sys.stdout), Stream(sys.stderr)
    with redirect_stdout(out), redirect_stderr(err):
        yield out, err


def arrived() -> bool:
    """Whether standard output took all that was written so far; a reader that is gone has had what it wanted."""
    stream = sys.stdout
    if not isinstance(stream, Stream):
        return True
    stream.drain()
    return stream.lost is None or isinstance(stream.lost, BrokenPipeError)


def attempt(talk: Callable[..., object], *args: Any, **named: Any) -> None:
    """Show something; where that fails, the command goes on all the same."""
    try:
        talk(*args, **named)
    except Exception as error:  # noqa: BLE001 - whatever it is, this is only talk
        click.echo(f"Error: this cannot be shown: {type(error).__name__}: {error}", err=True)


class Commands(click.Group):
    """A group of commands whose acts and exit codes do not depend on whether their output can be written."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command that is named, and wait for its output."""
        with streams() as (out, err):
            try:
                return super().main(*args, **extra)
            except SystemExit as end:
                _finish(out, err, end)
                raise
            finally:
                out.drain()
                err.drain()


def _finish(out: Stream, err: Stream, end: SystemExit) -> None:
    """Wait for the output; Ctrl-C ends that, with the exit code that the command has earned."""
    try:
        out.drain()
        if out.lost is not None and not isinstance(out.lost, BrokenPipeError):
            why = getattr(out.lost, "strerror", None) or out.lost
            err.write(f"Error: standard output cannot be written ({why}); the exit code is true all the same.\n")
        err.drain()
    except KeyboardInterrupt:
        _leave(end)


def _leave(end: SystemExit) -> NoReturn:
    """End at once: Python's own end would wait for a thread that waits for a reader."""
    os._exit(end.code if isinstance(end.code, int) else 1)
