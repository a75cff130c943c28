"""Promise: orders, trades and financial records of the past are whole, whatever their number, spelling and page."""

from collections.abc import Iterator
from typing import Any

import ccxt
import pytest

from bitget_margin.emulator import Account, AccountKind, Emulator
from support.client import CROSS, QUICK_PACING, Client, Flavour, config, rungs

BTC, ETH, SOL = "BTC/USDT", "ETH/USDT", "SOL/USDT"
DAY_MS = 86_400_000


@pytest.fixture(params=list(AccountKind), ids=lambda kind: kind.value)
def each(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """Run an emulator with an account of each kind in turn."""
    with Emulator(accounts=(Account(kind=request.param),)) as running:
        yield running
    assert running.errors == ()


@pytest.fixture
def sync(each: Emulator) -> Iterator[Client]:
    """Return a sync client of that account."""
    made = Client(Flavour.SYNC, config(each, options={"batchCancel": {"pacing": QUICK_PACING}}))
    each.reset_requests()
    yield made
    made.close()


def is_unified(venue: Emulator) -> bool:
    return venue.accounts[0].kind is AccountKind.UNIFIED


def canceled(venue: Emulator, count: int, symbol: str = "BTCUSDT", price: int = 50_000) -> list[str]:
    """Place and cancel orders; return their ids, oldest first."""
    ids = rungs(venue, count, symbol=symbol, price=price)
    for order_id in ids:
        venue.cancel(order_id)
    return ids


def test_orders_of_a_pair_are_found_behind_hundreds_of_others(each: Emulator, sync: Client) -> None:
    """Stock ccxt reads one page of all pairs of a unified account, and filters it afterwards."""
    ids = {BTC: canceled(each, 1), ETH: canceled(each, 150, "ETHUSDT", 2_500), SOL: canceled(each, 150, "SOLUSDT", 100)}
    for symbol, expected in ids.items():
        assert [order["id"] for order in sync("fetch_canceled_orders", symbol, None, None, CROSS)] == expected
    if is_unified(each):
        every = sync("fetch_canceled_and_closed_orders", None, None, None, CROSS)
        assert [order["id"] for order in every] == [order_id for listed in ids.values() for order_id in listed]


def test_a_limit_goes_forward_from_a_start_and_else_back_from_now(each: Emulator, sync: Client) -> None:
    ids = canceled(each, 130)
    since = sync("fetch_canceled_orders", BTC, None, None, CROSS)[10]["timestamp"]
    forward = sync("fetch_canceled_orders", BTC, since, 7, CROSS)
    assert forward[0]["timestamp"] == since
    assert len(forward) == 7
    assert [order["id"] for order in sync("fetch_canceled_orders", BTC, None, 7, CROSS)] == ids[-7:]
    assert sync("fetch_closed_orders", BTC, None, 7, CROSS) == []


def test_open_orders_are_limited_in_the_same_way(each: Emulator, sync: Client) -> None:
    ids = rungs(each, 120)
    for i, order_id in enumerate(ids):
        each.backdate(order_id, (len(ids) - i) * 1_000)
    orders = sync("fetch_open_orders", BTC, None, None, CROSS)
    since = orders[100]["timestamp"]
    assert [o["id"] for o in sync("fetch_open_orders", BTC, since, 3, CROSS)] == ids[100:103]
    assert [o["id"] for o in sync("fetch_open_orders", BTC, None, 3, CROSS)] == ids[-3:]


def test_orders_of_all_windows_are_found(each: Emulator, sync: Client) -> None:
    """One request of a unified account covers 30 days."""
    ids = canceled(each, 5)
    for order_id, days in zip(ids, (88, 61, 31, 29, 0), strict=True):
        each.backdate(order_id, days * DAY_MS)
    assert [order["id"] for order in sync("fetch_orders", BTC, None, None, CROSS)] == ids
    now = sync.exchange.venue_milliseconds()
    assert [o["id"] for o in sync("fetch_orders", BTC, now - 62 * DAY_MS, 2, CROSS)] == ids[1:3]
    until = CROSS | {"until": now - 30 * DAY_MS}
    assert [o["id"] for o in sync("fetch_canceled_orders", BTC, None, None, until)] == ids[:3]
    assert [o["id"] for o in sync("fetch_canceled_orders", BTC, 1, None, CROSS)] == ids, "an earlier start is moved"


@pytest.mark.parametrize("case", ["upper", "lower", "title"])
def test_a_category_is_read_in_any_spelling(each: Emulator, sync: Client, case: str) -> None:
    each.knobs(category_case=case)
    filled, ended, live = rungs(each, 3)
    each.fill(filled)
    each.cancel(ended)
    for order_id, status in ((filled, "closed"), (ended, "canceled"), (live, "open")):
        assert sync("fetch_order", order_id, BTC, CROSS)["status"] == status
    assert [o["status"] for o in sync("fetch_orders", BTC, None, None, CROSS)] == ["closed", "canceled", "open"]
    assert [t["order"] for t in sync("fetch_my_trades", BTC, None, None, CROSS)] == [filled]
    assert [e["direction"] for e in sync("fetch_ledger", None, None, None, CROSS)] == ["out", "in"]
    assert sync("batch_cancel", [live], BTC).ok


@pytest.mark.parametrize("empty", ["list", "null"])
def test_an_empty_list_may_be_null(each: Emulator, sync: Client, empty: str) -> None:
    each.knobs(empty_lists=empty)
    for method in ("fetch_orders", "fetch_open_orders", "fetch_closed_orders", "fetch_my_trades"):
        assert sync(method, BTC, None, None, CROSS) == []
    assert sync("fetch_ledger", "BTC", None, None, CROSS) == []
    with pytest.raises(ccxt.OrderNotFound):
        sync("fetch_order", "1", BTC, CROSS)
    assert sync("cancel_all_orders", BTC, CROSS) == []


@pytest.mark.parametrize("signs", ["signed", "unsigned"])
def test_financial_records_have_the_direction_of_their_type(each: Emulator, sync: Client, signs: str) -> None:
    each.knobs(record_amounts=signs)
    (order_id,) = rungs(each, 1)
    each.fill(order_id)
    went, came = sync("fetch_ledger", None, None, None, CROSS)
    assert (went["currency"], went["direction"], went["amount"], went["type"]) == ("USDT", "out", 50, "trade")
    assert (came["currency"], came["direction"], came["amount"], came["type"]) == ("BTC", "in", 0.001, "trade")
    assert came["fee"] == {"currency": "BTC", "cost": 1e-06}
    assert (went["before"], went["after"]) == (100_000, 99_950)


@pytest.mark.parametrize("by_symbol", [False, True])
def test_fills_of_other_pairs_stay_out(each: Emulator, sync: Client, by_symbol: bool) -> None:
    each.knobs(fills_by_symbol=by_symbol)
    ids = [*rungs(each, 2), *rungs(each, 2, symbol="ETHUSDT", price=2_500)]
    for order_id in ids:
        each.fill(order_id)
    assert [t["order"] for t in sync("fetch_my_trades", BTC, None, None, CROSS)] == ids[:2]
    assert [t["order"] for t in sync("fetch_order_trades", ids[3], ETH, None, None, CROSS)] == [ids[3]]
    assert sync("fetch_order_trades", ids[3], BTC, None, None, CROSS) == []


def test_each_flavour_reads_the_same(venue: Emulator, client: Client) -> None:
    filled, ended, _ = rungs(venue, 3)
    venue.fill(filled)
    venue.cancel(ended)
    statuses = {
        "fetch_orders": ["closed", "canceled", "open"],
        "fetch_closed_orders": ["closed"],
        "fetch_canceled_orders": ["canceled"],
        "fetch_canceled_and_closed_orders": ["closed", "canceled"],
    }
    for method, expected in statuses.items():
        found: Any = client(method, BTC, None, None, CROSS | {"paginate": True})
        assert [order["status"] for order in found] == expected
    assert [trade["order"] for trade in client("fetch_my_trades", BTC, None, None, CROSS)] == [filled]
    assert [trade["order"] for trade in client("fetch_order_trades", filled, BTC, None, None, CROSS)] == [filled]
    assert [entry["currency"] for entry in client("fetch_ledger", None, None, None, CROSS)] == ["USDT", "BTC"]
    assert all("/spot/" not in record.path for record in venue.requests)


def test_a_reading_that_does_not_end_in_time_raises(each: Emulator, sync: Client) -> None:
    canceled(each, 3)
    each.knobs(latency_ms=2_000)
    with pytest.raises(ccxt.RequestTimeout):
        sync("fetch_canceled_orders", BTC, None, None, CROSS | {"timeout": 200})
