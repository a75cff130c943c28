"""A question that changes nothing is asked until it is answered, or the time is up, and its answer is not overread."""

from __future__ import annotations

from typing import Any

from bitget_margin.core.effects import Fault, Reply
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.requests import CallContext, QueryResult, Unreadable, query
from support.script import ROUND_TRIP_MS, Script, fault, in_turn

LOST = fault()


def assets(ctx: CallContext, final: Any = None) -> Any:
    """Return the flow of one question, about the balances."""
    more = () if final is None else (final,)
    return query(ctx, lambda api: api.assets_request(None), lambda api: api.read_assets, *more)


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
