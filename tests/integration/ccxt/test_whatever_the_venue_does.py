"""Promise: outcomes are the same for every behaviour that the documents leave open."""

from typing import Any

import pytest

from bitget_margin import CancelReport, CancelUnresolved, Outcome
from bitget_margin.emulator import Emulator
from support.client import CROSS, QUICK_PACING, Client, rungs

BTC = "BTC/USDT"
UNKNOWN = "1000000000000000001"

HARMLESS: list[dict[str, Any]] = [
    {"failure_code": True},
    {"failure_text_ended": "order finished", "failure_text_unknown": "no order to cancel"},
    {"empty_lists": "null"},
    {"list_key": "resultList"},
    {"partial_status": "partial_fill"},
    {"partial_status": "partially_fill"},
    {"partial_status": "partially_filled"},
    {"language": "zh"},
    {"echo_ids": "asked"},
    {"open_orders_cap": 50},
    {"ack_delay_ms": 100},
    {"history_lag_ms": 200},
    {"omit_ids": 3},
    {"both_lists": 3},
    {"omit_refused": 2},
    {"cancel_never_lands": 2},
    {"refuse_cancels": 2},
]


@pytest.fixture
def client(client: Client) -> Client:
    """Return a client with shorter pauses than the real venue needs."""
    client.exchange.options["batchCancel"] = {"pacing": QUICK_PACING}
    return client


@pytest.mark.parametrize("knobs", HARMLESS, ids=str)
def test_every_way_leads_to_the_same_outcomes(venue: Emulator, client: Client, knobs: dict[str, Any]) -> None:
    ids = rungs(venue, 6)
    venue.fill(ids[0], "0.0004")
    venue.fill(ids[1])
    venue.cancel(ids[2])
    venue.knobs(**knobs)
    report: CancelReport = client("batch_cancel", [*ids, UNKNOWN], BTC)
    outcomes = [result.outcome for result in report.results]
    canceled = Outcome.CANCELED
    assert outcomes == [canceled, Outcome.FILLED, canceled, canceled, canceled, canceled, Outcome.NOT_FOUND]
    assert [order["filled"] for order in report.orders[:6]] == [0.0004, 0.001, 0, 0, 0, 0]
    assert venue.orders(live_only=True) == []


@pytest.mark.parametrize("knobs", [{"echo_ids": "asked"}, {"language": "zh"}, {"both_lists": 2}], ids=str)
def test_client_order_ids_fare_no_worse(venue: Emulator, client: Client, knobs: dict[str, Any]) -> None:
    ids = rungs(venue, 4, name="n")
    venue.fill(ids[0], "0.0004")
    venue.fill(ids[1])
    venue.knobs(**knobs)
    report = client("batch_cancel", (), BTC, ["n0", "n1", "n2", "n3"])
    canceled = Outcome.CANCELED
    assert [result.outcome for result in report.results] == [canceled, Outcome.FILLED, canceled, canceled]
    assert [result.id for result in report.results] == ids
    assert venue.orders(live_only=True) == []


def test_names_left_out_of_both_lists_are_found_by_when_their_orders_ended(venue: Emulator, client: Client) -> None:
    ids = rungs(venue, 2, name="n")
    venue.knobs(omit_ids=2)
    report = client("batch_cancel", (), BTC, ["n0", "n1"])
    assert [(result.id, result.outcome) for result in report.results] == [(i, Outcome.CANCELED) for i in ids]


def test_a_fill_that_wins_the_race_is_a_fill(venue: Emulator, client: Client) -> None:
    ids = rungs(venue, 3)
    venue.knobs(fill_wins=2)
    report = client("batch_cancel", ids, BTC)
    assert [result.outcome for result in report.results] == [Outcome.FILLED, Outcome.FILLED, Outcome.CANCELED]
    assert [order["filled"] for order in report.orders] == [0.001, 0.001, 0]


def test_without_confirmation_a_fill_that_wins_is_not_called_cancelled(venue: Emulator, client: Client) -> None:
    ids = rungs(venue, 1)
    venue.knobs(fill_wins=1)
    (order,) = client("cancel_orders", ids, BTC, CROSS)
    assert order["status"] is None


@pytest.mark.classic
def test_all_failed_at_the_top_level_is_read_item_by_item(venue: Emulator, client: Client) -> None:
    ids = rungs(venue, 2)
    venue.fill(ids[0])
    venue.cancel(ids[1])
    venue.knobs(all_failed="43001")
    report = client("batch_cancel", [*ids, UNKNOWN], BTC)
    assert [result.outcome for result in report.results] == [Outcome.FILLED, Outcome.CANCELED, Outcome.NOT_FOUND]
    assert {result.code for result in report.results} == {"43001"}


def test_an_order_that_will_not_be_cancelled_is_open_with_the_venues_words(venue: Emulator, client: Client) -> None:
    ids = rungs(venue, 2)
    venue.knobs(refuse_cancels=4)
    report = client("batch_cancel", ids, BTC)
    assert [result.outcome for result in report.results] == [Outcome.OPEN] * 2
    assert {result.reason for result in report.results} == {"Cancel order error"}
    assert [order["status"] for order in report.orders] == ["open"] * 2
    assert all("Cancel order error" in order["info"].values() for order in report.orders)
    assert not report.ok
    assert len(venue.orders(live_only=True)) == 2


def test_one_order_is_cancelled_no_more_than_once_per_second(venue: Emulator, sync_client: Client) -> None:
    """The venue's code for this is 45129."""
    ids = rungs(venue, 2)
    venue.knobs(cancel_once_per_second=True, refuse_cancels=1)
    report = sync_client("batch_cancel", ids, BTC)
    assert report.ok
    batches = ("batch-cancel-order", "cancel-batch")
    attempts = [record.at_ms for record in venue.requests if record.path.endswith(batches)]
    assert len(attempts) == 2
    assert attempts[1] - attempts[0] >= 1_000


def test_acknowledged_and_still_alive_at_the_deadline_is_unknown(venue: Emulator, client: Client) -> None:
    ids = rungs(venue, 2)
    venue.knobs(cancel_never_lands=1_000)
    with pytest.raises(CancelUnresolved) as caught:
        client("batch_cancel", ids, BTC, params={"timeout": 1_200})
    assert [result.outcome for result in caught.value.report.results] == [Outcome.UNKNOWN] * 2
    assert [order["status"] for order in caught.value.report.orders] == ["open"] * 2
    assert len(venue.orders(live_only=True)) == 2


@pytest.mark.classic
def test_history_that_lags_past_the_deadline_leaves_unknown(venue: Emulator, client: Client) -> None:
    ids = rungs(venue, 2)
    venue.fill(ids[0])
    venue.knobs(history_lag_ms=60_000)
    with pytest.raises(CancelUnresolved) as caught:
        client("batch_cancel", ids, BTC, params={"timeout": 1_200})
    assert {result.outcome for result in caught.value.report.results} == {Outcome.UNKNOWN}


@pytest.mark.classic
def test_a_burst_of_429_is_waited_out(venue: Emulator, client: Client) -> None:
    """Another program on the UID has used up the window."""
    ids = rungs(venue, 2)
    other = Client.stock(venue)
    for _ in range(10):
        other.private_margin_post_v2_margin_crossed_batch_cancel_order(
            {"symbol": "BTCUSDT", "orderIdList": [{"orderId": UNKNOWN}]},
        )
    report = client("batch_cancel", ids, BTC)
    assert report.ok
    assert 429 in {record.status for record in venue.requests}
    assert venue.orders(live_only=True) == []
