"""Amounts are exact or none, and only a fault that names an unknown order is an empty page."""

from decimal import Decimal

import pytest

from bitget_margin.core import api_v2, api_v3
from bitget_margin.core.api import Api
from bitget_margin.core.effects import Fault, Reply
from bitget_margin.core.responses import Page, decimal, page_of


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0.10", Decimal("0.10")),
        (5, Decimal(5)),
        ("1e40", Decimal("1e40")),
        ("1e41", None),
        ("1e-40", Decimal("1e-40")),
        ("1e-41", None),
        ("NaN", None),
        ("Infinity", None),
        ("abc", None),
        (True, None),
        (0.5, None),
        (None, None),
    ],
)
def test_an_amount_is_exact_and_finite_or_none(value: object, expected: Decimal | None) -> None:
    """A float is none: the venue writes texts, and arithmetic with what is beyond all money would fail."""
    assert decimal(value) == expected


@pytest.mark.parametrize(
    ("code", "text", "status", "is_empty_page"),
    [
        ("43001", "The order does not exist", 400, True),
        ("43001", "whatever", 400, True),
        ("43999", "Order does not exist", 400, True),
        ("43999", "whatever", 400, False),
        (None, "The order does not exist", 400, False),
        ("43001", None, 502, False),
    ],
)
def test_a_fault_that_means_an_unknown_order_is_an_empty_page(
    code: str | None, text: str | None, status: int, is_empty_page: bool
) -> None:
    fault = Fault(OSError(), code, text, status)
    assert page_of(fault, api_v2.read_page) == (Page((), 0) if is_empty_page else None)


def test_a_response_to_a_query_is_the_page_that_it_has_or_none() -> None:
    assert page_of(Reply({"code": "00000", "data": {"orderList": []}}), api_v2.read_page) == Page((), 0)
    assert page_of(Reply({"code": "00000"}), api_v2.read_page) is None


FILL = {"orderId": "9", "symbol": "BTCUSDT", "side": "Buy", "cTime": "5", "createdTime": "5"}


@pytest.mark.parametrize("api", [api_v2, api_v3], ids=["classic", "unified"])
@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ({}, None),
        ("", None),
        ([], []),
        ([FILL], [("9", "BTCUSDT", "buy", 5)]),
        ([{"orderId": "9", "side": "sell"}], [("9", None, "sell", None)]),
        ([FILL] * 99, [("9", "BTCUSDT", "buy", 5)] * 99),
        ([FILL] * 100, None),
        ([{**FILL, "orderId": None}], None),
        ([FILL, {**FILL, "side": None}], None),
        ([5], None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_fills_are_read_whole_or_not_at_all(api: Api, listed: object, expected: list[object] | None) -> None:
    """A full page may have been cut off; a fill without its order or its side may be of any order."""
    found = api.read_fills({"code": "00000", "data": {"fills": listed, "list": listed}})
    shown = None if found is None else [(fill.order_id, fill.symbol, fill.side, fill.at_ms) for fill in found]
    assert shown == expected
