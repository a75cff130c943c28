"""A list of the open orders is the whole list, or it is none."""

from __future__ import annotations

from typing import Any

from bitget_margin.core.effects import Call, Fault
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.queries import query_open_orders
from support.script import SINCE_MS, Script, fault, in_turn, page, row


def ids(found: Any) -> list[str]:
    """Return the ids of what was listed."""
    assert not isinstance(found, Fault)
    return [each.order_id for each in found]


def unified_row(order_id: int) -> dict[str, Any]:
    """Return a row of a unified account."""
    return {"orderId": str(order_id), "category": "MARGIN", "symbol": "BTCUSDT", "orderStatus": "new"}


def test_pages_are_read_until_one_brings_nothing_new() -> None:
    """A short page is not taken for the last one; each begins below the lowest id so far."""
    venue = Script(in_turn(page(row(12), row(11)), page(row(9)), page(row(9))))
    assert ids(venue.run(query_open_orders(venue.ctx(), "BTCUSDT"))) == ["12", "11", "9"]
    params = {"symbol": "BTCUSDT", "startTime": str(SINCE_MS), "limit": "100"}
    assert [call.params for call in venue.calls] == [
        params,
        params | {"idLessThan": "11"},
        params | {"idLessThan": "9"},
    ]
    assert {call.endpoint for call in venue.calls} == {Endpoint.OPEN_ORDERS}


def test_nothing_open_is_one_question() -> None:
    venue = Script(in_turn(page()))
    assert ids(venue.run(query_open_orders(venue.ctx(), "BTCUSDT"))) == []
    assert len(venue.calls) == 1


def test_rows_without_a_number_lead_to_no_other_page() -> None:
    venue = Script(in_turn(page(row(12, orderId="x"))))
    assert ids(venue.run(query_open_orders(venue.ctx(), "BTCUSDT"))) == ["x"]
    assert len(venue.calls) == 1


def test_a_caller_may_stop_at_so_many_and_begin_elsewhere() -> None:
    venue = Script(in_turn(page(row(12), row(11)), page(row(10), row(9)), page()))
    assert ids(venue.run(query_open_orders(venue.ctx(), "BTCUSDT", since_ms=7, at_most=3))) == ["12", "11", "10", "9"]
    assert [call.params["startTime"] for call in venue.calls if isinstance(call.params, dict)] == ["7", "7"]
    exact = Script(in_turn(page(row(12), row(11)), page(row(10))))
    assert ids(exact.run(query_open_orders(exact.ctx(), "BTCUSDT", at_most=2))) == ["12", "11"]
    assert len(exact.calls) == 1


def test_orders_of_other_symbols_are_left_out_unless_all_were_asked_for() -> None:
    rows = page(row(12), row(11, symbol="ETHUSDT"))
    venue = Script(in_turn(rows))
    assert ids(venue.run(query_open_orders(venue.ctx(), "BTCUSDT"))) == ["12"]
    everything = Script(in_turn(rows))
    assert ids(everything.run(query_open_orders(everything.ctx(), None))) == ["12", "11"]
    assert everything.calls[0].params == {"startTime": str(SINCE_MS), "limit": "100"}


def test_a_page_with_a_row_that_cannot_be_read_is_asked_for_again() -> None:
    """It may be an order that lives."""
    venue = Script(in_turn(page(row(12), {"orderId": "11"}), page(row(12), row(11)), page()))
    assert ids(venue.run(query_open_orders(venue.ctx(), "BTCUSDT"))) == ["12", "11"]
    assert venue.waits == [150]
    never = Script(in_turn(page(row(12), {"orderId": "11"})))
    assert isinstance(never.run(query_open_orders(never.ctx(timeout_ms=1_000), "BTCUSDT")), Fault)


def test_half_a_list_is_none() -> None:
    denied = fault("40014")
    venue = Script(in_turn(page(row(12)), denied))
    assert venue.run(query_open_orders(venue.ctx(), "BTCUSDT")) is denied


def test_a_venue_that_wants_a_symbol_says_so_in_doubtful_codes_too() -> None:
    """40808 may mean a release window; without a symbol, it means symbol by symbol."""
    wants = fault("40808", "Parameter verification exception")
    venue = Script(in_turn(wants, page()))
    assert venue.run(query_open_orders(venue.ctx(), None)) is wants
    named = Script(in_turn(wants, page()))
    assert ids(named.run(query_open_orders(named.ctx(), "BTCUSDT"))) == []


def test_an_account_that_turns_out_another_one_is_listed_from_the_beginning() -> None:
    """What the other endpoints showed is not its own, and neither is their cursor."""
    unified = {"list": [unified_row(7)], "cursor": None}
    venue = Script(in_turn(page(row(12)), fault("40085"), unified, unified))
    assert ids(venue.run(query_open_orders(venue.ctx(), "BTCUSDT"))) == ["7"]
    params = {"category": "MARGIN", "limit": "100", "symbol": "BTCUSDT"}
    assert venue.calls[2:] == [Call(Endpoint.UNIFIED_OPEN_ORDERS, params)] * 2


def test_the_pages_of_a_unified_account_follow_its_own_cursor() -> None:
    first, second = {"list": [unified_row(7)], "cursor": "z"}, {"list": [unified_row(8)], "cursor": None}
    venue = Script(in_turn(first, second))
    found = venue.run(query_open_orders(venue.ctx(kind=AccountKind.UNIFIED), "BTCUSDT"))
    assert ids(found) == ["7", "8"]
    params = {"category": "MARGIN", "limit": "100", "symbol": "BTCUSDT"}
    assert [call.params for call in venue.calls] == [params, params | {"cursor": "z"}]
