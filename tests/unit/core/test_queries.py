"""Order lists are read whole or not at all, and an order is shown by nothing but its own rows."""

from collections.abc import Sequence
from typing import Any

import pytest

from bitget_margin.core.effects import Call, Fault, Flow, Send, run_concurrently
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.order_ref import OrderRef
from bitget_margin.core.order_row import OrderRow, RowState
from bitget_margin.core.queries import Pager, call_began_ms, fetch_orders_by_id, find_order, query_open_orders
from bitget_margin.core.requests import query
from bitget_margin.core.responses import Listing, Page
from support.script import EPOCH_MS, SINCE_MS, START_MS, Script, by_id, by_name, fault, in_turn, page, row

OPEN, HISTORY = Endpoint.OPEN_ORDERS, Endpoint.HISTORY_ORDERS
NAMED = by_name("a")
(BY_ORDER_ID,) = by_id(12)


def opened(venue: Script, symbol: str | None = "BTCUSDT", **how: Any) -> list[str] | Fault:
    """Return the ids of the open orders, or the fault."""
    found = venue.run(query_open_orders(venue.ctx(), symbol, **how))
    return found if isinstance(found, Fault) else [each.order_id for each in found]


def unified_row(order_id: int) -> dict[str, Any]:
    """Return a row of a unified account."""
    return {"orderId": str(order_id), "category": "MARGIN", "symbol": "BTCUSDT", "orderStatus": "new"}


# -- open orders ------------------------------------------------------------------------------------------------------

PARAMS = {"symbol": "BTCUSDT", "startTime": str(SINCE_MS), "limit": "100"}
UNIFIED_PARAMS = {"category": "MARGIN", "limit": "100", "symbol": "BTCUSDT"}


def test_pages_are_read_until_one_brings_nothing_new() -> None:
    """A short page is not taken for the last one; each begins below the lowest id so far."""
    venue = Script(in_turn(page(row(12), row(11)), page(row(9)), page(row(9))))
    assert opened(venue) == ["12", "11", "9"]
    cursors: list[dict[str, str]] = [{}, {"idLessThan": "11"}, {"idLessThan": "9"}]
    assert venue.calls == [Call(OPEN, PARAMS | cursor) for cursor in cursors]


@pytest.mark.parametrize("rows", [[], [row(12, orderId="x")]], ids=["empty", "no number"])
def test_a_page_without_a_number_leads_to_no_other_page(rows: list[Any]) -> None:
    venue = Script(in_turn(page(*rows)))
    assert opened(venue) == [raw["orderId"] for raw in rows]
    assert len(venue.calls) == 1


def test_a_caller_may_stop_at_so_many_and_begin_elsewhere() -> None:
    venue = Script(in_turn(page(row(12), row(11)), page(row(10), row(9)), page()))
    assert opened(venue, since_ms=7, at_most=3) == ["12", "11", "10", "9"]
    assert [call.params["startTime"] for call in venue.calls if isinstance(call.params, dict)] == ["7", "7"]
    exact = Script(in_turn(page(row(12), row(11)), page(row(10))))
    assert opened(exact, at_most=2) == ["12", "11"]
    assert len(exact.calls) == 1


def test_orders_of_other_symbols_are_left_out_unless_all_were_asked_for() -> None:
    rows = page(row(12), row(11, symbol="ETHUSDT"))
    assert opened(Script(in_turn(rows))) == ["12"]
    everything = Script(in_turn(rows))
    assert opened(everything, None) == ["12", "11"]
    assert everything.calls[0].params == {"startTime": str(SINCE_MS), "limit": "100"}


def test_a_page_with_a_row_that_cannot_be_read_is_asked_for_again() -> None:
    """It may be an order that lives."""
    unreadable = page(row(12), {"orderId": "11"})
    venue = Script(in_turn(unreadable, page(row(12), row(11)), page()))
    assert opened(venue) == ["12", "11"]
    assert venue.waits == [150]
    assert isinstance(opened(Script(in_turn(unreadable))), Fault)


def test_half_a_list_is_none() -> None:
    denied = fault("40014")
    assert opened(Script(in_turn(page(row(12)), denied))) is denied


def test_a_venue_that_wants_a_symbol_says_so_in_doubtful_codes_too() -> None:
    """40808 may mean a release window; without a symbol, it means symbol by symbol."""
    wants = fault("40808", "Parameter verification exception")
    assert opened(Script(in_turn(wants, page())), None) is wants
    assert opened(Script(in_turn(wants, page()))) == []


def test_an_account_that_turns_out_another_one_is_listed_from_the_beginning() -> None:
    """What the other endpoints showed is not its own, and neither is their cursor; its own cursor is followed."""
    first, second = {"list": [unified_row(7)], "cursor": "z"}, {"list": [unified_row(8)], "cursor": None}
    venue = Script(in_turn(page(row(12)), fault("40085"), first, second))
    assert opened(venue) == ["7", "8"]
    cursors: list[dict[str, str]] = [{}, {"cursor": "z"}]
    assert venue.calls[2:] == [Call(Endpoint.UNIFIED_OPEN_ORDERS, UNIFIED_PARAMS | cursor) for cursor in cursors]


def test_a_page_of_the_former_account_kind_is_dropped() -> None:
    """Another request of the same call may learn the kind while a page is on its way."""

    def respond(call: Call) -> object:
        if call.endpoint.kind is AccountKind.UNIFIED:
            return {"list": [unified_row(7)], "cursor": None, "assets": []}
        return fault("40085") if call.endpoint is Endpoint.ASSETS else page(row(12, orderId="x"))

    venue = Script(respond)
    ctx = venue.ctx()
    assets: Flow[Any] = query(ctx, lambda api: api.assets_request(None), lambda api: api.read_assets)
    _, rows = venue.run(run_concurrently([assets, query_open_orders(ctx, "BTCUSDT")]))
    assert [each.order_id for each in rows] == ["7"]


def test_a_list_with_a_row_that_cannot_be_read_is_not_whole_however_it_ends() -> None:
    venue = Script(in_turn(page(row(12), {"orderId": "11"}), page()))
    pager = Pager(venue.ctx(), Listing.OPEN, "BTCUSDT", SINCE_MS)
    while venue.run(pager.next_page()) is not None:
        pass
    assert (pager.at_end, pager.is_whole, list(pager.rows)) == (True, False, ["12"])


# -- many orders ------------------------------------------------------------------------------------------------------


def fetch(venue: Script, targets: Sequence[OrderRef], kind: AccountKind = AccountKind.CLASSIC) -> dict[str, str]:
    """Return the order id that is shown for each reference."""
    shown = venue.run(fetch_orders_by_id(venue.ctx(kind=kind), "BTCUSDT", targets))
    assert not isinstance(shown, Fault)
    return {target.value: found.order_id for target, found in shown.items()}


def queried(venue: Script) -> list[tuple[Endpoint, str | None]]:
    """Return the endpoint and the cursor of each query."""
    return [(call.endpoint, dict(call.params).get("idLessThan")) for call in venue.calls]  # type: ignore[call-overload]


def full_page(newest: int, length: int = 50) -> dict[str, Any]:
    """Return a page that may have been cut off."""
    return page(*(row(newest - i) for i in range(length)))


def test_live_orders_take_one_request_that_begins_at_the_newest_of_them() -> None:
    venue = Script(in_turn(page(row(13), row(12), row(11))))
    assert fetch(venue, by_id(11, 13)) == {"11": "11", "13": "13"}
    params = {"symbol": "BTCUSDT", "startTime": str(SINCE_MS), "limit": "100", "idLessThan": "14"}
    assert venue.calls == [Call(OPEN, params)]


def test_what_is_not_open_is_asked_for_in_history_alone() -> None:
    """The page of history begins at the newest of those that are missing."""
    venue = Script(in_turn(page(row(13)), page(row(11, "filled"))))
    assert fetch(venue, by_id(11, 13)) == {"11": "11", "13": "13"}
    assert queried(venue) == [(OPEN, "14"), (HISTORY, "12")]


def test_what_neither_list_shows_is_left_out() -> None:
    venue = Script(in_turn(page()))
    assert fetch(venue, by_id(11)) == {}
    assert queried(venue) == [(OPEN, "12"), (HISTORY, "12")]


def test_why_the_venue_does_not_answer_is_told() -> None:
    denied = fault("40014")
    venue = Script(in_turn(page(row(13)), denied))
    assert venue.run(fetch_orders_by_id(venue.ctx(), "BTCUSDT", by_id(11, 13))) is denied


def test_a_list_that_is_lost_on_its_way_is_asked_for_again() -> None:
    venue = Script(in_turn(fault(), page(row(11)), page()))
    assert fetch(venue, by_id(11)) == {"11": "11"}
    assert (queried(venue), venue.waits) == ([(OPEN, "12"), (OPEN, "12")], [150])


def test_with_a_client_order_id_the_newest_page_is_the_place_to_begin() -> None:
    venue = Script(in_turn(page(row(90, clientOid="a"), row(11))))
    assert fetch(venue, [NAMED, *by_id(11)]) == {"a": "90", "11": "11"}
    assert queried(venue) == [(OPEN, None)]


def test_pages_are_read_on_until_the_lowest_id_is_passed() -> None:
    """Not beyond it: an id below cannot be one of these."""
    venue = Script(in_turn(full_page(100), full_page(50), page()))
    assert fetch(venue, by_id(100, 20)) == {"100": "100", "20": "20"}
    assert queried(venue) == [(OPEN, "101"), (OPEN, "51")]
    passed = Script(in_turn(full_page(100), page(), page()))
    assert fetch(passed, by_id(100, 51, 70)) == {str(i): str(i) for i in (100, 51, 70)}
    missing = Script(in_turn(page(*(row(i) for i in range(100, 50, -1) if i != 70), row(49)), page()))
    assert fetch(missing, by_id(100, 70)) == {"100": "100"}
    assert queried(missing) == [(OPEN, "101"), (HISTORY, "71")]
    exactly = Script(in_turn(page(*(row(i) for i in range(101, 50, -1) if i != 70)), page()))
    assert fetch(exactly, by_id(101, 70, 51)) == {"101": "101", "51": "51"}
    assert queried(exactly) == [(OPEN, "102"), (HISTORY, "71")]


def test_a_name_is_looked_for_on_the_pages_below_the_newest() -> None:
    venue = Script(in_turn(full_page(100), page(row(50, clientOid="a"))))
    assert fetch(venue, [NAMED]) == {"a": "50"}
    assert queried(venue) == [(OPEN, None), (OPEN, "51")]


@pytest.mark.parametrize("length", [49, 51])
def test_a_page_that_was_hardly_cut_off_is_the_last(length: int) -> None:
    venue = Script(in_turn(full_page(100, length), page()))
    assert fetch(venue, [NAMED]) == {}
    assert queried(venue) == [(OPEN, None), (HISTORY, None)]


def test_a_page_that_repeats_itself_ends_the_reading() -> None:
    venue = Script(in_turn(full_page(100)))
    assert fetch(venue, [NAMED]) == {}
    assert queried(venue) == [(OPEN, None), (OPEN, "51"), (HISTORY, None), (HISTORY, "51")]


def test_no_list_is_read_for_more_than_ten_pages() -> None:
    def endless(call: Call) -> object:
        newest = int(dict(call.params).get("idLessThan", "100000")) - 1  # type: ignore[call-overload]
        return full_page(newest)

    venue = Script(endless)
    assert fetch(venue, [NAMED]) == {}
    assert [endpoint for endpoint, _ in queried(venue)] == [OPEN] * 10 + [HISTORY] * 10


def test_the_newest_of_a_name_is_shown_whatever_the_order_of_the_rows() -> None:
    rows = [row(7, clientOid="a"), row(9, clientOid="a"), row(8, clientOid="a")]
    assert fetch(Script(in_turn(page(*rows))), [NAMED]) == {"a": "9"}
    twice = [row(9, clientOid="a"), row(9, clientOid="a", status="filled")]
    venue = Script(in_turn(page(*twice)))
    shown = venue.run(fetch_orders_by_id(venue.ctx(), "BTCUSDT", [NAMED]))
    assert not isinstance(shown, Fault)
    assert shown[NAMED].state is RowState.LIVE


def test_other_symbols_and_states_that_cannot_be_read_are_not_shown() -> None:
    venue = Script(in_turn(page(row(12, symbol="ETHUSDT"), row(11, status="halfway"), row(10, clientOid=""))))
    assert fetch(venue, by_id(12, 11, 10)) == {"10": "10"}


def test_an_order_named_by_both_of_its_ids_is_shown_under_both() -> None:
    venue = Script(in_turn(page(row(12, clientOid="a"))))
    assert fetch(venue, [NAMED, *by_id(12)]) == {"a": "12", "12": "12"}


def test_a_name_is_no_order_id_and_an_order_id_no_name() -> None:
    """Even where they are spelled alike."""
    venue = Script(in_turn(page(row(12, clientOid="13"))))
    assert fetch(venue, [by_name("12"), *by_id(13)]) == {}
    assert queried(venue) == [(OPEN, None), (HISTORY, None)]


def test_a_unified_account_is_read_from_its_newest_page() -> None:
    """A cursor is the venue's own."""
    venue = Script(in_turn({"list": [unified_row(12)], "cursor": None}))
    assert fetch(venue, by_id(12), AccountKind.UNIFIED) == {"12": "12"}
    assert venue.calls == [Call(Endpoint.UNIFIED_OPEN_ORDERS, UNIFIED_PARAMS)]


# -- one order --------------------------------------------------------------------------------------------------------


def find(venue: Script, target: OrderRef = BY_ORDER_ID, kind: AccountKind = AccountKind.CLASSIC) -> Any:
    """Return the order id and the state of the row that is found, None, or the fault."""
    found = venue.run(find_order(venue.ctx(kind=kind), target))
    return (found.order_id, found.state) if isinstance(found, OrderRow) else found


def test_a_live_order_is_found_with_one_question() -> None:
    venue = Script(in_turn(page(row(12))))
    assert find(venue) == ("12", RowState.LIVE)
    assert venue.calls == [Call(OPEN, {"symbol": "BTCUSDT", "startTime": str(SINCE_MS), "orderId": "12"})]


@pytest.mark.parametrize("first", [page(), fault("43001", "The order does not exist")], ids=["empty", "unknown"])
def test_an_order_that_is_not_open_is_looked_for_in_history(first: object) -> None:
    """Also where the venue does not know it in words."""
    venue = Script(in_turn(first, page(row(12, "filled"))))
    assert find(venue) == ("12", RowState.FILLED)
    nowhere = Script(in_turn(first))
    assert find(nowhere) is None
    assert [call.endpoint for call in venue.calls] == [call.endpoint for call in nowhere.calls] == [OPEN, HISTORY]


def test_why_the_venue_does_not_answer_is_told_and_not_taken_for_absence() -> None:
    denied = fault("40014")
    assert find(Script(in_turn(page(), denied))) is denied


def test_rows_of_other_orders_and_other_symbols_are_not_it() -> None:
    assert find(Script(in_turn(page(row(13), row(12, symbol="ETHUSDT"))))) is None


def test_of_several_under_one_name_the_newest_is_found() -> None:
    rows = [row(7, "cancelled", clientOid="a"), row(11, "cancelled", clientOid="a"), row(9, "filled", clientOid="a")]
    venue = Script(in_turn(page(), page(*rows)))
    assert find(venue, NAMED) == ("11", RowState.CANCELED)
    assert venue.calls[1].params == {"symbol": "BTCUSDT", "startTime": str(SINCE_MS), "clientOid": "a"}


def test_a_unified_account_is_asked_once_for_both_lists() -> None:
    gone = fault("25204", "Order does not exist")
    venue = Script(in_turn(gone))
    assert find(venue, kind=AccountKind.UNIFIED) is None
    assert venue.calls == [Call(Endpoint.UNIFIED_ORDER, {"orderId": "12"})]
    corrected = Script(in_turn(fault("40085"), gone))
    assert find(corrected) is None
    assert [call.endpoint for call in corrected.calls] == [OPEN, Endpoint.UNIFIED_ORDER]


def test_when_a_call_began_is_known_only_where_both_clocks_are() -> None:
    """The venue's clock, less the time from the beginning of the call to the departure of this question."""
    ctx = Script(in_turn(page())).ctx()
    send = Send(Call(Endpoint.OPEN_ORDERS, {}), 1, 1, left_ms=START_MS + 300)
    assert call_began_ms(ctx, Page((), 0, EPOCH_MS), send) == EPOCH_MS - 300
    assert call_began_ms(ctx, Page((), 0), send) is None
    send.left_ms = None
    assert call_began_ms(ctx, Page((), 0, EPOCH_MS), send) is None
