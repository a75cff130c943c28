"""Hostile answers that were once not survived, each at its smallest."""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import ccxt
import pytest
import responses

import bitget_margin
from bitget_margin import CancelUnresolved, Outcome
from bitget_margin.core.settings import Pacing
from support.hostile import SYMBOL
from support.pulse import stopwatch
from support.wire import CROSS, EMPTY, HOST, MARGIN, answer, market, page, row

BTC: Final = "BTC/USDT"
PUBLIC: Final = f"{HOST}/api/v2"
UNIFIED: Final = f"{HOST}/api/v3"
BUY: Final = {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.001, "price": 50_000}
NAMED: Final = BUY | {"params": CROSS | {"clientOrderId": "a"}}
TERMS: Final = {"baseSize": "0.001", "price": "50000"}
"""Fields of a row of that order."""
PACING: Final = Pacing(recancel_ms=60, refusals_ms=50, recheck_ms=60, limited_ms=50, polls_ms=(200,))
BINARY: Final[dict[str, Any]] = {"body": b"\xff\xfe", "content_type": "application/octet-stream"}
NESTED: Final[dict[str, Any]] = {"body": "[" * 100_000, "content_type": "application/json"}
PATIENT: Final = CROSS | {"timeout": 20_000}


def success(data: Any) -> dict[str, Any]:
    """Return an answer of success."""
    return {"code": "00000", "msg": "success", "requestTime": 1, "data": data}


def made(**options: Any) -> Any:
    """Return a sync exchange with little patience, and Python's own JSON parser."""
    bounds = {"timeout": 400, "pacing": PACING}  # a call that ends well has `PATIENT`, for a machine that is busy
    config: Any = {"apiKey": "key", "secret": "secret", "password": "passphrase", "enableRateLimit": False}
    options = {"uta": False, "fetchMarkets": {"types": ["spot"]}, "batchCancel": bounds} | options
    exchange: Any = bitget_margin.bitget(config | {"options": options})
    exchange.on_json_response = json.loads
    return exchange


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    """Close the network, and record what would have gone out."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def exchange() -> Any:
    """Return an exchange that knows its markets."""
    exchange = made()
    exchange.set_markets([market("BTCUSDT", "BTC"), market("ETHUSDT", "ETH")])
    return exchange


def documented(call: Callable[[], Any]) -> Any:
    """Return what a call returns, or what it raises, which is an exception of ccxt."""
    try:
        return call()
    except ccxt.BaseError as error:
        return error
    except Exception as error:  # noqa: BLE001 - anything else is what these tests are about
        pytest.fail(repr(error), pytrace=False)


def publish(wire: responses.RequestsMock, symbols: Any) -> None:
    """Let the venue have these pairs."""
    wire.get(f"{PUBLIC}/spot/public/coins", json=success([]))
    wire.get(f"{PUBLIC}/spot/public/symbols", json=success(symbols))
    wire.get(f"{PUBLIC}/margin/currencies", json=success([]))


PAIR: Final = SYMBOL | {"symbol": "BTCUSDT", "baseCoin": "BTC"}


def test_a_lost_placing_is_looked_up_behind_a_full_page_of_older_orders(
    wire: responses.RequestsMock, exchange: Any
) -> None:
    """Fifty rows that are not ours may be cut off: the next page is asked for."""
    wire.post(f"{MARGIN}/batch-place-order", json={"code": "40010", "msg": "Request timed out"}, status=400)
    wire.get(f"{MARGIN}/open-orders", json=page(*(row(str(2_000 - i), "live") for i in range(50))))
    wire.get(f"{MARGIN}/open-orders", json=page(*(row(f"1{name}", "live", clientOid=name, **TERMS) for name in "12")))
    named = [BUY | {"params": CROSS | {"clientOrderId": name}} for name in "12"]
    assert [order["id"] for order in exchange.create_orders(named, PATIENT)] == ["11", "12"]
    asked = [call.request.params.get("idLessThan") for call in wire.calls if call.request.method == "GET"]
    assert asked[:2] == [None, "1951"]


def test_an_odd_field_beside_a_placed_order_does_not_cost_its_id(wire: responses.RequestsMock, exchange: Any) -> None:
    """It was placed: who is told of a TypeError places it again."""
    entry = {"orderId": "11", "clientOid": "a", "feeDetail": {"odd": 1}}
    wire.post(f"{MARGIN}/batch-place-order", json=answer(success=[entry]))
    (order,) = documented(lambda: exchange.create_orders([NAMED], CROSS))
    assert order["id"] == "11"


def test_a_balance_that_cannot_be_read_is_a_bad_response(wire: responses.RequestsMock, exchange: Any) -> None:
    """One amount is no number."""
    rows = [{"coin": "BTC", "totalAmount": "abc", "available": "1", "frozen": "0", "borrow": "0", "interest": "0"}]
    wire.get(f"{MARGIN}/account/assets", json=success(rows))
    assert isinstance(documented(lambda: exchange.fetch_balance(CROSS)), ccxt.BaseError)


def test_a_unified_balance_that_cannot_be_read_is_a_bad_response(wire: responses.RequestsMock, exchange: Any) -> None:
    """The same in the words of a unified account."""
    rows = [{"coin": "BTC", "balance": "abc", "available": "1", "locked": "0", "debt": "0"}]
    wire.get(f"{UNIFIED}/account/assets", json=success({"assets": rows}))
    assert isinstance(documented(lambda: exchange.fetch_balance(CROSS | {"uta": True})), ccxt.BaseError)


@pytest.mark.parametrize("body", [BINARY, NESTED], ids=["binary", "nested"])
@pytest.mark.parametrize(
    ("method", "arguments", "endpoint"),
    [
        ("fetch_order", ("11", BTC), "open-orders"),
        ("fetch_open_orders", (BTC, None, None), "open-orders"),
        ("fetch_balance", (), "account/assets"),
    ],
)
def test_a_question_that_is_answered_with_rubbish_ends_in_an_exception_of_ccxt(
    wire: responses.RequestsMock, exchange: Any, method: str, arguments: Any, endpoint: str, body: dict[str, Any]
) -> None:
    """Bytes of no encoding, which a proxy may send, and JSON that is deeper than Python can follow."""
    wire.get(f"{MARGIN}/{endpoint}", **body)
    assert isinstance(documented(lambda: getattr(exchange, method)(*arguments, CROSS)), ccxt.BaseError)


def test_markets_that_cannot_be_read_end_in_an_exception_of_ccxt(wire: responses.RequestsMock) -> None:
    """A precision that is no number."""
    publish(wire, [PAIR | {"pricePrecision": "a"}])
    assert isinstance(documented(lambda: made().cancel_orders(["11"], BTC, CROSS)), ccxt.BaseError)


def test_markets_that_came_back_empty_are_asked_for_again(wire: responses.RequestsMock) -> None:
    """One bad answer does not disable the object for good: stock ccxt asks again as well. A cancel needs no market."""
    publish(wire, [])
    exchange = made()
    order = (BTC, "limit", "buy", 0.001, 50_000, CROSS | {"clientOrderId": "a"})
    with pytest.raises(ccxt.BadSymbol):
        exchange.create_order(*order)
    wire.replace(responses.GET, f"{PUBLIC}/spot/public/symbols", json=success([PAIR]))
    wire.post(f"{MARGIN}/place-order", json=success({"orderId": "11", "clientOid": "a"}))
    assert documented(lambda: exchange.create_order(*order))["id"] == "11"


def test_an_order_that_the_markets_do_not_allow_to_write_ends_in_an_exception_of_ccxt(
    wire: responses.RequestsMock,
) -> None:
    """A pair without a precision: ccxt asserts that there is one."""
    publish(wire, [{key: value for key, value in PAIR.items() if key != "quantityPrecision"}])
    order = (BTC, "limit", "buy", 0.001, 50_000, CROSS)
    assert isinstance(documented(lambda: made().create_order(*order)), ccxt.BaseError)


def test_a_clock_that_cannot_be_measured_leaves_the_refusal(wire: responses.RequestsMock, exchange: Any) -> None:
    """The timestamp is refused, and the question for the time answered with rubbish."""
    wire.post(f"{MARGIN}/batch-cancel-order", json={"code": "40008", "msg": "Request timestamp expired"}, status=400)
    wire.get(f"{PUBLIC}/public/time", **BINARY)
    assert isinstance(documented(lambda: exchange.cancel_orders(["11"], BTC, CROSS)), ccxt.InvalidNonce)


@pytest.mark.parametrize("size", ["1E+2000000", "1E+2_000_000", "1E +2000000", " 1e2000000\n"])
def test_an_amount_of_very_many_digits_does_not_outlast_the_timeout(
    wire: responses.RequestsMock, exchange: Any, size: str
) -> None:
    """With a few more in the exponent, it takes hours and all the memory there is."""
    wire.get(f"{MARGIN}/open-orders", json=page(row("11", "live", size=size)))
    with stopwatch() as watch, pytest.raises(ccxt.BadResponse):
        exchange.fetch_order("11", BTC, CROSS | {"timeout": 100})
    assert watch.took_ms < 300


def test_a_fee_of_very_many_digits_does_not_take_all_the_memory(wire: responses.RequestsMock, exchange: Any) -> None:
    """Twenty megabytes here, and twenty gigabytes with three more digits in the exponent."""
    fees = json.dumps({"BTC": {"feeCoinCode": "BTC", "totalFee": "1E+20000000"}})
    for written in (fees, fees.replace('"1E+20000000"', "1E+20000000")):
        wire.get(f"{MARGIN}/open-orders", json=page(row("11", "live", feeDetail=written)))
        with pytest.raises(ccxt.BadResponse):
            exchange.fetch_order("11", BTC, CROSS | {"timeout": 100})


def test_a_name_that_looks_like_a_number_is_a_name(wire: responses.RequestsMock, exchange: Any) -> None:
    """One in a million names of 32 hexadecimal digits does."""
    name = "1234567890123456789012345678e900"
    wire.get(f"{MARGIN}/open-orders", json=page(row("11", "live", clientOid=name)))
    assert exchange.fetch_order("11", BTC, CROSS)["clientOrderId"] == name


def test_a_fee_that_cannot_be_read_at_all_is_a_bad_response(wire: responses.RequestsMock, exchange: Any) -> None:
    """Neither a text that is no JSON, nor one that is deeper than Python can follow."""
    wire.get(f"{MARGIN}/open-orders", json=page(row("11", "live", feeDetail='{"a":' * 100_000)))
    with pytest.raises(ccxt.BadResponse):
        exchange.fetch_order("11", BTC, CROSS | {"timeout": 100})


def test_a_row_of_another_name_proves_no_end(wire: responses.RequestsMock, exchange: Any) -> None:
    """The venue names order 12 beside our name, and its row another name; ours is alive."""
    failure = {"orderId": "12", "clientOid": "a", "errorMsg": "Cancel order error"}
    wire.post(f"{MARGIN}/batch-cancel-order", json=answer(failure=[failure]))
    wire.get(f"{MARGIN}/history-orders", json=page(row("12", "filled", clientOid="b")))
    wire.get(f"{MARGIN}/open-orders", json=page(row("11", "live", clientOid="a")))
    with pytest.raises(CancelUnresolved) as caught:
        exchange.batch_cancel((), BTC, ["a"])
    (result,) = caught.value.report.results
    assert (result.id, result.outcome, result.order["status"]) == ("11", Outcome.UNKNOWN, "open")


def test_an_acknowledgement_is_no_end_whatever_stands_in_it(wire: responses.RequestsMock, exchange: Any) -> None:
    """Only a row of the venue's lists of orders proves one."""
    wire.post(f"{MARGIN}/batch-cancel-order", json=answer(success=[{"orderId": "11", "status": "filled"}]))
    (order,) = exchange.cancel_orders(["11"], BTC, PATIENT)
    assert order["status"] is None


def test_an_answer_under_http_5xx_is_none_whatever_its_message(wire: responses.RequestsMock, exchange: Any) -> None:
    """A gateway that gave up may have had a body to show."""
    body = answer(success=[{"orderId": "11"}]) | {"msg": "ok"}
    wire.post(f"{MARGIN}/batch-cancel-order", json=body, status=500)
    for endpoint in ("history-orders", "open-orders"):
        wire.get(f"{MARGIN}/{endpoint}", json=EMPTY)
    with pytest.raises(CancelUnresolved) as caught:
        exchange.cancel_orders(["11"], BTC, CROSS)
    assert caught.value.report.results[0].outcome is Outcome.UNKNOWN


def test_an_order_is_not_placed_again_after_http_5xx_whatever_its_code(
    wire: responses.RequestsMock, exchange: Any
) -> None:
    """No code says under HTTP 5xx that nothing was executed."""
    wire.post(f"{MARGIN}/place-order", json={"code": "40085", "msg": "no"}, status=503)
    wire.get(f"{MARGIN}/open-orders", json=page(row("11", "live", clientOid="a", **TERMS)))
    wire.get(f"{MARGIN}/history-orders", json=EMPTY)
    placed = wire.post(f"{UNIFIED}/trade/place-order", json=success({"orderId": "12", "clientOid": "a"}))
    order = exchange.create_order(BTC, "limit", "buy", 0.001, 50_000, PATIENT | {"clientOrderId": "a"})
    assert (order["id"], placed.call_count) == ("11", 0)
