"""Orders of a batch are placed at most once each, and each has its own result."""

from typing import Any

import ccxt
import pytest

from bitget_margin.adapter import place as place_flows
from bitget_margin.adapter.errors import PlaceUnresolved
from bitget_margin.core.effects import Call
from bitget_margin.core.endpoints import AccountKind, Endpoint
from support.calling import BTC, CROSS, Caller, exchange
from support.placing_venue import PlacingVenue, failed_items
from support.script import EPOCH_MS, START_MS, fault, in_turn, page, row

PLACE, LIVE, HISTORY = Endpoint.BATCH_PLACE, Endpoint.OPEN_ORDERS, Endpoint.HISTORY_ORDERS
NEW = str(EPOCH_MS + 5_000)
TERMS = {"side": "buy", "baseSize": "0.001", "price": "50000"}
"""Fields of a row of the orders that these tests place."""
PRICE_TOO_LOW = "43008"
"""A code that means that the order was not placed."""


def wanted(*names: str, **more: Any) -> list[dict[str, Any]]:
    """Return order requests of ccxt by these names."""
    order = {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.001, "price": 50_000}
    return [order | more | {"params": CROSS | {"clientOrderId": name}} for name in names]


def answer(*good: str, bad: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return an answer that lists these names."""
    taken = [{"orderId": str(70 + i), "clientOid": name} for i, name in enumerate(good)]
    refused = {"errorMsg": "no", "errorCode": PRICE_TOO_LOW}
    return {"successList": taken, "failureList": [{"clientOid": name, **refused} for name in bad]}


def placed(order_id: int, name: str, status: str = "live", **more: Any) -> dict[str, Any]:
    """Return the row of an order that these tests place."""
    return row(order_id, status, clientOid=name, **TERMS, **more)


def at(venue: PlacingVenue) -> Caller:
    """Return the script of a venue with lists and a balance, which takes what only the adapter asks for too."""
    venue.script = caller = Caller(venue.respond_to)
    return caller


def place(say: Any, orders: Any, params: Any = CROSS, made: Any = None) -> Any:
    """Place orders; return the script, and what came back."""
    venue = Caller(say)
    return venue, venue.call(place_flows.create_orders(made or exchange(), orders, params))


def names_of(call: Call) -> list[str]:
    """Return the names of the orders in a request."""
    return [order["clientOid"] for order in call.params["orderList"]]  # type: ignore[call-overload]


def test_each_order_has_its_structure_in_the_order_of_the_request() -> None:
    orders = wanted("a", "b", "c")
    venue, (first, second, third) = place(in_turn(answer("c", "a", bad=("b",))), orders)
    assert [(o["id"], o["clientOrderId"], o["status"], o["symbol"]) for o in (first, second, third)] == [
        ("71", "a", None, BTC),
        (None, "b", "rejected", BTC),
        ("70", "c", None, BTC),
    ]
    assert second["info"] == {"clientOid": "b", "errorMsg": "no", "errorCode": PRICE_TOO_LOW}
    odd = {"clientOid": "a", "orderId": 1.5, "errorMsg": "no", "errorCode": PRICE_TOO_LOW}
    assert place(in_turn({"failureList": [odd], "successList": []}), wanted("a"))[1][0]["id"] is None
    (call,) = venue.calls
    assert call.endpoint is PLACE
    assert names_of(call) == ["a", "b", "c"]


def test_orders_are_sent_in_the_venues_own_form() -> None:
    order = {"symbol": BTC, "type": "limit", "side": "sell", "amount": 0.002, "price": 50_000}
    venue, _ = place(lambda call: answer(*names_of(call)), [order | {"params": {**CROSS, "clientOid": "a"}}])
    params: Any = venue.calls[0].params
    assert params["symbol"] == "BTCUSDT"
    (sent,) = params["orderList"]
    assert (sent["side"], sent["orderType"], sent["price"], sent["baseSize"]) == ("sell", "limit", "50000", "0.002")
    assert (sent["clientOid"], sent["loanType"]) == ("a", "normal")
    both = {**CROSS, "clientOrderId": "a", "clientOid": "b"}
    venue, (placed,) = place(lambda call: answer(*names_of(call)), [order | {"params": both}])
    assert names_of(venue.calls[0]) == [placed["clientOrderId"]] == ["a"]


def test_orders_without_a_name_get_one_each() -> None:
    order = {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.001, "price": 50_000, "params": CROSS}
    venue, orders = place(lambda call: answer(*names_of(call)), [order, {**order, "params": None}])
    names = names_of(venue.calls[0])
    assert {sent["loanType"] for sent in dict(venue.calls[0].params)["orderList"]} == {"normal"}  # type: ignore[call-overload]
    assert [len(name) for name in names] == [32, 32]
    assert names[0] != names[1]
    assert [o["clientOrderId"] for o in orders] == names


def test_an_order_that_the_response_omits_is_queried_and_not_sent_again() -> None:
    found = page(placed(90, "b"), placed(91, "c"))
    venue, orders = place(in_turn(answer("a"), page(), page(), found, page()), wanted("a", "b", "c"))
    assert [o["id"] for o in orders] == ["70", "90", "91"]
    # A list is read to its end, since a name may stand in it more than once.
    assert [call.endpoint for call in venue.calls] == [PLACE, LIVE, HISTORY, LIVE, LIVE]
    assert venue.waits == [150]


def test_the_whole_batch_is_queried_behind_a_lost_response() -> None:
    new = placed(91, "b", "filled", cTime=NEW)
    old = placed(60, "a", "filled")
    venue, orders = place(in_turn(fault(), page(placed(90, "a")), page(), page(new, old)), wanted("a", "b"))
    assert [o["id"] for o in orders] == ["90", "91"]
    assert [call.endpoint for call in venue.calls] == [PLACE, LIVE, LIVE, HISTORY]


def test_an_older_namesake_is_never_the_placed_order() -> None:
    old = page(placed(60, "a", "filled"))

    def say(call: Call) -> object:
        return {PLACE: fault("40010", "busy"), LIVE: page()}.get(call.endpoint, old)

    with pytest.raises(PlaceUnresolved, match="1 of 1 orders may have been placed") as caught:
        place(say, wanted("a"), CROSS | {"timeout": 2_000})
    assert caught.value.orders[0]["id"] is None


def test_orders_that_no_query_finds_are_in_the_exception_beside_the_others() -> None:
    lost = fault()
    venue = Caller(in_turn(answer("a", bad=("c",)), page()))
    flow = place_flows.create_orders(exchange(), wanted("a", "b", "c"), CROSS | {"timeout": 2_000})
    with pytest.raises(PlaceUnresolved, match=r"create_orders\(\): 1 of 3 orders .* look up b by") as caught:
        venue.call(flow)
    known = [(o["id"], o["status"], o["clientOrderId"]) for o in caught.value.orders]
    assert known == [("70", None, "a"), (None, None, "b"), (None, "rejected", "c")]
    assert caught.value.orders[1]["info"] == {}
    assert isinstance(caught.value.__cause__, ccxt.BadResponse)
    assert str(caught.value.__cause__) == "bitget: the response does not name the order"
    assert venue.waits == [150, 300, 600, 390], "and once more, 1.5 s after the first lookup that missed it"
    assert caught.value.missed_twice is True
    assert venue.now_ms < START_MS + 1_900
    with pytest.raises(PlaceUnresolved, match=r"may have been placed \(None None\)") as caught:
        place(lambda call: lost if call.endpoint is PLACE else page(), wanted("a"), CROSS | {"timeout": 900})
    assert caught.value.__cause__ is lost.error


def test_a_failed_query_is_retried() -> None:
    # By name, and then in the lists, twice each.
    say = in_turn(fault(), *[fault("40014")] * 4, page(placed(90, "a")))
    venue, (order,) = place(say, wanted("a"))
    assert order["id"] == "90"
    assert venue.waits == [150]


def test_a_contradictory_item_is_queried() -> None:
    """A failure with an order id, a success without one, and an entry without a name."""
    odd = {
        "successList": [{"clientOid": "a"}, {"orderId": "5"}],
        "failureList": [{"orderId": "7", "clientOid": "b", "errorMsg": "?"}, {"orderId": "8"}],
    }
    found = page(placed(90, "a"), placed(91, "b"))
    venue, orders = place(in_turn(odd, found, page()), wanted("a", "b"))
    assert [o["id"] for o in orders] == ["90", "91"]
    assert [call.endpoint for call in venue.calls].count(PLACE) == 1


def test_the_other_kind_of_account_gets_the_same_orders_in_its_own_form() -> None:
    def say(call: Call) -> object:
        if call.endpoint is PLACE:
            return fault("40085")
        return [{"orderId": "70", "clientOid": order["clientOid"]} for order in call.params]  # type: ignore[index]

    venue, (order,) = place(say, wanted("a"))
    assert [call.endpoint for call in venue.calls] == [PLACE, Endpoint.UNIFIED_BATCH_PLACE]
    (sent,) = venue.calls[1].params
    assert (sent["category"], sent["symbol"], sent["qty"], sent["clientOid"]) == ("MARGIN", "BTCUSDT", "0.001", "a")
    assert order["id"] == "70"


def test_a_refused_order_of_a_unified_account_is_rejected_too() -> None:
    refused = {"clientOid": "a", "code": "25205", "msg": "The price is too low"}
    _, (order,) = place(in_turn([refused]), wanted("a"), made=exchange(uta=True))
    assert (order["id"], order["clientOrderId"], order["status"], order["symbol"]) == (None, "a", "rejected", BTC)
    assert order["info"] == refused


@pytest.mark.parametrize("unified", [False, True])
@pytest.mark.parametrize("code", ["43012", "50060", "40808", "99999", None])
def test_an_item_whose_code_proves_nothing_is_queried_and_the_order_found(unified: bool, code: str | None) -> None:
    kind = AccountKind.UNIFIED if unified else AccountKind.CLASSIC
    venue = PlacingVenue(kind, respond=lambda names, _: failed_items(kind, names, code))
    orders = at(venue).call(place_flows.create_orders(exchange(uta=unified), wanted("a", "b"), CROSS))
    assert [(o["id"], o["status"]) for o in orders] == [(o.order_id, "open") for o in venue.orders]
    assert venue.sent == [["a", "b"]]


@pytest.mark.parametrize("unified", [False, True])
@pytest.mark.parametrize("code", ["43012", "40808", "99999", None])
def test_an_order_whose_code_proves_nothing_is_rejected_after_two_queries(unified: bool, code: str | None) -> None:
    """Neither the lists nor the account show anything of it; the other order of the request is there."""
    kind = AccountKind.UNIFIED if unified else AccountKind.CLASSIC

    def say(names: list[str], _: int) -> object:
        failed: Any = failed_items(kind, ["a"], code)
        taken = [{"orderId": venue.of("b")[0].order_id, "clientOid": "b"}]
        return [*failed, *taken] if unified else failed | {"successList": taken}

    venue = PlacingVenue(kind, lambda name, _: name == "b", say)
    caller = at(venue)
    first, second = caller.call(place_flows.create_orders(exchange(uta=unified), wanted("a", "b"), CROSS))
    assert (first["status"], first["id"], second["id"]) == ("rejected", None, venue.orders[0].order_id)
    assert 1_500 <= caller.now_ms - START_MS < 1_800


def test_no_more_orders_are_sent_than_the_account_takes() -> None:
    names = [f"n{i}" for i in range(51)]
    message = r"create_orders\(\): there are {} orders; one request takes {} on a {} account"
    venue = Caller(in_turn(fault("40085")))
    with pytest.raises(ccxt.BadRequest, match=message.format(51, 50, "classic")):
        venue.call(place_flows.create_orders(exchange(markets=False), wanted(*names), CROSS))
    assert (venue.calls, venue.loads) == ([], [])
    with pytest.raises(ccxt.BadRequest, match=message.format(21, 20, "unified")):
        venue.call(place_flows.create_orders(exchange(), wanted(*names[:21]), CROSS))
    assert len(venue.calls) == 1
    assert len(place(lambda call: answer(*names_of(call)), wanted(*names[:50]))[1]) == 50


@pytest.mark.parametrize(
    ("orders", "message"),
    [
        (wanted("a", "a"), r"create_orders\(\): two orders have the same client order id"),
        (
            [*wanted("a"), *wanted("b", symbol="ETH/USDT")],
            r"create_orders\(\): orders of BTC/USDT, ETH/USDT; give those of one symbol",
        ),
        (
            [*wanted("a"), *wanted("b", symbol=None)],
            r"^bitget create_orders\(\) requires a symbol such as 'BTC/USDT' in orders\[1\]",
        ),
        ([*wanted("b"), *wanted("a", side=None)], r"create_orders\(\) in orders\[1\]: an order needs side"),
        ([*wanted("a"), *wanted("b c")], r"create_orders\(\): orders\[1\] clientOrderId is 'b c'"),
        (
            [{**wanted("a")[0], "params": {**CROSS, "stopPrice": 5}}],
            r"^bitget create_orders\(\): cross margin has no conditional orders",
        ),
        (
            [{**wanted("a")[0], "params": {**CROSS, "side": "sell"}}],
            r"create_orders\(\): params\['side'\] is 'sell': give it as an argument",
        ),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(orders: Any, message: str) -> None:
    venue = Caller(in_turn(page()))
    with pytest.raises(ccxt.BaseError, match=message):
        venue.call(place_flows.create_orders(exchange(), orders, CROSS))
    assert venue.calls == []


def test_a_batch_is_for_the_crossed_account_if_all_of_it_is() -> None:
    made = exchange()
    plain = {"symbol": BTC}
    crossed = plain | {"params": CROSS}
    assert place_flows.batch_is_cross(made, [crossed, crossed], {})
    assert place_flows.batch_is_cross(made, [plain, crossed | {"params": None}], CROSS)
    assert place_flows.batch_is_cross(exchange(createOrders=CROSS), [plain], {})
    assert not place_flows.batch_is_cross(made, [plain], {})
    assert not place_flows.batch_is_cross(made, [], CROSS)
    assert not place_flows.batch_is_cross(made, [{"symbol": "BTC/USDT:USDT"}], CROSS)
    with pytest.raises(ccxt.BadRequest, match=r"create_orders\(\): some orders are for cross margin and some are"):
        place_flows.batch_is_cross(made, [plain, crossed], {})
    with pytest.raises(ccxt.BadRequest, match=r"create_orders\(\): orders\[1\] is 5; give a dict"):
        place_flows.batch_is_cross(made, [plain, 5], {})
    with pytest.raises(ccxt.BadRequest, match=r"create_orders\(\): orders is 'x'; give a list"):
        place_flows.batch_is_cross(made, "x", {})
