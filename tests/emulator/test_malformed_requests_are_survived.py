"""Promise: whatever arrives, the answer has the venue's shape, and no bug shows up."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bitget_margin.emulator import Emulator

from .client import CROSSED, START_MS, Client, Reply

POSTS = (
    *(f"{CROSSED}/{name}" for name in ("place-order", "batch-place-order", "cancel-order", "batch-cancel-order")),
    "/api/v2/spot/trade/cancel-order",
    "/api/v2/spot/trade/batch-cancel-order",
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
)
NAMES = (
    *("symbol", "side", "orderType", "force", "loanType", "price", "baseSize", "quoteSize", "clientOid", "orderId"),
    *("orderIdList", "orderList", "stpMode", "startTime", "endTime", "limit", "idLessThan", "granularity", "coin"),
)
texts = st.one_of(
    st.sampled_from(
        [
            *(
                "BTCUSDT",
                "buy",
                "sell",
                "limit",
                "market",
                "gtc",
                "normal",
                "50000",
                "0.01",
                "NaN",
                "Infinity",
                "1e999",
            ),
            *(
                "-1",
                "0",
                "9" * 30,
                "0." + "0" * 17 + "1",
                "99999999999999999999.99",
                "٣",
                "1min",
                "1Mutc",
                "\x00",
                " 1",
            ),
            *("999999999999999999", str(START_MS)),
        ]
    ),
    st.text(max_size=60),
)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), texts, st.integers(min_value=10**30, max_value=10**60)
)
junk = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(st.sampled_from(NAMES), texts), inner, max_size=4)
    ),
    max_leaves=12,
)
bodies = st.one_of(
    st.binary(max_size=80),
    junk.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries({"symbol": st.just("BTCUSDT")}, optional=dict.fromkeys(NAMES[1:], junk)).map(
        lambda value: json.dumps(value).encode()
    ),
)
relaxed = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def assert_venue_shaped(reply: Reply) -> None:
    """Check that an answer is a success or an error of the client, in the venue's envelope."""
    if reply.status == 200:
        assert reply.code == "00000"
    else:
        assert 400 <= reply.status < 500
        reply.assert_refused(reply.code, reply.status)


@relaxed
@given(path=st.sampled_from(POSTS), body=bodies)
def test_any_signed_body_gets_an_answer(venue: Emulator, client: Client, path: str, body: bytes) -> None:
    """Random bodies, from random bytes to almost right orders, are answered."""
    assert_venue_shaped(client.send("POST", path, body=body))
    assert venue.errors == ()


@relaxed
@given(
    path=st.sampled_from(GETS),
    params=st.fixed_dictionaries({}, optional={**dict.fromkeys(NAMES, texts), "symbol": st.just("BTCUSDT")}),
    tail=st.text(alphabet="%&=+a1é", max_size=10),
)
def test_any_signed_query_gets_an_answer(
    venue: Emulator, client: Client, path: str, params: dict[str, str], tail: str
) -> None:
    """Random queries, well encoded or not, are answered."""
    query = "&".join(f"{name}={quote(value)}" for name, value in params.items())
    assert_venue_shaped(client.send("GET", path, query=f"{query}&{quote(tail, safe='%&=+')}"))
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
    """Anything but a JSON object is a wrong parameter."""
    reply = client.send("POST", f"{CROSSED}/batch-cancel-order", body=body)
    assert reply.code in ("40017", "40020", "40034")
    reply.assert_refused(reply.code)


def test_huge_body_is_refused(client: Client) -> None:
    """A body of several megabytes is not read."""
    body = b'{"symbol":"' + b"x" * 3_000_000 + b'"}'
    client.send("POST", f"{CROSSED}/batch-cancel-order", body=body).assert_refused("40017")


def test_undecodable_body_is_refused(client: Client) -> None:
    """A body that claims to be compressed and is not gets an answer."""
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
    """A batch with a wrong list is refused as a whole."""
    order_id = client.placed()
    if isinstance(order_id_list, list) and order_id_list and isinstance(order_id_list[0], dict):
        order_id_list = [{"orderId": order_id}, *order_id_list]
    body = {"symbol": "BTCUSDT", "orderIdList": order_id_list}
    client.post(f"{CROSSED}/batch-cancel-order", body).assert_refused(code)
    assert venue.order(order_id).live


def test_fifty_items_are_not_too_many(client: Client) -> None:
    """The largest batch is answered item by item."""
    assert len(client.cancel_batch(*map(str, range(50))).data["failureList"]) == 50


def test_missing_symbol_is_named(client: Client) -> None:
    """The text is the venue's."""
    reply = client.post(f"{CROSSED}/batch-cancel-order", {"orderIdList": [{"orderId": "1"}]})
    reply.assert_refused("40019")
    assert reply.content["msg"] == "Parameter symbol cannot be empty"


def test_unknown_paths_do_not_exist(client: Client) -> None:
    """Unknown paths and wrong methods get the venue's 404."""
    for method, path in (("GET", "/"), ("GET", "/api/v2/nothing"), ("POST", f"{CROSSED}/open-orders")):
        client.send(method, path).assert_refused("40404", 404)


def test_unforeseen_exception_is_a_system_error_and_recorded(
    client: Client, venue: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug answers 500 in the venue's shape and can be found afterwards."""

    def explode(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("bitget_margin.emulator.market.engine.Engine.place", explode)
    client.place().assert_refused("50031", 500)
    assert [type(error) for error in venue.errors] == [ZeroDivisionError]
    venue._venue.errors.clear()  # the fixture expects none


def test_request_without_headers_is_refused(venue: Emulator) -> None:
    """A private path without any header is answered."""
    connection = http.client.HTTPConnection(urlsplit(venue.url).netloc, timeout=5)
    connection.request("GET", f"{CROSSED}/account/assets")
    response = connection.getresponse()
    assert (response.status, json.loads(response.read())["code"]) == (400, "40001")
    connection.close()
