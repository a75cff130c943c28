"""Promise: `cancel_all_orders` cancels all orders of a symbol or account, and the balance proves it."""

import ccxt
import pytest

from bitget_margin import CancelUnresolved, Outcome
from bitget_margin.emulator import AccountKind, Emulator
from support.client import CROSS, QUICK_PACING, Client, Flavour, batches, config, paths, rungs

BTC = "BTC/USDT"
QUICK = {"timeout": 1_000}
CANCELS = ("/batch-cancel-order", "/cancel-batch", "/cancel-symbol-order")


@pytest.fixture
def client(client: Client) -> Client:
    """Return a client with shorter pauses than the real venue needs."""
    client.exchange.options["batchCancel"] = {"pacing": QUICK_PACING}
    return client


@pytest.fixture(params=["refuse", "answer"])
def venue(venue: Emulator, request: pytest.FixtureRequest) -> Emulator:
    """Run an emulator that refuses open-orders without a symbol, and one that answers them."""
    venue.knobs(open_orders_without_symbol=request.param)
    return venue


def test_every_order_of_a_symbol_is_cancelled(venue: Emulator, client: Client) -> None:
    ids = rungs(venue, 130)
    orders = client("cancel_all_orders", BTC, CROSS)
    assert sorted(order["id"] for order in orders) == sorted(ids)
    assert venue.orders(live_only=True) == []
    # On a busy machine, a batch can meet a full rate window: it is sent again.
    executed = [record for record in venue.requests if record.path.endswith(CANCELS) and record.status == 200]
    classic = venue.accounts[0].kind is AccountKind.CLASSIC
    assert len(executed) == (batches(venue, 130) if classic else 1), "a unified account has one request for all"
    assert "assets" in paths(venue)[-3:]


def test_nothing_to_cancel_sends_no_cancel(venue: Emulator, client: Client) -> None:
    """Only open orders and balance are requested; the list of a unified account is confirmed by a second one."""
    assert client("cancel_all_orders", BTC, CROSS) == []
    lists = 1 if venue.accounts[0].kind is AccountKind.CLASSIC else 2
    assert paths(venue) == [*["open-orders"] * lists, "assets"]


def test_every_order_of_the_account_is_cancelled(venue: Emulator, client: Client) -> None:
    ids = rungs(venue, 60) + rungs(venue, 5, symbol="ETHUSDT", price=2_500)
    steps: list[tuple[int, int, str]] = []
    params = CROSS | {"confirm": True, "progress": lambda *step: steps.append(step)}
    orders = client("cancel_all_orders", None, params)
    assert {order["id"] for order in orders} == set(ids)
    assert {order["status"] for order in orders} == {"canceled"}
    assert venue.orders(live_only=True) == []
    classic = venue.accounts[0].kind is AccountKind.CLASSIC
    refused = classic and venue.knobs().open_orders_without_symbol == "refuse"
    crossed = sum(market["marginModes"]["cross"] is True for market in client.exchange.markets.values())
    assert [(done, total) for done, total, _ in steps] == ([(crossed, crossed)] if refused else [])


def test_named_symbols_are_gone_through_instead_of_all(venue: Emulator, sync_client: Client) -> None:
    rungs(venue, 2)
    orders = sync_client("cancel_all_orders", None, CROSS | {"symbols": [BTC]})
    assert len(orders) == 2


@pytest.mark.classic
def test_an_order_that_open_orders_hides_is_betrayed_by_the_balance(venue: Emulator, client: Client) -> None:
    venue.knobs(open_orders_without_symbol="refuse")
    others = rungs(venue, 1, symbol="ETHUSDT", price=2_500)
    rungs(venue, 2)
    with pytest.raises(CancelUnresolved, match="250 USDT is still frozen") as caught:
        client("cancel_all_orders", None, CROSS | QUICK | {"symbols": [BTC]})
    assert [result.outcome for result in caught.value.report.results] == [Outcome.ACCEPTED] * 2
    assert venue.order(others[0]).live


def test_orders_of_other_symbols_do_not_spoil_the_proof_for_one(venue: Emulator, client: Client) -> None:
    """Their frozen coins are known from the list of all open orders, or from the given symbols."""
    others = rungs(venue, 2, symbol="ETHUSDT", price=2_500)
    rungs(venue, 2)
    orders = client("cancel_all_orders", BTC, CROSS | {"symbols": ["ETH/USDT"]})
    assert len(orders) == 2
    assert [order.order_id for order in venue.orders(live_only=True)] == others


@pytest.mark.classic
def test_coins_that_nothing_accounts_for_are_told(venue: Emulator, client: Client) -> None:
    venue.knobs(open_orders_without_symbol="refuse")
    rungs(venue, 2, symbol="ETHUSDT", price=2_500)
    rungs(venue, 2)
    with pytest.raises(CancelUnresolved, match=r"params\['symbols'\]") as caught:
        client("cancel_all_orders", BTC, CROSS | QUICK)
    assert len(caught.value.report.results) == 2


def test_an_acknowledgement_that_never_lands_is_not_the_end(venue: Emulator, client: Client) -> None:
    rungs(venue, 3)
    venue.knobs(cancel_never_lands=2)
    assert len(client("cancel_all_orders", BTC, CROSS)) == 3
    assert venue.orders(live_only=True) == []


def test_a_wrong_key_is_told_at_once(venue: Emulator, flavour: Flavour) -> None:
    rungs(venue, 1)
    client = Client(flavour, config(venue) | {"password": "wrong"})
    venue.reset_requests()
    for symbol in (BTC, None):
        with pytest.raises(ccxt.AuthenticationError):
            client("cancel_all_orders", symbol, CROSS)
    client.close()
    assert len(venue.requests) == 2
