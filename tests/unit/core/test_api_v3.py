"""Requests of API v3 are those that are documented, and its parsers read no more than a response has."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from bitget_margin.core import api_v3, strategy_api
from bitget_margin.core.effects import Call
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.order_row import UNIFIED_FIELDS, RowState
from bitget_margin.core.responses import BatchItem, BatchResponse, Listing, Page

ONE = OrderRef("BTCUSDT", IdKind.ORDER, "112233")
NAMED = OrderRef("BTCUSDT", IdKind.CLIENT, "b")
NOW_MS = 1_695_806_875_837

DOCUMENTED = json.loads(
    '{"code":"00000","msg":"success","requestTime":1695806875837,"data":[{"orderId":"112233","clientOid":"a"},'
    '{"orderId":"112234","clientOid":"b","code":"25204","msg":"Order does not exist"}]}'
)


def success(data: object) -> dict[str, Any]:
    """Return a response with this data."""
    return {"code": "00000", "msg": "success", "requestTime": NOW_MS, "data": data}


def order(order_id: str, status: str = "new", **more: Any) -> dict[str, Any]:
    """Return an order row, shortened from the documents'."""
    return {
        "orderId": order_id,
        "clientOid": f"c{order_id}",
        "category": "MARGIN",
        "symbol": "BTCUSDT",
        "orderStatus": status,
        "qty": "1",
        "cumExecQty": "0.25",
        "createdTime": "1695806875000",
        "updatedTime": "1695806875001",
        **more,
    }


@pytest.mark.parametrize(
    ("build", "method", "path", "params"),
    [
        (
            lambda: api_v3.batch_cancel_request((ONE, NAMED)),
            "POST",
            "v3/trade/cancel-batch",
            [
                {"orderId": "112233", "category": "MARGIN", "symbol": "BTCUSDT"},
                {"clientOid": "b", "category": "MARGIN", "symbol": "BTCUSDT"},
            ],
        ),
        (
            lambda: api_v3.single_cancel_request(NAMED),
            "POST",
            "v3/trade/cancel-order",
            {"clientOid": "b", "category": "MARGIN", "symbol": "BTCUSDT"},
        ),
        (
            lambda: api_v3.batch_place_request("BTCUSDT", ({"qty": "1"},)),
            "POST",
            "v3/trade/place-batch",
            [{"qty": "1"}],
        ),
        (
            lambda: api_v3.page_request(Listing.OPEN, None, 5, None),
            "GET",
            "v3/trade/unfilled-orders",
            {"category": "MARGIN", "limit": "100"},
        ),
        (
            lambda: api_v3.spot_page_request(None),
            "GET",
            "v3/trade/unfilled-orders",
            {"category": "SPOT", "limit": "100"},
        ),
        (
            lambda: api_v3.spot_page_request("77"),
            "GET",
            "v3/trade/unfilled-orders",
            {"category": "SPOT", "limit": "100", "cursor": "77"},
        ),
        (
            lambda: strategy_api.category_request("SPOT"),
            "GET",
            "v3/trade/unfilled-strategy-orders",
            {"category": "SPOT"},
        ),
        (
            lambda: api_v3.page_request(Listing.HISTORY, "BTCUSDT", 5, "77"),
            "GET",
            "v3/trade/history-orders",
            {"category": "MARGIN", "limit": "100", "symbol": "BTCUSDT", "cursor": "77"},
        ),
        (
            lambda: api_v3.fills_request("BTCUSDT", 5),
            "GET",
            "v3/trade/fills",
            {"category": "MARGIN", "symbol": "BTCUSDT", "startTime": "5", "limit": "100"},
        ),
        (lambda: api_v3.single_place_request({"qty": "1"}), "POST", "v3/trade/place-order", {"qty": "1"}),
        (lambda: api_v3.assets_request(None), "GET", "v3/account/assets", {}),
        (lambda: api_v3.assets_request({"coin": "BTC"}), "GET", "v3/account/assets", {"coin": "BTC"}),
        (api_v3.account_request, "GET", "v3/account/settings", {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_requests_are_what_the_documents_show(
    build: Callable[[], Call], method: str, path: str, params: object
) -> None:
    call = build()
    assert (call.endpoint.method, call.endpoint.path) == (method, path)
    assert call.params == params
    assert call.endpoint.kind is AccountKind.UNIFIED


def test_one_endpoint_knows_an_order_live_or_ended() -> None:
    """So one query covers both lists, by the id alone."""
    (question,) = api_v3.order_queries("BTCUSDT", IdKind.CLIENT, "b", 5)
    assert question.call == Call(Endpoint.UNIFIED_ORDER, {"clientOid": "b"})
    assert set(question.lists) == set(Listing)


def test_a_page_is_never_begun_at_a_cursor_of_our_own() -> None:
    assert api_v3.first_cursor(112_233) is None


def test_the_documented_answer_to_a_batch_is_read_item_by_item() -> None:
    """A code on an item is its failure; no code is its success."""
    taken, failed = DOCUMENTED["data"]
    assert api_v3.read_batch(DOCUMENTED) == BatchResponse(
        (BatchItem("112233", "a", None, None, taken),),
        (BatchItem("112234", "b", "Order does not exist", "25204", failed),),
        (),
    )


@pytest.mark.parametrize("code", [None, "", "0", 0, "00000"])
def test_a_code_of_success_on_an_item_is_no_failure(code: object) -> None:
    """The page of the websocket shows 0 on entries that were executed."""
    answer = api_v3.read_batch(success([{"orderId": "1", "code": code, "msg": "success"}]))
    assert answer is not None
    assert [item.order_id for item in answer.successes] == ["1"]
    assert answer.failures == ()


def test_items_that_name_no_order_are_kept_as_unreadable() -> None:
    """They are reported to the caller, and stand for no requested order."""
    answer = api_v3.read_batch(success([{"msg": "?"}, 5, {"orderId": "1"}]))
    assert answer is not None
    assert [item.order_id for item in answer.successes] == ["1"]
    assert answer.unreadable == ({"msg": "?"}, {"raw": 5})


@pytest.mark.parametrize(
    "body",
    [None, "<html>", [], {}, success(None), success({}), success("x"), {"data": []}, {"code": "1", "data": []}],
    ids=str,
)
def test_a_batch_without_a_list_answers_nothing(body: object) -> None:
    assert api_v3.read_batch(body) is None
    assert api_v3.read_single(body) is None or body == success({})
    assert api_v3.read_page(body) is None
    assert api_v3.read_order(body) is None


def test_a_page_brings_its_rows_its_cursor_and_the_venues_clock() -> None:
    body = success({"list": [order("9"), order("8", "filled")], "cursor": "8"})
    page = api_v3.read_page(body)
    assert page is not None
    assert (page.size, page.sent_ms, page.cursor, page.full) == (2, NOW_MS, "8", False)
    first, second = page.rows
    assert (first.order_id, first.client_id, first.symbol, first.state) == ("9", "c9", "BTCUSDT", RowState.LIVE)
    assert (first.created_ms, first.updated_ms) == (1_695_806_875_000, 1_695_806_875_001)
    assert first.fields is UNIFIED_FIELDS
    assert second.state is RowState.FILLED
    assert page.whole
    assert not page.last


@pytest.mark.parametrize("listed", [None, []])
def test_an_empty_page_is_the_last_whatever_its_cursor_says(listed: object) -> None:
    """An empty one has been seen written as null; a list that is missing is no page at all."""
    page = api_v3.read_page(success({"list": listed, "cursor": "8"}))
    assert page == Page((), 0, NOW_MS, None, full=False)
    assert page.last
    assert api_v3.read_page(success({"cursor": "8"})) is None
    assert api_v3.read_page(success({"list": {}})) is None


def test_a_page_as_long_as_was_asked_for_may_have_been_cut_off() -> None:
    pages = [api_v3.read_page(success({"list": [order(str(i)) for i in range(1, n + 1)]})) for n in (99, 100, 101)]
    assert [page is not None and page.full for page in pages] == [False, True, True]


def test_rows_of_another_category_are_not_ours_and_leave_the_page_unproven() -> None:
    """An order of the spot category may have the same symbol: it is no margin order, and its row proves nothing."""
    rows = [order("9", category="SPOT"), order("8"), order("7", category=None), 5]
    page = api_v3.read_page(success({"list": rows, "cursor": "7"}))
    assert page is not None
    assert [row.order_id for row in page.rows] == ["8"]
    assert page.size == 4
    assert not page.whole


def test_the_answer_about_one_order_is_a_page_of_its_row() -> None:
    page = api_v3.read_order(success(order("9", "cancelled")))
    assert page is not None
    assert [(row.order_id, row.state) for row in page.rows] == [("9", RowState.CANCELED)]
    assert (page.size, page.sent_ms, page.cursor) == (1, NOW_MS, None)
    spot = api_v3.read_order(success(order("9", "cancelled", category="SPOT")))
    assert spot is not None
    assert (spot.rows, spot.size) == ((), 1)
    assert api_v3.read_order(success({})) is None


def test_settings_are_what_an_answer_of_success_carries() -> None:
    assert api_v3.read_settings(success({"uid": "1"})) == {"uid": "1"}
    assert api_v3.read_settings(success([])) is None
    assert api_v3.read_settings({"code": "40084", "data": {"uid": "1"}}) is None


def test_a_missing_list_of_fills_is_not_an_empty_one() -> None:
    assert api_v3.read_fills(success({})) is None
    assert api_v3.read_fills(success({"list": None})) == ()


def test_the_balance_is_read_from_its_list_and_what_is_locked_from_each_row() -> None:
    rows = [{"coin": "BTC", "locked": "0.5"}, {"coin": "USDT", "locked": "0"}]
    assert api_v3.read_assets(success({"assets": rows})) == rows
    assert api_v3.read_frozen(success({"assets": rows})) == {"BTC": Decimal("0.5"), "USDT": Decimal(0)}
    assert api_v3.read_assets(success({"assets": {}})) is None
    assert api_v3.read_frozen(success({"assets": [{"coin": "BTC"}]})) is None
    assert api_v3.read_uid(success({"uid": "12"})) == "12"


def test_spot_orders_are_those_of_their_category_in_any_spelling() -> None:
    rows = [order("3", category="spot"), order("2"), order("1", category="SPOT")]
    page = api_v3.read_spot_page(success({"list": rows, "cursor": "1"}))
    assert page is not None
    assert ([row.order_id for row in page.rows], page.cursor, page.size) == (["3", "1"], "1", 3)
    empty = api_v3.read_spot_page(success({"list": None, "cursor": None}))
    assert empty is not None
    assert (empty.rows, empty.cursor) == ((), None)
    assert api_v3.read_spot_page(success({})) is None


@pytest.mark.parametrize("data", [[{"orderId": "1"}], {"list": [{"orderId": "1"}]}])
def test_strategy_orders_are_read_from_either_place_of_the_list(data: object) -> None:
    assert strategy_api.read_raw(success(data)) == ({"orderId": "1"},)
    assert strategy_api.read_raw(success(None)) == ()
    assert strategy_api.read_raw({"code": "40014", "data": None}) is None
