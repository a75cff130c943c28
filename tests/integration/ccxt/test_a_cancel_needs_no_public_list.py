"""Promise: a cancel is sent in time while the venue's public lists are unavailable."""

import logging
import time
from collections.abc import Iterator
from typing import Any

import ccxt
import pytest

from bitget_margin import CancelUnresolved
from bitget_margin.adapter import fallback_markets
from bitget_margin.emulator import AccountKind, Emulator, FaultKind
from support.client import CROSS, QUICK_PACING, Client, Flavour, config, rungs

BTC = "BTC/USDT"
TIMEOUT_MS = 1_500
QUICK = CROSS | {"timeout": TIMEOUT_MS, "confirm": True}
LISTS = {
    AccountKind.CLASSIC: ("spot/public/symbols", "spot/public/coins", "margin/currencies", "mix/market/contracts"),
    AccountKind.UNIFIED: ("spot/public/coins", "market/instruments"),
}
WAYS = (
    FaultKind.HTML_502,
    FaultKind.STALL_BEFORE,
    FaultKind.NULL_DATA,
    FaultKind.SLOW_BYTES,
    FaultKind.SERVER_ERROR,
    FaultKind.TOO_MANY,
    FaultKind.HTML_200,
    FaultKind.EMPTY_BODY,
    FaultKind.TRUNCATED_JSON,
    FaultKind.MISSING_LISTS,
)
MAIN_WAYS = WAYS[:3]
"""An error, no response, and a list without content."""


def cases() -> list[Any]:
    """Return the first list of each account kind with all faults, and the other lists with the main ones."""
    return [
        pytest.param(kind, path, way, id=f"{path.rsplit('/', 1)[-1]}-{way.value}")
        for kind, lists in LISTS.items()
        for path in lists
        for way in (WAYS if path is lists[0] else MAIN_WAYS)
    ]


def make_client(venue: Emulator, flavour: Flavour) -> Client:
    """Return a client without markets, which loads every list."""
    options = {"batchCancel": {"pacing": QUICK_PACING}, "fetchMarkets": {}}
    return Client(flavour, config(venue, options=options), load=False)


@pytest.fixture
def client(venue: Emulator, flavour: Flavour) -> Iterator[Client]:
    """Return a client of each flavour without markets."""
    made = make_client(venue, flavour)
    yield made
    made.close()


@pytest.fixture
def sync_client(venue: Emulator) -> Iterator[Client]:
    """Return a client of the sync flavour without markets."""
    made = make_client(venue, Flavour.SYNC)
    yield made
    made.close()


def all_down(venue: Emulator, way: FaultKind = FaultKind.HTML_502) -> None:
    """Make every list of this account kind fail."""
    for path in LISTS[venue.accounts[0].kind]:
        venue.add_fault(way, path=path, duration_ms=30_000)


@pytest.mark.parametrize(("of", "path", "way"), cases())
def test_a_cancel_by_id_goes_out_whichever_list_is_down(
    venue: Emulator, sync_client: Client, of: AccountKind, path: str, way: FaultKind
) -> None:
    if venue.accounts[0].kind is not of:
        pytest.skip("about a list of the other kind of account")
    (order_id,) = rungs(venue, 1)
    venue.add_fault(way, path=path, duration_ms=30_000)
    began = time.monotonic()
    report = sync_client("batch_cancel", [order_id], BTC, (), {"timeout": TIMEOUT_MS})
    assert (report.ok, report.results[0].symbol, report.orders[0]["symbol"]) == (True, BTC, BTC)
    assert time.monotonic() - began < TIMEOUT_MS / 1_000


METHODS: dict[str, Any] = {
    "batch_cancel": lambda order_id: ([order_id], BTC, (), {"timeout": TIMEOUT_MS}),
    "cancel_orders": lambda order_id: ([order_id], BTC, QUICK),
    "cancel_order": lambda order_id: (order_id, BTC, QUICK),
    "cancel_orders_for_symbols": lambda order_id: ([{"id": order_id, "symbol": BTC}], QUICK),
    "cancel_all_orders": lambda _: (BTC, QUICK),
}


@pytest.mark.parametrize("way", MAIN_WAYS)
@pytest.mark.parametrize("method", METHODS)
def test_every_method_that_cancels_goes_out(venue: Emulator, sync_client: Client, method: str, way: FaultKind) -> None:
    check_method(venue, sync_client, method, way)


@pytest.mark.parametrize("way", MAIN_WAYS)
def test_every_flavour_cancels_while_the_lists_are_down(venue: Emulator, client: Client, way: FaultKind) -> None:
    check_method(venue, client, "cancel_orders", way)


def check_method(venue: Emulator, client: Client, method: str, way: FaultKind) -> None:
    """Cancel one order while all lists are down."""
    (order_id,) = rungs(venue, 1)
    all_down(venue, way)
    result = client(method, *METHODS[method](order_id))
    (order,) = result if isinstance(result, list) else getattr(result, "orders", [result])
    assert (order["id"], order["symbol"], order["status"], order["amount"]) == (order_id, BTC, "canceled", 0.001)
    assert venue.orders(live_only=True) == []


def test_all_orders_of_the_account_are_canceled_where_they_are_listed_at_once(venue: Emulator, client: Client) -> None:
    venue.knobs(open_orders_without_symbol="answer")
    rungs(venue, 2)
    rungs(venue, 1, symbol="ETHUSDT", price=2_500)
    all_down(venue)
    orders = client("cancel_all_orders", None, QUICK)
    assert sorted(order["symbol"] for order in orders) == [BTC, BTC, "ETH/USDT"]
    assert venue.orders(live_only=True) == []


@pytest.mark.slow
@pytest.mark.classic
def test_where_a_symbol_is_required_the_named_ones_are_canceled_and_missing_names_are_reported(
    venue: Emulator, sync_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pairs of frozen coins with coins of the wallet need not be named."""
    rungs(venue, 2)
    all_down(venue)
    monkeypatch.setattr(fallback_markets, "pairs_of", lambda *_: ())
    with pytest.raises(CancelUnresolved, match=r"name the symbols .*params\['symbols'\]"):
        sync_client("cancel_all_orders", None, QUICK)
    monkeypatch.undo()
    rungs(venue, 1, symbol="ETHUSDT", price=2_500)
    orders = sync_client("cancel_all_orders", None, QUICK)
    assert sorted(order["symbol"] for order in orders) == [BTC, BTC, "ETH/USDT"]
    rungs(venue, 2)
    orders = sync_client("cancel_all_orders", None, QUICK | {"symbols": [BTC, "ETH/USDT"]})
    assert [order["symbol"] for order in orders] == [BTC, BTC]


def test_nothing_is_kept_as_if_the_markets_were_loaded(
    venue: Emulator, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    ids = rungs(venue, 3)
    all_down(venue, FaultKind.NULL_DATA)
    with caplog.at_level(logging.WARNING, "bitget_margin"):
        for order_id in ids[:2]:
            assert client("batch_cancel", [order_id], BTC).ok
            assert not client.exchange.markets
    warned = [record.name for record in caplog.records if record.levelno >= logging.WARNING]
    assert [name for name in warned if name.startswith("bitget_margin")] == ["bitget_margin.markets"] * 2
    assert "by the names of the pairs" in caplog.text
    venue.clear_faults()
    caplog.clear()
    assert client("batch_cancel", ids[2:], BTC).ok
    assert client.exchange.markets[BTC]["precision"]["price"]
    assert "bitget_margin.markets" not in {record.name for record in caplog.records}
    venue.reset_requests()
    with pytest.raises(ccxt.BadSymbol):
        client("batch_cancel", ids, "NO/USDT")
    assert not any("cancel" in record.path for record in venue.requests)


def test_the_venue_s_own_symbol_names_its_pair_as_with_the_lists(venue: Emulator, sync_client: Client) -> None:
    ids = rungs(venue, 2)
    all_down(venue)
    assert sync_client("batch_cancel", ids[:1], "BTCUSDT").results[0].symbol == BTC
    venue.clear_faults()
    assert sync_client("batch_cancel", ids[1:], "BTCUSDT").results[0].symbol == BTC


def test_open_orders_have_their_pairs_where_the_lists_came_empty(venue: Emulator, sync_client: Client) -> None:
    venue.knobs(open_orders_without_symbol="answer")
    rungs(venue, 1)
    for path in LISTS[venue.accounts[0].kind]:
        venue.add_fault(FaultKind.NULL_DATA, path=path)
    assert [order["symbol"] for order in sync_client("fetch_open_orders", None, None, None, CROSS)] == [BTC]


@pytest.mark.parametrize("symbol", ["BTC", "BTC/", "/USDT", "BTC/USDT/ETH", "USDT/USDT"])
def test_what_is_no_pair_is_refused_without_a_list(venue: Emulator, sync_client: Client, symbol: str) -> None:
    all_down(venue)
    with pytest.raises(ccxt.BadSymbol, match="is no pair; give one such as 'BTC/USDT'"):
        sync_client("batch_cancel", ["1"], symbol)
    assert not any("cancel" in record.path for record in venue.requests)


def test_a_pair_that_the_venue_does_not_have_is_no_success(venue: Emulator, sync_client: Client) -> None:
    (order_id,) = rungs(venue, 1)
    all_down(venue)
    with pytest.raises(ccxt.BaseError):
        sync_client("cancel_order", order_id, "NO/USDT", QUICK)
    assert len(venue.orders(live_only=True)) == 1


def test_placing_needs_the_markets(venue: Emulator, sync_client: Client) -> None:
    all_down(venue)
    with pytest.raises(ccxt.BaseError):
        sync_client("create_order", BTC, "limit", "buy", 0.001, 50_000, CROSS | {"timeout": TIMEOUT_MS})
    assert venue.orders() == []
