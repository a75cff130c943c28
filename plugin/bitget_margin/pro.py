"""The websocket flavour: `bitget_margin.pro.bitget`; its REST calls are those of the async one."""

from __future__ import annotations

import json
from typing import Any, cast

import ccxt.pro
from ccxt.async_support.base.ws.cache import ArrayCacheBySymbolById

from bitget_margin.adapter import sessions, watch
from bitget_margin.adapter.ccxt_types import Order, Params
from bitget_margin.adapter.params import is_cross, spot_market
from bitget_margin.async_support import AsyncCrossedMargin

_ORDERS_KEPT = 1000
"""As many as ccxt keeps, unless `options['ordersLimit']` says otherwise."""


class bitget(AsyncCrossedMargin, ccxt.pro.bitget):  # type: ignore[misc]  # noqa: N801 - ccxt's name; its own types differ
    """ccxt's pro `bitget`, whose crossed margin orders can be cancelled in batches, with one true answer each."""

    crossed_orders: Any = None
    """The crossed margin orders that were pushed, apart from those of the spot wallet in `orders`."""
    _unseen: frozenset[str] = frozenset()
    """Symbols with a push that no call has returned yet."""

    async def watch_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = {},
    ) -> list[Order]:
        """Return the crossed margin orders of a symbol that changed since the last call, once there are any.

        `since` is in ms, and of their creation; `limit` keeps the latest so many. Whatever ends the connection raises,
        and the next call connects again: what changed meanwhile is not pushed. A pushed end is no proof of a cancel.

        https://www.bitget.com/api-doc/margin/cross/websocket/private/Cross-Orders
        """
        if not is_cross(self, "watchOrders", symbol, params):
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
        # Copies: the cache goes on to change what it holds.
        return [cast("Order", dict(order)) for order in orders]

    def client(self, url: str) -> Any:
        """Return ccxt's client of a websocket; its handshake follows no redirect, so that no login leaves the venue."""
        return sessions.without_redirects(super().client(url))  # type: ignore[no-untyped-call]  # ccxt has no type

    def handle_order(self, client: Any, message: dict[str, Any]) -> None:
        """Take pushed orders; a push that cannot be read ends the connection, and with it whoever waits."""
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
        """Return whether this is an error, as ccxt does; on the private websocket, it ends the connection.

        ccxt would keep the connection, and on it the subscription that failed or a login that nobody answers any more:
        the next call would wait for ever.
        """
        refused = super().handle_error_message(client, message)
        if refused and client.url == self.urls["api"]["ws"]["private"]:
            client.on_error(ccxt.NetworkError(f"{self.id}: the connection ended with {json.dumps(message)}"))
        return refused
