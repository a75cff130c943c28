"""Orders are looked at in few requests, and nothing but their own rows is shown of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from bitget_margin.core.effects import Call, Fault
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.order_row import RowState
from bitget_margin.core.queries import fetch_orders_by_id
from support.script import EPOCH_MS, ROUND_TRIP_MS, SINCE_MS, Script, fault, in_turn, page, row

OPEN, HISTORY = Endpoint.OPEN_ORDERS, Endpoint.HISTORY_ORDERS
NAMED = OrderRef("BTCUSDT", IdKind.CLIENT, "a")


def by_id(*numbers: int) -> list[OrderRef]:
    """Return orders that are named by their ids."""
    return [OrderRef("BTCUSDT", IdKind.ORDER, str(number)) for number in numbers]


def look(venue: Script, targets: Sequence[OrderRef], **how: Any) -> dict[str, str]:
    """Return which order each was shown to be."""
    shown = venue.run(fetch_orders_by_id(venue.ctx(), "BTCUSDT", targets, **how))
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


@pytest.mark.parametrize(("created", "counts"), [(-2, False), (-1, True), (50, True)])
def test_an_ended_order_of_a_name_counts_only_if_it_was_placed_in_this_call(created: int, counts: bool) -> None:
    """By the venue's own clock: the answer came ten milliseconds after the question left."""
    began = EPOCH_MS + int(ROUND_TRIP_MS)
    ended = row(12, "cancelled", clientOid="a", cTime=str(began + created))
    venue = Script(in_turn(page(), page(ended)))
    assert look(venue, [NAMED], placed_in_call=True) == ({"a": "12"} if counts else {})


def test_a_live_order_of_a_name_counts_whenever_it_was_placed() -> None:
    venue = Script(in_turn(page(row(12, clientOid="a"))))
    assert look(venue, [NAMED], placed_in_call=True) == {"a": "12"}
    ended = Script(in_turn(page(), page(row(12, "filled", clientOid="a"))))
    assert look(ended, [NAMED]) == {"a": "12"}


def test_a_unified_account_is_read_from_its_newest_page() -> None:
    """A cursor is the venue's own."""
    found = {"orderId": "12", "category": "MARGIN", "symbol": "BTCUSDT", "orderStatus": "new"}
    venue = Script(in_turn({"list": [found], "cursor": None}))
    shown = venue.run(fetch_orders_by_id(venue.ctx(kind=AccountKind.UNIFIED), "BTCUSDT", by_id(12)))
    assert not isinstance(shown, Fault)
    assert [target.value for target in shown] == ["12"]
    params = {"category": "MARGIN", "limit": "100", "symbol": "BTCUSDT"}
    assert venue.calls == [Call(Endpoint.UNIFIED_OPEN_ORDERS, params)]
