"""Orders that are looked at come back under the ids that were asked for, or the call says why not."""

from __future__ import annotations

from typing import Any

import ccxt
import pytest

from bitget_margin.adapter.fetch import view_orders
from bitget_margin.core.effects import Fault
from bitget_margin.core.endpoints import Endpoint
from support.calling import BTC, CROSS, Caller, exchange
from support.script import in_turn, page, row

LIVE, HISTORY = Endpoint.OPEN_ORDERS, Endpoint.HISTORY_ORDERS
DENIED = Fault(ccxt.PermissionDenied("bitget 40014"), "40014", "Incorrect permissions", 400)


def test_orders_are_viewed_under_the_id_that_was_asked_for() -> None:
    venue = Caller(in_turn(page(row(12), row(11)), page(row(9, "filled", clientOid="a"))))
    shown = venue.call(view_orders(exchange(), BTC, ["12", "8"], ["c11", "a"], CROSS))
    assert {name: (o["id"], o["status"], o["symbol"]) for name, o in shown.items()} == {
        "12": ("12", "open", BTC),
        "c11": ("11", "open", BTC),
        "a": ("9", "closed", BTC),
    }
    assert [call.endpoint for call in venue.calls] == [LIVE, HISTORY]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((None, ["1"], [], CROSS), r"view_orders\(\) requires a symbol"),
        ((BTC, [""], [], CROSS), r"bitget view_orders\(\): ids\[0\] is ''"),
        ((BTC, [], ["a b"], CROSS), r"view_orders\(\): clientOrderIds\[0\] is 'a b'"),
        ((BTC, ["1"], [], CROSS | {"confirm": True}), r"view_orders\(\): unknown parameter 'confirm'; known are margi"),
        ((BTC, ["1"], [], CROSS | {"timeout": 0}), r"view_orders\(\): timeout is 0"),
        (("XX/USDT", ["1"], [], CROSS), "XX/USDT"),
        ((BTC, ["1"], [], CROSS), "40014"),
    ],
)
def test_bad_input_and_a_venue_that_does_not_answer_are_told(arguments: Any, said: str) -> None:
    with pytest.raises(ccxt.BaseError, match=said):
        Caller(in_turn(DENIED)).call(view_orders(exchange(), *arguments))
    with pytest.raises(ccxt.BadResponse, match=r"view_orders\(\): .*open-orders answered"):
        Caller(in_turn({})).call(view_orders(exchange(), BTC, ["1"], [], CROSS | {"timeout": 200}))
