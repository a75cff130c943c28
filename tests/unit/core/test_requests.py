"""Requests that were not executed are sent again, and nothing else is; queries are repeated until the deadline."""

from typing import Any

import pytest

from bitget_margin.core.effects import Call, Fault, Reply, Send, run_concurrently
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.requests import CallContext, QueryResult, Unreadable, pause, query, send_requests
from bitget_margin.core.verdicts import Verdict
from support.script import ROUND_TRIP_MS, START_MS, Script, fault, in_turn

LIMITED = fault("429", "Too Many Requests", 429)
LOST = fault()
LATE = fault("40008", "Request timestamp expired")


def sends(ctx: CallContext, count: int) -> list[Send]:
    """Return requests that can be told apart."""
    return [ctx.bounded(Call(Endpoint.ASSETS, {"n": n})) for n in range(count)]


def contents(replies: tuple[object, ...]) -> list[object]:
    """Return the data of each reply, or the code of its fault."""
    return [reply.body["data"] if isinstance(reply, Reply) else reply.code for reply in replies]  # type: ignore[index,attr-defined]


def test_a_request_has_the_bounds_of_its_call() -> None:
    ctx = Script(in_turn(1)).ctx(timeout_ms=3_000)
    send = ctx.bounded(Call(Endpoint.ASSETS, {}))
    assert (send.call, send.request_ms, send.deadline_ms) == (Call(Endpoint.ASSETS, {}), 2_000, START_MS + 3_000)
    assert not send.started
    assert send.reply is None


@pytest.mark.parametrize(
    ("timeout_ms", "change_ms", "lookup_ms"),
    [(600, 300, 400), (3_000, 1_500, 2_000), (6_000, 2_000, 2_500), (9_000, 3_000, 3_000)],
)
def test_a_slow_venue_has_time_to_answer_in_a_short_call(timeout_ms: float, change_ms: float, lookup_ms: float) -> None:
    """A change leaves half of the call to lookups, a lookup a third; a call that only reads gives each query all."""
    ctx = Script(in_turn(1)).ctx(timeout_ms=timeout_ms)
    change, lookup = Call(Endpoint.BATCH_CANCEL, {}), Call(Endpoint.OPEN_ORDERS, {})
    assert (ctx.bounded(change).request_ms, ctx.bounded(lookup).request_ms) == (change_ms, lookup_ms)
    ctx.reads_only = True
    assert (ctx.bounded(change).request_ms, ctx.bounded(lookup).request_ms) == (change_ms, timeout_ms)


def test_requests_over_the_rate_limit_alone_are_sent_again_after_its_window() -> None:
    venue = Script(in_turn("a", LIMITED, "c", "b"))
    ctx = venue.ctx()
    assert contents(venue.run(send_requests(ctx, sends(ctx, 3)))) == ["a", "b", "c"]
    assert venue.groups == [3, 1]
    assert venue.waits == [1_000]
    assert dict(venue.calls[3].params) == {"n": 1}  # type: ignore[call-overload]
    assert ctx.requests == 4


def test_a_rate_limit_beyond_the_deadline_is_the_answer() -> None:
    for timeout_ms, tries in ((1_010, 1), (1_011, 2)):
        venue = Script(in_turn(LIMITED, "a"))
        ctx = venue.ctx(timeout_ms=timeout_ms)
        (reply,) = venue.run(send_requests(ctx, sends(ctx, 1)))
        assert len(venue.calls) == tries
        assert isinstance(reply, Fault) is (tries == 1)


def test_a_refused_timestamp_gets_one_new_clock_and_one_more_try() -> None:
    venue = Script(in_turn(LATE, LATE, "a", "b"))
    ctx = venue.ctx()
    assert contents(venue.run(send_requests(ctx, sends(ctx, 2)))) == ["a", "b"]
    assert (venue.resyncs, venue.groups, venue.waits) == (1, [2, 2], [])
    assert ctx.requests == 5
    again = Script(in_turn(LATE))
    ctx = again.ctx()
    assert contents(again.run(send_requests(ctx, sends(ctx, 1)))) == ["40008"]
    assert (again.resyncs, again.groups) == (1, [1, 1])


def test_what_left_before_the_clock_was_measured_again_is_tried_again_and_what_left_after_is_not() -> None:
    """Two groups that began together: the second hears of the refusal when the first has a new clock already."""
    venue = Script(in_turn(LATE, LATE, "a"))
    ctx = venue.ctx()
    replies = venue.run(run_concurrently([send_requests(ctx, sends(ctx, 1)), send_requests(ctx, sends(ctx, 1))]))
    assert [contents(each) for each in replies] == [["a"], ["a"]]
    assert venue.resyncs == 1
    venue = Script(in_turn(LATE, "a"))
    late = venue.ctx()
    late.resynced_ms = START_MS
    assert contents(venue.run(send_requests(late, sends(late, 1)))) == ["40008"]
    venue = Script(in_turn(LATE, "a"))
    early = venue.ctx()
    early.resynced_ms = START_MS + 1
    assert contents(venue.run(send_requests(early, sends(early, 1)))) == ["a"]
    assert venue.resyncs == 0


@pytest.mark.parametrize("code", ["40009", "40010", "43001", None])
def test_anything_else_is_not_sent_again(code: str | None) -> None:
    """It may have been executed, or would be refused again."""
    refused = fault(code)
    venue = Script(in_turn(refused))
    ctx = venue.ctx()
    assert venue.run(send_requests(ctx, sends(ctx, 1))) == (refused,)
    assert (venue.groups, ctx.requests) == ([1], 1)
    assert ctx.last_fault is refused


def test_what_never_left_is_not_counted_as_a_request() -> None:
    venue = Script(in_turn(fault(sent=False)))
    ctx = venue.ctx()
    venue.run(send_requests(ctx, sends(ctx, 1)))
    assert ctx.requests == 0


def test_a_reply_that_has_been_counted_is_not_counted_by_an_interrupt() -> None:
    """`started` is what an interrupt counts by; each try begins without the reply of the one before."""
    venue = Script(in_turn(LIMITED, "a"))
    ctx = venue.ctx()
    (send,) = sends(ctx, 1)
    send.started, send.reply = True, LATE
    running = send_requests(ctx, [send])
    first = next(running)
    assert (send.started, send.reply) == (False, None)
    send.started, send.reply = True, LIMITED
    running.send((LIMITED,))
    assert not send.started
    assert send.reply is LIMITED
    next(running)
    assert send.reply is None
    assert ctx.requests == 1
    assert first is not None


def test_the_kind_of_the_account_is_learned_once_in_a_call() -> None:
    learned: list[AccountKind] = []
    ctx = Script(in_turn(1)).ctx()
    ctx.on_account_kind = learned.append
    unified, classic = fault("40085"), fault("40084")
    assert ctx.verdict(unified) is Verdict.DEFINITIVE
    assert ctx.verdict(classic) is Verdict.UNSENT
    assert ctx.is_other_kind(classic)
    ctx.correct_kind(classic)
    ctx.correct_kind(fault("40009"))
    assert (ctx.kind_corrected, learned) == (False, [])
    ctx.correct_kind(unified)
    assert ctx.api.KIND is AccountKind.UNIFIED
    assert ctx.verdict(unified) is Verdict.UNSENT
    ctx.correct_kind(classic)
    assert ctx.api.KIND is AccountKind.UNIFIED
    assert (ctx.kind_corrected, learned) == (True, [AccountKind.UNIFIED])


def test_a_call_began_when_it_was_opened_whatever_becomes_of_its_deadline() -> None:
    ctx = Script(in_turn(1)).ctx()
    ctx.deadline = ctx.deadline.extended(5)
    assert (ctx.began_ms, ctx.deadline.at_ms) == (START_MS, START_MS + 5)


# -- queries ----------------------------------------------------------------------------------------------------------


def assets(ctx: CallContext, final: Any = None) -> Any:
    """Return the flow of one question, about the balances."""
    more = () if final is None else (final,)
    return query(ctx, lambda api: api.assets_request(None), lambda api: api.read_assets, *more)


def test_a_lost_answer_is_asked_for_again_with_growing_pauses() -> None:
    venue = Script(in_turn(*[LOST] * 6, []))
    found: QueryResult[list[Any]] = venue.run(assets(venue.ctx()))
    assert found.result == []
    assert venue.waits == [150, 300, 600, 1_000, 1_500, 1_500]
    assert found.send.left_ms == venue.sent_at[-1]
    assert found.send.call is venue.calls[-1]


@pytest.mark.parametrize(
    ("codes", "sent"),
    [(["40009"], 1), (["40085", "40084"], 2), (["40084"], 1)],
    ids=["final", "contradictory kinds", "the kind that it is for"],
)
def test_a_refusal_for_good_is_the_answer(codes: list[str], sent: int) -> None:
    """Also of endpoints that refuse each other's account kind, or their own: they are not queried in circles."""
    venue = Script(in_turn(*map(fault, codes), []))
    found = venue.run(assets(venue.ctx()))
    assert isinstance(found.result, Fault)
    assert found.result.code == codes[-1]
    assert (venue.waits, len(venue.calls)) == ([], sent)
    assert found.send.call is venue.calls[-1]


def test_a_caller_may_take_a_doubtful_refusal_for_the_answer() -> None:
    for final, calls in ((lambda refusal: refusal.code == "40808", 1), (lambda refusal: refusal.code == "40010", 2)):
        venue = Script(in_turn(fault("40808"), []))
        venue.run(assets(venue.ctx(), final))
        assert len(venue.calls) == calls


def test_the_last_fault_is_the_answer_when_the_time_is_up() -> None:
    """And it is given before the time is up, where there is none left for another try."""
    venue = Script(in_turn(LOST))
    ctx = venue.ctx(timeout_ms=500)
    found = venue.run(assets(ctx))
    assert found.result is LOST
    assert venue.waits == [150, 300]
    assert venue.now_ms <= ctx.deadline.at_ms
    exact = Script(in_turn(LOST))
    exact.run(assets(exact.ctx(timeout_ms=150 + ROUND_TRIP_MS)))
    assert exact.waits == []


def test_a_try_that_finds_no_room_any_more_names_the_answer_before_it() -> None:
    """The reason is what the venue answered, not that this was asked again."""
    unsent = Fault(TimeoutError("no room"), sent=False)
    venue = Script(in_turn(LOST, unsent))
    found = venue.run(assets(venue.ctx(timeout_ms=500)))
    assert found.result is unsent
    assert unsent.error.__cause__ is LOST.error
    cause = OSError("refused")
    unsent.error.__cause__ = cause
    venue = Script(in_turn(LOST, unsent))
    venue.run(assets(venue.ctx(timeout_ms=500)))
    assert unsent.error.__cause__ is cause


def test_a_body_that_cannot_be_read_is_asked_for_again_and_told_at_last() -> None:
    venue = Script(in_turn(Reply("<html>"), []))
    assert venue.run(assets(venue.ctx())).result == []
    broken = Script(in_turn(Reply("<html>")))
    result = broken.run(assets(broken.ctx(timeout_ms=200))).result
    assert isinstance(result, Fault)
    assert isinstance(result.error, Unreadable)
    assert str(result.error) == "v2/margin/crossed/account/assets answered '<html>'"
    assert result.body == "<html>"


def test_a_question_for_the_other_kind_of_account_is_asked_again_in_its_words_at_once() -> None:
    venue = Script(in_turn(fault("40085"), {"assets": []}))
    learned: list[AccountKind] = []
    ctx = venue.ctx()
    ctx.on_account_kind = learned.append
    assert venue.run(assets(ctx)).result == []
    assert [call.endpoint for call in venue.calls] == [Endpoint.ASSETS, Endpoint.UNIFIED_ASSETS]
    assert venue.waits == []
    assert learned == [AccountKind.UNIFIED]


@pytest.mark.parametrize(("pause_ms", "waits"), [(99, True), (100, False), (101, False)])
def test_a_pause_is_made_only_where_time_is_left_after_it(pause_ms: float, waits: bool) -> None:
    venue = Script(in_turn(1))
    assert venue.run(pause(venue.ctx(timeout_ms=100), pause_ms)) is waits
    assert venue.waits == ([pause_ms] if waits else [])
