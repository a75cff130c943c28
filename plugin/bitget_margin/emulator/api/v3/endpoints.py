"""The interface of the unified account: its endpoints, and how often each may be asked."""

from __future__ import annotations

from collections.abc import Mapping

from bitget_margin.emulator.api.request import PrivateEndpoint, PublicEndpoint
from bitget_margin.emulator.api.v3.account import account_settings, all_fee_rates, assets, fee_rate, funding_assets
from bitget_margin.emulator.api.v3.cancel import cancel_batch, cancel_order, cancel_symbol_orders
from bitget_margin.emulator.api.v3.listing import fills, history_orders, order_info, unfilled_orders
from bitget_margin.emulator.api.v3.market_data import candles, history_candles, instruments, order_book, tickers
from bitget_margin.emulator.api.v3.market_data import fills as market_fills
from bitget_margin.emulator.api.v3.place import place_batch, place_order
from bitget_margin.emulator.market.wallet import AccountKind

UNIFIED_PREFIX = "/api/v3/"
_ACCOUNT = f"{UNIFIED_PREFIX}account"
_TRADE = f"{UNIFIED_PREFIX}trade"
_MARKET = f"{UNIFIED_PREFIX}market"

UNIFIED_BATCH_CANCEL = f"{_TRADE}/cancel-batch"
#: Endpoints whose body is an array.
UNIFIED_ARRAYS = frozenset({f"{_TRADE}/place-batch", UNIFIED_BATCH_CANCEL})

UNIFIED_PUBLIC_ENDPOINTS: Mapping[tuple[str, str], PublicEndpoint] = {
    ("GET", f"{_MARKET}/instruments"): instruments,
    ("GET", f"{_MARKET}/tickers"): tickers,
    ("GET", f"{_MARKET}/orderbook"): order_book,
    ("GET", f"{_MARKET}/candles"): candles,
    ("GET", f"{_MARKET}/history-candles"): history_candles,
    ("GET", f"{_MARKET}/fills"): market_fills,
}

UNIFIED_PRIVATE_ENDPOINTS: Mapping[tuple[str, str], PrivateEndpoint] = {
    ("GET", f"{_ACCOUNT}/settings"): account_settings,
    ("GET", f"{_ACCOUNT}/assets"): assets,
    ("GET", f"{_ACCOUNT}/funding-assets"): funding_assets,
    ("GET", f"{_ACCOUNT}/fee-rate"): fee_rate,
    ("GET", f"{_ACCOUNT}/all-fee-rate"): all_fee_rates,
    ("POST", f"{_TRADE}/place-order"): place_order,
    ("POST", f"{_TRADE}/place-batch"): place_batch,
    ("POST", f"{_TRADE}/cancel-order"): cancel_order,
    ("POST", UNIFIED_BATCH_CANCEL): cancel_batch,
    ("POST", f"{_TRADE}/cancel-symbol-order"): cancel_symbol_orders,
    ("GET", f"{_TRADE}/unfilled-orders"): unfilled_orders,
    ("GET", f"{_TRADE}/order-info"): order_info,
    ("GET", f"{_TRADE}/history-orders"): history_orders,
    ("GET", f"{_TRADE}/fills"): fills,
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
