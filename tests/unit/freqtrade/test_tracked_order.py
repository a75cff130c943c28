"""Promise: a tracked order follows the rows of the venue, and never leaves a final state."""

from dataclasses import replace
from typing import Any

import pytest

from bitget_margin.freqtrade.tracked_order import Origin, Phase, TrackedOrder, TradeKey, apply_row

ORDER = TrackedOrder("k-1-x-0", Origin.LADDER, 1, 1_000, "BTC/USDT", "sell", "entry", 0, 100.0, 2.0, 5)
LIVE = replace(ORDER, phase=Phase.LIVE, order_id="7", filled=0.5, average=101.0)


def row(status: str | None = "open", **more: Any) -> dict[str, Any]:
    return {"id": "7", "status": status, "filled": 0.5, "average": 101.0, **more}


@pytest.mark.parametrize("phase", Phase)
def test_an_order_may_trade_while_it_is_intended_or_live(phase: Phase) -> None:
    assert phase.open is (phase in {Phase.INTENDED, Phase.LIVE})


@pytest.mark.parametrize(
    ("changes", "trade"),
    [
        ({}, TradeKey(1, 1_000)),
        ({"trade_id": None}, None),
        ({"opened_ms": None}, None),
        ({"trade_id": 0}, TradeKey(0, 1_000)),
    ],
)
def test_an_order_belongs_to_a_trade_by_its_number_and_time(changes: dict[str, Any], trade: TradeKey | None) -> None:
    assert replace(ORDER, **changes).trade == trade


@pytest.mark.parametrize(("filled", "remaining"), [(0.0, 2.0), (0.5, 1.5), (2.0, 0.0), (2.5, 0.0)])
def test_the_remaining_amount_is_never_negative(filled: float, remaining: float) -> None:
    assert replace(ORDER, filled=filled).remaining == remaining


@pytest.mark.parametrize(
    ("order", "changes"),
    [
        (ORDER, {"status": None}),
        (replace(ORDER, phase=Phase.WAITING), {"status": None}),
        (replace(ORDER, phase=Phase.LOST), {"status": None}),
        (replace(ORDER, phase=Phase.REFUSED, reason="why"), {"status": "rejected", "info": {"errorMsg": "why"}}),
        (replace(ORDER, average=101.0), {"status": None}),
        (LIVE, {"id": "7", "filled": 0.5, "remaining": 1.5, "average": 101.0, "cost": 50.5, "status": "open"}),
        (replace(LIVE, average=None), {"id": "7", "filled": 0.5, "remaining": 1.5, "status": "open"}),
        (replace(ORDER, phase=Phase.ENDED), {"status": "canceled"}),
        (
            replace(LIVE, phase=Phase.ENDED, filled=2.0),
            {"id": "7", "filled": 2.0, "remaining": 0.0, "average": 101.0, "cost": 202.0, "status": "closed"},
        ),
    ],
)
def test_the_structure_of_an_order_is_ccxt_s(order: TrackedOrder, changes: dict[str, Any]) -> None:
    intended = {
        "id": None,
        "clientOrderId": "k-1-x-0",
        "symbol": "BTC/USDT",
        "type": "limit",
        "side": "sell",
        "price": 100.0,
        "amount": 2.0,
        "filled": 0.0,
        "remaining": 2.0,
        "average": None,
        "cost": None,
        "timestamp": 5,
        "fee": None,
        "trades": [],
        "info": {},
    }
    assert order.to_ccxt() == {**intended, **changes}


@pytest.mark.parametrize("shown", [None, {}, row(None), row("unknown")], ids=repr)
def test_no_row_and_one_without_a_known_status_show_nothing(shown: dict[str, Any] | None) -> None:
    assert apply_row(ORDER, shown) is None
    assert apply_row(replace(LIVE, phase=Phase.ENDED), shown) is None


@pytest.mark.parametrize(
    ("before", "shown", "after"),
    [
        (replace(ORDER, reason="no answer"), row(), LIVE),
        (ORDER, row(filled=None, average=None), replace(ORDER, phase=Phase.LIVE, order_id="7")),
        (LIVE, row(id=None, filled="0.7", average=None), replace(LIVE, filled=0.7)),
        (LIVE, row(filled=0.2), LIVE),
        *(
            (LIVE, row(status, filled=1.0, average=102.0), replace(LIVE, phase=Phase.ENDED, filled=1.0, average=102.0))
            for status in ("closed", "canceled", "rejected", "expired")
        ),
    ],
)
def test_a_row_updates_the_order(before: TrackedOrder, shown: dict[str, Any], after: TrackedOrder) -> None:
    assert apply_row(before, shown) == after


@pytest.mark.parametrize("phase", [Phase.ENDED, Phase.WAITING, Phase.REFUSED, Phase.LOST])
def test_an_order_that_may_not_trade_stays_as_it_is(phase: Phase) -> None:
    ended = replace(LIVE, phase=phase, reason="why")
    assert apply_row(ended, row("open", filled=2.0)) is ended


@pytest.mark.parametrize("phase", [Phase.WAITING, Phase.REFUSED, Phase.LOST])
def test_the_end_of_an_order_that_counts_as_not_placed_changes_nothing(phase: Phase) -> None:
    order = replace(LIVE, phase=phase)
    assert apply_row(order, row("canceled", filled=2.0)) is order


@pytest.mark.parametrize(
    ("shown", "changes"),
    [
        (row("closed", filled=2.0, average=102.0), {"filled": 2.0, "average": 102.0, "settled": False}),
        (row("canceled", filled="0.75", average=None), {"filled": 0.75, "settled": False}),
        (row("canceled", filled=0.5, average=102.0), {}),
        (row("canceled", filled=0.25), {}),
        (row("canceled", filled=None), {}),
    ],
)
def test_the_sums_of_an_order_that_has_ended_may_come_later(shown: dict[str, Any], changes: dict[str, Any]) -> None:
    """And are booked then."""
    ended = replace(LIVE, phase=Phase.ENDED, settled=True)
    assert apply_row(ended, shown) == replace(ended, **changes)


def test_an_order_without_changes_is_the_same_object() -> None:
    assert apply_row(LIVE, row()) is LIVE


# -- covers of shorts -------------------------------------------------------------------------------------------------

COVER = replace(LIVE, side="buy", filled=0.0, average=None, sent=2.5)
"""A buy of 2.5 coins that closes 2 of a short."""


@pytest.mark.parametrize(
    ("order", "asked", "closes"),
    [(ORDER, 2.0, True), (replace(ORDER, side="buy"), 2.0, False), (COVER, 2.5, True)],
)
def test_the_venue_is_asked_for_more_than_a_cover_closes(order: TrackedOrder, asked: float, closes: bool) -> None:
    assert (order.asked, order.closes) == (asked, closes)


@pytest.mark.parametrize(
    ("filled", "net"),
    [(0.0, 0.0), (1.25, 1.0), (2.4999, 1.99992), (2.5 - 1e-10, 2.0), (2.5, 2.0), (2.6, 2.0)],
)
def test_fills_of_a_cover_are_told_in_coins_of_the_position(filled: float, net: float) -> None:
    """All of it is exactly all: a hair less would keep the trade open."""
    assert COVER.net_of(filled) == net
    shown = apply_row(COVER, row(filled=filled, average=90.0))
    assert shown == replace(COVER, filled=net, average=90.0)
    assert shown is not None
    assert apply_row(shown, row(filled=filled, average=90.0)) is shown
    ended = apply_row(replace(COVER, phase=Phase.ENDED), row("canceled", filled=filled, average=90.0))
    assert ended is not None
    assert ended.filled == net


def test_the_fee_of_a_cover_is_what_it_has_bought_beyond_its_net_amount() -> None:
    half = replace(COVER, filled=1.0, average=90.0).to_ccxt()
    assert {name: half[name] for name in ("amount", "filled", "remaining", "average", "cost")} == {
        "amount": 2.0,
        "filled": 1.0,
        "remaining": 1.0,
        "average": 90.0,
        "cost": 90.0,
    }
    assert half["fee"] == {"currency": "USDT", "cost": 22.5, "rate": 0.25}
    assert half["cost"] + half["fee"]["cost"] == 1.25 * 90.0, "what was paid"
    assert COVER.to_ccxt()["fee"] is None
    assert replace(COVER, average=90.0).to_ccxt()["fee"] is None


def test_what_is_left_of_a_buy_costs_what_the_venue_was_asked_for() -> None:
    assert replace(ORDER, side="buy", filled=0.5).rest_cost == 150.0
    assert replace(COVER, filled=1.0).rest_cost == 125.0
