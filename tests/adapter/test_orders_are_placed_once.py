"""An order is placed at most once, and what may have been placed is looked up under a name that is its own."""

from __future__ import annotations

from typing import Any

import ccxt
import pytest

from bitget_margin.adapter import placing
from bitget_margin.adapter.context import SIGNATURES
from bitget_margin.adapter.errors import PlaceUnresolved
from bitget_margin.core.call import Endpoint
from support.calling import BTC, CROSS, Caller, exchange
from support.script import EPOCH_MS, START_MS, fault, in_turn, page, row

BUY = ("limit", "buy", 0.001, 50_000)
PLACED = {"id": "77", "clientOrderId": "a"}


class Stock:
    """Stock ccxt's create_order: what it was called with, and how it ends."""

    def __init__(self, *ends: object, signs: str = "v2/margin/crossed/place-order") -> None:
        self.calls: list[tuple[Any, ...]] = []
        self._ends = list(ends)
        self._signs = signs

    def __call__(self, *arguments: Any) -> object:
        self.calls.append(arguments)
        signatures = SIGNATURES.get()
        assert signatures is not None
        signatures.sign(self._signs)
        end = self._ends.pop(0) if len(self._ends) > 1 else self._ends[0]
        if isinstance(end, Exception):
            raise end
        return end


def tied(error: Exception, code: str, status: int = 400) -> Exception:
    """Return an exception of ccxt with the venue's answer tied to it."""
    vars(error)["bitget_margin_answer"] = (status, {"code": code, "msg": "no"})
    return error


def place(stock: Stock, say: Any = None, params: Any = CROSS, made: Any = None, symbol: object = BTC) -> Any:
    """Place an order; return the script, and the order."""
    venue = Caller(say or in_turn(page()))
    return venue, venue.call(placing.create_order(made or exchange(), stock, symbol, BUY, params))


def test_an_order_goes_through_stock_ccxt_once_under_a_name_of_its_own() -> None:
    stock = Stock(PLACED)
    venue, order = place(stock, params=CROSS | {"timeout": 5_000, "postOnly": True})
    assert order is PLACED
    ((symbol, *rest, params),) = stock.calls
    assert (symbol, tuple(rest)) == (BTC, BUY)
    assert len(params["clientOrderId"]) == 32
    expected = {"marginMode": "cross", "postOnly": True, "maxRetriesOnFailure": 0, "uta": False}
    assert {key: value for key, value in params.items() if key != "clientOrderId"} == expected
    assert venue.calls == []
    # The placing leaves time for one look-up: a third of the whole.
    assert venue.performed == [pytest.approx(START_MS + 4_900 - 5_000 / 3)]
    again = Stock(PLACED)
    place(again)
    assert again.calls[0][-1]["clientOrderId"] != params["clientOrderId"]


@pytest.mark.parametrize("key", ["clientOrderId", "clientOid"])
def test_a_given_name_is_kept_under_ccxts_name_for_it(key: str) -> None:
    stock = Stock(PLACED)
    place(stock, params=CROSS | {key: "mine"})
    params = stock.calls[0][-1]
    assert params["clientOrderId"] == "mine"
    assert "clientOid" not in params


def test_an_order_behind_a_lost_answer_is_found_under_its_name() -> None:
    stock = Stock(ccxt.RequestTimeout("lost"))
    say = in_turn(fault(), page(), page(), page(row(77, clientOid="mine")))
    venue, order = place(stock, say, CROSS | {"clientOrderId": "mine"})
    assert (order["id"], order["symbol"]) == ("77", BTC)
    assert len(stock.calls) == 1
    assert venue.waits == [150, 150]
    assert {dict(call.params)["clientOid"] for call in venue.calls} == {"mine"}
    assert {call.endpoint for call in venue.calls} == {Endpoint.OPEN_ORDERS, Endpoint.HISTORY_ORDERS}


def test_an_ended_order_of_a_made_up_name_is_the_placed_one_and_of_a_given_name_only_if_new() -> None:
    old = {"cTime": str(EPOCH_MS - 500_000)}

    def say(call: Any) -> object:
        name = call.params["clientOid"]
        return page() if call.endpoint is Endpoint.OPEN_ORDERS else page(row(77, "filled", clientOid=name, **old))

    assert place(Stock(ccxt.RequestTimeout("lost")), say)[1]["id"] == "77"
    with pytest.raises(PlaceUnresolved):
        place(Stock(ccxt.RequestTimeout("lost")), say, CROSS | {"clientOrderId": "mine"})


def test_an_order_that_no_look_up_shows_leaves_with_its_name_and_its_cause() -> None:
    lost = ccxt.RequestTimeout("lost")
    said = r"^bitget create_order\(\): 1 of 1 orders may have been placed \(lost\)"
    with pytest.raises(PlaceUnresolved, match=said) as caught:
        place(Stock(lost), params=CROSS | {"clientOrderId": "mine", "timeout": 1_000})
    (unknown,) = caught.value.orders
    assert (unknown["clientOrderId"], unknown["id"], unknown["status"]) == ("mine", None, None)
    assert unknown["symbol"] == BTC
    assert unknown["info"] == {}
    assert caught.value.__cause__ is lost


def test_look_ups_end_before_the_deadline_does() -> None:
    venue = Caller(in_turn(page()))
    stock = Stock(ccxt.RequestTimeout("lost"))
    with pytest.raises(PlaceUnresolved):
        venue.call(placing.create_order(exchange(), stock, BTC, BUY, CROSS | {"timeout": 1_000}))
    assert venue.waits == [150, 300]
    assert venue.now_ms < START_MS + 900


@pytest.mark.parametrize(
    "error",
    [
        tied(ccxt.AuthenticationError("40009"), "40009"),
        tied(ccxt.InvalidOrder("43001"), "43001"),
        tied(ccxt.RateLimitExceeded("429"), "429", 429),
    ],
)
def test_a_refusal_raises_what_stock_ccxt_raises_and_nothing_is_looked_up(error: Exception) -> None:
    venue = Caller(in_turn(page()))
    with pytest.raises(type(error)) as caught:
        venue.call(placing.create_order(exchange(), Stock(error), BTC, BUY, CROSS))
    assert caught.value is error
    assert venue.calls == []


def test_what_failed_before_the_order_was_signed_placed_nothing() -> None:
    error = ccxt.RequestTimeout("markets")
    with pytest.raises(ccxt.RequestTimeout) as caught:
        place(Stock(error, signs="v2/public/time"))
    assert caught.value is error
    said = r"^bitget create_order\(\): what the venue answered cannot be read: KeyError: 'x'$"
    with pytest.raises(ccxt.BadResponse, match=said):
        place(Stock(KeyError("x"), signs="v2/public/time"))


@pytest.mark.parametrize("answer", [{}, {"id": None}, {"id": ""}, [], None])
def test_an_answer_that_names_no_order_is_looked_up(answer: object) -> None:
    say = in_turn(page(row(77, clientOid="mine")))
    _, order = place(Stock(answer), say, CROSS | {"clientOrderId": "mine"})
    assert order["id"] == "77"
    with pytest.raises(PlaceUnresolved, match=r"\(the answer names no order\)"):
        place(Stock(answer), params=CROSS | {"timeout": 500})


def test_the_other_kind_of_account_is_spoken_to_by_ccxt_too() -> None:
    """What was refused for that was not placed."""
    made = exchange()
    stock = Stock(tied(ccxt.ExchangeError("40085"), "40085"), PLACED)
    assert place(stock, made=made)[1] is PLACED
    assert [call[-1]["uta"] for call in stock.calls] == [False, True]
    assert made.options["uta"] is True
    assert stock.calls[0][-1]["clientOrderId"] == stock.calls[1][-1]["clientOrderId"]
    for unified, endpoint in ((False, Endpoint.PLACE), (True, Endpoint.UNIFIED_PLACE)):
        flow = placing.create_order(exchange(uta=unified), stock, BTC, BUY, CROSS)
        perform: Any = next(flow)
        assert perform.place.call.endpoint is endpoint  # in whose window it waits
        flow.close()
    chosen = Stock(PLACED)
    place(chosen, made=exchange(uta=True))
    assert chosen.calls[0][-1]["uta"] is True


def test_two_kinds_that_contradict_each_other_place_nothing_and_end() -> None:
    stock = Stock(tied(ccxt.ExchangeError("40085"), "40085"), tied(ccxt.ExchangeError("40084"), "40084"))
    with pytest.raises(ccxt.ExchangeError, match="40084"):
        place(stock)
    assert len(stock.calls) == 2


@pytest.mark.parametrize(
    ("symbol", "params", "raises", "said"),
    [
        (None, CROSS, ccxt.ArgumentsRequired, r"create_order\(\) requires a symbol"),
        (BTC, CROSS | {"stopPrice": 5}, ccxt.NotSupported, r"create_order\(\): crossed margin has no conditional"),
        (BTC, CROSS | {"clientOrderId": "a b"}, ccxt.BadRequest, r"create_order\(\): clientOrderId is 'a b'"),
        (BTC, CROSS | {"timeout": -1}, ccxt.BadRequest, r"create_order\(\): timeout is -1"),
    ],
)
def test_bad_input_is_refused_before_anything_is_signed(
    symbol: object, params: Any, raises: type[Exception], said: str
) -> None:
    stock = Stock(PLACED)
    with pytest.raises(raises, match=said):
        place(stock, params=params, symbol=symbol)
    assert stock.calls == []


def test_nothing_is_placed_in_sandbox_mode_or_without_credentials() -> None:
    stock = Stock(PLACED)
    with pytest.raises(ccxt.NotSupported, match=r"create_order\(\): the venue's demo trading"):
        place(stock, made=exchange(sandboxMode=True))
    nobody = exchange()
    nobody.secret = None
    with pytest.raises(ccxt.AuthenticationError):
        place(stock, made=nobody)
    assert stock.calls == []


def test_a_row_that_ccxt_cannot_read_is_told() -> None:
    odd = page(row(77, clientOid="mine", feeDetail="{"))
    with pytest.raises(ccxt.BadResponse, match="77"):
        place(Stock(ccxt.RequestTimeout("lost")), in_turn(odd), CROSS | {"clientOrderId": "mine"})


def test_markets_are_loaded_before_anything_is_signed() -> None:
    stock, venue = Stock(PLACED), Caller(in_turn(page()))
    params = CROSS | {"timeout": 1_000}
    with pytest.raises(ccxt.ExchangeError, match="markets not loaded"):
        venue.call(placing.create_order(exchange(markets=False), stock, BTC, BUY, params))
    assert (venue.loads, stock.calls) == ([START_MS + 900], [])


def test_once_a_call_is_over_nothing_more_is_signed_for_it() -> None:
    """A thread that was left alone while it waited cannot send any more."""
    kept: list[Any] = []

    def stock(*_: object) -> object:
        kept.append(SIGNATURES.get())
        return PLACED

    assert Caller(in_turn(page())).call(placing.create_order(exchange(), stock, BTC, BUY, CROSS)) is PLACED
    assert SIGNATURES.get() is None
    with pytest.raises(ccxt.RequestTimeout, match="x was not sent: its call is over"):
        kept[0].sign("x")


def test_a_doubtful_code_may_have_placed_the_order_whatever_class_ccxt_makes_of_it() -> None:
    """40010 is an AuthenticationError to ccxt, and says that the venue took too long."""
    stock = Stock(tied(ccxt.AuthenticationError("40010"), "40010"))
    _, order = place(stock, in_turn(page(row(77, clientOid="mine"))), CROSS | {"clientOrderId": "mine"})
    assert order["id"] == "77"
