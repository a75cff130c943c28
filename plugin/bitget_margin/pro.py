"""Websocket flavour: `bitget_margin.pro.bitget`, with the REST calls of the async flavour."""

import json
from typing import Any, cast

import ccxt.pro
from ccxt.async_support.base.ws.cache import ArrayCacheBySymbolById

from bitget_margin.adapter import account, sessions, watch
from bitget_margin.adapter.ccxt_types import Order, Params
from bitget_margin.adapter.params import is_cross, spot_market
from bitget_margin.async_support import AsyncCrossedMargin

_ORDERS_KEPT = 1000
"""Default of `options['ordersLimit']`, as in ccxt."""


class bitget(AsyncCrossedMargin, ccxt.pro.bitget):  # type: ignore[misc]  # noqa: N801 - ccxt's name; its own types differ
    """ccxt's pro `bitget` with batch cancel on cross margin and one confirmed outcome per order."""

    crossed_orders: Any = None
    """Cache of pushed cross margin orders; those of the spot wallet are in `orders`."""
    _unseen: frozenset[str] = frozenset()
    """Symbols with a push that no call of `watch_orders` has returned yet."""

    async def watch_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = {},
    ) -> list[Order]:
        """Wait for changed cross margin orders of a symbol and return those that changed since the last call.

        The end of the connection raises, and the next call connects again: changes in between are not pushed. A pushed
        final state does not confirm a cancel.

        https://www.bitget.com/api-doc/margin/cross/websocket/private/Cross-Orders

        :param symbol: unified symbol
        :param since: earliest creation time, epoch ms
        :param limit: maximum number of orders, the latest ones
        :param params: `marginMode` ('cross')
        :returns: order structures
        :raises ccxt.NotSupported: a unified account, whose orders the channel does not push
        """
        if not is_cross(self, "watchOrders", symbol, params):
            await self.perform(account.refuse_isolated(self, "watchOrders", symbol, params))
            return await super().watch_orders(symbol, since, limit, params)
        named = watch.checked_symbol(self, symbol, params)
        await self.load_markets()
        market = spot_market(self, watch.METHOD, named)
        unified, _ = await self.handle_uta_and_params(params, "watchOrders")
        if unified:
            watch.refuse_unified(self)
        changed = market["symbol"]
        if changed not in self._unseen:
            topic = watch.topic(changed)
            await self.watch_private(False, topic, topic, watch.argument(market["id"]))
        self._unseen -= {changed}
        if self.newUpdates:
            limit = self.crossed_orders.getLimit(changed, limit)
        orders = self.filter_by_symbol_since_limit(self.crossed_orders, changed, since, limit, True)
        # Copies, since the cache keeps changing its orders.
        return [cast("Order", dict(order)) for order in orders]

    def client(self, url: str) -> Any:
        """Return ccxt's websocket client. Its handshake follows no redirect: a login stays with the venue."""
        return sessions.without_redirects(super().client(url))  # type: ignore[no-untyped-call]  # ccxt has no type

    def handle_order(self, client: Any, message: dict[str, Any]) -> None:
        """Store pushed orders and resolve waiting calls; an unreadable push ends the connection."""
        if not watch.is_ours(message):
            super().handle_order(client, message)
            return
        try:
            symbol, orders = watch.orders(self, message)
        except ccxt.BadResponse as error:
            client.on_error(error)
            return
        if self.crossed_orders is None:
            self.crossed_orders = ArrayCacheBySymbolById(self.options.get("ordersLimit", _ORDERS_KEPT))
        for order in orders:
            self.crossed_orders.append(order)
        if orders:
            self._unseen |= {symbol}
            client.resolve(self.crossed_orders, watch.topic(symbol))

    def handle_error_message(self, client: Any, message: Any) -> Any:
        """Return whether this is an error, as ccxt does; on the private websocket, end the connection.

        ccxt would keep the connection, with a failed subscription or login, and the next call would wait forever.
        """
        is_error = super().handle_error_message(client, message)
        if is_error and client.url == self.urls["api"]["ws"]["private"]:
            client.on_error(ccxt.NetworkError(f"{self.id}: the connection ended with {json.dumps(message)}"))
        return is_error
