"""The coins of one account, free and frozen."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from bitget_margin.emulator.decimals import ZERO
from bitget_margin.emulator.texts import Refusal, VenueError


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
