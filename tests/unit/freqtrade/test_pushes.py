"""Promise: pushes are followed by a thread of their own, which goes on whatever happens, and ends with the bot."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import ccxt
import pytest

from bitget_margin.freqtrade import pushes as pushes_module
from bitget_margin.freqtrade.pushes import OrderPushes

BTC, ETH = "BTC/USDT", "ETH/USDT"


class Websocket:
    """An exchange object whose pushes and errors a test gives."""

    def __init__(self) -> None:
        self.watched: list[str | None] = []
        self.params: list[Any] = []
        self.events: list[list[dict[str, Any]] | Exception] = []
        self.since_ms: dict[str | None, float] = {}
        self.is_closed = False

    async def watch_orders(self, symbol: str | None, since: None, limit: None, params: Any) -> Any:
        """Return or raise the next event, once there is one."""
        assert (since, limit) == (None, None)
        self.watched.append(symbol)
        self.params.append(params)
        while not self.events:  # noqa: ASYNC110 - the test is in another thread
            await asyncio.sleep(0.005)
        event = self.events.pop(0)
        if isinstance(event, Exception):
            raise event
        return event

    def orders_pushed_since_ms(self, symbol: str | None) -> float | None:
        """Return what the test has set."""
        return self.since_ms.get(symbol)

    async def close(self) -> None:
        """Note it."""
        self.is_closed = True


@pytest.fixture
def socket(monkeypatch: pytest.MonkeyPatch) -> Websocket:
    for name in ("_MESSAGE_SECONDS", "_FIRST_PAUSE_SECONDS", "_LONGEST_PAUSE_SECONDS"):
        monkeypatch.setattr(pushes_module, name, 0.01)
    return Websocket()


def started(socket: Websocket, **more: Any) -> OrderPushes:
    pushes = OrderPushes(make=lambda: socket, **{"lists_all": lambda: False, **more})
    pushes.start()
    return pushes


@pytest.fixture
def pushes(socket: Websocket) -> Iterator[OrderPushes]:
    made = started(socket)
    yield made
    made.end()


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_each_pair_has_a_subscription_of_its_own_once(socket: Websocket, pushes: OrderPushes) -> None:
    pushes.follow([BTC])
    until(lambda: socket.watched == [BTC])
    pushes.follow([BTC, ETH])
    until(lambda: socket.watched == [BTC, ETH])
    assert socket.params == [{"marginMode": "cross"}] * 2


def test_one_subscription_is_for_all_pairs_where_the_venue_has_it(socket: Websocket) -> None:
    made = started(socket, lists_all=lambda: True)
    made.follow([BTC, ETH])
    until(lambda: socket.watched == [None])
    socket.since_ms[None] = 1_000.0
    assert (made.quiet_since(BTC), made.quiet_since(ETH)) == (1.0, 1.0)
    made.end()
    assert socket.watched == [None]


def test_a_pair_is_quiet_since_its_subscription_or_its_last_push(socket: Websocket, pushes: OrderPushes) -> None:
    assert pushes.quiet_since(BTC) is None
    pushes.follow([BTC])
    until(lambda: socket.watched)
    assert pushes.quiet_since(BTC) is None
    socket.since_ms[BTC] = 1_000.0
    assert pushes.quiet_since(BTC) == 1.0
    before = time.monotonic()
    socket.events.append([{"symbol": BTC}, {"symbol": BTC}])
    until(lambda: (pushes.quiet_since(BTC) or 0.0) >= before)
    socket.since_ms.clear()
    assert pushes.quiet_since(BTC) is None


def test_pairs_that_are_not_followed_are_not_quiet(socket: Websocket, pushes: OrderPushes) -> None:
    socket.since_ms[ETH] = 1_000.0
    pushes.follow([BTC])
    until(lambda: socket.watched)
    assert pushes.quiet_since(ETH) is None


@pytest.mark.parametrize(
    "error", [ccxt.NetworkError("ended"), ccxt.AuthenticationError("key"), ccxt.BadResponse("x"), KeyError("x")]
)
def test_after_an_error_it_subscribes_again(
    socket: Websocket, pushes: OrderPushes, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    caplog.set_level("INFO", "bitget_margin")
    socket.events += [error, error, [{"symbol": BTC}]]
    pushes.follow([BTC])
    until(lambda: len(socket.watched) >= 4)
    assert set(socket.watched) == {BTC}
    (line,) = [record for record in caplog.records if "Pushes of orders have ended" in record.message]
    assert line.levelname == ("INFO" if isinstance(error, ccxt.NetworkError) else "WARNING")


def test_an_error_in_the_thread_leaves_a_bot_without_pushes(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ValueError("broken")

    pushes = OrderPushes(make=fail, lists_all=lambda: False)
    pushes.start()
    pushes.follow([BTC])
    until(lambda: "Pushes of orders are not available" in caplog.text)
    assert pushes.quiet_since(BTC) is None
    pushes.end()


def test_the_end_closes_the_connection_and_the_thread(socket: Websocket) -> None:
    pushes = started(socket)
    pushes.follow([BTC])
    until(lambda: socket.watched)
    thread = pushes._thread
    pushes.end()
    assert socket.is_closed
    assert thread is not None
    assert not thread.is_alive()
    assert pushes.quiet_since(BTC) is None
    pushes.end()


def test_an_end_before_the_thread_listens_ends_it_too(socket: Websocket) -> None:
    pushes = started(socket)
    thread = pushes._thread
    pushes.end()
    until(lambda: thread is not None and not thread.is_alive())
    assert socket.is_closed


def test_nothing_is_started_where_the_setting_is_off(socket: Websocket) -> None:
    pushes = started(socket, enabled=False)
    pushes.follow([BTC])
    assert pushes._thread is None
    assert pushes.quiet_since(BTC) is None
    pushes.end()
