"""Many orders are looked up by page and few by id, and a row counts for the order that was meant alone."""

from typing import Any

import pytest

from bitget_margin.core.cancel_state import OrderEvidence, OrderState
from bitget_margin.core.effects import Call
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.order_row import OrderRow, RowState
from bitget_margin.core.outcome import Outcome
from bitget_margin.core.reconcile import OrderLookup, reconcile
from bitget_margin.core.responses import Listing
from bitget_margin.core.settings import Pacing
from support.script import EPOCH_MS, SINCE_MS, START_MS, Respond, Script, by_id, by_name, fault, in_turn, page, row

HISTORY, LIVE = Endpoint.HISTORY_ORDERS, Endpoint.OPEN_ORDERS
BY_ID = OrderRef("BTCUSDT", IdKind.ORDER, "12")
BY_NAME, OTHER_NAME = by_name("a"), by_name("b")
GONE = fault("43001", "The order does not exist")
PACING = Pacing()


def looked(
    respond: Respond, *targets: OrderRef, rounds: int = 1, bound_id: str | None = None
) -> tuple[Script, list[OrderState]]:
    """Look these orders up so many times, after a cancel that may have been executed."""
    venue = Script(respond)
    ctx, orders = venue.ctx(), [OrderState(target) for target in targets]
    for order in orders:
        order.evidence.record_attempt(START_MS)
        order.evidence.bound_id = bound_id
    for _ in range(rounds):
        venue.run(reconcile(ctx, [order for order in orders if order.outcome is None]))
    return venue, orders


def looked_one(respond: Respond, target: OrderRef, **how: Any) -> tuple[Script, OrderEvidence]:
    """Look one order up."""
    venue, (order,) = looked(respond, target, **how)
    return venue, order.evidence


def asked(venue: Script) -> list[tuple[Endpoint, str | None]]:
    """Return where each question went, and which order it was for, or below which id its page."""
    names = ("orderId", "clientOid", "idLessThan")
    found = []
    for call in venue.calls:
        params = dict(call.params)  # type: ignore[call-overload]
        found.append((call.endpoint, next((params[name] for name in names if name in params), None)))
    return found


# -- by id ------------------------------------------------------------------------------------------------------------


def test_one_order_that_has_ended_takes_one_question() -> None:
    venue, order = looked_one(in_turn(page(row(12, "cancelled"))), BY_ID)
    assert (order.outcome, order.row_ms) == (Outcome.CANCELED, START_MS + 10)
    params = {"symbol": "BTCUSDT", "startTime": str(SINCE_MS), "orderId": "12"}
    assert venue.calls == [Call(HISTORY, params)]


def test_one_order_that_has_not_takes_two() -> None:
    venue, order = looked_one(in_turn(page(), page(row(12))), BY_ID)
    assert asked(venue) == [(HISTORY, "12"), (LIVE, "12")]
    assert (order.outcome, order.row is not None) == (None, True)


def test_two_orders_take_a_page_of_each_list_and_then_their_own_questions() -> None:
    """At once: both questions for both orders, history first."""
    venue, orders = looked(in_turn(page()), *by_id(12, 11))
    assert asked(venue)[:2] == [(HISTORY, "13"), (LIVE, "13")]
    assert asked(venue)[2:] == [(HISTORY, "12"), (LIVE, "12"), (HISTORY, "11"), (LIVE, "11")]
    assert venue.groups == [1, 1, 4]
    assert [order.schedule.lookups_by_id for order in orders] == [2, 2]


def test_twenty_are_asked_for_by_id_in_a_round_and_the_others_in_the_next() -> None:
    venue, orders = looked(in_turn(page()), *by_id(*range(30, 5, -1)), rounds=2)
    assert venue.groups == [1, 1, 40] * 2
    assert [order.schedule.lookups_by_id for order in orders] == [4] * 15 + [2] * 10


def test_that_both_lists_do_not_know_it_is_absence_and_less_is_not() -> None:
    for answer in (page(), GONE):
        assert looked_one(in_turn(answer), BY_ID)[1].absent_since_ms == START_MS + 20
    for strange in (page(row(13)), fault("40010"), page({"orderId": "12"})):
        assert looked_one(in_turn(page(), strange), BY_ID)[1].absent_since_ms is None
        assert looked_one(in_turn(strange, page()), BY_ID)[1].absent_since_ms is None


def test_an_order_that_is_shown_under_another_symbol_is_not_absent() -> None:
    """The row contradicts the request: it proves neither an end nor that there is no such order."""
    elsewhere = row(12, "cancelled", symbol="ETHUSDT")
    _, order = looked_one(in_turn(page(elsewhere)), BY_ID)
    assert (order.outcome, order.absent_since_ms) == (None, None)
    assert order.reason == "the order is listed under ETHUSDT"
    assert looked_one(in_turn(page(row(13, symbol="ETHUSDT"))), BY_ID)[1].reason is None


def test_a_look_up_that_is_refused_for_good_is_not_made_again() -> None:
    for code, message, is_final in (("40014", "no", True), ("40008", "no", True), ("40010", None, False)):
        _, (order,) = looked(in_turn(fault(code, "no")), BY_ID)
        assert (order.schedule.lookups_refused, order.evidence.reason) == (is_final, message)
        assert order.evidence.code == (code if is_final else None)


def test_one_question_that_fails_does_not_spoil_the_answers_to_the_others() -> None:
    def respond(call: Call) -> object:
        params = dict(call.params)  # type: ignore[call-overload]
        if params.get("orderId") == "12":
            return fault("40010")
        return page(row(11, "filled")) if params.get("orderId") == "11" else page()

    _, (lost, found) = looked(respond, *by_id(12, 11))
    assert (lost.outcome, found.outcome) == (None, Outcome.FILLED)


def test_the_symbols_are_asked_for_side_by_side() -> None:
    other = OrderRef("ETHUSDT", IdKind.ORDER, "7")
    venue, orders = looked(lambda call: page(row(12, "cancelled"), row(7, "cancelled", symbol="ETHUSDT")), BY_ID, other)
    assert venue.groups == [2]
    assert [order.outcome for order in orders] == [Outcome.CANCELED] * 2


# -- by page ----------------------------------------------------------------------------------------------------------


def full_page(newest: int, status: str = "cancelled") -> dict[str, Any]:
    """Return a page that may have been cut off."""
    return page(*(row(newest - i, status) for i in range(50)))


def test_pages_of_history_are_read_while_they_can_show_more() -> None:
    venue, orders = looked(in_turn(full_page(100), full_page(50)), *by_id(100, 20))
    assert asked(venue) == [(HISTORY, "101"), (HISTORY, "51")]
    assert [order.outcome for order in orders] == [Outcome.CANCELED] * 2
    short = page(*(row(100 - i, "cancelled") for i in range(49)))
    venue, _ = looked(in_turn(short, page()), *by_id(100, 20, 19))
    assert asked(venue)[:2] == [(HISTORY, "101"), (LIVE, "21")]


def test_pages_are_not_read_below_the_lowest_of_these_orders() -> None:
    rows = [row(i, "cancelled") for i in range(100, 49, -1) if i != 60]
    venue, _ = looked(in_turn(page(*rows), page()), *by_id(100, 60, 50))
    assert asked(venue)[1:] == [(HISTORY, "60"), (LIVE, "60")]
    beyond = [row(i, "cancelled") for i in range(100, 49, -1) if i != 99]
    venue, _ = looked(in_turn(page(*beyond), page()), *by_id(100, 99, 51))
    assert asked(venue)[1:] == [(HISTORY, "99"), (LIVE, "99")]


def test_a_page_that_repeats_itself_ends_the_reading() -> None:
    venue, _ = looked(in_turn(full_page(100)), *by_id(200, 20, 19))
    assert asked(venue)[:2] == [(HISTORY, "201"), (HISTORY, "51")]
    assert asked(venue)[2][0] is LIVE


def test_so_many_pages_are_read_as_the_orders_are_worth() -> None:
    """Two, and one more for every fifty orders: more would eat the rate limit that the cancels need."""

    def endless(call: Call) -> object:
        params = dict(call.params)  # type: ignore[call-overload]
        if call.endpoint is LIVE or "orderId" in params:
            return page()
        newest = int(params["idLessThan"]) - 1
        return page(*(row(newest - i, "cancelled", symbol="ETHUSDT") for i in range(50)))

    for count, pages in ((2, 2), (49, 2), (50, 3), (100, 4)):
        targets = by_id(*range(10_000, 10_000 - 2 * count, -2), 5)[: count - 1] + by_id(5)
        venue, _ = looked(endless, *targets)
        listed = [call for call in venue.calls if call.endpoint is HISTORY and "idLessThan" in call.params]
        assert len(listed) == pages, count


def test_open_orders_are_read_until_a_page_brings_nothing_new_however_short_it_is() -> None:
    lists = {HISTORY: [page()], LIVE: [page(row(100)), page(row(90)), page()]}

    def respond(call: Call) -> object:
        left = lists[call.endpoint]
        return left.pop(0) if len(left) > 1 else left[0]

    venue, (first, second) = looked(respond, *by_id(100, 90))
    assert asked(venue) == [(HISTORY, "101"), (LIVE, "101"), (LIVE, "100")]
    assert first.evidence.row is not None
    assert second.evidence.row is not None


def test_why_a_page_does_not_come_costs_no_question_by_id_and_no_time() -> None:
    def respond(call: Call) -> object:
        return page(row(12, "filled"), row(11, "filled")) if "orderId" in call.params else fault("40010")

    venue, orders = looked(respond, *by_id(12, 11))
    assert [order.outcome for order in orders] == [Outcome.FILLED] * 2
    assert (venue.groups, venue.waits) == ([1, 1, 4], [])


# -- under a client order id ------------------------------------------------------------------------------------------


def test_a_name_that_is_open_needs_no_more_than_its_live_row() -> None:
    venue, order = looked_one(in_turn(page(row(9, "cancelled", clientOid="a")), page(row(12, clientOid="a"))), BY_NAME)
    assert asked(venue) == [(HISTORY, "a"), (LIVE, "a")]
    assert (order.bound_id, order.outcome) == ("12", None)


@pytest.mark.parametrize("updated", [EPOCH_MS - 1_000, EPOCH_MS + 5_000])
def test_an_ended_row_of_a_name_counts_when_open_orders_do_not_know_the_name(updated: int) -> None:
    ended = row(9, "filled", clientOid="a", uTime=str(updated))
    venue, order = looked_one(in_turn(page(ended), page()), BY_NAME)
    assert asked(venue) == [(HISTORY, "a"), (LIVE, "a")]
    in_call = updated > EPOCH_MS
    assert order.outcome is (Outcome.FILLED if in_call else None)
    assert (order.possible_namesake is None) is in_call
    assert order.namesake_since_ms == (None if in_call else START_MS + 20)


def test_an_ended_row_of_a_name_says_nothing_while_open_orders_do_not_answer() -> None:
    ended = row(9, "filled", clientOid="a", uTime=str(EPOCH_MS + 5_000))
    for silent in (fault("40010"), page({"orderId": "12"})):
        _, order = looked_one(in_turn(page(ended), silent), BY_NAME)
        assert (order.outcome, order.possible_namesake) == (None, None)


def test_names_begin_at_the_newest_page_and_are_read_to_the_end_of_the_open_orders() -> None:
    """Only then is it sure that no younger order of that name lives."""
    new = str(EPOCH_MS + 5_000)
    ended = [row(9, "filled", clientOid="a", uTime=new), row(8, "cancelled", clientOid="b", uTime=new)]
    lists = {HISTORY: [page(*ended)], LIVE: [page(row(99)), page()]}

    def respond(call: Call) -> object:
        left = lists[call.endpoint]
        return left.pop(0) if len(left) > 1 else left[0]

    venue, orders = looked(respond, BY_NAME, OTHER_NAME)
    assert asked(venue) == [(HISTORY, None), (LIVE, None), (LIVE, "99")]
    assert [order.outcome for order in orders] == [Outcome.FILLED, Outcome.CANCELED]


def test_open_orders_that_repeat_themselves_are_at_their_end_too() -> None:
    ended = row(9, "filled", clientOid="a", uTime=str(EPOCH_MS + 5_000))
    venue, (order, _) = looked(lambda call: page(ended if call.endpoint is HISTORY else row(99)), BY_NAME, OTHER_NAME)
    assert asked(venue)[:3] == [(HISTORY, None), (LIVE, None), (LIVE, "99")]
    assert order.outcome is Outcome.FILLED


def test_a_name_among_ids_begins_at_the_newest_page_too_and_ends_no_earlier() -> None:
    """The order of that name may be younger than all of them, or older."""
    rows = page(*(row(i, "cancelled") for i in range(60, 10, -1)))
    venue, _ = looked(in_turn(rows, page()), BY_NAME, *by_id(40))
    assert asked(venue)[:2] == [(HISTORY, None), (HISTORY, "11")]
    assert venue.calls[0].params == {"symbol": "BTCUSDT", "startTime": str(SINCE_MS), "limit": "500"}


def test_a_row_that_cannot_be_read_leaves_the_end_of_a_name_open() -> None:
    """It may be the younger order of this name."""
    new = str(EPOCH_MS + 5_000)
    ended = [row(9, "filled", clientOid="a", uTime=new), row(8, "cancelled", clientOid="b", uTime=new)]

    def respond(call: Call) -> object:
        if call.endpoint is HISTORY:
            return page(*ended)
        return page({"orderId": "99"})

    _, orders = looked(respond, BY_NAME, OTHER_NAME)
    assert [order.outcome for order in orders] == [None, None]


def test_an_answer_with_a_row_that_cannot_be_read_says_nothing_of_its_name_and_spoils_no_other() -> None:
    """That row may be the younger order of the name."""
    new = str(EPOCH_MS + 5_000)
    ended = {name: row(i, "filled", clientOid=name, uTime=new) for i, name in ((9, "a"), (8, "b"))}

    def respond(call: Call) -> object:
        name = dict(call.params).get("clientOid")  # type: ignore[call-overload]
        if call.endpoint is LIVE or name is None:
            return page()
        return page(ended[name], {"orderId": "99"}) if name == "a" else page(ended[name])

    alone = looked_one(respond, BY_NAME)[1]
    assert (alone.outcome, alone.possible_namesake) == (None, None)
    _, (unclear, clear) = looked(respond, BY_NAME, OTHER_NAME)
    assert (unclear.outcome, clear.outcome) == (None, Outcome.FILLED)


def test_an_order_of_another_name_is_not_what_our_name_stands_for() -> None:
    _, order = looked_one(in_turn(page(row(12, "filled", clientOid="b"))), BY_NAME, bound_id="12")
    assert (order.outcome, order.bound_id) == (None, None)


def test_one_answer_for_both_lists_leaves_the_open_orders_to_be_read_by_page() -> None:
    """The order that it shows may not be the youngest of that name."""
    ended = row(9, clientOid="a", orderStatus="filled", category="MARGIN", updatedTime=str(EPOCH_MS + 5_000))
    venue = Script(in_turn(ended, {"list": [], "cursor": ""}))
    order = OrderState(BY_NAME)
    order.evidence.record_attempt(START_MS)
    venue.run(reconcile(venue.ctx(kind=AccountKind.UNIFIED), [order]))
    assert [call.endpoint for call in venue.calls] == [Endpoint.UNIFIED_ORDER, Endpoint.UNIFIED_OPEN_ORDERS]
    assert order.outcome is Outcome.FILLED


@pytest.mark.parametrize(("pages", "outcome"), [(4, Outcome.FILLED), (6, Outcome.FILLED), (7, None)])
def test_the_open_orders_beside_a_name_are_read_as_far_as_an_account_can_have_them(
    pages: int, outcome: Outcome | None
) -> None:
    ended = row(9, clientOid="a", orderStatus="filled", category="MARGIN", updatedTime=str(EPOCH_MS + 5_000))
    listed = [
        {"list": [row(1_000 - number, orderStatus="live", category="MARGIN")], "cursor": str(1_000 - number)}
        for number in range(pages - 1)
    ]
    venue = Script(in_turn(ended, *listed, {"list": [], "cursor": ""}))
    order = OrderState(BY_NAME)
    order.evidence.record_attempt(START_MS)
    venue.run(reconcile(venue.ctx(kind=AccountKind.UNIFIED), [order]))
    assert len(venue.calls) == 1 + min(pages, 6)
    assert order.outcome is outcome


def test_a_name_that_one_list_does_not_know_costs_no_pages() -> None:
    venue, _ = looked(in_turn(page(), fault("40010")), BY_NAME)
    assert asked(venue) == [(HISTORY, "a"), (LIVE, "a")]


# -- the rows of a lookup ----------------------------------------------------------------------------------------------


def kept(target: OrderRef, *rows: OrderRow, began: float | None = None, bound: str | None = None) -> list[str | None]:
    """Return the ids of the ended row and of the live one that a lookup keeps."""
    lookup = OrderLookup(OrderState(target), began_ms=began)
    lookup.order.evidence.bound_id = bound
    for each in rows:
        lookup.add_row(each)
    return [None if each is None else each.order_id for each in (lookup.ended, lookup.live)]


def a_row(
    order_id: str, state: RowState = RowState.LIVE, symbol: str = "BTCUSDT", name: str = "a", created: int = 0
) -> OrderRow:
    """Return a row."""
    return OrderRow(order_id, name, symbol, state, {"cTime": str(created)})


def test_a_look_keeps_rows_of_its_own_order_alone() -> None:
    other = [a_row("13"), a_row("12", symbol="ETHUSDT")]
    assert kept(BY_ID, *other) == [None, None]
    assert kept(BY_ID, a_row("12", name="zz"), a_row("12", RowState.FILLED)) == ["12", "12"]
    assert kept(BY_NAME, a_row("12", name="b"), a_row("13", symbol="ETHUSDT")) == [None, None]
    assert kept(BY_NAME, a_row("12"), a_row("13"), bound="13") == [None, "13"]
    assert kept(BY_NAME, a_row("13", name="z"), bound="13") == [None, None]


def test_of_several_under_one_name_the_newest_is_kept_of_each_kind() -> None:
    ended = [a_row(i, RowState.CANCELED) for i in ("7", "9", "8")]
    assert kept(BY_NAME, *ended, a_row("3"), a_row("5"), a_row("4")) == ["9", "5"]


@pytest.mark.parametrize(("created", "meant"), [(5_000, True), (5_001, True), (5_002, False)])
def test_an_order_that_was_placed_after_the_call_began_was_not_meant_by_its_name(created: int, meant: bool) -> None:
    assert kept(BY_NAME, a_row("9", created=created), began=5_000) == [None, "9" if meant else None]
    assert kept(BY_NAME, a_row("9", created=created)) == [None, "9"]
    assert kept(BY_ID, a_row("12", created=created), began=5_000) == [None, "12"]


def test_a_row_whose_state_cannot_be_read_counts_for_an_id_and_not_for_a_name() -> None:
    assert kept(BY_ID, a_row("12", RowState.UNREADABLE)) == [None, "12"]
    assert kept(BY_NAME, a_row("12", RowState.UNREADABLE)) == [None, None]


def test_an_order_that_is_in_both_lists_has_ended() -> None:
    """It went from one to the other between the two questions; a younger live one of the same name beats an ended."""
    order = OrderState(BY_ID)
    OrderLookup(order, ended=a_row("12", RowState.FILLED), live=a_row("12")).record(7, PACING)
    assert (order.outcome, order.evidence.row_ms) == (Outcome.FILLED, 7)
    named = OrderState(BY_NAME)
    OrderLookup(named, ended=a_row("9", RowState.FILLED), live=a_row("12")).record(7, PACING)
    assert (named.outcome, named.evidence.bound_id) == (None, "12")


def test_a_round_that_showed_nothing_proves_nothing() -> None:
    order = OrderState(BY_ID)
    OrderLookup(order).record(7, PACING)
    OrderLookup(order, absent_from={Listing.OPEN}).record(7, PACING)
    assert order.evidence.absent_since_ms is None
    OrderLookup(order, absent_from=set(Listing)).record(7, PACING)
    assert order.evidence.absent_since_ms == 7


@pytest.mark.parametrize(
    ("order_ids", "kept"),
    [(("7", "9"), 1), (("9", "7"), 0), (("9", "9"), 1), (("x", "9"), 1), (("9", "x"), 0)],
    ids=str,
)
@pytest.mark.parametrize("state", [RowState.LIVE, RowState.CANCELED], ids=str)
def test_of_several_rows_under_a_name_the_youngest_is_kept_and_of_one_order_the_last(
    state: RowState, order_ids: tuple[str, str], kept: int
) -> None:
    lookup = OrderLookup(OrderState(BY_NAME))
    rows = [OrderRow(order_id, "a", "BTCUSDT", state, {}) for order_id in order_ids]
    for each in rows:
        lookup.add_row(each)
    assert (lookup.live if state is RowState.LIVE else lookup.ended) is rows[kept]
