"""Subscriptions to private websocket channels of the cross margin account, and checks of their calls.

https://www.bitget.com/api-doc/margin/cross/websocket/private/Cross-Orders, Margin-Cross-Account-Assets
https://www.bitget.com/api-doc/uta/websocket/private/Order-Channel, Fill-Channel, Account-Channel
"""

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import ccxt

from bitget_margin.adapter.ccxt_types import MarginExchange, Params
from bitget_margin.adapter.params import required_symbol, split_params, whole_number
from bitget_margin.core.endpoints import AccountKind

_SOCKETS: Final = {AccountKind.CLASSIC: "private", AccountKind.UNIFIED: "utaPrivate"}
"""ccxt's names of the private websockets, by account kind."""
LOGIN: Final = "authenticated"
"""ccxt's key of a login at its client."""
_UNIFIED_TYPE: Final = "UTA"
_STOCK_HASHES: Final = {"order": "order:trades", "fill": "fill:UTA", "account": "balance:uta"}
"""First part of ccxt's own subscription hashes, by topic of a unified account: they share a connection with ours."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Subscription to a private channel.

    :ivar hash: key of the subscription at ccxt's client, and of all its pushes; `topic` is that of one symbol
    """

    kind: AccountKind
    hash: str
    arg: Mapping[str, str]

    def topic(self, symbol: str | None) -> str:
        """Return the message hash with which ccxt resolves the calls that wait for a symbol, or for any."""
        return self.hash if symbol is None else f"{self.hash}:{symbol}"

    def is_confirmed_by(self, message: Mapping[str, Any]) -> bool:
        """Whether a message of the venue confirms this subscription."""
        arg = message.get("arg")
        return isinstance(arg, Mapping) and all(arg.get(name) == value for name, value in self.arg.items())

    def url(self, exchange: MarginExchange) -> str:
        """Return the address of the websocket."""
        address: str = exchange.urls["api"]["ws"][_SOCKETS[self.kind]]
        return address


CLASSIC_BALANCE: Final = Subscription(
    AccountKind.CLASSIC, "crossed:account", {"instType": "MARGIN", "channel": "account-crossed", "coin": "default"}
)
UNIFIED_ORDERS, UNIFIED_FILLS, UNIFIED_BALANCE = (
    Subscription(AccountKind.UNIFIED, f"crossed:{name}", {"instType": _UNIFIED_TYPE, "topic": name})
    for name in ("order", "fill", "account")
)
_CLASSIC_ORDERS: Final = "orders-crossed"
_UNIFIED: Final = {found.arg["topic"]: found for found in (UNIFIED_ORDERS, UNIFIED_FILLS, UNIFIED_BALANCE)}
_CLASSIC_FILLS: Final = "crossed:fills"


def orders_subscription(kind: AccountKind, market: Mapping[str, Any] | None) -> Subscription:
    """Return the subscription to orders: of one symbol on a classic account, of all on a unified one."""
    if kind is AccountKind.UNIFIED or market is None:
        return UNIFIED_ORDERS
    arg = {"instType": "MARGIN", "channel": _CLASSIC_ORDERS, "instId": market["id"]}
    return Subscription(kind, classic_orders_topic(market["symbol"]), arg)


def balance_subscription(kind: AccountKind) -> Subscription:
    """Return the subscription to the balances of all coins."""
    return UNIFIED_BALANCE if kind is AccountKind.UNIFIED else CLASSIC_BALANCE


def classic_orders_topic(symbol: str) -> str:
    """Return the message hash of the orders of one symbol of a classic account."""
    return f"{_CLASSIC_ORDERS}:{symbol}"


def classic_fills_topic(symbol: str) -> str:
    """Return the name under which fills of a classic account are kept until a call returns them."""
    return f"{_CLASSIC_FILLS}:{symbol}"


def check_call(
    exchange: MarginExchange, method: str, symbol: object, since: object, limit: object, params: Params
) -> str | None:
    """Return the symbol to watch, None for all; refuse unsupported arguments before anything is sent."""
    split_params(exchange, method, params, ())
    whole_number(exchange, method, "since", since)
    whole_number(exchange, method, "limit", limit)
    return None if symbol is None else required_symbol(exchange, method, symbol)


def check_balance_call(exchange: MarginExchange, params: Params) -> None:
    """Refuse unsupported parameters before anything is sent."""
    split_params(exchange, "watch_balance", params, {"stock"})


def subscription_of(message: Mapping[str, Any]) -> Subscription | None:
    """Return the subscription of a unified account that a push belongs to, None for any other push."""
    arg = message.get("arg")
    if not isinstance(arg, Mapping) or arg.get("instType") != _UNIFIED_TYPE or not isinstance(arg.get("topic"), str):
        return None
    return _UNIFIED.get(arg["topic"])


def is_classic_cross(message: Mapping[str, Any]) -> bool:
    """Whether a push is from a cross margin channel of a classic account."""
    arg = message.get("arg")
    return isinstance(arg, Mapping) and arg.get("channel") in {_CLASSIC_ORDERS, CLASSIC_BALANCE.arg["channel"]}


def stock_listens(client: Any, subscription: Subscription) -> bool:
    """Whether ccxt's own methods have subscribed to the same channel on this connection."""
    prefix = _STOCK_HASHES[subscription.arg["topic"]]
    return any(str(key).startswith(prefix) for key in client.subscriptions)


def is_private(exchange: MarginExchange, client: Any) -> bool:
    """Whether this is the connection of a private websocket."""
    return client.url in {exchange.urls["api"]["ws"][name] for name in _SOCKETS.values()}


def rows_of(exchange: MarginExchange, message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the rows of a push, or raise BadResponse."""
    rows = message.get("data")
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise unreadable(exchange, message)
    return rows


def unreadable(exchange: MarginExchange, message: object, error: Exception | None = None) -> ccxt.BadResponse:
    """Return the exception for a message that cannot be read."""
    reason = "" if error is None else f" ({error!r})"
    return ccxt.BadResponse(f"{exchange.id}: a push cannot be read: {reprlib.repr(message)}{reason}")


def lost(exchange: MarginExchange, method: str) -> ccxt.NetworkError:
    """Return the exception for a connection that ended while no call was waiting."""
    return ccxt.NetworkError(
        f"{exchange.id} {method}(): the connection has ended since the last call, and what changed meanwhile was not "
        "pushed: fetch it. The next call connects again",
    )


def end_without_login(client: Any) -> None:
    """End a connection whose login has not been answered: its calls would wait forever."""
    login = client.futures.get(LOGIN)
    if login is not None and not login.done():
        client.on_error(ccxt.RequestTimeout("bitget: the login at the websocket was not answered"))


def guarded(client: Any) -> Any:
    """Make one of ccxt's websocket clients end where a text is no JSON, and return it; ccxt's would wait forever."""
    client.handle_text_or_binary_message = partial(_handle_text, client, type(client).handle_text_or_binary_message)
    return client


def _handle_text(client: Any, handle: Any, data: object) -> None:
    try:
        handle(client, data)
    except Exception as error:  # noqa: BLE001 - whatever it was, no further message would be read
        client.on_error(ccxt.BadResponse(f"bitget: a message cannot be read: {reprlib.repr(data)} ({error!r})"))
