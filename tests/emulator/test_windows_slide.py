"""Promise: requests are counted per account and endpoint, within any one second."""

from bitget_margin.emulator import Emulator
from bitget_margin.emulator.api.rate_limit import SlidingWindow, SlidingWindows

from .client import CROSSED, Client, FakeClock


def test_window_forgets_each_request_after_one_second() -> None:
    window = SlidingWindow(2)
    assert window.admit(0)
    assert window.admit(600)
    assert not window.admit(999)
    assert window.left(999) == 0
    assert window.admit(1000)
    assert not window.admit(1599)
    assert window.admit(1600)


def test_refused_requests_do_not_count() -> None:
    window = SlidingWindow(1)
    assert window.admit(0)
    assert not any(window.admit(now_ms) for now_ms in range(1, 1000, 10))
    assert window.admit(1000)


def test_windows_are_separate() -> None:
    windows = SlidingWindows()
    assert windows.of("1001", "/a", 1).admit(0)
    assert windows.of("1002", "/a", 1).admit(0)
    assert windows.of("1001", "/b", 1).admit(0)
    assert not windows.of("1001", "/a", 1).admit(0)


def test_eleventh_request_is_refused_and_not_executed(
    venue: Emulator, client: Client, other: Client, clock: FakeClock
) -> None:
    """Ten cancels pass and are counted down; the next has no effect; others are not affected."""
    order_ids = [client.placed() for _ in range(11)]
    clock.advance(1000)
    client.pause = other.pause = int
    replies = [client.cancel_batch(order_id) for order_id in order_ids]
    assert [reply.headers["x-mbx-used-remain-limit"] for reply in replies] == [*map(str, range(9, -1, -1)), "0"]
    assert replies[-1].status == 429
    assert replies[-1].content["msg"] == "Too Many Requests"
    replies[-1].assert_refused("429", 429)
    assert [order.order_id for order in venue.orders(live_only=True)] == [order_ids[-1]]
    assert other.cancel_batch("1").status == client.get(f"{CROSSED}/account/assets").status == 200
    clock.advance(1000)
    assert client.cancel_batch(order_ids[-1]).data["failureList"] == []


def test_full_window_is_reported_before_wrong_parameters(client: Client, clock: FakeClock) -> None:
    """A wrong signature is still found first."""
    clock.advance(1000)
    client.pause = int
    for _ in range(10):
        client.cancel_batch().assert_refused("40019")
    client.cancel_batch().assert_refused("429", 429)
    path = f"{CROSSED}/batch-cancel-order"
    reply = client.send("POST", path, headers={"ACCESS-SIGN": "wrong"})
    reply.assert_refused("40009")
    assert reply.headers["x-mbx-used-remain-limit"] == "0"


def test_public_endpoints_count_per_address(client: Client) -> None:
    client.pause = int
    statuses = [client.get("/api/v2/public/time").status for _ in range(21)]
    assert statuses == [200] * 20 + [429]
    assert client.get("/api/v2/spot/public/coins").status == 200
