"""A classic account is spoken to as its documents say, and nothing is read into what it answers."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from bitget_margin.core import api_v2
from bitget_margin.core.effects import Call, Fault, Reply
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.order_row import CLASSIC_FIELDS, RowState, milliseconds, parse_row, text
from bitget_margin.core.responses import BatchItem, BatchResponse, Listing, Page, decimal, page_of

NOW_MS = 1_695_806_875_837
DAY_MS = 86_400_000


def success(data: object) -> dict[str, Any]:
    """Return an answer that carries this."""
    return {"code": "00000", "msg": "success", "requestTime": NOW_MS, "data": data}


def order(order_id: str, **more: Any) -> dict[str, Any]:
    """Return an order row, as far as it is read."""
    times = {"cTime": "1695806875000", "uTime": "1695806875001"}
    return {"orderId": order_id, "clientOid": f"c{order_id}", "symbol": "BTCUSDT", "status": "live", **times, **more}


@pytest.mark.parametrize(
    ("build", "method", "path", "params"),
    [
        (
            lambda: api_v2.batch_place_request("BTCUSDT", ({"side": "buy"},)),
            "POST",
            "batch-place-order",
            {"symbol": "BTCUSDT", "orderList": [{"side": "buy"}]},
        ),
        (
            lambda: api_v2.single_cancel_request(OrderRef("BTCUSDT", IdKind.ORDER, "1")),
            "POST",
            "cancel-order",
            {"symbol": "BTCUSDT", "orderId": "1"},
        ),
        (
            lambda: api_v2.page_request(Listing.OPEN, None, 5, None),
            "GET",
            "open-orders",
            {"startTime": "5", "limit": "100"},
        ),
        (
            lambda: api_v2.page_request(Listing.HISTORY, "BTCUSDT", 5, "77"),
            "GET",
            "history-orders",
            {"symbol": "BTCUSDT", "startTime": "5", "limit": "500", "idLessThan": "77"},
        ),
        (lambda: api_v2.assets_request(None), "GET", "account/assets", {}),
        (lambda: api_v2.assets_request({"coin": "BTC"}), "GET", "account/assets", {"coin": "BTC"}),
    ],
)
def test_requests_are_what_the_documents_show(
    build: Callable[[], Call], method: str, path: str, params: object
) -> None:
    call = build()
    assert (call.endpoint.method, call.endpoint.path) == (method, f"v2/margin/crossed/{path}")
    assert call.params == params
    assert call.endpoint.kind is AccountKind.CLASSIC


def test_one_order_is_asked_for_in_history_first_and_each_answer_speaks_for_its_own_list() -> None:
    params = {"symbol": "BTCUSDT", "startTime": "5", "clientOid": "a"}
    history, live = api_v2.order_queries("BTCUSDT", IdKind.CLIENT, "a", 5)
    assert (history.call, history.lists) == (Call(Endpoint.HISTORY_ORDERS, params), (Listing.HISTORY,))
    assert (live.call, live.lists) == (Call(Endpoint.OPEN_ORDERS, params), (Listing.OPEN,))


def test_a_page_that_begins_at_an_order_shows_that_order_too() -> None:
    """The venue answers with ids below the cursor."""
    assert api_v2.first_cursor(112_233) == "112234"


def test_look_ups_stay_a_day_inside_the_venues_90_days() -> None:
    assert api_v2.WINDOW_MS == 89 * DAY_MS


def test_every_entry_of_a_batch_keeps_the_venues_words_and_its_raw_form() -> None:
    good, bad = {"orderId": "1", "clientOid": "a"}, {"orderId": "2", "errorMsg": "no", "errorCode": "43001"}
    answer = api_v2.read_batch(success({"successList": [good, {}], "failureList": [bad, 5]}))
    assert answer == BatchResponse(
        (BatchItem("1", "a", None, None, good),), (BatchItem("2", None, "no", "43001", bad),), ({}, {"raw": 5})
    )


def test_whose_account_it_is_is_asked_without_parameters_and_read_where_it_stands() -> None:
    assert api_v2.account_request() == Call(Endpoint.ACCOUNT, {})
    assert api_v2.read_uid(success({"userId": "7"})) == "7"
    for data in (None, [], {}, "x"):
        assert api_v2.read_uid(success(data)) is None


def test_balances_without_a_list_are_none() -> None:
    rows = [{"coin": "USDT"}]
    assert api_v2.read_assets(success(rows)) == rows
    for data in (None, {}, {"assets": rows}, "x"):
        assert api_v2.read_assets(success(data)) is None


def test_one_list_of_the_two_is_an_answer_and_none_is_not() -> None:
    """What stands in neither list is looked up; without any list, all of it is."""
    assert api_v2.read_batch(success({"successList": [{"orderId": "1"}], "failureList": None})) is not None
    assert api_v2.read_batch(success({"failureList": [{"orderId": "1"}]})) is not None
    for data in (None, [], {}, {"successList": None, "failureList": {}}):
        assert api_v2.read_batch(success(data)) is None
    assert api_v2.read_batch({"code": "40010", "data": {"successList": []}}) is None


def test_an_answer_to_a_single_cancel_names_its_order_or_is_none() -> None:
    raw = {"orderId": "1", "clientOid": "a"}
    assert api_v2.read_single(success(raw)) == BatchResponse((BatchItem("1", "a", None, None, raw),), (), ())
    assert api_v2.read_single(success({"clientOid": "a"})) is not None
    for data in (None, {}, [raw], "1"):
        assert api_v2.read_single(success(data)) is None


def test_a_page_brings_its_rows_its_lowest_id_and_the_venues_clock() -> None:
    page = api_v2.read_page(success({"orderList": [order("12"), order("9"), order("x1")]}))
    assert page is not None
    assert (page.size, page.sent_ms, page.cursor, page.full, page.whole) == (3, NOW_MS, "9", False, True)
    first = page.rows[0]
    assert (first.order_id, first.client_id, first.symbol, first.state) == ("12", "c12", "BTCUSDT", RowState.LIVE)
    assert (first.created_ms, first.updated_ms, first.number) == (1_695_806_875_000, 1_695_806_875_001, 12)
    assert (first.key(IdKind.ORDER), first.key(IdKind.CLIENT)) == ("12", "c12")
    assert not page.last


def test_an_empty_page_is_the_last_and_a_missing_list_is_no_page() -> None:
    page = api_v2.read_page(success({"orderList": []}))
    assert page == Page((), 0, NOW_MS, None)
    assert page.last
    for data in (None, [], {}, {"orderList": None}, {"orderList": {}}):
        assert api_v2.read_page(success(data)) is None


def test_the_list_of_the_first_version_of_the_api_is_read_too() -> None:
    page = api_v2.read_page(success({"resultList": [order("9")]}))
    assert page is not None
    assert [found.order_id for found in page.rows] == ["9"]


@pytest.mark.parametrize(("length", "full"), [(49, False), (50, True), (51, False), (100, True)])
def test_a_page_of_a_round_length_may_have_been_cut_off(length: int, full: bool) -> None:
    """By a cap that the venue does not document."""
    page = api_v2.read_page(success({"orderList": [order(str(i + 1)) for i in range(length)]}))
    assert page is not None
    assert page.full is full


def test_a_row_that_cannot_be_read_leaves_the_page_unproven() -> None:
    """It may be an order that lives."""
    page = api_v2.read_page(success({"orderList": [order("9"), {"orderId": "8"}]}))
    assert page is not None
    assert [found.order_id for found in page.rows] == ["9"]
    assert not page.whole


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("live", RowState.LIVE),
        ("partially_fill", RowState.LIVE),
        ("partial_fill", RowState.LIVE),
        ("filled", RowState.FILLED),
        ("cancelled", RowState.CANCELED),
        ("reject", RowState.CANCELED),
        ("LIVE", RowState.UNREADABLE),
        (None, RowState.UNREADABLE),
        (7, RowState.UNREADABLE),
        (["live"], RowState.UNREADABLE),
    ],
)
def test_only_the_documented_words_say_how_an_order_stands(status: object, state: RowState) -> None:
    found = parse_row(order("1", status=status), CLASSIC_FIELDS)
    assert found is not None
    assert found.state is state
    assert state.ended is (state in {RowState.FILLED, RowState.CANCELED})


@pytest.mark.parametrize(
    ("value", "expected"),
    [("12", 12), (12, 12), ("-5", -5), ("", None), (None, None), ("1.5", None), (True, None), ("1" * 19, None)],
)
def test_a_time_is_a_whole_number_or_the_text_of_one(value: object, expected: int | None) -> None:
    assert milliseconds(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [("a", "a"), ("", None), (0, "0"), (True, None), (1.0, None), (None, None), ([], None)]
)
def test_an_id_is_a_text_or_a_whole_number(value: object, expected: str | None) -> None:
    assert text(value) == expected


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


def test_that_the_venue_does_not_know_an_order_is_an_empty_page_and_any_other_refusal_is_none() -> None:
    gone = Fault(OSError(), "43001", "The order does not exist", 400)
    assert page_of(gone, api_v2.read_page) == Page((), 0)
    assert page_of(Fault(OSError(), "43001", "whatever", 400), api_v2.read_page) == Page((), 0)
    assert page_of(Fault(OSError(), None, "The order does not exist", 400), api_v2.read_page) is None
    assert page_of(Fault(OSError(), "43001", None, 502), api_v2.read_page) is None
    assert page_of(Fault(OSError(), "43999", "whatever", 400), api_v2.read_page) is None
    assert page_of(Fault(OSError(), "43999", "Order does not exist", 400), api_v2.read_page) == Page((), 0)
    page = page_of(Reply(success({"orderList": [order("9")]})), api_v2.read_page)
    assert page is not None
    assert page.size == 1
