"""The lists of margin pairs are read as they are documented; what they do not say is not invented."""

from decimal import Decimal
from typing import Any

import pytest

from bitget_margin.core import api_v2, api_v3
from bitget_margin.core.margin_pairs import MarginPair

CLASSIC = {
    "symbol": "ETHUSDT",
    "baseCoin": "ETH",
    "quoteCoin": "USDT",
    "maxCrossedLeverage": "3",
    "maxIsolatedLeverage": "10",
    "minTradeAmount": "0.00010000",
    "maxTradeAmount": "10000.00000000",
    "pricePrecision": "4",
    "quantityPrecision": "4",
    "minTradeUSDT": "5.00000000",
    "isBorrowable": True,
    "status": "1",
    "isCrossBorrowable": True,
}
"""A row of the documents' example."""
UNIFIED = {
    "symbol": "ETHUSDT",
    "category": "MARGIN",
    "baseCoin": "ETH",
    "quoteCoin": "USDT",
    "minOrderQty": "0.001",
    "maxOrderQty": "10000000000",
    "pricePrecision": "3",
    "quantityPrecision": "3",
    "quotePrecision": "6",
    "minOrderAmount": "5",
    "status": "online",
    "maxCrossedLeverage": "3",
    "maxIsolatedLeverage": "10",
}
APIS = {"classic": (api_v2, CLASSIC), "unified": (api_v3, UNIFIED)}


def pair(kind: str, **changes: Any) -> MarginPair:
    """Return the pair of a list of one row, with changed fields; a field that is None is missing."""
    api, row = APIS[kind]
    rows = [{name: value for name, value in {**row, **changes}.items() if value is not None}]
    (found,) = api.read_margin_pairs({"code": "00000", "data": rows}) or ()
    return found


def test_the_numbers_of_each_list() -> None:
    found = pair("classic")
    assert (found.symbol, found.crosses, found.is_active) == ("ETHUSDT", True, True)
    assert (found.price_tick, found.amount_tick, found.cost_tick) == (Decimal("0.0001"), Decimal("0.0001"), None)
    assert (found.min_amount, found.max_amount, found.min_cost) == (Decimal("0.0001"), Decimal(10000), Decimal(5))
    assert (found.max_leverage, found.raw) == (Decimal(3), CLASSIC)
    found = pair("unified")
    assert (found.symbol, found.crosses, found.is_active) == ("ETHUSDT", True, True)
    assert (found.price_tick, found.amount_tick, found.cost_tick) == (
        Decimal("0.001"),
        Decimal("0.001"),
        Decimal("0.000001"),
    )
    assert (found.min_amount, found.max_amount, found.min_cost) == (Decimal("0.001"), Decimal(10**10), Decimal(5))


@pytest.mark.parametrize("kind", APIS)
@pytest.mark.parametrize(("leverage", "crosses"), [("0", False), ("3", True), (None, True), ("", True), (0, False)])
def test_a_leverage_of_0_is_no_cross_margin(kind: str, leverage: object, crosses: bool) -> None:
    assert pair(kind, maxCrossedLeverage=leverage).crosses is crosses


@pytest.mark.parametrize(
    ("flag", "crosses"), [(True, True), ("true", True), ("YES", True), (None, True), (False, False), ("false", False)]
)
def test_a_pair_whose_coins_are_not_lent_on_cross_margin_is_no_pair_of_it(flag: object, crosses: bool) -> None:
    assert pair("classic", isCrossBorrowable=flag).crosses is crosses


@pytest.mark.parametrize(
    ("kind", "status", "is_active"),
    [
        ("classic", "1", True),
        ("classic", 1, True),
        ("classic", "2", False),
        ("unified", "online", True),
        ("unified", "limit_open", False),
        ("unified", "offline", False),
        ("unified", "restrictedAPI", False),
        ("classic", None, True),
        ("unified", None, True),
    ],
)
def test_a_paused_pair_is_told_from_one_that_trades(kind: str, status: object, is_active: bool) -> None:
    assert pair(kind, status=status).is_active is is_active
    assert pair(kind, status=status).crosses


@pytest.mark.parametrize("kind", APIS)
@pytest.mark.parametrize("value", ["", None, "x", "-1", "1.5", "1e9", True, []])
def test_a_number_of_decimals_that_is_none_is_not_known(kind: str, value: object) -> None:
    found = pair(kind, pricePrecision=value, quantityPrecision=value)
    assert (found.price_tick, found.amount_tick) == (None, None)


def test_a_limit_of_0_is_none_and_dollars_are_no_other_coin() -> None:
    assert pair("unified", maxOrderQty="0", minOrderQty="").max_amount is None
    assert pair("unified", minOrderQty="").min_amount is None
    assert pair("classic", quoteCoin="BTC").min_cost is None
    assert pair("unified", quoteCoin="BTC").min_cost == 5


@pytest.mark.parametrize("kind", APIS)
@pytest.mark.parametrize(
    "body", [None, "<html>", {"code": "00000", "data": []}, {"code": "00000", "data": [{}, 1]}, {"data": [UNIFIED]}]
)
def test_an_empty_or_unreadable_list_is_no_list(kind: str, body: object) -> None:
    assert APIS[kind][0].read_margin_pairs(body) is None
