"""A look-up keeps the rows of the order that was meant, and proves no more than they do."""

from __future__ import annotations

import pytest

from bitget_margin.core.cancel_state import OrderState
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.order_row import OrderRow, RowState
from bitget_margin.core.outcome import Outcome
from bitget_margin.core.reconcile import OrderLookup
from bitget_margin.core.responses import Listing
from bitget_margin.core.settings import Pacing

BY_ID = OrderRef("BTCUSDT", IdKind.ORDER, "12")
BY_NAME = OrderRef("BTCUSDT", IdKind.CLIENT, "a")
PACING = Pacing()


def kept(target: OrderRef, *rows: OrderRow, began: float | None = None, bound: str | None = None) -> list[str | None]:
    """Return the ids of the ended row and of the live one that a look keeps."""
    look = OrderLookup(OrderState(target, bound_id=bound), began_ms=began)
    for each in rows:
        look.take_row(each)
    return [None if each is None else each.order_id for each in (look.ended, look.live)]


def a_row(
    order_id: str, state: RowState = RowState.LIVE, symbol: str = "BTCUSDT", name: str = "a", created: int = 0
) -> OrderRow:
    """Return a row."""
    return OrderRow(order_id, name, symbol, state, {"cTime": str(created)})


def test_a_look_keeps_rows_of_its_own_order_alone() -> None:
    other = [a_row("13"), a_row("12", symbol="ETHUSDT")]
    assert kept(BY_ID, *other) == [None, None]
    assert kept(BY_ID, a_row("12", name="zz"), a_row("12", RowState.FILLED)) == ["12", "12"]
    assert kept(BY_NAME, a_row("12", name="b"), a_row("13", symbol="ETHUSDT")) == [None, None]
    assert kept(BY_NAME, a_row("12"), a_row("13"), bound="13") == [None, "13"]
    assert kept(BY_NAME, a_row("13", name="z"), bound="13") == [None, None]


def test_of_several_under_one_name_the_newest_is_kept_of_each_kind() -> None:
    ended = [a_row(i, RowState.CANCELED) for i in ("7", "9", "8")]
    assert kept(BY_NAME, *ended, a_row("3"), a_row("5"), a_row("4")) == ["9", "5"]


@pytest.mark.parametrize(("created", "meant"), [(5_000, True), (5_001, True), (5_002, False)])
def test_an_order_that_was_placed_after_the_call_began_was_not_meant_by_its_name(created: int, meant: bool) -> None:
    assert kept(BY_NAME, a_row("9", created=created), began=5_000) == [None, "9" if meant else None]
    assert kept(BY_NAME, a_row("9", created=created)) == [None, "9"]
    assert kept(BY_ID, a_row("12", created=created), began=5_000) == [None, "12"]


def test_a_row_whose_state_cannot_be_read_counts_for_an_id_and_not_for_a_name() -> None:
    assert kept(BY_ID, a_row("12", RowState.UNREADABLE)) == [None, "12"]
    assert kept(BY_NAME, a_row("12", RowState.UNREADABLE)) == [None, None]


def test_an_order_that_is_in_both_lists_has_ended() -> None:
    """It went from one to the other between the two questions; a younger live one of the same name beats an ended."""
    entry = OrderState(BY_ID)
    OrderLookup(entry, ended=a_row("12", RowState.FILLED), live=a_row("12")).record(7, PACING)
    assert (entry.outcome, entry.row_ms) == (Outcome.FILLED, 7)
    named = OrderState(BY_NAME)
    OrderLookup(named, ended=a_row("9", RowState.FILLED), live=a_row("12")).record(7, PACING)
    assert (named.outcome, named.bound_id) == (None, "12")


def test_a_round_that_showed_nothing_proves_nothing() -> None:
    entry = OrderState(BY_ID)
    OrderLookup(entry).record(7, PACING)
    OrderLookup(entry, absent_from={Listing.OPEN}).record(7, PACING)
    assert entry.absent_since_ms is None
    OrderLookup(entry, absent_from=set(Listing)).record(7, PACING)
    assert entry.absent_since_ms == 7
