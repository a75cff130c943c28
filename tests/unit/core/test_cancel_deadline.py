"""A cancel ends in time, whatever ends it, and leaves nothing open that is known."""

from typing import Any

import pytest

from bitget_margin.core import cancel
from bitget_margin.core.cancel_state import CancelState
from bitget_margin.core.effects import Call, Reply, SendAll
from bitget_margin.core.endpoints import Endpoint
from bitget_margin.core.order_ref import OrderRef
from bitget_margin.core.outcome import Outcome
from support.script import START_MS, Script, accepted, by_id, by_name, fault, in_turn, page, refused, row

CANCEL, HISTORY, LIVE = Endpoint.BATCH_CANCEL, Endpoint.HISTORY_ORDERS, Endpoint.OPEN_ORDERS
DENIED = fault("40014", "Incorrect permissions")
TAKEN = accepted(12)


def nowhere(cancel: object) -> Any:
    """Return a venue that answers cancels with this, and shows no order."""
    return lambda call: cancel if call.endpoint is CANCEL else page()


def outcomes(state: CancelState) -> list[Outcome | None]:
    """Return the outcome of each order."""
    return [order.outcome for order in state.orders.values()]


def bodies(venue: Script) -> list[Any]:
    """Return the orders that each batch cancel names."""
    return [dict(call.params)["orderIdList"] for call in venue.calls if call.endpoint is CANCEL]  # type: ignore[call-overload]


# -- the last look ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("timeout_ms", "before"), [(9_000, 250), (2_000, 200), (900, 90)])
def test_what_is_not_proven_is_looked_up_shortly_before_the_deadline(timeout_ms: float, before: float) -> None:
    venue = Script(nowhere(TAKEN))
    _, state = venue.cancel(*by_id(12), timeout_ms=timeout_ms)
    ends = START_MS + timeout_ms
    assert [at for at in venue.sent_at if at >= ends - before] == [ends - before, ends - before + 10]
    assert venue.now_ms <= ends
    assert outcomes(state) == [Outcome.UNKNOWN]


def test_a_look_that_is_due_at_the_deadline_is_made_before_it() -> None:
    """The fourth pause, of 600 ms, would end exactly then."""
    venue = Script(nowhere(TAKEN))
    ctx, _ = venue.cancel(*by_id(12), timeout_ms=10 + 3 * 20 + 150 + 300 + 600)
    assert venue.waits[-1] < 600
    assert venue.now_ms < ctx.deadline.at_ms


def test_no_time_for_another_look_ends_the_call_at_once() -> None:
    venue = Script(nowhere(TAKEN))
    venue.cancel(*by_id(12), timeout_ms=31)
    assert venue.waits == []
    assert venue.now_ms == START_MS + 30


def test_nobody_waits_for_orders_that_nothing_can_be_found_out_about() -> None:
    """The venue refuses their lookups for good, and their cancel was taken."""
    venue = Script(lambda call: TAKEN if call.endpoint is CANCEL else DENIED)
    _, state = venue.cancel(*by_id(12))
    (evidence,) = [order.evidence for order in state.orders.values()]
    assert (evidence.outcome, evidence.reason, evidence.code) == (Outcome.UNKNOWN, DENIED.text, "40014")
    assert venue.waits == []


def test_after_a_definitive_error_an_order_that_lives_is_left_and_one_that_was_taken_is_not() -> None:
    """Nothing is left to find out of the one; the end of the other may show yet."""
    shown = {"13": "live", "12": "live"}
    cancels = iter([accepted(13) | {"failureList": refused(12)["failureList"]}, DENIED])

    def respond(call: Call) -> object:
        if call.endpoint is CANCEL:
            return next(cancels)
        ended = venue.now_ms > START_MS + 3_000
        rows = [row(13, "cancelled")] if ended else []
        return page(*rows) if call.endpoint is HISTORY else page(*(row(int(i)) for i in shown))

    venue = Script(respond)
    _, state = venue.cancel(*by_id(12, 13))
    assert state.error is DENIED.error
    assert outcomes(state) == [Outcome.UNKNOWN, Outcome.CANCELED]
    assert venue.now_ms < START_MS + 6_000


# -- one by one, and by both names ------------------------------------------------------------------------------------


def test_the_single_endpoint_is_asked_once_per_order_and_its_answer_is_a_batch_of_one() -> None:
    venue = Script(lambda call: {"orderId": call.params["orderId"]})  # type: ignore[call-overload]
    _, state = venue.cancel(*by_id(12, 13), single=True, confirm=False)
    assert [call.endpoint for call in venue.calls] == [Endpoint.CANCEL] * 2
    assert [dict(call.params) for call in venue.calls] == [  # type: ignore[call-overload]
        {"symbol": "BTCUSDT", "orderId": "12"},
        {"symbol": "BTCUSDT", "orderId": "13"},
    ]
    assert outcomes(state) == [Outcome.ACCEPTED] * 2


@pytest.mark.parametrize(
    ("targets", "sent"),
    [
        ((*by_id(12), by_name("c12")), [[{"orderId": "12"}], [{"clientOid": "c12"}], [{"orderId": "12"}]]),
        ((by_name("c12"),), [[{"clientOid": "c12"}], [{"orderId": "12"}]]),
    ],
    ids=["both", "name"],
)
def test_an_order_is_cancelled_again_once_and_by_its_order_id(targets: tuple[OrderRef, ...], sent: object) -> None:
    """Its name may have gone to a younger order by now."""
    failure = {"orderId": "12", "clientOid": "c12", "errorMsg": "Cancel order error"}

    def respond(call: Call) -> object:
        if call.endpoint is CANCEL:
            return {"successList": [], "failureList": [failure]}
        return page() if call.endpoint is HISTORY else page(row(12))

    venue = Script(respond)
    _, state = venue.cancel(*targets)
    assert bodies(venue) == sent
    assert set(outcomes(state)) == {Outcome.OPEN}


# -- interrupts -------------------------------------------------------------------------------------------------------


def test_an_interrupt_leaves_what_had_been_found_out_by_then() -> None:
    """Answered, on its way, and never sent; the requests are added to those from before."""
    venue = Script(in_turn(page()))
    ctx = venue.ctx(confirm=False)
    ctx.requests = 5
    state = CancelState.of([*by_id(12), *by_id(13, symbol="ETHUSDT"), *by_id(14, symbol="SOLUSDT")])
    running = cancel.cancel(ctx, state)
    effect = next(running)
    assert isinstance(effect, SendAll)
    venue.now_ms += 7
    first, second, _ = effect.sends
    first.started = second.started = True
    first.reply = Reply({"code": "00000", "data": TAKEN})
    cancel.interrupt(ctx, state)
    assert outcomes(state) == [Outcome.ACCEPTED, Outcome.UNKNOWN, Outcome.NOT_SENT]
    assert [order.evidence.attempted_ms for order in state.orders.values()][1:] == [START_MS + 7, None]
    assert (ctx.requests, state.in_flight) == (7, [])


def test_an_interrupt_after_the_end_changes_nothing() -> None:
    ctx, state = Script(in_turn(TAKEN)).cancel(*by_id(12), confirm=False)
    cancel.interrupt(ctx, state)
    assert (ctx.requests, outcomes(state)) == (1, [Outcome.ACCEPTED])


def test_what_is_not_proven_can_be_left_open_for_a_caller_that_asks_on() -> None:
    venue, state = Script(nowhere(TAKEN)), CancelState.of(by_id(12))
    venue.run(cancel.run_until_resolved(venue.ctx(timeout_ms=500), state))
    assert outcomes(state) == [None]
