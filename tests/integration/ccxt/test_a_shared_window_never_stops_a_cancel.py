"""Promise: a rate limit store that is down or slow holds up no cancel, no query and no urgent order."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import ccxt
import pytest
from filelock import FileLock

from bitget_margin import Outcome
from bitget_margin.core.effects import Block, Flow
from bitget_margin.drivers.aio import AsyncDriver
from bitget_margin.emulator import Account, AccountKind, Emulator
from bitget_margin.rate_limit import config as rate_limit_config
from support.client import CROSS, Client, Flavour, config, rungs
from support.redis_server import RedisServer

BTC = "BTC/USDT"
BUY = (BTC, "limit", "buy", 0.001, 20_000)
UNREACHABLE = "redis://127.0.0.1:1/0"
GRACE_S = 5.0
"""Large, for slow machines; a call without a deadline takes even longer."""


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    """Open new stores in every test."""
    before = dict(rate_limit_config._limiters)
    rate_limit_config._limiters.clear()
    yield
    rate_limit_config._limiters.clear()
    rate_limit_config._limiters.update(before)


@pytest.fixture
def gated(venue: Emulator, flavour: Flavour) -> Iterator[Client]:
    """Return a client with rate limiting."""
    made = Client(flavour, config(venue) | {"enableRateLimit": True})
    made.exchange.options["uid"] = venue.accounts[0].uid
    venue.reset_requests()
    yield made
    made.close()


def share_window(client: Client, url: str, **more: object) -> None:
    """Make the client share a rate window through a store."""
    client.exchange.options["rateGate"] = {"url": url, **more}


def cancel_new_orders(venue: Emulator, client: Client, count: int = 3) -> float:
    """Cancel new orders; return the duration in seconds."""
    ids = rungs(venue, count)
    started = time.monotonic()
    report = client("batch_cancel", ids, BTC, params={"timeout": 4_000})
    took_s = time.monotonic() - started
    assert [result.outcome for result in report.results] == [Outcome.CANCELED] * count
    assert not venue.orders(live_only=True)
    return took_s


def test_a_cancel_goes_out_and_is_proven_without_a_store(
    venue: Emulator, gated: Client, caplog: pytest.LogCaptureFixture
) -> None:
    share_window(gated, UNREACHABLE)
    assert cancel_new_orders(venue, gated) < 4 + GRACE_S
    assert cancel_new_orders(venue, gated) < 4 + GRACE_S
    assert caplog.text.count("is down") == 1


def test_a_store_that_hangs_or_ends_in_the_middle_delays_no_cancel_beyond_its_deadline(
    venue: Emulator, gated: Client, redis_server: RedisServer
) -> None:
    share_window(gated, redis_server.url)
    cancel_new_orders(venue, gated)
    redis_server.hang()
    assert cancel_new_orders(venue, gated) < 4 + GRACE_S
    redis_server.stop()
    assert cancel_new_orders(venue, gated) < 4 + GRACE_S


def test_a_file_that_another_process_has_locked_delays_no_cancel_beyond_its_deadline(
    venue: Emulator, gated: Client, tmp_path: Path
) -> None:
    path = tmp_path / "windows.db"
    share_window(gated, f"sqlite:///{path}")
    cancel_new_orders(venue, gated)
    with FileLock(f"{path}.lock"):
        assert cancel_new_orders(venue, gated) < 4 + GRACE_S
    cancel_new_orders(venue, gated)


async def test_stores_that_hang_leave_the_loop_its_threads() -> None:
    """Host names are looked up in these threads: without one, no cancel would be sent."""
    over = threading.Event()

    def flow() -> Flow[object]:
        return (yield Block(over.wait, 5_000))

    hanging = [asyncio.create_task(AsyncDriver(None).run(flow())) for _ in range(50)]
    await asyncio.sleep(0)
    assert await asyncio.wait_for(asyncio.to_thread(int), GRACE_S) == 0
    over.set()
    assert await asyncio.gather(*hanging) == [True] * 50


@pytest.mark.parametrize("when_down", ["wait", "fail"])
def test_a_query_and_an_urgent_order_leave_without_a_store(venue: Emulator, gated: Client, when_down: str) -> None:
    share_window(gated, UNREACHABLE, whenDown=when_down)
    started = time.monotonic()
    order = gated("create_order", *BUY, CROSS | {"urgent": True})
    assert gated("fetch_order", order["id"], BTC, CROSS)["status"] == "open"
    assert gated("fetch_open_orders", BTC, params=CROSS)[0]["id"] == order["id"]
    assert gated("fetch_balance", CROSS)["USDT"]["used"] > 0
    gated("fetch_my_trades", BTC, params=CROSS)
    assert time.monotonic() - started < GRACE_S


def test_a_new_order_waits_for_the_store_until_its_deadline(venue: Emulator, gated: Client) -> None:
    share_window(gated, UNREACHABLE)
    with pytest.raises(ccxt.RequestTimeout, match="was not sent: the shared rate window redis:"):
        gated("create_order", *BUY, CROSS | {"timeout": 600})
    assert venue.requests == ()


def test_a_new_order_fails_at_once_where_that_is_wanted(venue: Emulator, gated: Client) -> None:
    share_window(gated, UNREACHABLE, whenDown="fail")
    started = time.monotonic()
    with pytest.raises(ccxt.RequestTimeout, match=r"the shared rate window redis://127.0.0.1:1/0 is down"):
        gated("create_order", *BUY, CROSS)
    assert time.monotonic() - started < GRACE_S
    assert venue.requests == ()
    cancel_new_orders(venue, gated)


def test_what_waited_goes_on_once_the_store_is_back(venue: Emulator, gated: Client, redis_server: RedisServer) -> None:
    share_window(gated, redis_server.url)
    redis_server.stop()
    back = threading.Timer(0.3, redis_server.start)
    back.start()
    order = gated("create_order", *BUY, CROSS | {"timeout": 15_000})
    back.join()
    assert order["id"] in {live.order_id for live in venue.orders(live_only=True)}


def test_two_processes_worth_of_clients_share_one_window(
    venue: Emulator, gated: Client, flavour: Flavour, redis_server: RedisServer
) -> None:
    """The eleventh request of both clients together waits."""
    share_window(gated, redis_server.url)
    other = Client(flavour, config(venue) | {"enableRateLimit": True})
    other.exchange.options["uid"] = venue.accounts[0].uid
    share_window(other, redis_server.url)
    started = time.monotonic()
    for client in (gated, other) * 5:
        client("fetch_balance", CROSS)
    soon_s = time.monotonic() - started
    other("fetch_balance", CROSS)
    assert time.monotonic() - started >= min(1.04, 1.04 + soon_s)
    other.close()


def test_the_uid_is_asked_once_so_that_keys_of_one_account_share_its_window(
    flavour: Flavour, kind: AccountKind, redis_server: RedisServer
) -> None:
    with Emulator(accounts=(Account(kind=kind),)) as venue:
        client = Client(flavour, config(venue) | {"enableRateLimit": True})
        share_window(client, redis_server.url)
        venue.reset_requests()
        cancel_new_orders(venue, client)
        assert client.exchange.options["uid"] == venue.accounts[0].uid
        asked = [record.path for record in venue.requests if "account" in record.path]
        assert asked[-1:] == [
            "/api/v3/account/settings" if kind is AccountKind.UNIFIED else "/api/v2/spot/account/info"
        ]
        venue.reset_requests()
        cancel_new_orders(venue, client)
        assert not [record for record in venue.requests if "account" in record.path]
        client.close()


def test_a_uid_that_the_venue_does_not_tell_is_not_asked_for_again_by_a_cancel(
    venue: Emulator, gated: Client, redis_server: RedisServer
) -> None:
    gated.exchange.options["uid"] = None
    share_window(gated, redis_server.url)
    for path in ("/spot/account/info", "/account/settings"):
        venue.add_fault("empty-body", path=path)
    cancel_new_orders(venue, gated)
    assert not gated.exchange.options["uid"]
    venue.reset_requests()
    cancel_new_orders(venue, gated)
    assert not [record for record in venue.requests if "/account/" in record.path]
