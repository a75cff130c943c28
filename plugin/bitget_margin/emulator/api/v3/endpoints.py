"""Endpoint table and rate limits of API v3."""

from collections.abc import Mapping

from bitget_margin.emulator.api.request import PrivateEndpoint, PublicEndpoint, nothing
from bitget_margin.emulator.api.v3 import (
    account,
    cancel,
    edit,
    listing,
    loans,
    market_data,
    place,
    strategy_endpoints,
)
from bitget_margin.emulator.market.wallet import AccountKind

UNIFIED_PREFIX = "/api/v3/"
_ACCOUNT = f"{UNIFIED_PREFIX}account"
_TRADE = f"{UNIFIED_PREFIX}trade"
_MARKET = f"{UNIFIED_PREFIX}market"

UNIFIED_BATCH_CANCEL = f"{_TRADE}/cancel-batch"
UNIFIED_ARRAYS = frozenset({f"{_TRADE}/place-batch", UNIFIED_BATCH_CANCEL})
"""Endpoints whose body is an array."""

UNIFIED_PUBLIC_ENDPOINTS: Mapping[tuple[str, str], PublicEndpoint] = {
    ("GET", f"{_MARKET}/instruments"): market_data.instruments,
    ("GET", f"{_MARKET}/tickers"): market_data.tickers,
    ("GET", f"{_MARKET}/orderbook"): market_data.order_book,
    ("GET", f"{_MARKET}/candles"): market_data.candles,
    ("GET", f"{_MARKET}/history-candles"): market_data.history_candles,
    ("GET", f"{_MARKET}/fills"): market_data.fills,
    ("GET", f"{_MARKET}/margin-loans"): loans.margin_loans,
    ("GET", f"{_MARKET}/position-tier"): loans.position_tiers,
    ("GET", f"{_MARKET}/discount-rate"): loans.discount_rates,
}

UNIFIED_PRIVATE_ENDPOINTS: Mapping[tuple[str, str], PrivateEndpoint] = {
    ("GET", f"{_ACCOUNT}/info"): account.account_info,
    ("GET", f"{_ACCOUNT}/settings"): account.account_settings,
    ("GET", f"{_ACCOUNT}/assets"): account.assets,
    ("GET", f"{_ACCOUNT}/funding-assets"): nothing,
    ("GET", f"{_ACCOUNT}/financial-records"): listing.financial_records,
    ("GET", f"{_ACCOUNT}/fee-rate"): account.fee_rate,
    ("GET", f"{_ACCOUNT}/all-fee-rate"): account.all_fee_rates,
    ("POST", f"{_ACCOUNT}/repay"): loans.repay,
    ("GET", f"{_ACCOUNT}/repayable-coins"): loans.repayable_coins,
    ("GET", f"{_ACCOUNT}/payment-coins"): loans.payment_coins,
    ("POST", f"{_ACCOUNT}/set-leverage"): loans.set_leverage,
    ("GET", f"{_TRADE}/loan-data"): loans.loan_data,
    ("POST", f"{_TRADE}/place-order"): place.place_order,
    ("POST", f"{_TRADE}/place-batch"): place.place_batch,
    ("POST", f"{_TRADE}/modify-order"): edit.modify_order,
    ("POST", f"{_TRADE}/countdown-cancel-all"): edit.countdown_cancel_all,
    ("POST", f"{_TRADE}/cancel-order"): cancel.cancel_order,
    ("POST", UNIFIED_BATCH_CANCEL): cancel.cancel_batch,
    ("POST", f"{_TRADE}/cancel-symbol-order"): cancel.cancel_symbol_orders,
    ("GET", f"{_TRADE}/unfilled-orders"): listing.unfilled_orders,
    ("GET", f"{_TRADE}/order-info"): listing.order_info,
    ("GET", f"{_TRADE}/history-orders"): listing.history_orders,
    ("GET", f"{_TRADE}/fills"): listing.fills,
    ("POST", f"{_TRADE}/place-strategy-order"): strategy_endpoints.place_strategy_order,
    ("POST", f"{_TRADE}/modify-strategy-order"): strategy_endpoints.modify_strategy_order,
    ("POST", f"{_TRADE}/cancel-strategy-order"): strategy_endpoints.cancel_strategy_order,
    ("GET", f"{_TRADE}/unfilled-strategy-orders"): strategy_endpoints.unfilled_strategy_orders,
    ("GET", f"{_TRADE}/history-strategy-orders"): strategy_endpoints.history_strategy_orders,
    ("GET", f"{_TRADE}/strategy-sub-orders"): strategy_endpoints.strategy_sub_orders,
}

UNIFIED_PER_SECOND: Mapping[str, int] = {
    f"{_ACCOUNT}/settings": 20,
    f"{_ACCOUNT}/assets": 20,
    f"{_ACCOUNT}/funding-assets": 20,
    f"{_ACCOUNT}/financial-records": 20,
    f"{_ACCOUNT}/fee-rate": 3,
    f"{_ACCOUNT}/all-fee-rate": 3,
    f"{_ACCOUNT}/repay": 5,
    f"{_TRADE}/place-order": 10,
    f"{_TRADE}/place-batch": 5,
    f"{_TRADE}/modify-order": 10,
    f"{_TRADE}/countdown-cancel-all": 1,
    f"{_TRADE}/cancel-order": 10,
    UNIFIED_BATCH_CANCEL: 5,
    f"{_TRADE}/cancel-symbol-order": 5,
    f"{_TRADE}/unfilled-orders": 20,
    f"{_TRADE}/order-info": 20,
    f"{_TRADE}/history-orders": 20,
    f"{_TRADE}/fills": 20,
    f"{_TRADE}/place-strategy-order": 10,
    f"{_TRADE}/modify-strategy-order": 10,
    f"{_TRADE}/cancel-strategy-order": 10,
    f"{_TRADE}/unfilled-strategy-orders": 20,
    f"{_TRADE}/history-strategy-orders": 20,
    f"{_TRADE}/strategy-sub-orders": 10,
}
"""Requests per second and account, as documented for each endpoint."""


def required_kind(path: str) -> AccountKind:
    """Return the kind of account that may use a private path."""
    return AccountKind.UNIFIED if path.startswith(UNIFIED_PREFIX) else AccountKind.CLASSIC
