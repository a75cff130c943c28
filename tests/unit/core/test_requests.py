"""What the venue refused without executing is sent again, and nothing else is."""

from __future__ import annotations

import pytest

from bitget_margin.core.effects import Call, Fault, Reply, Send, run_concurrently
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.requests import CallContext, send_requests
from bitget_margin.core.verdicts import Verdict
from support.script import START_MS, Script, fault, in_turn

LIMITED = fault("429", "Too Many Requests", 429)
LATE = fault("40008", "Request timestamp expired")


def sends(ctx: CallContext, count: int) -> list[Send]:
    """Return requests that can be told apart."""
    return [ctx.bounded(Call(Endpoint.ASSETS, {"n": n})) for n in range(count)]


def said(replies: tuple[object, ...]) -> list[object]:
    """Return what each reply carries, or the code of its fault."""
    return [reply.body["data"] if isinstance(reply, Reply) else reply.code for reply in replies]  # type: ignore[index,attr-defined]


def test_a_request_has_the_bounds_of_its_call() -> None:
    ctx = Script(in_turn(1)).ctx(timeout_ms=3_000)
    send = ctx.bounded(Call(Endpoint.ASSETS, {}))
    assert (send.call, send.request_ms, send.deadline_ms) == (Call(Endpoint.ASSETS, {}), 1_000, START_MS + 3_000)
    assert not send.started
    assert send.reply is None


def test_requests_over_the_rate_limit_alone_are_sent_again_after_its_window() -> None:
    venue = Script(in_turn("a", LIMITED, "c", "b"))
    ctx = venue.ctx()
    assert said(venue.run(send_requests(ctx, sends(ctx, 3)))) == ["a", "b", "c"]
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
    assert said(venue.run(send_requests(ctx, sends(ctx, 2)))) == ["a", "b"]
    assert (venue.resyncs, venue.groups, venue.waits) == (1, [2, 2], [])
    assert ctx.requests == 5
    again = Script(in_turn(LATE))
    ctx = again.ctx()
    assert said(again.run(send_requests(ctx, sends(ctx, 1)))) == ["40008"]
    assert (again.resyncs, again.groups) == (1, [1, 1])


def test_what_left_before_the_clock_was_measured_again_is_tried_again_and_what_left_after_is_not() -> None:
    """Two groups that began together: the second hears of the refusal when the first has a new clock already."""
    venue = Script(in_turn(LATE, LATE, "a"))
    ctx = venue.ctx()
    replies = venue.run(run_concurrently([send_requests(ctx, sends(ctx, 1)), send_requests(ctx, sends(ctx, 1))]))
    assert [said(each) for each in replies] == [["a"], ["a"]]
    assert venue.resyncs == 1
    venue = Script(in_turn(LATE, "a"))
    late = venue.ctx()
    late.resynced_ms = START_MS
    assert said(venue.run(send_requests(late, sends(late, 1)))) == ["40008"]
    venue = Script(in_turn(LATE, "a"))
    early = venue.ctx()
    early.resynced_ms = START_MS + 1
    assert said(venue.run(send_requests(early, sends(early, 1)))) == ["a"]
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


def test_a_call_began_when_its_desk_was_opened_whatever_becomes_of_its_deadline() -> None:
    ctx = Script(in_turn(1)).ctx()
    ctx.deadline = ctx.deadline.extended(5)
    assert (ctx.began_ms, ctx.deadline.at_ms) == (START_MS, START_MS + 5)
