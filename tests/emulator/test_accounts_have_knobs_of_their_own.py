"""Promise: accounts on one venue can be treated differently, and looked at one by one."""

import pytest

from bitget_margin.emulator import Emulator
from bitget_margin.emulator.messages import RequestHistory, RequestRecord

from .admin import admin
from .client import Client


def test_knobs_of_one_account_hold_for_it_alone(venue: Emulator, client: Client, other: Client) -> None:
    venue.knobs("1001", list_key="resultList", language="zh")
    assert "resultList" in client.open_orders().data
    assert "orderList" in other.open_orders().data
    assert client.place(symbol=None).content["msg"] == "参数 symbol 不能为空"
    assert other.place(symbol=None).content["msg"] == "Parameter symbol cannot be empty"
    assert (venue.knobs("1001").list_key, venue.knobs("1002").list_key, venue.knobs().list_key) == (
        "resultList",
        "orderList",
        "orderList",
    )


def test_own_knobs_begin_as_a_copy_of_the_general_ones(venue: Emulator) -> None:
    venue.knobs(open_orders_cap=5)
    assert venue.knobs("1001", list_key="resultList").open_orders_cap == 5
    venue.knobs(open_orders_cap=6)
    assert (venue.knobs("1001").open_orders_cap, venue.knobs("1002").open_orders_cap) == (5, 6)
    venue.reset_knobs("1001")
    assert venue.knobs("1001") == venue.knobs()


def test_reading_knobs_of_an_account_makes_no_own_ones(venue: Emulator) -> None:
    venue.knobs("1001")
    with pytest.raises(ValueError, match="no knob is named nope"):
        venue.knobs("1001", nope=1)
    venue.knobs(open_orders_cap=6)
    assert venue.knobs("1001").open_orders_cap == 6


def test_counts_of_one_account_are_used_up_by_it_alone(venue: Emulator, client: Client, other: Client) -> None:
    first, second = client.placed(), other.placed()
    venue.knobs("1001", cancel_never_lands=1)
    other.cancel_batch(second)
    client.cancel_batch(first)
    assert (venue.order(first).live, venue.order(second).live) == (True, False)
    assert venue.knobs("1001").cancel_never_lands == 0


def test_latency_of_one_account_does_not_affect_others(venue: Emulator, client: Client, other: Client) -> None:
    venue.knobs("1001", latency_ms=10_000)
    client._connection.timeout = 0.05
    with pytest.raises(TimeoutError):
        client.open_orders()
    assert other.open_orders().status == 200


def test_unknown_accounts_are_refused(venue: Emulator) -> None:
    for act in (venue.knobs, venue.reset_knobs, venue.requests_of, venue.clear_faults):
        with pytest.raises(ValueError, match="there is no account 9; there are 1001, 1002"):
            act("9")


def test_admin_turns_knobs_of_one_account(venue: Emulator) -> None:
    status, knobs = admin(venue, "knobs", {"uid": "1001", "open_orders_cap": 7})
    assert (status, knobs["open_orders_cap"]) == (200, 7)
    assert admin(venue, "knobs?uid=1001")[1]["open_orders_cap"] == 7
    assert admin(venue, "knobs")[1]["open_orders_cap"] == 100
    assert admin(venue, "knobs/reset", {"uid": "1001"})[1]["open_orders_cap"] == 100
    assert venue.knobs("1001") == venue.knobs()
    assert admin(venue, "knobs", {"uid": ["1001"], "open_orders_cap": 7}) == (
        400,
        {"error": "uid must be text, not ['1001']"},
    )
    assert admin(venue, "knobs/reset", {})[1]["error"] == "missing: uid"


def test_requests_and_orders_of_one_account(venue: Emulator, client: Client, other: Client) -> None:
    client.open_orders()
    order_id = other.placed()
    client.get("/api/v2/public/time")
    assert [record.method for record in venue.requests_of("1001")] == ["GET"]
    assert [record.method for record in venue.requests_of("1002")] == ["POST"]
    assert len(venue.requests) == 3
    assert [record["uid"] for record in admin(venue, "requests?uid=1002")[1]] == ["1002"]
    assert [order["orderId"] for order in admin(venue, "orders?uid=1002")[1]] == [order_id]
    venue.reset_requests()
    assert venue.requests_of("1001") == ()


def test_old_requests_are_forgotten_everywhere() -> None:
    records = RequestHistory(3)
    for at_ms, uid in enumerate(("1", "2", "1", "1", "2")):
        records.add(RequestRecord(at_ms, uid, "GET", "/", "", "", 200, executed=True, fault=None))
    assert [record.at_ms for record in records.all()] == [2, 3, 4]
    assert [record.at_ms for record in records.of("1")] == [2, 3]
    assert [record.at_ms for record in records.of("2")] == [4]
