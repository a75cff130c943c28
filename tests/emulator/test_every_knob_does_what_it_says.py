"""Promise: every knob changes exactly what its help text says."""

from __future__ import annotations

import time
from dataclasses import fields
from decimal import Decimal
from typing import Any

import pytest

from bitget_margin.emulator import Account, Emulator, Knobs, Symbol

from .client import CROSSED, Client, FakeClock


def row(order_id: str, client_oid: str, **more: str) -> dict[str, str]:
    """Return a row of a batch cancel's lists."""
    return {"orderId": order_id, "clientOid": client_oid, **more}


def test_defaults_answer_as_documented(client: Client) -> None:
    """Successes carry both ids; failures carry both ids and a text, and no code."""
    live, ended = client.placed(clientOid="live"), client.placed(clientOid="ended")
    client.cancel_batch(ended)
    assert client.cancel_batch(live, ended, "123", {"clientOid": "nobody"}).data == {
        "successList": [row(live, "live")],
        "failureList": [
            row(ended, "ended", errorMsg="Order Cancelled"),
            row("123", "", errorMsg="The order does not exist"),
            row("", "nobody", errorMsg="The order does not exist"),
        ],
    }
    assert client.open_ids() == []
    assert set(client.history_ids()) == {live, ended}


def test_orders_of_another_symbol_are_not_found(venue: Emulator, client: Client) -> None:
    """A batch concerns one symbol only."""
    order_id = client.placed()
    data = client.cancel_batch(order_id, symbol="ETHUSDT").data
    assert data["failureList"] == [row(order_id, "", errorMsg="The order does not exist")]
    assert venue.order(order_id).live


def test_twin_items_cancel_once(client: Client) -> None:
    """The second mention of an order finds it ended."""
    order_id = client.placed(clientOid="a")
    data = client.cancel_batch(order_id, {"clientOid": "a"}).data
    assert (data["successList"], data["failureList"]) == (
        [row(order_id, "a")],
        [row(order_id, "a", errorMsg="Order Cancelled")],
    )


def test_order_id_beats_client_id_in_one_item(venue: Emulator, client: Client) -> None:
    """An item with both ids means the order id."""
    first, second = client.placed(clientOid="first"), client.placed(clientOid="second")
    client.cancel_batch({"orderId": first, "clientOid": "second"})
    assert (venue.order(first).live, venue.order(second).live) == (False, True)


def test_single_cancel(venue: Emulator, client: Client) -> None:
    """One order is cancelled by either id; an ended or unknown one does not exist."""
    path, order_id = f"{CROSSED}/cancel-order", client.placed(clientOid="a")
    assert client.post(path, {"symbol": "BTCUSDT", "clientOid": "a"}).data == row(order_id, "a")
    assert venue.order(order_id).status == "cancelled"
    client.post(path, {"symbol": "BTCUSDT", "orderId": order_id}).assert_refused("43001")
    client.post(path, {"symbol": "BTCUSDT", "orderId": "123"}).assert_refused("43001")
    client.post(path, {"symbol": "BTCUSDT"}).assert_refused("40924")
    client.post(path, {"orderId": order_id}).assert_refused("40019")


def test_ack_delay(venue: Emulator, client: Client, clock: FakeClock) -> None:
    """An acknowledged order lives on until the delay is over, and can still fill."""
    lands, fills = client.placed(), client.placed(price="40000")
    venue.knobs(ack_delay_ms=5000)
    acknowledged_ms = clock.now_ms + 101
    assert len(client.cancel_batch(lands, fills).data["successList"]) == 2
    assert client.open_ids() == [fills, lands]
    venue.fill(fills)
    clock.advance(5000)
    assert client.open_ids() == []
    assert (venue.order(lands).status, venue.order(fills).status) == ("cancelled", "filled")
    assert venue.order(lands).updated_ms == acknowledged_ms + 5000


def test_cancel_never_lands(venue: Emulator, client: Client, clock: FakeClock) -> None:
    """The counted cancels are acknowledged without effect, the next one works."""
    order_ids = [client.placed() for _ in range(2)]
    venue.knobs(cancel_never_lands=1)
    assert len(client.cancel_batch("123", *order_ids).data["successList"]) == 2
    clock.advance(3_600_000)
    assert client.open_ids() == order_ids[:1]
    assert venue.knobs().cancel_never_lands == 0
    client.cancel_batch(order_ids[0])
    assert client.open_ids() == []


def test_history_lag(venue: Emulator, client: Client, clock: FakeClock) -> None:
    """An ended order is in neither list for a while."""
    venue.knobs(history_lag_ms=5000)
    order_id = client.placed()
    client.cancel_batch(order_id)
    assert client.open_ids() == client.history_ids() == client.history_ids(orderId=order_id) == []
    clock.advance(5000)
    assert client.history_ids() == [order_id]


def test_fill_wins(venue: Emulator, client: Client) -> None:
    """An acknowledged order is filled instead."""
    venue.knobs(fill_wins=1)
    first, second = client.placed(), client.placed()
    assert len(client.cancel_batch(first, second).data["successList"]) == 2
    assert (venue.order(first).status, venue.order(second).status) == ("filled", "cancelled")


def test_refuse_cancels(venue: Emulator, client: Client) -> None:
    """A live order is refused with a text of its own, in a batch and alone."""
    venue.knobs(refuse_cancels=2)
    order_id = client.placed(clientOid="a")
    data = client.cancel_batch("123", order_id).data
    assert data["failureList"][1] == row(order_id, "a", errorMsg="Cancel order error")
    client.post(f"{CROSSED}/cancel-order", {"symbol": "BTCUSDT", "orderId": order_id}).assert_refused("45024")
    assert venue.order(order_id).live
    assert client.cancel_batch(order_id).data["failureList"] == []


@pytest.mark.parametrize(("knob", "executed"), [("omit_ids", True), ("omit_refused", False)])
def test_omitted_items_are_in_neither_list(venue: Emulator, client: Client, knob: str, *, executed: bool) -> None:
    """The counted items vanish from the answer, carried out or not."""
    first, second = client.placed(), client.placed()
    venue.knobs(**{knob: 1})
    data = client.cancel_batch(first, second).data
    assert [item["orderId"] for item in data["successList"]] == [second]
    assert data["failureList"] == []
    assert venue.order(first).live is not executed
    assert not venue.order(second).live


def test_both_lists(venue: Emulator, client: Client) -> None:
    """A cancelled order is reported as a success and as a failure."""
    venue.knobs(both_lists=1)
    order_id = client.placed(clientOid="a")
    data = client.cancel_batch("123", order_id).data
    assert data["successList"] == [row(order_id, "a")]
    assert data["failureList"][1] == row(order_id, "a", errorMsg="Order Cancelled")
    assert venue.order(order_id).status == "cancelled"


def test_cancel_once_per_second(venue: Emulator, client: Client, clock: FakeClock) -> None:
    """The same order cannot be cancelled again within a second."""
    venue.knobs(cancel_once_per_second=True, cancel_never_lands=1, failure_code=True)
    order_id = client.placed(clientOid="a")
    client.cancel_batch(order_id)
    again = client.cancel_batch({"clientOid": "a"}).data["failureList"]
    assert again == [row(order_id, "a", errorMsg="Cancel too frequent", errorCode="45129")]
    clock.advance(1000)
    assert client.cancel_batch(order_id).data["successList"] == [row(order_id, "a")]


def test_failure_texts_and_codes(venue: Emulator, client: Client) -> None:
    """Texts of failed items can be anything, and codes can come along."""
    venue.knobs(failure_text_unknown="who?", failure_text_ended="too late", failure_code=True)
    order_id = client.placed(clientOid="a")
    client.cancel_batch(order_id)
    assert client.cancel_batch(order_id, "123").data["failureList"] == [
        row(order_id, "a", errorMsg="too late", errorCode="50062"),
        row("123", "", errorMsg="who?", errorCode="43001"),
    ]


def test_language(venue: Emulator, client: Client) -> None:
    """Errors and failures come in Chinese, somebody's own texts stay."""
    venue.knobs(language="zh")
    order_id = client.placed()
    client.cancel_batch(order_id)
    texts = [item["errorMsg"] for item in client.cancel_batch(order_id, "123").data["failureList"]]
    assert texts == ["订单已撤销", "订单不存在"]
    assert client.place(symbol=None).content["msg"] == "参数 symbol 不能为空"
    venue.knobs(failure_text_unknown="who?")
    assert client.cancel_batch("123").data["failureList"][0]["errorMsg"] == "who?"


def test_all_failed(venue: Emulator, client: Client) -> None:
    """A batch without any success can be an error as a whole; one success prevents it."""
    venue.knobs(all_failed="43001")
    client.cancel_batch("1", "2").assert_refused("43001")
    assert len(client.cancel_batch("1", client.placed()).data["successList"]) == 1


def test_empty_lists(venue: Emulator, client: Client) -> None:
    """A list without rows can be null."""
    venue.knobs(empty_lists="null")
    assert client.cancel_batch(client.placed()).data["failureList"] is None
    assert client.cancel_batch("1").data["successList"] is None


def test_echo_ids(venue: Emulator, client: Client) -> None:
    """Rows can carry only the kind of id that was asked."""
    venue.knobs(echo_ids="asked")
    order_id = client.placed()
    client.placed(clientOid="b")
    data = client.cancel_batch(order_id, {"clientOid": "b"}, {"clientOid": "c"}).data
    assert data["successList"] == [{"orderId": order_id}, {"clientOid": "b"}]
    assert data["failureList"] == [{"clientOid": "c", "errorMsg": "The order does not exist"}]


def test_list_key(venue: Emulator, client: Client) -> None:
    """The lists of orders can have the other name."""
    venue.knobs(list_key="resultList")
    for reply in (client.open_orders(), client.history()):
        assert set(reply.data) == {"resultList", "maxId", "minId"}


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        ("documented", "partial_fill"),
        ("partial_fill", "partial_fill"),
        ("partially_fill", "partially_fill"),
        ("partially_filled", "partially_filled"),
    ],
)
def test_partial_status(venue: Emulator, client: Client, spelling: str, expected: str) -> None:
    """A partly filled order has the wanted spelling."""
    venue.knobs(partial_status=spelling)
    venue.fill(client.placed(), "0.001")
    assert client.open_orders().data["orderList"][0]["status"] == expected


def test_open_orders_without_symbol(venue: Emulator, client: Client) -> None:
    """Without a symbol the request is refused, or answered for all symbols, newest first."""
    order_ids = [
        client.placed(),
        client.placed(symbol="ETHUSDT", price="2000"),
        client.placed(price="49000"),
    ]
    client.open_orders(symbol=None).assert_refused("40019")
    venue.knobs(open_orders_without_symbol="answer")
    assert client.open_ids(symbol=None) == order_ids[::-1]
    assert len(client.open_ids()) == 2


def test_open_orders_cap(venue: Emulator, client: Client) -> None:
    """A page has at most that many rows."""
    order_ids = [client.placed() for _ in range(3)]
    venue.knobs(open_orders_cap=2)
    assert client.open_ids(limit=100) == order_ids[:0:-1]


def test_fees_in_bgb(clock: FakeClock) -> None:
    """What was bought comes whole, and the fee in BGB as captured; without enough BGB it is as without the knob."""
    symbols = (Symbol("BTCUSDT", "BTC", "USDT", Decimal(60000)), Symbol("BGBUSDT", "BGB", "USDT", Decimal("0.5")))
    account = Account(balances={"USDT": "1000000", "BGB": "3"})
    with (
        Emulator(accounts=(account,), symbols=symbols, clock=clock, knobs=Knobs(fees_in_bgb=True)) as venue,
        Client(venue.url, account, clock, lambda: clock.advance(101)) as client,
    ):
        client.placed(price="60000", baseSize="0.01")
        client.placed(price="60000", baseSize="0.05")
        without, deducted = (row["feeDetail"] for row in client.fills().data["fills"])
        held = venue.balances(account.uid)
    paid = {"deduction": "yes", "feeCoin": "BGB", "totalDeductionFee": "0", "totalFee": "1.2"}
    assert deducted == paid
    assert without == {"deduction": "no", "feeCoin": "BTC", "totalDeductionFee": "0", "totalFee": "-0.00005"}
    assert (held["BTC"].available, held["BGB"].available) == (Decimal("0.05995"), Decimal("1.8"))


def test_latency(venue: Emulator, client: Client) -> None:
    """Each answer takes that much longer."""
    venue.knobs(latency_ms=50)
    before = time.perf_counter()
    client.open_orders()
    assert time.perf_counter() - before >= 0.05


def test_batch_cancel_stall(venue: Emulator, client: Client) -> None:
    """The answer to a batch cancel comes late, and to it alone; the batch was carried out before."""
    venue.knobs(batch_cancel_stall_ms=60)
    order_id = client.placed()
    before = time.perf_counter()
    client.cancel_batch(order_id)
    took = time.perf_counter() - before
    assert (took >= 0.06, venue.order(order_id).live) == (True, False)
    before = time.perf_counter()
    client.open_orders()
    assert time.perf_counter() - before < 0.06


def test_batch_cancel_trickle(venue: Emulator, client: Client) -> None:
    """The answer to a batch cancel comes whole, and slowly."""
    venue.knobs(batch_cancel_trickle_ms=80)
    order_id = client.placed()
    before = time.perf_counter()
    assert client.cancel_batch(order_id).data["failureList"] == []
    assert time.perf_counter() - before >= 0.08


def test_every_knob_has_a_test_and_a_help_text() -> None:
    """No knob is forgotten here, and each is explained in one line."""
    tested_with_others = {"omit_ids", "omit_refused", "failure_text_unknown", "failure_text_ended", "failure_code"}
    tested_with_pushes = {"push_delay_ms", "push_twice", "push_drop_every", "ping_patience_ms"}
    for knob in fields(Knobs):
        assert (
            knob.name in tested_with_others | tested_with_pushes or f"test_{knob.name.removesuffix('_ms')}" in globals()
        )
        assert knob.metadata["help"]
        assert "\n" not in knob.metadata["help"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hystory_lag_ms": 1}, "no knob is named hystory_lag_ms; there are ack_delay_ms"),
        ({"history_lag_ms": "1"}, "history_lag_ms must be of type int"),
        ({"history_lag_ms": True}, "history_lag_ms must be of type int"),
        ({"history_lag_ms": -1}, "must not be negative"),
        ({"failure_code": 1}, "failure_code must be of type bool"),
        ({"language": "de"}, "language must be one of en, zh"),
        ({"failure_text_ended": None}, "must be of type str"),
    ],
)
def test_wrong_knobs_are_explained(venue: Emulator, changes: dict[str, Any], message: str) -> None:
    """A wrong name, type or value changes nothing and says what is wrong."""
    before = venue.knobs()
    with pytest.raises(ValueError, match=message):
        venue.knobs(**changes)
    assert venue.knobs() == before
