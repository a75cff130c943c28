"""Promise: the errors that the campaign found stay fixed."""

from collections.abc import Iterator

import pytest

from bitget_margin import CancelUnresolved, Outcome
from bitget_margin.core.settings import Pacing
from bitget_margin.emulator import Account, AccountKind, Emulator, FaultKind
from support.client import CROSS, QUICK_PACING, Client, Flavour, config, rungs

BTC = "BTC/USDT"


@pytest.fixture
def client(client: Client) -> Client:
    """Return a client with shorter pauses than the real venue needs."""
    client.exchange.options["batchCancel"] = {"pacing": QUICK_PACING}
    return client


@pytest.fixture
def unified(flavour: Flavour) -> Iterator[tuple[Emulator, Client]]:
    """Return an emulator with a unified account, and its client."""
    with Emulator(accounts=(Account(kind=AccountKind.UNIFIED),)) as venue:
        made = Client(flavour, config(venue))
        made.exchange.options["batchCancel"] = {"pacing": Pacing(recheck_ms=250)}
        yield venue, made
        made.close()


def test_a_refused_connection_is_tried_again_while_there_is_time(venue: Emulator, client: Client) -> None:
    ids = rungs(venue, 3)
    venue.refuse_connections(300)
    orders = client("cancel_all_orders", BTC, CROSS | {"timeout": 5_000})
    assert sorted(order["id"] for order in orders) == sorted(ids)
    assert venue.orders(live_only=True) == []


def test_orders_that_the_first_listing_left_out_are_cancelled_too(venue: Emulator, client: Client) -> None:
    rungs(venue, 3)
    venue.knobs(open_orders_without_symbol="answer")
    venue.add_fault(FaultKind.WRONG_SYMBOL, path="open-orders", count=1)
    venue.add_fault(FaultKind.WRONG_SYMBOL, path="unfilled-orders", count=1)
    client("cancel_all_orders", BTC, CROSS | {"timeout": 5_000})
    assert venue.orders(live_only=True) == []


def test_a_lost_placing_is_found_on_pages_that_are_shorter_than_the_documents_say(
    venue: Emulator, client: Client
) -> None:
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
    """The lookup by id of a unified account ignores the symbol."""
    venue, client = unified
    (order_id,) = rungs(venue, 1, symbol="ETHUSDT", price=2_500)
    with pytest.raises(CancelUnresolved, match="the order is listed under ETHUSDT") as caught:
        client("batch_cancel", [order_id], BTC, params={"timeout": 600})
    assert [result.outcome for result in caught.value.report.results] == [Outcome.UNKNOWN]
    assert len(venue.orders(live_only=True)) == 1


def test_orders_that_two_lists_have_left_out_and_a_third_one_shows_are_canceled(
    unified: tuple[Emulator, Client],
) -> None:
    """The third one explains locked coins: it is not of the symbol, and shows orders of it all the same."""
    venue, client = unified
    rungs(venue, 3)
    venue.add_fault(FaultKind.NULL_LISTS, path="unfilled-orders", count=2)
    client("cancel_all_orders", BTC, CROSS | {"timeout": 5_000})
    assert venue.orders(live_only=True) == []
