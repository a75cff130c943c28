"""Frozen amounts are read exactly, or not at all."""

from __future__ import annotations

from decimal import Decimal

from bitget_margin.core import api_v2


def test_frozen_amounts_are_exact_and_silence_is_not_zero() -> None:
    """A row that cannot be read makes the whole balance unreadable."""
    body = {"code": "00000", "data": [{"coin": "USDT", "frozen": "0.1"}, {"coin": "BTC", "frozen": "0"}]}
    assert api_v2.read_frozen(body) == {"USDT": Decimal("0.1"), "BTC": Decimal(0)}
    for bad in (
        {"coin": "USDT"},
        {"frozen": "0"},
        {"coin": "USDT", "frozen": None},
        {"coin": "USDT", "frozen": "NaN"},
        5,
    ):
        assert api_v2.read_frozen({"code": "00000", "data": [bad]}) is None
