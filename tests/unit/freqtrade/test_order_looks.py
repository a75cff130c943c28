"""An order is forgotten only where two complete looks by both of its ids have missed it."""

from dataclasses import replace
from typing import Any

import pytest

from bitget_margin.adapter.fetch import FilledSum, OrdersView
from bitget_margin.freqtrade.order_looks import Finding, OrderLook, ids_of, judge, look_of
from support.botless import live, live_cover, rung

ORDER = live("k-1-x-0", order_id="77", amount=0.5)
MISSED = OrderLook(is_complete=True)


def row(status: str | None, order_id: str = "77") -> dict[str, Any]:
    return {"id": order_id, "status": status}


def seen(*rows: dict[str, Any], **more: Any) -> OrderLook:
    return OrderLook(rows, is_complete=True, **more)


@pytest.mark.parametrize(
    ("looks", "finding"),
    [
        ([MISSED, MISSED], Finding.ABSENT),
        ([MISSED], Finding.UNKNOWN),
        ([], Finding.UNKNOWN),
        ([MISSED, OrderLook()], Finding.UNKNOWN),
        ([OrderLook(), MISSED], Finding.UNKNOWN),
        ([seen(row("open")), MISSED], Finding.OPEN),
        ([MISSED, seen(row("open"))], Finding.OPEN),
        ([seen(row("canceled")), seen(row("open"))], Finding.OPEN),
        ([OrderLook((row("open"),)), OrderLook()], Finding.OPEN),
        ([MISSED, seen(row("canceled"))], Finding.ENDED),
        ([seen(row("closed")), MISSED], Finding.ENDED),
        ([OrderLook((row("closed"),)), OrderLook()], Finding.ENDED),
        ([MISSED, seen(row(None))], Finding.UNKNOWN),
        ([MISSED, seen(row("canceled", "78"))], Finding.UNKNOWN),
        ([MISSED, seen(row("open", "78"))], Finding.OPEN),
        ([MISSED, seen(filled=0.1)], Finding.FILLED),
        ([seen(filled=0.1), MISSED], Finding.FILLED),
    ],
)
def test_two_complete_looks_have_to_miss_it(looks: list[OrderLook], finding: Finding) -> None:
    assert judge(ORDER, looks) is finding


def test_fills_that_are_booked_are_no_reason_to_wait_for_the_bot() -> None:
    booked = replace(ORDER, filled=0.1)
    assert judge(booked, [seen(filled=0.1)] * 2) is Finding.ABSENT
    assert judge(booked, [seen(filled=0.2)] * 2) is Finding.FILLED


def test_any_ended_row_counts_for_an_order_that_has_no_id_yet() -> None:
    assert judge(rung(), [MISSED, seen(row("canceled", "78"))]) is Finding.ENDED


def test_a_look_is_by_both_ids() -> None:
    assert ids_of(ORDER) == ["k-1-x-0", "77"]
    assert ids_of(rung("k-1-x-0")) == ["k-1-x-0"]
    by_id, by_name = {"id": "77"}, {"id": "78"}
    view = OrdersView({"77": by_id, "k-1-x-0": by_name, "other": {}}, {}, (), True, frozenset({"other"}))  # type: ignore[dict-item]
    assert look_of(ORDER, view) == OrderLook((by_name, by_id), 0.0, is_complete=True)


@pytest.mark.parametrize("unanswered", ["77", "k-1-x-0"])
def test_a_look_without_an_answer_for_one_of_them_is_not_complete(unanswered: str) -> None:
    view = OrdersView({}, {}, (), True, frozenset({unanswered}))
    assert not look_of(ORDER, view).is_complete


def test_a_look_whose_list_was_not_read_to_its_end_is_not_complete() -> None:
    assert not look_of(ORDER, OrdersView({}, {}, (), False, frozenset())).is_complete


def test_fills_count_in_coins_of_the_position() -> None:
    view = OrdersView({}, {"77": FilledSum(0.501, 60_000.0)}, (), True, frozenset())
    assert look_of(live_cover(order_id="77"), view).filled == 0.5
