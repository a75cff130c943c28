"""Identity of an account: its kind, its settings and its UID."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import ccxt

from bitget_margin.adapter.account import fetch_settings, fetch_uid
from bitget_margin.cli.operator.account import Connection
from bitget_margin.core.account_level import describe_settings
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.order_row import text


@dataclass(frozen=True, slots=True)
class AccountIdentity:
    """Account that the keys belong to; None stands for what the venue does not show."""

    kind: AccountKind
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of a unified account."""
    uid: str | None = None

    def describe(self) -> str:
        """Return kind, mode and UID for people."""
        unified = self.kind is AccountKind.UNIFIED
        kind = describe_settings(self.settings) if unified else "a classic account"
        return kind if self.uid is None else f"{kind}, UID {self.uid}"


def read_identity(connection: Connection, limit_ms: int) -> AccountIdentity:
    """Query the identity of an account whose kind the venue has shown; what cannot be read is None.

    :param limit_ms: time limit of the query for a UID, which a classic account shows once a second
    """
    exchange = connection.exchange
    if connection.is_unified:
        settings = exchange.perform(fetch_settings(exchange, connection.params)) or {}
        return AccountIdentity(AccountKind.UNIFIED, settings, text(settings.get("uid")))
    params = {**connection.params, "timeout": min(limit_ms, connection.timeout_ms)}
    try:
        return AccountIdentity(AccountKind.CLASSIC, uid=exchange.perform(fetch_uid(exchange, params)))
    except ccxt.BaseError:
        return AccountIdentity(AccountKind.CLASSIC)
