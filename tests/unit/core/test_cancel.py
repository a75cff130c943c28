"""A cancel is sent, looked after, and sent again where it must be, until every order has its proof."""

from typing import Any

import pytest

from bitget_margin.core import cancel
from bitget_margin.core.cancel_state import CancelState, OrderEvidence
from bitget_margin.core.effects import Call, Fault, Reply, Wait
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.order_ref import OrderRef
from bitget_margin.core.outcome import Outcome
from bitget_margin.core.settings import Settings
from support.model import Disturbance, ModelVenue, Order
from support.script import START_MS, Script, accepted, by_id, fault, in_turn, page, refused, row

CANCELED, FILLED, OPEN, ACCEPTED = Outcome.CANCELED, Outcome.FILLED, Outcome.OPEN, Outcome.ACCEPTED
CANCEL, HISTORY, LIVE = Endpoint.BATCH_CANCEL, Endpoint.HISTORY_ORDERS, Endpoint.OPEN_ORDERS
DENIED = fault("40014", "Incorrect permissions")


def canceled(respond: Any, *targets: OrderRef, **how: Any) -> tuple[Script, list[OrderEvidence]]:
    """Cancel these orders; return the venue, and the evidence."""
    venue = Script(respond)
    _, state = venue.cancel(*targets, **how)
    return venue, [order.evidence for order in state.orders.values()]


def endpoints(venue: Script) -> list[Endpoint]:
    """Return the endpoint of each request."""
    return [call.endpoint for call in venue.calls]


def on_model(count: int, *disturbances: Disturbance, **settings: Any) -> tuple[ModelVenue, list[Outcome | None]]:
    """Cancel so many live orders on a venue with these faults; return it, and the outcomes."""
    venue = ModelVenue([Order(str(i), f"c{i}", "BTCUSDT") for i in range(1, count + 1)], iter(disturbances))
    ctx, state = venue.ctx(Settings(**settings)), CancelState.of(by_id(*range(1, count + 1)))
    venue.run(cancel.cancel(ctx, state))
    assert ctx.requests == len(venue.calls)
    return venue, [order.outcome for order in state.orders.values()]


# -- what a well venue costs ------------------------------------------------------------------------------------------


def test_all_is_proven_in_two_requests_when_nothing_goes_wrong() -> None:
    venue, outcomes = on_model(50)
    assert outcomes == [CANCELED] * 50
    assert [call.endpoint for call in venue.calls] == [CANCEL, HISTORY]
    assert {order.status for order in venue.orders} == {"cancelled"}


def test_all_is_acknowledged_in_one_request_without_confirmation() -> None:
    venue, outcomes = on_model(50, confirm=False)
    assert outcomes == [ACCEPTED] * 50
    assert [call.endpoint for call in venue.calls] == [CANCEL]


@pytest.mark.parametrize(("size", "requests"), [(50, 2), (20, 3), (1, 51)])
def test_a_request_names_as_many_orders_as_it_may(size: int, requests: int) -> None:
    venue, outcomes = on_model(51, batch_size=size)
    assert outcomes == [CANCELED] * 51
    assert [call.endpoint for call in venue.calls].count(CANCEL) == requests


@pytest.mark.parametrize(
    "disturbance", [t for t in Disturbance if t is not Disturbance.FILL_WINS], ids=lambda t: t.name
)
@pytest.mark.parametrize("count", [1, 3])
def test_one_trouble_on_the_way_costs_time_and_no_order(disturbance: Disturbance, count: int) -> None:
    """Every order that was named ends, and its end is proven."""
    venue, outcomes = on_model(count, disturbance, timeout_ms=30_000)
    assert outcomes == [CANCELED] * count
    assert {order.status for order in venue.orders} == {"cancelled"}


def test_a_fill_that_wins_is_told_as_a_fill() -> None:
    assert on_model(2, Disturbance.FILL_WINS)[1] == [FILLED] * 2


# -- again ------------------------------------------------------------------------------------------------------------


def test_what_was_refused_and_lives_is_cancelled_again_a_second_later() -> None:
    respond = in_turn(refused(12), page(), page(row(12)), accepted(12), page(row(12, "cancelled")))
    venue, (order,) = canceled(respond, *by_id(12))
    assert endpoints(venue) == [CANCEL, HISTORY, LIVE, CANCEL, HISTORY]
    assert venue.sent_at[3] - venue.sent_at[0] == pytest.approx(1_050 + 10)
    assert order.outcome is CANCELED


def test_what_was_refused_twice_and_lives_is_told_as_open() -> None:
    def respond(call: Call) -> object:
        return {CANCEL: refused(12), HISTORY: page(), LIVE: page(row(12))}[call.endpoint]

    venue, (order,) = canceled(respond, *by_id(12))
    assert (order.outcome, order.reason) == (OPEN, "Cancel order error")
    assert endpoints(venue).count(CANCEL) == 2
    assert venue.now_ms - START_MS < 1_200


def test_what_was_acknowledged_and_lives_is_cancelled_again() -> None:
    def respond(call: Call) -> object:
        return {CANCEL: accepted(12), HISTORY: page(), LIVE: page(row(12))}[call.endpoint]

    venue, (order,) = canceled(respond, *by_id(12), timeout_ms=2_500)
    at = [sent for sent, call in zip(venue.sent_at, venue.calls, strict=True) if call.endpoint is CANCEL]
    assert [at[1] - at[0], at[2] - at[1]] == pytest.approx([1_060, 1_060])
    assert order.outcome is Outcome.UNKNOWN


def test_what_never_left_is_sent_again_after_a_while() -> None:
    respond = in_turn(fault(sent=False), accepted(12), page(row(12, "cancelled")))
    venue, (order,) = canceled(respond, *by_id(12))
    assert endpoints(venue) == [CANCEL, CANCEL, HISTORY]
    assert venue.waits == [1_000]
    assert order.outcome is CANCELED


def test_what_never_left_at_all_says_why() -> None:
    """At once, where no time is left to send it again."""
    venue, (order,) = canceled(in_turn(fault("77", None, sent=False)), *by_id(12), timeout_ms=500)
    assert venue.waits == []
    assert (order.outcome, order.code, order.reason) == (Outcome.NOT_SENT, "77", "77 None")
    _, (order,) = canceled(in_turn(fault(None, "no route", sent=False)), *by_id(12), timeout_ms=500)
    assert (order.code, order.reason) == (None, "no route")


def test_the_other_kind_of_account_is_spoken_to_at_once_and_twenty_at_a_time() -> None:
    def respond(call: Call) -> object:
        if call.endpoint.kind is AccountKind.CLASSIC:
            return fault("40085")
        if call.endpoint is Endpoint.UNIFIED_BATCH_CANCEL:
            return [{"orderId": item["orderId"]} for item in call.params]  # type: ignore[index]
        return {"list": []}

    venue, orders = canceled(respond, *by_id(*range(1, 51)), confirm=False)
    assert endpoints(venue) == [CANCEL] + [Endpoint.UNIFIED_BATCH_CANCEL] * 3
    assert [len(call.params) for call in venue.calls[1:]] == [20, 20, 10]
    assert sum(venue.waits) == 0
    assert {order.outcome for order in orders} == {ACCEPTED}


def test_an_answer_is_read_in_the_words_of_the_account_that_gave_it() -> None:
    """Two requests left together: the first says that the account is another one, the second was answered."""
    respond = in_turn(fault("40085"), accepted(13), [{"orderId": "12"}])
    venue, orders = canceled(respond, *by_id(12), *by_id(13, symbol="ETHUSDT"), confirm=False)
    assert venue.groups == [2, 1]
    assert [order.outcome for order in orders] == [ACCEPTED, ACCEPTED]


# -- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("why", [DENIED, fault("40008", "Request timestamp expired")], ids=lambda f: f.code)
def test_a_definitive_error_ends_the_call_without_a_look(why: Fault) -> None:
    venue = Script(in_turn(why))
    _, state = venue.cancel(*by_id(12))
    (evidence,) = [order.evidence for order in state.orders.values()]
    assert state.error is why.error
    assert (evidence.outcome, evidence.code, evidence.reason) == (Outcome.NOT_SENT, why.code, why.text)
    assert set(endpoints(venue)) == {CANCEL}
    assert venue.waits == []


def test_the_first_definitive_error_is_the_one_that_is_raised() -> None:
    """Orders that were not canceled before it are not looked up."""
    venue = Script(in_turn(DENIED, fault("40009", "sign signature error")))
    _, state = venue.cancel(*by_id(12), *by_id(13, symbol="ETHUSDT"))
    assert state.error is DENIED.error
    assert endpoints(venue) == [CANCEL, CANCEL]


@pytest.mark.parametrize(
    ("lost", "reason"), [(fault("40010", "busy"), "busy"), (fault(), "None None"), (fault(None, "late"), "late")]
)
def test_a_lost_answer_is_looked_up_and_its_words_are_kept(lost: Fault, reason: str) -> None:
    venue, (order,) = canceled(in_turn(lost, page(row(12, "cancelled"))), *by_id(12))
    assert (order.outcome, order.reason, order.code) == (CANCELED, reason, lost.code)
    assert endpoints(venue) == [CANCEL, HISTORY]
    _, (order,) = canceled(in_turn(lost, page()), *by_id(12), timeout_ms=900)
    assert order.outcome is Outcome.UNKNOWN


def test_an_answer_without_a_list_is_looked_up() -> None:
    venue, (order,) = canceled(in_turn(Reply("<html>"), page(row(12, "cancelled"))), *by_id(12))
    assert (order.outcome, order.maybe_executed) == (CANCELED, True)
    assert order.reason == "the response has no list that can be read"
    assert endpoints(venue) == [CANCEL, HISTORY]


@pytest.mark.parametrize("code", ["43001", "99999"])
def test_the_refusal_of_a_whole_request_is_that_of_each_order_in_it(code: str) -> None:
    """By its code, or by the text of one that is not known."""
    why = Fault(OSError("x"), code, "The order does not exist", 400, body={"code": code})
    _, (order,) = canceled(in_turn(why, page(row(12, "cancelled"))), *by_id(12), single=True)
    assert (order.outcome, order.code, order.reason) == (CANCELED, code, why.text)
    assert (order.info, order.error) == ({"code": code}, why.error)
    assert (order.refusals_ms, order.attempted_ms) == ((START_MS + 10,), START_MS + 10)
    odd = Fault(OSError("x"), code, "The order does not exist", 400, body="odd")
    assert canceled(in_turn(odd, page(row(12, "cancelled"))), *by_id(12))[1][0].info is None


@pytest.mark.parametrize(
    ("why", "is_refusal"),
    [
        (fault("99999", "whatever"), False),
        (fault("99999", "The order does not exist"), True),
        (fault("43001", "whatever"), True),
        (fault(None, "The order does not exist"), False),
        (fault("40010", "The order does not exist"), False),
    ],
    ids=lambda value: str(value.code) + str(value.text) if isinstance(value, Fault) else "",
)
def test_a_fault_refuses_an_order_only_by_a_code_or_beside_one_that_is_not_known(why: Fault, is_refusal: bool) -> None:
    """Any other one may have been executed."""
    _, (order,) = canceled(in_turn(why, page()), *by_id(12), timeout_ms=900)
    assert (bool(order.refusals_ms), order.maybe_executed) == (is_refusal, not is_refusal)


@pytest.mark.parametrize("text", ["Too Many Requests", "The order does not exist"])
def test_a_cancel_over_the_rate_limit_is_no_refusal_whatever_its_text(text: str) -> None:
    _, (order,) = canceled(in_turn(fault("429", text, 429)), *by_id(12), timeout_ms=900)
    assert (order.outcome, order.refusals_ms, order.maybe_executed) == (Outcome.NOT_SENT, (), False)


def test_a_timer_that_ends_a_millisecond_early_costs_no_further_wait() -> None:
    class Early(Script):
        def _do(self, effect: object) -> object:
            reply = super()._do(effect)
            if isinstance(effect, Wait):
                self.now_ms -= cancel.TIMER_SLACK_MS
            return reply

    venue = Early(in_turn(accepted(12), page(), page(), page(row(12, "cancelled"))))
    venue.cancel(*by_id(12))
    assert venue.waits == [150]
    again = Early(in_turn(fault(sent=False), accepted(12), page(row(12, "cancelled"))))
    again.cancel(*by_id(12))
    assert again.waits == [1_000]


@pytest.mark.parametrize(("timeout_ms", "sent"), [(11, 1), (12, 2)])
def test_nothing_is_sent_in_the_last_millisecond(timeout_ms: float, sent: int) -> None:
    """Its timer may end as late."""
    respond = in_turn(fault("40085"), [{"orderId": "12"}])
    venue, _ = canceled(respond, *by_id(12), confirm=False, timeout_ms=timeout_ms)
    assert len(venue.calls) == sent
