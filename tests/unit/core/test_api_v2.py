"""Requests of API v2 are those that are documented, and its parsers read no more than a response has."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from bitget_margin.core import api_v2
from bitget_margin.core.effects import Call
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.order_row import RowState
from bitget_margin.core.responses import BatchItem, BatchResponse, Listing, Page

NOW_MS = 1_695_806_875_837
DAY_MS = 86_400_000


def success(data: object) -> dict[str, Any]:
    """Return a response with this data."""
    return {"code": "00000", "msg": "success", "requestTime": NOW_MS, "data": data}


def order(order_id: str, **more: Any) -> dict[str, Any]:
    """Return the fields of an order row that are parsed."""
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
        (
            lambda: api_v2.fills_request("BTCUSDT", 5),
            "GET",
            "fills",
            {"symbol": "BTCUSDT", "startTime": "5", "limit": "100"},
        ),
        (lambda: api_v2.single_place_request({"side": "buy"}), "POST", "place-order", {"side": "buy"}),
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
    """The response has the ids below the cursor."""
    assert api_v2.first_cursor(112_233) == "112234"


def test_look_ups_stay_a_day_inside_the_venues_90_days() -> None:
    assert api_v2.WINDOW_MS == 89 * DAY_MS


def test_every_entry_of_a_batch_keeps_the_venues_words_and_its_raw_form() -> None:
    good, bad = {"orderId": "1", "clientOid": "a"}, {"orderId": "2", "errorMsg": "no", "errorCode": "43001"}
    answer = api_v2.read_batch(success({"successList": [good, {}], "failureList": [bad, 5]}))
    assert answer == BatchResponse(
        (BatchItem("1", "a", None, None, good),), (BatchItem("2", None, "no", "43001", bad),), ({}, {"raw": 5})
    )


def test_one_list_of_the_two_is_an_answer_and_none_is_not() -> None:
    """What stands in neither list is looked up; without any list, all of it is."""
    assert api_v2.read_batch(success({"successList": [{"orderId": "1"}], "failureList": None})) is not None
    assert api_v2.read_batch(success({"failureList": [{"orderId": "1"}]})) is not None
    for data in (None, [], {}, {"successList": None, "failureList": {}}):
        assert api_v2.read_batch(success(data)) is None
    assert api_v2.read_batch({"code": "40010", "data": {"successList": []}}) is None


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
    assert api_v2.read_page(success({"orderList": None})) == page, "an empty list may be written as null"
    for data in (None, [], {}, {"orderList": {}}):
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


def test_a_missing_list_of_fills_is_not_an_empty_one() -> None:
    assert api_v2.read_fills(success({})) is None
    assert api_v2.read_fills(success({"fills": None})) == ()


def test_the_balance_is_read_from_its_list_and_what_is_frozen_from_each_row() -> None:
    rows = [{"coin": "BTC", "frozen": "0.5"}, {"coin": "BTC", "frozen": "1"}]
    assert api_v2.read_assets(success(rows)) == rows
    assert api_v2.read_frozen(success(rows)) == {"BTC": Decimal("1.5")}
    assert api_v2.read_assets(success({})) is None
    assert api_v2.read_frozen(success([{"coin": "BTC"}])) is None
    assert api_v2.read_frozen(success([{"frozen": "1"}])) is None
    assert api_v2.read_uid(success({"userId": "12"})) == "12"
