"""The coins of one account, free and frozen."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.decimals import ZERO, read_decimal


class Balance(NamedTuple):
    """How much of a coin can be used, and how much is locked by orders."""

    available: Decimal
    frozen: Decimal


NOTHING = Balance(ZERO, ZERO)


class Wallet:
    """Coins that only move by the four ways below, none of which can make an amount negative."""

    def __init__(self, amounts: Mapping[str, Decimal], now_ms: int) -> None:
        self._balances = {coin: Balance(amount, ZERO) for coin, amount in amounts.items()}
        self.created_ms = now_ms

    def balances(self) -> dict[str, Balance]:
        """Return what the wallet holds, by coin."""
        return dict(self._balances)

    def freeze(self, coin: str, amount: Decimal) -> None:
        """Lock a free amount, or refuse with the venue's error."""
        balance = self._of(coin)
        if balance.available < amount:
            raise VenueError(Refusal.INSUFFICIENT_BALANCE)
        self._balances[coin] = Balance(balance.available - amount, balance.frozen + amount)

    def release(self, coin: str, amount: Decimal) -> None:
        """Unlock a frozen amount."""
        balance = self._frozen(coin, amount)
        self._balances[coin] = Balance(balance.available + amount, balance.frozen - amount)

    def spend(self, coin: str, amount: Decimal) -> None:
        """Give a frozen amount away."""
        balance = self._frozen(coin, amount)
        self._balances[coin] = Balance(balance.available, balance.frozen - amount)

    def receive(self, coin: str, amount: Decimal) -> None:
        """Add a free amount."""
        balance = self._of(coin)
        self._balances[coin] = Balance(balance.available + amount, balance.frozen)

    def _of(self, coin: str) -> Balance:
        return self._balances.get(coin, NOTHING)

    def _frozen(self, coin: str, amount: Decimal) -> Balance:
        balance = self._of(coin)
        if not ZERO <= amount <= balance.frozen:
            raise ArithmeticError(f"{amount} {coin} to take from {balance.frozen} frozen")
        return balance


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
