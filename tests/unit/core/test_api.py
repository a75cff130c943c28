"""Both account kinds have the same API: their own endpoints, and parsers that return what is documented or None."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from bitget_margin.core.api import Api, api_of
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.responses import BatchItem, BatchResponse, Listing

CLASSIC, UNIFIED = (api_of(kind) for kind in (AccountKind.CLASSIC, AccountKind.UNIFIED))
ONE = OrderRef("BTCUSDT", IdKind.ORDER, "112233")


def success(data: object) -> dict[str, Any]:
    """Return a response with this data."""
    return {"code": "00000", "msg": "success", "data": data}


@pytest.mark.parametrize(("kind", "most"), [(AccountKind.CLASSIC, 50), (AccountKind.UNIFIED, 20)])
def test_every_request_goes_to_an_endpoint_of_its_account_kind(kind: AccountKind, most: int) -> None:
    """With as many orders as that endpoint accepts; the queries for one order cover both lists."""
    api = api_of(kind)
    assert (kind, most) == (api.KIND, api.BATCH_MAX)
    queries = api.order_queries("BTCUSDT", IdKind.ORDER, "1", 5)
    assert sorted(listing.value for query in queries for listing in query.lists) == ["history", "open"]
    calls = [
        api.batch_cancel_request((ONE,)),
        api.single_cancel_request(ONE),
        api.batch_place_request("BTCUSDT", ()),
        api.single_place_request({}),
        *(api.page_request(listing, "BTCUSDT", 5, None) for listing in Listing),
        *(query.call for query in queries),
        api.fills_request("BTCUSDT", 5),
        api.assets_request(None),
        api.account_request(),
    ]
    assert {call.endpoint.kind for call in calls} == {kind}


@pytest.mark.parametrize(
    ("api", "path", "field"),
    [(CLASSIC, "v2/spot/account/info", "userId"), (UNIFIED, "v3/account/settings", "uid")],
)
def test_the_uid_is_read_from_its_field_or_not_at_all(api: Api, path: str, field: str) -> None:
    assert (api.account_request().endpoint.path, api.account_request().params) == (path, {})
    assert [api.read_uid(success({field: uid})) for uid in ("7", 7)] == ["7", "7"]
    for data in (None, [], {}, "x", {field: ""}):
        assert api.read_uid(success(data)) is None


@pytest.mark.parametrize("api", [CLASSIC, UNIFIED])
def test_the_response_to_a_single_cancel_names_its_order_or_is_none(api: Api) -> None:
    raw = {"orderId": "1", "clientOid": "a"}
    assert api.read_single(success(raw)) == BatchResponse((BatchItem("1", "a", None, None, raw),), (), ())
    assert api.read_single(success({"clientOid": "a"})) is not None
    for data in (None, {}, [raw], "1"):
        assert api.read_single(success(data)) is None


@pytest.mark.parametrize(
    ("api", "data_of", "field"),
    [(CLASSIC, lambda rows: rows, "frozen"), (UNIFIED, lambda rows: {"assets": rows}, "locked")],
)
def test_frozen_amounts_are_exact_and_silence_is_not_zero(
    api: Api, data_of: Callable[[object], object], field: str
) -> None:
    """A row that cannot be read makes the whole balance unreadable."""
    rows: list[Any] = [{"coin": "USDT", field: "0.1"}, {"coin": "BTC", field: "0"}, {"coin": "USDT", field: "0.2"}]
    assert api.read_assets(success(data_of(rows))) == rows
    assert api.read_frozen(success(data_of(rows))) == {"USDT": Decimal("0.3"), "BTC": Decimal(0)}
    for bad in ({"coin": "USDT"}, {field: "0"}, {"coin": "USDT", field: None}, {"coin": "USDT", field: "NaN"}, 5):
        assert api.read_frozen(success(data_of([*rows, bad]))) is None
    for data in (None, {}, "x", data_of(None), data_of({})):
        assert (api.read_assets(success(data)), api.read_frozen(success(data))) == (None, None)
