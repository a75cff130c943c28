"""Channels of the private websockets, and what a subscription to one of them names."""

from enum import Enum
from typing import NamedTuple

from bitget_margin.emulator.market.wallet import AccountKind

ALL_COINS = "default"
"""The only value of `coin` that is documented for the balances of a classic account."""


class Channel(Enum):
    """Channel: account kind, product type, field that names it, its name, and the field that narrows it."""

    ORDERS_CROSSED = (AccountKind.CLASSIC, "MARGIN", "channel", "orders-crossed", "instId")
    ACCOUNT_CROSSED = (AccountKind.CLASSIC, "MARGIN", "channel", "account-crossed", "coin")
    ORDER = (AccountKind.UNIFIED, "UTA", "topic", "order", None)
    FILL = (AccountKind.UNIFIED, "UTA", "topic", "fill", None)
    ACCOUNT = (AccountKind.UNIFIED, "UTA", "topic", "account", None)

    def __init__(self, kind: AccountKind, inst_type: str, field: str, label: str, narrowed_by: str | None) -> None:
        self.kind = kind
        self.inst_type = inst_type
        self.field = field
        self.label = label
        self.narrowed_by = narrowed_by


class Topic(NamedTuple):
    """Subscribed channel of an account; `symbol` is empty where the channel has no symbol."""

    uid: str
    channel: Channel
    symbol: str = ""


def fields_of(kind: AccountKind) -> tuple[str, ...]:
    """Return the fields that name a subscription at the websocket of an account kind."""
    names = (name for channel in Channel if channel.kind is kind for name in (channel.field, channel.narrowed_by))
    return ("instType", *(name for name in dict.fromkeys(names) if name is not None))
