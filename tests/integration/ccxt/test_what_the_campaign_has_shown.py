"""Promise: what thousands of rounds have brought to light stays mended."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bitget_margin import CancelUnresolved, Outcome
from bitget_margin.core.settings import Pacing
from bitget_margin.emulator import Account, AccountKind, Emulator, FaultKind
from support.client import CROSS, Client, Flavour, config, rungs

BTC = "BTC/USDT"


@pytest.fixture
def client(client: Client) -> Client:
    """Return a client that does not wait as long as it would for the real venue."""
    client.exchange.options["batchCancel"] = {"pacing": Pacing(recancel_ms=210, refusals_ms=200, recheck_ms=250)}
    return client


@pytest.fixture
def unified(flavour: Flavour) -> Iterator[tuple[Emulator, Client]]:
    """Return a venue with a unified account, and its client."""
    with Emulator(accounts=(Account(kind=AccountKind.UNIFIED),)) as venue:
        made = Client(flavour, config(venue))
        made.exchange.options["batchCancel"] = {"pacing": Pacing(recheck_ms=250)}
        yield venue, made
        made.close()


def test_a_refused_connection_is_tried_again_while_there_is_time(venue: Emulator, client: Client) -> None:
    """Nothing is safer to repeat than a question that found nobody."""
    ids = rungs(venue, 3)
    venue.refuse_connections(300)
    orders = client("cancel_all_orders", BTC, CROSS | {"timeout": 5_000})
    assert sorted(order["id"] for order in orders) == sorted(ids)
    assert venue.orders(live_only=True) == []


def test_orders_that_the_first_listing_left_out_are_cancelled_too(venue: Emulator, client: Client) -> None:
    """The rows of the first page are of another symbol; the balance tells that something is held."""
    rungs(venue, 3)
    venue.knobs(open_orders_without_symbol="answer")
    venue.add_fault(FaultKind.WRONG_SYMBOL, path="open-orders", count=1)
    venue.add_fault(FaultKind.WRONG_SYMBOL, path="unfilled-orders", count=1)
    client("cancel_all_orders", BTC, CROSS | {"timeout": 5_000})
    assert venue.orders(live_only=True) == []


def test_a_lost_placing_is_found_on_pages_that_are_shorter_than_the_documents_say(
    venue: Emulator, client: Client
) -> None:
    """Open orders are read until a page brings nothing new."""
    venue.knobs(open_orders_cap=3)
    for path in ("batch-place-order", "place-batch"):
        venue.add_fault(FaultKind.HTML_200, path=path, count=1)
    orders = [
        {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.001, "price": 50_000 - i, "params": CROSS}
        for i in range(8)
    ]
    placed = client("create_orders", orders)
    assert sorted(order["id"] for order in placed) == [order.order_id for order in venue.orders(live_only=True)]


@pytest.mark.classic
def test_an_order_of_another_symbol_is_named_as_such_on_a_unified_account(unified: tuple[Emulator, Client]) -> None:
    """Its one question for an order is not about a symbol; a row that contradicts the request proves nothing."""
    venue, client = unified
    (elsewhere,) = rungs(venue, 1, symbol="ETHUSDT", price=2_500)
    with pytest.raises(CancelUnresolved, match="the order is listed under ETHUSDT") as caught:
        client("batch_cancel", [elsewhere], BTC, params={"timeout": 600})
    assert [result.outcome for result in caught.value.report.results] == [Outcome.UNKNOWN]
    assert len(venue.orders(live_only=True)) == 1
