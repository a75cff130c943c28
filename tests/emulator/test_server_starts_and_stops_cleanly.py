"""Promise: a venue frees everything when its block ends, in tests of any kind and on the command line."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import bitget_margin.emulator
from bitget_margin.emulator import Emulator
from bitget_margin.emulator.messages import HttpRequest, HttpResponse
from bitget_margin.emulator.server.http import Server
from support.pulse import stopwatch

from .client import Client, FakeClock

PROGRAM = """
from bitget_margin.emulator import Account, run
run(accounts=(Account(uid="7"),), on_ready=lambda venue: print(venue.url, venue.accounts[0].uid, flush=True))
print("stopped")
"""


def connect(url: str) -> socket.socket:
    """Open a connection to a venue."""
    parts = urlsplit(url)
    assert parts.hostname
    return socket.create_connection((parts.hostname, parts.port or 80), timeout=2)


def test_port_and_thread_are_gone_after_the_block() -> None:
    threads = threading.active_count()
    with Emulator() as venue, connect(venue.url) as idle:
        assert threading.active_count() == threads + 1
        venue.stop()
        assert idle.recv(1) == b""
        assert threading.active_count() == threads
        with pytest.raises(ConnectionRefusedError):
            connect(venue.url)


def test_fixed_port_can_be_used_again() -> None:
    with Emulator() as first:
        port = urlsplit(first.url).port or 0
        second = Emulator(port=port)
        with pytest.raises(OSError, match="address already in use"):
            second.start()
        second.stop()
    with Emulator(port=port) as third:
        assert third.url == first.url
        with pytest.raises(RuntimeError, match="already runs"):
            third.start()


async def test_venue_can_be_used_in_a_coroutine() -> None:
    with Emulator() as venue:
        connection = http.client.HTTPConnection(urlsplit(venue.url).netloc, timeout=2)
        connection.request("GET", "/api/v2/public/time")
        assert connection.getresponse().status == 200
        connection.close()


def test_knobs_and_orders_are_safe_across_threads(venue: Emulator, clock: FakeClock) -> None:
    def trade(number: int) -> None:
        account = venue.accounts[number]
        with Client(venue.url, account, clock, lambda: clock.advance(101)) as client:
            for _ in range(30):
                client.cancel_batch(client.placed())

    threads = [threading.Thread(target=trade, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for step in range(200):
        venue.knobs(history_lag_ms=step)
        venue.set_price("BTCUSDT", 60000 + step)
    for thread in threads:
        thread.join()
    assert len(venue.orders()) == 60
    assert venue.orders(live_only=True) == []
    assert all(pair.frozen == 0 for uid in ("1001", "1002") for pair in venue.balances(uid).values())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_program_runs_until_a_signal(number: signal.Signals) -> None:
    source = str(Path(bitget_margin.emulator.__file__).parents[2])
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-W", "error", "-c", PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": source},
        text=True,
    ) as program:
        assert program.stdout
        url, uid = program.stdout.readline().split()
        assert uid == "7"
        connect(url).close()
        program.send_signal(number)
        out, err = program.communicate(timeout=10)
        assert (out, err, program.returncode) == ("stopped\n", "", 0)


def test_the_delay_of_a_response_includes_its_computation() -> None:
    def slowly(_: HttpRequest) -> HttpResponse:
        time.sleep(0.4)
        return HttpResponse(200, b"{}", delay_ms=500)

    server = Server(slowly, {}, "127.0.0.1", 0)
    server.start()
    began = time.monotonic()
    with stopwatch() as watch, urllib.request.urlopen(f"http://127.0.0.1:{server.port}/", timeout=5) as answer:
        assert time.monotonic() - began >= 0.5
        assert answer.read() == b"{}"
    server.stop()
    assert watch.took_ms < 900
