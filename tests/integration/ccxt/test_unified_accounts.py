"""Promise: the account kind comes from the venue, once, and is never guessed from a failure."""

from collections.abc import Iterator
from typing import Any

import ccxt
import pytest

from bitget_margin import CancelReport, Outcome, report_of
from bitget_margin.emulator import Account, AccountKind, Emulator, FaultKind
from support.broken import broken_venue, resetting
from support.client import CROSS, Client, Flavour, config, rungs

pytestmark = pytest.mark.classic  # these bring accounts of their own
BTC = "BTC/USDT"
UNKNOWN = {"uta": None}


@pytest.fixture
def unified() -> Iterator[Emulator]:
    """Run an emulator with a unified account."""
    with Emulator(accounts=(Account(kind=AccountKind.UNIFIED),)) as running:
        yield running
    assert running.errors == ()


@pytest.fixture
def unaware(unified: Emulator, flavour: Flavour) -> Iterator[Client]:
    """Return a client that does not know its account kind."""
    made = Client(flavour, config(unified, options=UNKNOWN))
    unified.reset_requests()
    yield made
    made.close()


def sent(venue: Emulator) -> list[str]:
    return [record.path for record in venue.requests if record.uid]


def test_the_first_refusal_tells_the_kind_and_the_call_goes_on(unified: Emulator, unaware: Client) -> None:
    ids = rungs(unified, 3)
    report: CancelReport = unaware("batch_cancel", ids, BTC)
    assert report.ok
    assert sent(unified)[:2] == ["/api/v2/margin/crossed/batch-cancel-order", "/api/v3/trade/cancel-batch"]
    assert unaware.exchange.options["uta"] is True
    unified.reset_requests()
    assert unaware("batch_cancel", rungs(unified, 1), BTC).ok
    assert not any("/v2/" in path for path in sent(unified))


def test_a_wrong_choice_is_corrected_by_the_venue(venue: Emulator, flavour: Flavour) -> None:
    client = Client(flavour, config(venue, options={"uta": True}))
    ids = rungs(venue, 2)
    assert client("batch_cancel", ids, BTC).ok
    assert client.exchange.options["uta"] is False
    client.close()


def test_every_question_learns_it_too(unified: Emulator, flavour: Flavour) -> None:
    (order_id,) = rungs(unified, 1, name="one")
    queries: list[tuple[str, tuple[Any, ...]]] = [
        ("fetch_order", (order_id, BTC, CROSS)),
        ("fetch_open_orders", (BTC, None, None, CROSS)),
        ("fetch_balance", (CROSS,)),
        ("cancel_all_orders", (BTC, CROSS)),
        ("create_order", (BTC, "limit", "buy", 0.001, 30_000, CROSS)),
        ("create_orders", ([{"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.001, "price": 30_000}], CROSS)),
    ]
    for method, arguments in queries:
        client = Client(flavour, config(unified, options=UNKNOWN))
        client(method, *arguments)
        assert client.exchange.options["uta"] is True, method
        client.close()
    assert len(unified.orders(live_only=True)) == 2


def test_an_account_that_turns_unified_in_the_middle_keeps_its_promise(venue: Emulator, client: Client) -> None:
    ids = rungs(venue, 60)
    client("cancel_orders", ids[:30], BTC, CROSS)
    venue.turn(venue.accounts[0].uid, AccountKind.UNIFIED)
    report: CancelReport = client("batch_cancel", ids, BTC)
    assert [result.outcome for result in report.results] == [Outcome.CANCELED] * 60
    assert client.exchange.options["uta"] is True


def test_two_answers_that_contradict_each_other_end_the_call_and_not_in_circles(
    venue: Emulator, client: Client
) -> None:
    ids = rungs(venue, 2)
    venue.add_fault(FaultKind.UNIFIED, path="batch-cancel-order")
    with pytest.raises(ccxt.BaseError, match=r"4008[45]") as caught:
        client("batch_cancel", ids, BTC)
    report = report_of(caught.value)
    assert report is not None
    assert {result.outcome for result in report.results} == {Outcome.NOT_SENT}
    assert len(venue.orders(live_only=True)) == 2
    assert len(venue.requests) <= 4


def test_ccxts_own_question_for_the_kind_is_not_answered_by_a_failure(flavour: Flavour, venue: Emulator) -> None:
    """Stock ccxt treats a lost connection as a classic account."""
    with broken_venue(resetting) as url:
        client = Client(flavour, config(venue, options={**UNKNOWN, "batchCancel": {"timeout": 300}}))
        client.exchange.urls["api"]["uta"] = url
        with pytest.raises(ccxt.NetworkError):
            client("handle_uta_and_params", {}, "fetchBalance")
        assert client.exchange.options["uta"] is None
        client.close()


@pytest.mark.parametrize("truth", list(AccountKind))
def test_ccxts_own_question_for_the_kind_is_answered_by_the_venue(flavour: Flavour, truth: AccountKind) -> None:
    with Emulator(accounts=(Account(kind=truth),)) as venue:
        client = Client(flavour, config(venue, options=UNKNOWN))
        venue.reset_requests()
        for _ in range(2):
            assert client("handle_uta_and_params", {"a": 1}, "fetchBalance") == [truth is AccountKind.UNIFIED, {"a": 1}]
        assert sent(venue) == ["/api/v3/account/settings"]
        client.close()


def test_a_margin_order_of_a_unified_account_is_parsed_like_a_classic_one(unified: Emulator, flavour: Flavour) -> None:
    client = Client(flavour, config(unified))
    (order_id,) = rungs(unified, 1, name="one")
    unified.fill(order_id, "0.0004")
    order = client("fetch_order", order_id, BTC, CROSS)
    truth = unified.order(order_id)
    assert (order["id"], order["clientOrderId"], order["symbol"]) == (order_id, "one0", BTC)
    assert (order["status"], order["side"], order["type"]) == ("open", "buy", "limit")
    assert (order["amount"], order["filled"], order["remaining"]) == (0.001, 0.0004, 0.0006)
    assert (order["price"], order["average"]) == (float(truth.price), float(truth.quote_filled / truth.filled))
    assert order["cost"] == float(truth.quote_filled)
    assert order["fee"]["currency"] == "BTC"
    assert order["fee"]["cost"] > 0
    assert order["info"]["category"] == "MARGIN"
    (trade,) = client("fetch_my_trades", BTC, None, None, CROSS)
    assert (trade["order"], trade["amount"], trade["fee"]["currency"]) == (order_id, 0.0004, "BTC")
    assert trade["fee"]["cost"] > 0
    client.close()
