"""Servers on loopback with faulty behaviour: slow, silent, or closing connections."""

import contextlib
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator

Speak = Callable[[socket.socket, threading.Event], None]


@contextlib.contextmanager
def broken_venue(speak: Speak, connections_max: int = sys.maxsize) -> Iterator[str]:
    """Run a server that hands each connection to `speak`, and yield its URL.

    :param connections_max: number of accepted connections; the server refuses further ones
    """
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            for number in range(1, connections_max + 1):
                connection, _ = listener.accept()
                if number == connections_max:
                    listener.close()
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


@contextlib.contextmanager
def recording_venue(connections_max: int = sys.maxsize) -> Iterator[tuple[str, list[bytes]]]:
    """Run a server that records requests and closes their connections; yield its URL and the requests."""
    requests: list[bytes] = []
    with broken_venue(lambda connection, _: requests.append(connection.recv(65_536)), connections_max) as url:
        yield url, requests


def silent(connection: socket.socket, over: threading.Event) -> None:
    """Read the request and send no response."""
    connection.recv(65_536)
    over.wait(10)


def dripping(connection: socket.socket, over: threading.Event) -> None:
    """Send a response byte by byte, ten per second, without an end."""
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
    end = time.monotonic() + 10
    while not over.wait(0.1) and time.monotonic() < end:
        connection.sendall(b" ")


def resetting(connection: socket.socket, over: threading.Event) -> None:
    """Read the request and close the connection."""
    connection.recv(65_536)


def _handle(connection: socket.socket, speak: Speak, over: threading.Event) -> None:
    with connection, contextlib.suppress(OSError):
        speak(connection, over)
