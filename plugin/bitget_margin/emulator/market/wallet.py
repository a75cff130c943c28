"""Accounts with their credentials, and the wallets that hold their coins."""

import secrets
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.decimals import ZERO, read_decimal

DEFAULT_BALANCES: Mapping[str, str] = MappingProxyType({"USDT": "100000", "BTC": "2", "ETH": "20", "SOL": "500"})
"""Coins of an account that is created without balances."""
_STATES_KEPT = 500
"""Past balances of an account that are kept for requests that show a late one."""


class AccountKind(StrEnum):
    """Family of private endpoints that an account may use: those of v2, or those of v3."""

    CLASSIC = "classic"
    UNIFIED = "unified"


@dataclass(frozen=True, slots=True)
class Account:
    """Account with credentials and first balances; without arguments, a random one with a default wallet.

    :param balances: coin to amount, as plain decimal text
    :param debts: coin to amount owed, likewise; only shown in the assets: the loan's coins are part of the balances,
        there is no interest, it is never repaid, and nothing is ever liquidated
    :param kind: either kind trades cross margin with the same wallet, by endpoints that refuse the other kind
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


class Balance(NamedTuple):
    """Amounts of a coin: free to use, and frozen by orders."""

    available: Decimal
    frozen: Decimal


NOTHING = Balance(ZERO, ZERO)
"""Balance of a coin that a wallet does not hold."""


class Wallet:
    """Coins of one account, which change by the methods below only, and never below zero.

    A loan is repaid by the next coins that come in or become free.
    """

    def __init__(self, amounts: Mapping[str, Decimal], now_ms: int) -> None:
        self._balances = {coin: Balance(amount, ZERO) for coin, amount in amounts.items()}
        self._loans: dict[str, Decimal] = {}
        self._borrowed: dict[str, Decimal] = {}
        self._observers: list[Callable[[Mapping[str, bool], int], object]] = []
        self._past: deque[tuple[int, dict[str, Balance], dict[str, Decimal]]] = deque(maxlen=_STATES_KEPT)
        self.created_ms = now_ms
        self.keep_state(now_ms)

    def balances(self) -> dict[str, Balance]:
        """Return the balances by coin."""
        return dict(self._balances)

    def loans(self) -> dict[str, Decimal]:
        """Return what is borrowed at present, by coin."""
        return dict(self._loans)

    def borrowed(self) -> dict[str, Decimal]:
        """Return what was ever borrowed, by coin."""
        return dict(self._borrowed)

    def observe(self, observer: Callable[[Mapping[str, bool], int], object]) -> None:
        """Call a function at each kept state with the changed coins: whether more than their frozen part changed."""
        self._observers.append(observer)

    def keep_state(self, now_ms: int) -> None:
        """Keep the balances and loans as those from this time on."""
        changed = self._changes() if self._observers else {}
        self._past.append((now_ms, dict(self._balances), dict(self._loans)))
        if changed:
            for observer in self._observers:
                observer(changed, now_ms)

    def _changes(self) -> dict[str, bool]:
        """Return the coins that differ from the last kept state, and whether their total or their loan differs."""
        _, balances, loans = self._past[-1]
        before = {coin: (balance, loans.get(coin, ZERO)) for coin, balance in balances.items()}
        after = {coin: (balance, self._loans.get(coin, ZERO)) for coin, balance in self._balances.items()}
        empty = (NOTHING, ZERO)
        return {
            coin: (sum(now[0], ZERO), now[1]) != (sum(then[0], ZERO), then[1])
            for coin, now in after.items()
            if now != (then := before.get(coin, empty))
        }

    def state_at(self, ms: int) -> tuple[dict[str, Balance], dict[str, Decimal]]:
        """Return balances and loans as they were at a time, or the oldest that are known."""
        for since_ms, balances, loans in reversed(self._past):
            if since_ms <= ms:
                return balances, loans
        return self._past[0][1:]

    def borrow(self, coin: str, amount: Decimal) -> None:
        """Add borrowed coins to the free ones."""
        self._loans[coin] = self._loans.get(coin, ZERO) + amount
        self._borrowed[coin] = self._borrowed.get(coin, ZERO) + amount
        self._move(coin, amount, ZERO)

    def freeze(self, coin: str, amount: Decimal) -> None:
        """Freeze a free amount, or refuse with the venue's error."""
        if self._balances.get(coin, NOTHING).available < amount:
            raise VenueError(Refusal.INSUFFICIENT_BALANCE)
        self._move(coin, -amount, amount)

    def release(self, coin: str, amount: Decimal) -> None:
        """Make a frozen amount free again."""
        self._move(coin, amount, -amount)
        self._repay(coin)

    def spend(self, coin: str, amount: Decimal) -> None:
        """Remove a frozen amount."""
        self._move(coin, ZERO, -amount)

    def receive(self, coin: str, amount: Decimal) -> None:
        """Add a free amount."""
        self._move(coin, amount, ZERO)
        self._repay(coin)

    def _repay(self, coin: str) -> None:
        loan = self._loans.get(coin)
        if loan is None:
            return
        paid = min(loan, self._balances[coin].available)
        self._move(coin, -paid, ZERO)
        if paid == loan:
            del self._loans[coin]
        else:
            self._loans[coin] = loan - paid

    def _move(self, coin: str, available: Decimal, frozen: Decimal) -> None:
        balance = self._balances.get(coin, NOTHING)
        after = Balance(balance.available + available, balance.frozen + frozen)
        if min(after) < ZERO:
            raise ArithmeticError(f"{coin}: {balance} would become {after}")
        self._balances[coin] = after
