"""Promise: every knob changes exactly what its help text says, for both kinds of account."""

import time
from collections.abc import Callable
from dataclasses import fields
from decimal import Decimal
from typing import Any

import pytest

from bitget_margin.emulator import Account, AccountKind, Emulator, Knobs, Symbol

from .client import CROSSED, START_MS, V3, Client, FakeClock, Reply, UnifiedClient, row


@pytest.fixture(autouse=True)
def with_codes(venue: Emulator) -> None:
    """Give failed items of classic accounts a code, as those of unified ones have."""
    venue.knobs(failure_code=True)


def test_defaults_answer_as_documented(venue: Emulator, client: Client) -> None:
    """Successes carry both ids; failures carry both ids and a text, and no code."""
    venue.knobs(failure_code=False)
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
    order_id = client.placed()
    data = client.cancel_batch(order_id, symbol="ETHUSDT").data
    assert [item["errorMsg"] for item in data["failureList"]] == ["The order does not exist"]
    assert venue.order(order_id).live


def test_twin_items_cancel_once(client: Client) -> None:
    order_id = client.placed(clientOid="a")
    assert client.canceled(order_id, {"clientOid": "a"}) == ([row(order_id, "a")], [row(order_id, "a", **client.ENDED)])


def test_order_id_beats_client_id_in_one_item(venue: Emulator, client: Client) -> None:
    first, second = client.placed(clientOid="first"), client.placed(clientOid="second")
    client.cancel_batch({"orderId": first, "clientOid": "second"})
    assert (venue.order(first).live, venue.order(second).live) == (False, True)


def test_single_cancel(venue: Emulator, client: Client) -> None:
    """One order is canceled by either id; an ended or unknown one does not exist."""
    order_id = client.placed(clientOid="a")
    assert client.cancel(clientOid="a").data == row(order_id, "a")
    assert venue.order(order_id).status == "cancelled"
    client.cancel(orderId=order_id).assert_refused("43001")
    client.cancel(orderId="123").assert_refused("43001")
    client.cancel().assert_refused("40924")
    client.post(f"{CROSSED}/cancel-order", {"orderId": order_id}).assert_refused("40019")


def test_ack_delay(venue: Emulator, either: Client, clock: FakeClock) -> None:
    """An acknowledged order lives on until the delay is over, and can still fill."""
    lands, fills = either.placed(), either.placed(price="40000")
    venue.knobs(ack_delay_ms=5000)
    successes, failures = either.canceled(lands, fills)
    acknowledged_ms = clock.now_ms
    assert ([item["orderId"] for item in successes], failures) == ([lands, fills], [])
    assert either.open_ids() == [fills, lands]
    venue.fill(fills)
    clock.advance(5000)
    assert either.open_ids() == []
    assert (venue.order(lands).status, venue.order(fills).status) == ("cancelled", "filled")
    assert venue.order(lands).updated_ms == acknowledged_ms + 5000


def test_cancel_never_lands(venue: Emulator, either: Client, clock: FakeClock) -> None:
    """The counted cancels are acknowledged without effect, the next one works."""
    first, second = either.placed(clientOid="a"), either.placed()
    venue.knobs(cancel_never_lands=2)
    assert either.cancel(orderId=first).data == row(first, "a")
    assert len(either.canceled("123", first, second)[0]) == 2
    clock.advance(3_600_000)
    assert either.open_ids() == [first]
    assert venue.knobs().cancel_never_lands == 0
    either.cancel_batch(first)
    assert either.open_ids() == []


def test_history_lag(venue: Emulator, either: Client, clock: FakeClock) -> None:
    """An ended order is in neither list for a while."""
    venue.knobs(history_lag_ms=5000)
    order_id = either.placed()
    either.cancel_batch(order_id)
    assert either.open_ids() == either.history_ids() == either.history_ids(orderId=order_id) == []
    clock.advance(5000)
    assert either.history_ids() == [order_id]


def test_history_lag_of_one_order(venue: Emulator, unified: UnifiedClient, clock: FakeClock) -> None:
    """The query of one order shows it live, then not at all for a while, then as ended."""
    venue.knobs(history_lag_ms=5000)
    order_id = unified.placed(clientOid="a")
    assert unified.info(clientOid="a").data["orderStatus"] == "live"
    unified.cancel_batch(order_id)
    unified.info(orderId=order_id).assert_refused("25204")
    unified.info(clientOid="a").assert_refused("25204")
    clock.advance(5000)
    assert unified.info(clientOid="a").data["orderStatus"] == "cancelled"


def test_fill_wins(venue: Emulator, either: Client) -> None:
    """An acknowledged order is filled instead."""
    venue.knobs(fill_wins=1)
    first, second = either.placed(), either.placed()
    assert len(either.canceled(first, second)[0]) == 2
    assert (venue.order(first).status, venue.order(second).status) == ("filled", "cancelled")


def test_refuse_cancels(venue: Emulator, either: Client) -> None:
    """A live order is refused with a text of its own, in a batch and alone."""
    venue.knobs(refuse_cancels=2)
    order_id = either.placed(clientOid="a")
    assert either.canceled("123", order_id)[1][1] == row(order_id, "a", code="45024", text="Cancel order error")
    either.cancel(orderId=order_id).assert_refused("45024")
    assert venue.order(order_id).live
    assert either.canceled(order_id)[1] == []


@pytest.mark.parametrize(("knob", "executed"), [("omit_ids", True), ("omit_refused", False)])
def test_omitted_items_are_in_neither_list(venue: Emulator, either: Client, knob: str, *, executed: bool) -> None:
    """The counted items are missing in the response, executed or not."""
    first, second = either.placed(), either.placed(clientOid="b")
    venue.knobs(**{knob: 1})
    assert either.canceled(first, second) == ([row(second, "b")], [])
    assert venue.order(first).live is not executed
    assert not venue.order(second).live


def test_both_lists(venue: Emulator, either: Client) -> None:
    """A canceled order is reported as a success and as a failure."""
    venue.knobs(both_lists=1)
    order_id = either.placed(clientOid="a")
    successes, failures = either.canceled(order_id, "123")
    assert successes == [row(order_id, "a")]
    assert failures == [row(order_id, "a", **either.ENDED), row("123", "", **either.UNKNOWN)]
    assert venue.order(order_id).status == "cancelled"


def test_cancel_once_per_second(venue: Emulator, either: Client, clock: FakeClock) -> None:
    """The same order cannot be canceled again within a second, by whatever id."""
    venue.knobs(cancel_once_per_second=True, cancel_never_lands=1)
    order_id = either.placed(clientOid="a")
    either.cancel_batch(order_id)
    assert either.canceled({"clientOid": "a"})[1] == [row(order_id, "a", **either.FREQUENT)]
    either.cancel(orderId=order_id).assert_refused(either.FREQUENT["code"])
    clock.advance(1000)
    assert either.canceled(order_id)[0] == [row(order_id, "a")]


def test_failure_texts_and_codes(venue: Emulator, either: Client) -> None:
    """Texts of failed items can be anything; the code stays."""
    venue.knobs(failure_text_unknown="who?", failure_text_ended="too late")
    order_id = either.placed(clientOid="a")
    either.cancel_batch(order_id)
    assert either.canceled(order_id, "123")[1] == [
        row(order_id, "a", **either.ENDED | {"text": "too late"}),
        row("123", "", **either.UNKNOWN | {"text": "who?"}),
    ]


@pytest.mark.parametrize(
    ("kind", "ended", "changes", "refused"),
    [
        ("client", "订单已撤销", {"symbol": None}, "参数 symbol 不能为空"),
        ("client", "订单已撤销", {"baseSize": "2.01"}, "余额不足"),
        ("unified", "订单不存在", {"qty": None}, "参数校验失败 qty"),
        ("unified", "订单不存在", {"qty": "100"}, "余额不足"),
    ],
)
def test_language(
    venue: Emulator, request: pytest.FixtureRequest, kind: str, ended: str, changes: dict[str, object], refused: str
) -> None:
    """Errors and failures come in Chinese, texts of knobs stay."""
    client: Client = request.getfixturevalue(kind)
    venue.knobs(language="zh")
    order_id = client.placed()
    client.cancel_batch(order_id)
    assert [item["text"] for item in client.canceled(order_id, "123")[1]] == [ended, "订单不存在"]
    assert client.place(**changes).content["msg"] == refused
    venue.knobs(failure_text_unknown="who?")
    assert client.canceled("123")[1][0]["text"] == "who?"


def test_all_failed(venue: Emulator, either: Client) -> None:
    """A batch without any success can be an error as a whole; one success prevents it."""
    venue.knobs(all_failed="43001")
    either.cancel_batch("1", "2").assert_refused(either.UNKNOWN["code"])
    successes, failures = either.canceled("1", either.placed())
    assert (len(successes), len(failures)) == (1, 1)


def test_empty_lists(venue: Emulator, client: Client, unified: UnifiedClient) -> None:
    """A list without rows can be null, in the response to a batch and in a page."""
    venue.knobs(empty_lists="null")
    assert client.cancel_batch(client.placed()).data["failureList"] is None
    assert client.cancel_batch("1").data["successList"] is None
    for name in ("unfilled-orders", "history-orders", "fills"):
        assert unified.page(name) == {"list": None, "cursor": None}
    assert client.history(symbol="ETHUSDT").data == {"orderList": None, "maxId": None, "minId": None}
    assert client.fills().data["fills"] is None
    venue.knobs(omit_ids=1)
    assert unified.cancel_batch(unified.placed()).data is None
    order_id = unified.placed()
    assert unified.open_ids() == [order_id]


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("documented", ("MARGIN", "Margin")),
        ("upper", ("MARGIN", "MARGIN")),
        ("lower", ("margin", "margin")),
        ("title", ("Margin", "Margin")),
    ],
)
def test_category_case(venue: Emulator, unified: UnifiedClient, case: str, expected: tuple[str, str]) -> None:
    """Each page spells the category in its own way, or all of them in one."""
    venue.knobs(category_case=case)
    order_id, _ = unified.placed(), unified.placed(orderType="market", qty="100")
    pages = [unified.page(name)["list"] for name in ("unfilled-orders", "history-orders", "fills")]
    assert {row["category"] for rows in pages for row in rows} == {expected[0]}
    assert unified.info(orderId=order_id).data["category"] == expected[0]
    records = unified.get(f"{V3}/account/financial-records", category="MARGIN").data["list"]
    assert {row["category"] for row in records} == {expected[1]}


def test_record_amounts(venue: Emulator, client: Client, unified: UnifiedClient) -> None:
    """Coins that went can be listed without a sign."""
    client.bought("100")
    unified.placed(orderType="market", qty="100")

    def amounts() -> list[str]:
        classic = client.get(f"{CROSSED}/financial-records", startTime=START_MS, coin="USDT").data["resultList"]
        records = unified.get(f"{V3}/account/financial-records", category="MARGIN", coin="USDT").data["list"]
        return [row["amount"] for row in (*classic, *records)]

    assert amounts() == ["-99.96", "-99.96"]
    venue.knobs(record_amounts="unsigned")
    assert amounts() == ["99.96", "99.96"]


def test_fills_by_symbol(venue: Emulator, unified: UnifiedClient) -> None:
    """A symbol, which the page does not have, selects fills only with this knob."""
    for symbol in ("BTCUSDT", "ETHUSDT"):
        unified.placed(orderType="market", qty="100", symbol=symbol)
    assert [row["symbol"] for row in unified.page("fills", symbol="BTCUSDT")["list"]] == ["ETHUSDT", "BTCUSDT"]
    venue.knobs(fills_by_symbol=True)
    assert [row["symbol"] for row in unified.page("fills", symbol="BTCUSDT")["list"]] == ["BTCUSDT"]


def test_echo_ids(venue: Emulator, client: Client, unified: UnifiedClient) -> None:
    """Rows can carry only the kind of id that was requested."""
    venue.knobs(echo_ids="asked")
    order_id = client.placed()
    client.placed(clientOid="b")
    data = client.cancel_batch(order_id, {"clientOid": "b"}, {"clientOid": "c"}).data
    assert data["successList"] == [{"orderId": order_id}, {"clientOid": "b"}]
    assert data["failureList"] == [{"clientOid": "c", "errorMsg": "The order does not exist", "errorCode": "43001"}]
    order_id = unified.placed()
    unified.placed(clientOid="b")
    assert unified.cancel_batch(order_id).data == [{"orderId": order_id}]
    assert unified.cancel_batch({"clientOid": "b"}, {"clientOid": "c"}).data == [
        {"clientOid": "b"},
        {"clientOid": "c", "code": "25204", "msg": "Order does not exist"},
    ]


def test_list_key(venue: Emulator, client: Client) -> None:
    """The lists of orders can have the other name."""
    venue.knobs(list_key="resultList")
    for reply in (client.open_orders(), client.history()):
        assert set(reply.data) == {"resultList", "maxId", "minId"}


@pytest.mark.parametrize(
    ("spelling", "classic", "unified_one"),
    [
        ("documented", "partial_fill", "partially_filled"),
        ("partial_fill", "partial_fill", "partial_fill"),
        ("partially_fill", "partially_fill", "partially_fill"),
        ("partially_filled", "partially_filled", "partially_filled"),
    ],
)
def test_partial_status(
    venue: Emulator, client: Client, unified: UnifiedClient, spelling: str, classic: str, unified_one: str
) -> None:
    """A partly filled order has the wanted spelling, everywhere."""
    venue.knobs(partial_status=spelling)
    venue.fill(client.placed(), "0.001")
    assert client.open_orders().data["orderList"][0]["status"] == classic
    order_id = unified.placed()
    venue.fill(order_id, "0.001")
    assert unified.page("unfilled-orders")["list"][0]["orderStatus"] == unified_one
    assert unified.info(orderId=order_id).data["orderStatus"] == unified_one


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


def test_open_orders_cap(venue: Emulator, either: Client) -> None:
    """A page has at most that many rows, and the next one goes on."""
    order_ids = [either.placed() for _ in range(3)]
    venue.knobs(open_orders_cap=2)
    assert either.open_ids(limit=100) == order_ids[:0:-1]
    below = {"cursor" if isinstance(either, UnifiedClient) else "idLessThan": order_ids[1]}
    assert either.open_ids(**below) == order_ids[:1]


def test_fees_in_bgb(clock: FakeClock) -> None:
    """The bought coins come in full, with a fee in BGB as captured; without enough BGB, it is in the bought coin."""
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


def test_fees_in_bgb_of_a_sale(clock: FakeClock) -> None:
    """A sale brings all its quote coins; fills and the order show the fee in BGB, at 1 USDT without the pair."""
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


def test_edit_delay(venue: Emulator, unified: UnifiedClient, clock: FakeClock) -> None:
    """An acknowledged edit is carried out later, if the order still lives; until then no other one is accepted."""
    venue.knobs(edit_delay_ms=5_000)
    edits, ends = unified.placed(), unified.placed()
    for order_id in (edits, ends):
        _edit(unified, order_id, "51000").data  # noqa: B018 - it must succeed
    _edit(unified, edits, "52000").assert_refused("25114")
    unified.cancel(orderId=ends)
    assert venue.order(edits).price == 50_000
    clock.advance(5_000)
    assert (venue.order(edits).price, venue.order(ends).price) == (51_000, 50_000)


def test_edit_never_lands(venue: Emulator, unified: UnifiedClient) -> None:
    venue.knobs(edit_never_lands=1)
    order_id = unified.placed()
    for price in (50_000, 51_000):
        _edit(unified, order_id, "51000").data  # noqa: B018
        assert venue.order(order_id).price == price


def test_countdown_access(venue: Emulator, unified: UnifiedClient, clock: FakeClock) -> None:
    venue.knobs(countdown_access=False)
    order_id = unified.placed()
    unified.post(f"{V3}/trade/countdown-cancel-all", {"countdown": "5"}).assert_refused("25620")
    clock.advance(60_000)
    assert venue.order(order_id).live


@pytest.mark.parametrize("cancels", [True, False])
def test_countdown_cancels_strategies(
    venue: Emulator, unified: UnifiedClient, clock: FakeClock, *, cancels: bool
) -> None:
    venue.knobs(countdown_cancels_strategies=cancels)
    stop = {"category": "MARGIN", "symbol": "BTCUSDT", "side": "sell", "qty": "0.5", "type": "tpsl"}
    leg = {"tpslMode": "partial", "stopLoss": "55000", "slOrderType": "market"}
    unified.post(f"{V3}/trade/place-strategy-order", stop | leg).data  # noqa: B018
    unified.post(f"{V3}/trade/countdown-cancel-all", {"countdown": "5"}).data  # noqa: B018
    clock.advance(5_000)
    waiting = unified.get(f"{V3}/trade/unfilled-strategy-orders", category="MARGIN").data
    assert len(waiting) == (0 if cancels else 1)


def _edit(client: UnifiedClient, order_id: str, price: str) -> Reply:
    named = {"category": "MARGIN", "symbol": "BTCUSDT", "orderId": order_id, "price": price}
    return client.post(f"{V3}/trade/modify-order", named)


@pytest.mark.parametrize("code", ["43012", "50020", "50035", "50038"])
def test_loan_refusal(venue: Emulator, client: Client, code: str) -> None:
    """An order, or an item of a batch, whose loan is refused gets this code; too small a balance has its own."""
    venue.knobs(loan_refusal=code)
    order = client.order(price="50000", baseSize="16.21", loanType="autoLoan")
    client.place(**order).assert_refused(code)
    assert client.place_batch(order).data["failureList"][0]["errorCode"] == code
    client.place(**(order | {"loanType": "normal"})).assert_refused("43012")
    client.post(f"{CROSSED}/account/borrow", {"coin": "BTC", "borrowAmount": "100"}).assert_refused("50035")
    assert venue.debts("1001") == {}


def test_repay_on_cancel(venue: Emulator, client: Client) -> None:
    """Without it a loan stays; with it, what is not spent of the order's own loan is repaid, interest first."""
    kept = client.placed(side="sell", price="70000", baseSize="2.5", loanType="autoLoan")
    client.cancel(orderId=kept)
    assert venue.debts("1001")["BTC"].principal == Decimal("0.5")
    client.post(f"{CROSSED}/account/repay", {"coin": "BTC", "repayAmount": "1"}).data  # noqa: B018
    left = venue.balances("1001")["BTC"].available
    venue.knobs(repay_on_cancel=True)
    order_id = client.placed(side="sell", price="70000", baseSize="2.5", loanType="autoLoan")
    venue.fill(order_id, "2.3")
    client.bought("60000")
    client.cancel(orderId=order_id)
    owed = venue.debts("1001")["BTC"]
    assert (owed.total, owed.interest) == (
        venue.borrowings("1001")[0].amount + Decimal("0.00000501") - Decimal("0.2"),
        0,
    )
    assert venue.balances("1001")["BTC"] == (Decimal("0.999"), 0)
    assert left == Decimal("1.999995")
    row = client.get(f"{CROSSED}/repay-history", startTime=START_MS).data["resultList"][0]
    assert (row["repayAmount"], row["repayType"]) == ("0.2", "auto_repay")


def test_an_order_without_a_loan_repays_nothing_when_it_is_canceled(venue: Emulator, client: Client) -> None:
    venue.knobs(repay_on_cancel=True)
    venue.set_debt("USDT", "100", "1001")
    client.cancel(orderId=client.placed(loanType="autoLoan"))
    assert venue.debts("1001")["USDT"].total == 100


def test_auto_repays(venue: Emulator, client: Client, unified: UnifiedClient) -> None:
    """Off, neither autoRepay nor what comes in to a unified account repays; by hand it goes on."""
    venue.knobs(auto_repays=False)
    client.placed(side="sell", orderType="market", baseSize="2.5", loanType="autoLoan")
    client.bought("60000", loanType="autoRepay")
    unified.placed(side="sell", orderType="market", price=None, qty="2.5")
    unified.bought("60000", price=None)
    for uid in ("1001", "2001"):
        assert venue.debts(uid)["BTC"].principal == Decimal("0.5")
        assert venue.balances(uid)["BTC"].available == Decimal("0.999")
    client.post(f"{CROSSED}/account/repay", {"coin": "BTC", "repayAmount": "1"}).data  # noqa: B018
    repay = {"repayableCoinList": ["BTC"], "paymentCoinList": ["BTC"]}
    unified.post(f"{V3}/account/repay", repay).data  # noqa: B018
    assert venue.debts("1001") == venue.debts("2001") == {}


@pytest.mark.parametrize("loan_type", ["autoRepay", "autoLoanAndRepay"])
def test_auto_repay_needs_debt(venue: Emulator, client: Client, loan_type: str) -> None:
    """An order that would repay nothing is accepted, or refused; one of the other side has another coin."""
    client.placed(loanType=loan_type)
    venue.knobs(auto_repay_needs_debt=True)
    client.place(loanType=loan_type).assert_refused("50036")
    venue.set_debt("BTC", "0.1", "1001")
    client.placed(loanType=loan_type)
    client.place(side="sell", price="70000", loanType=loan_type).assert_refused("50036")
    client.placed(side="sell", price="70000", loanType="autoLoan")


@pytest.mark.parametrize(
    ("knob", "act", "late"),
    [
        ("latency_ms", lambda client: client.open_ids(), True),
        ("batch_cancel_stall_ms", lambda client: client.cancel_batch(client.placed()), True),
        ("batch_cancel_trickle_ms", lambda client: client.cancel_batch(client.placed()), True),
        ("batch_cancel_stall_ms", lambda client: client.open_ids(), False),
        ("batch_cancel_trickle_ms", lambda client: client.open_ids(), False),
    ],
)
def test_latency_and_batch_cancel_stall_and_trickle(
    venue: Emulator, either: Client, knob: str, act: Callable[[Client], object], *, late: bool
) -> None:
    """The response comes whole and that much later, of batch cancels only if the knob is one of theirs."""
    venue.knobs(**{knob: 150})
    before = time.perf_counter()
    act(either)
    assert (time.perf_counter() - before >= 0.15) is late
    assert venue.orders(live_only=True) == []


@pytest.mark.parametrize(
    ("level", "shown", "places"),
    [
        ("advanced", "advanced", True),
        ("delta", "delta", True),
        ("basic", "basic", False),
        ("isolated", "isolated", False),
        ("none", None, True),
    ],
)
def test_account_level(venue: Emulator, unified: UnifiedClient, level: str, shown: str | None, *, places: bool) -> None:
    """Margin orders need a level with spot margin; what is open can be canceled at every level."""
    order_id = unified.placed()
    venue.knobs("2001", account_level=level)
    assert unified.get("/api/v3/account/settings").data.get("accountLevel") == shown
    if places:
        unified.cancel(orderId=unified.placed())
    else:
        unified.place().assert_refused("25240")
    unified.cancel(orderId=order_id)
    assert venue.orders(live_only=True) == []


def test_every_knob_has_a_test_and_a_help_text() -> None:
    tested_with_others = {"omit_ids", "omit_refused", "failure_text_unknown", "failure_text_ended", "failure_code"}
    tested_with_others |= {"latency_ms", "batch_cancel_stall_ms", "batch_cancel_trickle_ms"}
    tested_with_others |= {
        "open_orders_lag_ms",
        "sums_lag_ms",
        "fills_lag_ms",
        "balance_lag_ms",
        "auto_borrow",
        "loans_lag_ms",
        "interest_category",
    }
    tested_with_others |= {"risk_formula", "liquidates", "interest_schedule", "unified_first_interest"}
    tested_with_others |= {"flash_repay_min", "flash_repay_delay_ms"}
    tested_with_others |= {"open_orders_late_ms", "margin_locks"}
    tested_with_pushes = {knob.name for knob in fields(Knobs) if knob.name.startswith("push")} | {"ping_patience_ms"}
    tested_with_strategy_orders = {knob.name for knob in fields(Knobs) if knob.name.startswith("strategy_")}
    elsewhere = tested_with_others | tested_with_pushes | tested_with_strategy_orders
    for knob in fields(Knobs):
        assert knob.name in elsewhere or f"test_{knob.name.removesuffix('_ms')}" in globals()
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
    """A wrong name, type or value changes nothing and is named in the error."""
    before = venue.knobs()
    with pytest.raises(ValueError, match=message):
        venue.knobs(**changes)
    assert venue.knobs() == before
