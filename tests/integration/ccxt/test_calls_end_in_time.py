"""Promise: a call ends within its timeout and then reports every outcome."""

import asyncio
import threading
import time
from typing import Any

import ccxt
import pytest

import bitget_margin
from bitget_margin import CancelUnresolved, Outcome, PlaceUnresolved, report_of
from bitget_margin.emulator import Emulator
from support.broken import Speak, broken_venue, dripping, resetting, silent
from support.client import CROSS, Client, Flavour, close, config, load_markets, rungs
from support.pulse import stopwatch

GRACE_MS = 200
"""Allowed excess, as in the campaign; delays of the machine are subtracted."""


def timed(client: Client, *args: Any, **named: Any) -> tuple[BaseException, float]:
    """Return the exception of a call that must fail, and its duration in ms without delays of the machine."""
    with stopwatch() as watch, pytest.raises(Exception) as caught:  # noqa: PT011 - the callers say which
        client(*args, **named)
    return caught.value, watch.took_ms


@pytest.mark.parametrize("speak", [silent, dripping, resetting])
@pytest.mark.parametrize("timeout_ms", [300, 900])
def test_a_venue_that_never_answers_costs_no_more_than_the_timeout(
    client: Client,
    speak: Speak,
    timeout_ms: int,
) -> None:
    with broken_venue(speak) as url:
        client.point_to(url)
        error, took_ms = timed(client, "cancel_orders", ["11"], "BTC/USDT", CROSS | {"timeout": timeout_ms})
    assert took_ms <= timeout_ms + GRACE_MS
    assert isinstance(error, CancelUnresolved)
    assert [result.outcome for result in error.report.results] == [Outcome.UNKNOWN]


@pytest.mark.classic
def test_what_may_have_been_executed_is_unknown(client: Client) -> None:
    with broken_venue(silent) as url:
        client.point_to(url)
        ids = [str(number) for number in range(1, 501)]
        error, took_ms = timed(client, "cancel_orders", ids, "BTC/USDT", CROSS | {"timeout": 2_400})
    assert took_ms <= 2_400 + 3 * GRACE_MS, "ten requests end at once"
    assert isinstance(error, CancelUnresolved)
    assert [result.outcome for result in error.report.results] == [Outcome.UNKNOWN] * 500


def test_markets_that_do_not_load_cost_no_more_than_the_timeout(flavour: Flavour, venue: Emulator) -> None:
    """The first call of an instance loads the markets; a cancel is sent without them."""
    client = Client(flavour, config(venue), load=False)
    for method, named, text in (("fetch_order", "11", "markets"), ("cancel_orders", ["11"], "11 BTC/USDT unknown")):
        with broken_venue(silent) as url:
            client.point_to(url)
            error, took_ms = timed(client, method, named, "BTC/USDT", CROSS | {"timeout": 500})
        assert took_ms <= 500 + GRACE_MS
        assert text in str(error)
    client.close()


@pytest.mark.parametrize(
    ("method", "arguments", "params"),
    [
        ("edit_order", ("11", "BTC/USDT", "limit", "buy", 1, 50_000), {}),
        ("cancel_all_orders_after", (10_000,), {}),
        ("set_leverage", (2, "BTC/USDT"), {"code": "BTC"}),
    ],
)
def test_the_query_of_an_unknown_account_kind_takes_the_time_of_its_call(
    client: Client, method: str, arguments: tuple[Any, ...], params: dict[str, Any]
) -> None:
    client.exchange.options["uta"] = None
    with broken_venue(silent) as url:
        client.point_to(url)
        error, took_ms = timed(client, method, *arguments, CROSS | params | {"timeout": 300})
    assert took_ms <= 300 + GRACE_MS
    assert isinstance(error, ccxt.RequestTimeout)


def test_nobody_listening_means_not_sent(client: Client) -> None:
    client.point_to("http://127.0.0.1:9")
    error, _ = timed(client, "cancel_orders", ["11"], "BTC/USDT", CROSS | {"timeout": 300})
    assert isinstance(error, CancelUnresolved)
    assert error.report.results[0].outcome is Outcome.NOT_SENT
    assert "refused" in str(error).lower() or "connect call failed" in str(error).lower()


def test_orders_executed_behind_a_lost_answer_are_found(venue: Emulator, client: Client) -> None:
    ids = rungs(venue, 3)
    venue.knobs(latency_ms=700)
    threading.Timer(0.5, lambda: venue.knobs(latency_ms=0)).start()
    report = client("batch_cancel", ids, "BTC/USDT", params={"timeout": 1_500})
    assert report.ok
    assert venue.orders(live_only=True) == []


@pytest.mark.classic
def test_an_interrupt_leaves_with_the_report(venue: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in a sync call."""
    client = Client(Flavour.SYNC, config(venue))
    ids = rungs(venue, 170)
    request = client.exchange.request

    def interrupted(path: str, *args: Any, **named: Any) -> Any:
        if ids[100] in str(args):
            raise KeyboardInterrupt
        return request(path, *args, **named)

    monkeypatch.setattr(client.exchange, "request", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        client("cancel_orders", ids, "BTC/USDT", CROSS)
    client.close()
    report = report_of(caught.value)
    assert report is not None
    outcomes = [result.outcome for result in report.results]
    assert outcomes[:150] == [Outcome.ACCEPTED] * 100 + [Outcome.UNKNOWN] * 50
    assert set(outcomes[150:]) <= {Outcome.ACCEPTED, Outcome.UNKNOWN}, "it left beside the others"
    assert report.requests == 4


async def test_a_loading_of_markets_is_shared_and_outlives_an_impatient_call(venue: Emulator) -> None:
    exchange = bitget_margin.async_support.bitget(config(venue))
    (order_id,) = rungs(venue, 1)
    venue.knobs(latency_ms=150)
    patient = asyncio.create_task(exchange.load_markets())
    short = CROSS | {"timeout": 50}
    with pytest.raises(ccxt.RequestTimeout, match="markets"):
        await exchange.fetch_order(order_id, "BTC/USDT", short)
    with pytest.raises(ccxt.RequestTimeout, match="markets"):
        await exchange.create_order("BTC/USDT", "limit", "buy", 0.001, 50_000, short)
    with pytest.raises(CancelUnresolved):
        await exchange.cancel_orders([order_id], "BTC/USDT", short)
    loads = [record.path for record in venue.requests if "/public/" in record.path]
    assert len(loads) == len(set(loads))
    assert "BTC/USDT" in await patient
    assert (await exchange.batch_cancel([order_id], "BTC/USDT")).ok
    await close(exchange)
    assert len(venue.orders()) == 1


def test_a_placing_without_room_in_the_window_places_nothing(venue: Emulator, client: Client) -> None:
    client.exchange.enableRateLimit = True
    order = ("BTC/USDT", "limit", "buy", 0.001, 50_000)
    for _ in range(10):
        client("create_order", *order, CROSS)
    error, _ = timed(client, "create_order", *order, CROSS | {"timeout": 300})
    assert isinstance(error, ccxt.RequestTimeout)
    assert not isinstance(error, PlaceUnresolved)
    assert len(venue.orders()) == 10


def test_placing_ends_in_time_too(client: Client) -> None:
    with broken_venue(dripping) as url:
        client.point_to(url)
        order = ("BTC/USDT", "limit", "buy", 0.001, 50_000, CROSS | {"timeout": 900})
        error, took_ms = timed(client, "create_order", *order)
    assert took_ms <= 900 + GRACE_MS
    assert isinstance(error, ccxt.NetworkError)
    assert "may have been placed" in str(error)


def test_an_interrupted_call_gives_its_places_in_the_window_back(venue: Emulator) -> None:
    async def run() -> float:
        exchange = bitget_margin.async_support.bitget(config(venue))
        await load_markets(exchange)
        ids = [str(number) for number in range(1, 5_001)]
        huge = asyncio.create_task(exchange.cancel_orders(ids, "BTC/USDT", CROSS))
        await asyncio.sleep(0.2)
        huge.cancel()
        with pytest.raises(asyncio.CancelledError):
            await huge
        (order_id,) = rungs(venue, 1)
        started = time.monotonic()
        await exchange.cancel_orders([order_id], "BTC/USDT", CROSS)
        await close(exchange)
        return time.monotonic() - started

    assert asyncio.run(run()) < 2


@pytest.mark.parametrize("flavour", [Flavour.ASYNC, Flavour.PRO])
async def test_a_cancelled_task_leaves_with_the_report(venue: Emulator, flavour: Flavour) -> None:
    exchange = flavour.cls(config(venue))
    await load_markets(exchange)
    ids = rungs(venue, 60)
    venue.knobs(latency_ms=300)
    task = asyncio.create_task(exchange.batch_cancel(ids, "BTC/USDT"))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    report = report_of(caught.value)
    assert report is not None
    assert [result.outcome for result in report.results] == [Outcome.UNKNOWN] * 60
    await close(exchange)
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.classic
async def test_the_batches_of_an_async_call_leave_side_by_side(venue: Emulator) -> None:
    """Ten batches and one lookup take about two round trips."""
    exchange = bitget_margin.async_support.bitget(config(venue))
    await load_markets(exchange)
    ids = rungs(venue, 500)
    venue.reset_requests()
    venue.knobs(latency_ms=400)
    report = await exchange.batch_cancel(ids, "BTC/USDT")
    await close(exchange)
    assert report.ok
    assert [result.id for result in report.results] == ids
    batches = [record.at_ms for record in venue.requests if record.path.endswith("batch-cancel-order")]
    assert len(batches) == 10
    assert max(batches) - min(batches) < 400
