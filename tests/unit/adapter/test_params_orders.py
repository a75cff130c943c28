"""An order that the venue would refuse, or understand as another one, is refused before anything is sent."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import ccxt
import pytest

from bitget_margin.adapter import place
from support.calling import BTC, CROSS, Caller, exchange
from support.script import fault, in_turn

GOOD = {"type": "limit", "side": "buy", "amount": 0.001, "price": 50_000}


@pytest.mark.parametrize(
    ("wrong", "raises", "said"),
    [
        ({"type": None, "side": None}, ccxt.ArgumentsRequired, "an order needs type, side"),
        ({"amount": None}, ccxt.ArgumentsRequired, "an order needs amount"),
        ({"price": None}, ccxt.ArgumentsRequired, "an order needs price"),
        ({"type": "LIMIT"}, ccxt.BadRequest, "type is 'LIMIT'; give limit or market"),
        ({"type": 7}, ccxt.BadRequest, "type is 7; give limit or market"),
        ({"side": 5}, ccxt.BadRequest, "side is 5; give buy or sell"),
        ({"side": ["buy"]}, ccxt.BadRequest, r"side is \['buy'\]; give buy or sell"),
        *(
            ({name: value}, ccxt.InvalidOrder, f"{name} is .*; give a number above 0")
            for name in ("amount", "price")
            for value in (0, -1, "abc", "", True, float("nan"), float("inf"), [1], b"1", Fraction(1))
        ),
        ({"type": "market", "price": -1}, ccxt.InvalidOrder, "price is -1"),
    ],
)
def test_an_order_that_is_none_is_not_placed(wrong: dict[str, Any], raises: type[Exception], said: str) -> None:
    order = GOOD | wrong
    venue = Caller(in_turn(fault()))
    listed = [{"symbol": BTC, "params": CROSS, **GOOD}, {"symbol": BTC, "params": CROSS, **order}]
    with pytest.raises(raises, match=rf"^bitget create_orders\(\) in orders\[1\]: {said}"):
        venue.call(place.create_orders(exchange(), listed, CROSS))
    with pytest.raises(raises, match=rf"^bitget create_order\(\): {said}"):
        venue.call(place.create_order(exchange(), BTC, tuple(order.values()), CROSS))
    assert venue.calls == []


@pytest.mark.parametrize("amount", [1, 0.001, "0.001", Decimal("0.001")])
def test_an_amount_may_be_any_number_that_ccxt_takes(amount: object) -> None:
    venue = Caller(in_turn({"orderId": "77", "clientOid": "a"}))
    order = ("market", "sell", amount, None)
    assert venue.call(place.create_order(exchange(), BTC, order, CROSS | {"clientOrderId": "a"}))["id"] == "77"
    (call,) = venue.calls
    assert dict(call.params)["baseSize"] == str(amount)
