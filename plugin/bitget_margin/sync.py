"""The sync flavour: `bitget_margin.bitget`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ccxt

from bitget_margin.adapter import cancel, fetch, place, sessions
from bitget_margin.adapter.ccxt_types import Order, Params
from bitget_margin.adapter.exchange import CrossedMargin
from bitget_margin.adapter.params import is_cross, places_cross
from bitget_margin.adapter.sessions import Sessions
from bitget_margin.adapter.transport import PACED
from bitget_margin.core.effects import Flow, T
from bitget_margin.core.outcome import CancelReport
from bitget_margin.drivers.threaded import ThreadedDriver


class bitget(CrossedMargin, Sessions, ccxt.bitget):  # type: ignore[misc]  # noqa: N801 - ccxt's name; its own types differ
    """ccxt's `bitget`, whose crossed margin orders can be cancelled in batches, with one true answer each.

    Everything without a margin mode, and everything on isolated margin, is stock ccxt's. One instance belongs to one
    thread.
    """

    def batch_cancel(
        self,
        ids: Iterable[str] = (),
        symbol: str | None = None,
        client_order_ids: Iterable[str] = (),
        params: Params = {},
    ) -> CancelReport:
        """Cancel crossed margin orders of one symbol, and prove the end of each.

        https://www.bitget.com/api-doc/margin/cross/trade/Cross-Batch-Cancel-Order

        :param ids: order ids, any number
        :param symbol: unified symbol, such as `BTC/USDT`
        :param client_order_ids: client order ids of further orders, any number
        :param params: `confirm` (default True), `timeout` (ms for the whole call, default 10000), `batchSize`
            (1 to 50, default 50); defaults of your own under `options['batchCancel']`
        :returns: a `CancelReport` with one result per distinct order, in the order in which they were named
        :raises CancelUnresolved: not every order is resolved at the deadline; the exception has the report
        :raises ccxt.BadRequest: a bad argument, before anything is sent
        :raises ccxt.BaseError: a definitive refusal, as in stock ccxt; `report_of(exception)` has the report
        """
        return self.perform(cancel.batch_cancel(self, ids, symbol, client_order_ids, params))

    def cancel_orders(self, ids: list[str], symbol: str | None = None, params: Params = {}) -> list[Order]:
        """Cancel orders of one symbol; on crossed margin with one order structure per distinct id.

        :param ids: order ids
        :param symbol: unified symbol
        :param params: `marginMode` ('cross'), `clientOrderIds` (further orders), `confirm` (default False),
            `timeout`, `batchSize`
        :returns: order structures; `status` is None for an acknowledged cancel, as in stock ccxt
        :raises CancelUnresolved: see `batch_cancel`
        """
        if not is_cross(self, "cancelOrders", symbol, params):
            return super().cancel_orders(ids, symbol, params)
        return self.perform(cancel.cancel_orders(self, ids, symbol, params))

    def cancel_order(self, id: str, symbol: str | None = None, params: Params = {}) -> Order:  # noqa: A002
        """Cancel one order, by id or by `params['clientOrderId']`.

        https://www.bitget.com/api-doc/margin/cross/trade/Cross-Cancel-Order

        :returns: an order structure; `status` is None for an acknowledged cancel
        :raises ccxt.OrderNotFound: the venue does not know the order, as in stock ccxt
        :raises CancelUnresolved: see `batch_cancel`
        """
        if not is_cross(self, "cancelOrder", symbol, params):
            return super().cancel_order(id, symbol, params)
        return self.perform(cancel.cancel_order(self, id, symbol, params))

    def cancel_orders_for_symbols(self, orders: list[Any], params: Params = {}) -> list[Order]:
        """Cancel crossed margin orders of several symbols.

        :param orders: ccxt's cancellation requests: `symbol` and either `id` or `clientOrderId`
        :param params: as in `cancel_orders`
        :returns: one order structure per distinct order, in the order in which they were named
        """
        if not is_cross(self, "cancelOrdersForSymbols", None, params):
            return super().cancel_orders_for_symbols(orders, params)  # type: ignore[no-any-return]
        return self.perform(cancel.cancel_orders_for_symbols(self, orders, params))

    def cancel_all_orders(self, symbol: str | None = None, params: Params = {}) -> list[Order]:
        """Cancel every open order of a symbol, or with None of the crossed account, proven by the balance.

        :param params: `symbols` (unified symbols to go through where the venue does not answer for all at once;
            default: all active crossed markets), `progress` (called with done, total, symbol), `confirm`, `timeout`
            (ms, for each symbol), `batchSize`
        :returns: one order structure per order that was open
        :raises CancelUnresolved: an order is not resolved, a symbol could not be examined, or coins stay frozen
        """
        if not is_cross(self, "cancelAllOrders", symbol, params):
            return super().cancel_all_orders(symbol, params)
        return self.perform(cancel.cancel_all_orders(self, symbol, params))

    def create_order(
        self,
        symbol: str,
        type: Any,  # noqa: A002
        side: Any,
        amount: float,
        price: Any = None,
        params: Params = {},
    ) -> Order:
        """Place an order; a crossed one at most once, whatever becomes of the answer.

        https://www.bitget.com/api-doc/margin/cross/trade/Cross-Place-Order

        Where the answer does not say whether the order was placed, it is looked up by its client order id (one is
        made if you give none), and never sent again.

        :raises PlaceUnresolved: it may have been placed, and no look-up showed it before `params['timeout']` (ms)
        :raises ccxt.NotSupported: a conditional order, which stock ccxt sends to the spot wallet
        """
        if not places_cross(self, "createOrder", symbol, params):
            return super().create_order(symbol, type, side, amount, price, params)
        order = (type, side, amount, price)
        return self.perform(place.create_order(self, symbol, order, params))

    def create_orders(self, orders: list[Any], params: Params = {}) -> list[Order]:
        """Place up to 50 orders of one symbol with one request; crossed ones at most once each.

        https://www.bitget.com/api-doc/margin/cross/trade/Cross-Batch-Order

        :param orders: ccxt's order requests, all with `params['marginMode']` 'cross' (or the option that says so)
        :param params: `timeout` (ms for the whole call)
        :returns: one order structure per request, in their order; a refused one has `status` 'rejected', and the
            venue's words in its `info`
        :raises PlaceUnresolved: some may have been placed, and no look-up showed them; `orders` has what is known
        """
        if not place.batch_is_cross(self, orders, params):
            return super().create_orders(orders, params)
        return self.perform(place.create_orders(self, orders, params))

    def edit_order(
        self,
        id: str,  # noqa: A002
        symbol: str,
        type: Any,  # noqa: A002
        side: Any,
        amount: Any = None,
        price: Any = None,
        params: Params = {},
    ) -> Order:
        """Edit an order; a crossed one is refused, which stock ccxt would send to the spot wallet."""
        if places_cross(self, "editOrder", symbol, params):
            cancel.refuse_edit(self)
        return super().edit_order(id, symbol, type, side, amount, price, params)

    def fetch_order(self, id: str, symbol: str | None = None, params: Params = {}) -> Order:  # noqa: A002
        """Fetch one order; a crossed one from open-orders, then history-orders.

        https://www.bitget.com/api-doc/margin/cross/trade/Get-Cross-Order-History

        :raises ccxt.OrderNotFound: neither shows it; history can lag, so this is not proof that it never was
        """
        if not is_cross(self, "fetchOrder", symbol, params):
            return super().fetch_order(id, symbol, params)
        return self.perform(fetch.fetch_order(self, id, symbol, params))

    def fetch_open_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = {},
    ) -> list[Order]:
        """Fetch open orders; crossed ones over all pages, or the newest `limit`.

        https://www.bitget.com/api-doc/margin/cross/trade/Get-Cross-Open-Orders
        """
        if not is_cross(self, "fetchOpenOrders", symbol, params):
            return super().fetch_open_orders(symbol, since, limit, params)
        return self.perform(fetch.fetch_open_orders(self, symbol, since, limit, params))

    def fetch_my_trades(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = {},
    ) -> list[Any]:
        """Fetch fills; of a unified account, crossed ones of this symbol alone.

        https://www.bitget.com/api-doc/uta/trade/Get-Order-Fills
        """
        if is_cross(self, "fetchMyTrades", symbol, params):
            self.load_markets()  # type: ignore[no-untyped-call]  # ccxt has no type here
            params = fetch.unified_fills(self, symbol, params)
        return super().fetch_my_trades(symbol, since, limit, params)

    def fetch_balance(self, params: Params = {}) -> Any:
        """Fetch the balance; the crossed one with `free`, `used` and `debt`.

        https://www.bitget.com/api-doc/margin/cross/account/Get-Cross-Assets
        """
        if not fetch.balance_is_cross(self, params):
            return super().fetch_balance(params)
        return self.perform(fetch.fetch_balance(self, params))

    def handle_uta_and_params(
        self,
        params: Params,
        methodName: str | None,  # noqa: N803 - ccxt's name
        defaultValue: bool = False,  # noqa: N803 - ccxt's form
    ) -> list[Any]:
        """Return ccxt's `[uta, params]`, and whether this is a unified account only by what the venue says."""
        return self.perform(fetch.query_account_kind(self, methodName, params, defaultValue))

    def fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        """Send a request as ccxt does; a signed one follows no redirect."""
        with sessions.sending(headers):
            return super().fetch(url, method, headers, body)  # type: ignore[no-untyped-call]  # ccxt has no type here

    def throttle(self, cost: float | None = None) -> None:
        """Wait as ccxt does, except for requests that have waited for their own window."""
        if not PACED.get():
            super().throttle(cost)  # type: ignore[no-untyped-call]  # ccxt has no type here

    def perform(self, flow: Flow[T]) -> T:
        """Run one of the adapter's flows, and return what it returns."""
        return ThreadedDriver(self).run(flow)
