"""Promise: what the knobs do to a classic account's batch cancel they do to a unified account's."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from bitget_margin.emulator import Account, AccountKind, Emulator, Knobs

from .client import FakeClock
from .unified_client import GONE, V3, UnifiedClient, row

CANCEL = f"{V3}/trade/cancel-order"


def test_ack_delay(unified_venue: Emulator, unified: UnifiedClient, clock: FakeClock) -> None:
    """An acknowledged order lives on until the delay is over, and can still fill."""
    lands, fills = unified.placed(), unified.placed(price="40000")
    unified_venue.knobs(ack_delay_ms=5000)
    assert [set(item) for item in unified.cancel_batch(lands, fills).data] == [{"orderId", "clientOid"}] * 2
    assert unified.open_ids() == [fills, lands]
    unified_venue.fill(fills)
    clock.advance(5000)
    assert unified.open_ids() == []
    assert [unified_venue.order(order_id).status for order_id in (lands, fills)] == ["cancelled", "filled"]


def test_cancel_never_lands(unified_venue: Emulator, unified: UnifiedClient, clock: FakeClock) -> None:
    """The counted cancels are acknowledged without effect, the next one works."""
    order_id = unified.placed(clientOid="a")
    unified_venue.knobs(cancel_never_lands=2)
    assert unified.cancel_batch(order_id).data == [row(order_id, "a")]
    assert unified.post(CANCEL, {"orderId": order_id}).data == row(order_id, "a")
    clock.advance(3_600_000)
    assert unified.open_ids() == [order_id]
    unified.cancel_batch(order_id)
    assert unified.open_ids() == []


def test_fill_wins(unified_venue: Emulator, unified: UnifiedClient) -> None:
    """An acknowledged order is filled instead."""
    unified_venue.knobs(fill_wins=1)
    first, second = unified.placed(), unified.placed()
    unified.cancel_batch(first, second)
    assert [unified_venue.order(order_id).status for order_id in (first, second)] == ["filled", "cancelled"]


def test_refuse_cancels(unified_venue: Emulator, unified: UnifiedClient) -> None:
    """A live order is refused with a text of its own, in a batch and alone."""
    unified_venue.knobs(refuse_cancels=2)
    order_id = unified.placed(clientOid="a")
    data = unified.cancel_batch("123", order_id).data
    assert data[1] == row(order_id, "a", code="45024", msg="Cancel order error")
    unified.post(CANCEL, {"orderId": order_id}).assert_refused("45024")
    assert unified_venue.order(order_id).live


@pytest.mark.parametrize(("knob", "executed"), [("omit_ids", True), ("omit_refused", False)])
def test_omitted_items_are_not_in_the_list(
    unified_venue: Emulator, unified: UnifiedClient, knob: str, *, executed: bool
) -> None:
    """The counted items vanish from the answer, carried out or not."""
    first, second = unified.placed(), unified.placed(clientOid="b")
    unified_venue.knobs(**{knob: 1})
    assert unified.cancel_batch(first, second).data == [row(second, "b")]
    assert unified_venue.order(first).live is not executed


def test_both_lists(unified_venue: Emulator, unified: UnifiedClient) -> None:
    """A cancelled order is reported twice, as a success and as a failure."""
    unified_venue.knobs(both_lists=1)
    order_id = unified.placed(clientOid="a")
    assert unified.cancel_batch(order_id, "123").data == [
        row(order_id, "a"),
        row(order_id, "a", **GONE),
        row("123", "", **GONE),
    ]
    assert unified_venue.order(order_id).status == "cancelled"


def test_cancel_once_per_second(unified_venue: Emulator, unified: UnifiedClient, clock: FakeClock) -> None:
    """The same order cannot be cancelled again within a second, by whatever id."""
    unified_venue.knobs(cancel_once_per_second=True, cancel_never_lands=1)
    order_id = unified.placed(clientOid="a")
    unified.cancel_batch(order_id)
    again = unified.cancel_batch({"clientOid": "a"}).data
    assert again == [row(order_id, "a", code="25004", msg="Operation too frequent, please try again later")]
    unified.post(CANCEL, {"orderId": order_id}).assert_refused("25004")
    clock.advance(1000)
    assert unified.cancel_batch(order_id).data == [row(order_id, "a")]


def test_failure_texts(unified_venue: Emulator, unified: UnifiedClient) -> None:
    """Texts of failed items can be anything; the code stays."""
    unified_venue.knobs(failure_text_unknown="who?", failure_text_ended="too late")
    order_id = unified.placed(clientOid="a")
    unified.cancel_batch(order_id)
    assert unified.cancel_batch(order_id, "123").data == [
        row(order_id, "a", code="25204", msg="too late"),
        row("123", "", code="25204", msg="who?"),
    ]


def test_language(unified_venue: Emulator, unified: UnifiedClient) -> None:
    """Errors and failures come in Chinese, somebody's own texts stay."""
    unified_venue.knobs(language="zh")
    assert unified.cancel_batch("123").data[0]["msg"] == "订单不存在"
    assert unified.place(qty="10").content["msg"] == "余额不足"
    assert unified.place(qty=None).content["msg"] == "参数校验失败 qty"
    unified_venue.knobs(failure_text_unknown="who?")
    assert unified.cancel_batch("123").data[0]["msg"] == "who?"


def test_all_failed(unified_venue: Emulator, unified: UnifiedClient) -> None:
    """A batch without any success can be an error as a whole; one success prevents it."""
    unified_venue.knobs(all_failed="43001")
    unified.cancel_batch("1", "2").assert_refused("25204")
    assert len(unified.cancel_batch("1", unified.placed()).data) == 2


def test_echo_ids(unified_venue: Emulator, unified: UnifiedClient) -> None:
    """Rows can carry only the kind of id that was asked."""
    unified_venue.knobs(echo_ids="asked")
    order_id = unified.placed()
    unified.placed(clientOid="b")
    assert unified.cancel_batch(order_id).data == [{"orderId": order_id}]
    assert unified.cancel_batch({"clientOid": "b"}, {"clientOid": "c"}).data == [
        {"clientOid": "b"},
        {"clientOid": "c", **GONE},
    ]


def test_empty_lists(unified_venue: Emulator, unified: UnifiedClient) -> None:
    """A list without rows can be null, in a page and in the answer to a batch."""
    unified_venue.knobs(empty_lists="null", omit_ids=1)
    for name in ("unfilled-orders", "history-orders", "fills"):
        assert unified.page(name) == {"list": None, "cursor": None}
    assert unified.cancel_batch(unified.placed()).data is None
    order_id = unified.placed()
    assert unified.open_ids() == [order_id]


def test_history_lag(unified_venue: Emulator, unified: UnifiedClient, clock: FakeClock) -> None:
    """An ended order is nowhere for a while, not even alone."""
    unified_venue.knobs(history_lag_ms=5000)
    order_id = unified.placed(clientOid="a")
    assert unified.info(clientOid="a").data["orderStatus"] == "live"
    unified.cancel_batch(order_id)
    assert unified.open_ids() == unified.history_ids() == []
    unified.info(orderId=order_id).assert_refused("25204")
    unified.info(clientOid="a").assert_refused("25204")
    clock.advance(5000)
    assert unified.history_ids() == [order_id]
    assert unified.info(clientOid="a").data["orderStatus"] == "cancelled"


@pytest.mark.parametrize(("spelling", "shown"), [("documented", "partially_filled"), ("partial_fill", "partial_fill")])
def test_partial_status(unified_venue: Emulator, unified: UnifiedClient, spelling: str, shown: str) -> None:
    """A partly filled order has the wanted spelling, everywhere."""
    unified_venue.knobs(partial_status=spelling)
    order_id = unified.placed()
    unified_venue.fill(order_id, "0.001")
    assert unified.page("unfilled-orders")["list"][0]["orderStatus"] == shown
    assert unified.info(orderId=order_id).data["orderStatus"] == shown


def test_open_orders_cap(unified_venue: Emulator, unified: UnifiedClient) -> None:
    """A page can be shorter than was asked, and the next one goes on."""
    order_ids = [unified.placed() for _ in range(3)]
    unified_venue.knobs(open_orders_cap=2)
    assert unified.open_ids(limit=100) == order_ids[:0:-1]
    assert unified.open_ids(cursor=order_ids[1]) == order_ids[:1]


def test_batch_cancel_stall(unified_venue: Emulator, unified: UnifiedClient) -> None:
    """The answer to a batch cancel waits."""
    order_id = unified.placed()
    unified_venue.knobs(batch_cancel_stall_ms=300)
    started = time.monotonic()
    unified.cancel_batch(order_id)
    assert time.monotonic() - started >= 0.3


def test_fees_in_bgb(clock: FakeClock) -> None:
    """A sale brings all its quote coins; fills and the order show the fee in BGB, at 1 USDT where it is not listed."""
    account = Account(balances={"BTC": "1", "BGB": "2"}, kind=AccountKind.UNIFIED)
    with (
        Emulator(accounts=(account,), clock=clock, knobs=Knobs(fees_in_bgb=True)) as venue,
        UnifiedClient(venue.url, account, clock, lambda: clock.advance(334)) as unified,
    ):
        order_id = unified.placed(side="sell", price="70000", qty="0.02")
        for amount in ("0.01", "0.01"):
            venue.fill(order_id, amount)
        shown = [row["feeDetail"] for row in unified.page("fills")["list"]]
        whole = unified.info(orderId=order_id).data["feeDetail"]
        held = venue.balances(account.uid)
    assert (whole, shown) == ([{"feeCoin": "BGB", "fee": "1.4"}], [[{"feeCoin": "BGB", "fee": "0.7"}]] * 2)
    assert (held["USDT"].available, held["BGB"].available) == (1400, Decimal("0.6"))
