"""Order lists are read whole or not at all, and an order is shown by nothing but its own rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from bitget_margin.core.effects import Call, Fault, Send
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.order_row import OrderRow, RowState
from bitget_margin.core.queries import call_began_ms, fetch_orders_by_id, find_order, query_open_orders
from bitget_margin.core.responses import Page
from support.script import EPOCH_MS, SINCE_MS, START_MS, Script, fault, in_turn, page, row

OPEN, HISTORY = Endpoint.OPEN_ORDERS, Endpoint.HISTORY_ORDERS
NAMED = OrderRef("BTCUSDT", IdKind.CLIENT, "a")
BY_ORDER_ID = OrderRef("BTCUSDT", IdKind.ORDER, "12")


def ids(found: Any) -> list[str]:
    """Return the ids of what was listed."""
    assert not isinstance(found, Fault)
    return [each.order_id for each in found]


def unified_row(order_id: int) -> dict[str, Any]:
    """Return a row of a unified account."""
    return {"orderId": str(order_id), "category": "MARGIN", "symbol": "BTCUSDT", "orderStatus": "new"}


# -- open orders ------------------------------------------------------------------------------------------------------


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
    venue = Script(in_turn(page(row(12)), fault("40085"), unified))
    assert ids(venue.run(query_open_orders(venue.ctx(), "BTCUSDT"))) == ["7"]
    params = {"category": "MARGIN", "limit": "100", "symbol": "BTCUSDT"}
    assert venue.calls[2:] == [Call(Endpoint.UNIFIED_OPEN_ORDERS, params)]


def test_the_pages_of_a_unified_account_follow_its_own_cursor() -> None:
    first, second = {"list": [unified_row(7)], "cursor": "z"}, {"list": [unified_row(8)], "cursor": None}
    venue = Script(in_turn(first, second))
    found = venue.run(query_open_orders(venue.ctx(kind=AccountKind.UNIFIED), "BTCUSDT"))
    assert ids(found) == ["7", "8"]
    params = {"category": "MARGIN", "limit": "100", "symbol": "BTCUSDT"}
    assert [call.params for call in venue.calls] == [params, params | {"cursor": "z"}]


# -- many orders ------------------------------------------------------------------------------------------------------


def by_id(*numbers: int) -> list[OrderRef]:
    """Return orders that are named by their ids."""
    return [OrderRef("BTCUSDT", IdKind.ORDER, str(number)) for number in numbers]


def look(venue: Script, targets: Sequence[OrderRef]) -> dict[str, str]:
    """Return which order each was shown to be."""
    shown = venue.run(fetch_orders_by_id(venue.ctx(), "BTCUSDT", targets))
    assert not isinstance(shown, Fault)
    return {target.value: found.order_id for target, found in shown.items()}


def asked(venue: Script) -> list[tuple[Endpoint, str | None]]:
    """Return where each question went, and where its page was to begin."""
    return [(call.endpoint, dict(call.params).get("idLessThan")) for call in venue.calls]  # type: ignore[call-overload]


def full_page(newest: int, length: int = 50) -> dict[str, Any]:
    """Return a page that may have been cut off."""
    return page(*(row(newest - i) for i in range(length)))


def test_live_orders_take_one_request_that_begins_at_the_newest_of_them() -> None:
    venue = Script(in_turn(page(row(13), row(12), row(11))))
    assert look(venue, by_id(11, 13)) == {"11": "11", "13": "13"}
    params = {"symbol": "BTCUSDT", "startTime": str(SINCE_MS), "limit": "100", "idLessThan": "14"}
    assert venue.calls == [Call(OPEN, params)]


def test_what_is_not_open_is_asked_for_in_history_alone() -> None:
    """The page of history begins at the newest of those that are missing."""
    venue = Script(in_turn(page(row(13)), page(row(11, "filled"))))
    assert look(venue, by_id(11, 13)) == {"11": "11", "13": "13"}
    assert asked(venue) == [(OPEN, "14"), (HISTORY, "12")]


def test_what_neither_list_shows_is_left_out() -> None:
    venue = Script(in_turn(page()))
    assert look(venue, by_id(11)) == {}
    assert asked(venue) == [(OPEN, "12"), (HISTORY, "12")]


def test_why_the_venue_does_not_answer_is_told() -> None:
    denied = fault("40014")
    venue = Script(in_turn(page(row(13)), denied))
    assert venue.run(fetch_orders_by_id(venue.ctx(), "BTCUSDT", by_id(11, 13))) is denied


def test_with_a_client_order_id_the_newest_page_is_the_place_to_begin() -> None:
    venue = Script(in_turn(page(row(90, clientOid="a"), row(11))))
    assert look(venue, [NAMED, *by_id(11)]) == {"a": "90", "11": "11"}
    assert asked(venue) == [(OPEN, None)]


def test_pages_are_read_on_until_the_lowest_id_is_passed() -> None:
    """Not beyond it: an id below cannot be one of these."""
    venue = Script(in_turn(full_page(100), full_page(50), page()))
    assert look(venue, by_id(100, 20)) == {"100": "100", "20": "20"}
    assert asked(venue) == [(OPEN, "101"), (OPEN, "51")]
    passed = Script(in_turn(full_page(100), page(), page()))
    assert look(passed, by_id(100, 51, 70)) == {str(i): str(i) for i in (100, 51, 70)}
    missing = Script(in_turn(page(*(row(i) for i in range(100, 50, -1) if i != 70), row(49)), page()))
    assert look(missing, by_id(100, 70)) == {"100": "100"}
    assert asked(missing) == [(OPEN, "101"), (HISTORY, "71")]
    exactly = Script(in_turn(page(*(row(i) for i in range(101, 50, -1) if i != 70)), page()))
    assert look(exactly, by_id(101, 70, 51)) == {"101": "101", "51": "51"}
    assert asked(exactly) == [(OPEN, "102"), (HISTORY, "71")]


def test_a_name_is_looked_for_on_the_pages_below_the_newest() -> None:
    venue = Script(in_turn(full_page(100), page(row(50, clientOid="a"))))
    assert look(venue, [NAMED]) == {"a": "50"}
    assert asked(venue) == [(OPEN, None), (OPEN, "51")]


@pytest.mark.parametrize("length", [49, 51])
def test_a_page_that_was_hardly_cut_off_is_the_last(length: int) -> None:
    venue = Script(in_turn(full_page(100, length), page()))
    assert look(venue, [NAMED]) == {}
    assert asked(venue) == [(OPEN, None), (HISTORY, None)]


def test_a_page_that_repeats_itself_ends_the_reading() -> None:
    venue = Script(in_turn(full_page(100)))
    assert look(venue, [NAMED]) == {}
    assert asked(venue) == [(OPEN, None), (OPEN, "51"), (HISTORY, None), (HISTORY, "51")]


def test_no_list_is_read_for_more_than_ten_pages() -> None:
    def endless(call: Call) -> object:
        newest = int(dict(call.params).get("idLessThan", "100000")) - 1  # type: ignore[call-overload]
        return full_page(newest)

    venue = Script(endless)
    assert look(venue, [NAMED]) == {}
    assert [endpoint for endpoint, _ in asked(venue)] == [OPEN] * 10 + [HISTORY] * 10


def test_a_page_without_a_cursor_is_the_last() -> None:
    rows = [row(1, orderId=f"x{i}") for i in range(50)]
    venue = Script(in_turn(page(*rows), page()))
    assert look(venue, [NAMED]) == {}
    assert asked(venue) == [(OPEN, None), (HISTORY, None)]


def test_the_newest_of_a_name_is_shown_whatever_the_order_of_the_rows() -> None:
    rows = [row(7, clientOid="a"), row(9, clientOid="a"), row(8, clientOid="a")]
    assert look(Script(in_turn(page(*rows))), [NAMED]) == {"a": "9"}
    twice = [row(9, clientOid="a"), row(9, clientOid="a", status="filled")]
    venue = Script(in_turn(page(*twice)))
    shown = venue.run(fetch_orders_by_id(venue.ctx(), "BTCUSDT", [NAMED]))
    assert not isinstance(shown, Fault)
    assert shown[NAMED].state is RowState.LIVE


def test_other_symbols_and_states_that_cannot_be_read_are_not_shown() -> None:
    venue = Script(in_turn(page(row(12, symbol="ETHUSDT"), row(11, status="halfway"), row(10, clientOid=""))))
    assert look(venue, by_id(12, 11, 10)) == {"10": "10"}


def test_an_order_named_by_both_of_its_ids_is_shown_under_both() -> None:
    venue = Script(in_turn(page(row(12, clientOid="a"))))
    assert look(venue, [NAMED, *by_id(12)]) == {"a": "12", "12": "12"}


def test_a_name_is_no_order_id_and_an_order_id_no_name() -> None:
    """Even where they are spelled alike."""
    venue = Script(in_turn(page(row(12, clientOid="13"))))
    assert look(venue, [OrderRef("BTCUSDT", IdKind.CLIENT, "12"), *by_id(13)]) == {}
    assert asked(venue) == [(OPEN, None), (HISTORY, None)]


def test_a_unified_account_is_read_from_its_newest_page() -> None:
    """A cursor is the venue's own."""
    found = {"orderId": "12", "category": "MARGIN", "symbol": "BTCUSDT", "orderStatus": "new"}
    venue = Script(in_turn({"list": [found], "cursor": None}))
    shown = venue.run(fetch_orders_by_id(venue.ctx(kind=AccountKind.UNIFIED), "BTCUSDT", by_id(12)))
    assert not isinstance(shown, Fault)
    assert [target.value for target in shown] == ["12"]
    params = {"category": "MARGIN", "limit": "100", "symbol": "BTCUSDT"}
    assert venue.calls == [Call(Endpoint.UNIFIED_OPEN_ORDERS, params)]


# -- one order --------------------------------------------------------------------------------------------------------


def test_a_live_order_is_found_with_one_question() -> None:
    venue = Script(in_turn(page(row(12))))
    found = venue.run(find_order(venue.ctx(), BY_ORDER_ID))
    assert isinstance(found, OrderRow)
    assert (found.order_id, found.state) == ("12", RowState.LIVE)
    params = {"symbol": "BTCUSDT", "startTime": str(SINCE_MS), "orderId": "12"}
    assert venue.calls == [Call(Endpoint.OPEN_ORDERS, params)]


def test_an_order_that_is_not_open_is_looked_for_in_history() -> None:
    venue = Script(in_turn(page(), page(row(12, "filled"))))
    found = venue.run(find_order(venue.ctx(), BY_ORDER_ID))
    assert isinstance(found, OrderRow)
    assert found.state is RowState.FILLED
    assert [call.endpoint for call in venue.calls] == [Endpoint.OPEN_ORDERS, Endpoint.HISTORY_ORDERS]


def test_a_venue_that_does_not_know_it_in_words_is_asked_for_history_all_the_same() -> None:
    gone = fault("43001", "The order does not exist")
    venue = Script(in_turn(gone, page(row(12, "filled"))))
    assert isinstance(venue.run(find_order(venue.ctx(), BY_ORDER_ID)), OrderRow)
    nowhere = Script(in_turn(gone))
    assert nowhere.run(find_order(nowhere.ctx(), BY_ORDER_ID)) is None
    assert len(nowhere.calls) == 2


def test_why_the_venue_does_not_answer_is_told_and_not_taken_for_absence() -> None:
    denied = fault("40014")
    venue = Script(in_turn(page(), denied))
    assert venue.run(find_order(venue.ctx(), BY_ORDER_ID)) is denied


def test_rows_of_other_orders_and_other_symbols_are_not_it() -> None:
    venue = Script(in_turn(page(row(13), row(12, symbol="ETHUSDT"))))
    assert venue.run(find_order(venue.ctx(), BY_ORDER_ID)) is None


def test_of_several_under_one_name_the_newest_is_found() -> None:
    rows = [row(7, "cancelled", clientOid="a"), row(11, "cancelled", clientOid="a"), row(9, "filled", clientOid="a")]
    venue = Script(in_turn(page(), page(*rows)))
    found = venue.run(find_order(venue.ctx(), NAMED))
    assert isinstance(found, OrderRow)
    assert found.order_id == "11"
    assert venue.calls[1].params == {"symbol": "BTCUSDT", "startTime": str(SINCE_MS), "clientOid": "a"}


def test_a_unified_account_is_asked_once_for_both_lists() -> None:
    venue = Script(in_turn(fault("25204", "Order does not exist")))
    assert venue.run(find_order(venue.ctx(kind=AccountKind.UNIFIED), BY_ORDER_ID)) is None
    assert venue.calls == [Call(Endpoint.UNIFIED_ORDER, {"orderId": "12"})]
    turned = Script(in_turn(fault("40085"), fault("25204", "Order does not exist")))
    assert turned.run(find_order(turned.ctx(), BY_ORDER_ID)) is None
    assert [call.endpoint for call in turned.calls] == [Endpoint.OPEN_ORDERS, Endpoint.UNIFIED_ORDER]


def test_when_a_call_began_is_known_only_where_both_clocks_are() -> None:
    """The venue's clock, less the time from the beginning of the call to the departure of this question."""
    ctx = Script(in_turn(page())).ctx()
    send = Send(Call(Endpoint.OPEN_ORDERS, {}), 1, 1, left_ms=START_MS + 300)
    assert call_began_ms(ctx, Page((), 0, EPOCH_MS), send) == EPOCH_MS - 300
    assert call_began_ms(ctx, Page((), 0), send) is None
    send.left_ms = None
    assert call_began_ms(ctx, Page((), 0, EPOCH_MS), send) is None
