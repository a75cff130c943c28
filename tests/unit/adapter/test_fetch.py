"""Queries return ccxt's structures of the cross margin account, complete, or raise the reason."""

import re
from typing import Any
from unittest import mock

import ccxt
import pytest

from bitget_margin.adapter import fetch
from bitget_margin.adapter.fetch import FilledSum, view_orders
from bitget_margin.adapter.params import HAS_ENDED
from bitget_margin.adapter.venue_clock import WHOLE_WINDOW
from bitget_margin.core.effects import Call, Fault, Reply, SendAll
from bitget_margin.core.endpoints import Endpoint
from support.calling import BTC, CROSS, Caller, exchange
from support.script import START_MS, fault, in_turn, page, row

LIVE, HISTORY = Endpoint.OPEN_ORDERS, Endpoint.HISTORY_ORDERS
DENIED = Fault(ccxt.PermissionDenied("bitget 40014"), "40014", "Incorrect permissions", 400)


def opened(number: int, created: int, **more: Any) -> dict[str, Any]:
    """Return the row of an open order that was placed at this time."""
    return row(number, cTime=str(created), side="buy", price="10", baseSize="2", size="0", **more)


# -- one order --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_id", "params", "expected"),
    [("12", CROSS, {"orderId": "12"}), (None, CROSS | {"clientOrderId": "c12"}, {"clientOid": "c12"})],
)
def test_an_order_is_fetched_by_either_of_its_ids(given_id: object, params: Any, expected: dict[str, str]) -> None:
    venue = Caller(in_turn(page(row(12))))
    order = venue.call(fetch.fetch_order(exchange(), given_id, BTC, params))
    assert (order["id"], order["clientOrderId"], order["symbol"], order["status"]) == ("12", "c12", BTC, "open")
    params = {"symbol": "BTCUSDT", "startTime": str(WHOLE_WINDOW), **expected}
    assert venue.calls == [Call(LIVE, params), Call(HISTORY, params)]


def test_an_order_that_has_probably_ended_is_asked_for_once() -> None:
    venue = Caller(in_turn(page(row(12, "filled"))))
    order = venue.call(fetch.fetch_order(exchange(), "12", BTC, CROSS | {HAS_ENDED: True}))
    assert (order["id"], order["status"]) == ("12", "closed")
    assert [call.endpoint for call in venue.calls] == [HISTORY]


def test_an_order_without_a_row_is_not_found_and_no_more_is_claimed() -> None:
    message = r"fetch_order\(\): neither open-orders nor history-orders shows 12 of BTC/USDT; history can lag behind"
    with pytest.raises(ccxt.OrderNotFound, match=message):
        Caller(in_turn(page())).call(fetch.fetch_order(exchange(), "12", BTC, CROSS))


def test_a_failed_query_of_an_order_is_raised() -> None:
    with pytest.raises(ccxt.PermissionDenied, match="40014") as caught:
        Caller(in_turn(DENIED)).call(fetch.fetch_order(exchange(), "12", BTC, CROSS))
    assert caught.value is DENIED.error
    with pytest.raises(
        ccxt.BadResponse, match=r"^bitget fetch_order\(\): the response cannot be read: OSError: 40014 None$"
    ):
        Caller(in_turn(fault("40014"))).call(fetch.fetch_order(exchange(), "12", BTC, CROSS))
    html = in_turn(Reply("<html>"))
    params = CROSS | {"timeout": 200}
    with pytest.raises(ccxt.BadResponse, match=r"bitget fetch_order\(\): v2/margin/crossed/open-orders answered '<htm"):
        Caller(html).call(fetch.fetch_order(exchange(), "12", BTC, params))


# -- open orders ------------------------------------------------------------------------------------------------------


def fetched(say: Any, symbol: object = BTC, since: Any = None, limit: Any = None, params: Any = CROSS) -> Any:
    """Return the script, and the ids of the open orders."""
    venue = Caller(say)
    orders = venue.call(fetch.fetch_open_orders(exchange(), symbol, since, limit, params))
    return venue, [order["id"] for order in orders]


def test_open_orders_come_oldest_first_and_whole() -> None:
    say = in_turn(page(opened(12, 300), opened(11, 100)), page(opened(9, 200)), page())
    venue, ids = fetched(say)
    assert ids == ["11", "9", "12"]
    assert len(venue.calls) == 3
    assert {dict(call.params)["startTime"] for call in venue.calls} == {str(WHOLE_WINDOW)}  # type: ignore[call-overload]


def test_a_limit_ends_the_reading_with_the_newest() -> None:
    say = in_turn(page(opened(12, 300), opened(11, 100)), page(opened(9, 200), opened(8, 50)), page())
    venue, ids = fetched(say, limit=3)
    assert ids == ["11", "9", "12"]
    assert len(venue.calls) == 2


def test_a_span_of_time_includes_its_ends_and_is_queried_from_its_start() -> None:
    rows = [opened(i, at) for i, at in ((14, 301), (13, 300), (12, 200), (11, 100), (10, 99))]
    venue, ids = fetched(in_turn(page(*rows)), since=100, params=CROSS | {"until": 300})
    assert ids == ["11", "12", "13"]
    assert dict(venue.calls[0].params) == {"symbol": "BTCUSDT", "startTime": "100", "limit": "100"}


def test_an_order_without_a_time_is_in_every_span() -> None:
    timeless = opened(12, 0) | {"cTime": None}
    assert fetched(in_turn(page(timeless)), since=100, params=CROSS | {"until": 300})[1] == ["12"]


def test_open_orders_of_all_symbols_have_each_its_own() -> None:
    rows = page(opened(12, 1), opened(11, 2, symbol="ETHUSDT"))
    venue = Caller(in_turn(rows))
    orders = venue.call(fetch.fetch_open_orders(exchange(), None, None, None, CROSS))
    assert [(order["id"], order["symbol"]) for order in orders] == [("12", BTC), ("11", "ETH/USDT")]


def test_a_required_symbol_is_reported_as_in_ccxt() -> None:
    wants = Fault(ccxt.BadRequest("bitget 40019"), "40019", "Parameter symbol cannot be empty", 400)
    with pytest.raises(ccxt.ArgumentsRequired, match=r"fetch_open_orders\(\): the venue requires a symbol") as caught:
        fetched(in_turn(wants), None)
    assert caught.value.__cause__ is wants.error
    with pytest.raises(ccxt.BadRequest, match="40019"):
        fetched(in_turn(wants))
    with pytest.raises(ccxt.PermissionDenied, match="40014"):
        fetched(in_turn(DENIED), None)
    with pytest.raises(ccxt.BadResponse, match=r"^bitget fetch_open_orders\(\): .*open-orders answered"):
        fetched(in_turn(Reply("<html>")), None, params=CROSS | {"timeout": 200})


# -- orders by their ids ----------------------------------------------------------------------------------------------


def test_orders_are_returned_by_the_id_that_was_given() -> None:
    venue = Caller(in_turn(page(row(12), row(11)), page(row(9, "filled", clientOid="a"))))
    found = venue.call(view_orders(exchange(), BTC, ["12"], ["c11", "a"], CROSS))
    assert {name: (o["id"], o["status"], o["symbol"]) for name, o in found.orders.items()} == {
        "12": ("12", "open", BTC),
        "c11": ("11", "open", BTC),
        "a": ("9", "closed", BTC),
    }
    assert [call.endpoint for call in venue.calls] == [LIVE, HISTORY]
    assert (found.fills, found.own, found.unanswered) == ({}, (), set())


def test_fills_of_an_order_without_a_row_are_returned_by_the_id_that_was_given() -> None:
    fills = [
        {"orderId": "8", "side": "sell", "size": size, "priceAvg": price} for size, price in (("1", "4"), ("3", "8"))
    ]
    none = page()
    venue = Caller(in_turn(none, none, none, none, none, none, {"fills": fills}, {"fills": []}))
    found = venue.call(view_orders(exchange(), BTC, ["8", "9"], [], CROSS))
    assert found.orders == {}
    assert found.fills == {"8": FilledSum(4.0, 7.0), "9": FilledSum(0.0, None)}
    assert found.open_is_complete


def test_own_orders_that_nobody_asked_for_are_those_with_the_prefix() -> None:
    rows = page(row(15, clientOid="bot-3"), row(14, clientOid="bot-2"), row(13, clientOid="other-bot"), row(12))
    venue = Caller(in_turn(rows, page()))
    found = venue.call(view_orders(exchange(), BTC, [], ["bot-2"], CROSS | {"prefix": "bot-"}))
    assert [(order["id"], order["symbol"]) for order in found.own] == [("15", BTC)]
    assert (list(found.orders), found.open_is_complete) == (["bot-2"], True)
    sweep = Caller(in_turn(rows))
    found = sweep.call(view_orders(exchange(), BTC, [], [], CROSS | {"prefix": "bot-"}))
    assert [order["id"] for order in found.own] == ["15", "14"]
    assert [call.endpoint for call in sweep.calls] == [LIVE]
    nothing = Caller(in_turn(DENIED))
    assert nothing.call(view_orders(exchange(), BTC, [], [], CROSS)).own == ()
    assert nothing.calls == []


def test_a_prefix_that_is_no_text_is_refused() -> None:
    with pytest.raises(ccxt.BadRequest, match=r"view_orders\(\): prefix is 5: give the beginning of client order ids"):
        Caller(in_turn(DENIED)).call(view_orders(exchange(), BTC, [], [], CROSS | {"prefix": 5}))


def test_an_id_whose_query_failed_is_no_missing_order() -> None:
    """It is raised, or told apart from those that the venue does not show."""
    answers = (page(row(12)), page(), DENIED, page())
    with pytest.raises(ccxt.PermissionDenied, match="40014"):
        Caller(in_turn(*answers)).call(view_orders(exchange(), BTC, ["12", "8"], [], CROSS))
    found = Caller(in_turn(*answers)).call(view_orders(exchange(), BTC, ["12", "8"], [], CROSS | {"partial": True}))
    assert (list(found.orders), found.unanswered) == (["12"], {"8"})


def test_a_query_may_take_all_the_time_of_its_call() -> None:
    effect = next(view_orders(exchange(), BTC, ["1"], [], CROSS | {"timeout": 3_000}))
    assert isinstance(effect, SendAll)
    assert [send.request_ms for send in effect.sends] == [3_000, 3_000]


def test_a_failed_query_of_orders_by_their_ids_is_raised() -> None:
    with pytest.raises(ccxt.PermissionDenied, match="40014"):
        Caller(in_turn(DENIED)).call(view_orders(exchange(), BTC, ["1"], [], CROSS))
    with pytest.raises(ccxt.BadResponse, match=r"view_orders\(\): .*open-orders "):
        Caller(in_turn({})).call(view_orders(exchange(), BTC, ["1"], [], CROSS | {"timeout": 200}))


# -- the balance ------------------------------------------------------------------------------------------------------


CROSSED = {"coin": "BTC", "totalAmount": "3", "available": "1", "frozen": "2", "borrow": "0.5", "interest": "0"}


def test_markets_are_loaded_before_anything_is_sent() -> None:
    empty = exchange(markets=False)
    params = CROSS | {"timeout": 1_000}
    for flow in (
        fetch.fetch_order(empty, "1", BTC, params),
        fetch.fetch_open_orders(empty, BTC, None, None, params),
        view_orders(empty, BTC, ["1"], [], params),
        fetch.fetch_balance(empty, params),
    ):
        venue = Caller(in_turn(DENIED))
        with pytest.raises(ccxt.BaseError, match=r"markets not loaded|40014"):
            venue.call(flow)
        assert venue.loads == [START_MS + 900]


def test_the_crossed_balance_has_what_is_free_and_used() -> None:
    venue = Caller(in_turn([CROSSED]))
    ours = {"defaultMarginMode": "cross", "type": "margin", "timeout": 5, "batchSize": 1, "confirm": True, "uta": False}
    balance = venue.call(fetch.fetch_balance(exchange(), CROSS | {"coin": "BTC"} | ours))
    assert (balance["BTC"]["free"], balance["BTC"]["used"], balance["BTC"]["debt"]) == (1, 2, 0.5)
    assert balance["info"] == [CROSSED]
    assert venue.calls == [Call(Endpoint.ASSETS, {"coin": "BTC"})]


def test_a_unified_balance_is_read_as_one() -> None:
    assets = {"assets": [{"coin": "BTC", "balance": "3", "available": "1", "locked": "2", "debt": "0"}]}
    venue = Caller(in_turn(fault("40085"), assets))
    balance = venue.call(fetch.fetch_balance(exchange(), CROSS))
    assert (balance["BTC"]["free"], balance["BTC"]["used"]) == (1, 2)
    assert [call.endpoint for call in venue.calls] == [Endpoint.ASSETS, Endpoint.UNIFIED_ASSETS]


def test_the_total_of_a_unified_balance_is_less_the_debt_in_every_version_of_ccxt() -> None:
    """As in the newest one; a row without an equity is none of this account."""
    owed = {"coin": "USDT", "equity": "-5", "balance": "2", "available": "1", "locked": "1", "debt": "7"}
    other = {"coin": "BTC", "balance": "3", "available": "1", "locked": "2"}
    balance = exchange().parse_uta_balance([owed, other])
    assert (balance["USDT"]["total"], balance["total"]["USDT"], balance["USDT"]["debt"]) == (-5, -5, 7)
    assert (balance["USDT"]["free"], balance["USDT"]["used"]) == (1, 1)
    assert balance["BTC"]["total"] == balance["total"]["BTC"] == 3


def test_a_failed_query_of_the_balance_is_raised() -> None:
    with pytest.raises(ccxt.PermissionDenied, match="40014"):
        Caller(in_turn(DENIED)).call(fetch.fetch_balance(exchange(), CROSS))
    with pytest.raises(ccxt.BadResponse, match=r"fetch_balance\(\): .*assets answered"):
        Caller(in_turn({"x": 1})).call(fetch.fetch_balance(exchange(), CROSS | {"timeout": 200}))


def test_a_balance_that_ccxt_cannot_read_is_raised_and_an_entry_without_fields_is_ignored() -> None:
    made, unreadable = exchange(), KeyError("x")
    message = r"^bitget fetch_balance\(\): the response cannot be read: KeyError: 'x'$"
    with (
        mock.patch.object(made, "parse_balance", side_effect=unreadable, create=True),
        pytest.raises(ccxt.BadResponse, match=message) as caught,
    ):
        Caller(in_turn([CROSSED])).call(fetch.fetch_balance(made, CROSS))
    assert caught.value.__cause__ is unreadable
    assert Caller(in_turn([5, CROSSED])).call(fetch.fetch_balance(made, CROSS))["BTC"]["free"] == 1


AMOUNTS = ("totalAmount", "available", "frozen", "borrow", "interest", "equity", "balance", "locked", "debt")


@pytest.mark.parametrize(
    ("name", "amount"), [*((name, "x") for name in AMOUNTS), *(("available", a) for a in ("NaN", [], 1.5, {}))]
)
def test_an_invalid_amount_is_not_left_out_of_the_balance(name: str, amount: object) -> None:
    message = rf"^bitget fetch_balance\(\): {name} is {re.escape(repr(amount))}, which is no amount$"
    with pytest.raises(ccxt.BadResponse, match=message):
        Caller(in_turn([CROSSED, {**CROSSED, name: amount}])).call(fetch.fetch_balance(exchange(), CROSS))
    for nothing in (None, ""):
        venue = Caller(in_turn([{**CROSSED, name: nothing}]))
        assert "BTC" in venue.call(fetch.fetch_balance(exchange(), CROSS))


@pytest.mark.parametrize(
    ("params", "options", "cross"),
    [
        (CROSS, {}, True),
        (CROSS | {"type": "margin"}, {}, True),
        (CROSS | {"type": "swap"}, {}, False),
        (CROSS | {"stock": True}, {}, False),
        ({}, {}, False),
        ({}, {"defaultMarginMode": "cross"}, True),
        ({"type": "swap"}, {"defaultMarginMode": "cross"}, False),
        ({"marginMode": "isolated"}, {}, False),
    ],
)
def test_the_crossed_balance_is_that_of_spot_and_margin_alone(params: Any, options: Any, cross: bool) -> None:
    assert fetch.balance_is_cross(exchange(**options), params) is cross
