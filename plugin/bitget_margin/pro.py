"""Websocket flavour: `bitget_margin.pro.bitget`, with the REST calls of the async flavour."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, cast

import ccxt.pro
from ccxt.async_support.base.ws.cache import ArrayCache, ArrayCacheBySymbolById

from bitget_margin.adapter import account, ccxt_parts, fetch, handshakes, spot_guard, watch
from bitget_margin.adapter.ccxt_types import Order, Params
from bitget_margin.adapter.params import is_cross, required_symbol, spot_market
from bitget_margin.adapter.pushed_fills import read_fills
from bitget_margin.adapter.pushed_orders import is_older, read_orders
from bitget_margin.adapter.transport import monotonic_ms
from bitget_margin.adapter.watch_state import Watching
from bitget_margin.async_support import AsyncCrossedMargin
from bitget_margin.core.endpoints import AccountKind

_KEPT: Final = 1000
"""Default of `options['ordersLimit']` and `options['tradesLimit']`, as in ccxt."""
_FILLS_MS: Final = 10_000.0
"""Time after the push of a filled order in which its fills must appear."""
_LOGIN_SECONDS: Final = 10.0
"""Time for a connection and its login."""
_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 1.0
ccxt_parts.require("pro", ccxt_parts.check_pro(ccxt.pro.bitget))


class bitget(AsyncCrossedMargin, ccxt.pro.bitget):  # type: ignore[misc]  # noqa: N801 - ccxt's name; its own types differ
    """ccxt's pro `bitget` with batch cancel on cross margin and one confirmed outcome per order."""

    crossed_orders: Any = None
    """Cache of pushed cross margin orders; those of the spot wallet are in `orders`."""
    crossed_trades: Any = None
    """Cache of fills of cross margin orders that were watched; those of the spot wallet are in `myTrades`."""
    crossed_balance: Any = None
    """Last pushed balance of the cross margin wallet; that of the spot wallet is in `balance`."""

    def __init__(self, config: Any = {}) -> None:
        """Create the exchange object as ccxt does."""
        self._watching = Watching()
        super().__init__(config)

    # -- methods ------------------------------------------------------------------------------------------------------

    async def watch_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = {},
    ) -> list[Order]:
        """Wait for changed cross margin orders and return those that changed since the last call.

        The end of the connection raises, and the next call connects again: changes in between are not pushed. A pushed
        final state does not confirm a cancel.

        https://www.bitget.com/api-doc/margin/cross/websocket/private/Cross-Orders
        https://www.bitget.com/api-doc/uta/websocket/private/Order-Channel

        :param symbol: unified symbol, required on a classic account; None for all symbols of a unified one
        :param since: earliest creation time, epoch ms
        :param limit: maximum number of orders, the latest ones
        :param params: `marginMode` ('cross')
        :returns: order structures
        """
        if not is_cross(self, "watchOrders", symbol, params):
            await self.perform(account.refuse_isolated(self, "watchOrders", symbol, params))
            return await super().watch_orders(symbol, since, limit, params)
        named = watch.check_call(self, "watch_orders", symbol, since, limit, params)
        kind, market = await self._open_watch("watch_orders", named)
        subscription = watch.orders_subscription(kind, market)
        of = None if market is None else market["symbol"]
        topic = subscription.hash if kind is AccountKind.CLASSIC else subscription.topic(of)
        if topic not in self._watching.unseen:
            await self._wait_for_push("watch_orders", subscription, topic, topic)
        self._watching.unseen.discard(topic)
        return cast("list[Order]", self._latest(self.crossed_orders, of, since, limit))

    async def watch_my_trades(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = {},
    ) -> list[Any]:
        """Wait for fills of cross margin orders and return those since the last call, each of them once.

        A classic account has no channel for them: they are fetched after the push of an order that has filled.

        https://www.bitget.com/api-doc/uta/websocket/private/Fill-Channel

        :param symbol: unified symbol, required on a classic account; None for all symbols of a unified one
        :param since: earliest time of a fill, epoch ms
        :param limit: maximum number of fills, the latest ones
        :param params: `marginMode` ('cross')
        :returns: trade structures
        """
        method = "watch_my_trades"
        if not is_cross(self, "watchMyTrades", symbol, params):
            await self.perform(account.refuse_isolated(self, "watchMyTrades", symbol, params))
            return await super().watch_my_trades(symbol, since, limit, params)
        named = watch.check_call(self, method, symbol, since, limit, params)
        kind, market = await self._open_watch(method, named)
        of = None if market is None else market["symbol"]
        if kind is AccountKind.CLASSIC:
            await self._next_classic_fills(method, market)
        else:
            topic = watch.UNIFIED_FILLS.topic(of)
            if topic not in self._watching.unseen:
                await self._wait_for_push(method, watch.UNIFIED_FILLS, topic, topic)
            self._watching.unseen.discard(topic)
        return self._latest(self.crossed_trades, of, since, limit)

    async def watch_private(
        self,
        uta: bool,
        messageHash: str,  # noqa: N803 - ccxt's name
        subscriptionHash: str,  # noqa: N803 - ccxt's name
        args: Any,
        params: Params = {},
    ) -> Any:
        """Subscribe as ccxt does; a cross margin call does not subscribe to the spot account."""
        spot_guard.check_subscription(self, args)
        return await super().watch_private(uta, messageHash, subscriptionHash, args, params)

    async def watch_balance(self, params: Params = {}) -> Any:
        """Wait for a changed balance of the cross margin wallet and return that of all pushed coins.

        https://www.bitget.com/api-doc/margin/cross/websocket/private/Margin-Cross-Account-Assets
        https://www.bitget.com/api-doc/uta/websocket/private/Account-Channel

        :param params: `marginMode` ('cross')
        :returns: balance structure with `free`, `used`, `total` and `debt`
        """
        if not fetch.balance_is_cross(self, params, "watchBalance"):
            await self.perform(account.refuse_isolated(self, "watchBalance", None, params))
            return await super().watch_balance(params)
        watch.check_balance_call(self, params)
        kind, _ = await self._open_watch("watch_balance", None)
        subscription = watch.balance_subscription(kind)
        if subscription.hash not in self._watching.unseen:
            await self._wait_for_push("watch_balance", subscription, subscription.hash, subscription.hash)
        self._watching.unseen.discard(subscription.hash)
        return self.crossed_balance

    def orders_pushed_since_ms(self, symbol: str | None = None) -> float | None:
        """Return the time, on the monotonic clock, since which changed orders are pushed without a gap.

        None where no connection is up whose subscription the venue has confirmed. Other threads may call it.

        :param symbol: unified symbol; None for all symbols of a unified account
        """
        return self._watching.orders_pushed_since_ms(self.clients, symbol)

    # -- the account kind ---------------------------------------------------------------------------------------------

    def learn_account_kind(self, kind: AccountKind) -> None:
        """Store the account kind that the venue has reported, and end connections of the other kind."""
        super().learn_account_kind(kind)
        before, self._watching.kind = self._watching.kind, kind
        if before is None or before is kind:
            return
        client = self.clients.get(watch.balance_subscription(before).url(self))
        if client is not None:
            client.on_error(
                ccxt.NetworkError(f"{self.id}: this is a {kind.value} account: the next call listens to it")
            )

    async def _open_watch(self, method: str, symbol: str | None) -> tuple[AccountKind, Any]:
        """Return the account kind and the market of a call; a classic account requires a symbol for orders."""
        whole = method == "watch_balance"
        if symbol is None and self._watching.kind is AccountKind.CLASSIC and not whole:
            required_symbol(self, method, symbol)
        await self.load_markets()
        market = None if symbol is None else spot_market(self, method, symbol)
        if self._watching.kind is None:
            await self.perform(account.confirm_account_kind(self, method))
        kind = self._watching.kind
        if kind is not AccountKind.UNIFIED and symbol is None and not whole:
            required_symbol(self, method, symbol)
        return kind or AccountKind.CLASSIC, market

    # -- waiting ------------------------------------------------------------------------------------------------------

    async def _wait_for_push(self, method: str, subscription: watch.Subscription, topic: str, waiter: str) -> None:
        """Wait for the next push of a topic; raise if the connection has ended since this waiter's last call."""
        clients, url = self._watching.clients, subscription.url(self)
        before = clients.pop(waiter, None)
        if before is not None and self.clients.get(url) is not before:
            raise before.error if isinstance(before.error, ccxt.BadResponse) else watch.lost(self, method)
        client = clients[waiter] = self.client(url)
        if watch.LOGIN not in client.subscriptions:
            asyncio.get_running_loop().call_later(_LOGIN_SECONDS, watch.end_without_login, client)
        unified = subscription.kind is AccountKind.UNIFIED
        self._watching.sent[subscription.hash] = subscription
        try:
            await self.watch_private(unified, topic, subscription.hash, dict(subscription.arg))
        except Exception:
            clients.pop(waiter, None)
            raise

    async def _next_classic_fills(self, method: str, market: Any) -> None:
        """Wait until there are fills that no call has returned."""
        fills, symbol = self._watching.fills, market["symbol"]
        fills.begin(symbol, self.venue_milliseconds())
        waiter, before = watch.classic_fills_topic(symbol), fills.versions.get(symbol)
        subscription = watch.orders_subscription(AccountKind.CLASSIC, market)
        while waiter not in self._watching.unseen and fills.versions.get(symbol) == before:
            if fills.due(symbol):
                await self._fetch_due_fills(method, symbol)
            else:
                await self._wait_for_push(method, subscription, subscription.hash, waiter)
        self._watching.unseen.discard(waiter)

    async def _fetch_due_fills(self, method: str, symbol: str) -> None:
        """Fetch the fills of filled orders until there are new ones, or no order lacks any."""
        fills, until_ms, pause_seconds = self._watching.fills, monotonic_ms() + _FILLS_MS, _FIRST_PAUSE_SECONDS
        while True:
            fresh: list[Any] = []
            for order_id in fills.due(symbol):
                trades = await self.fetch_order_trades(order_id, symbol, None, None, {"marginMode": "cross"})
                fresh += self._store_trades(fills.record_fetched(symbol, order_id, trades))
            if fresh:
                self._watching.unseen.add(watch.classic_fills_topic(symbol))
            if fresh or not fills.due(symbol):
                return
            if monotonic_ms() >= until_ms:
                raise ccxt.NetworkError(
                    f"{self.id} {method}(): the fills of {', '.join(fills.due(symbol))} are not listed yet; "
                    "the next call fetches them again",
                )
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)

    def _latest(self, cache: Any, symbol: str | None, since: int | None, limit: int | None) -> list[Any]:
        """Return copies of what a cache has new of a symbol: it keeps changing its entries."""
        if self.newUpdates:
            limit = cache.getLimit(symbol, limit)
        return [dict(found) for found in self.filter_by_symbol_since_limit(cache, symbol, since, limit, True)]

    # -- messages -----------------------------------------------------------------------------------------------------

    def client(self, url: str) -> Any:
        """Return ccxt's websocket client. Its handshake follows no redirect: a login stays with the venue."""
        client = handshakes.without_redirects(super().client(url))  # type: ignore[no-untyped-call]  # ccxt has no type
        return watch.guarded(client) if watch.is_private(self, client) else client

    def handle_message(self, client: Any, message: Any) -> None:
        """Handle a message as ccxt does; on a private websocket, an unreadable one ends the connection."""
        if not watch.is_private(self, client):
            super().handle_message(client, message)
        elif client.error is None:
            try:
                if not isinstance(message, str | Mapping):
                    raise watch.unreadable(self, message)
                super().handle_message(client, message)
            except Exception as error:  # noqa: BLE001 - whatever it was, calls would wait forever
                client.on_error(
                    error if isinstance(error, ccxt.BadResponse) else watch.unreadable(self, message, error)
                )

    def handle_subscription_status(self, client: Any, message: dict[str, Any]) -> Any:
        """Note the subscriptions that the venue confirms."""
        self._watching.confirm(self, client, message)
        return super().handle_subscription_status(client, message)

    def handle_order(self, client: Any, message: dict[str, Any]) -> None:
        """Store pushed orders and resolve waiting calls."""
        self._dispatch(client, message, self._take_orders, super().handle_order)

    def handle_my_trades(self, client: Any, message: dict[str, Any]) -> None:
        """Store pushed fills and resolve waiting calls."""
        self._dispatch(client, message, self._take_fills, super().handle_my_trades)

    def handle_balance(self, client: Any, message: dict[str, Any]) -> None:
        """Store pushed balances and resolve waiting calls."""
        self._dispatch(client, message, self._take_balance, super().handle_balance)

    def handle_error_message(self, client: Any, message: Any) -> Any:
        """Return whether this is an error, as ccxt does; on a private websocket, end the connection.

        ccxt would keep the connection, with a failed subscription or login, and the next call would wait forever.
        """
        is_error = super().handle_error_message(client, message)
        if is_error and watch.is_private(self, client):
            client.on_error(ccxt.NetworkError(f"{self.id}: the connection ended with {json.dumps(message)}"))
        return is_error

    def _dispatch(
        self,
        client: Any,
        message: dict[str, Any],
        take: Callable[[Any, Mapping[str, Any]], None],
        stock: Callable[[Any, Any], object],
    ) -> None:
        """Pass a push to this package, or to ccxt; to both where both have subscribed to a channel."""
        subscription = watch.subscription_of(message)
        if watch.is_classic_cross(message):
            take(client, message)
        elif subscription is None:
            stock(client, message)
        else:
            if subscription.hash in client.subscriptions:
                take(client, message)
            if watch.stock_listens(client, subscription):
                stock(client, message)

    def _take_orders(self, client: Any, message: Mapping[str, Any]) -> None:
        if self.crossed_orders is None:
            self.crossed_orders = ArrayCacheBySymbolById(self.options.get("ordersLimit", _KEPT))
        unified, topics = watch.subscription_of(message), set()
        for order in read_orders(self, message):
            known = self.crossed_orders.hashmap.get(order["symbol"], {}).get(order["id"])
            if known is not None and is_older(order, known):
                continue
            self.crossed_orders.append(order)
            if unified is None:
                self._watching.fills.record_order(order)
                topics.add(watch.classic_orders_topic(order["symbol"]))
            else:
                topics |= {unified.topic(order["symbol"]), unified.topic(None)}
        self._publish(client, self.crossed_orders, topics)

    def _take_fills(self, client: Any, message: Mapping[str, Any]) -> None:
        fresh = self._store_trades(self._watching.fills.new(read_fills(self, message)))
        topics = {watch.UNIFIED_FILLS.topic(symbol) for trade in fresh for symbol in (trade["symbol"], None)}
        self._publish(client, self.crossed_trades, topics)

    def _take_balance(self, client: Any, message: Mapping[str, Any]) -> None:
        balances, subscription = self._watching.balances, watch.subscription_of(message) or watch.CLASSIC_BALANCE
        if balances.record(self, client, message):
            self.crossed_balance = balances.structure(self, message)
            self._publish(client, self.crossed_balance, {subscription.hash})

    def _store_trades(self, trades: Iterable[Any]) -> list[Any]:
        if self.crossed_trades is None:
            self.crossed_trades = ArrayCache(self.options.get("tradesLimit", _KEPT))
        stored = list(trades)
        for trade in stored:
            self.crossed_trades.append(trade)
        return stored

    def _publish(self, client: Any, result: object, topics: set[str]) -> None:
        self._watching.unseen |= topics
        for topic in topics:
            client.resolve(result, topic)
