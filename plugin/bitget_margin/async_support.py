"""Async flavour: `bitget_margin.async_support.bitget`."""

from collections.abc import Iterable
from typing import Any

import ccxt
import ccxt.async_support

from bitget_margin.adapter import (
    account,
    cancel,
    ccxt_parts,
    change,
    fetch,
    financial_records,
    history,
    loans,
    margin_level,
    margin_markets,
    margin_settings,
    place,
    sessions,
)
from bitget_margin.adapter.ccxt_types import AsyncCcxtExchange, Order, Params
from bitget_margin.adapter.exchange import CrossedMargin
from bitget_margin.adapter.params import is_cross, is_isolated, places_cross
from bitget_margin.adapter.sessions import Sessions
from bitget_margin.adapter.transport import PACED
from bitget_margin.core.effects import Flow, T
from bitget_margin.core.outcome import CancelReport
from bitget_margin.drivers.aio import AsyncDriver

ccxt_parts.require("async", ccxt_parts.check_async(ccxt.async_support.bitget))


class AsyncCrossedMargin(CrossedMargin, Sessions, AsyncCcxtExchange):
    """Methods of `bitget_margin.bitget`, which documents them, as coroutines."""

    def __init__(self, config: Any = {}) -> None:
        """Create the exchange object as ccxt does."""
        ccxt_parts.warn_of_untested_ccxt()
        super().__init__(config)

    async def batch_cancel(
        self,
        ids: Iterable[str] = (),
        symbol: str | None = None,
        client_order_ids: Iterable[str] = (),
        params: Params = {},
    ) -> CancelReport:
        """Cancel cross margin orders of one symbol and confirm the final state of each."""
        return await self.perform(cancel.batch_cancel(self, ids, symbol, client_order_ids, params))

    async def cancel_orders(self, ids: list[str], symbol: str | None = None, params: Params = {}) -> list[Order]:
        """Cancel orders of one symbol; on cross margin with one order structure per distinct id."""
        if not is_cross(self, "cancelOrders", symbol, params):
            await self.perform(account.refuse_isolated(self, "cancelOrders", symbol, params))
            return await super().cancel_orders(ids, symbol, params)
        return await self.perform(cancel.cancel_orders(self, ids, symbol, params))

    async def cancel_order(self, id: str, symbol: str | None = None, params: Params = {}) -> Order:  # noqa: A002
        """Cancel one order, by id or by `params['clientOrderId']`."""
        if not is_cross(self, "cancelOrder", symbol, params):
            await self.perform(account.refuse_isolated(self, "cancelOrder", symbol, params))
            return await super().cancel_order(id, symbol, params)
        return await self.perform(cancel.cancel_order(self, id, symbol, params))

    async def cancel_orders_for_symbols(self, orders: list[Any], params: Params = {}) -> list[Order]:
        """Cancel cross margin orders of several symbols."""
        if not is_cross(self, "cancelOrdersForSymbols", None, params):
            await self.perform(account.refuse_isolated_orders(self, "cancelOrdersForSymbols", orders, params))
            return await super().cancel_orders_for_symbols(orders, params)
        return await self.perform(cancel.cancel_orders_for_symbols(self, orders, params))

    async def cancel_all_orders(self, symbol: str | None = None, params: Params = {}) -> list[Order]:
        """Cancel all open orders of a symbol, or of the account; confirm it by the balance."""
        if not is_cross(self, "cancelAllOrders", symbol, params):
            await self.perform(account.refuse_isolated(self, "cancelAllOrders", symbol, params))
            return await super().cancel_all_orders(symbol, params)
        return await self.perform(cancel.cancel_all_orders(self, symbol, params))

    async def create_order(
        self,
        symbol: str,
        type: Any,  # noqa: A002
        side: Any,
        amount: float,
        price: Any = None,
        params: Params = {},
    ) -> Order:
        """Place an order; a cross margin order at most once, even if the response is lost."""
        if not places_cross(self, "createOrder", symbol, params):
            await self.perform(account.refuse_isolated(self, "createOrder", symbol, params))
            return await super().create_order(symbol, type, side, amount, price, params)
        order = (type, side, amount, price)
        return await self.perform(place.create_order(self, symbol, order, params))

    async def create_orders(self, orders: list[Any], params: Params = {}) -> list[Order]:
        """Place up to 50 orders of one symbol with one request; each cross margin order at most once."""
        if not place.batch_is_cross(self, orders, params):
            await self.perform(account.refuse_isolated_orders(self, "createOrders", orders, params))
            return await super().create_orders(orders, params)
        return await self.perform(place.create_orders(self, orders, params))

    async def edit_order(
        self,
        id: str,  # noqa: A002
        symbol: str,
        type: Any,  # noqa: A002
        side: Any,
        amount: Any = None,
        price: Any = None,
        params: Params = {},
    ) -> Order:
        """Edit an order; a cross margin order of a unified account with proof, and at most once."""
        if not places_cross(self, "editOrder", symbol, params):
            await self.perform(account.refuse_isolated(self, "editOrder", symbol, params))
            return await super().edit_order(id, symbol, type, side, amount, price, params)
        return await self.perform(change.edit_order(self, id, symbol, (type, side, amount, price), params))

    async def cancel_all_orders_after(self, timeout: int | None, params: Params = {}) -> Any:  # noqa: ASYNC109 - ccxt's name
        """Let the venue cancel every order of a unified account unless this is called again in time."""
        if not is_cross(self, "cancelAllOrdersAfter", None, params):
            await self.perform(account.refuse_isolated(self, "cancelAllOrdersAfter", None, params))
            return await super().cancel_all_orders_after(timeout, params)
        return await self.perform(change.cancel_all_orders_after(self, timeout, params))

    async def fetch_order(self, id: str, symbol: str | None = None, params: Params = {}) -> Order:  # noqa: A002
        """Fetch one order; a cross margin order from open-orders, then history-orders."""
        if not is_cross(self, "fetchOrder", symbol, params):
            await self.perform(account.refuse_isolated(self, "fetchOrder", symbol, params))
            return await super().fetch_order(id, symbol, params)
        return await self.perform(fetch.fetch_order(self, id, symbol, params))

    async def fetch_open_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = {},
    ) -> list[Order]:
        """Fetch open orders; cross margin orders of all pages, or the newest `limit`."""
        if not is_cross(self, "fetchOpenOrders", symbol, params):
            await self.perform(account.refuse_isolated(self, "fetchOpenOrders", symbol, params))
            return await super().fetch_open_orders(symbol, since, limit, params)
        return await self.perform(fetch.fetch_open_orders(self, symbol, since, limit, params))

    async def fetch_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = {},
    ) -> list[Order]:
        """Fetch cross margin orders, open and ended ones of the last 90 days."""
        if not is_cross(self, "fetchOrders", symbol, params):
            await self.perform(account.refuse_isolated(self, "fetchOrders", symbol, params))
            return await super().fetch_orders(symbol, since, limit, params)
        return await self.perform(history.fetch_orders(self, symbol, since, limit, params))

    async def fetch_canceled_and_closed_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = {},
    ) -> list[Order]:
        """Fetch ended orders; cross margin orders of the last 90 days, from all pages."""
        if not is_cross(self, "fetchCanceledAndClosedOrders", symbol, params):
            await self.perform(account.refuse_isolated(self, "fetchCanceledAndClosedOrders", symbol, params))
            return await super().fetch_canceled_and_closed_orders(symbol, since, limit, params)
        return await self.perform(
            history.fetch_ended_orders(self, "fetch_canceled_and_closed_orders", symbol, (since, limit), params)
        )

    async def fetch_closed_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = {},
    ) -> list[Order]:
        """Fetch filled orders; cross margin orders of the last 90 days, from all pages."""
        if not is_cross(self, "fetchClosedOrders", symbol, params):
            await self.perform(account.refuse_isolated(self, "fetchClosedOrders", symbol, params))
            return await super().fetch_closed_orders(symbol, since, limit, params)
        return await self.perform(
            history.fetch_ended_orders(self, "fetch_closed_orders", symbol, (since, limit), params, history.CLOSED)
        )

    async def fetch_canceled_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = {},
    ) -> list[Order]:
        """Fetch canceled orders; cross margin orders of the last 90 days, from all pages."""
        if not is_cross(self, "fetchCanceledOrders", symbol, params):
            await self.perform(account.refuse_isolated(self, "fetchCanceledOrders", symbol, params))
            return await super().fetch_canceled_orders(symbol, since, limit, params)
        return await self.perform(
            history.fetch_ended_orders(self, "fetch_canceled_orders", symbol, (since, limit), params, history.CANCELED)
        )

    async def fetch_my_trades(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = {},
    ) -> list[Any]:
        """Fetch fills; those of cross margin orders of the last 90 days, from all pages."""
        if not is_cross(self, "fetchMyTrades", symbol, params):
            await self.perform(account.refuse_isolated(self, "fetchMyTrades", symbol, params))
            return await super().fetch_my_trades(symbol, since, limit, params)
        return await self.perform(history.fetch_my_trades(self, symbol, since, limit, params))

    async def fetch_order_trades(
        self,
        id: str,  # noqa: A002
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = {},
    ) -> list[Any]:
        """Fetch the fills of one cross margin order."""
        if not is_cross(self, "fetchOrderTrades", symbol, params):
            await self.perform(account.refuse_isolated(self, "fetchOrderTrades", symbol, params))
            return await super().fetch_order_trades(id, symbol, since, limit, params)
        return await self.perform(history.fetch_order_trades(self, id, symbol, (since, limit), params))

    async def fetch_ledger(
        self,
        code: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = {},
    ) -> list[Any]:
        """Fetch changes of the balance; those of the cross margin account of the last 90 days."""
        if not financial_records.concerns_cross(self, params):
            await self.perform(account.refuse_isolated(self, "fetchLedger", None, params))
            return await super().fetch_ledger(code, since, limit, params)
        return await self.perform(financial_records.fetch_ledger(self, code, since, limit, params))

    async def fetch_my_liquidations(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = {},
    ) -> list[Any]:
        """Fetch liquidations; those of the cross margin account have no symbol."""
        if not is_cross(self, "fetchMyLiquidations", symbol, params):
            await self.perform(account.refuse_isolated(self, "fetchMyLiquidations", symbol, params))
            return await super().fetch_my_liquidations(symbol, since, limit, params)
        return await self.perform(financial_records.fetch_my_liquidations(self, symbol, since, limit, params))

    async def fetch_balance(self, params: Params = {}) -> Any:
        """Fetch the balance; the cross margin balance with `free`, `used` and `debt`."""
        if not fetch.balance_is_cross(self, params):
            await self.perform(account.refuse_isolated(self, "fetchBalance", None, params))
            return await super().fetch_balance(params)
        return await self.perform(fetch.fetch_balance(self, params))

    async def borrow_cross_margin(self, code: str, amount: float, params: Params = {}) -> Any:
        """Borrow coins on a classic account, at most once; an unclear response is looked up in the records."""
        return await self.perform(loans.borrow_cross_margin(self, code, amount, params))

    async def repay_cross_margin(self, code: str, amount: float, params: Params = {}) -> Any:
        """Repay a debt, at most once: a part on a classic account, all of it on a unified one."""
        return await self.perform(loans.repay_cross_margin(self, code, amount, params))

    async def fetch_borrow_interest(
        self,
        code: str | None = None,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = {},
    ) -> list[Any]:
        """Fetch the interest that was charged; by default that of the cross margin account, of all pages."""
        if is_isolated(self, "fetchBorrowInterest", symbol, params):
            await self.perform(account.refuse_isolated(self, "fetchBorrowInterest", symbol, params))
            return await super().fetch_borrow_interest(code, symbol, since, limit, params)
        return await self.perform(loans.fetch_borrow_interest(self, code, symbol, (since, limit), params))

    async def fetch_cross_borrow_rate(self, code: str, params: Params = {}) -> Any:
        """Fetch the daily interest rate of a coin on cross margin."""
        return await self.perform(loans.fetch_cross_borrow_rate(self, code, params))

    async def fetch_cross_borrow_rates(self, params: Params = {}) -> Any:
        """Refuse to fetch the rates of all coins: the venue answers for one coin per request."""
        loans.refuse_all_rates(self, params)

    async def fetch_cross_margin_level(self, params: Params = {}) -> Any:
        """Fetch the margin level of the cross margin account, which the venue liquidates at `liquidationLevel`."""
        return await self.perform(margin_level.fetch_cross_margin_level(self, params))

    async def fetch_leverage(self, symbol: str, params: Params = {}) -> Any:
        """Fetch the leverage of a pair; on cross margin that of the coins that a position borrows."""
        if not is_cross(self, "fetchLeverage", symbol, params):
            await self.perform(account.refuse_isolated(self, "fetchLeverage", symbol, params))
            return await super().fetch_leverage(symbol, params)
        return await self.perform(margin_settings.fetch_leverage(self, symbol, params))

    async def set_leverage(self, leverage: int, symbol: str | None = None, params: Params = {}) -> Any:
        """Set the leverage; on cross margin that of a coin, on a unified account only."""
        if not is_cross(self, "setLeverage", symbol, params):
            await self.perform(account.refuse_isolated(self, "setLeverage", symbol, params))
            return await super().set_leverage(leverage, symbol, params)
        return await self.perform(margin_settings.set_leverage(self, leverage, params))

    async def fetch_margin_mode(self, symbol: str, params: Params = {}) -> Any:
        """Fetch the margin mode of a pair: `cross` if it is asked for, and the pair is traded there."""
        if not is_cross(self, "fetchMarginMode", symbol, params):
            await self.perform(account.refuse_isolated(self, "fetchMarginMode", symbol, params))
            return await super().fetch_margin_mode(symbol, params)
        return await self.perform(margin_settings.fetch_margin_mode(self, symbol, params))

    async def set_margin_mode(self, marginMode: str, symbol: str | None = None, params: Params = {}) -> Any:  # noqa: N803
        """Set the margin mode of a contract; that of spot pairs is no setting, and each call takes it."""
        margin_settings.refuse_margin_mode(self, symbol, params)
        return await super().set_margin_mode(marginMode, symbol, params)

    async def fetch_markets(self, params: Params = {}) -> list[Any]:
        """Fetch the markets; a spot market has the numbers of cross margin orders in `crossMargin`."""
        with margin_markets.loading() as current:
            markets = await super().fetch_markets(params)
        if margin_markets.needs_list(current, markets):
            await self.perform(margin_markets.read(self, current, unified=True))
        return margin_markets.add_numbers(self, markets, current)

    async def publicMarginGetV2MarginCurrencies(self, params: Params = {}) -> Any:  # noqa: N802 - ccxt's name
        """Request the list of margin pairs; as a part of `fetch_markets`, which does not fail with it."""
        current = margin_markets.current_load()
        if current is None:
            return await super().publicMarginGetV2MarginCurrencies(params)
        await self.perform(margin_markets.read(self, current))
        return margin_markets.list_for_ccxt(current)

    public_margin_get_v2_margin_currencies = publicMarginGetV2MarginCurrencies
    """ccxt takes the method under its first name from the one under this name."""

    async def handle_uta_and_params(
        self,
        params: Params,
        methodName: str | None,  # noqa: N803 - ccxt's name
        defaultValue: bool = False,  # noqa: N803 - ccxt's form
    ) -> list[Any]:
        """Return ccxt's `[uta, params]`; a failed query of the account kind raises."""
        return await self.perform(account.query_account_kind(self, methodName, params, defaultValue))

    async def fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        """Send a request as ccxt does; a signed request follows no redirect."""
        with sessions.sending(headers):
            return await super().fetch(url, method, headers, body)

    def get_socks_proxy_session(self, socksProxy: str) -> Any:  # noqa: N803 - ccxt's name
        """Return ccxt's session of a proxy; for a signed request, without redirects."""
        return sessions.for_request(super().get_socks_proxy_session(socksProxy))

    async def throttle(self, cost: float | None = None) -> None:
        """Wait as ccxt does, except for requests that have waited for their own rate window."""
        if not PACED.get():
            await super().throttle(cost)

    async def perform(self, flow: Flow[T]) -> T:
        """Run a flow of the adapter and return its result."""
        return await AsyncDriver(self).run(flow)


class bitget(AsyncCrossedMargin, ccxt.async_support.bitget):  # type: ignore[misc]  # noqa: N801 - ccxt's name; its own types differ
    """ccxt's async `bitget` with batch cancel on cross margin and one confirmed outcome per order."""
