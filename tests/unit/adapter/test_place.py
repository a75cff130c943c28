"""An order is placed at most once; if in doubt, it is queried by its client order id."""

from decimal import Decimal
from typing import Any
from unittest import mock

import ccxt
import pytest

from bitget_margin.adapter import place as place_flows
from bitget_margin.adapter.errors import PlaceUnresolved
from bitget_margin.core.effects import Call, Fault
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.place_state import Terms
from support.calling import BTC, CROSS, Caller, exchange
from support.placing_venue import Placed, PlacingVenue
from support.script import EPOCH_MS, START_MS, fault, in_turn, page, row

BUY = ("limit", "buy", 0.001, 50_000)
PLACE, LIVE, HISTORY = Endpoint.PLACE, Endpoint.OPEN_ORDERS, Endpoint.HISTORY_ORDERS
MINE = CROSS | {"clientOrderId": "mine"}
OURS = {"clientOid": "mine", "side": "buy", "baseSize": "0.001", "price": "50000"}
"""Fields of a row of the order that these tests place."""


def taken(call: Call) -> dict[str, str]:
    """Return the answer to an order that the venue takes."""
    return {"orderId": "77", "clientOid": call.params["clientOid"]}  # type: ignore[call-overload]


def refused(code: str, status: int = 400) -> Fault:
    """Return a refusal as ccxt raises it."""
    return Fault(ccxt.ExchangeError(f"bitget {code}"), code, "no", status)


def place(say: Any = taken, params: Any = CROSS, made: Any = None, order: Any = BUY) -> Any:
    """Place an order; return the script, and the order."""
    venue = Caller(say)
    return venue, venue.call(place_flows.create_order(made or exchange(), BTC, order, params))


def at(venue: PlacingVenue) -> Caller:
    """Return the script of a venue with lists and a balance, which takes what only the adapter asks for too."""
    venue.script = caller = Caller(venue.respond_to)
    return caller


def endpoints(venue: Caller) -> list[Endpoint]:
    """Return what was asked, in order."""
    return [call.endpoint for call in venue.calls]


# -- one order or a batch of them -------------------------------------------------------------------------------------


def single(made: Any, params: Any = MINE) -> Any:
    """Return the flow that places one order."""
    return place_flows.create_order(made, BTC, BUY, params)


def batch(made: Any, params: Any = MINE) -> Any:
    """Return the flow that places a batch of one order."""
    order = {"symbol": BTC, **dict(zip(("type", "side", "amount", "price"), BUY, strict=True)), "params": params}
    return place_flows.create_orders(made, [order], {key: params[key] for key in params.keys() & {"timeout"}})


either = pytest.mark.parametrize("flow", [single, batch])


def only(result: Any) -> Any:
    """Return the one order that was placed."""
    return result[0] if isinstance(result, list) else result


@either
@pytest.mark.parametrize("key", ["clientOrderId", "clientOid"])
def test_a_given_client_order_id_is_sent_under_the_venues_name(flow: Any, key: str) -> None:
    """Of two, that of ccxt's name."""
    for params in (CROSS | {key: "mine"}, MINE | {"clientOid": "other"}):
        venue = Caller(in_turn(fault(), page(row(77, **OURS)), page()))
        assert only(venue.call(flow(exchange(), params)))["clientOrderId"] == "mine"
        sent: Any = venue.calls[0].params
        assert sent.get("orderList", [sent])[0]["clientOid"] == "mine"
        assert "clientOrderId" not in str(sent)


@either
def test_a_success_of_a_server_that_failed_is_not_trusted(flow: Any) -> None:
    body = {"code": "00000", "msg": "success", "data": {"orderId": "5", "clientOid": "mine"}}
    failed = Fault(ccxt.ExchangeError("500"), "00000", "success", 500, body=body)
    venue = Caller(in_turn(failed, page(row(77, **OURS)), page()))
    assert only(venue.call(flow(exchange())))["id"] == "77"
    assert endpoints(venue)[1:].count(endpoints(venue)[0]) == 0


@either
@pytest.mark.parametrize("code", ["40009", "45110", "43008", "25100"])
def test_a_definitive_refusal_raises_the_exception_of_stock_ccxt_without_a_query(flow: Any, code: str) -> None:
    error = refused(code)
    venue = Caller(in_turn(error))
    with pytest.raises(ccxt.ExchangeError) as caught:
        venue.call(flow(exchange(), CROSS))
    assert caught.value is error.error
    assert len(venue.calls) == 1


@either
@pytest.mark.parametrize("code", ["43012", "40808", "43001", "99999"])
@pytest.mark.parametrize("kind", list(AccountKind))
def test_a_refusal_that_proves_nothing_raises_the_exception_of_stock_ccxt_after_two_queries(
    flow: Any, code: str, kind: AccountKind
) -> None:
    error = refused(code)
    venue = PlacingVenue(kind, lambda *_: False, lambda *_: error)
    caller = at(venue)
    with pytest.raises(ccxt.ExchangeError) as caught:
        caller.call(flow(exchange(uta=kind is AccountKind.UNIFIED), CROSS))
    assert caught.value is error.error
    assert len(venue.sent) == 1
    assert 1_500 <= caller.now_ms - START_MS < 1_700


@either
def test_a_request_that_never_left_raises_without_a_query(flow: Any) -> None:
    unsent = Fault(ccxt.RequestTimeout("no time"), sent=False)
    venue = Caller(in_turn(unsent))
    with pytest.raises(ccxt.RequestTimeout) as caught:
        venue.call(flow(exchange()))
    assert caught.value is unsent.error
    assert len(venue.calls) == 1


@either
@pytest.mark.parametrize(
    ("raised", "raises", "message"),
    [
        (KeyError("x"), ccxt.BadResponse, r"^bitget create_orders?\(\): the response cannot be read: KeyError: 'x'$"),
        (ccxt.InvalidOrder("too small"), ccxt.InvalidOrder, "^too small$"),
    ],
)
def test_an_order_whose_request_ccxt_cannot_build_is_not_sent(
    flow: Any, raised: Exception, raises: type[Exception], message: str
) -> None:
    made, venue = exchange(), Caller(taken)
    with (
        mock.patch.object(made, "create_order_request", side_effect=raised, create=True),
        pytest.raises(raises, match=message),
    ):
        venue.call(flow(made))
    assert venue.calls == []


@either
def test_markets_are_loaded_before_anything_is_sent(flow: Any) -> None:
    venue = Caller(taken)
    with pytest.raises(ccxt.ExchangeError, match="markets not loaded"):
        venue.call(flow(exchange(markets=False), CROSS | {"timeout": 1_000}))
    assert (venue.loads, venue.calls) == ([START_MS + 900], [])


# -- the request ------------------------------------------------------------------------------------------------------


def test_an_order_is_sent_once_in_the_venues_own_form_under_a_name_of_its_own() -> None:
    venue, order = place(params=CROSS | {"timeout": 5_000, "postOnly": True})
    (call,) = venue.calls
    sent = dict(call.params)
    name = sent.pop("clientOid")
    assert (call.endpoint, len(name)) == (PLACE, 32)
    terms = {"symbol": "BTCUSDT", "side": "buy", "orderType": "limit", "price": "50000", "baseSize": "0.001"}
    assert sent == terms | {"force": "post_only", "loanType": "normal"}
    assert (order["id"], order["clientOrderId"], order["symbol"], order["status"]) == ("77", name, BTC, None)
    again, _ = place()
    assert dict(again.calls[0].params)["clientOid"] != name


def test_an_order_comes_back_as_stock_ccxt_would_read_the_answer() -> None:
    _, order = place(params=MINE)
    made = exchange()
    assert order == made.parse_order({"orderId": "77", "clientOid": "mine"}, made.market(BTC))


@pytest.mark.parametrize("unified", [False, True])
def test_stock_ccxt_writes_the_request(unified: bool) -> None:
    """What it would send for the same order, and nothing more."""
    made = exchange(uta=unified)
    orders: list[tuple[Any, dict[str, Any]]] = [
        (BUY, {}),
        (("limit", "sell", "0.002", 60_000), {"timeInForce": "IOC", "loanType": "autoLoan"}),
        (("market", "sell", 0.002, None), {}),
        (("market", "buy", 0.001, 50_000), {}),
        (("market", "buy", 0.001, None), {"cost": 60}),
    ]
    build = made.create_uta_order_request if unified else made.create_order_request
    for order, more in orders:
        venue, _ = place(params=MINE | {"looksOn": True, "timeout": 900, **more}, made=made, order=order)
        (call,) = venue.calls
        assert call.params == build(BTC, *order, MINE | more)


def test_the_request_leaves_time_for_a_query() -> None:
    flow = place_flows.create_order(exchange(), BTC, BUY, CROSS | {"timeout": 6_000})
    venue = Caller(taken)
    with venue.clocked():
        effect: Any = next(flow)
        flow.close()
    (send,) = effect.sends
    assert (send.request_ms, send.deadline_ms) == (4_000, START_MS + 5_900 - 2_000)


def test_the_other_kind_of_account_gets_the_same_order_in_its_own_form() -> None:
    """What was refused for that was not placed."""
    made = exchange()
    venue, order = place(lambda call: fault("40085") if call.endpoint is PLACE else taken(call), made=made)
    assert endpoints(venue) == [PLACE, Endpoint.UNIFIED_PLACE]
    assert made.options["uta"] is True
    first, second = (dict(call.params) for call in venue.calls)
    assert first["clientOid"] == second["clientOid"] == order["clientOrderId"]
    assert (second["category"], second["qty"], second["price"]) == ("MARGIN", "0.001", "50000")
    chosen, _ = place(made=exchange(uta=True))
    assert endpoints(chosen) == [Endpoint.UNIFIED_PLACE]


def test_two_kinds_that_contradict_each_other_place_nothing_and_end() -> None:
    venue = Caller(lambda call: refused("40085" if call.endpoint is PLACE else "40084"))
    with pytest.raises(ccxt.ExchangeError, match="40084"):
        venue.call(place_flows.create_order(exchange(), BTC, BUY, CROSS))
    assert len(venue.calls) == 2


# -- doubtful responses -----------------------------------------------------------------------------------------------


def test_an_order_behind_a_lost_response_is_found_by_its_client_order_id() -> None:
    say = in_turn(fault(), page(), page(), page(row(77, **OURS)), page())
    venue, order = place(say, MINE)
    assert (order["id"], order["symbol"], order["status"]) == ("77", BTC, "open")
    assert venue.waits == [150]
    assert [set(endpoints(venue)[i : i + 2]) for i in (1, 3)] == [{LIVE, HISTORY}, {LIVE, HISTORY}]
    assert {dict(call.params)["clientOid"] for call in venue.calls} == {"mine"}


@pytest.mark.parametrize("code", ["40010", "40808", "43012", "43001", "50060", "99999"])
def test_a_code_that_does_not_decide_may_have_placed_the_order_whatever_class_ccxt_makes_of_it(code: str) -> None:
    """40010 is an AuthenticationError to ccxt, and says that the venue took too long."""
    error = Fault(ccxt.AuthenticationError(code), code, "no", 400)
    venue, order = place(in_turn(error, page(row(77, **OURS)), page()), MINE)
    assert order["id"] == "77"
    assert endpoints(venue).count(PLACE) == 1


def test_an_ended_order_of_a_made_up_name_is_the_placed_one_and_of_a_given_name_only_if_new() -> None:
    def say(call: Any) -> object:
        ended = page(row(77, "filled", **OURS | {"clientOid": call.params.get("clientOid", "another")}))
        return {PLACE: fault(), HISTORY: ended}.get(call.endpoint, page())

    assert place(say)[1]["id"] == "77"
    with pytest.raises(PlaceUnresolved):
        place(say, MINE)


@pytest.mark.parametrize(
    "answer", [{}, {"orderId": None}, {"orderId": ""}, [], None, {"clientOid": "mine"}, {"orderId": "5"}]
)
def test_an_order_that_the_response_does_not_name_is_queried(answer: object) -> None:
    _, order = place(in_turn(answer, page(row(77, **OURS)), page()), MINE)
    assert order["id"] == "77"
    with pytest.raises(PlaceUnresolved, match=r"may have been placed \(bitget: the response "):
        place(in_turn(answer, page()), MINE | {"timeout": 500})


@pytest.mark.parametrize("unified", [False, True])
def test_a_response_about_another_order_is_not_trusted(unified: bool) -> None:
    kind = AccountKind.UNIFIED if unified else AccountKind.CLASSIC
    venue = PlacingVenue(kind, respond=lambda *_: {"orderId": "555", "clientOid": "stranger"})
    order = at(venue).call(place_flows.create_order(exchange(uta=unified), BTC, BUY, MINE))
    assert order["id"] == venue.of("mine")[0].order_id
    nothing = PlacingVenue(kind, lambda *_: False, lambda *_: {"orderId": "555", "clientOid": "stranger"})
    message = r"may have been placed \(bitget: the response is about stranger\)"
    with pytest.raises(PlaceUnresolved, match=message) as caught:
        at(nothing).call(place_flows.create_order(exchange(uta=unified), BTC, BUY, MINE | {"timeout": 2_000}))
    assert caught.value.orders[0]["id"] is None


def test_an_order_that_no_query_finds_is_in_the_exception_with_its_cause() -> None:
    lost = Fault(ccxt.RequestTimeout("lost"))
    message = r"^bitget create_order\(\): 1 of 1 orders may have been placed \(lost\)"
    with pytest.raises(PlaceUnresolved, match=message) as caught:
        place(in_turn(lost, page()), MINE | {"timeout": 1_000})
    (unknown,) = caught.value.orders
    assert (unknown["clientOrderId"], unknown["id"], unknown["status"]) == ("mine", None, None)
    assert (unknown["symbol"], unknown["info"]) == (BTC, {})
    assert caught.value.__cause__ is lost.error
    assert caught.value.missed_twice is False


def test_queries_end_before_the_deadline() -> None:
    venue = Caller(in_turn(fault(), page()))
    with pytest.raises(PlaceUnresolved):
        venue.call(place_flows.create_order(exchange(), BTC, BUY, CROSS | {"timeout": 1_000}))
    assert venue.waits == [150, 300]
    assert venue.now_ms < START_MS + 900


def test_a_caller_that_continues_by_itself_gets_the_exception_after_two_missed_queries() -> None:
    venue = Caller(in_turn(fault(), page()))
    with pytest.raises(PlaceUnresolved) as caught:
        venue.call(place_flows.create_order(exchange(), BTC, BUY, CROSS | {"looksOn": True}))
    assert caught.value.missed_twice is True
    assert 1_500 <= venue.now_ms - START_MS < 1_700


def test_a_row_that_ccxt_cannot_read_is_the_order_all_the_same() -> None:
    """It was placed: who is told of an error places it again."""
    odd = row(77, **OURS, feeDetail="{")
    _, order = place(in_turn(fault(), page(odd), page()), MINE)
    assert (order["id"], order["clientOrderId"], order["symbol"], order["info"]) == ("77", "mine", BTC, odd)


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("held", ["50", "49.99995"])
def test_coins_that_no_listed_order_holds_keep_such_a_refusal_open(held: str) -> None:
    """The lists may be late: the balance, under the coins' own names, shows what the order holds."""
    frozen = {"BTC": "0", "USDT": held}
    venue = PlacingVenue(executed=lambda *_: False, respond=lambda *_: refused("43012"), frozen=frozen)
    with pytest.raises(PlaceUnresolved, match="43012"):
        at(venue).call(place_flows.create_order(exchange(), BTC, BUY, MINE | {"timeout": 3_000}))


@pytest.mark.parametrize(("unified", "code"), [(False, "50060"), (True, "25212")])
def test_a_client_order_id_of_another_order_is_reported_and_nothing_is_placed(unified: bool, code: str) -> None:
    kind = AccountKind.UNIFIED if unified else AccountKind.CLASSIC
    theirs = Placed("900", "mine", START_MS - 90_000, in_call=False, side="sell")
    venue = PlacingVenue(kind, lambda *_: False, lambda *_: refused(code), orders=[theirs])
    message = r"^bitget create_order\(\): another order of BTC/USDT has the client order id 'mine'; nothing was placed"
    with pytest.raises(ccxt.DuplicateOrderId, match=message):
        at(venue).call(place_flows.create_order(exchange(uta=unified), BTC, BUY, MINE))
    same = Placed("900", "mine", START_MS - 90_000, in_call=False)
    again = PlacingVenue(kind, lambda *_: False, lambda *_: refused(code), orders=[same])
    order = at(again).call(place_flows.create_order(exchange(uta=unified), BTC, BUY, MINE))
    assert order["id"] == "900", "a retry finds what it placed before"


# -- retries ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "status"), [("429", 429), (None, 429), ("40918", 400), ("70228", 400)])
def test_a_rate_limited_order_is_queried_and_then_sent_again(code: str | None, status: int) -> None:
    venue = PlacingVenue(
        executed=lambda _, times: times == 2, respond=lambda _, times: fault(code, "no", status) if times == 1 else None
    )
    caller = at(venue)
    order = caller.call(place_flows.create_order(exchange(), BTC, BUY, CROSS))
    assert order["id"] == venue.orders[0].order_id
    assert len(venue.orders) == 1
    assert caller.waits == [1_500]
    between = [*[False] * 4, *[False] * 2]  # two looks in both lists, the balance and the fills
    assert [call.endpoint is PLACE for call in caller.calls] == [True, *between, True]
    assert len({name for names in venue.sent for name in names}) == 1


def test_a_rate_limit_until_the_deadline_raises_the_exception_of_stock_ccxt() -> None:
    error = Fault(ccxt.RateLimitExceeded("429"), "429", "no", 429)
    venue = PlacingVenue(executed=lambda *_: False, respond=lambda *_: error)
    with pytest.raises(ccxt.RateLimitExceeded) as caught:
        at(venue).call(place_flows.create_order(exchange(), BTC, BUY, CROSS | {"timeout": 4_000}))
    assert caught.value is error.error
    assert len(venue.sent) > 1


def test_an_order_that_a_gateway_had_executed_before_its_429_is_not_sent_again() -> None:
    venue = PlacingVenue(respond=lambda *_: fault("429", "no", 429))
    order = at(venue).call(place_flows.create_order(exchange(), BTC, BUY, CROSS))
    assert (order["id"], len(venue.sent)) == (venue.orders[0].order_id, 1)


def test_a_refused_timestamp_is_mended_once_and_the_order_sent_again() -> None:
    venue = PlacingVenue(
        executed=lambda _, times: times == 2, respond=lambda _, times: fault("40008") if times == 1 else None
    )
    caller = at(venue)
    order = caller.call(place_flows.create_order(exchange(), BTC, BUY, CROSS))
    assert order["id"] == venue.orders[0].order_id
    assert (len(venue.orders), caller.resyncs, len(venue.sent)) == (1, 1, 2)
    error = Fault(ccxt.InvalidNonce("40008"), "40008", "no", 400)
    again = PlacingVenue(executed=lambda *_: False, respond=lambda *_: error)
    caller = at(again)
    with pytest.raises(ccxt.InvalidNonce) as caught:
        caller.call(place_flows.create_order(exchange(), BTC, BUY, CROSS))
    assert caught.value is error.error
    assert (caller.resyncs, len(again.sent)) == (1, 2)


def test_an_order_that_a_gateway_had_executed_before_its_timestamp_was_refused_is_not_sent_again() -> None:
    venue = PlacingVenue(respond=lambda *_: fault("40008"))
    order = at(venue).call(place_flows.create_order(exchange(), BTC, BUY, CROSS))
    assert (order["id"], len(venue.sent)) == (venue.orders[0].order_id, 1)


@pytest.mark.parametrize("field", ["symbol", "category", "side", "orderType", "orderList"])
def test_a_parameter_that_would_send_another_order_is_refused(field: str) -> None:
    """It would be looked for in vain."""
    venue = Caller(taken)
    with pytest.raises(ccxt.BadRequest, match=rf"params\['{field}'\] is 'x': give it as an argument"):
        venue.call(place_flows.create_order(exchange(), BTC, BUY, CROSS | {field: "x"}))
    assert venue.calls == []


def test_an_order_that_an_entry_of_the_response_refuses_is_invalid_with_the_reason_of_the_venue() -> None:
    refusal = {"clientOid": "mine", "code": "25205", "msg": "The price is too low"}
    message = r"^bitget create_order\(\): the order was refused: The price is too low \(25205\)$"
    with pytest.raises(ccxt.InvalidOrder, match=message):
        place(in_turn(refusal), MINE, exchange(uta=True))


@pytest.mark.parametrize("unified", [False, True])
@pytest.mark.parametrize(
    ("order", "terms"),
    [
        (BUY, Terms("buy", Decimal("0.001"), None, Decimal(50_000), "limit")),
        (("market", "sell", 0.002, None), Terms("sell", Decimal("0.002"), None, None, "market")),
        (("market", "buy", 0.001, 60_000), Terms("buy", None, Decimal(60), None, "market")),
    ],
)
def test_an_order_is_known_by_its_amount_and_a_market_buy_by_its_cost(unified: bool, order: Any, terms: Terms) -> None:
    with (
        mock.patch.object(place_flows, "place", side_effect=KeyboardInterrupt) as placing,
        pytest.raises(KeyboardInterrupt),
    ):
        place(params=MINE, made=exchange(uta=unified), order=order)
    assert [state.terms for state in placing.call_args.args[0].states] == [terms]


@pytest.mark.parametrize("unified", [False, True])
def test_parameters_of_the_call_are_not_sent_and_the_venues_own_are(unified: bool) -> None:
    ours = {"confirm": True, "timeout": 900, "batchSize": 1, "looksOn": True, "type": "margin", "stock": False}
    others = {"maxRetriesOnFailure": 3, "uta": unified, "stpMode": "cancel_taker"}
    venue, _ = place(params=MINE | {"clientOid": "mine"} | ours | others, made=exchange(uta=unified))
    (call,) = venue.calls
    sent: Any = call.params
    assert (sent["clientOid"], sent["stpMode"]) == ("mine", "cancel_taker")
    assert not sent.keys() & {*ours, *others, "clientOrderId", "marginMode"} - {"stpMode"}


@pytest.mark.parametrize("kind", list(AccountKind))
@either
def test_a_conditional_order_is_refused_before_the_markets_are_loaded(flow: Any, kind: AccountKind) -> None:
    """Stock ccxt would place it at once on a unified account."""
    venue = Caller(taken)
    made = exchange(markets=False, uta=kind is AccountKind.UNIFIED)
    with pytest.raises(
        ccxt.NotSupported, match=r"no conditional (cross margin )?orders|'strategyOrders'\] = True enables"
    ):
        venue.call(flow(made, CROSS | {"stopPrice": 5}))
    assert (venue.calls, venue.loads) == ([], [])


# -- what is not sent at all ------------------------------------------------------------------------------------------


def test_the_time_of_a_row_is_the_venues() -> None:
    """An order of a given name counts as new by the venue's clock, which the answers show."""
    new = {"cTime": str(EPOCH_MS + 5)}
    say = in_turn(fault(), page(), page(row(77, "filled", **OURS, **new)))
    assert place(say, MINE)[1]["id"] == "77"
