"""Promise: with a wrong local clock, calls end as with a right one."""

import time
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs

import pytest

from bitget_margin import Outcome
from bitget_margin.emulator import Account, AccountKind, Emulator, FaultKind
from support.client import CROSS, QUICK_PACING, Client, Flavour, config, rungs

BTC = "BTC/USDT"
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
AHEAD_MS = [
    sign * off for off in (5 * MINUTE_MS, 3 * HOUR_MS, 2 * DAY_MS, 100 * DAY_MS, 1_000 * DAY_MS) for sign in (1, -1)
]


@pytest.fixture
def venue(kind: AccountKind) -> Iterator[Emulator]:
    """Run an emulator with three orders that are 80 days old."""
    back_ms = [80 * DAY_MS]
    with Emulator(accounts=(Account(kind=kind),), clock=lambda: time.time_ns() // 1_000_000 - back_ms[0]) as running:
        rungs(running, 3, price=40_000)
        back_ms[0] = 0
        yield running
    assert running.errors == ()


@pytest.fixture(params=AHEAD_MS, ids=lambda ahead_ms: f"{ahead_ms / HOUR_MS:+.1f}h")
def astray(venue: Emulator, request: pytest.FixtureRequest) -> Iterator[Client]:
    """Return a client with a wrong clock that has received no response yet."""
    yield from _make_client(venue, Flavour.SYNC, request.param)


@pytest.fixture(params=[100 * DAY_MS, -2 * DAY_MS], ids=["+100d", "-2d"])
def astray_in_any_flavour(venue: Emulator, flavour: Flavour, request: pytest.FixtureRequest) -> Iterator[Client]:
    """Return such a client of each flavour."""
    yield from _make_client(venue, flavour, request.param)


def _make_client(venue: Emulator, flavour: Flavour, ahead_ms: int) -> Iterator[Client]:
    made = Client(flavour, config(venue))
    exchange = made.exchange
    right: Callable[[], int] = exchange.milliseconds
    exchange.milliseconds = lambda: right() + ahead_ms
    exchange.options["batchCancel"] = {"pacing": QUICK_PACING}
    exchange.venue_offset_ms = None  # the first client of a process has loaded the markets
    venue.reset_requests()
    yield made
    made.close()


def old_ids(venue: Emulator) -> list[str]:
    """Return the ids of the orders that are 80 days old."""
    return [order.order_id for order in venue.orders()[:3]]


@pytest.fixture(autouse=True)
def _queries_inside_the_window(venue: Emulator) -> Iterator[None]:
    yield
    for record in venue.requests:
        times = parse_qs(record.query)
        # The refusal of a timestamp is the first response with the venue's clock.
        if "startTime" not in times or record.status != 200:
            continue
        age_ms = record.at_ms - int(times["startTime"][0])
        if record.path.startswith("/api/v3/"):
            assert age_ms < 90 * DAY_MS
            assert int(times["endTime"][0]) - int(times["startTime"][0]) <= 30 * DAY_MS
        else:
            assert 88 * DAY_MS < age_ms < 90 * DAY_MS


def test_calls_of_every_flavour_end_as_with_a_right_clock(venue: Emulator, astray_in_any_flavour: Client) -> None:
    client, ids = astray_in_any_flavour, old_ids(venue)
    assert {order["id"] for order in client("fetch_open_orders", BTC, None, None, CROSS)} == set(ids)
    assert client("batch_cancel", ids[:1], BTC).ok
    assert client("fetch_order", ids[0], BTC, CROSS)["status"] == "canceled"
    assert {order["id"] for order in client("cancel_all_orders", None, CROSS)} == set(ids[1:])


def test_a_cancel_ends_with_proof(venue: Emulator, astray: Client) -> None:
    ids = old_ids(venue) + rungs(venue, 2)
    for _ in range(2):
        report = astray("batch_cancel", ids, BTC)
        assert [result.outcome for result in report.results] == [Outcome.CANCELED] * 5


def test_a_cancel_whose_answer_is_lost_ends_with_proof(venue: Emulator, astray: Client) -> None:
    """The lookups are the first responses with the venue's time."""
    for path in ("batch-cancel-order", "cancel-batch"):
        venue.add_fault(FaultKind.RESET_AFTER, path=path, count=2)
    assert astray("batch_cancel", old_ids(venue)[:1], BTC).ok


def test_the_first_question_shows_what_is_open_however_old(venue: Emulator, astray: Client) -> None:
    ids = old_ids(venue) + rungs(venue, 1)
    assert {order["id"] for order in astray("fetch_open_orders", BTC, None, None, CROSS)} == set(ids)


def test_the_first_question_shows_what_has_ended(venue: Emulator, astray: Client) -> None:
    ended = old_ids(venue)[0]
    venue.cancel(ended)
    assert astray("fetch_order", ended, BTC, CROSS)["status"] == "canceled"


@pytest.mark.parametrize("symbol", [BTC, None])
def test_everything_is_cancelled(venue: Emulator, astray: Client, symbol: str | None) -> None:
    ids = old_ids(venue) + rungs(venue, 2)
    assert {order["id"] for order in astray("cancel_all_orders", symbol, CROSS)} == set(ids)
    assert venue.orders(live_only=True) == []


def test_fills_are_found(venue: Emulator, astray: Client) -> None:
    (order_id,) = rungs(venue, 1)
    venue.fill(order_id)
    astray("fetch_balance", CROSS)
    assert [trade["order"] for trade in astray("fetch_my_trades", BTC, None, None, CROSS)] == [order_id]


@pytest.mark.parametrize("method", ["fetch_orders", "fetch_my_trades", "fetch_canceled_orders"])
def test_the_first_question_about_the_past_is_asked_by_the_venue_s_clock(
    venue: Emulator, astray: Client, method: str
) -> None:
    """A window by the clock of this machine would be empty, without an error."""
    filled, ended = rungs(venue, 2)
    venue.fill(filled)
    venue.cancel(ended)
    assert astray.exchange.venue_offset_ms is None
    found = astray(method, BTC, None, None, CROSS)
    assert {each.get("order", each["id"]) for each in found} & {filled, ended}


@pytest.mark.classic
def test_stock_methods_of_the_crossed_account_ask_by_the_venue_s_clock(venue: Emulator, astray: Client) -> None:
    """Ccxt filters the response by the local clock, which is not checked here."""
    venue.reset_requests()
    astray("fetch_balance", CROSS)
    astray("fetch_canceled_and_closed_orders", BTC, None, None, CROSS)
    assert venue.requests[-1].path.endswith("history-orders")


@pytest.mark.parametrize(("method", "argument"), [("fetch_balance", CROSS), ("load_markets", True)])
def test_the_venue_s_time_is_known_after_any_answer(
    venue: Emulator, astray: Client, method: str, argument: object
) -> None:
    astray(method, argument)
    assert abs(astray.exchange.venue_milliseconds() - venue.requests[-1].at_ms) < 10_000
