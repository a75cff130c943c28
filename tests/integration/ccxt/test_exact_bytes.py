"""Promise: requests have exact bytes, and documented responses have their meaning."""

import base64
import hashlib
import hmac
import json
from typing import Any

import ccxt
import pytest
import responses

from bitget_margin import CancelUnresolved, Outcome, report_of
from support.wire import CROSS, EMPTY, HOST, MARGIN, answer, market, page, row

DOCUMENTED = {
    "code": "00000",
    "data": {
        "successList": [{"orderId": "121211212122", "clientOid": "BITGET#121211212122"}],
        "failureList": [
            {"orderId": "121211212122", "clientOid": "BITGET#121211212122", "errorMsg": "Order Cancelled"},
        ],
    },
    "msg": "success",
    "requestTime": 1627293504612,
}
"""Example response of the endpoint's documentation, with one id in both lists."""


def test_a_batch_by_order_id_is_these_bytes(wire: responses.RequestsMock, exchange: Any) -> None:
    wire.post(f"{MARGIN}/batch-cancel-order", json=answer(success=[{"orderId": "11"}, {"orderId": "12"}]))
    exchange.cancel_orders(["11", "12"], "BTC/USDT", CROSS)
    (call,) = wire.calls
    assert call.request.url == f"{MARGIN}/batch-cancel-order"
    body = b'{"symbol":"BTCUSDT","orderIdList":[{"orderId":"11"},{"orderId":"12"}]}'
    assert call.request.body == body
    headers = call.request.headers
    text = headers["ACCESS-TIMESTAMP"] + "POST" + "/api/v2/margin/crossed/batch-cancel-order" + body.decode()
    digest = hmac.new(b"secret", text.encode(), hashlib.sha256).digest()
    assert headers["ACCESS-SIGN"] == base64.b64encode(digest).decode()
    assert (headers["ACCESS-KEY"], headers["ACCESS-PASSPHRASE"]) == ("key", "passphrase")
    assert headers["locale"] == "en-US"
    assert headers["Content-Type"] == "application/json"


def test_a_batch_by_client_order_id_is_these_bytes(wire: responses.RequestsMock, exchange: Any) -> None:
    wire.post(f"{MARGIN}/batch-cancel-order", json=answer(success=[{"orderId": "1", "clientOid": "mytestOid"}]))
    exchange.cancel_orders_with_client_order_ids(["mytestOid"], "BTC/USDT", CROSS)
    (call,) = wire.calls
    assert call.request.body == b'{"symbol":"BTCUSDT","orderIdList":[{"clientOid":"mytestOid"}]}'


@pytest.mark.parametrize(
    ("args", "body"),
    [
        (("11", "BTC/USDT", CROSS), b'{"symbol":"BTCUSDT","orderId":"11"}'),
        (("", "BTC/USDT", CROSS | {"clientOrderId": "my1"}), b'{"symbol":"BTCUSDT","clientOid":"my1"}'),
    ],
)
def test_a_single_cancel_is_these_bytes(wire: responses.RequestsMock, exchange: Any, args: Any, body: bytes) -> None:
    data = {"orderId": "11", "clientOid": "my1"}
    wire.post(f"{MARGIN}/cancel-order", json={"code": "00000", "msg": "success", "requestTime": 1, "data": data})
    order = exchange.cancel_order(*args)
    assert [call.request.body for call in wire.calls] == [body]
    assert (order["id"], order["clientOrderId"], order["status"]) == ("11", "my1", None)


def test_a_look_up_is_a_signed_query_without_an_end_time(wire: responses.RequestsMock, exchange: Any) -> None:
    """History pages start at the largest id; an `endTime` would take precedence over `idLessThan`."""
    wire.post(f"{MARGIN}/batch-cancel-order", json=answer(success=[{"orderId": "11"}, {"orderId": "12"}]))
    wire.get(f"{MARGIN}/history-orders", json=page(row("12", "cancelled"), row("11", "cancelled")))
    assert exchange.batch_cancel(["11", "12"], "BTC/USDT").ok
    _, look = wire.calls
    query = look.request.params
    assert {key: query[key] for key in ("symbol", "limit", "idLessThan")} == {
        "symbol": "BTCUSDT",
        "limit": "500",
        "idLessThan": "13",
    }
    assert set(query) == {"symbol", "limit", "idLessThan", "startTime"}
    assert 0 < exchange.milliseconds() - int(query["startTime"]) < 90 * 86_400_000
    assert look.request.headers["locale"] == "en-US"


def test_the_documents_own_example_answers_nothing_that_was_asked(wire: responses.RequestsMock, exchange: Any) -> None:
    wire.post(f"{MARGIN}/batch-cancel-order", json=DOCUMENTED)
    for endpoint in ("history-orders", "open-orders"):
        wire.get(f"{MARGIN}/{endpoint}", json=EMPTY)
    with pytest.raises(CancelUnresolved) as caught:
        exchange.batch_cancel(["11232132134"], "BTC/USDT", ["mytestOid"])
    report = caught.value.report
    assert [result.outcome for result in report.results] == [Outcome.UNKNOWN] * 2
    assert {raw["orderId"] for raw in report.unasked} == {"121211212122"}
    assert report_of(caught.value) is report
    assert isinstance(caught.value, ccxt.NetworkError)


def test_the_documents_example_with_a_matching_id_is_looked_up(wire: responses.RequestsMock, exchange: Any) -> None:
    wire.post(f"{MARGIN}/batch-cancel-order", json=DOCUMENTED)
    wire.get(f"{MARGIN}/history-orders", json=page(row("121211212122", "cancelled")))
    (result,) = exchange.batch_cancel(["121211212122"], "BTC/USDT").results
    assert result.outcome is Outcome.CANCELED
    assert result.reason == "Order Cancelled"


def test_documented_lists_with_matching_ids_map_one_to_one(wire: responses.RequestsMock, exchange: Any) -> None:
    failure = {"orderId": "12", "clientOid": "BITGET#12", "errorMsg": "Order Cancelled"}
    success = {"orderId": "11", "clientOid": "BITGET#11"}
    wire.post(f"{MARGIN}/batch-cancel-order", json=answer(success=[success], failure=[failure]))
    filled = row("12", "filled", size="0.01", amount="321.11", priceAvg="32111")
    wire.get(f"{MARGIN}/history-orders", json=page(filled))
    taken, failed = exchange.cancel_orders(["11", "12"], "BTC/USDT", CROSS)
    assert (taken["info"], taken["status"], taken["clientOrderId"]) == (success, None, "BITGET#11")
    assert (failed["info"], failed["status"], failed["filled"], failed["cost"]) == (filled, "closed", 0.01, 321.11)


def test_a_success_entry_has_exactly_the_fields_of_stock_ccxt(wire: responses.RequestsMock, exchange: Any) -> None:
    stock = ccxt.bitget({"apiKey": "key", "secret": "secret", "password": "passphrase", "options": {"uta": False}})
    stock.set_markets([market("BTCUSDT", "BTC"), market("ETHUSDT", "ETH")])
    listed = [{"orderId": "11", "clientOid": "a"}, {"orderId": "12", "clientOid": "b"}]
    wire.post(f"{MARGIN}/batch-cancel-order", json=answer(success=listed))
    ours = exchange.cancel_orders(["11", "12"], "BTC/USDT", CROSS)
    theirs = stock.cancel_orders(["11", "12"], "BTC/USDT", CROSS)
    assert ours == theirs
    assert [list(order) for order in ours] == [list(order) for order in theirs]
    assert wire.calls[0].request.body == wire.calls[1].request.body


@pytest.mark.parametrize(
    "body",
    [
        "<html>maintenance</html>",
        '{"code":"00000","msg":"success","data":{"successList":[{"orderId":"11"',
        "",
        "null",
        "[]",
        '{"code":"00000","msg":"success","data":null}',
        '{"code":"00000","msg":"success","data":{}}',
        '{"code":"00000","msg":"success","data":{"successList":null,"failureList":null}}',
        '{"code":"00000","msg":"success","data":{"successList":[],"failureList":[]}}',
        '{"data":{"successList":[{"orderId":"11"}],"failureList":[]}}',
    ],
)
def test_an_answer_that_cannot_be_read_is_never_an_end(wire: responses.RequestsMock, exchange: Any, body: str) -> None:
    """Stock ccxt returns an empty list for most of these."""
    wire.post(f"{MARGIN}/batch-cancel-order", body=body, content_type="application/json")
    wire.get(f"{MARGIN}/history-orders", json=EMPTY)
    wire.get(f"{MARGIN}/open-orders", json=page(row("11", "live")))
    with pytest.raises(CancelUnresolved) as caught:
        exchange.cancel_orders(["11"], "BTC/USDT", CROSS)
    (result,) = caught.value.report.results
    assert (result.outcome, result.order["status"]) == (Outcome.UNKNOWN, "open")


@pytest.mark.parametrize("code", ["40010", "40015", "40725", "45001", "50031", "40200", "40808"])
def test_a_code_that_may_follow_execution_is_looked_up(wire: responses.RequestsMock, exchange: Any, code: str) -> None:
    error = {"code": code, "msg": "busy", "requestTime": 1, "data": None}
    wire.post(f"{MARGIN}/batch-cancel-order", json=error, status=400)
    wire.get(f"{MARGIN}/history-orders", json=page(row("11", "cancelled")))
    (order,) = exchange.cancel_orders(["11"], "BTC/USDT", CROSS)
    assert order["status"] == "canceled"
    methods = [call.request.method for call in wire.calls]  # a thread that an earlier test has left alone may ask, too
    assert methods.count("POST") == 1
    assert methods[-1] == "GET"


@pytest.mark.parametrize(
    ("code", "raises"),
    [("40009", ccxt.AuthenticationError), ("40014", ccxt.PermissionDenied), ("40019", ccxt.BadRequest)],
)
def test_a_definitive_code_raises_what_stock_ccxt_raises(
    wire: responses.RequestsMock,
    exchange: Any,
    code: str,
    raises: type[Exception],
) -> None:
    error = {"code": code, "msg": "no", "requestTime": 1, "data": None}
    wire.post(f"{MARGIN}/batch-cancel-order", json=error, status=400)
    with pytest.raises(raises) as caught:
        exchange.cancel_orders(["11"], "BTC/USDT", CROSS)
    assert len(wire.calls) == 1
    report = report_of(caught.value)
    assert report is not None
    assert [result.outcome for result in report.results] == [Outcome.NOT_SENT]


def test_under_http_5xx_no_code_is_definitive(wire: responses.RequestsMock, exchange: Any) -> None:
    error = {"code": "40009", "msg": "no", "requestTime": 1, "data": None}
    wire.post(f"{MARGIN}/batch-cancel-order", json=error, status=502)
    wire.get(f"{MARGIN}/history-orders", json=page(row("11", "cancelled")))
    assert exchange.batch_cancel(["11"], "BTC/USDT").ok


def test_a_message_other_than_success_is_still_an_answer(wire: responses.RequestsMock, exchange: Any) -> None:
    """Ccxt raises for every `msg` other than "success", even with the success code."""
    wire.post(f"{MARGIN}/batch-cancel-order", json=answer(success=[{"orderId": "11"}]) | {"msg": "ok"})
    (order,) = exchange.cancel_orders(["11"], "BTC/USDT", CROSS)
    assert (order["id"], order["status"]) == ("11", None)


def test_a_refused_timestamp_gets_one_new_clock_and_one_retry(wire: responses.RequestsMock, exchange: Any) -> None:
    late = {"code": "40008", "msg": "Request timestamp expired", "requestTime": 1, "data": None}
    wire.post(f"{MARGIN}/batch-cancel-order", json=late, status=400)
    wire.post(f"{MARGIN}/batch-cancel-order", json=answer(success=[{"orderId": "11"}]))
    now = exchange.milliseconds()
    wire.get(f"{HOST}/api/v2/public/time", json={"code": "00000", "data": {"serverTime": str(now - 60_000)}})
    assert exchange.cancel_orders(["11"], "BTC/USDT", CROSS)[0]["id"] == "11"
    first, second = (int(call.request.headers["ACCESS-TIMESTAMP"]) for call in wire.calls if call.request.body)
    assert second < first - 50_000

    again = {"code": "40008", "msg": "Request timestamp expired", "requestTime": 1, "data": None}
    wire.post(f"{MARGIN}/cancel-order", json=again, status=400)
    with pytest.raises(ccxt.InvalidNonce):
        exchange.cancel_order("11", "BTC/USDT", CROSS)


def test_rows_of_other_symbols_prove_nothing(wire: responses.RequestsMock, exchange: Any) -> None:
    wire.post(f"{MARGIN}/batch-cancel-order", json=answer(success=[{"orderId": "11"}]))
    wire.get(f"{MARGIN}/history-orders", json=page(row("11", "cancelled", symbol="ETHUSDT")))
    wire.get(f"{MARGIN}/open-orders", json=EMPTY)
    with pytest.raises(CancelUnresolved) as caught:
        exchange.batch_cancel(["11"], "BTC/USDT")
    assert caught.value.report.results[0].outcome is Outcome.UNKNOWN


def test_the_body_is_ascii_json_that_the_signature_covers(wire: responses.RequestsMock, exchange: Any) -> None:
    name = "aZ09-+_#"
    wire.post(f"{MARGIN}/batch-cancel-order", json=answer(success=[{"orderId": "1", "clientOid": name}]))
    exchange.cancel_orders_with_client_order_ids([name], "BTC/USDT", CROSS)
    assert json.loads(wire.calls[0].request.body)["orderIdList"] == [{"clientOid": name}]
