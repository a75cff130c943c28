"""Promise: every fault does exactly what its meaning says."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bitget_margin.emulator import Account, Emulator, FaultKind, FaultRule
from bitget_margin.emulator.api.fault_responses import altered_data

from .client import CROSSED, V3, Client, FakeClock, UnifiedClient
from .waiting import connects, wait_for

BATCH_CANCEL = f"{CROSSED}/batch-cancel-order"
UNASKED = {"orderId": "1000000000000000007", "clientOid": "nobody-asked"}
DOCUMENT = Path(__file__).parents[2] / "docs" / "emulator.md"
DURATION_MS = 60
STALL_SECONDS = 0.3
"""Timeout of a client of a response that is never sent."""


@dataclass(frozen=True)
class Arrival:
    """What a client got: an answer, or the error instead of one."""

    status: int = 0
    headers: Mapping[str, str] | None = None
    body: bytes = b""
    error: type[Exception] | None = None


Check = Callable[[Arrival, str], None]


def cancel(client: Client, order_id: str) -> Arrival:
    """Cancel an order with the client id "a", and return what arrives."""
    body = json.dumps({"symbol": "BTCUSDT", "orderIdList": [{"orderId": order_id}]}).encode()
    try:
        return Arrival(*client.fetch("POST", BATCH_CANCEL, body=body))
    except OSError as error:
        return Arrival(error=type(error))
    finally:
        client.__exit__()


def fails(error: type[Exception]) -> Check:
    """Expect no answer at all."""

    def check(arrival: Arrival, _: str) -> None:
        assert arrival.error is not None
        assert issubclass(arrival.error, error)

    return check


def refused(code: str, message: str, status: int = 400) -> Check:
    """Expect the venue's envelope of an error."""

    def check(arrival: Arrival, _: str) -> None:
        content = json.loads(arrival.body)
        assert (arrival.status, content["code"], content["msg"], content["data"]) == (status, code, message, None)

    return check


def succeeds(data: Callable[[dict[str, str]], Any]) -> Check:
    """Expect a success whose data is made of the order's row."""

    def check(arrival: Arrival, order_id: str) -> None:
        content = json.loads(arrival.body)
        assert (arrival.status, content["code"]) == (200, "00000")
        assert content["data"] == data({"orderId": order_id, "clientOid": "a"})

    return check


def lists(*rows: dict[str, str]) -> dict[str, Any]:
    """Return the data of a batch cancel."""
    return {"successList": list(rows), "failureList": []}


def failed(row: dict[str, str], text: str = "refused by a fault", **code: str) -> dict[str, Any]:
    """Return the data of a batch whose one item failed."""
    return {"successList": [], "failureList": [row | {"errorMsg": text} | code]}


def page(status: int) -> Check:
    """Expect HTML."""

    def check(arrival: Arrival, _: str) -> None:
        assert arrival.headers
        assert (arrival.status, arrival.headers["Content-Type"]) == (status, "text/html")
        assert arrival.body.startswith(b"<html>")

    return check


def nothing(arrival: Arrival, _: str) -> None:
    """Expect an empty body."""
    assert (arrival.status, arrival.body) == (200, b"")


def half(arrival: Arrival, order_id: str) -> None:
    """Expect JSON that ends in the middle, under headers that fit it."""
    assert arrival.headers
    assert (arrival.status, arrival.headers["Content-Length"]) == (200, str(len(arrival.body)))
    assert arrival.body.startswith(b'{"code":"00000"')
    with pytest.raises(json.JSONDecodeError):
        json.loads(arrival.body)


EXPECTED: Mapping[FaultKind, tuple[bool, int, Check]] = {
    FaultKind.REFUSE: (False, 0, fails(ConnectionResetError)),
    FaultKind.RESET_BEFORE: (False, 0, fails(ConnectionResetError)),
    FaultKind.RESET_AFTER: (True, 0, fails(ConnectionResetError)),
    FaultKind.STALL_BEFORE: (False, 0, fails(TimeoutError)),
    FaultKind.STALL_AFTER: (True, 0, fails(TimeoutError)),
    FaultKind.SLOW_BYTES: (True, 200, succeeds(lists)),
    FaultKind.TRUNCATED_JSON: (True, 200, half),
    FaultKind.HTML_200: (True, 200, page(200)),
    FaultKind.HTML_502: (True, 502, page(502)),
    FaultKind.EMPTY_BODY: (True, 200, nothing),
    FaultKind.SERVER_ERROR: (True, 500, refused("50031", "System error", 500)),
    FaultKind.UNAVAILABLE: (False, 503, page(503)),
    FaultKind.TOO_MANY: (False, 429, refused("429", "Too Many Requests", 429)),
    FaultKind.CODE_40010: (True, 400, refused("40010", "Request timed out")),
    FaultKind.CODE_40015: (True, 400, refused("40015", "System is abnormal, please try again later")),
    FaultKind.CODE_40725: (True, 400, refused("40725", "service return an error")),
    FaultKind.CODE_45001: (True, 400, refused("45001", "Unknown error")),
    FaultKind.CODE_BEFORE: (False, 400, refused("45001", "refused by a fault")),
    FaultKind.CODE_AFTER: (True, 400, refused("45001", "refused by a fault")),
    FaultKind.ITEM_CODE_BEFORE: (False, 200, succeeds(lambda row: failed(row | {"clientOid": ""}))),
    FaultKind.ITEM_CODE_AFTER: (True, 200, succeeds(failed)),
    FaultKind.REPEAT: (True, 200, succeeds(lambda row: failed(row, "Order Cancelled"))),
    FaultKind.LATE: (True, 502, page(502)),
    FaultKind.NULL_DATA: (True, 200, succeeds(lambda _: None)),
    FaultKind.NULL_LISTS: (True, 200, succeeds(lambda _: {"successList": None, "failureList": None})),
    FaultKind.MISSING_LISTS: (True, 200, succeeds(lambda _: {})),
    FaultKind.UNASKED_IDS: (True, 200, succeeds(lambda row: lists(row, UNASKED))),
    FaultKind.OTHER_ANSWER: (True, 200, succeeds(lambda _: lists(UNASKED))),
    FaultKind.OTHER_ANSWER_BEFORE: (False, 200, succeeds(lambda _: lists(UNASKED))),
    FaultKind.TWICE: (True, 200, succeeds(lambda row: lists(row, row))),
    FaultKind.WRONG_SYMBOL: (True, 200, succeeds(lists)),  # only listed orders have a symbol
    FaultKind.CLOCK_SKEW: (False, 400, refused("40008", "Request timestamp expired")),
    FaultKind.UNIFIED: (
        False,
        400,
        refused("40085", "You are in Unified Account mode, and the Classic Account API is not supported at this time"),
    ),
}


def test_every_kind_is_expected_and_documented() -> None:
    assert set(EXPECTED) == set(FaultKind)
    document = DOCUMENT.read_text(encoding="utf-8")
    for kind in FaultKind:
        executed = "yes" if kind.executes else "no"
        assert f"| `{kind}` | {executed} | {kind.meaning} |" in document


@pytest.mark.parametrize("kind", FaultKind)
def test_fault(venue: Emulator, client: Client, clock: FakeClock, kind: FaultKind) -> None:
    """The expected response arrives, the order is canceled or not, and the next request is normal."""
    executed, status, check = EXPECTED[kind]
    order_id = client.placed(clientOid="a")
    venue.add_fault(kind, count=1, duration_ms=DURATION_MS)
    client.__exit__()
    if kind in (FaultKind.STALL_BEFORE, FaultKind.STALL_AFTER):
        client._connection.timeout = STALL_SECONDS
    before = time.perf_counter()
    check(cancel(client, order_id), order_id)
    assert time.perf_counter() - before >= (DURATION_MS / 1000 if kind is FaultKind.SLOW_BYTES else 0)
    if kind is FaultKind.LATE:
        assert venue.order(order_id).live
        clock.advance(DURATION_MS)
    assert venue.order(order_id).live is not executed
    record = venue.requests[-1]
    assert (record.path, record.uid) == (BATCH_CANCEL, client.account.uid)
    assert (record.status, record.executed, record.fault) == (status, executed, kind)
    assert venue.faults == ()
    wait_for(lambda: connects(venue))  # after a refusal
    client._connection.timeout = 5
    client.cancel_batch(order_id).data  # noqa: B018 - it is checked that there is one
    assert not venue.order(order_id).live
    assert (venue.requests[-1].executed, venue.requests[-1].fault) == (True, None)


def test_wrong_symbol_and_twice_and_unasked_on_pages(venue: Emulator, client: Client) -> None:
    order_id = client.placed()
    (row,) = client.open_orders().data["orderList"]
    expected = {
        FaultKind.WRONG_SYMBOL: [row | {"symbol": "LTCUSDT", "status": "cancelled"}],
        FaultKind.TWICE: [row, row],
        FaultKind.UNASKED_IDS: [row, row | UNASKED],
        FaultKind.NULL_LISTS: None,
    }
    for kind, rows in expected.items():
        venue.add_fault(kind, "/open-orders", count=1)
        assert client.open_orders().data["orderList"] == rows
    venue.add_fault(FaultKind.UNASKED_IDS, count=2)
    assert client.history().data["orderList"] == [UNASKED]
    venue.fill(order_id)
    trade, unasked = client.fills().data["fills"]
    assert unasked == trade | {"orderId": UNASKED["orderId"], "tradeId": "1000000000000000008"}


def test_unified_rows_are_spoiled_alike() -> None:
    row = {"orderId": "1", "symbol": "ETHUSDT", "orderStatus": "live", "feeDetail": [{"fee": "0"}]}
    wrong = row | {"symbol": "LTCUSDT", "orderStatus": "cancelled"}
    assert altered_data(FaultRule(FaultKind.WRONG_SYMBOL), {"list": [row], "cursor": None})["list"] == [wrong]
    assert altered_data(FaultRule(FaultKind.WRONG_SYMBOL), row) == wrong
    assert altered_data(FaultRule(FaultKind.TWICE), row) == row
    item = {"orderId": "1", "clientOid": "a"}
    assert altered_data(FaultRule(FaultKind.UNASKED_IDS), [item]) == [item, UNASKED]
    assert altered_data(FaultRule(FaultKind.NULL_LISTS), [item]) is None


def test_lists_of_something_else_get_no_order(venue: Emulator, client: Client) -> None:
    """Coins are listed twice, or null, but no order is among them; data without a list stays unchanged."""
    path = f"{CROSSED}/account/assets"
    coins = client.get(path).data
    venue.add_fault(FaultKind.UNASKED_IDS, count=1)
    assert [coin["coin"] for coin in client.get(path).data] == [coin["coin"] for coin in coins]
    venue.add_fault(FaultKind.TWICE, count=1)
    assert len(client.get(path).data) == 2 * len(coins)
    venue.add_fault(FaultKind.NULL_LISTS, count=2)
    assert client.get(path).data is None
    assert set(client.place().data) == {"orderId", "clientOid"}


def test_faults_of_what_the_venue_refuses(venue: Emulator, client: Client) -> None:
    """A refused request is recorded as not executed; its error has no data to change, but can be replaced."""
    venue.add_fault(FaultKind.NULL_LISTS, count=1)
    client.cancel_batch().assert_refused("40019")
    venue.add_fault(FaultKind.CODE_45001, count=1)
    client.cancel_batch().assert_refused("45001")
    assert [record.executed for record in venue.requests] == [False, False]


def test_faults_speak_the_language_of_the_venue(venue: Emulator, client: Client) -> None:
    venue.knobs(language="zh")
    codes = (FaultKind.CODE_40010, FaultKind.CODE_40015, FaultKind.CODE_40725, FaultKind.CODE_45001)
    for kind in codes:
        venue.add_fault(kind, count=1)
    texts = [client.open_orders().content["msg"] for _ in codes]
    assert texts == ["请求超时", "系统异常, 请稍后重试", "服务返回异常", "未知错误"]


def test_unified_account_is_taken_for_a_classic_one(venue: Emulator, unified: UnifiedClient) -> None:
    venue.add_fault(FaultKind.UNIFIED)
    unified.get(f"{V3}/account/settings").assert_refused("40084")


def test_faults_before_use_up_no_room(venue: Emulator, client: Client) -> None:
    """A 429 that is a fault leaves the window as it was; a real one meets no fault."""
    client.pause = int
    venue.add_fault(FaultKind.TOO_MANY, count=20)
    for _ in range(20):
        client.open_orders().assert_refused("429", 429)
    replies = [client.open_orders() for _ in range(10)]
    assert replies[-1].headers["x-mbx-used-remain-limit"] == "0"
    venue.add_fault(FaultKind.CODE_45001, count=1)
    client.open_orders().assert_refused("429", 429)
    assert venue.requests[-1].fault is None
    assert len(venue.faults) == 1


def test_stall_ends_when_the_venue_stops(clock: FakeClock) -> None:
    with Emulator(accounts=(Account(),), clock=clock) as venue:
        venue.add_fault(FaultKind.STALL_AFTER)
        got: list[Arrival] = []

        def ask() -> None:
            with Client(venue.url, venue.accounts[0], clock, int) as client:
                got.append(cancel(client, "1"))

        waiting = [threading.Thread(target=ask) for _ in range(3)]
        for thread in waiting:
            thread.start()
        wait_for(lambda: len(venue.requests) == len(waiting))
        before = time.perf_counter()
        venue.stop()
        assert time.perf_counter() - before < 0.5
        for thread in waiting:
            thread.join()
        assert [arrival.error for arrival in got] == [ConnectionResetError] * 3


def test_stall_ends_when_the_client_leaves(venue: Emulator, client: Client) -> None:
    venue.add_fault(FaultKind.STALL_BEFORE, count=1)
    client._connection.timeout = 0.05
    assert cancel(client, "1").error is TimeoutError
    service = venue._server._service
    assert service
    wait_for(lambda: not service._web.connections)


def place_batch(client: Client, *names: str) -> Any:
    """Place small orders with these client ids, and return the data of the response."""
    return client.place_batch(*(client.order(clientOid=name) for name in names)).data


def failures(client: Client, data: Any) -> list[tuple[str, str, str | None]]:
    """Return client id, text and code of each failed item of a batch."""
    if isinstance(client, UnifiedClient):
        failed_rows = [row for row in data if "msg" in row]
        assert all("orderId" not in row for row in failed_rows)
        return [(row["clientOid"], row["msg"], row.get("code")) for row in failed_rows]
    assert all(row["orderId"] == "" for row in data["failureList"])
    return [(row["clientOid"], row["errorMsg"], row.get("errorCode")) for row in data["failureList"]]


def names_of(venue: Emulator) -> list[str]:
    """Return the client ids of all orders, oldest first."""
    return [order.client_oid for order in venue.orders()]


@pytest.mark.parametrize("executed", [True, False])
def test_any_code_under_any_status(venue: Emulator, either: Client, executed: bool) -> None:
    kind = FaultKind.CODE_AFTER if executed else FaultKind.CODE_BEFORE
    venue.add_fault(kind, "/place-order", count=1, code="43012", text="Insufficient balance", status=403)
    reply = either.place(clientOid="a")
    reply.assert_refused("43012", 403)
    assert reply.content["msg"] == "Insufficient balance"
    assert names_of(venue) == (["a"] if executed else [])
    assert venue.requests[-1].executed is executed


@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize("items", [1, 2, None])
@pytest.mark.parametrize("code", ["43012", None])
def test_items_of_a_batch_fail(
    venue: Emulator, either: Client, executed: bool, items: int | None, code: str | None
) -> None:
    kind = FaultKind.ITEM_CODE_AFTER if executed else FaultKind.ITEM_CODE_BEFORE
    venue.add_fault(kind, count=1, code=code, text="no", items=items)
    data = place_batch(either, "a", "b", "c")
    bad = ["a", "b", "c"][:items]
    assert failures(either, data) == [(name, "no", code) for name in bad]
    assert names_of(venue) == [name for name in "abc" if executed or name not in bad]
    assert venue.requests[-1].executed is (executed or items is not None)
    venue.add_fault(kind, count=1)
    assert either.place(clientOid="d").data["clientOid"] == "d", "an order alone is no item"


def test_a_repeated_request_is_executed_as_often_as_the_venue_allows(venue: Emulator, either: Client) -> None:
    venue.add_fault(FaultKind.REPEAT, count=3)
    either.place(clientOid="a").assert_refused(either.DUPLICATE)
    assert (names_of(venue), venue.requests[-1].executed) == (["a"], True)
    data = place_batch(either, "b", "c")
    assert [(name, code) for name, _, code in failures(either, data)] == [
        (name, either.DUPLICATE if isinstance(either, UnifiedClient) else None) for name in ("b", "c")
    ]
    placed = either.bought("600", clientOid="d")
    assert [o.order_id == placed for o in venue.orders() if o.client_oid == "d"] == [False, True], "its name was free"
    venue.add_fault(FaultKind.REPEAT, count=1)
    either.place(clientOid="e", price="x").assert_refused("400172" if isinstance(either, UnifiedClient) else "40020")
    assert venue.requests[-1].executed is False


def test_a_repeated_request_takes_room_twice(venue: Emulator, client: Client) -> None:
    client.pause = int
    for _ in range(9):
        client.place()
    venue.add_fault(FaultKind.REPEAT)
    client.place(clientOid="a").assert_refused("429", 429)
    assert names_of(venue)[-1] == "a"


def test_a_late_request_is_executed_after_its_response(venue: Emulator, either: Client, clock: FakeClock) -> None:
    """The response is an HTML page of a gateway, or a code; the order is placed later, if possible."""
    venue.add_fault(FaultKind.LATE, count=1, duration_ms=5_000, code="40010", text="Request timed out")
    either.place(clientOid="a").assert_refused("40010")
    clock.advance(4_000)
    assert names_of(venue) == []
    clock.advance(1_000)
    (order,) = venue.orders()
    assert (order.client_oid, order.created_ms) == ("a", clock.now_ms)
    venue.add_fault(FaultKind.LATE, count=1, duration_ms=5_000, code="40010")
    either.place(clientOid="a").assert_refused("40010")
    clock.advance(5_000)
    assert names_of(venue) == ["a"], "its name is taken"


@pytest.mark.parametrize("executed", [True, False])
def test_the_answer_to_another_request(venue: Emulator, either: Client, executed: bool) -> None:
    """Success with an order that does not exist, even if the venue would refuse."""
    kind = FaultKind.OTHER_ANSWER if executed else FaultKind.OTHER_ANSWER_BEFORE
    venue.add_fault(kind, count=3)
    assert either.place(clientOid="a").data == UNASKED
    data = place_batch(either, "b", "c")
    assert data == ([UNASKED] if isinstance(either, UnifiedClient) else lists(UNASKED))
    assert names_of(venue) == (["a", "b", "c"] if executed else [])
    assert either.place(price="x").data == UNASKED
