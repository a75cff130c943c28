"""The venue's own name of a market says nothing of its kind: where it is a contract's, no crossed order is meant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ccxt
import pytest

from bitget_margin.adapter import cancel, fetch, place
from bitget_margin.adapter.fetch import view_orders
from support.calling import BTC, CROSS, Caller, exchange
from support.script import in_turn, page
from support.wire import market

PERP = "BTCPERP"
"""The contract of BTC in USDC; ccxt takes the venue's names where it wants a symbol."""
BUY = ("limit", "buy", 0.001, 50_000)
WANTED = {"symbol": PERP, "type": "limit", "side": "buy", "amount": 0.001, "price": 50_000, "params": CROSS}


@pytest.fixture
def made() -> Any:
    """Return an exchange that knows a contract besides."""
    contract = market(PERP, "BTC") | {"symbol": "BTC/USDC:USDC", "spot": False, "type": "swap"}
    known = exchange()
    known.set_markets([*known.markets.values(), contract])
    return known


@pytest.mark.parametrize(
    ("method", "flow"),
    [
        ("batch_cancel", lambda made: cancel.batch_cancel(made, ["1"], PERP, (), CROSS)),
        ("cancel_orders", lambda made: cancel.cancel_orders(made, ["1"], PERP, CROSS)),
        ("cancel_order", lambda made: cancel.cancel_order(made, "1", PERP, CROSS)),
        ("cancel_all_orders", lambda made: cancel.cancel_all_orders(made, PERP, CROSS)),
        ("cancel_all_orders", lambda made: cancel.cancel_all_orders(made, BTC, CROSS | {"symbols": [PERP]})),
        (
            "cancel_orders_for_symbols",
            lambda made: cancel.cancel_orders_for_symbols(made, [{"id": "1", "symbol": PERP}], CROSS),
        ),
        ("fetch_order", lambda made: fetch.fetch_order(made, "1", PERP, CROSS)),
        ("fetch_open_orders", lambda made: fetch.fetch_open_orders(made, PERP, None, None, CROSS)),
        ("view_orders", lambda made: view_orders(made, PERP, ["1"], [], CROSS)),
        ("create_order", lambda made: place.create_order(made, PERP, BUY, CROSS)),
        ("create_orders", lambda made: place.create_orders(made, [WANTED], CROSS)),
    ],
)
def test_a_contract_under_the_venues_name_is_refused_before_anything_is_sent(
    method: str, flow: Callable[[Any], Any], made: Any
) -> None:
    venue = Caller(in_turn(page()))
    said = rf"^bitget {method}\(\): {PERP} is a swap market; cross margin orders are on spot symbols$"
    with pytest.raises(ccxt.BadSymbol, match=said):
        venue.call(flow(made))
    assert venue.calls == []
