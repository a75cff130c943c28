"""Promise: whatever arrives at the endpoints of unified accounts, the answer has the venue's shape."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bitget_margin.emulator import Emulator

from .client import START_MS
from .test_malformed_requests_are_survived import assert_venue_shaped
from .unified_client import V3, UnifiedClient, order_fields

POSTS = tuple(
    f"{V3}/trade/{name}"
    for name in ("place-order", "place-batch", "cancel-order", "cancel-batch", "cancel-symbol-order")
)
GETS = (
    *(f"{V3}/trade/{name}" for name in ("unfilled-orders", "order-info", "history-orders", "fills")),
    *(f"{V3}/account/{name}" for name in ("settings", "assets", "funding-assets", "fee-rate", "all-fee-rate")),
    *(f"{V3}/market/{name}" for name in ("instruments", "tickers", "orderbook", "candles", "history-candles", "fills")),
)
NAMES = (
    *("category", "symbol", "side", "orderType", "timeInForce", "price", "qty", "clientOid", "orderId", "stpMode"),
    *("takeProfit", "startTime", "endTime", "limit", "cursor", "interval"),
)
texts = st.one_of(
    st.sampled_from(
        [
            *(
                "MARGIN",
                "SPOT",
                "USDT-FUTURES",
                "BTCUSDT",
                "buy",
                "limit",
                "market",
                "gtc",
                "50000",
                "0.01",
                "1m",
                "1D",
            ),
            *("NaN", "1e999", "-1", "0", "9" * 30, "99999999999999999999.99", "٣", "\x00", str(START_MS), "1"),
        ]
    ),
    st.text(max_size=40),
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
orders = st.fixed_dictionaries(
    {"category": st.sampled_from(["MARGIN", "margin", "SPOT"]), "symbol": st.just("BTCUSDT")},
    optional=dict.fromkeys(NAMES[2:], junk),
)
bodies = st.one_of(
    st.binary(max_size=80),
    st.one_of(junk, orders, st.lists(orders, max_size=3)).map(lambda value: json.dumps(value).encode()),
)
relaxed = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@relaxed
@given(path=st.sampled_from(POSTS), body=bodies)
def test_any_signed_body_gets_an_answer(
    unified_venue: Emulator, unified: UnifiedClient, path: str, body: bytes
) -> None:
    """Random bodies, from random bytes to almost right orders, are answered."""
    assert_venue_shaped(unified.send("POST", path, body=body))
    assert unified_venue.errors == ()


@relaxed
@given(
    path=st.sampled_from(GETS),
    params=st.fixed_dictionaries(
        {}, optional={**dict.fromkeys(NAMES, texts), "symbol": st.just("BTCUSDT"), "category": st.just("MARGIN")}
    ),
    tail=st.text(alphabet="%&=+a1é", max_size=10),
)
def test_any_signed_query_gets_an_answer(
    unified_venue: Emulator, unified: UnifiedClient, path: str, params: dict[str, str], tail: str
) -> None:
    """Random queries, well encoded or not, are answered."""
    query = "&".join(f"{name}={quote(value)}" for name, value in params.items())
    assert_venue_shaped(unified.send("GET", path, query=f"{query}&{quote(tail, safe='%&=+')}"))
    assert unified_venue.errors == ()


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
    """Anything but an array of objects of one category is a wrong parameter."""
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
def test_malformed_batches_change_nothing(
    unified_venue: Emulator, unified: UnifiedClient, item: dict[str, object]
) -> None:
    """A batch with a wrong item is refused before anything is done."""
    order_id = unified.placed()
    unified.cancel_batch(order_id, item).assert_refused("400172")
    assert unified_venue.order(order_id).live


def test_arrays_are_for_batches_only(unified: UnifiedClient) -> None:
    """Everywhere else the body is an object."""
    for name in ("place-order", "cancel-order", "cancel-symbol-order"):
        unified.post(f"{V3}/trade/{name}", [order_fields()]).assert_refused("400172")
