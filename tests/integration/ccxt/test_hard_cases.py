"""Promise: responses that are easy to misread are read correctly."""

import time
from typing import Any

import ccxt
import pytest
import responses

from bitget_margin import CancelUnresolved, Outcome, report_of
from support.wire import CROSS, EMPTY, MARGIN, answer, assets, page, row

BTC = "BTC/USDT"
NOT_CANCELLED = {"orderId": "11", "errorMsg": "Cancel order error"}
BUY = (BTC, "limit", "buy", 0.001, 50_000)


def error(code: str, text: str = "no") -> dict[str, Any]:
    """Return an error response."""
    return {"code": code, "msg": text, "requestTime": 1, "data": None}


def refused() -> Exception:
    """Return an exception like that of a refused connection."""
    try:
        raise ConnectionRefusedError
    except ConnectionRefusedError:
        made = type("NewConnectionError", (OSError,), {})("refused")
    return made


def test_what_the_caller_was_handling_says_nothing_about_this_request(
    wire: responses.RequestsMock, exchange: Any
) -> None:
    """A refused connection in the exception context does not make this lost response "not sent"."""
    wire.post(f"{MARGIN}/place-order", body=ConnectionResetError("lost"))
    wire.get(f"{MARGIN}/open-orders", json=page(row("77", "live", baseSize="0.001", price="50000")))
    wire.get(f"{MARGIN}/history-orders", json=EMPTY)
    try:
        raise refused()
    except OSError:
        order = exchange.create_order(*BUY, CROSS | {"clientOrderId": "c77"})
    assert order["id"] == "77"
    assert [call.request.method for call in wire.calls] == ["POST", "GET", "GET"], "both lists, and no second order"


def test_a_lost_cancel_inside_a_handler_is_unknown_and_not_unsent(wire: responses.RequestsMock, exchange: Any) -> None:
    wire.post(f"{MARGIN}/batch-cancel-order", body=ConnectionResetError("lost"))
    for endpoint in ("history-orders", "open-orders"):
        wire.get(f"{MARGIN}/{endpoint}", json=EMPTY)
    try:
        raise refused()
    except OSError:
        with pytest.raises(CancelUnresolved) as caught:
            exchange.batch_cancel(["11"], BTC)
    assert caught.value.report.results[0].outcome is Outcome.UNKNOWN


def test_a_report_belongs_to_its_own_exception(wire: responses.RequestsMock, exchange: Any) -> None:
    wire.post(f"{MARGIN}/batch-cancel-order", json=error("40014"), status=400)
    with pytest.raises(ccxt.PermissionDenied) as first:
        exchange.batch_cancel(["11"], BTC)
    try:
        raise first.value
    except ccxt.PermissionDenied as handled:
        with pytest.raises(ccxt.BadSymbol) as second:
            exchange.batch_cancel(["11"], "NOPE/USDT")
        wrapped = RuntimeError("wrapped")
        wrapped.__cause__ = handled
    assert report_of(first.value) is not None
    assert report_of(second.value) is None
    assert report_of(wrapped) is report_of(first.value)
    assert report_of(None) is None


def test_everything_cancelled_is_not_said_while_an_order_is_known_to_live(
    wire: responses.RequestsMock,
    exchange: Any,
) -> None:
    exchange.options["batchCancel"] = {"timeout": 4_000}
    wire.get(f"{MARGIN}/open-orders", json=page(row("11", "live")))
    wire.get(f"{MARGIN}/history-orders", json=EMPTY)
    wire.post(f"{MARGIN}/batch-cancel-order", json=answer(failure=[NOT_CANCELLED]))
    wire.get(f"{MARGIN}/account/assets", json=assets(BTC="0", USDT="0"))
    with pytest.raises(CancelUnresolved, match="the cancels of 1 open orders were refused") as caught:
        exchange.cancel_all_orders(BTC, CROSS)
    assert caught.value.report.results[0].outcome is Outcome.OPEN


@pytest.mark.parametrize("symbol", [BTC, None])
def test_a_listed_row_that_cannot_be_read_may_be_an_order(
    wire: responses.RequestsMock,
    exchange: Any,
    symbol: str | None,
) -> None:
    nameless = {key: value for key, value in row("11", "live").items() if key != "symbol"}
    wire.get(f"{MARGIN}/open-orders", json=page(nameless))
    wire.get(f"{MARGIN}/account/assets", json=assets(USDT="0"))
    with pytest.raises(CancelUnresolved):
        exchange.cancel_all_orders(symbol, CROSS)


def test_a_balance_that_names_no_coin_is_no_proof(wire: responses.RequestsMock, exchange: Any) -> None:
    listings = [page(row("11", "live")), EMPTY, EMPTY]
    for listing in listings:
        wire.get(f"{MARGIN}/open-orders", json=listing)
    wire.post(f"{MARGIN}/batch-cancel-order", json=answer(success=[{"orderId": "11"}]))
    wire.get(f"{MARGIN}/account/assets", json=assets())
    with pytest.raises(CancelUnresolved, match="names none of the coins"):
        exchange.cancel_all_orders(BTC, CROSS)


def test_two_rows_of_one_coin_are_added_up(wire: responses.RequestsMock, exchange: Any) -> None:
    wire.get(f"{MARGIN}/open-orders", json=EMPTY)
    rows = assets(USDT="1")["data"] + assets(USDT="0")["data"]
    wire.get(f"{MARGIN}/account/assets", json=assets() | {"data": rows})
    with pytest.raises(CancelUnresolved, match="1 USDT is still frozen"):
        exchange.cancel_all_orders(BTC, CROSS)


def test_a_definitive_error_ends_the_call_and_its_look_ups(wire: responses.RequestsMock, exchange: Any) -> None:
    exchange.options["batchCancel"] = {"timeout": 6_000}
    wire.post(f"{MARGIN}/batch-cancel-order", json=answer(failure=[NOT_CANCELLED]))
    wire.post(f"{MARGIN}/batch-cancel-order", json=error("40014"), status=400)
    wire.get(f"{MARGIN}/history-orders", json=EMPTY)
    wire.get(f"{MARGIN}/open-orders", json=page(row("11", "live")))
    started = time.monotonic()
    with pytest.raises(ccxt.PermissionDenied) as caught:
        exchange.batch_cancel(["11"], BTC)
    assert time.monotonic() - started < 3
    assert len(wire.calls) <= 8
    report = report_of(caught.value)
    assert report is not None
    assert report.results[0].outcome is Outcome.UNKNOWN
    assert report.results[0].order["status"] == "open"


def test_a_single_order_that_lives_is_never_called_not_found(wire: responses.RequestsMock, exchange: Any) -> None:
    """The code is 43001 each time, and the row is live."""
    exchange.options["batchCancel"] = {"timeout": 1_500}
    wire.post(f"{MARGIN}/cancel-order", json=error("43001", "The order does not exist"), status=400)
    wire.get(f"{MARGIN}/history-orders", json=EMPTY)
    wire.get(f"{MARGIN}/open-orders", json=page(row("11", "live")))
    with pytest.raises(CancelUnresolved) as caught:
        exchange.cancel_order("11", BTC, CROSS)
    (result,) = caught.value.report.results
    assert (result.outcome, result.order["status"]) == (Outcome.UNKNOWN, "open")


def test_a_look_up_answered_with_an_error_for_unknown_orders_is_an_empty_one(
    wire: responses.RequestsMock,
    exchange: Any,
) -> None:
    wire.get(f"{MARGIN}/open-orders", json=error("43001", "The order does not exist"), status=400)
    wire.get(f"{MARGIN}/history-orders", json=page(row("11", "filled", size="0.01", amount="321.11")))
    assert exchange.fetch_order("11", BTC, CROSS)["status"] == "closed"


def test_not_found_may_rest_on_such_look_ups(wire: responses.RequestsMock, exchange: Any) -> None:
    exchange.options["batchCancel"] = {"timeout": 4_000}
    unknown = error("43001", "The order does not exist")
    wire.post(f"{MARGIN}/batch-cancel-order", json=answer(failure=[{"orderId": "11", "errorMsg": unknown["msg"]}]))
    for endpoint in ("history-orders", "open-orders"):
        wire.get(f"{MARGIN}/{endpoint}", json=unknown, status=400)
    (result,) = exchange.batch_cancel(["11"], BTC).results
    assert result.outcome is Outcome.NOT_FOUND


@pytest.mark.parametrize(
    "odd", [{"feeDetail": {"a": 1}}, {"feeDetail": [1]}, {"cTime": "1E+9999"}, {"size": "abc"}], ids=str
)
def test_one_odd_field_does_not_cost_the_outcomes(wire: responses.RequestsMock, exchange: Any, odd: Any) -> None:
    wire.post(f"{MARGIN}/batch-cancel-order", json=answer(success=[{"orderId": "11"}, {"orderId": "12"}]))
    wire.get(f"{MARGIN}/history-orders", json=page(row("12", "cancelled"), row("11", "cancelled", **odd)))
    report = exchange.batch_cancel(["11", "12"], BTC)
    assert report.ok
    assert [order["id"] for order in report.orders] == ["11", "12"]
    assert [order["status"] for order in report.orders] == ["canceled"] * 2
    assert report.orders[0]["info"]["orderId"] == "11"
    assert report.orders[1]["price"] == 32_111


def test_an_odd_field_in_an_acknowledgement_costs_nothing_either(wire: responses.RequestsMock, exchange: Any) -> None:
    odd = {"orderId": "11", "clientOid": "a", "feeDetail": ["x"]}
    wire.post(f"{MARGIN}/batch-cancel-order", json=answer(success=[odd, {"orderId": "12"}]))
    first, second = exchange.cancel_orders(["11", "12"], BTC, CROSS)
    assert (first["id"], first["clientOrderId"], first["status"], first["info"]) == ("11", "a", None, odd)
    assert (second["id"], second["status"]) == ("12", None)


def test_a_row_that_cannot_be_read_is_told_where_it_was_asked_for(wire: responses.RequestsMock, exchange: Any) -> None:
    wire.get(f"{MARGIN}/open-orders", json=page(row("11", "live", feeDetail="{")))
    with pytest.raises(ccxt.BadResponse, match="11"):
        exchange.fetch_order("11", BTC, CROSS)
    with pytest.raises(ccxt.BadResponse, match="11"):
        exchange.fetch_open_orders(BTC, params=CROSS)


def test_an_id_beside_does_not_exist_names_no_order(wire: responses.RequestsMock, exchange: Any) -> None:
    failure = {"orderId": "0", "clientOid": "a", "errorMsg": "The order does not exist"}
    exchange.options["batchCancel"] = {"timeout": 3_000}
    wire.post(f"{MARGIN}/batch-cancel-order", json=answer(failure=[failure]))
    wire.get(f"{MARGIN}/history-orders", json=page(row("11", "filled", clientOid="a")))
    wire.get(f"{MARGIN}/open-orders", json=EMPTY)
    (result,) = exchange.batch_cancel((), BTC, ["a"]).results
    assert (result.id, result.outcome) == ("11", Outcome.FILLED)
    assert all("orderId" not in call.request.params for call in wire.calls if call.request.method == "GET")


def test_a_placed_order_is_never_its_predecessor(wire: responses.RequestsMock, exchange: Any) -> None:
    wire.post(f"{MARGIN}/place-order", json=error("40009"), status=502)
    wire.get(f"{MARGIN}/open-orders", json=EMPTY)
    old = page(row("11", "cancelled", clientOid="again", cTime="1700000000000"))
    wire.get(f"{MARGIN}/history-orders", json=old | {"requestTime": 1700000005000})
    with pytest.raises(ccxt.NetworkError, match="look up again by client order id"):
        exchange.create_order(*BUY, CROSS | {"clientOrderId": "again"})
    assert [call.request.method for call in wire.calls].count("POST") == 1


def test_open_orders_without_a_symbol_are_given_up_at_once_where_refused(
    wire: responses.RequestsMock,
    exchange: Any,
) -> None:
    """Code 40808 otherwise means a release window; here it means that a symbol is required."""
    exchange.options["batchCancel"] = {"timeout": 3_000}
    wire.get(f"{MARGIN}/open-orders", json=error("40808", "Parameter verification exception"), status=400)
    wire.get(f"{MARGIN}/open-orders", json=EMPTY)
    wire.get(f"{MARGIN}/account/assets", json=assets(USDT="0"))
    assert exchange.cancel_all_orders(None, CROSS | {"symbols": [BTC]}) == []
    assert [call.request.params.get("symbol") for call in wire.calls] == [None, "BTCUSDT", None]
