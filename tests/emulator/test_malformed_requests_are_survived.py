"""Promise: whatever arrives, the response has the venue's format, and there is no unexpected exception."""

import http.client
import json
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bitget_margin.emulator import Emulator
from support.fuzzing import examples

from .client import CROSSED, START_MS, V3, Client, Reply, UnifiedClient

POSTS = (
    *(f"{CROSSED}/{name}" for name in ("place-order", "batch-place-order", "cancel-order", "batch-cancel-order")),
    "/api/v2/spot/trade/cancel-order",
    "/api/v2/spot/trade/batch-cancel-order",
)
UNIFIED_POSTS = tuple(
    f"{V3}/trade/{name}"
    for name in ("place-order", "place-batch", "cancel-order", "cancel-batch", "cancel-symbol-order")
)
GETS = (
    *(f"{CROSSED}/{name}" for name in ("open-orders", "history-orders", "fills", "account/assets")),
    "/api/v2/common/trade-rate",
    "/api/v2/spot/market/candles",
    "/api/v2/spot/market/history-candles",
    "/api/v2/spot/market/orderbook",
    "/api/v2/spot/market/tickers",
    "/api/v2/spot/market/fills-history",
    "/api/v2/spot/public/coins",
    *(f"{V3}/trade/{name}" for name in ("unfilled-orders", "order-info", "history-orders", "fills")),
    *(f"{V3}/account/{name}" for name in ("settings", "assets", "funding-assets", "fee-rate", "all-fee-rate")),
    *(f"{V3}/market/{name}" for name in ("instruments", "tickers", "orderbook", "candles", "history-candles", "fills")),
)
NAMES = (
    *("side", "orderType", "force", "loanType", "price", "baseSize", "quoteSize", "clientOid", "orderId"),
    *("orderIdList", "orderList", "stpMode", "startTime", "endTime", "limit", "idLessThan", "granularity", "coin"),
    *("timeInForce", "qty", "takeProfit", "cursor", "interval"),
)
WORDS = (
    *("BTCUSDT", "buy", "sell", "limit", "market", "gtc", "normal", "50000", "0.01", "NaN", "Infinity", "1e999"),
    *("-1", "0", "99999999999999999999.99", "٣", "1min", "1Mutc", "999999999999999999", "MARGIN", "SPOT"),
    *("USDT-FUTURES", "1m", "1D", "1"),
)
texts = st.sampled_from([*WORDS, "9" * 30, "0." + "0" * 17 + "1", "\x00", " 1", str(START_MS)]) | st.text(max_size=60)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), texts, st.integers(min_value=10**30, max_value=10**60)
)
keys = st.sampled_from(("category", "symbol", *NAMES)) | texts
junk = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
orders = st.fixed_dictionaries({"symbol": st.just("BTCUSDT")}, optional=dict.fromkeys(NAMES, junk))
unified_orders = st.fixed_dictionaries(
    {"category": st.sampled_from(["MARGIN", "margin", "SPOT"]), "symbol": st.just("BTCUSDT")},
    optional=dict.fromkeys(NAMES, junk),
)


def encoded(contents: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """Return bodies that are JSON of such contents, of anything, or no JSON."""
    return st.binary(max_size=80) | (junk | contents).map(lambda value: json.dumps(value).encode())


posts = st.tuples(st.sampled_from(POSTS), encoded(orders)) | st.tuples(
    st.sampled_from(UNIFIED_POSTS), encoded(unified_orders | st.lists(unified_orders, max_size=3))
)
relaxed = settings(
    max_examples=examples(500), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def assert_venue_shaped(reply: Reply) -> None:
    """Check that a response is a success or an error of the client, in the venue's format."""
    if reply.status == 200:
        assert reply.code == "00000"
    else:
        assert 400 <= reply.status < 500
        reply.assert_refused(reply.code, reply.status)


@relaxed
@given(post=posts)
def test_any_signed_body_gets_an_answer(
    venue: Emulator, client: Client, unified: UnifiedClient, post: tuple[str, bytes]
) -> None:
    path, body = post
    assert_venue_shaped((unified if path in UNIFIED_POSTS else client).send("POST", path, body=body))
    assert venue.errors == ()


@relaxed
@given(
    path=st.sampled_from(GETS),
    params=st.fixed_dictionaries(
        {}, optional={**dict.fromkeys(NAMES, texts), "symbol": st.just("BTCUSDT"), "category": st.just("MARGIN")}
    ),
    tail=st.text(alphabet="%&=+a1é", max_size=10),
)
def test_any_signed_query_gets_an_answer(
    venue: Emulator, client: Client, unified: UnifiedClient, path: str, params: dict[str, str], tail: str
) -> None:
    query = "&".join(f"{name}={quote(value)}" for name, value in params.items())
    sender = unified if path.startswith(V3) else client
    assert_venue_shaped(sender.send("GET", path, query=f"{query}&{quote(tail, safe='%&=+')}"))
    assert venue.errors == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'"text"',
        b"{",
        b"\xff\xfe",
        b'{"symbol": NaN}',
        b'{"symbol": ' + b"9" * 5000 + b"}",
        b'{"symbol": 1e999999999999999999999}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_bodies_that_are_no_object_are_refused(client: Client, body: bytes) -> None:
    reply = client.send("POST", f"{CROSSED}/batch-cancel-order", body=body)
    assert reply.code in ("40017", "40020", "40034")
    reply.assert_refused(reply.code)


def test_huge_body_is_refused(client: Client) -> None:
    body = b'{"symbol":"' + b"x" * 3_000_000 + b'"}'
    client.send("POST", f"{CROSSED}/batch-cancel-order", body=body).assert_refused("40017")


def test_undecodable_body_is_refused(client: Client) -> None:
    reply = client.send("POST", f"{CROSSED}/cancel-order", body=b"plain", headers={"Content-Encoding": "gzip"})
    reply.assert_refused("40017")


@pytest.mark.parametrize(
    ("order_id_list", "code"),
    [
        (None, "40019"),
        ([], "40019"),
        ("", "40019"),
        ("1", "40020"),
        ({}, "40020"),
        ([1], "40020"),
        ([{}], "40924"),
        ([{"orderId": ""}], "40924"),
        ([{"orderId": None, "clientOid": None}], "40924"),
        ([{"orderId": ["1"]}], "40020"),
        ([{"orderId": True}], "40020"),
        ([{"orderId": "1"}] * 51, "40912"),
    ],
)
def test_malformed_batches_change_nothing(venue: Emulator, client: Client, order_id_list: object, code: str) -> None:
    order_id = client.placed()
    if isinstance(order_id_list, list) and order_id_list and isinstance(order_id_list[0], dict):
        order_id_list = [{"orderId": order_id}, *order_id_list]
    body = {"symbol": "BTCUSDT", "orderIdList": order_id_list}
    client.post(f"{CROSSED}/batch-cancel-order", body).assert_refused(code)
    assert venue.order(order_id).live


def test_fifty_items_are_not_too_many(client: Client) -> None:
    assert len(client.cancel_batch(*map(str, range(50))).data["failureList"]) == 50


def test_missing_symbol_is_named(client: Client) -> None:
    reply = client.post(f"{CROSSED}/batch-cancel-order", {"orderIdList": [{"orderId": "1"}]})
    reply.assert_refused("40019")
    assert reply.content["msg"] == "Parameter symbol cannot be empty"


def test_unknown_paths_do_not_exist(client: Client) -> None:
    for method, path in (("GET", "/"), ("GET", "/api/v2/nothing"), ("POST", f"{CROSSED}/open-orders")):
        client.send(method, path).assert_refused("40404", 404)


def test_unforeseen_exception_is_a_system_error_and_recorded(
    client: Client, venue: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("bitget_margin.emulator.market.engine.Engine.place", explode)
    client.place().assert_refused("50031", 500)
    assert [type(error) for error in venue.errors] == [ZeroDivisionError]
    venue._venue.errors.clear()  # the fixture expects none


def test_request_without_headers_is_refused(venue: Emulator) -> None:
    connection = http.client.HTTPConnection(urlsplit(venue.url).netloc, timeout=5)
    connection.request("GET", f"{CROSSED}/account/assets")
    response = connection.getresponse()
    assert (response.status, json.loads(response.read())["code"]) == (400, "40001")
    connection.close()


@pytest.mark.parametrize("path", [f"{V3}/trade/cancel-batch", f"{V3}/trade/place-batch"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b'""',
        b'"text"',
        b"[",
        b"\xff\xfe",
        b"[NaN]",
        b"[1]",
        b"[null]",
        b"[[]]",
        b"[{}]",
        b'[{"category": "MARGIN"}, 1]',
        b'[{"category": ["MARGIN"], "symbol": "BTCUSDT", "orderId": "1"}]',
        b'[{"orderId": ' + b"9" * 5000 + b"}]",
        b'{"orderIdList": [{"orderId": "1"}]}',
        b"[" * 100_000,
        b'[{"a":' * 50_000,
    ],
)
def test_bodies_that_are_no_batch_are_refused(unified: UnifiedClient, path: str, body: bytes) -> None:
    unified.send("POST", path, body=body).assert_refused("400172")


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"orderId": ""},
        {"orderId": None, "clientOid": None},
        {"orderId": ["1"]},
        {"orderId": {"orderId": "1"}},
        {"orderId": True},
        {"orderId": "1", "symbol": None},
        {"orderId": "1", "symbol": ["BTCUSDT"]},
        {"orderId": "1", "category": None},
    ],
)
def test_malformed_unified_batches_change_nothing(
    venue: Emulator, unified: UnifiedClient, item: dict[str, object]
) -> None:
    order_id = unified.placed()
    unified.cancel_batch(order_id, item).assert_refused("400172")
    assert venue.order(order_id).live


def test_arrays_are_for_batches_only(unified: UnifiedClient) -> None:
    for name in ("place-order", "cancel-order", "cancel-symbol-order"):
        unified.post(f"{V3}/trade/{name}", [unified.order()]).assert_refused("400172")
