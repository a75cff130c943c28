"""A question that changes nothing is asked until it is answered, or the time is up, and its answer is not overread."""

from __future__ import annotations

from typing import Any

import pytest

from bitget_margin.core.effects import Call, Fault, Reply, Send
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.order_row import CLASSIC_FIELDS, OrderRow, RowState
from bitget_margin.core.queries import call_began_ms, find_order, is_placed_since
from bitget_margin.core.requests import CallContext, QueryResult, Unreadable, query
from bitget_margin.core.responses import Page
from support.script import EPOCH_MS, ROUND_TRIP_MS, SINCE_MS, START_MS, Script, fault, in_turn, page, row

LOST = fault()
BY_ID = OrderRef("BTCUSDT", IdKind.ORDER, "12")
BY_NAME = OrderRef("BTCUSDT", IdKind.CLIENT, "a")


def assets(ctx: CallContext, final: Any = None) -> Any:
    """Return the flow of one question, about the balances."""
    more = () if final is None else (final,)
    return query(ctx, lambda dialect: dialect.assets(None), lambda dialect: dialect.read_assets, *more)


def test_a_lost_answer_is_asked_for_again_with_growing_pauses() -> None:
    venue = Script(in_turn(*[LOST] * 6, []))
    asked: QueryResult[list[Any]] = venue.run(assets(venue.ctx()))
    assert asked.result == []
    assert venue.waits == [150, 300, 600, 1_000, 1_500, 1_500]
    assert asked.send.left_ms == venue.sent_at[-1]
    assert asked.send.call is venue.calls[-1]


def test_a_refusal_for_good_is_the_answer() -> None:
    venue = Script(in_turn(fault("40009"), []))
    asked = venue.run(assets(venue.ctx()))
    assert isinstance(asked.result, Fault)
    assert asked.result.code == "40009"
    assert (venue.waits, len(venue.calls)) == ([], 1)
    assert asked.send.call is venue.calls[0]


def test_a_caller_may_take_a_doubtful_refusal_for_the_answer() -> None:
    for final, calls in ((lambda said: said.code == "40808", 1), (lambda said: said.code == "40010", 2)):
        venue = Script(in_turn(fault("40808"), []))
        venue.run(assets(venue.ctx(), final))
        assert len(venue.calls) == calls


def test_the_last_fault_is_the_answer_when_the_time_is_up() -> None:
    """And it is given before the time is up, where there is none left for another try."""
    venue = Script(in_turn(LOST))
    ctx = venue.ctx(timeout_ms=500)
    asked = venue.run(assets(ctx))
    assert asked.result is LOST
    assert venue.waits == [150, 300]
    assert venue.now_ms <= ctx.deadline.at_ms
    exact = Script(in_turn(LOST))
    exact.run(assets(exact.ctx(timeout_ms=150 + ROUND_TRIP_MS)))
    assert exact.waits == []


def test_a_body_that_cannot_be_read_is_asked_for_again_and_told_at_last() -> None:
    venue = Script(in_turn(Reply("<html>"), []))
    assert venue.run(assets(venue.ctx())).result == []
    broken = Script(in_turn(Reply("<html>")))
    told = broken.run(assets(broken.ctx(timeout_ms=200))).result
    assert isinstance(told, Fault)
    assert isinstance(told.error, Unreadable)
    assert str(told.error) == "v2/margin/crossed/account/assets answered '<html>'"
    assert told.body == "<html>"


def test_a_question_for_the_other_kind_of_account_is_asked_again_in_its_words_at_once() -> None:
    venue = Script(in_turn(fault("40085"), {"assets": []}))
    learned: list[AccountKind] = []
    ctx = venue.ctx()
    ctx.on_account_kind = learned.append
    assert venue.run(assets(ctx)).result == []
    assert [call.endpoint for call in venue.calls] == [Endpoint.ASSETS, Endpoint.UNIFIED_ASSETS]
    assert venue.waits == []
    assert learned == [AccountKind.UNIFIED]


def test_two_kinds_that_contradict_each_other_end_the_question() -> None:
    venue = Script(in_turn(fault("40085"), fault("40084")))
    asked = venue.run(assets(venue.ctx()))
    assert isinstance(asked.result, Fault)
    assert asked.result.code == "40084"
    assert len(venue.calls) == 2


def test_a_venue_that_contradicts_itself_is_not_asked_in_circles() -> None:
    """The endpoint of a classic account says that it is not for classic accounts."""
    venue = Script(in_turn(fault("40084")))
    assert isinstance(venue.run(assets(venue.ctx())).result, Fault)
    assert len(venue.calls) == 1


# -- one order --------------------------------------------------------------------------------------------------------


def test_a_live_order_is_found_with_one_question() -> None:
    venue = Script(in_turn(page(row(12))))
    found = venue.run(find_order(venue.ctx(), BY_ID))
    assert isinstance(found, OrderRow)
    assert (found.order_id, found.state) == ("12", RowState.LIVE)
    params = {"symbol": "BTCUSDT", "startTime": str(SINCE_MS), "orderId": "12"}
    assert venue.calls == [Call(Endpoint.OPEN_ORDERS, params)]


def test_an_order_that_is_not_open_is_looked_for_in_history() -> None:
    venue = Script(in_turn(page(), page(row(12, "filled"))))
    found = venue.run(find_order(venue.ctx(), BY_ID))
    assert isinstance(found, OrderRow)
    assert found.state is RowState.FILLED
    assert [call.endpoint for call in venue.calls] == [Endpoint.OPEN_ORDERS, Endpoint.HISTORY_ORDERS]


def test_a_venue_that_does_not_know_it_in_words_is_asked_for_history_all_the_same() -> None:
    gone = fault("43001", "The order does not exist")
    venue = Script(in_turn(gone, page(row(12, "filled"))))
    assert isinstance(venue.run(find_order(venue.ctx(), BY_ID)), OrderRow)
    nowhere = Script(in_turn(gone))
    assert nowhere.run(find_order(nowhere.ctx(), BY_ID)) is None
    assert len(nowhere.calls) == 2


def test_why_the_venue_does_not_answer_is_told_and_not_taken_for_absence() -> None:
    denied = fault("40014")
    venue = Script(in_turn(page(), denied))
    assert venue.run(find_order(venue.ctx(), BY_ID)) is denied


def test_rows_of_other_orders_and_other_symbols_are_not_it() -> None:
    venue = Script(in_turn(page(row(13), row(12, symbol="ETHUSDT"))))
    assert venue.run(find_order(venue.ctx(), BY_ID)) is None


def test_of_several_under_one_name_the_newest_is_found() -> None:
    rows = [row(7, "cancelled", clientOid="a"), row(11, "cancelled", clientOid="a"), row(9, "filled", clientOid="a")]
    venue = Script(in_turn(page(), page(*rows)))
    found = venue.run(find_order(venue.ctx(), BY_NAME))
    assert isinstance(found, OrderRow)
    assert found.order_id == "11"
    assert venue.calls[1].params == {"symbol": "BTCUSDT", "startTime": str(SINCE_MS), "clientOid": "a"}


@pytest.mark.parametrize(("created", "counts"), [(-2, False), (-1, True), (0, True), (50, True)])
def test_an_order_placed_in_this_call_is_never_its_predecessor(created: int, counts: bool) -> None:
    """By the venue's own clock, whose grain is a millisecond; the call began half a second before the question."""
    ended = row(12, "cancelled", clientOid="a", cTime=str(EPOCH_MS + ROUND_TRIP_MS + created).removesuffix(".0"))
    venue = Script(in_turn(page(), page(ended)))
    ctx = venue.ctx()
    venue.now_ms += 500
    found = venue.run(find_order(ctx, BY_NAME, placed_in_call=True))
    assert isinstance(found, OrderRow) is counts
    assert len(venue.calls) == 2


def test_a_live_order_of_that_name_is_the_placed_one_whenever_it_was_placed() -> None:
    venue = Script(in_turn(page(row(12, clientOid="a"))))
    assert isinstance(venue.run(find_order(venue.ctx(), BY_NAME, placed_in_call=True)), OrderRow)
    ended = Script(in_turn(page(), page(row(12, "filled", clientOid="a"))))
    assert isinstance(ended.run(find_order(ended.ctx(), BY_NAME)), OrderRow)


def test_a_unified_account_is_asked_once_for_both_lists() -> None:
    venue = Script(in_turn(fault("25204", "Order does not exist")))
    assert venue.run(find_order(venue.ctx(kind=AccountKind.UNIFIED), BY_ID)) is None
    assert venue.calls == [Call(Endpoint.UNIFIED_ORDER, {"orderId": "12"})]
    turned = Script(in_turn(fault("40085"), fault("25204", "Order does not exist")))
    assert turned.run(find_order(turned.ctx(), BY_ID)) is None
    assert [call.endpoint for call in turned.calls] == [Endpoint.OPEN_ORDERS, Endpoint.UNIFIED_ORDER]


def test_when_a_call_began_is_known_only_where_both_clocks_are() -> None:
    """The venue's clock, less the time from the beginning of the call to the departure of this question."""
    ctx = Script(in_turn(page())).ctx()
    send = Send(Call(Endpoint.OPEN_ORDERS, {}), 1, 1, left_ms=START_MS + 300)
    assert call_began_ms(ctx, Page((), 0, EPOCH_MS), send) == EPOCH_MS - 300
    assert call_began_ms(ctx, Page((), 0), send) is None
    send.left_ms = None
    assert call_began_ms(ctx, Page((), 0, EPOCH_MS), send) is None


def test_an_order_without_a_time_was_not_placed_since() -> None:
    timeless = OrderRow("1", None, "BTCUSDT", RowState.CANCELED, {}, CLASSIC_FIELDS)
    assert not is_placed_since(timeless, EPOCH_MS)
    timed = OrderRow("1", None, "BTCUSDT", RowState.CANCELED, {"cTime": str(EPOCH_MS)}, CLASSIC_FIELDS)
    assert not is_placed_since(timed, None)
    assert is_placed_since(timed, EPOCH_MS)
