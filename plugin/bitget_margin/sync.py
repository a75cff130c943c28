"""Sync flavour: `bitget_margin.bitget`."""

from collections.abc import Iterable
from typing import Any

import ccxt

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
from bitget_margin.adapter.ccxt_types import Order, Params
from bitget_margin.adapter.exchange import CrossedMargin
from bitget_margin.adapter.params import is_cross, is_isolated, places_cross
from bitget_margin.adapter.sessions import Sessions
from bitget_margin.adapter.transport import PACED
from bitget_margin.core.effects import Flow, T
from bitget_margin.core.outcome import CancelReport
from bitget_margin.drivers.threaded import ThreadedDriver

ccxt_parts.require("sync", ccxt_parts.check_sync(ccxt.bitget))


class bitget(CrossedMargin, Sessions, ccxt.bitget):  # type: ignore[misc]  # noqa: N801 - ccxt's name; its own types differ
    """ccxt's `bitget` with batch cancel on cross margin and one confirmed outcome per order.

    Calls without a margin mode, and calls on isolated margin, are stock ccxt's. Use one instance per thread.
    """

    def __init__(self, config: Any = {}) -> None:
        """Create the exchange object as ccxt does."""
        ccxt_parts.warn_of_untested_ccxt()
        super().__init__(config)

    def batch_cancel(
        self,
        ids: Iterable[str] = (),
        symbol: str | None = None,
        client_order_ids: Iterable[str] = (),
        params: Params = {},
    ) -> CancelReport:
        """Cancel cross margin orders of one symbol and confirm the final state of each.

        https://www.bitget.com/api-doc/margin/cross/trade/Cross-Batch-Cancel-Order

        :param ids: order ids, any number
        :param symbol: unified symbol, such as `BTC/USDT`
        :param client_order_ids: client order ids of further orders, any number
        :param params: `confirm` (default True), `timeout` (ms for the whole call, default 10000), `batchSize`
            (1 to 50, default 50); your own defaults go into `options['batchCancel']`
        :returns: a `CancelReport` with one result per distinct order, in the given order
        :raises CancelUnresolved: not every order is resolved at the deadline; the exception has the report
        :raises ccxt.BadRequest: an invalid argument, before anything is sent
        :raises ccxt.BaseError: a definitive refusal, as in stock ccxt; `report_of(exception)` returns the report
        """
        return self.perform(cancel.batch_cancel(self, ids, symbol, client_order_ids, params))

    def cancel_orders(self, ids: list[str], symbol: str | None = None, params: Params = {}) -> list[Order]:
        """Cancel orders of one symbol; on cross margin with one order structure per distinct id.

        :param ids: order ids
        :param symbol: unified symbol
        :param params: `marginMode` ('cross'), `clientOrderIds` (further orders), `confirm` (default False),
            `timeout`, `batchSize`
        :returns: order structures; `status` is None for an acknowledged cancel, as in stock ccxt
        :raises CancelUnresolved: see `batch_cancel`
        """
        if not is_cross(self, "cancelOrders", symbol, params):
            self.perform(account.refuse_isolated(self, "cancelOrders", symbol, params))
            return super().cancel_orders(ids, symbol, params)
        return self.perform(cancel.cancel_orders(self, ids, symbol, params))

    def cancel_order(self, id: str, symbol: str | None = None, params: Params = {}) -> Order:  # noqa: A002
        """Cancel one order, by id or by `params['clientOrderId']`.

        https://www.bitget.com/api-doc/margin/cross/trade/Cross-Cancel-Order

        :param id: order id; None with `params['clientOrderId']`
        :param symbol: unified symbol
        :param params: `marginMode` ('cross'), `clientOrderId`, `confirm` (default False), `timeout`
        :returns: an order structure; `status` is None for an acknowledged cancel
        :raises ccxt.OrderNotFound: the venue has no such order, as in stock ccxt
        :raises CancelUnresolved: see `batch_cancel`
        """
        if not is_cross(self, "cancelOrder", symbol, params):
            self.perform(account.refuse_isolated(self, "cancelOrder", symbol, params))
            return super().cancel_order(id, symbol, params)
        return self.perform(cancel.cancel_order(self, id, symbol, params))

    def cancel_orders_for_symbols(self, orders: list[Any], params: Params = {}) -> list[Order]:
        """Cancel cross margin orders of several symbols.

        :param orders: ccxt's cancellation requests: `symbol` and either `id` or `clientOrderId`
        :param params: as in `cancel_orders`
        :returns: one order structure per distinct order, in the given order
        """
        if not is_cross(self, "cancelOrdersForSymbols", None, params):
            self.perform(account.refuse_isolated_orders(self, "cancelOrdersForSymbols", orders, params))
            return super().cancel_orders_for_symbols(orders, params)  # type: ignore[no-any-return]
        return self.perform(cancel.cancel_orders_for_symbols(self, orders, params))

    def cancel_all_orders(self, symbol: str | None = None, params: Params = {}) -> list[Order]:
        """Cancel all open orders of a symbol, or of the account; confirm it by the balance, or by the lists.

        On a unified account with more orders than one batch takes, one request cancels all of them
        (https://www.bitget.com/api-doc/uta/trade/Cancel-All-Order), also those that no list shows or that are placed
        meanwhile.

        :param symbol: unified symbol; None for all symbols
        :param params: `symbols` (unified symbols to examine one by one if the venue cannot list all at once; default:
            all active cross margin markets), `progress` (called with done, total, symbol), `confirm`, `timeout` (ms per
            symbol), `batchSize`
        :returns: one order structure per order that was open
        :raises CancelUnresolved: an order is not resolved, a symbol could not be examined, or coins stay frozen
        """
        if not is_cross(self, "cancelAllOrders", symbol, params):
            self.perform(account.refuse_isolated(self, "cancelAllOrders", symbol, params))
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
        """Place an order; a cross margin order at most once, even if the response is lost.

        https://www.bitget.com/api-doc/margin/cross/trade/Cross-Place-Order

        If the response does not show whether the order was placed, it is queried by its client order id (generated if
        you give none), and never sent again.

        :param symbol: unified symbol
        :param type: `limit` or `market`
        :param side: `buy` or `sell`
        :param amount: base amount; the cost of a market buy if `createMarketBuyOrderRequiresPrice` is False
        :param price: limit price in quote currency
        :param params: `marginMode` ('cross'), `clientOrderId`, `timeout` (ms for the whole call, default 10000),
            `urgent` (placed also while a shared rate window is down)
        :returns: an order structure
        :raises PlaceUnresolved: it may have been placed, and no query found it before `params['timeout']`
        :raises ccxt.DuplicateOrderId: another order has the client order id; nothing was placed
        :raises ccxt.NotSupported: a conditional order, which stock ccxt sends to the spot wallet
        """
        if not places_cross(self, "createOrder", symbol, params):
            self.perform(account.refuse_isolated(self, "createOrder", symbol, params))
            return super().create_order(symbol, type, side, amount, price, params)
        order = (type, side, amount, price)
        return self.perform(place.create_order(self, symbol, order, params))

    def create_orders(self, orders: list[Any], params: Params = {}) -> list[Order]:
        """Place up to 50 orders of one symbol with one request; each cross margin order at most once.

        https://www.bitget.com/api-doc/margin/cross/trade/Cross-Batch-Order

        :param orders: ccxt's order requests, all with `params['marginMode']` 'cross' (or the option of that name)
        :param params: `timeout` (ms for the whole call), `urgent` (placed also while a shared rate window is down)
        :returns: one order structure per request, in the same order; a refused one has `status` 'rejected', and the
            venue's reason in its `info`
        :raises PlaceUnresolved: some may have been placed, and no query found them; its `orders` has all structures
        """
        if not place.batch_is_cross(self, orders, params):
            self.perform(account.refuse_isolated_orders(self, "createOrders", orders, params))
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
        """Edit an order; a cross margin order of a unified account with proof, and at most once.

        https://www.bitget.com/api-doc/uta/trade/Modify-Order

        The order keeps its id. It is looked up before the request, and after it until a row shows the new values.

        :param id: order id; None with `params['clientOrderId']`
        :param symbol: unified symbol
        :param type: `limit`
        :param side: side of the order, which cannot be changed
        :param amount: new amount in base coins, of which a part may be filled; None to keep it
        :param price: new limit price; None to keep it
        :param params: `marginMode` ('cross'), `clientOrderId`, `timeout` (ms for the whole call), `autoCancel` ('yes':
            the venue cancels the order if the edit fails), `requestId` (text that the websocket pushes with the order)
        :returns: an order structure with the new values
        :raises ChangeUnresolved: it may have been edited, and no query showed it before `params['timeout']`
        :raises ccxt.OrderNotFound: the venue has no such order, or it has ended; nothing was changed
        :raises ccxt.NotSupported: a classic account, which has no such endpoint
        """
        if not places_cross(self, "editOrder", symbol, params):
            self.perform(account.refuse_isolated(self, "editOrder", symbol, params))
            return super().edit_order(id, symbol, type, side, amount, price, params)
        return self.perform(change.edit_order(self, id, symbol, (type, side, amount, price), params))

    def cancel_all_orders_after(self, timeout: int | None, params: Params = {}) -> Any:
        """Let the venue cancel every order of a unified account unless this is called again in time.

        https://www.bitget.com/api-doc/uta/trade/CountDown-Cancel-All

        The account has one timer, and its end cancels the orders of **all** categories: spot, margin and futures, of
        all programs and by hand. Bitget enables it on request. After an exception, take the timer for running.

        :param timeout: ms until then, in whole seconds from 5000 to 60000; 0 ends the timer
        :param params: `marginMode` ('cross'), `timeout` (ms for this call)
        :returns: the venue's response
        :raises ChangeUnresolved: the timer may have been started or ended
        :raises ccxt.NotSupported: a classic account, which has no such timer
        """
        if not is_cross(self, "cancelAllOrdersAfter", None, params):
            self.perform(account.refuse_isolated(self, "cancelAllOrdersAfter", None, params))
            return super().cancel_all_orders_after(timeout, params)
        return self.perform(change.cancel_all_orders_after(self, timeout, params))

    def fetch_order(self, id: str, symbol: str | None = None, params: Params = {}) -> Order:  # noqa: A002
        """Fetch one order; a cross margin order from open-orders, then history-orders.

        https://www.bitget.com/api-doc/margin/cross/trade/Get-Cross-Order-History

        :param id: order id; None with `params['clientOrderId']`
        :param symbol: unified symbol
        :param params: `marginMode` ('cross'), `clientOrderId`, `timeout`
        :returns: an order structure
        :raises ccxt.OrderNotFound: neither list has it; history can lag behind, so this is no proof
        """
        if not is_cross(self, "fetchOrder", symbol, params):
            self.perform(account.refuse_isolated(self, "fetchOrder", symbol, params))
            return super().fetch_order(id, symbol, params)
        return self.perform(fetch.fetch_order(self, id, symbol, params))

    def fetch_open_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = {},
    ) -> list[Order]:
        """Fetch open orders; cross margin orders of all pages.

        https://www.bitget.com/api-doc/margin/cross/trade/Get-Cross-Open-Orders

        :param symbol: unified symbol; None for all symbols
        :param since: earliest creation time, epoch ms
        :param limit: maximum number; the oldest from `since` on, without it the newest
        :param params: `marginMode` ('cross'), `until` (latest creation time, epoch ms), `timeout`
        :returns: order structures, oldest first
        """
        if not is_cross(self, "fetchOpenOrders", symbol, params):
            self.perform(account.refuse_isolated(self, "fetchOpenOrders", symbol, params))
            return super().fetch_open_orders(symbol, since, limit, params)
        return self.perform(fetch.fetch_open_orders(self, symbol, since, limit, params))

    def fetch_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = {},
    ) -> list[Order]:
        """Fetch cross margin orders, open and ended ones of the last 90 days.

        https://www.bitget.com/api-doc/margin/cross/trade/Get-Cross-Order-History

        :param symbol: unified symbol; None for all symbols, where the venue lists them
        :param since: earliest creation time, epoch ms
        :param limit: maximum number; the oldest from `since` on, without it the newest
        :param params: `marginMode` ('cross'), `until` (latest creation time, epoch ms), `timeout`
        :returns: order structures, oldest first, each order once
        :raises ccxt.NotSupported: without cross margin, as in stock ccxt
        """
        if not is_cross(self, "fetchOrders", symbol, params):
            self.perform(account.refuse_isolated(self, "fetchOrders", symbol, params))
            return super().fetch_orders(symbol, since, limit, params)  # type: ignore[no-any-return]
        return self.perform(history.fetch_orders(self, symbol, since, limit, params))

    def fetch_canceled_and_closed_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = {},
    ) -> list[Order]:
        """Fetch ended orders; cross margin orders of the last 90 days, from all pages.

        https://www.bitget.com/api-doc/margin/cross/trade/Get-Cross-Order-History

        :param symbol: unified symbol; None for all symbols, where the venue lists them
        :param since: earliest creation time, epoch ms
        :param limit: maximum number; the oldest from `since` on, without it the newest
        :param params: `marginMode` ('cross'), `until` (latest creation time, epoch ms), `timeout`
        :returns: order structures, oldest first
        """
        if not is_cross(self, "fetchCanceledAndClosedOrders", symbol, params):
            self.perform(account.refuse_isolated(self, "fetchCanceledAndClosedOrders", symbol, params))
            return super().fetch_canceled_and_closed_orders(symbol, since, limit, params)
        return self.perform(
            history.fetch_ended_orders(self, "fetch_canceled_and_closed_orders", symbol, (since, limit), params)
        )

    def fetch_closed_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = {},
    ) -> list[Order]:
        """Fetch filled orders; cross margin orders of the last 90 days, from all pages.

        https://www.bitget.com/api-doc/margin/cross/trade/Get-Cross-Order-History

        :param symbol: unified symbol; None for all symbols, where the venue lists them
        :param since: earliest creation time, epoch ms
        :param limit: maximum number; the oldest from `since` on, without it the newest
        :param params: `marginMode` ('cross'), `until` (latest creation time, epoch ms), `timeout`
        :returns: order structures, oldest first
        """
        if not is_cross(self, "fetchClosedOrders", symbol, params):
            self.perform(account.refuse_isolated(self, "fetchClosedOrders", symbol, params))
            return super().fetch_closed_orders(symbol, since, limit, params)
        return self.perform(
            history.fetch_ended_orders(self, "fetch_closed_orders", symbol, (since, limit), params, history.CLOSED)
        )

    def fetch_canceled_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = {},
    ) -> list[Order]:
        """Fetch canceled orders; cross margin orders of the last 90 days, from all pages.

        https://www.bitget.com/api-doc/margin/cross/trade/Get-Cross-Order-History

        :param symbol: unified symbol; None for all symbols, where the venue lists them
        :param since: earliest creation time, epoch ms
        :param limit: maximum number; the oldest from `since` on, without it the newest
        :param params: `marginMode` ('cross'), `until` (latest creation time, epoch ms), `timeout`
        :returns: order structures, oldest first
        """
        if not is_cross(self, "fetchCanceledOrders", symbol, params):
            self.perform(account.refuse_isolated(self, "fetchCanceledOrders", symbol, params))
            return super().fetch_canceled_orders(symbol, since, limit, params)
        return self.perform(
            history.fetch_ended_orders(self, "fetch_canceled_orders", symbol, (since, limit), params, history.CANCELED)
        )

    def fetch_my_trades(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = {},
    ) -> list[Any]:
        """Fetch fills; those of cross margin orders of the last 90 days, from all pages.

        https://www.bitget.com/api-doc/margin/cross/trade/Get-Cross-Order-Fills

        :param symbol: unified symbol; None for all symbols, where the venue lists them
        :param since: earliest time of a fill, epoch ms
        :param limit: maximum number; the oldest from `since` on, without it the newest
        :param params: `marginMode` ('cross'), `until` (latest time of a fill, epoch ms), `timeout`
        :returns: ccxt's trade structures, oldest first; `fee` is a cost, negative if credited
        """
        if not is_cross(self, "fetchMyTrades", symbol, params):
            self.perform(account.refuse_isolated(self, "fetchMyTrades", symbol, params))
            return super().fetch_my_trades(symbol, since, limit, params)
        return self.perform(history.fetch_my_trades(self, symbol, since, limit, params))

    def fetch_order_trades(
        self,
        id: str,  # noqa: A002
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = {},
    ) -> list[Any]:
        """Fetch the fills of one cross margin order.

        https://www.bitget.com/api-doc/margin/cross/trade/Get-Cross-Order-Fills

        :param id: order id
        :param symbol: unified symbol; None for all symbols, where the venue lists them
        :param since: earliest time of a fill, epoch ms
        :param limit: maximum number; the oldest from `since` on, without it the newest
        :param params: `marginMode` ('cross'), `until` (latest time of a fill, epoch ms), `timeout`
        :returns: ccxt's trade structures, oldest first
        :raises ccxt.NotSupported: without cross margin, as in stock ccxt
        """
        if not is_cross(self, "fetchOrderTrades", symbol, params):
            self.perform(account.refuse_isolated(self, "fetchOrderTrades", symbol, params))
            return super().fetch_order_trades(id, symbol, since, limit, params)  # type: ignore[no-any-return]
        return self.perform(history.fetch_order_trades(self, id, symbol, (since, limit), params))

    def fetch_ledger(
        self,
        code: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = {},
    ) -> list[Any]:
        """Fetch changes of the balance; those of the cross margin account of the last 90 days.

        https://www.bitget.com/api-doc/margin/cross/record/Get-Cross-Finance-Flow-History

        :param code: ccxt's code of a coin; None for all coins
        :param since: earliest time of a change, epoch ms
        :param limit: maximum number; the oldest from `since` on, without it the newest
        :param params: `marginMode` ('cross'), `until` (latest time of a change, epoch ms), `timeout`
        :returns: ccxt's ledger structures, oldest first
        """
        if not financial_records.concerns_cross(self, params):
            self.perform(account.refuse_isolated(self, "fetchLedger", None, params))
            return super().fetch_ledger(code, since, limit, params)
        return self.perform(financial_records.fetch_ledger(self, code, since, limit, params))

    def fetch_my_liquidations(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = {},
    ) -> list[Any]:
        """Fetch liquidations; those of the cross margin account have no symbol.

        https://www.bitget.com/api-doc/margin/cross/record/Get-Cross-Liquidation-Records

        :param symbol: not used: a liquidation concerns the whole account
        :param since: earliest end of a liquidation, epoch ms
        :param limit: maximum number; the oldest from `since` on, without it the newest
        :param params: `marginMode` ('cross'), `until` (latest end of a liquidation, epoch ms), `timeout`
        :returns: ccxt's liquidation structures, oldest first
        :raises ccxt.NotSupported: a unified account, which has no list of them
        """
        if not is_cross(self, "fetchMyLiquidations", symbol, params):
            self.perform(account.refuse_isolated(self, "fetchMyLiquidations", symbol, params))
            return super().fetch_my_liquidations(symbol, since, limit, params)
        return self.perform(financial_records.fetch_my_liquidations(self, symbol, since, limit, params))

    def fetch_balance(self, params: Params = {}) -> Any:
        """Fetch the balance; the cross margin balance with `free`, `used` and `debt`.

        https://www.bitget.com/api-doc/margin/cross/account/Get-Cross-Assets

        :param params: `marginMode` ('cross')
        :returns: ccxt's balance structure
        """
        if not fetch.balance_is_cross(self, params):
            self.perform(account.refuse_isolated(self, "fetchBalance", None, params))
            return super().fetch_balance(params)
        return self.perform(fetch.fetch_balance(self, params))

    def borrow_cross_margin(self, code: str, amount: float, params: Params = {}) -> Any:
        """Borrow coins on a classic account, at most once; an unclear response is looked up in the records.

        https://www.bitget.com/api-doc/margin/cross/account/Cross-Borrow

        :param code: coin, such as `USDT`
        :param amount: amount of the coin, cut to eight decimals
        :param params: `timeout` (ms for the whole call)
        :returns: ccxt's structure of a margin loan
        :raises ChangeUnresolved: it may have been borrowed, and no record showed it before `params['timeout']`
        :raises ccxt.NotSupported: a unified account, whose orders borrow by themselves
        """
        return self.perform(loans.borrow_cross_margin(self, code, amount, params))

    def repay_cross_margin(self, code: str, amount: float, params: Params = {}) -> Any:
        """Repay a debt, at most once: a part on a classic account, all of it on a unified one.

        https://www.bitget.com/api-doc/margin/cross/account/Cross-Repay, https://www.bitget.com/api-doc/uta/account/Repay

        :param code: coin that is owed
        :param amount: amount of the coin; on a unified account at least the debt, since the venue takes no amount
        :param params: `paymentCoin` (unified: code of the coin that pays, default the coin itself), `timeout`
        :returns: ccxt's structure of a margin loan with the amount that was repaid
        :raises ChangeUnresolved: it may have been repaid, and no query showed it before `params['timeout']`
        :raises ccxt.NotSupported: a part of the debt of a unified account
        """
        return self.perform(loans.repay_cross_margin(self, code, amount, params))

    def fetch_borrow_interest(
        self,
        code: str | None = None,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = {},
    ) -> list[Any]:
        """Fetch the interest that was charged; by default that of the cross margin account, of all pages.

        https://www.bitget.com/api-doc/margin/cross/record/Get-Cross-Interest-Records

        :param code: coin; None for all
        :param symbol: for isolated margin; cross margin interest is of no symbol
        :param since: earliest time, epoch ms
        :param limit: maximum number of charges
        :param params: `marginMode` ('cross'), `until` (latest time, epoch ms), `timeout`
        :returns: ccxt's structures of borrow interest, oldest first
        """
        if is_isolated(self, "fetchBorrowInterest", symbol, params):
            self.perform(account.refuse_isolated(self, "fetchBorrowInterest", symbol, params))
            return super().fetch_borrow_interest(code, symbol, since, limit, params)
        return self.perform(loans.fetch_borrow_interest(self, code, symbol, (since, limit), params))

    def fetch_cross_borrow_rate(self, code: str, params: Params = {}) -> Any:
        """Fetch the daily interest rate of a coin on cross margin.

        https://www.bitget.com/api-doc/margin/cross/account/Get-Cross-Margin-Interest-Rate-And-Borrowable

        :param code: coin
        :param params: `timeout`
        :returns: ccxt's structure of a borrow rate
        """
        return self.perform(loans.fetch_cross_borrow_rate(self, code, params))

    def fetch_cross_borrow_rates(self, params: Params = {}) -> Any:
        """Refuse to fetch the rates of all coins: the venue answers for one coin per request."""
        loans.refuse_all_rates(self, params)

    def fetch_cross_margin_level(self, params: Params = {}) -> Any:
        """Fetch the margin level of the cross margin account, which the venue liquidates at `liquidationLevel`.

        https://www.bitget.com/api-doc/margin/cross/account/Get-Cross-Risk-Rate, https://www.bitget.com/api-doc/uta/account/Get-Account

        :param params: `timeout` (ms for the whole call)
        :returns: `marginLevel` (None where the venue gives none), `warningLevel`, `liquidationLevel`, `marginMode`,
            `timestamp`, `datetime`, and as `info` the venue's data: on a unified account those of the whole account
        :raises ccxt.BadResponse: the venue's level is no number, or below zero
        """
        return self.perform(margin_level.fetch_cross_margin_level(self, params))

    def fetch_leverage(self, symbol: str, params: Params = {}) -> Any:
        """Fetch the leverage of a pair; on cross margin that of the coins that a position borrows.

        :param symbol: unified symbol
        :param params: `marginMode` ('cross')
        :returns: ccxt's leverage structure: of the quote coin as `longLeverage`, of the base coin as `shortLeverage`
        """
        if not is_cross(self, "fetchLeverage", symbol, params):
            self.perform(account.refuse_isolated(self, "fetchLeverage", symbol, params))
            return super().fetch_leverage(symbol, params)
        return self.perform(margin_settings.fetch_leverage(self, symbol, params))

    def set_leverage(self, leverage: int, symbol: str | None = None, params: Params = {}) -> Any:
        """Set the leverage; on cross margin that of a coin, on a unified account only.

        https://www.bitget.com/api-doc/uta/account/Change-Leverage

        :param leverage: whole number
        :param symbol: for contracts; cross margin has leverage by coin
        :param params: `marginMode` ('cross'), `code` (the coin), `timeout`
        :returns: the coin, its leverage, and its row of the settings as `info`
        :raises ChangeUnresolved: it may have been set, and the settings did not show it before `params['timeout']`
        :raises ccxt.NotSupported: a classic account, which has no such endpoint
        """
        if not is_cross(self, "setLeverage", symbol, params):
            self.perform(account.refuse_isolated(self, "setLeverage", symbol, params))
            return super().set_leverage(leverage, symbol, params)
        return self.perform(margin_settings.set_leverage(self, leverage, params))

    def fetch_margin_mode(self, symbol: str, params: Params = {}) -> Any:
        """Fetch the margin mode of a pair: `cross` if it is asked for, and the pair is traded there.

        :param symbol: unified symbol
        :param params: `marginMode` ('cross')
        :returns: ccxt's margin mode structure
        """
        if not is_cross(self, "fetchMarginMode", symbol, params):
            self.perform(account.refuse_isolated(self, "fetchMarginMode", symbol, params))
            return super().fetch_margin_mode(symbol, params)
        return self.perform(margin_settings.fetch_margin_mode(self, symbol, params))

    def set_margin_mode(self, marginMode: str, symbol: str | None = None, params: Params = {}) -> Any:  # noqa: N803 - ccxt's name
        """Set the margin mode of a contract; that of spot pairs is no setting, and each call takes it.

        :param marginMode: `cross` or `isolated`
        :param symbol: unified symbol of a contract
        """
        margin_settings.refuse_margin_mode(self, symbol, params)
        return super().set_margin_mode(marginMode, symbol, params)

    def fetch_markets(self, params: Params = {}) -> list[Any]:
        """Fetch the markets; a spot market has the numbers of cross margin orders in `crossMargin`.

        https://www.bitget.com/api-doc/margin/common/support-currencies
        https://www.bitget.com/api-doc/uta/public/Instruments

        :returns: ccxt's market structures; `margin` and `marginModes` are None if the list of margin pairs is down
        """
        with margin_markets.loading() as current:
            markets = super().fetch_markets(params)
        if margin_markets.needs_list(current, markets):
            self.perform(margin_markets.read(self, current, unified=True))
        return margin_markets.add_numbers(self, markets, current)

    def publicMarginGetV2MarginCurrencies(self, params: Params = {}) -> Any:  # noqa: N802 - ccxt's name
        """Request the list of margin pairs; as a part of `fetch_markets`, which does not fail with it."""
        current = margin_markets.current_load()
        if current is None:
            return super().publicMarginGetV2MarginCurrencies(params)
        self.perform(margin_markets.read(self, current))
        return margin_markets.list_for_ccxt(current)

    public_margin_get_v2_margin_currencies = publicMarginGetV2MarginCurrencies
    """ccxt takes the method under its first name from the one under this name."""

    def handle_uta_and_params(
        self,
        params: Params,
        methodName: str | None,  # noqa: N803 - ccxt's name
        defaultValue: bool = False,  # noqa: N803 - ccxt's form
    ) -> list[Any]:
        """Return ccxt's `[uta, params]`; a failed query of the account kind raises."""
        return self.perform(account.query_account_kind(self, methodName, params, defaultValue))

    def fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        """Send a request as ccxt does; a signed request follows no redirect."""
        with sessions.sending(headers):
            return super().fetch(url, method, headers, body)  # type: ignore[no-untyped-call]  # ccxt has no type here

    def throttle(self, cost: float | None = None) -> None:
        """Wait as ccxt does, except for requests that have waited for their own rate window."""
        if not PACED.get():
            # Where the clock was set back since the last request, ccxt would sleep until it has caught up.
            self.lastRestRequestTimestamp = min(self.lastRestRequestTimestamp, self.milliseconds())
            super().throttle(cost)  # type: ignore[no-untyped-call]  # ccxt has no type here

    def perform(self, flow: Flow[T]) -> T:
        """Run a flow of the adapter and return its result."""
        return ThreadedDriver(self).run(flow)
