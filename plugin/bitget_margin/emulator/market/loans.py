"""Loans of the venue: what accounts borrow, the interest on it, and the records of both.

Simple and exact: one rate for all coins, charged on the principal when a loan by hand begins, and for each full hour of
any loan. Nothing is liquidated, and there are no tiers.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from enum import StrEnum
from functools import partial
from typing import TypeVar

from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.balance_changes import BalanceChanges, ChangeKind
from bitget_margin.emulator.market.decimals import EXACT, ZERO, floor_to
from bitget_margin.emulator.market.wallet import NOTHING, Wallet

DAILY_RATE = Decimal("0.00024")
"""Interest of a day, as a fraction of the principal."""
CROSSED_LEVERAGE = 3
"""Value of an account's orders and coins, as a multiple of what it owns, up to which it can borrow."""
HOUR_MS = 3_600_000
COIN_DECIMALS = 8
"""Decimals of a loan, a repayment and interest."""
_HOURS = 24
_STEP = Decimal(1).scaleb(-COIN_DECIMALS)

R = TypeVar("R")


class InterestKind(StrEnum):
    """Occasion of interest."""

    FIRST = "first"
    SCHEDULED = "scheduled"


@dataclass(frozen=True, slots=True)
class Borrowing:
    """Coins that an account has borrowed by hand."""

    loan_id: str
    coin: str
    amount: Decimal
    at_ms: int


@dataclass(frozen=True, slots=True)
class Repayment:
    """Coins that an account has paid back by hand; `amount` is the sum of both parts."""

    repay_id: str
    coin: str
    amount: Decimal
    principal: Decimal
    interest: Decimal
    at_ms: int


@dataclass(frozen=True, slots=True)
class Interest:
    """Interest that was charged."""

    interest_id: str
    coin: str
    amount: Decimal
    kind: InterestKind
    at_ms: int


class Loans:
    """Loans of all accounts.

    :param dollars: returns the price of a coin in US dollars, 0 if unknown
    :param next_id: returns a new id; ids grow with time
    :param at: schedules an action
    :param changes: records of the changes of balances
    """

    def __init__(
        self,
        wallets: Mapping[str, Wallet],
        dollars: Callable[[str], Decimal],
        next_id: Callable[[], str],
        at: Callable[[int, Callable[[int], object]], None],
        changes: BalanceChanges,
    ) -> None:
        self._wallets = wallets
        self._dollars = dollars
        self._next_id = next_id
        self._at = at
        self._changes = changes
        self._charged: set[tuple[str, str]] = set()
        self._borrowings: dict[str, list[Borrowing]] = defaultdict(list)
        self._repayments: dict[str, list[Repayment]] = defaultdict(list)
        self._interest: dict[str, list[Interest]] = defaultdict(list)

    def borrowings(self, uid: str) -> list[Borrowing]:
        """Return the loans of an account, newest first."""
        return self._borrowings[uid][::-1]

    def repayments(self, uid: str) -> list[Repayment]:
        """Return the repayments of an account, newest first."""
        return self._repayments[uid][::-1]

    def interest(self, uid: str) -> list[Interest]:
        """Return the interest of an account, newest first."""
        return self._interest[uid][::-1]

    def room(self, uid: str) -> Decimal:
        """Return the value in US dollars that an account can still borrow."""
        wallet = self._wallets[uid]
        debts = sum((debt.total * self._dollars(coin) for coin, debt in wallet.debts().items()), ZERO)
        owned = sum((sum(balance, ZERO) * self._dollars(coin) for coin, balance in wallet.balances().items()), ZERO)
        return max(ZERO, (owned - debts) * (CROSSED_LEVERAGE - 1) - debts)

    def max_borrowable(self, uid: str, coin: str) -> Decimal:
        """Return the amount of a coin that an account can still borrow."""
        price = self._dollars(coin)
        return floor_to(EXACT.divide(self.room(uid), price), COIN_DECIMALS) if price else ZERO

    def lend(self, uid: str, coin: str, amount: Decimal, now_ms: int) -> None:
        """Lend what an order lacks of a coin, if there is room for it."""
        wallet = self._wallets[uid]
        missing = amount - wallet.balances().get(coin, NOTHING).available
        value = missing * self._dollars(coin)
        if ZERO < value <= self.room(uid):
            wallet.borrow(coin, missing)
            self._charge_from(uid, coin, now_ms)

    def borrow(self, uid: str, coin: str, amount: Decimal, now_ms: int) -> Borrowing:
        """Borrow coins by hand, with the first interest, or refuse."""
        if amount > self.max_borrowable(uid, coin):
            raise VenueError(Refusal.LOAN_TOO_LARGE)
        wallet = self._wallets[uid]
        wallet.borrow_by_hand(coin, amount)
        self._charge(uid, coin, amount, InterestKind.FIRST, now_ms)
        wallet.keep_state(now_ms)
        loan = Borrowing(self._next_id(), coin, amount, now_ms)
        self._borrowings[uid].append(loan)
        self._changes.add(uid, wallet, ChangeKind.BORROW, "", coin, amount, now_ms)
        self._charge_from(uid, coin, now_ms)
        return loan

    def repay(self, uid: str, coin: str, amount: Decimal, now_ms: int) -> Repayment:
        """Pay back a part of a coin's debt, interest first, or all of it; or refuse."""
        wallet = self._wallets[uid]
        debt = wallet.debts().get(coin)
        if debt is None:
            raise VenueError(Refusal.NO_LOAN)
        paid = min(amount, debt.total)
        if paid > wallet.balances().get(coin, NOTHING).available:
            raise VenueError(Refusal.REPAYMENT_ABOVE_BALANCE)
        if paid <= debt.interest and paid < debt.total:
            raise VenueError(Refusal.REPAYMENT_BELOW_INTEREST)
        part = wallet.repay(coin, paid)
        wallet.keep_state(now_ms)
        repayment = Repayment(self._next_id(), coin, paid, part.principal, part.interest, now_ms)
        self._repayments[uid].append(repayment)
        self._changes.add(uid, wallet, ChangeKind.REPAY, "", coin, -paid, now_ms)
        return repayment

    def repay_with(self, uid: str, coin: str, payment_coin: str, now_ms: int) -> Decimal:
        """Pay back as much of a coin's debt as another coin, or the coin itself, allows; return the amount."""
        wallet = self._wallets[uid]
        debt = wallet.debts().get(coin)
        if debt is None:
            raise VenueError(Refusal.UNIFIED_INVALID, "repayableCoinList")
        available = wallet.balances().get(payment_coin, NOTHING).available
        if payment_coin != coin:
            price, payment_price = self._dollars(coin), self._dollars(payment_coin)
            if not price or not payment_price:
                raise VenueError(Refusal.UNIFIED_INVALID, "paymentCoinList")
            worth = floor_to(EXACT.divide(available * payment_price, price), COIN_DECIMALS)
            paid = min(debt.total, worth)
            cost = EXACT.divide(paid * price, payment_price).quantize(_STEP, rounding=ROUND_UP, context=EXACT)
            wallet.freeze(payment_coin, min(cost, available))
            wallet.spend(payment_coin, min(cost, available))
            wallet.add(coin, paid)
        else:
            paid = min(debt.total, available)
        part = wallet.repay(coin, paid)
        wallet.keep_state(now_ms)
        if paid:
            self._repayments[uid].append(Repayment(self._next_id(), coin, paid, part.principal, part.interest, now_ms))
        return paid

    def _charge_from(self, uid: str, coin: str, now_ms: int) -> None:
        """Charge interest for each full hour from now on, as long as the debt lasts."""
        if (uid, coin) not in self._charged:
            self._charged.add((uid, coin))
            self._at(now_ms + HOUR_MS, partial(self._charge_hour, uid, coin))

    def _charge_hour(self, uid: str, coin: str, due_ms: int) -> None:
        debt = self._wallets[uid].debts().get(coin)
        self._charged.discard((uid, coin))
        if debt is not None:
            self._charge(uid, coin, debt.principal, InterestKind.SCHEDULED, due_ms)
            self._wallets[uid].keep_state(due_ms)
            self._charge_from(uid, coin, due_ms)

    def _charge(self, uid: str, coin: str, principal: Decimal, kind: InterestKind, now_ms: int) -> None:
        amount = hourly_interest(principal)
        if amount:
            self._wallets[uid].charge(coin, amount)
            self._interest[uid].append(Interest(self._next_id(), coin, amount, kind, now_ms))
            self._changes.add(uid, self._wallets[uid], ChangeKind.INTEREST, "", coin, -amount, now_ms)


def hourly_interest(principal: Decimal) -> Decimal:
    """Return the interest of one hour, rounded up."""
    return EXACT.divide(principal * DAILY_RATE, Decimal(_HOURS)).quantize(_STEP, rounding=ROUND_UP, context=EXACT)
