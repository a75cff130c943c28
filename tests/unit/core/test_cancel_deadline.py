"""A cancel ends in time, whatever ends it, and leaves nothing open that is known."""

from __future__ import annotations

from typing import Any

import pytest

from bitget_margin.core import cancel
from bitget_margin.core.effects import Call, Reply, SendAll
from bitget_margin.core.endpoints import Endpoint
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.outcome import Outcome
from bitget_margin.core.requests import CallContext
from support.script import START_MS, Script, fault, in_turn, page, row

CANCEL, HISTORY, LIVE = Endpoint.BATCH_CANCEL, Endpoint.HISTORY_ORDERS, Endpoint.OPEN_ORDERS
DENIED = fault("40014", "Incorrect permissions")
TAKEN = {"successList": [{"orderId": "12"}], "failureList": []}
REFUSED = {"successList": [], "failureList": [{"orderId": "12", "errorMsg": "Cancel order error"}]}


def by_id(*numbers: int, symbol: str = "BTCUSDT") -> tuple[OrderRef, ...]:
    """Return orders that are named by their ids."""
    return tuple(OrderRef(symbol, IdKind.ORDER, str(number)) for number in numbers)


def nowhere(cancel: object) -> Any:
    """Return a venue that answers cancels with this, and shows no order."""
    return lambda call: cancel if call.endpoint is CANCEL else page()


# -- the last look ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("timeout_ms", "before"), [(9_000, 250), (2_000, 200), (900, 90)])
def test_what_is_not_proven_is_looked_up_shortly_before_the_deadline(timeout_ms: float, before: float) -> None:
    venue = Script(nowhere(TAKEN))
    ctx = venue.ctx(*by_id(12), timeout_ms=timeout_ms)
    venue.run(cancel.cancel(ctx))
    ends = START_MS + timeout_ms
    assert [at for at in venue.sent_at if at >= ends - before] == [ends - before, ends - before + 10]
    assert venue.now_ms <= ends
    assert ctx.cancel_state.orders[by_id(12)[0]].outcome is Outcome.UNKNOWN


def test_a_look_that_is_due_at_the_deadline_is_made_before_it() -> None:
    """The fourth pause, of 600 ms, would end exactly then."""
    venue = Script(nowhere(TAKEN))
    ctx = venue.ctx(*by_id(12), timeout_ms=10 + 3 * 20 + 150 + 300 + 600)
    venue.run(cancel.cancel(ctx))
    assert venue.waits[-1] < 600
    assert venue.now_ms < ctx.deadline.at_ms


def test_no_time_for_another_look_ends_the_call_at_once() -> None:
    venue = Script(nowhere(TAKEN))
    ctx = venue.ctx(*by_id(12), timeout_ms=31)
    venue.run(cancel.cancel(ctx))
    assert venue.waits == []
    assert venue.now_ms == START_MS + 30


def test_nobody_waits_for_orders_that_nothing_can_be_found_out_about() -> None:
    """The venue refuses their look-ups for good, and their cancel was taken."""
    venue = Script(lambda call: TAKEN if call.endpoint is CANCEL else DENIED)
    ctx = venue.ctx(*by_id(12))
    venue.run(cancel.cancel(ctx))
    (entry,) = ctx.cancel_state.orders.values()
    assert (entry.outcome, entry.reason, entry.code) == (Outcome.UNKNOWN, DENIED.text, "40014")
    assert venue.waits == []


def test_after_a_definitive_error_an_order_that_lives_is_left_and_one_that_was_taken_is_not() -> None:
    """Nothing is left to find out of the one; the end of the other may show yet."""
    shown = {"13": "live", "12": "live"}
    cancels = iter([{"successList": [{"orderId": "13"}], "failureList": REFUSED["failureList"]}, DENIED])

    def say(call: Call) -> object:
        if call.endpoint is CANCEL:
            return next(cancels)
        ended = venue.now_ms > START_MS + 3_000
        rows = [row(13, "cancelled")] if ended else []
        return page(*rows) if call.endpoint is HISTORY else page(*(row(int(i)) for i in shown))

    venue = Script(say)
    ctx = venue.ctx(*by_id(12, 13))
    venue.run(cancel.cancel(ctx))
    lives, went = ctx.cancel_state.orders.values()
    assert ctx.cancel_state.error is DENIED.error
    assert (lives.outcome, went.outcome) == (Outcome.UNKNOWN, Outcome.CANCELED)
    assert venue.now_ms < START_MS + 6_000


def test_an_error_leaves_orders_that_were_never_cancelled_alone() -> None:
    """They were not touched: there is nothing to look up."""
    venue = Script(lambda _: DENIED)
    ctx = venue.ctx(*by_id(12), *by_id(13, symbol="ETHUSDT"))
    venue.run(cancel.cancel(ctx))
    assert [call.endpoint for call in venue.calls] == [CANCEL, CANCEL]


# -- one by one, and by both names ------------------------------------------------------------------------------------


def test_the_single_endpoint_is_asked_once_per_order_and_its_answer_is_a_batch_of_one() -> None:
    venue = Script(lambda call: {"orderId": call.params["orderId"]})  # type: ignore[call-overload]
    ctx = venue.ctx(*by_id(12, 13), confirm=False)
    ctx.use_single_endpoint = True
    venue.run(cancel.cancel(ctx))
    assert [call.endpoint for call in venue.calls] == [Endpoint.CANCEL] * 2
    assert [dict(call.params) for call in venue.calls] == [  # type: ignore[call-overload]
        {"symbol": "BTCUSDT", "orderId": "12"},
        {"symbol": "BTCUSDT", "orderId": "13"},
    ]
    assert {entry.outcome for entry in ctx.cancel_state.orders.values()} == {Outcome.ACCEPTED}


def test_an_order_that_was_named_by_both_of_its_ids_is_cancelled_again_once_by_its_order_id() -> None:
    """Its name may have gone to a younger order by now."""
    both = (*by_id(12), OrderRef("BTCUSDT", IdKind.CLIENT, "c12"))
    echo = {"orderId": "12", "clientOid": "c12", "errorMsg": "Cancel order error"}

    def say(call: Call) -> object:
        if call.endpoint is CANCEL:
            return {"successList": [], "failureList": [echo]}
        return page() if call.endpoint is HISTORY else page(row(12))

    venue = Script(say)
    ctx = venue.ctx(*both)
    venue.run(cancel.cancel(ctx))
    sent = [dict(call.params)["orderIdList"] for call in venue.calls if call.endpoint is CANCEL]  # type: ignore[call-overload]
    assert sent == [[{"orderId": "12"}], [{"clientOid": "c12"}], [{"orderId": "12"}]]
    assert {entry.outcome for entry in ctx.cancel_state.orders.values()} == {Outcome.OPEN}


def test_a_name_alone_is_cancelled_again_by_its_order_id() -> None:
    def say(call: Call) -> object:
        if call.endpoint is CANCEL:
            return {"successList": [], "failureList": [{"orderId": "12", "clientOid": "c12", "errorMsg": "no"}]}
        return page() if call.endpoint is HISTORY else page(row(12))

    venue = Script(say)
    ctx = venue.ctx(OrderRef("BTCUSDT", IdKind.CLIENT, "c12"))
    venue.run(cancel.cancel(ctx))
    sent = [dict(call.params)["orderIdList"] for call in venue.calls if call.endpoint is CANCEL]  # type: ignore[call-overload]
    assert sent == [[{"clientOid": "c12"}], [{"orderId": "12"}]]


# -- interrupts -------------------------------------------------------------------------------------------------------


def interrupted(*, started: tuple[bool, ...], replies: tuple[object, ...], **settings: Any) -> CallContext:
    """Return the desk of a call that was interrupted with so much of its three requests done."""
    venue = Script(in_turn(page()))
    ctx = venue.ctx(*by_id(12), *by_id(13, symbol="ETHUSDT"), *by_id(14, symbol="SOLUSDT"), **settings)
    running = cancel.cancel(ctx)
    effect = next(running)
    assert isinstance(effect, SendAll)
    venue.now_ms += 7
    for send, left, reply in zip(effect.sends, started, replies, strict=True):
        send.started = left
        send.reply = Reply({"code": "00000", "data": reply}) if reply is not None else None
    cancel.interrupt(ctx)
    return ctx


def test_an_interrupt_leaves_what_had_been_found_out_by_then() -> None:
    """Answered, on its way, and never sent."""
    ctx = interrupted(started=(True, True, False), replies=(TAKEN, None, None), confirm=False)
    answered, on_its_way, never = ctx.cancel_state.orders.values()
    assert answered.outcome is Outcome.ACCEPTED
    assert (on_its_way.outcome, on_its_way.attempted_ms) == (Outcome.UNKNOWN, START_MS + 7)
    assert (never.outcome, never.attempted_ms) == (Outcome.NOT_SENT, None)
    assert ctx.cancel_state.requests == 2
    assert ctx.cancel_state.in_flight == []


def test_an_interrupt_after_the_end_changes_nothing() -> None:
    venue = Script(in_turn(TAKEN))
    ctx = venue.ctx(*by_id(12), confirm=False)
    venue.run(cancel.cancel(ctx))
    cancel.interrupt(ctx)
    assert ctx.cancel_state.requests == 1
    assert [entry.outcome for entry in ctx.cancel_state.orders.values()] == [Outcome.ACCEPTED]


def test_an_interrupt_adds_its_requests_to_those_before() -> None:
    ctx = Script(in_turn(page())).ctx(*by_id(12))
    ctx.cancel_state.requests = 5
    running = cancel.cancel(ctx)
    effect = next(running)
    assert isinstance(effect, SendAll)
    effect.sends[0].started = True
    cancel.interrupt(ctx)
    assert ctx.cancel_state.requests == 6


def test_what_is_not_proven_can_be_left_open_for_a_caller_that_asks_on() -> None:
    venue = Script(nowhere(TAKEN))
    ctx = venue.ctx(*by_id(12), timeout_ms=500)
    venue.run(cancel.run_until_resolved(ctx))
    assert [entry.outcome for entry in ctx.cancel_state.orders.values()] == [None]
