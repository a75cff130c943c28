"""An order is edited once and with proof, and the timer that cancels all orders is started for the whole account."""

from collections.abc import Callable
from typing import Any

import ccxt
import pytest

from bitget_margin.adapter import change
from bitget_margin.adapter.errors import ChangeUnresolved
from bitget_margin.core.effects import Call, Fault
from bitget_margin.core.endpoints import Endpoint
from support.calling import BTC, CROSS, Caller, exchange
from support.script import fault

EDIT, INFO, OPEN = Endpoint.UNIFIED_EDIT, Endpoint.UNIFIED_ORDER, Endpoint.UNIFIED_OPEN_ORDERS
SETTINGS, COUNTDOWN = Endpoint.UNIFIED_SETTINGS, Endpoint.UNIFIED_COUNTDOWN


def shown(**changes: str) -> dict[str, Any]:
    """Return the row of an open order."""
    row = {"orderId": "7", "clientOid": "mine", "category": "MARGIN", "symbol": "BTCUSDT", "orderType": "limit"}
    amounts = {"price": "50000", "qty": "0.01", "cumExecQty": "0.002", "cumExecValue": "100", "avgPrice": "50000"}
    times = {"createdTime": "1700000000000", "updatedTime": "1700000000000"}
    return {**row, "side": "buy", "orderStatus": "live", "timeInForce": "gtc", **amounts, **times, **changes}


def edited(
    *rows: object,
    reply: object = None,
    order: Any = ("limit", "buy", 0.02, 51_000),
    params: Any = CROSS,
    given: Any = "7",
) -> Any:
    """Edit an order that lookups show as these rows, one after another; return the script and the call."""
    left = list(rows)

    def respond(call: Call) -> object:
        if call.endpoint is EDIT:
            return {"orderId": "7", "clientOid": "mine"} if reply is None else reply
        if call.endpoint is OPEN:
            return {"list": [shown()], "cursor": ""}
        return left.pop(0) if len(left) > 1 else left[0]

    venue = Caller(respond)
    return venue, lambda: venue.call(change.edit_order(exchange(uta=True), given, BTC, order, params))


def sent(venue: Caller, endpoint: Endpoint = EDIT) -> list[Any]:
    """Return the parameters of the requests to an endpoint."""
    return [call.params for call in venue.calls if call.endpoint is endpoint]


NEW = shown(price="51000", qty="0.02")


def test_symbol_and_category_are_sent_and_the_row_is_the_answer() -> None:
    venue, call = edited(shown(), NEW)
    order = call()
    fields = {"orderId": "7", "category": "MARGIN", "symbol": "BTCUSDT", "qty": "0.02", "price": "51000"}
    assert sent(venue) == [fields]
    assert [call.endpoint for call in venue.calls] == [INFO, EDIT, INFO]
    assert (order["id"], order["price"], order["amount"], order["filled"]) == ("7", 51_000, 0.02, 0.002)


@pytest.mark.parametrize(
    ("order", "more", "body"),
    [
        (("limit", "buy", None, 51_000), {}, {"price": "51000"}),
        (("limit", "buy", 0.02, None), {"autoCancel": "yes", "requestId": "r"}, {"qty": "0.02"}),
    ],
)
def test_only_what_is_to_change_is_sent(order: Any, more: Any, body: Any) -> None:
    venue, call = edited(shown(), NEW, order=order, params=CROSS | more)
    call()
    assert sent(venue) == [{"orderId": "7", "category": "MARGIN", "symbol": "BTCUSDT", **body, **more}]


def test_a_client_order_id_is_bound_to_the_open_order_before_anything_is_sent() -> None:
    """Once an order has ended, another one can have its client order id."""
    ended = shown(orderId="6", orderStatus="filled")
    venue, call = edited(ended, NEW, given=None, params=CROSS | {"clientOrderId": "mine"})
    assert call()["id"] == "7"
    assert [call.endpoint for call in venue.calls] == [INFO, OPEN, EDIT, INFO]
    assert sent(venue)[0]["orderId"] == "7"
    assert sent(venue, INFO) == [{"clientOid": "mine"}, {"orderId": "7"}]


def test_an_acknowledgement_is_no_proof() -> None:
    """The venue carries an edit out after it, or never."""
    venue, call = edited(shown(), shown(), shown(), NEW)
    assert call()["price"] == 51_000
    venue, call = edited(shown(), params=CROSS | {"timeout": 4_000})
    with pytest.raises(ChangeUnresolved, match="the edit of order 7 may have been executed, or may still be") as caught:
        call()
    assert (caught.value.found["price"], len(sent(venue))) == (50_000, 1)


@pytest.mark.parametrize("reply", [fault(), fault("25001"), fault(None, None, 502), fault("25571"), fault("25204")])
def test_an_unclear_answer_is_looked_up_and_nothing_is_sent_again(reply: Any) -> None:
    """A gateway may have repeated the request, and an order that was changed may have filled since."""
    for new in (NEW, shown(price="51000", qty="0.02", orderStatus="filled")):
        venue, call = edited(shown(), shown(), new, reply=reply)
        assert call()["price"] == 51_000
        assert len(sent(venue)) == 1


@pytest.mark.parametrize("code", ["25568", "25202", "25571"])
def test_a_refusal_is_the_venues_own_once_lookups_agree(code: str) -> None:
    venue, call = edited(shown(), reply=fault(code, "no"))
    with pytest.raises(ccxt.BaseError, match=code):
        call()
    assert len(sent(venue)) == 1
    assert venue.sent_at[-1] - venue.sent_at[2] >= 1_490


def test_a_definitive_refusal_needs_no_lookup() -> None:
    venue, call = edited(shown(), reply=fault("40014", "Incorrect permissions"))
    with pytest.raises(ccxt.BaseError, match="40014"):
        call()
    assert [call.endpoint for call in venue.calls] == [INFO, EDIT]


def test_an_order_that_ends_unchanged_can_no_longer_be_edited() -> None:
    venue, call = edited(shown(), shown(orderStatus="cancelled"), reply=fault())
    with pytest.raises(ccxt.OrderNotFound, match="order 7 has ended unchanged, it is canceled"):
        call()
    assert len(sent(venue)) == 1


@pytest.mark.parametrize(
    ("row", "order", "error", "message"),
    [
        (fault("25204", "Order does not exist"), None, ccxt.OrderNotFound, "no cross margin order 7 of BTCUSDT"),
        (shown(category="SPOT"), None, ccxt.OrderNotFound, "no cross margin order 7"),
        (shown(orderStatus="filled"), None, ccxt.OrderNotFound, "has ended, it is filled; nothing was changed"),
        (shown(side="sell"), None, ccxt.InvalidOrder, "it is a sell, not a buy"),
        (shown(orderType="market"), None, ccxt.InvalidOrder, "it is no limit order"),
        (shown(), ("limit", "buy", 0.001, None), ccxt.InvalidOrder, r"0.002 of it is filled, more than .* 0.001"),
        (shown(), ("limit", "buy", 1e-9, None), ccxt.InvalidOrder, "amount"),
        (shown(), ("limit", "up", 1, None), ccxt.BadRequest, "side is 'up'"),
        (shown(), ("stop", "buy", 1, None), ccxt.BadRequest, "type is 'stop'"),
        (shown(), ("limit", "buy", "x", None), ccxt.InvalidOrder, "amount is 'x'"),
    ],
)
def test_what_cannot_be_edited_is_refused_before_anything_is_sent(
    row: Any, order: Any, error: type[Exception], message: str
) -> None:
    venue, call = edited(row, order=order or ("limit", "buy", 0.02, 51_000))
    with pytest.raises(error, match=message):
        call()
    assert sent(venue) == []


@pytest.mark.parametrize("params", [{"autoCancel": "maybe"}, {"requestId": 5}, {"qty": "1"}])
def test_parameters_are_checked(params: Any) -> None:
    venue, call = edited(shown(), params=CROSS | params)
    with pytest.raises(ccxt.BadRequest, match=next(iter(params))):
        call()
    assert venue.calls == []


# -- accounts that have neither -----------------------------------------------------------------------------------


def edit(made: Any) -> Any:
    """Return the flow of an edit."""
    return change.edit_order(made, "7", BTC, ("limit", "buy", 1, None), CROSS)


def arm(made: Any) -> Any:
    """Return the flow that starts the timer."""
    return change.cancel_all_orders_after(made, 10_000, CROSS)


either = pytest.mark.parametrize("flow", [edit, arm])


@either
def test_a_known_classic_account_is_refused_before_anything_is_sent(flow: Callable[[Any], Any]) -> None:
    venue = Caller(lambda _: {})
    with pytest.raises(ccxt.NotSupported, match="on a classic account; a unified account has it"):
        venue.call(flow(exchange()))
    assert venue.calls == []


@either
def test_an_unknown_account_is_asked_for_its_kind_first(flow: Callable[[Any], Any]) -> None:
    made = exchange(uta=None)
    venue = Caller(lambda _: fault("40084", "classic"))
    with pytest.raises(ccxt.NotSupported, match="on a classic account"):
        venue.call(flow(made))
    assert [call.endpoint for call in venue.calls] == [SETTINGS]
    assert made.options["uta"] is False


@either
def test_an_account_that_turns_out_to_be_classic_is_refused_too(flow: Callable[[Any], Any]) -> None:
    def respond(call: Call) -> object:
        return shown() if call.endpoint is INFO else fault("40084", "classic")

    made = exchange(uta=True)
    with pytest.raises(ccxt.NotSupported, match="on a classic account"):
        Caller(respond).call(flow(made))
    assert made.options["uta"] is False


# -- the timer ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("timeout", "countdown"), [(5_000, "5"), (60_000, "60"), (0, "0")])
def test_the_timer_is_started_with_nothing_but_its_time(timeout: int, countdown: str) -> None:
    venue = Caller(lambda _: "success")
    answer = venue.call(change.cancel_all_orders_after(exchange(uta=True), timeout, CROSS))
    assert [(call.endpoint, call.params) for call in venue.calls] == [(COUNTDOWN, {"countdown": countdown})]
    assert answer["data"] == "success"


@pytest.mark.parametrize("timeout", [None, True, -5_000, 4_000, 4_999, 61_000, 10.0, "10000"])
def test_a_time_that_the_venue_does_not_take_is_refused(timeout: Any) -> None:
    venue = Caller(lambda _: "success")
    with pytest.raises(ccxt.BadRequest, match="timeout is"):
        venue.call(change.cancel_all_orders_after(exchange(uta=True), timeout, CROSS))
    assert venue.calls == []


def test_a_lost_answer_leaves_the_timer_open_and_is_not_repeated() -> None:
    venue = Caller(lambda _: fault())
    with pytest.raises(ChangeUnresolved, match="the start of the timer of 10 s may have been executed"):
        venue.call(arm(exchange(uta=True)))
    assert len(venue.calls) == 1
    with pytest.raises(ChangeUnresolved, match="the end of the timer may have been executed"):
        venue.call(change.cancel_all_orders_after(exchange(uta=True), 0, CROSS))


def test_the_venues_refusal_is_raised_as_it_is() -> None:
    """Bitget enables the timer on request."""
    refused = Fault(ccxt.PermissionDenied("bitget 25620 permission denied"), "25620", "permission denied", 400)
    with pytest.raises(ccxt.PermissionDenied, match="25620 permission denied"):
        Caller(lambda _: refused).call(arm(exchange(uta=True)))


LISTS = [Endpoint.UNIFIED_OPEN_ORDERS, Endpoint.UNIFIED_STRATEGY_ORDERS]


@pytest.mark.parametrize("endpoint", LISTS, ids=lambda endpoint: endpoint.name)
@pytest.mark.parametrize(("data", "count"), [([{}, {}], 2), ([], 0), (None, 0)])
def test_orders_that_the_timer_would_cancel_are_listed_by_category(endpoint: Endpoint, data: Any, count: int) -> None:
    page = {"list": data, "cursor": ""} if endpoint is Endpoint.UNIFIED_OPEN_ORDERS else data
    venue = Caller(lambda _: page)
    assert len(venue.call(change.open_rows(exchange(uta=True), endpoint, "SPOT"))) == count
    assert [(call.endpoint, call.params) for call in venue.calls] == [(endpoint, {"category": "SPOT"})]


@pytest.mark.parametrize("data", [{}, "x", 5, {"list": "x"}])
def test_a_list_that_cannot_be_read_is_not_empty(data: Any) -> None:
    made = exchange(uta=True, batchCancel={"timeout": 1_000})
    with pytest.raises(ccxt.BadResponse):
        Caller(lambda _: data).call(change.open_rows(made, LISTS[0], "SPOT"))
