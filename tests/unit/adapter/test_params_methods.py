"""Refusals name the method that was called, and options that are set for one method count for that one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ccxt
import pytest

from bitget_margin.adapter import cancel, fetch
from bitget_margin.adapter.errors import CancelUnresolved
from bitget_margin.adapter.params import places_cross
from support.calling import BTC, CROSS, Caller, exchange
from support.script import fault, in_turn, page

Call = Callable[[Any, Any], Any]
METHODS: dict[str, Call] = {
    "batch_cancel": lambda made, params: cancel.batch_cancel(made, ["1"], BTC, (), params),
    "cancel_orders": lambda made, params: cancel.cancel_orders(made, ["1"], BTC, params),
    "cancel_order": lambda made, params: cancel.cancel_order(made, "1", BTC, params),
    "cancel_orders_for_symbols": lambda made, params: cancel.cancel_orders_for_symbols(
        made, [{"id": "1", "symbol": BTC}], params
    ),
    "cancel_all_orders": lambda made, params: cancel.cancel_all_orders(made, BTC, params),
}


@pytest.mark.parametrize("method", METHODS)
def test_every_refusal_names_the_method(method: str) -> None:
    for params, said in (
        ({"x": 1}, "unknown parameter 'x'"),
        ({"timeout": 0}, "timeout is 0"),
        ({"batchSize": 51}, "batchSize is 51"),
        ({"trigger": True}, "cross margin has no trigger orders"),
    ):
        with pytest.raises(ccxt.BaseError, match=rf"^bitget {method}\(\): {said}"):
            Caller(in_turn(page())).call(METHODS[method](exchange(), CROSS | params))
    with pytest.raises(ccxt.NotSupported, match=rf"^bitget {method}\(\): the venue's demo trading"):
        Caller(in_turn(page())).call(METHODS[method](exchange(sandbox=True), CROSS))


@pytest.mark.parametrize("method", METHODS)
def test_every_unresolved_call_names_the_method(method: str) -> None:
    with pytest.raises(CancelUnresolved, match=rf"^bitget {method}\(\) is not resolved"):
        Caller(in_turn(fault())).call(METHODS[method](exchange(), CROSS | {"timeout": 300}))


@pytest.mark.parametrize(
    ("flow", "said"),
    [
        (
            lambda made: cancel.cancel_orders(made, ["1"], BTC, CROSS | {"clientOrderIds": "a"}),
            r"^bitget cancel_orders\(\): clientOrderIds is 'a'; give a list$",
        ),
        (lambda made: cancel.cancel_orders(made, "1", BTC, CROSS), r"^bitget cancel_orders\(\): ids is '1'; give"),
        (lambda made: cancel.cancel_orders(made, [""], BTC, CROSS), r"^bitget cancel_orders\(\): ids\[0\] is ''"),
        (lambda made: cancel.cancel_orders(made, ["1"], None, CROSS), r"^bitget cancel_orders\(\) requires a sym"),
        (lambda made: cancel.cancel_order(made, "1", None, CROSS), r"^bitget cancel_order\(\) requires a symbol"),
        (
            lambda made: cancel.cancel_order(made, "1", BTC, CROSS | {"clientOid": "a"}),
            r"^bitget cancel_order\(\): both id '1' and clientOrderId 'a' are given",
        ),
        (
            lambda made: cancel.cancel_orders_for_symbols(made, 5, CROSS),
            r"^bitget cancel_orders_for_symbols\(\): o",
        ),
        (
            lambda made: cancel.cancel_orders_for_symbols(made, [{"id": "1"}], CROSS),
            r"^bitget cancel_orders_for_symbols\(\) requires a symbol such as 'BTC/USDT' in orders\[0\]$",
        ),
        (
            lambda made: cancel.cancel_orders_for_symbols(made, [{"symbol": BTC, "id": ""}], CROSS),
            r"^bitget cancel_orders_for_symbols\(\): orders\[0\] id is ''",
        ),
        (
            lambda made: cancel.batch_cancel(made, ["1"], BTC, (), {"marginMode": "isolated"}),
            r"^bitget batch_cancel\(\) is for crossed .* 'isolated'; use cancel_orders\(\) for isolated orders$",
        ),
    ],
)
def test_bad_input_is_told_by_the_method_that_got_it(flow: Callable[[Any], Any], said: str) -> None:
    venue = Caller(in_turn(page()))
    with pytest.raises(ccxt.BaseError, match=said):
        venue.call(flow(exchange()))
    assert venue.calls == []


def test_a_margin_mode_that_is_set_for_cancels_counts_for_batches_of_them() -> None:
    made = exchange(cancelOrders={"marginMode": "isolated"})
    with pytest.raises(ccxt.NotSupported, match=r"^bitget batch_cancel\(\) is for crossed margin"):
        Caller(in_turn(page())).call(cancel.batch_cancel(made, ["1"], BTC, (), {}))


def test_what_is_set_for_the_balance_counts_for_the_balance() -> None:
    assert fetch.balance_is_cross(exchange(fetchBalance=CROSS), {})
    assert fetch.balance_is_cross(exchange(fetchBalance={"defaultType": "margin"}), CROSS)
    assert not fetch.balance_is_cross(exchange(fetchBalance={"defaultType": "swap"}), CROSS)


def test_what_is_set_for_placing_counts_for_placing() -> None:
    assert places_cross(exchange(createOrder=CROSS), "createOrder", BTC, {})
    assert not places_cross(exchange(createOrder=CROSS), "editOrder", BTC, {})
