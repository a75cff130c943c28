"""Promise: connections can be refused for a while, and the port stays the venue's own."""

import socket
import threading
import time
from urllib.parse import urlsplit

import pytest

from bitget_margin.emulator import Account, Emulator, FaultKind

from .admin import admin
from .client import CROSSED, Client
from .waiting import connect, connects, wait_for

DURATION_MS = 60
FOR_LONG_MS = 60_000


def test_existing_connections_end_and_new_ones_are_refused(venue: Emulator, client: Client) -> None:
    client.open_orders()
    venue.refuse_connections(FOR_LONG_MS)
    assert not connects(venue)
    with pytest.raises(ConnectionResetError):
        client.open_orders()
    client.__exit__()
    with pytest.raises(ConnectionRefusedError):
        client.open_orders()


def test_the_port_opens_again_and_orders_are_kept(venue: Emulator, client: Client) -> None:
    order_id = client.placed()
    before = time.perf_counter()
    venue.refuse_connections(DURATION_MS)
    wait_for(lambda: connects(venue))
    assert time.perf_counter() - before >= DURATION_MS / 1000
    client.__exit__()
    assert client.open_ids() == [order_id]


def test_connections_in_every_state_are_reset(venue: Emulator) -> None:
    idle, talking = connect(venue), connect(venue)
    talking.sendall(b"GET /api/v2/public/time HTTP/1.1\r\n")
    wait_for(lambda: len(venue._server._service._web.connections) == 2)  # type: ignore[union-attr]
    fresh = [connect(venue) for _ in range(20)]
    venue.refuse_connections(1)
    for connection in (idle, talking, *fresh):
        with connection, pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_the_port_stays_reserved_while_refused(venue: Emulator) -> None:
    number = urlsplit(venue.url).port or 0
    venue.refuse_connections(FOR_LONG_MS)
    with socket.socket() as thief, pytest.raises(OSError, match="already in use"):
        thief.bind(("127.0.0.1", number))


def test_longer_refusal_wins_and_shorter_changes_nothing(venue: Emulator) -> None:
    before = time.perf_counter()
    venue.refuse_connections(1)
    venue.refuse_connections(DURATION_MS)
    venue.refuse_connections(1)
    wait_for(lambda: connects(venue))
    assert time.perf_counter() - before >= DURATION_MS / 1000


def test_refusals_in_quick_succession_leave_a_venue_that_works(venue: Emulator, client: Client) -> None:
    threads = [
        threading.Thread(target=lambda: [venue.refuse_connections(1 + number % 3) for number in range(10)])
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        connects(venue)
    for thread in threads:
        thread.join()
    wait_for(lambda: connects(venue))
    assert client.open_orders().status == 200


def test_venue_stops_while_it_refuses() -> None:
    with Emulator() as venue:
        venue.refuse_connections(FOR_LONG_MS)
        before = time.perf_counter()
    assert time.perf_counter() - before < 0.5
    with Emulator(port=urlsplit(venue.url).port or 0) as after:
        assert connects(after)
    with pytest.raises(RuntimeError, match="does not run"):
        after.refuse_connections(1)


def test_refusal_over_http_is_acknowledged_first(venue: Emulator, client: Client) -> None:
    client.open_orders()
    assert admin(venue, "refuse", {"duration_ms": FOR_LONG_MS}) == (200, {})
    wait_for(lambda: not connects(venue))
    with pytest.raises(ConnectionResetError):
        client.open_orders()


def test_request_that_meets_a_refusal_closes_the_port(venue: Emulator, client: Client, other: Client) -> None:
    order_id = client.placed()
    other.open_orders()
    venue.add_fault(FaultKind.REFUSE, f"{CROSSED}/batch-cancel-order", count=1, duration_ms=FOR_LONG_MS)
    with pytest.raises(ConnectionResetError):
        client.cancel_batch(order_id)
    with pytest.raises(ConnectionResetError):
        other.open_orders()
    assert not connects(venue)
    assert venue.order(order_id).live


def test_wrong_durations_are_explained() -> None:
    with Emulator(accounts=(Account(),)) as venue:
        for duration_ms in (0, -1, 1.5, True, None):
            with pytest.raises(ValueError, match="duration_ms must be a whole number from 1 on"):
                venue.refuse_connections(duration_ms)  # type: ignore[arg-type]
        assert connects(venue)
