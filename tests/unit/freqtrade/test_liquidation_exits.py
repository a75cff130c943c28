"""Promise: what the venue has liquidated is booked as exits of exactly what the trade had, once it is done."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import ccxt
import pytest
from freqtrade.persistence import Order

from bitget_margin.freqtrade import liquidation_exits as module
from bitget_margin.freqtrade.liquidation_exits import (
    is_liquidation,
    liquidation_exits,
    liquidation_fee,
    liquidation_text,
)
from support.borrowing import position

PAIR = "BTC/USDT"
LONG, SHORT = position(PAIR, amount=0.9), position(PAIR, short=True, amount=0.9)


def order(order_id: str, filled: float | None, side: str = "sell", **fields: Any) -> dict[str, Any]:
    """Return an order of the venue's own."""
    info = {"side": f"liquidation-{side}"}
    return {"id": order_id, "side": side, "filled": filled, "status": "closed", "average": 80.0, "info": info} | fields


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return freqtrade's rows by order id."""
    known: dict[str, Any] = {}
    monkeypatch.setattr(module, "order_row", lambda order_id, pair: known.get(order_id) if pair == PAIR else None)
    return known


def amounts(trade: Any, *orders: Mapping[str, Any]) -> dict[str, float]:
    return {exit_["id"]: exit_["filled"] for exit_ in liquidation_exits(trade, orders, "USDT")}


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({"side": "liquidation-sell"}, True),
        ({"execType": "liquidation"}, True),
        ({"side": "sell", "execType": "normal"}, False),
        ({"side": None}, False),
        ({}, False),
        (None, False),
    ],
)
def test_the_venue_s_orders_are_known_by_their_side_or_kind(info: Any, expected: bool) -> None:
    assert is_liquidation({"info": info}) is expected


@pytest.mark.parametrize(("trade", "side"), [(LONG, "sell"), (SHORT, "buy")])
def test_a_liquidation_ends_its_trade_with_exactly_what_it_had(rows: Any, trade: Any, side: str) -> None:
    """Dust is sold along, and fees are bought along or missing."""
    for filled in (0.9, 0.95, 0.885):
        (exit_,) = liquidation_exits(trade, [order("7", filled, side)], "USDT")
        assert exit_ == order("7", 0.9, side) | {
            "amount": 0.9,
            "remaining": 0.0,
            "fee": {"currency": "USDT", "cost": 0.0, "rate": 0.0},
        }


def test_several_orders_add_up_to_what_was_there_to_the_last_digit(rows: Any) -> None:
    assert amounts(LONG, order("7", 0.3), order("8", 0.61)) == {"7": 0.3, "8": 0.6}
    assert amounts(LONG, order("7", 0.3), order("8", 0.2)) == {"7": 0.3, "8": 0.2}
    assert amounts(LONG, order("7", 0.95), order("8", 0.1)) == {"7": 0.9}


def test_what_is_booked_already_is_not_booked_again(rows: Any) -> None:
    """The first order is; one whose row is open is shown again."""
    rows["7"], rows["8"] = SimpleNamespace(ft_is_open=False), SimpleNamespace(ft_is_open=True)
    assert amounts(LONG, order("7", 0.9), order("8", 0.9)) == {"8": 0.9}


@pytest.mark.parametrize(
    "other",
    [
        order("7", 0.9, "buy"),
        order("7", 0.9, info={"side": "sell"}),
        order("7", None),
        order("7", 0.0),
        order("7", 0.00009),
        order("7", 0.5, status="open"),
    ],
    ids=["other side", "the bot's own", "unknown fills", "no fills", "less than a lot", "not done"],
)
def test_other_orders_are_no_exits(rows: Any, other: Any) -> None:
    assert amounts(LONG, other) == {}


def test_a_trade_that_has_nothing_left_has_no_exits(rows: Any) -> None:
    ended = position(PAIR, amount=0.9)
    done: Any = Order(order_id="2", ft_order_side="sell", ft_pair=PAIR, ft_is_open=False, ft_amount=0.9, ft_price=1.0)
    done.filled = 0.9
    ended.orders.append(done)
    assert amounts(ended, order("7", 0.9)) == {}


# -- its fee ----------------------------------------------------------------------------------------------------------

FROM_MS = 940_000
ORDERS = [order("7", 0.9, timestamp=1_000_000), order("8", 0.9, timestamp=2_000_000)]


class Api:
    """An exchange object with records of liquidations."""

    def __init__(self, rows: Any) -> None:
        self.rows, self.asked = rows, []

    def _answer(self, *asked: Any) -> Any:
        self.asked.append(asked)
        if isinstance(self.rows, Exception):
            raise self.rows
        return self.rows

    fetch_ledger = fetch_my_liquidations = _answer


def test_the_fee_is_that_of_the_venue_s_records_since_then() -> None:
    api = Api([{"info": {"liqFee": "1.5"}}, {"info": {"liqFee": "-0.25"}}, {"info": {}}])
    assert liquidation_fee(api, ORDERS, "USDT", unified=False, timeout_ms=9.0) == 1.75
    assert api.asked == [(None, FROM_MS, None, {"marginMode": "cross", "timeout": 9.0})]
    api = Api([{"amount": -2.0, "info": {"type": "LIQ_FEE"}}, {"amount": 7.0, "info": {"type": "OTHER"}}])
    assert liquidation_fee(api, ORDERS, "USDT", unified=True, timeout_ms=9.0) == 2.0
    assert api.asked == [("USDT", FROM_MS, None, {"type": "margin", "timeout": 9.0})]


@pytest.mark.parametrize("rows", [[], [{"info": {"liqFee": None}}], ccxt.RequestTimeout("no answer")])
def test_a_fee_that_is_not_shown_is_not_made_up(rows: Any) -> None:
    assert liquidation_fee(Api(rows), ORDERS, "USDT", unified=False, timeout_ms=9.0) is None


@pytest.mark.parametrize(
    ("last", "fee", "expected"),
    [
        (order("8", 0.4), 1.5, "at 80. Its fee of 1.5 USDT is not in"),
        (order("8", 0.4, average=None, price=79.0), None, "at 79. What it has charged for that is not in"),
        (order("8", 0.4, average=None), 0.0, "at a price that it does not show. Its fee of 0 USDT is not in"),
    ],
)
def test_a_liquidation_is_reported_whatever_it_shows(last: Any, fee: float | None, expected: str) -> None:
    """An exception here would keep the trade from being booked."""
    text = liquidation_text(LONG, [order("7", 0.5), last], fee, "USDT")
    assert text.startswith("LIQUIDATED: the venue has closed 0.9 of trade 1 on BTC/USDT " + expected)
