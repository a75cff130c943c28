"""Endpoints that the plugin calls itself, and the two account kinds that they serve."""

from enum import Enum
from typing import Final

CLASSIC_BATCH_MAX: Final = 50
"""Orders per request of a classic account. Undocumented for cross margin; by error 40912 and the pages of spot."""
UNIFIED_BATCH_MAX: Final = 20
"""Orders per request of a unified account, by error 40306 and the pages of both batch endpoints."""


class AccountKind(Enum):
    """Account kind. Requests to endpoints of the other kind are refused with a code that names the kind."""

    CLASSIC = "classic"
    UNIFIED = "unified"


class Endpoint(Enum):
    """Endpoint by HTTP method, path below `/api/`, and rate limit in requests per second and UID.

    The limit of a public one counts per address.
    """

    BATCH_PLACE = ("POST", "v2/margin/crossed/batch-place-order", 10)
    BATCH_CANCEL = ("POST", "v2/margin/crossed/batch-cancel-order", 10)
    PLACE = ("POST", "v2/margin/crossed/place-order", 10)
    CANCEL = ("POST", "v2/margin/crossed/cancel-order", 10)
    OPEN_ORDERS = ("GET", "v2/margin/crossed/open-orders", 10)
    HISTORY_ORDERS = ("GET", "v2/margin/crossed/history-orders", 10)
    ASSETS = ("GET", "v2/margin/crossed/account/assets", 10)
    FILLS = ("GET", "v2/margin/crossed/fills", 10)
    FINANCIAL_RECORDS = ("GET", "v2/margin/crossed/financial-records", 10)
    LIQUIDATIONS = ("GET", "v2/margin/crossed/liquidation-history", 10)
    BORROW = ("POST", "v2/margin/crossed/account/borrow", 10)
    REPAY = ("POST", "v2/margin/crossed/account/repay", 10)
    BORROW_HISTORY = ("GET", "v2/margin/crossed/borrow-history", 10)
    REPAY_HISTORY = ("GET", "v2/margin/crossed/repay-history", 10)
    INTEREST_HISTORY = ("GET", "v2/margin/crossed/interest-history", 10)
    INTEREST_RATE = ("GET", "v2/margin/crossed/interest-rate-and-limit", 10)
    RISK_RATE = ("GET", "v2/margin/crossed/account/risk-rate", 10)
    MAX_BORROWABLE = ("GET", "v2/margin/crossed/account/max-borrowable-amount", 10)
    ACCOUNT = ("GET", "v2/spot/account/info", 1)
    MARGIN_PAIRS = ("GET", "v2/margin/currencies", 10, True)

    UNIFIED_BATCH_PLACE = ("POST", "v3/trade/place-batch", 5)
    UNIFIED_BATCH_CANCEL = ("POST", "v3/trade/cancel-batch", 5)
    UNIFIED_PLACE = ("POST", "v3/trade/place-order", 10)
    UNIFIED_CANCEL = ("POST", "v3/trade/cancel-order", 10)
    UNIFIED_CANCEL_ALL = ("POST", "v3/trade/cancel-symbol-order", 5)
    UNIFIED_EDIT = ("POST", "v3/trade/modify-order", 10)
    UNIFIED_COUNTDOWN = ("POST", "v3/trade/countdown-cancel-all", 1)
    UNIFIED_OPEN_ORDERS = ("GET", "v3/trade/unfilled-orders", 20)
    UNIFIED_HISTORY_ORDERS = ("GET", "v3/trade/history-orders", 20)
    UNIFIED_STRATEGY_ORDERS = ("GET", "v3/trade/unfilled-strategy-orders", 20)
    UNIFIED_STRATEGY_HISTORY = ("GET", "v3/trade/history-strategy-orders", 20)
    UNIFIED_STRATEGY_SUB_ORDERS = ("GET", "v3/trade/strategy-sub-orders", 10)
    UNIFIED_PLACE_STRATEGY = ("POST", "v3/trade/place-strategy-order", 10)
    UNIFIED_MODIFY_STRATEGY = ("POST", "v3/trade/modify-strategy-order", 10)
    UNIFIED_CANCEL_STRATEGY = ("POST", "v3/trade/cancel-strategy-order", 10)
    UNIFIED_ORDER = ("GET", "v3/trade/order-info", 20)
    UNIFIED_FILLS = ("GET", "v3/trade/fills", 20)
    UNIFIED_FINANCIAL_RECORDS = ("GET", "v3/account/financial-records", 20)
    UNIFIED_ACCOUNT = ("GET", "v3/account/info", 5)
    UNIFIED_SETTINGS = ("GET", "v3/account/settings", 10)
    UNIFIED_ASSETS = ("GET", "v3/account/assets", 10)
    UNIFIED_REPAY = ("POST", "v3/account/repay", 5)
    UNIFIED_LEVERAGE = ("POST", "v3/account/set-leverage", 10)
    UNIFIED_INTEREST_RATE = ("GET", "v3/market/margin-loans", 20)
    UNIFIED_INSTRUMENTS = ("GET", "v3/market/instruments", 20, True)

    def __init__(self, method: str, path: str, per_second: int, is_public: bool = False) -> None:
        self.method: Final = method
        self.path: Final = path
        self.per_second: Final = per_second
        self.is_public: Final = is_public
        self.is_read: Final = method == "GET"
        self.kind: Final = AccountKind.UNIFIED if path.startswith("v3/") else AccountKind.CLASSIC
