"""A cancel is sent, looked after, and sent again where it must be, until every order has its proof."""

from __future__ import annotations

from typing import Any

import pytest

from bitget_margin.core import cancel
from bitget_margin.core.cancel_state import OrderState
from bitget_margin.core.effects import Call, Fault, Reply
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.outcome import Outcome
from bitget_margin.core.settings import Settings
from support.model import ModelVenue, Order, Trouble
from support.script import START_MS, Script, fault, in_turn, page, row

CANCELED, FILLED, OPEN, ACCEPTED = Outcome.CANCELED, Outcome.FILLED, Outcome.OPEN, Outcome.ACCEPTED
CANCEL, HISTORY, LIVE = Endpoint.BATCH_CANCEL, Endpoint.HISTORY_ORDERS, Endpoint.OPEN_ORDERS
DENIED = fault("40014", "Incorrect permissions")


def by_id(*numbers: int, symbol: str = "BTCUSDT") -> tuple[OrderRef, ...]:
    """Return orders that are named by their ids."""
    return tuple(OrderRef(symbol, IdKind.ORDER, str(number)) for number in numbers)


def taken(*numbers: int) -> dict[str, Any]:
    """Return an answer that lists these as successes."""
    return {"successList": [{"orderId": str(n)} for n in numbers], "failureList": []}


def refused(*numbers: int, text: str = "Cancel order error") -> dict[str, Any]:
    """Return an answer that lists these as failures."""
    return {"successList": [], "failureList": [{"orderId": str(n), "errorMsg": text} for n in numbers]}


def cancelled(say: Any, *targets: OrderRef, single: bool = False, **settings: Any) -> tuple[Script, list[OrderState]]:
    """Cancel these on a venue that says this; return what was asked, and the entries."""
    venue = Script(say)
    ctx = venue.ctx(*targets, **settings)
    ctx.use_single_endpoint = single
    venue.run(cancel.cancel(ctx))
    assert ctx.cancel_state.in_flight == []
    return venue, list(ctx.cancel_state.orders.values())


def asked(venue: Script) -> list[Endpoint]:
    """Return where each request went."""
    return [call.endpoint for call in venue.calls]


def on_model(count: int, *troubles: Trouble, **settings: Any) -> tuple[ModelVenue, list[Outcome | None]]:
    """Cancel so many live orders on a venue with these troubles; return it, and the outcomes."""
    venue = ModelVenue([Order(str(i), f"c{i}", "BTCUSDT") for i in range(1, count + 1)], iter(troubles))
    ctx = venue.ctx(by_id(*range(1, count + 1)), Settings(**settings))
    venue.run(cancel.cancel(ctx))
    assert ctx.cancel_state.requests == len(venue.calls)
    return venue, [entry.outcome for entry in ctx.cancel_state.orders.values()]


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


@pytest.mark.parametrize("trouble", [t for t in Trouble if t is not Trouble.FILL_WINS], ids=lambda t: t.name)
@pytest.mark.parametrize("count", [1, 3])
def test_one_trouble_on_the_way_costs_time_and_no_order(trouble: Trouble, count: int) -> None:
    """Every order that was named ends, and its end is proven."""
    venue, outcomes = on_model(count, trouble, timeout_ms=30_000)
    assert outcomes == [CANCELED] * count
    assert {order.status for order in venue.orders} == {"cancelled"}


def test_a_fill_that_wins_is_told_as_a_fill() -> None:
    assert on_model(2, Trouble.FILL_WINS)[1] == [FILLED] * 2


# -- again ------------------------------------------------------------------------------------------------------------


def test_what_was_refused_and_lives_is_cancelled_again_a_second_later() -> None:
    say = in_turn(refused(12), page(), page(row(12)), taken(12), page(row(12, "cancelled")))
    venue, (entry,) = cancelled(say, *by_id(12))
    assert asked(venue) == [CANCEL, HISTORY, LIVE, CANCEL, HISTORY]
    assert venue.sent_at[3] - venue.sent_at[0] == pytest.approx(1_050 + 10)
    assert entry.outcome is CANCELED


def test_what_was_refused_twice_and_lives_is_told_as_open() -> None:
    def say(call: Call) -> object:
        return {CANCEL: refused(12), HISTORY: page(), LIVE: page(row(12))}[call.endpoint]

    venue, (entry,) = cancelled(say, *by_id(12))
    assert (entry.outcome, entry.reason) == (OPEN, "Cancel order error")
    assert asked(venue).count(CANCEL) == 2
    assert venue.now_ms - START_MS < 1_200


def test_what_was_acknowledged_and_lives_is_cancelled_again() -> None:
    def say(call: Call) -> object:
        return {CANCEL: taken(12), HISTORY: page(), LIVE: page(row(12))}[call.endpoint]

    venue, (entry,) = cancelled(say, *by_id(12), timeout_ms=2_500)
    at = [sent for sent, call in zip(venue.sent_at, venue.calls, strict=True) if call.endpoint is CANCEL]
    assert [at[1] - at[0], at[2] - at[1]] == pytest.approx([1_060, 1_060])
    assert entry.outcome is Outcome.UNKNOWN


def test_what_never_left_is_sent_again_after_a_while() -> None:
    say = in_turn(fault(sent=False), taken(12), page(row(12, "cancelled")))
    venue, (entry,) = cancelled(say, *by_id(12))
    assert asked(venue) == [CANCEL, CANCEL, HISTORY]
    assert venue.waits == [1_000]
    assert entry.outcome is CANCELED


def test_what_never_left_at_all_says_why() -> None:
    """At once, where no time is left to send it again."""
    venue, (entry,) = cancelled(in_turn(fault("77", None, sent=False)), *by_id(12), timeout_ms=500)
    assert venue.waits == []
    assert (entry.outcome, entry.code, entry.reason) == (Outcome.NOT_SENT, "77", "77 None")
    _, (entry,) = cancelled(in_turn(fault(None, "no route", sent=False)), *by_id(12), timeout_ms=500)
    assert (entry.code, entry.reason) == (None, "no route")


def test_the_other_kind_of_account_is_spoken_to_at_once_and_twenty_at_a_time() -> None:
    def say(call: Call) -> object:
        if call.endpoint.kind is AccountKind.CLASSIC:
            return fault("40085")
        if call.endpoint is Endpoint.UNIFIED_BATCH_CANCEL:
            return [{"orderId": item["orderId"]} for item in call.params]  # type: ignore[index]
        return {"list": []}

    venue, entries = cancelled(say, *by_id(*range(1, 51)), confirm=False)
    assert asked(venue) == [CANCEL] + [Endpoint.UNIFIED_BATCH_CANCEL] * 3
    assert [len(call.params) for call in venue.calls[1:]] == [20, 20, 10]
    assert sum(venue.waits) == 0
    assert {entry.outcome for entry in entries} == {ACCEPTED}


def test_an_answer_is_read_in_the_words_of_the_account_that_gave_it() -> None:
    """Two requests left together: the first says that the account is another one, the second was answered."""
    say = in_turn(fault("40085"), taken(13), [{"orderId": "12"}])
    venue, entries = cancelled(say, *by_id(12), *by_id(13, symbol="ETHUSDT"), confirm=False)
    assert venue.groups == [2, 1]
    assert [entry.outcome for entry in entries] == [ACCEPTED, ACCEPTED]


# -- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("why", [DENIED, fault("40008", "Request timestamp expired")], ids=lambda f: f.code)
def test_a_definitive_error_ends_the_call_without_a_look(why: Fault) -> None:
    venue = Script(in_turn(why))
    ctx = venue.ctx(*by_id(12))
    venue.run(cancel.cancel(ctx))
    (entry,) = ctx.cancel_state.orders.values()
    assert ctx.cancel_state.error is why.error
    assert (entry.outcome, entry.code, entry.reason) == (Outcome.NOT_SENT, why.code, why.text)
    assert set(asked(venue)) == {CANCEL}
    assert venue.waits == []


def test_the_first_definitive_error_is_the_one_that_is_raised() -> None:
    other = fault("40009", "sign signature error")
    venue = Script(in_turn(DENIED, other))
    ctx = venue.ctx(*by_id(12), *by_id(13, symbol="ETHUSDT"))
    venue.run(cancel.cancel(ctx))
    assert ctx.cancel_state.error is DENIED.error


@pytest.mark.parametrize(
    ("lost", "reason"), [(fault("40010", "busy"), "busy"), (fault(), "None None"), (fault(None, "late"), "late")]
)
def test_a_lost_answer_is_looked_up_and_its_words_are_kept(lost: Fault, reason: str) -> None:
    venue, (entry,) = cancelled(in_turn(lost, page(row(12, "cancelled"))), *by_id(12))
    assert (entry.outcome, entry.reason, entry.code) == (CANCELED, reason, lost.code)
    assert asked(venue) == [CANCEL, HISTORY]
    _, (entry,) = cancelled(in_turn(lost, page()), *by_id(12), timeout_ms=900)
    assert entry.outcome is Outcome.UNKNOWN


def test_an_answer_without_a_list_is_looked_up() -> None:
    venue, (entry,) = cancelled(in_turn(Reply("<html>"), page(row(12, "cancelled"))), *by_id(12))
    assert (entry.outcome, entry.maybe_executed) == (CANCELED, True)
    assert entry.reason == "the venue's answer has no list that can be read"
    assert asked(venue) == [CANCEL, HISTORY]


def test_the_refusal_of_a_whole_request_is_that_of_each_order_in_it() -> None:
    why = Fault(OSError("x"), "43001", "The order does not exist", 400, body={"code": "43001"})
    say = in_turn(why, page(row(12, "cancelled")))
    _, (entry,) = cancelled(say, *by_id(12), single=True)
    assert (entry.outcome, entry.code, entry.reason) == (CANCELED, "43001", why.text)
    assert (entry.info, entry.error) == ({"code": "43001"}, why.error)
    assert entry.refusals_ms == (START_MS + 10,)
    assert entry.attempted_ms == START_MS + 10
    odd = Fault(OSError("x"), "43001", "The order does not exist", 400, body="odd")
    assert cancelled(in_turn(odd, page(row(12, "cancelled"))), *by_id(12))[1][0].info is None
