"""A question that changes nothing is asked until it is answered, or the time is up, and its answer is not overread."""

from __future__ import annotations

from typing import Any

import pytest

from bitget_margin.core.effects import Answer, Call, Fault, Send
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.order_ref import IdKind, Target
from bitget_margin.core.order_row import CLASSIC_FIELDS, Row, State
from bitget_margin.core.queries import began_ms, find, placed_since
from bitget_margin.core.requests import Asked, Desk, Unreadable, ask
from bitget_margin.core.responses import Page
from support.script import EPOCH_MS, ROUND_TRIP_MS, SINCE_MS, START_MS, Script, fault, in_turn, page, row

LOST = fault()
BY_ID = Target("BTCUSDT", IdKind.ORDER, "12")
BY_NAME = Target("BTCUSDT", IdKind.CLIENT, "a")


def assets(desk: Desk, final: Any = None) -> Any:
    """Return the flow of one question, about the balances."""
    more = () if final is None else (final,)
    return ask(desk, lambda dialect: dialect.assets(None), lambda dialect: dialect.read_assets, *more)


def test_a_lost_answer_is_asked_for_again_with_growing_pauses() -> None:
    venue = Script(in_turn(*[LOST] * 6, []))
    asked: Asked[list[Any]] = venue.run(assets(venue.desk()))
    assert asked.answer == []
    assert venue.waits == [150, 300, 600, 1_000, 1_500, 1_500]
    assert asked.send.left_ms == venue.sent_at[-1]
    assert asked.send.call is venue.calls[-1]


def test_a_refusal_for_good_is_the_answer() -> None:
    venue = Script(in_turn(fault("40009"), []))
    asked = venue.run(assets(venue.desk()))
    assert isinstance(asked.answer, Fault)
    assert asked.answer.code == "40009"
    assert (venue.waits, len(venue.calls)) == ([], 1)
    assert asked.send.call is venue.calls[0]


def test_a_caller_may_take_a_doubtful_refusal_for_the_answer() -> None:
    for final, calls in ((lambda said: said.code == "40808", 1), (lambda said: said.code == "40010", 2)):
        venue = Script(in_turn(fault("40808"), []))
        venue.run(assets(venue.desk(), final))
        assert len(venue.calls) == calls


def test_the_last_fault_is_the_answer_when_the_time_is_up() -> None:
    """And it is given before the time is up, where there is none left for another try."""
    venue = Script(in_turn(LOST))
    desk = venue.desk(timeout_ms=500)
    asked = venue.run(assets(desk))
    assert asked.answer is LOST
    assert venue.waits == [150, 300]
    assert venue.now_ms <= desk.deadline.at_ms
    exact = Script(in_turn(LOST))
    exact.run(assets(exact.desk(timeout_ms=150 + ROUND_TRIP_MS)))
    assert exact.waits == []


def test_a_body_that_cannot_be_read_is_asked_for_again_and_told_at_last() -> None:
    venue = Script(in_turn(Answer("<html>"), []))
    assert venue.run(assets(venue.desk())).answer == []
    broken = Script(in_turn(Answer("<html>")))
    told = broken.run(assets(broken.desk(timeout_ms=200))).answer
    assert isinstance(told, Fault)
    assert isinstance(told.error, Unreadable)
    assert str(told.error) == "v2/margin/crossed/account/assets answered '<html>'"
    assert told.body == "<html>"


def test_a_question_for_the_other_kind_of_account_is_asked_again_in_its_words_at_once() -> None:
    venue = Script(in_turn(fault("40085"), {"assets": []}))
    learned: list[AccountKind] = []
    desk = venue.desk()
    desk.learn = learned.append
    assert venue.run(assets(desk)).answer == []
    assert [call.endpoint for call in venue.calls] == [Endpoint.ASSETS, Endpoint.UNIFIED_ASSETS]
    assert venue.waits == []
    assert learned == [AccountKind.UNIFIED]


def test_two_kinds_that_contradict_each_other_end_the_question() -> None:
    venue = Script(in_turn(fault("40085"), fault("40084")))
    asked = venue.run(assets(venue.desk()))
    assert isinstance(asked.answer, Fault)
    assert asked.answer.code == "40084"
    assert len(venue.calls) == 2


def test_a_venue_that_contradicts_itself_is_not_asked_in_circles() -> None:
    """The endpoint of a classic account says that it is not for classic accounts."""
    venue = Script(in_turn(fault("40084")))
    assert isinstance(venue.run(assets(venue.desk())).answer, Fault)
    assert len(venue.calls) == 1


# -- one order --------------------------------------------------------------------------------------------------------


def test_a_live_order_is_found_with_one_question() -> None:
    venue = Script(in_turn(page(row(12))))
    found = venue.run(find(venue.desk(), BY_ID))
    assert isinstance(found, Row)
    assert (found.order_id, found.state) == ("12", State.LIVE)
    params = {"symbol": "BTCUSDT", "startTime": str(SINCE_MS), "orderId": "12"}
    assert venue.calls == [Call(Endpoint.OPEN_ORDERS, params)]


def test_an_order_that_is_not_open_is_looked_for_in_history() -> None:
    venue = Script(in_turn(page(), page(row(12, "filled"))))
    found = venue.run(find(venue.desk(), BY_ID))
    assert isinstance(found, Row)
    assert found.state is State.FILLED
    assert [call.endpoint for call in venue.calls] == [Endpoint.OPEN_ORDERS, Endpoint.HISTORY_ORDERS]


def test_a_venue_that_does_not_know_it_in_words_is_asked_for_history_all_the_same() -> None:
    gone = fault("43001", "The order does not exist")
    venue = Script(in_turn(gone, page(row(12, "filled"))))
    assert isinstance(venue.run(find(venue.desk(), BY_ID)), Row)
    nowhere = Script(in_turn(gone))
    assert nowhere.run(find(nowhere.desk(), BY_ID)) is None
    assert len(nowhere.calls) == 2


def test_why_the_venue_does_not_answer_is_told_and_not_taken_for_absence() -> None:
    denied = fault("40014")
    venue = Script(in_turn(page(), denied))
    assert venue.run(find(venue.desk(), BY_ID)) is denied


def test_rows_of_other_orders_and_other_symbols_are_not_it() -> None:
    venue = Script(in_turn(page(row(13), row(12, symbol="ETHUSDT"))))
    assert venue.run(find(venue.desk(), BY_ID)) is None


def test_of_several_under_one_name_the_newest_is_found() -> None:
    rows = [row(7, "cancelled", clientOid="a"), row(11, "cancelled", clientOid="a"), row(9, "filled", clientOid="a")]
    venue = Script(in_turn(page(), page(*rows)))
    found = venue.run(find(venue.desk(), BY_NAME))
    assert isinstance(found, Row)
    assert found.order_id == "11"
    assert venue.calls[1].params == {"symbol": "BTCUSDT", "startTime": str(SINCE_MS), "clientOid": "a"}


@pytest.mark.parametrize(("created", "counts"), [(-2, False), (-1, True), (0, True), (50, True)])
def test_an_order_placed_in_this_call_is_never_its_predecessor(created: int, counts: bool) -> None:
    """By the venue's own clock, whose grain is a millisecond; the call began half a second before the question."""
    ended = row(12, "cancelled", clientOid="a", cTime=str(EPOCH_MS + ROUND_TRIP_MS + created).removesuffix(".0"))
    venue = Script(in_turn(page(), page(ended)))
    desk = venue.desk()
    venue.now_ms += 500
    found = venue.run(find(desk, BY_NAME, placed_in_call=True))
    assert isinstance(found, Row) is counts
    assert len(venue.calls) == 2


def test_a_live_order_of_that_name_is_the_placed_one_whenever_it_was_placed() -> None:
    venue = Script(in_turn(page(row(12, clientOid="a"))))
    assert isinstance(venue.run(find(venue.desk(), BY_NAME, placed_in_call=True)), Row)
    ended = Script(in_turn(page(), page(row(12, "filled", clientOid="a"))))
    assert isinstance(ended.run(find(ended.desk(), BY_NAME)), Row)


def test_a_unified_account_is_asked_once_for_both_lists() -> None:
    venue = Script(in_turn(fault("25204", "Order does not exist")))
    assert venue.run(find(venue.desk(kind=AccountKind.UNIFIED), BY_ID)) is None
    assert venue.calls == [Call(Endpoint.UNIFIED_ORDER, {"orderId": "12"})]
    turned = Script(in_turn(fault("40085"), fault("25204", "Order does not exist")))
    assert turned.run(find(turned.desk(), BY_ID)) is None
    assert [call.endpoint for call in turned.calls] == [Endpoint.OPEN_ORDERS, Endpoint.UNIFIED_ORDER]


def test_when_a_call_began_is_known_only_where_both_clocks_are() -> None:
    """The venue's clock, less the time from the beginning of the call to the departure of this question."""
    desk = Script(in_turn(page())).desk()
    send = Send(Call(Endpoint.OPEN_ORDERS, {}), 1, 1, left_ms=START_MS + 300)
    assert began_ms(desk, Page((), 0, EPOCH_MS), send) == EPOCH_MS - 300
    assert began_ms(desk, Page((), 0), send) is None
    send.left_ms = None
    assert began_ms(desk, Page((), 0, EPOCH_MS), send) is None


def test_an_order_without_a_time_was_not_placed_since() -> None:
    timeless = Row("1", None, "BTCUSDT", State.CANCELED, {}, CLASSIC_FIELDS)
    assert not placed_since(timeless, EPOCH_MS)
    timed = Row("1", None, "BTCUSDT", State.CANCELED, {"cTime": str(EPOCH_MS)}, CLASSIC_FIELDS)
    assert not placed_since(timed, None)
    assert placed_since(timed, EPOCH_MS)
