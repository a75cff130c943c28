"""Customers of the local venue: who they are and what they bring."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from bitget_margin.emulator.decimals import read_decimal

DEFAULT_BALANCES: Mapping[str, str] = MappingProxyType({"USDT": "100000", "BTC": "2", "ETH": "20", "SOL": "500"})


class AccountKind(StrEnum):
    """Which family of private endpoints an account may use: those of v2, or those of v3."""

    CLASSIC = "classic"
    UNIFIED = "unified"


@dataclass(frozen=True, slots=True)
class Account:
    """A customer with credentials and a first balance; without arguments, a new random one with a default wallet.

    :param balances: coin to amount, as plain decimal text
    :param debts: coin to amount owed, likewise; only shown in the assets: the loan's coins are part of the balances,
        there is no interest, and nothing is ever liquidated
    :param kind: either kind trades crossed margin with the same wallet, by endpoints that refuse the other kind
    """

    uid: str = field(default_factory=lambda: str(10**9 + secrets.randbelow(9 * 10**9)))
    api_key: str = field(default_factory=lambda: f"bg_{secrets.token_hex(16)}", repr=False)
    secret: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    password: str = field(default_factory=lambda: secrets.token_hex(8), repr=False)
    balances: Mapping[str, str] = field(default_factory=lambda: DEFAULT_BALANCES)
    kind: AccountKind = AccountKind.CLASSIC
    debts: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("uid", "api_key", "secret", "password"):
            if not getattr(self, name):
                raise ValueError(f"an account needs a {name}")
        for name, amounts in (("balance", self.balances), ("debt", self.debts)):
            for coin, amount in amounts.items():
                if read_decimal(amount) is None:
                    raise ValueError(f"{name} of {coin} must be plain decimal text like '12.5', not {amount!r}")
