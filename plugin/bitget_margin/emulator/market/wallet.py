"""Accounts with their credentials, and the wallets that hold their coins."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, NoReturn

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

    @classmethod
    def _missing_(cls, value: object) -> NoReturn:
        raise ValueError(f"the kind of an account is {' or '.join(cls)}, not {value!r}")


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
        object.__setattr__(self, "kind", AccountKind(self.kind))  # the value of a kind is taken for it
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


class Debt(NamedTuple):
    """Amounts of a coin that an account owes: what it has borrowed, and the interest on it."""

    principal: Decimal
    interest: Decimal

    @property
    def total(self) -> Decimal:
        """Sum of both."""
        return self.principal + self.interest

    def plus(self, principal: Decimal) -> Debt:
        """Return this debt with more principal."""
        return Debt(self.principal + principal, self.interest)


NO_DEBT = Debt(ZERO, ZERO)
"""Debt of a coin that an account does not owe."""


class Wallet:
    """Coins of one account, which change by the methods below only, and never below zero.

    A loan that repays itself is repaid by the next coins that come in or become free; any other loan is not.
    """

    def __init__(self, amounts: Mapping[str, Decimal], now_ms: int) -> None:
        self._balances = {coin: Balance(amount, ZERO) for coin, amount in amounts.items()}
        self._loans: dict[str, Decimal] = {}
        self._other_loans: dict[str, Decimal] = {}
        self._interest: dict[str, Decimal] = {}
        self._borrowed: dict[str, Decimal] = {}
        self._observers: list[Callable[[Mapping[str, bool], int], object]] = []
        self._past: deque[tuple[int, dict[str, Balance], dict[str, Debt]]] = deque(maxlen=_STATES_KEPT)
        self.created_ms = now_ms
        self.keep_state(now_ms)

    def balances(self) -> dict[str, Balance]:
        """Return the balances by coin."""
        return dict(self._balances)

    def debts(self) -> dict[str, Debt]:
        """Return what is owed at present, by coin."""
        coins = dict.fromkeys((*self._loans, *self._other_loans, *self._interest))
        return {
            coin: Debt(self._loans.get(coin, ZERO) + self._other_loans.get(coin, ZERO), self._interest.get(coin, ZERO))
            for coin in coins
        }

    def borrowed(self) -> dict[str, Decimal]:
        """Return what orders have ever borrowed, by coin."""
        return dict(self._borrowed)

    def observe(self, observer: Callable[[Mapping[str, bool], int], object]) -> None:
        """Call a function at each kept state with the changed coins: whether more than their frozen part changed."""
        self._observers.append(observer)

    def keep_state(self, now_ms: int) -> None:
        """Keep the balances and debts as those from this time on."""
        changed = self._changes() if self._observers else {}
        self._past.append((now_ms, dict(self._balances), self.debts()))
        if changed:
            for observer in self._observers:
                observer(changed, now_ms)

    def _changes(self) -> dict[str, bool]:
        """Return the coins that differ from the last kept state, and whether their total or their debt differs."""
        _, balances, debts = self._past[-1]
        owed = self.debts()
        before = {coin: (balance, debts.get(coin, NO_DEBT)) for coin, balance in balances.items()}
        after = {coin: (balance, owed.get(coin, NO_DEBT)) for coin, balance in self._balances.items()}
        empty = (NOTHING, NO_DEBT)
        return {
            coin: (sum(now[0], ZERO), now[1]) != (sum(then[0], ZERO), then[1])
            for coin, now in after.items()
            if now != (then := before.get(coin, empty))
        }

    def state_at(self, ms: int) -> tuple[dict[str, Balance], dict[str, Debt]]:
        """Return balances and debts as they were at a time, or the oldest that are known."""
        for since_ms, balances, debts in reversed(self._past):
            if since_ms <= ms:
                return balances, debts
        return self._past[0][1:]

    def borrow(self, coin: str, amount: Decimal, *, by_order: bool, repays_itself: bool) -> None:
        """Add borrowed coins to the free ones."""
        loans = self._loans if repays_itself else self._other_loans
        loans[coin] = loans.get(coin, ZERO) + amount
        if by_order:
            self._borrowed[coin] = self._borrowed.get(coin, ZERO) + amount
        self._move(coin, amount, ZERO)

    def set_debt(self, coin: str, principal: Decimal) -> None:
        """Replace the debt of a coin, without a change of its balance."""
        for owed in (self._loans, self._other_loans, self._interest):
            owed.pop(coin, None)
        if principal:
            self._other_loans[coin] = principal

    def charge(self, coin: str, amount: Decimal) -> None:
        """Add interest to what is owed."""
        self._interest[coin] = self._interest.get(coin, ZERO) + amount

    def repay(self, coin: str, amount: Decimal) -> Debt:
        """Pay back debts of a coin with free coins, interest first; return the parts that were paid."""
        left = amount
        parts = []
        for owed in (self._interest, self._loans, self._other_loans):
            paid = min(owed.get(coin, ZERO), left)
            left -= paid
            parts.append(paid)
            if coin in owed:
                owed[coin] -= paid
                if not owed[coin]:
                    del owed[coin]
        self._move(coin, left - amount, ZERO)
        return Debt(parts[1] + parts[2], parts[0])

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
        """Add a free amount, which repays what orders have borrowed."""
        self.add(coin, amount)
        self._repay(coin)

    def add(self, coin: str, amount: Decimal) -> None:
        """Add a free amount."""
        self._move(coin, amount, ZERO)

    def _repay(self, coin: str) -> None:
        loan = self._loans.get(coin)
        if loan is not None:
            self.repay(coin, min(loan + self._interest.get(coin, ZERO), self._balances[coin].available))

    def _move(self, coin: str, available: Decimal, frozen: Decimal) -> None:
        balance = self._balances.get(coin, NOTHING)
        after = Balance(balance.available + available, balance.frozen + frozen)
        if min(after) < ZERO:
            raise ArithmeticError(f"{coin}: {balance} would become {after}")
        self._balances[coin] = after
