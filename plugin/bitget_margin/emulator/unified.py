"""The interface of the unified account: its endpoints, and how often each may be asked."""

from __future__ import annotations

from collections.abc import Mapping

from .account import AccountKind
from .call import PrivateEndpoint, PublicEndpoint
from .unified_account import account_settings

UNIFIED_PREFIX = "/api/v3/"
_ACCOUNT = f"{UNIFIED_PREFIX}account"
_TRADE = f"{UNIFIED_PREFIX}trade"

UNIFIED_BATCH_CANCEL = f"{_TRADE}/cancel-batch"
#: Endpoints whose body is an array.
UNIFIED_ARRAYS = frozenset({f"{_TRADE}/place-batch", UNIFIED_BATCH_CANCEL})

UNIFIED_PUBLIC_ENDPOINTS: Mapping[tuple[str, str], PublicEndpoint] = {}

UNIFIED_PRIVATE_ENDPOINTS: Mapping[tuple[str, str], PrivateEndpoint] = {
    ("GET", f"{_ACCOUNT}/settings"): account_settings,
}

#: Requests per second and account, as each endpoint's page has it.
UNIFIED_PER_SECOND: Mapping[str, int] = {
    f"{_ACCOUNT}/settings": 20,
    f"{_ACCOUNT}/assets": 20,
    f"{_ACCOUNT}/funding-assets": 20,
    f"{_ACCOUNT}/fee-rate": 3,
    f"{_ACCOUNT}/all-fee-rate": 3,
    f"{_TRADE}/place-order": 10,
    f"{_TRADE}/place-batch": 5,
    f"{_TRADE}/cancel-order": 10,
    UNIFIED_BATCH_CANCEL: 5,
    f"{_TRADE}/cancel-symbol-order": 5,
    f"{_TRADE}/unfilled-orders": 20,
    f"{_TRADE}/order-info": 20,
    f"{_TRADE}/history-orders": 20,
    f"{_TRADE}/fills": 20,
}


def required_kind(path: str) -> AccountKind:
    """Return the kind of account that a private path is for."""
    return AccountKind.UNIFIED if path.startswith(UNIFIED_PREFIX) else AccountKind.CLASSIC
