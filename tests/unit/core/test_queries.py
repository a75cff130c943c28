"""Order lists are read whole or not at all, and an order is shown by nothing but its own rows."""

from typing import Any

import pytest

from bitget_margin.core.effects import Call, Fault, Flow, Send, run_concurrently
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.order_ref import OrderRef
from bitget_margin.core.order_row import OrderRow, RowState
from bitget_margin.core.queries import Pager, call_began_ms, find_order, query_open_orders
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


# -- one order --------------------------------------------------------------------------------------------------------


def find(venue: Script, target: OrderRef = BY_ORDER_ID, kind: AccountKind = AccountKind.CLASSIC) -> Any:
    """Return the order id and the state of the row that is found, None, or the fault."""
    found = venue.run(find_order(venue.ctx(kind=kind), target))
    return (found.order_id, found.state) if isinstance(found, OrderRow) else found


def lists(opened: object, past: object) -> Script:
    """Return a venue with these answers of open orders and of history."""
    return Script(lambda call: opened if call.endpoint is OPEN else past)


def test_a_live_order_is_found_in_one_round_trip() -> None:
    venue = lists(page(row(12)), page())
    assert find(venue) == ("12", RowState.LIVE)
    params = {"symbol": "BTCUSDT", "startTime": str(SINCE_MS), "orderId": "12"}
    assert sorted(venue.calls, key=str) == sorted([Call(OPEN, params), Call(HISTORY, params)], key=str)


@pytest.mark.parametrize("first", [page(), fault("43001", "The order does not exist")], ids=["empty", "unknown"])
def test_an_order_that_is_not_open_is_found_in_history(first: object) -> None:
    """Also where the venue does not know it in words."""
    assert find(lists(first, page(row(12, "filled")))) == ("12", RowState.FILLED)
    assert find(lists(first, page())) is None


@pytest.mark.parametrize(
    ("opened", "past", "expected", "queries"),
    [
        (page(row(12)), page(row(12, "filled")), ("12", RowState.FILLED), 1),
        (page(row(12)), page(), ("12", RowState.LIVE), 3),
        (page(row(12)), page(row(12)), ("12", RowState.LIVE), 3),
        (page(row(12)), fault("40014"), ("12", RowState.LIVE), 3),
        (page(), page(), None, 3),
    ],
    ids=["ended", "not in history", "live in history", "no answer", "nowhere"],
)
def test_an_order_that_has_probably_ended_is_looked_for_in_history_first(
    opened: object, past: object, expected: object, queries: int
) -> None:
    """Only its end spares the other list; everything else is looked up as ever."""
    venue = lists(opened, past)
    found = venue.run(find_order(venue.ctx(kind=AccountKind.CLASSIC), BY_ORDER_ID, has_ended=True))
    assert ((found.order_id, found.state) if isinstance(found, OrderRow) else found) == expected
    assert venue.calls[0].endpoint is HISTORY
    assert len(venue.calls) == queries


def test_a_history_that_fails_is_asked_again_beside_the_open_orders() -> None:
    """Both have the time that is left."""
    answers = iter([fault("40015"), page(row(12, "filled"))])
    venue = Script(lambda call: page() if call.endpoint is OPEN else next(answers))
    found = venue.run(find_order(venue.ctx(), BY_ORDER_ID, has_ended=True))
    assert isinstance(found, OrderRow)
    assert found.state is RowState.FILLED
    assert [call.endpoint for call in venue.calls].count(OPEN) == 1


def test_a_name_is_looked_for_in_both_lists_whatever_is_probable() -> None:
    """A younger order may have it, too."""
    older, younger = row(7, "cancelled", clientOid="a"), row(9, clientOid="a")
    venue = lists(page(younger), page(older))
    found = venue.run(find_order(venue.ctx(), NAMED, has_ended=True))
    assert isinstance(found, OrderRow)
    assert (found.order_id, found.state) == ("9", RowState.LIVE)


def test_an_end_in_history_counts_before_a_stale_list_of_open_orders() -> None:
    assert find(lists(page(row(12)), page(row(12, "filled")))) == ("12", RowState.FILLED)
    assert find(lists(page(row(12)), page(row(12)))) == ("12", RowState.LIVE)


def test_under_one_name_the_younger_order_counts_also_where_the_older_one_has_ended() -> None:
    older, younger = row(7, "cancelled", clientOid="a"), row(9, clientOid="a")
    assert find(lists(page(younger), page(older)), NAMED) == ("9", RowState.LIVE)


def test_a_list_that_is_not_answered_hides_a_younger_order_of_the_same_name() -> None:
    denied, past = fault("40014"), page(row(12, "filled", clientOid="a"))
    assert find(lists(denied, past), NAMED) is denied
    assert find(lists(denied, past)) == ("12", RowState.FILLED)


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
    assert {call.endpoint for call in corrected.calls} == {OPEN, HISTORY, Endpoint.UNIFIED_ORDER}


def test_when_a_call_began_is_known_only_where_both_clocks_are() -> None:
    """The venue's clock, less the time from the beginning of the call to the departure of this question."""
    ctx = Script(in_turn(page())).ctx()
    send = Send(Call(Endpoint.OPEN_ORDERS, {}), 1, 1, left_ms=START_MS + 300)
    assert call_began_ms(ctx, Page((), 0, EPOCH_MS), send) == EPOCH_MS - 300
    assert call_began_ms(ctx, Page((), 0), send) is None
    send.left_ms = None
    assert call_began_ms(ctx, Page((), 0, EPOCH_MS), send) is None
