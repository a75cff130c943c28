"""Endpoint table of API v2."""

from collections.abc import Mapping

from bitget_margin.emulator.api.request import PrivateEndpoint, PublicEndpoint, nothing
from bitget_margin.emulator.api.v2 import account, cancel, listing, loans, market_data, place

_CROSSED = "/api/v2/margin/crossed"
_SPOT = "/api/v2/spot"

PUBLIC_ENDPOINTS: Mapping[tuple[str, str], PublicEndpoint] = {
    ("GET", "/api/v2/public/time"): market_data.server_time,
    ("GET", f"{_SPOT}/public/coins"): market_data.coins,
    ("GET", f"{_SPOT}/public/symbols"): market_data.symbols,
    ("GET", "/api/v2/margin/currencies"): market_data.margin_currencies,
    ("GET", "/api/v2/margin/interest-rate-record"): loans.interest_rate_record,
    ("GET", f"{_SPOT}/market/tickers"): market_data.tickers,
    ("GET", f"{_SPOT}/market/orderbook"): market_data.order_book,
    ("GET", f"{_SPOT}/market/candles"): market_data.candles,
    ("GET", f"{_SPOT}/market/history-candles"): market_data.history_candles,
    ("GET", f"{_SPOT}/market/fills-history"): market_data.fills,
    ("GET", "/api/v2/mix/market/contracts"): nothing,
}

PRIVATE_ENDPOINTS: Mapping[tuple[str, str], PrivateEndpoint] = {
    ("POST", f"{_CROSSED}/place-order"): place.place_order,
    ("POST", f"{_CROSSED}/batch-place-order"): place.batch_place_orders,
    ("POST", f"{_CROSSED}/cancel-order"): cancel.cancel_order,
    ("POST", f"{_CROSSED}/batch-cancel-order"): cancel.batch_cancel_orders,
    ("GET", f"{_CROSSED}/open-orders"): listing.open_orders,
    ("GET", f"{_CROSSED}/history-orders"): listing.history_orders,
    ("GET", f"{_CROSSED}/fills"): listing.fills,
    ("GET", f"{_CROSSED}/financial-records"): listing.financial_records,
    ("GET", f"{_CROSSED}/liquidation-history"): listing.liquidations,
    ("GET", f"{_CROSSED}/liquidation-order"): listing.liquidation_orders,
    ("GET", f"{_CROSSED}/account/assets"): account.assets,
    ("POST", f"{_CROSSED}/account/borrow"): loans.borrow,
    ("POST", f"{_CROSSED}/account/repay"): loans.repay,
    ("POST", f"{_CROSSED}/account/flash-repay"): loans.flash_repay,
    ("POST", f"{_CROSSED}/account/query-flash-repay-status"): loans.flash_repay_status,
    ("GET", f"{_CROSSED}/account/max-borrowable-amount"): loans.max_borrowable_amount,
    ("GET", f"{_CROSSED}/interest-rate-and-limit"): loans.interest_rate_and_limit,
    ("GET", f"{_CROSSED}/tier-data"): loans.tier_data,
    ("GET", f"{_CROSSED}/borrow-history"): loans.borrow_history,
    ("GET", f"{_CROSSED}/repay-history"): loans.repay_history,
    ("GET", f"{_CROSSED}/interest-history"): loans.interest_history,
    ("GET", f"{_CROSSED}/account/risk-rate"): account.risk_rate,
    ("GET", f"{_SPOT}/trade/orderInfo"): nothing,
    ("GET", f"{_SPOT}/trade/unfilled-orders"): nothing,
    ("GET", f"{_SPOT}/account/assets"): account.spot_assets,
    ("GET", f"{_SPOT}/account/info"): account.spot_account_info,
    ("POST", f"{_SPOT}/trade/cancel-order"): cancel.spot_cancel_order,
    ("POST", f"{_SPOT}/trade/batch-cancel-order"): cancel.spot_batch_cancel_orders,
    ("GET", "/api/v2/common/trade-rate"): account.trade_rate,
}
