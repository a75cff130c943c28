"""Cross margin orders are rounded and refused by the numbers of the margin pair, before anything is sent."""

from typing import Any

import ccxt
import pytest

from bitget_margin.adapter import place as place_flows
from bitget_margin.core.effects import Call
from support.calling import BTC, CROSS, Caller, exchange

NUMBERS = {
    "active": True,
    "precision": {"amount": 0.001, "price": 0.5, "cost": 0.1},
    "limits": {"amount": {"min": 0.002, "max": 10.0}, "cost": {"min": 5.0, "max": 100_000.0}},
}


def made(**options: Any) -> Any:
    """Return an exchange whose margin pair has coarser numbers than its spot pair."""
    found = exchange(**options)
    found.markets = {**found.markets, BTC: {**found.markets[BTC], "crossMargin": NUMBERS}}
    return found


def taken(call: Call) -> object:
    params: Any = call.params
    named = params[0] if isinstance(params, list) else params
    named = named.get("orderList", [named])[0]
    item = {"orderId": "77", "clientOid": named["clientOid"]}
    return [item] if isinstance(params, list) else {**item, "successList": [item], "failureList": []}


def sent(order: tuple[Any, ...], *, batch: bool = False, uta: bool = False, **params: Any) -> Any:
    """Place an order; return the numbers of the one that was sent."""
    venue, options = Caller(taken), {"uta": uta}
    named = {**CROSS, **params}
    if batch:
        request = {
            "symbol": BTC,
            **dict(zip(("type", "side", "amount", "price"), order, strict=False)),
            "params": named,
        }
        venue.call(place_flows.create_orders(made(**options), [request], {}))
    else:
        venue.call(place_flows.create_order(made(**options), BTC, order, named))
    (call,) = venue.calls
    body: Any = call.params
    one = body[0] if isinstance(body, list) else body.get("orderList", [body])[0]
    return {name: one[name] for name in ("price", "qty", "baseSize", "quoteSize") if name in one}


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize(
    ("order", "classic", "unified"),
    [
        (("limit", "buy", 0.0123456, 50_000.3), {"price": "50000.5", "baseSize": "0.012"}, "0.012"),
        (("limit", "sell", 0.0129999, 50_000.2), {"price": "50000", "baseSize": "0.012"}, "0.012"),
        (("market", "sell", 0.0123456, None), {"baseSize": "0.012"}, "0.012"),
        (("market", "buy", 0.0123456, 50_000.0), {"quoteSize": "617.2"}, "617.2"),
    ],
)
def test_an_order_is_rounded_to_the_steps_of_the_margin_pair(
    order: tuple[Any, ...], classic: dict[str, str], unified: str, *, batch: bool
) -> None:
    assert sent(order, batch=batch) == classic
    price = {"price": classic["price"]} if "price" in classic else {}
    assert sent(order, batch=batch, uta=True) == {**price, "qty": unified}


def test_a_cost_that_is_given_is_cut_too() -> None:
    assert sent(("market", "buy", 1, None), cost=99.99) == {"quoteSize": "99.9"}


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize(
    ("order", "why"),
    [
        (("limit", "buy", 0.0019, 50_000), "amount 0.001 is below the 0.002"),
        (("limit", "buy", 10.001, 50_000), "amount 10.001 is above the 10.0"),
        (("limit", "sell", 0.002, 2_000), "cost 4.000 is below the 5.0"),
        (("limit", "sell", 9, 50_000), "cost 450000 is above the 100000.0"),
        (("market", "buy", 0.0001, 40_000), "cost 4 is below the 5.0"),
        (("market", "sell", 0.0011, None), "amount 0.001 is below the 0.002"),
        (("limit", "buy", 0.0009, 50_000), "less than one step of 0.001"),
        (("limit", "buy", 1, 0.2), "less than one step of 0.5"),
    ],
)
def test_an_order_out_of_bounds_is_refused_before_anything_is_sent(
    order: tuple[Any, ...], why: str, *, batch: bool
) -> None:
    with pytest.raises(ccxt.InvalidOrder, match=why):
        sent(order, batch=batch)


def test_the_venue_decides_over_the_bounds_of_an_urgent_order() -> None:
    """Its list may be older than a change of its limits, and an exit must not wait for that."""
    assert sent(("market", "sell", 0.0011, None), urgent=True) == {"baseSize": "0.001"}


def test_without_numbers_of_margin_orders_those_of_spot_orders_hold() -> None:
    venue = Caller(taken)
    venue.call(place_flows.create_order(exchange(), BTC, ("limit", "buy", 0.00019999, 50_000.301), CROSS))
    (call,) = venue.calls
    assert (call.params["baseSize"], call.params["price"]) == ("0.000199", "50000.3")  # type: ignore[call-overload]
