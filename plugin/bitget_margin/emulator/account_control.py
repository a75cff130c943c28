"""Direct control of the accounts: their kinds, balances, debts and liquidations, without HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal

from bitget_margin.emulator.api.venue import Venue
from bitget_margin.emulator.market.decimals import ZERO, fits, read_decimal
from bitget_margin.emulator.market.loan_records import Borrowing, Interest, LiquidationRecord, Repayment
from bitget_margin.emulator.market.loan_terms import COIN_DECIMALS, LoanTerms
from bitget_margin.emulator.market.wallet import Account, AccountKind, Balance, Debt

Number = Decimal | int | str
"""Price or amount: a Decimal, a whole number, or plain decimal text. Never a float."""


class AccountControl:
    """Direct access to the accounts of a venue; safe to use from any thread.

    In the methods about loans, the account may be left out where there is only one.
    """

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    @property
    def accounts(self) -> tuple[Account, ...]:
        """The accounts, with their credentials."""
        return tuple(self._venue.accounts_by_key.values())

    def turn(self, uid: str, kind: AccountKind) -> None:
        """Change the kind of an account, which keeps its coins and orders: other endpoints serve it from now on."""
        with self._opened(uid):
            self._venue.change_kind(uid, AccountKind(kind))

    def balances(self, uid: str) -> dict[str, Balance]:
        """Return the available and frozen amounts of an account by coin."""
        with self._opened(uid):
            return self._venue.engine.wallets[uid].balances()

    def borrowed(self, uid: str) -> dict[str, Decimal]:
        """Return what orders of an account have borrowed since the start, by coin; also what is repaid."""
        with self._opened(uid):
            return self._venue.engine.wallets[uid].borrowed()

    def debts(self, uid: str | None = None) -> dict[str, Debt]:
        """Return what an account owes, by coin; not the debts of `Account`, which are only shown."""
        with self._opened_one(uid) as (account, _):
            return self._venue.engine.wallets[account].debts()

    def worth(self, uid: str | None = None) -> Decimal:
        """Return the value of an account's coins less that of its debts, in US dollars at the last prices."""
        with self._opened_one(uid) as (account, _):
            engine = self._venue.engine
            balances = engine.wallets[account].balances().items()
            owned = sum((sum(balance, ZERO) * engine.dollars(coin) for coin, balance in balances), ZERO)
            return owned - engine.loans.owed(account)

    def risk(self, uid: str | None = None) -> Decimal:
        """Return the risk ratio of an account."""
        with self._opened_one(uid) as (account, _):
            return self._venue.engine.loans.risk(account)

    def borrowings(self, uid: str | None = None) -> list[Borrowing]:
        """Return the records of an account's loans, newest first."""
        with self._opened_one(uid) as (account, _):
            return self._venue.engine.loans.borrowings(account)

    def repayments(self, uid: str | None = None) -> list[Repayment]:
        """Return the records of an account's repayments, newest first."""
        with self._opened_one(uid) as (account, _):
            return self._venue.engine.loans.repayments(account)

    def interest(self, uid: str | None = None) -> list[Interest]:
        """Return the interest that an account was charged, newest first."""
        with self._opened_one(uid) as (account, _):
            return self._venue.engine.loans.interest(account)

    def liquidations(self, uid: str | None = None) -> list[LiquidationRecord]:
        """Return the liquidations of an account, newest first."""
        with self._opened_one(uid) as (account, _):
            return self._venue.engine.liquidations.of(account)

    def set_debt(self, coin: str, amount: Number, uid: str | None = None) -> None:
        """Let an account owe an amount of a coin, without interest so far; its balances stay as they are."""
        with self._opened_one(uid) as (account, now_ms):
            if not self._venue.engine.dollars(coin):
                raise ValueError(f"{coin} cannot be owed: it has no price in USDT")
            principal = read_number("amount", amount, COIN_DECIMALS, or_zero=True)
            self._venue.engine.loans.set_debt(account, coin, principal, now_ms)

    def charge_interest(self, uid: str | None = None) -> None:
        """Charge the interest of one period on all debts of an account now, beside the charges that are due."""
        with self._opened_one(uid) as (account, now_ms):
            self._venue.engine.loans.charge(account, now_ms)

    def liquidate(self, uid: str | None = None) -> LiquidationRecord:
        """Liquidate an account now, whatever its risk."""
        with self._opened_one(uid) as (account, now_ms):
            return self._venue.engine.liquidations.liquidate(account, now_ms)

    def change_loan_terms(self, **changes: object) -> LoanTerms:
        """Change some terms of loans by name, and return all; those of charges hold from the next one on."""
        with self._opened():
            loans = self._venue.engine.loans
            # Names and types are checked by the terms themselves; mypy cannot follow that.
            loans.terms = replace(loans.terms, **changes)  # type: ignore[arg-type]
            return loans.terms

    @contextmanager
    def _opened(self, uid: str | None = None) -> Iterator[int]:
        """Open the venue, and refuse an unknown account; yields the time in ms since the epoch."""
        with self._venue.opened() as now_ms:
            if uid is not None and uid not in self._venue.engine.wallets:
                raise ValueError(f"there is no account {uid}; there are {', '.join(self._venue.engine.wallets)}")
            yield now_ms

    @contextmanager
    def _opened_one(self, uid: str | None) -> Iterator[tuple[str, int]]:
        """Open the venue; yields the account, which is the only one by default, and the time."""
        with self._opened(uid) as now_ms:
            if uid is None:
                (uid, *others) = self._venue.engine.wallets
                if others:
                    raise ValueError(f"name an account: there are {', '.join(self._venue.engine.wallets)}")
            yield uid, now_ms


def read_number(name: str, value: Number, decimals: int, *, or_zero: bool = False) -> Decimal:
    """Return a number that a test or the owner has given, or raise a ValueError that names what is wrong."""
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        raise ValueError(f"{name} must be a Decimal, a whole number or text like '12.5', not {value!r}")  # noqa: TRY004
    number = read_decimal(format(value, "f") if isinstance(value, Decimal) else str(value))
    if number is None or (number == ZERO and not or_zero):
        raise ValueError(f"{name} must be a positive plain number like '12.5', not {value!r}")
    if not fits(number, decimals):
        raise ValueError(f"{name} {value} has more than {decimals} decimals")
    return number
