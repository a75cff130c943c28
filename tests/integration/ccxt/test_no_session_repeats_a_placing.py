"""A session of requests that retries by itself repeats no POST of ours: a market order would be filled twice."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest
import requests
import urllib3
from requests.adapters import HTTPAdapter

from bitget_margin.adapter.errors import PlaceUnresolved
from bitget_margin.adapter.sessions import WithoutRedirects, sending, to_send
from bitget_margin.emulator import Emulator
from support.client import CROSS, Client, Flavour, config

RETRY = urllib3.Retry(total=3, allowed_methods=None, backoff_factor=0)


@contextlib.contextmanager
def hanging_up() -> Iterator[tuple[str, list[bytes]]]:
    """Run a venue that takes every request and hangs up; yield its URL and what it took."""
    heard: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    heard.append(connection.recv(65_536))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", heard
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=2)


@contextlib.contextmanager
def retrying() -> Iterator[requests.Session]:
    """Return a session that tries everything again."""
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=RETRY))
        yield session


def test_an_order_goes_out_once_by_a_session_that_retries(venue: Emulator) -> None:
    with retrying() as session:
        client = Client(Flavour.SYNC, config(venue, enableRateLimit=False, timeout=2_000))
        client.exchange.session = session
        with hanging_up() as (url, heard):
            client.exchange.urls = client.exchange.urls | {"api": dict.fromkeys(client.exchange.urls["api"], url)}
            with pytest.raises(PlaceUnresolved):
                client("create_order", "BTC/USDT", "market", "sell", 0.001, None, CROSS | {"timeout": 900})
        posts = [request for request in heard if request.startswith(b"POST")]
        looks = [request for request in heard if request.startswith(b"GET")]
        assert len(posts) == 1
        assert len(looks) > len(posts), "look-ups may be repeated: they change nothing"
        client.close()


def test_the_session_itself_stays_as_it_was_given() -> None:
    with retrying() as session, hanging_up() as (url, heard):
        session.headers["x-mine"] = "kept"
        session.cookies.set("mine", "kept")
        adapter = session.get_adapter(url)
        with sending({"ACCESS-KEY": "k"}):
            sent_by = to_send(session)
        assert isinstance(sent_by, WithoutRedirects)
        with pytest.raises(requests.ConnectionError):
            sent_by.request("POST", url)
        assert len(heard) == 1
        assert b"x-mine: kept" in heard[0]
        assert b"mine=kept" in heard[0]
        assert session.get_adapter(url) is adapter
        assert adapter.max_retries is RETRY
        with pytest.raises(requests.ConnectionError):
            session.request("POST", url)
        assert len(heard) == 1 + 4, "the user's own requests are retried as before"
