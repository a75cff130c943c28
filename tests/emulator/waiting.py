"""Waiting for an emulator in another thread."""

import socket
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from bitget_margin.emulator import Emulator

PATIENCE_SECONDS = 5


def connect(venue: Emulator) -> socket.socket:
    """Open a connection."""
    parts = urlsplit(venue.url)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=PATIENCE_SECONDS)


def connects(venue: Emulator) -> bool:
    """Return whether connections are accepted; one made just as the port closes is reset."""
    try:
        connect(venue).close()
    except ConnectionError:
        return False
    return True


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until a condition is true."""
    deadline = time.perf_counter() + PATIENCE_SECONDS
    while not condition():
        assert time.perf_counter() < deadline
        time.sleep(0.002)
