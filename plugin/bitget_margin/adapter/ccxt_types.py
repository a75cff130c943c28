"""Typed view of the parts of ccxt's exchange classes that this package uses.

At run time the classes are `object`: the mixins precede ccxt's own classes, whose methods they call by `super()`.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ccxt.base.types import Order

from bitget_margin.core.endpoints import AccountKind

__all__ = [
    "ASYNC_ALONE",
    "ASYNC_CALLS",
    "PRO_CALLS",
    "SYNC_CALLS",
    "AsyncCcxtExchange",
    "CcxtExchange",
    "Order",
    "Params",
]

Params: TypeAlias = dict[str, Any]
ASYNC_ALONE: Final = ("get_socks_proxy_session",)
"""Members that the sync class does not have."""
SYNC_CALLS: Final = {"fetch": ("session", "request")}
"""Names and texts that the code of ccxt's methods uses: overrides of this package depend on them."""
ASYNC_CALLS: Final = {"fetch": ("get_socks_proxy_session", "session")}
PRO_CALLS: Final = {
    "watch_orders": ("order:trades",),
    "watch_my_trades": ("fill:",),
    "watch_balance": ("balance:",),
    "watch_private": ("watch", "utaPrivate"),
    "handle_message": ("handle_order", "handle_my_trades", "handle_balance", "handle_subscription_status"),
    "authenticate": ("authenticated",),
    "on_error": ("clients",),
    "on_close": ("clients",),
}

if TYPE_CHECKING:

    class CcxtExchange:
        """Members of `ccxt.bitget` that are the same in all three flavours."""

        id: str
        apiKey: str | None
        secret: str | None
        password: str | None
        enableRateLimit: bool
        lastRestRequestTimestamp: float
        markets: dict[str, Any] | None
        markets_by_id: dict[str, Any] | None
        currencies: dict[str, Any] | None
        options: dict[str, Any]
        commonCurrencies: dict[str, str]
        urls: dict[str, Any]
        decimal_to_precision: Callable[..., Any]

        def __init__(self, config: Any = ...) -> None: ...
        def describe(self) -> Any: ...
        def deep_extend(self, *args: Any) -> Any: ...
        def omit(self, d: Params, *args: Any) -> Any: ...
        def milliseconds(self) -> int: ...
        def log(self, *args: Any) -> None: ...
        def market(self, symbol: str) -> Any: ...
        def safe_market(
            self,
            marketId: Any,  # noqa: N803 - ccxt's name
            market: Any = None,
            delimiter: Any = None,
            marketType: Any = None,  # noqa: N803 - ccxt's name
        ) -> Any: ...
        def check_required_credentials(self, error: bool = True) -> Any: ...
        def request(self, path: Any, api: Any = ..., method: Any = ..., params: Any = ..., *rest: Any) -> Any: ...
        def load_time_difference(self, params: Any = ...) -> Any: ...
        def sign(self, path: Any, api: Any = ..., method: str = ..., params: Any = ..., *rest: Any) -> Any: ...
        def create_order_request(
            self,
            symbol: Any,
            type: Any,  # noqa: A002
            side: Any,
            amount: Any,
            price: Any = None,
            params: Params = ...,
        ) -> Any: ...
        def create_uta_order_request(
            self,
            symbol: Any,
            type: Any,  # noqa: A002
            side: Any,
            amount: Any,
            price: Any = None,
            params: Params = ...,
        ) -> Any: ...
        def cost_to_precision(self, symbol: str, cost: Any) -> Any: ...
        def amount_to_precision(self, symbol: str, amount: Any) -> Any: ...
        def price_to_precision(self, symbol: str, price: Any) -> Any: ...
        def handle_errors(self, code: int, *rest: Any) -> Any: ...
        def handle_http_status_code(self, code: int, reason: Any, url: Any, method: Any, body: Any) -> None: ...
        def handle_margin_mode_and_params(
            self,
            methodName: str,  # noqa: N803 - ccxt's name
            params: Params = ...,
            defaultValue: Any = None,  # noqa: N803 - ccxt's name
        ) -> Any: ...
        def handle_market_type_and_params(self, methodName: str, market: Any = None, params: Params = ...) -> Any: ...  # noqa: N803
        def parse_margin_loan(self, info: Params, currency: Any = None, market: Any = None) -> Any: ...
        def parse_borrow_rate(self, info: Any, currency: Any = None) -> Any: ...
        def iso8601(self, timestamp: Any = None) -> Any: ...
        def safe_order(self, order: Params, market: Any = None) -> Any: ...
        def parse_order(self, order: Any, market: Any = None) -> Any: ...
        def parse_trade(self, trade: Any, market: Any = None) -> Any: ...
        def parse_ledger_entry(self, item: Any, currency: Any = None) -> Any: ...
        def parse_ledger_type(self, type: Any) -> Any: ...  # noqa: A002
        def parse_liquidation(self, liquidation: Any, market: Any = None) -> Any: ...
        def safe_currency_code(self, currencyId: Any, *rest: Any) -> Any: ...  # noqa: N803 - ccxt's name
        def parse_order_status(self, status: Any) -> Any: ...
        def parse_balance(self, balance: Any) -> Any: ...
        def safe_balance(self, balance: Params) -> Any: ...
        def fetch_tickers(self, symbols: Any = None, params: Params = ...) -> Any: ...
        def parse_uta_balance(self, balance: Any, *rest: Any) -> Any: ...
        def handle_option_and_params(self, params: Params, methodName: str | None, optionName: str) -> Any: ...  # noqa: N803

    class MarginExchange(CcxtExchange):
        """An exchange object of this package: ccxt's class with the members of `CrossedMargin` that flows use."""

        venue_offset_ms: float | None
        has_warned_of_spot: bool

        def learn_account_kind(self, kind: AccountKind) -> None: ...
        def learn_level(self, settings: Mapping[str, Any]) -> None: ...
        def refuse_sandbox(self, method: str) -> None: ...

    class AsyncCcxtExchange(CcxtExchange):
        """Coroutines of the async flavours."""

        async def cancel_orders(self, ids: Any, symbol: Any = None, params: Params = ...) -> list[Order]: ...
        async def cancel_order(self, id: Any, symbol: Any = None, params: Params = ...) -> Order: ...  # noqa: A002
        async def cancel_orders_for_symbols(self, orders: Any, params: Params = ...) -> list[Order]: ...
        async def cancel_all_orders(self, symbol: Any = None, params: Params = ...) -> list[Order]: ...
        async def create_order(
            self,
            symbol: Any,
            type: Any,  # noqa: A002
            side: Any,
            amount: Any,
            price: Any = None,
            params: Params = ...,
        ) -> Order: ...
        async def create_orders(self, orders: Any, params: Params = ...) -> list[Order]: ...
        async def edit_order(
            self,
            id: Any,  # noqa: A002
            symbol: Any,
            type: Any,  # noqa: A002
            side: Any,
            amount: Any = None,
            price: Any = None,
            params: Params = ...,
        ) -> Order: ...
        async def cancel_all_orders_after(self, timeout: Any, params: Params = ...) -> Any: ...  # noqa: ASYNC109
        async def fetch_borrow_interest(
            self, code: Any = None, symbol: Any = None, since: Any = None, limit: Any = None, params: Params = ...
        ) -> list[Any]: ...
        async def fetch_leverage(self, symbol: Any, params: Params = ...) -> Any: ...
        async def set_leverage(self, leverage: Any, symbol: Any = None, params: Params = ...) -> Any: ...
        async def fetch_margin_mode(self, symbol: Any, params: Params = ...) -> Any: ...
        async def set_margin_mode(self, marginMode: Any, symbol: Any = None, params: Params = ...) -> Any: ...  # noqa: N803
        async def fetch_order(self, id: Any, symbol: Any = None, params: Params = ...) -> Order: ...  # noqa: A002
        async def fetch_open_orders(
            self,
            symbol: Any = None,
            since: Any = None,
            limit: Any = None,
            params: Params = ...,
        ) -> list[Order]: ...
        async def load_markets(self) -> Any: ...
        async def fetch_markets(self, params: Params = ...) -> list[Any]: ...
        async def publicMarginGetV2MarginCurrencies(self, params: Params = ...) -> Any: ...  # noqa: N802 - ccxt's name
        async def fetch_my_trades(
            self,
            symbol: Any = None,
            since: Any = None,
            limit: Any = None,
            params: Params = ...,
        ) -> list[Any]: ...
        async def fetch_orders(
            self,
            symbol: Any = None,
            since: Any = None,
            limit: Any = None,
            params: Params = ...,
        ) -> list[Order]: ...
        async def fetch_closed_orders(
            self,
            symbol: Any = None,
            since: Any = None,
            limit: Any = None,
            params: Params = ...,
        ) -> list[Order]: ...
        async def fetch_canceled_orders(
            self,
            symbol: Any = None,
            since: Any = None,
            limit: Any = None,
            params: Params = ...,
        ) -> list[Order]: ...
        async def fetch_canceled_and_closed_orders(
            self,
            symbol: Any = None,
            since: Any = None,
            limit: Any = None,
            params: Params = ...,
        ) -> list[Order]: ...
        async def fetch_order_trades(
            self,
            id: Any,  # noqa: A002
            symbol: Any = None,
            since: Any = None,
            limit: Any = None,
            params: Params = ...,
        ) -> list[Any]: ...
        async def fetch_ledger(
            self,
            code: Any = None,
            since: Any = None,
            limit: Any = None,
            params: Params = ...,
        ) -> list[Any]: ...
        async def fetch_my_liquidations(
            self,
            symbol: Any = None,
            since: Any = None,
            limit: Any = None,
            params: Params = ...,
        ) -> list[Any]: ...
        async def fetch_balance(self, params: Params = ...) -> Any: ...
        async def throttle(self, cost: Any = None) -> None: ...
        async def fetch(self, url: str, method: str = ..., headers: Any = None, body: Any = None) -> Any: ...
        def get_socks_proxy_session(self, socksProxy: str) -> Any: ...  # noqa: N803 - ccxt's name

    class ProCcxtExchange:
        """Websocket code of `ccxt.pro.bitget`; only compared with the installed one, whose own types are used."""

        newUpdates: bool
        clients: dict[str, Any]

        def client(self, url: Any) -> Any: ...
        async def watch_orders(
            self, symbol: Any = None, since: Any = None, limit: Any = None, params: Params = ...
        ) -> Any: ...
        async def watch_my_trades(
            self, symbol: Any = None, since: Any = None, limit: Any = None, params: Params = ...
        ) -> Any: ...
        async def watch_balance(self, params: Params = ...) -> Any: ...
        async def watch_private(
            self,
            uta: Any,
            messageHash: Any,  # noqa: N803 - ccxt's name
            subscriptionHash: Any,  # noqa: N803 - ccxt's name
            args: Any,
            params: Params = ...,
        ) -> Any: ...
        def handle_message(self, client: Any, message: Any) -> Any: ...
        def handle_order(self, client: Any, message: Any) -> Any: ...
        def handle_my_trades(self, client: Any, message: Any) -> Any: ...
        def handle_balance(self, client: Any, message: Any) -> Any: ...
        def handle_error_message(self, client: Any, message: Any) -> Any: ...
        def handle_subscription_status(self, client: Any, message: Any) -> Any: ...
        def filter_by_symbol_since_limit(self, array: Any, symbol: Any, since: Any, limit: Any, tail: Any) -> Any: ...

    class CcxtClient:
        """Connection of `ccxt.pro`; only compared with the installed one."""

        url: str
        error: Any
        futures: dict[str, Any]
        subscriptions: dict[str, Any]

        def resolve(self, result: Any, message_hash: Any) -> Any: ...
        def on_error(self, error: Any) -> Any: ...
        def handle_text_or_binary_message(self, data: Any) -> Any: ...
        def create_connection(self, session: Any) -> Any: ...

else:
    CcxtExchange = object
    MarginExchange = object
    AsyncCcxtExchange = object
