"""Machines share a window on a Redis server, in the order in which they ask, by the server's clock."""

import time
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
import redis

from bitget_margin.rate_limit import LimiterDown, Slot, redis_store
from bitget_margin.rate_limit.redis_store import RedisStore
from support.redis_server import RedisServer

PATIENT_MS = 5_000
LONG_MS = 60_000


def test_a_window_gives_places_ahead_of_time_and_in_order(redis_server: RedisServer) -> None:
    store = RedisStore(redis_server.url, PATIENT_MS)
    assert [store.reserve("w", 3, LONG_MS, 0) for _ in range(3)] == [Slot(0.0)] * 3
    waits = [place.wait_ms for _ in range(4) if (place := store.reserve("w", 3, LONG_MS, 3 * LONG_MS)) and place.kept]
    assert len(waits) == 4
    assert all(LONG_MS - 5_000 < wait <= LONG_MS for wait in waits[:3])
    assert 2 * LONG_MS - 5_000 < waits[3] <= 2 * LONG_MS
    assert store.reserve("another", 3, LONG_MS, 0) == Slot(0.0)


def test_a_place_that_is_too_late_is_not_taken(redis_server: RedisServer) -> None:
    store = RedisStore(redis_server.url, PATIENT_MS)
    assert store.reserve("w", 1, LONG_MS, 0) == Slot(0.0)
    assert [store.reserve("w", 1, LONG_MS, 1_000) for _ in range(3)] == [None] * 3
    later = store.reserve("w", 1, LONG_MS, LONG_MS)
    assert later is not None
    assert later.wait_ms <= LONG_MS


def test_clients_share_a_window_whatever_their_clocks_say(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (RedisStore(redis_server.url, PATIENT_MS) for _ in range(2))
    assert [one.reserve("w", 4, LONG_MS, 0) for _ in range(2)] == [Slot(0.0)] * 2
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 7_200)
    assert [other.reserve("w", 4, LONG_MS, 0) for _ in range(4)] == [Slot(0.0)] * 2 + [None] * 2


def test_nothing_stays_in_the_server(redis_server: RedisServer) -> None:
    store = RedisStore(redis_server.url, PATIENT_MS)
    for _ in range(50):
        assert store.reserve("w", 2, 1, 1_000) is not None
    assert store._client.llen("bitget-margin:w") <= 2
    until = time.monotonic() + 5
    while store._client.keys() and time.monotonic() < until:
        time.sleep(0.01)
    assert store._client.keys() == []


@pytest.mark.parametrize("ahead_s", [2, 1_200, 86_400])
def test_a_server_whose_clock_was_set_back_blocks_nobody(redis_server: RedisServer, ahead_s: int) -> None:
    store = RedisStore(redis_server.url, PATIENT_MS)
    then_us = (time.time() + ahead_s) * 1_000_000
    store._client.rpush("bitget-margin:w", f"{then_us:.0f} {then_us:.0f}")
    assert store.reserve("w", 1, 1_000, 0) == Slot(0.0)
    assert store.reserve("w", 1, 1_000, 0) is None


@pytest.mark.parametrize("left", ["rpush", "set"])
def test_what_somebody_else_left_under_the_name_blocks_nobody(redis_server: RedisServer, left: str) -> None:
    store = RedisStore(redis_server.url, PATIENT_MS)
    getattr(store._client, left)("bitget-margin:w", "of something else")
    assert store.reserve("w", 1, 1_000, 0) == Slot(0.0)


def test_what_a_server_quotes_of_what_it_did_not_understand_is_not_reported() -> None:
    store = RedisStore("redis://bots:hunt%2Fer2@127.0.0.1:1/0", PATIENT_MS)
    message = "unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'bots' 'hunt/er2'"
    assert store._masked(redis.ResponseError(message)) == "ResponseError: unknown command 'HELLO'"
    assert store._masked(redis.ResponseError("wrong hunt/er2")) == "ResponseError: wrong ***"


@pytest.fixture
def client() -> Iterator[mock.Mock]:
    """Return the client of a store that connects to no server."""
    with mock.patch.object(redis.Redis, "from_url") as from_url, mock.patch.object(redis_store, "threading"):
        yield from_url


def test_a_server_has_the_time_limit_of_the_store_and_one_immediate_retry(client: mock.Mock) -> None:
    RedisStore("redis://127.0.0.1", 250)
    (url,), options = client.call_args
    retry = options.pop("retry")
    assert (url, options) == (
        "redis://127.0.0.1",
        {"socket_timeout": 0.25, "socket_connect_timeout": 0.25, "protocol": 2},
    )
    with mock.patch.object(time, "sleep") as slept, pytest.raises(redis.ConnectionError):
        retry.call_with_retry(request := mock.Mock(side_effect=redis.ConnectionError), lambda _: None)
    assert request.call_count == 2
    assert not slept.called


@pytest.mark.parametrize("failure", [None, redis.ConnectionError("refused"), redis.TimeoutError("slow")])
def test_a_store_connects_before_the_first_request_and_nobody_waits_for_it(
    client: mock.Mock, failure: Exception | None
) -> None:
    RedisStore("redis://127.0.0.1", 250)
    thread: Any = redis_store.threading.Thread
    assert thread.call_args.kwargs["daemon"] is True
    thread.return_value.start.assert_called_once_with()
    load = client.return_value.script_load
    load.side_effect = failure
    thread.call_args.kwargs["target"]()
    load.assert_called_once_with(client.return_value.register_script.call_args.args[0])


@pytest.mark.parametrize(("wait_us", "slot"), [(-1, None), (0, Slot(0.0)), (1_500, Slot(1.5))])
def test_times_are_whole_microseconds_on_the_server(client: mock.Mock, wait_us: int, slot: Slot | None) -> None:
    script = client.return_value.register_script.return_value
    script.return_value = wait_us
    store = RedisStore("redis://127.0.0.1", 250)
    assert [store.reserve("w", 10, 1_050.5, latest_ms) for latest_ms in (-3, 0.25)] == [slot] * 2
    assert script.mock_calls == [
        mock.call(keys=["bitget-margin:w"], args=[10, 1_050_500, latest_us]) for latest_us in (0, 250)
    ]


def test_without_a_password_nothing_is_masked(client: mock.Mock) -> None:
    message = RedisStore("redis://127.0.0.1", 250)._masked(redis.ResponseError("no"))
    assert message == "ResponseError: no"


def test_a_server_that_hangs_or_is_gone_is_known_in_time_and_used_again_once_it_is_back(
    redis_server: RedisServer,
) -> None:
    store = RedisStore(redis_server.url, 100)
    assert store.reserve("w", 10, LONG_MS, 0) == Slot(0.0)
    redis_server.hang()
    started = time.monotonic()
    with pytest.raises(LimiterDown, match="Timeout"):
        store.reserve("w", 10, LONG_MS, 0)
    assert time.monotonic() - started < 3
    redis_server.go_on()
    assert store.reserve("w", 10, LONG_MS, 0) == Slot(0.0)
    redis_server.stop()
    with pytest.raises(LimiterDown, match="ConnectionError"):
        store.reserve("w", 10, LONG_MS, 0)
    redis_server.start()
    assert store.reserve("w", 10, LONG_MS, 0) == Slot(0.0)


def test_a_server_that_wants_a_password_is_down_and_shows_none(redis_server: RedisServer) -> None:
    url = redis_server.url.replace("redis://", "redis://nobody:hunter2@")
    with pytest.raises(LimiterDown) as caught:
        RedisStore(url, PATIENT_MS).reserve("w", 10, LONG_MS, 0)
    assert "hunter2" not in str(caught.value)
