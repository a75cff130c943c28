"""Venues that do not behave: raw sockets on loopback that answer as slowly or as wrongly as they are told."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

Speak = Callable[[socket.socket, threading.Event], None]


@contextlib.contextmanager
def broken_venue(speak: Speak) -> Iterator[str]:
    """Run a server that hands each connection to `speak`, and yield its URL."""
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def serve() -> None:
        while not over.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=_handle, args=(connection, speak, over), daemon=True)
            thread.start()
            threads.append(thread)

    acceptor = threading.Thread(target=serve, daemon=True)
    acceptor.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in [acceptor, *threads]:
            thread.join(timeout=2)


def silent(connection: socket.socket, over: threading.Event) -> None:
    """Read, and never answer."""
    connection.recv(65_536)
    over.wait(10)


def dripping(connection: socket.socket, over: threading.Event) -> None:
    """Answer byte by byte, ten a second: never silent, never done."""
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
    end = time.monotonic() + 10
    while not over.wait(0.1) and time.monotonic() < end:
        connection.sendall(b" ")


def resetting(connection: socket.socket, over: threading.Event) -> None:
    """Read the request and hang up without a word."""
    connection.recv(65_536)


def _handle(connection: socket.socket, speak: Speak, over: threading.Event) -> None:
    with connection, contextlib.suppress(OSError):
        speak(connection, over)
