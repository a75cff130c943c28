"""Requests go to the documented endpoints, at the documented rate."""

import pytest

from bitget_margin.core.endpoints import AccountKind, Endpoint

READ = {
    *("open-orders", "history-orders", "assets", "fills", "info", "unfilled-orders", "order-info", "settings"),
    *("financial-records", "liquidation-history"),
    *("unfilled-strategy-orders", "history-strategy-orders", "strategy-sub-orders"),
    *("borrow-history", "repay-history", "interest-history", "interest-rate-and-limit", "margin-loans"),
    *("risk-rate", "max-borrowable-amount"),
}
"""Last parts of the paths of endpoints that change nothing."""
PUBLIC = {"currencies", "instruments"}
"""Last parts of the paths of endpoints without a signature."""
PER_SECOND = {
    "v2/spot/account/info": 1,
    "v3/account/info": 5,
    "v3/trade/countdown-cancel-all": 1,
    "v3/trade/place-batch": 5,
    "v3/trade/cancel-batch": 5,
    "v3/trade/cancel-symbol-order": 5,
    "v3/trade/unfilled-orders": 20,
    "v3/trade/history-orders": 20,
    "v3/trade/order-info": 20,
    "v3/trade/fills": 20,
    "v3/account/financial-records": 20,
    "v3/trade/unfilled-strategy-orders": 20,
    "v3/trade/history-strategy-orders": 20,
    "v3/account/repay": 5,
    "v3/market/margin-loans": 20,
    "v3/market/instruments": 20,
}
"""Requests per second and UID where the page of the endpoint does not say 10."""


@pytest.mark.parametrize("endpoint", Endpoint, ids=lambda endpoint: endpoint.name)
def test_each_endpoint_has_the_method_the_rate_and_the_account_kind_of_its_page(endpoint: Endpoint) -> None:
    assert endpoint.method == ("GET" if endpoint.path.rsplit("/", 1)[-1] in READ | PUBLIC else "POST")
    assert endpoint.is_public is (endpoint.path.rsplit("/", 1)[-1] in PUBLIC)
    assert endpoint.per_second == PER_SECOND.get(endpoint.path, 10)
    assert endpoint.kind is (AccountKind.UNIFIED if endpoint.name.startswith("UNIFIED_") else AccountKind.CLASSIC)


CLASSIC_PATHS = {
    "v2/spot/account/info",
    "v2/margin/currencies",
    *(
        f"v2/margin/crossed/{name}"
        for name in ("batch-place-order", "batch-cancel-order", "place-order", "cancel-order")
    ),
    *(f"v2/margin/crossed/{name}" for name in ("open-orders", "history-orders", "account/assets", "fills")),
    *(f"v2/margin/crossed/{name}" for name in ("financial-records", "liquidation-history")),
    *(f"v2/margin/crossed/{name}" for name in ("account/borrow", "account/repay", "interest-rate-and-limit")),
    *(f"v2/margin/crossed/account/{name}" for name in ("risk-rate", "max-borrowable-amount")),
    *(f"v2/margin/crossed/{name}" for name in ("borrow-history", "repay-history", "interest-history")),
}
UNIFIED_PATHS = {
    "v3/market/instruments",
    *(f"v3/trade/{name}" for name in ("place-batch", "cancel-batch", "place-order", "cancel-order")),
    *(f"v3/trade/{name}" for name in ("unfilled-orders", "history-orders", "order-info", "fills")),
    *(f"v3/trade/{name}" for name in ("modify-order", "countdown-cancel-all", "cancel-symbol-order")),
    *(f"v3/account/{name}" for name in ("info", "settings", "assets", "financial-records")),
    *(f"v3/trade/{name}-strategy-order" for name in ("place", "modify", "cancel")),
    *(f"v3/trade/{name}" for name in ("unfilled-strategy-orders", "history-strategy-orders", "strategy-sub-orders")),
    *("v3/account/repay", "v3/account/set-leverage", "v3/market/margin-loans"),
}


def test_the_endpoints_are_those_of_the_documents_and_no_two_have_one_path() -> None:
    assert {endpoint.path for endpoint in Endpoint} == CLASSIC_PATHS | UNIFIED_PATHS
    assert len(CLASSIC_PATHS | UNIFIED_PATHS) == len(Endpoint)
