"""One request cancels all orders of a unified account or symbol where batches would be many; each end is proven."""

from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from typing import Any

import pytest

from bitget_margin.core import cancel
from bitget_margin.core.cancel_all import cancel_symbol
from bitget_margin.core.cancel_proof import CancelAllResult, CancelAllScope
from bitget_margin.core.cancel_state import CancelState
from bitget_margin.core.effects import Call
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.outcome import Outcome
from support import account as classic
from support.account import COINS, outcomes
from support.script import Script, fault
from support.unified_account import UnifiedAccount, cancel_all, order

EVERY = pytest.mark.parametrize("symbol", ["BTCUSDT", None])
ALL = Endpoint.UNIFIED_CANCEL_ALL
BATCH = Endpoint.UNIFIED_BATCH_CANCEL


def many(count: int = 5, **more: Any) -> UnifiedAccount:
    return UnifiedAccount([order(number) for number in range(count, 0, -1)], **more)


def cancels(venue: Script) -> list[Any]:
    """Return each cancel: the parameters of one of all orders, the order ids of a batch."""
    found: list[Any] = []
    for call in venue.calls:
        params: Any = call.params
        if call.endpoint is ALL:
            found.append(params)
        elif call.endpoint is BATCH:
            found.append([item["orderId"] for item in params])
    return found


@EVERY
@pytest.mark.parametrize("confirm", [True, False])
def test_more_orders_than_a_batch_are_canceled_with_one_request_and_proven(symbol: str | None, confirm: bool) -> None:
    account = many(45)
    account.orders += [order(99, category="SPOT")]
    result, state, venue = cancel_all(account, symbol, confirm=confirm)
    assert (result.problem, result.more_orders_found) == (None, False)
    assert cancels(venue) == [{"category": "MARGIN"} | ({"symbol": symbol} if symbol else {})]
    assert account.live() == []
    assert account.live("SPOT") == ["99"]
    assert set(outcomes(state)) == {str(number) for number in range(1, 46)}
    assert set(outcomes(state).values()) == {Outcome.CANCELED}


@EVERY
def test_one_batch_of_orders_is_canceled_by_id(symbol: str | None) -> None:
    """Nothing is gained, and the request would reach orders that nobody has seen."""
    _, _, venue = cancel_all(many(20), symbol)
    assert cancels(venue) == [[str(number) for number in range(20, 0, -1)]]


def test_a_classic_account_has_no_such_request() -> None:
    account = classic.Account([classic.order(number) for number in range(60, 0, -1)])
    _, _, state, venue = classic.cancel_all(account, "BTCUSDT")
    assert [call.endpoint for call in venue.calls].count(Endpoint.BATCH_CANCEL) == 2
    assert set(outcomes(state).values()) == {Outcome.ACCEPTED}


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda _: {"list": []}, id="empty"),
        pytest.param(lambda _: {"list": None}, id="null"),
        pytest.param(lambda _: {}, id="no list"),
        pytest.param(lambda _: None, id="null data"),
        pytest.param(lambda items: {"list": items[:2]}, id="cut off"),
        pytest.param(lambda _: fault("40010", "Request timed out"), id="timed out"),
        pytest.param(lambda _: fault(), id="lost"),
        pytest.param(lambda _: fault("25204", "Order does not exist"), id="nothing there"),
        pytest.param(lambda items: {"list": [{**i, "code": "1", "msg": "no"} for i in items]}, id="said to fail"),
    ],
)
@pytest.mark.parametrize("takes_effect", [True, False])
@EVERY
def test_whatever_the_response_each_order_is_looked_up_and_canceled_again_if_it_lives(
    symbol: str | None, takes_effect: bool, answer: Callable[[Any], object]
) -> None:
    account = many(answer_all=answer, ineffective={} if takes_effect else {"3": 1})
    result, state, venue = cancel_all(account, symbol, confirm=True, batch_size=4)
    assert result == CancelAllResult()
    assert account.live() == []
    assert outcomes(state) == dict.fromkeys("12345", Outcome.CANCELED)
    assert [type(each) for each in cancels(venue)] == [dict] if takes_effect else [dict, list]
    assert takes_effect or "3" in cancels(venue)[1]


@pytest.mark.parametrize(
    "refusal",
    [
        fault("40034", "Parameter category does not exist"),
        fault("404", "Request URL NOT FOUND", 404),
        fault("22001", "No order to cancel"),
        fault("40014", "Incorrect permissions"),  # it may be about this endpoint alone
        fault(sent=False),
    ],
)
def test_where_the_request_is_refused_batches_cancel_the_listed_orders(refusal: object) -> None:
    account = many(faults={ALL: refusal})
    result, state, venue = cancel_all(account, None, confirm=True, batch_size=4)
    assert result == CancelAllResult()
    assert sorted(chain.from_iterable(cancels(venue)[1:])) == list("12345")
    assert outcomes(state) == dict.fromkeys("12345", Outcome.CANCELED)


@EVERY
def test_an_order_that_the_response_alone_names_is_reported_with_its_end(symbol: str | None) -> None:
    account = many(omitting_lists={"2": 99})
    result, state, venue = cancel_all(account, symbol, batch_size=3)
    assert result == CancelAllResult()
    assert outcomes(state) == dict.fromkeys("12345", Outcome.CANCELED)
    assert [raw["orderId"] for raw in state.unasked] == ["2"]
    assert len(cancels(venue)) == 1


@EVERY
def test_an_order_that_the_response_alone_names_and_that_lives_is_canceled(symbol: str | None) -> None:
    account = many(omitting_lists={"2": 99}, ineffective={"2": 1})
    result, state, venue = cancel_all(account, symbol, confirm=True, batch_size=3)
    assert result == CancelAllResult()
    assert account.live() == []
    assert outcomes(state)["2"] is Outcome.CANCELED
    assert cancels(venue)[1:] == [["2"]]


@pytest.mark.parametrize("item", [{"orderId": "7"}, {"orderId": "x"}, {"clientOid": "c"}, {}, 3, {"orderId": "8"}])
def test_items_that_belong_to_no_order_of_the_symbol_change_nothing(item: Any) -> None:
    """Order 7 is of another symbol, order 8 does not exist."""
    account = many(answer_all=lambda items: {"list": [*items, item]})
    account.orders.append(order(7, "ETHUSDT"))
    result, state, _ = cancel_all(account, "BTCUSDT", batch_size=4)
    assert result == CancelAllResult()
    assert account.live() == ["7"]
    assert outcomes(state) == dict.fromkeys("54321", Outcome.CANCELED)


def test_lookups_of_orders_that_the_response_alone_names_are_few() -> None:
    account = many(answer_all=lambda items: {"list": [*items, *({"orderId": str(n)} for n in range(100, 200))]})
    _, state, venue = cancel_all(account, None, batch_size=4)
    assert [call.endpoint for call in venue.calls].count(Endpoint.UNIFIED_ORDER) == 20
    assert len(state.unasked) == 100


def test_an_interrupt_leaves_every_order_in_doubt() -> None:
    account = many()
    state, venue = CancelState(), Script(account.respond)

    def respond(call: Call) -> object:
        if call.endpoint is ALL:
            raise KeyboardInterrupt
        return account.respond(call)

    venue.respond = respond
    ctx = venue.ctx(kind=AccountKind.UNIFIED, confirm=False, batch_size=4)
    with pytest.raises(KeyboardInterrupt):
        venue.run(cancel_symbol(ctx, state, CancelAllScope(COINS, "BTCUSDT")))
    send, orders = state.in_flight[0]
    assert (send.call.endpoint, len(orders)) == (ALL, 5)
    state.in_flight = [(replace(send, started=True), orders)]
    cancel.interrupt(ctx, state)
    assert outcomes(state) == dict.fromkeys("12345", Outcome.UNKNOWN)
