"""State of the calls of an exchange object that watch the cross margin account."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bitget_margin.adapter import watch
from bitget_margin.adapter.ccxt_types import MarginExchange
from bitget_margin.adapter.pushed_balances import PushedBalances
from bitget_margin.adapter.pushed_fills import KnownFills
from bitget_margin.adapter.transport import monotonic_ms
from bitget_margin.adapter.watch import Subscription
from bitget_margin.core.endpoints import AccountKind


@dataclass(slots=True)
class Watching:
    """State of the calls that watch."""

    kind: AccountKind | None = None
    """Account kind, once the venue has confirmed it: a wrong one would be listened to in vain."""
    unseen: set[str] = field(default_factory=set)
    """Topics with something that no call has returned yet."""
    clients: dict[str, Any] = field(default_factory=dict)
    """Connection on which each topic was last waited for."""
    sent: dict[str, Subscription] = field(default_factory=dict)
    """Subscriptions that were sent, by their hashes."""
    confirmed: dict[str, tuple[Any, float]] = field(default_factory=dict)
    """Connection on which the venue has last confirmed each subscription, and when, on the monotonic clock."""
    fills: KnownFills = field(default_factory=KnownFills)
    balances: PushedBalances = field(default_factory=PushedBalances)

    def confirm(self, exchange: MarginExchange, client: Any, message: Mapping[str, Any]) -> None:
        """Note the subscription that a message of the venue confirms."""
        for name, subscription in self.sent.items():
            if client.url == subscription.url(exchange) and subscription.is_confirmed_by(message):
                self.confirmed[name] = client, monotonic_ms()

    def orders_pushed_since_ms(self, connections: Mapping[str, Any], symbol: str | None) -> float | None:
        """Return since when changed orders are pushed; None where no connection is up that the venue has confirmed.

        :param connections: ccxt's connections, by address
        :param symbol: None for all symbols of a unified account
        """
        if self.kind is AccountKind.UNIFIED:
            name = watch.UNIFIED_ORDERS.hash
        else:
            name = "" if symbol is None else watch.classic_orders_topic(symbol)
        client, since_ms = self.confirmed.get(name, (None, 0.0))
        is_up = client is not None and client.error is None and connections.get(client.url) is client
        return since_ms if is_up else None
