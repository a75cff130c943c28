"""Loans of the venue: borrowing, interest and repayment of all accounts, and the risk of each."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial

from bitget_margin.emulator.behaviour.knobs import InterestSchedule, Knobs, LoanRefusal, RiskFormula
from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.balance_changes import BalanceChanges, ChangeKind
from bitget_margin.emulator.market.decimals import EXACT, ZERO, floor_to
from bitget_margin.emulator.market.loan_records import (
    Borrowing,
    BorrowKind,
    Interest,
    InterestKind,
    RepayKind,
    Repayment,
)
from bitget_margin.emulator.market.loan_terms import COIN_DECIMALS, LoanTerms, round_up
from bitget_margin.emulator.market.wallet import NO_DEBT, NOTHING, Wallet

HIGHEST_RISK = Decimal(10)
"""Risk ratio of an account that owes at least as much as it has."""
_REFUSALS = {
    LoanRefusal.INSUFFICIENT: Refusal.INSUFFICIENT_BALANCE,
    LoanRefusal.MARGIN_INSUFFICIENT: Refusal.MARGIN_INSUFFICIENT_BALANCE,
    LoanRefusal.TOO_LARGE: Refusal.LOAN_TOO_LARGE,
    LoanRefusal.SYSTEM_LIMIT: Refusal.SYSTEM_LIMIT,
}


class Loans:
    """Loans of all accounts. Interest is charged on the principal only.

    :param dollars: returns the price of a coin in US dollars, 0 if unknown
    :param next_id: returns a new id; ids grow with time
    :param at: schedules an action
    :param changes: records of the changes of balances
    :param knobs_of: returns the knobs of an account
    """

    def __init__(
        self,
        wallets: Mapping[str, Wallet],
        dollars: Callable[[str], Decimal],
        next_id: Callable[[], str],
        at: Callable[[int, Callable[[int], object]], None],
        changes: BalanceChanges,
        terms: LoanTerms,
        knobs_of: Callable[[str], Knobs],
    ) -> None:
        self.terms = terms
        self._wallets = wallets
        self._dollars = dollars
        self._next_id = next_id
        self._at = at
        self._changes = changes
        self._knobs_of = knobs_of
        self._due_ms: dict[tuple[str, str], int] = {}
        """Time of the next charge by account and coin; an action of another time is of a debt that has ended."""
        self._borrowings: dict[str, list[Borrowing]] = defaultdict(list)
        self._repayments: dict[str, list[Repayment]] = defaultdict(list)
        self._interest: dict[str, list[Interest]] = defaultdict(list)
        self._observers: list[Callable[[str, int], object]] = []

    def observe(self, observer: Callable[[str, int], object]) -> None:
        """Call a function with the account and the time after each charge of a period."""
        self._observers.append(observer)

    def borrowings(self, uid: str) -> list[Borrowing]:
        """Return the loans of an account, newest first; those of orders of a unified account have no record."""
        return self._borrowings[uid][::-1]

    def repayments(self, uid: str) -> list[Repayment]:
        """Return the repayments of an account, newest first; a unified account's own ones have no record."""
        return self._repayments[uid][::-1]

    def interest(self, uid: str) -> list[Interest]:
        """Return the interest of an account, newest first."""
        return self._interest[uid][::-1]

    # -- value and risk ---------------------------------------------------------------------------------------------

    def assets(self, uid: str) -> Decimal:
        """Return the value of an account's coins in US dollars, as far as it counts as margin."""
        balances = self._wallets[uid].balances().items()
        worth = (sum(balance, ZERO) * self._dollars(c) * self.terms.collateral_rate(c) for c, balance in balances)
        return sum(worth, ZERO)

    def owed(self, uid: str) -> Decimal:
        """Return the value of an account's debts in US dollars."""
        return sum((debt.total * self._dollars(coin) for coin, debt in self._wallets[uid].debts().items()), ZERO)

    def risk(self, uid: str) -> Decimal:
        """Return the risk ratio of an account, 0 without debts; from 1 on it is liquidated."""
        owed = self.owed(uid)
        if not owed:
            return ZERO
        assets = self.assets(uid)
        if self._knobs_of(uid).risk_formula is RiskFormula.LIABILITIES:
            ratio = EXACT.divide(owed, assets) if assets else HIGHEST_RISK
        else:
            equity = assets - owed
            ratio = EXACT.divide(self.maintenance(uid), equity) if equity > ZERO else HIGHEST_RISK
        return min(ratio, HIGHEST_RISK)

    def maintenance(self, uid: str) -> Decimal:
        """Return the margin that the debts of an account need, in US dollars."""
        return self.owed(uid) * self.terms.maintenance_rate

    def max_borrowable(self, uid: str, coin: str) -> Decimal:
        """Return the amount of a coin that an account can still borrow."""
        price = self._dollars(coin)
        return floor_to(EXACT.divide(self._room(uid), price), COIN_DECIMALS) if price else ZERO

    def _room(self, uid: str) -> Decimal:
        """Return the value in US dollars that an account can still borrow."""
        owed = self.owed(uid)
        return max(ZERO, (self.assets(uid) - owed) * (self.terms.leverage - 1) - owed)

    # -- borrowing --------------------------------------------------------------------------------------------------

    def lend(self, uid: str, coin: str, amount: Decimal, now_ms: int) -> None:
        """Lend what an order of a unified account lacks of a coin, if there is room for it."""
        wallet, knobs = self._wallets[uid], self._knobs_of(uid)
        is_first = coin not in wallet.debts()
        missing = amount - wallet.balances().get(coin, NOTHING).available
        value = missing * self._dollars(coin)
        if ZERO < value <= self._room(uid):
            wallet.borrow(coin, missing, by_order=True, repays_itself=knobs.auto_repays)
            if knobs.unified_first_interest:
                self._charge(uid, coin, missing, InterestKind.FIRST, now_ms)
            if is_first:
                self._charge_from(uid, coin, now_ms)

    def lend_to_order(self, uid: str, coin: str, amount: Decimal, now_ms: int) -> Decimal:
        """Lend what an order of a classic account lacks of a coin, or refuse; return the loan."""
        missing = round_up(amount - self._wallets[uid].balances().get(coin, NOTHING).available)
        if missing <= ZERO:
            return ZERO
        if missing > self.max_borrowable(uid, coin):
            raise VenueError(_REFUSALS[self._knobs_of(uid).loan_refusal])
        self._borrow(uid, coin, missing, BorrowKind.BY_ORDER, now_ms)
        return missing

    def borrow(self, uid: str, coin: str, amount: Decimal, now_ms: int) -> Borrowing:
        """Borrow coins by hand, with the first interest, or refuse."""
        if amount > self.max_borrowable(uid, coin):
            raise VenueError(Refusal.LOAN_TOO_LARGE)
        loan = self._borrow(uid, coin, amount, BorrowKind.BY_HAND, now_ms)
        self._wallets[uid].keep_state(now_ms)
        return loan

    def _borrow(self, uid: str, coin: str, amount: Decimal, kind: BorrowKind, now_ms: int) -> Borrowing:
        wallet = self._wallets[uid]
        is_first = coin not in wallet.debts()
        wallet.borrow(coin, amount, by_order=kind is BorrowKind.BY_ORDER, repays_itself=False)
        self._charge(uid, coin, amount, InterestKind.FIRST, now_ms)
        loan = Borrowing(self._next_id(), coin, amount, kind, now_ms)
        self._borrowings[uid].append(loan)
        self._changes.add(uid, wallet, ChangeKind.BORROW, "", coin, amount, now_ms)
        if is_first:
            self._charge_from(uid, coin, now_ms)
        return loan

    def set_debt(self, uid: str, coin: str, principal: Decimal, now_ms: int) -> None:
        """Replace the debt of a coin by one without interest so far; the balance stays as it is."""
        self._wallets[uid].set_debt(coin, principal)
        self._wallets[uid].keep_state(now_ms)
        if principal:
            self._charge_from(uid, coin, now_ms)

    # -- repayment --------------------------------------------------------------------------------------------------

    def repay(self, uid: str, coin: str, amount: Decimal, now_ms: int) -> Repayment:
        """Pay back a part of a coin's debt by hand, interest first, or all of it; or refuse."""
        wallet = self._wallets[uid]
        debt = wallet.debts().get(coin)
        if debt is None:
            raise VenueError(Refusal.NO_LOAN)
        paid = min(amount, debt.total)
        if paid > wallet.balances().get(coin, NOTHING).available:
            raise VenueError(Refusal.REPAYMENT_ABOVE_BALANCE)
        if paid <= debt.interest and paid < debt.total:
            raise VenueError(Refusal.REPAYMENT_BELOW_INTEREST)
        repayment = self._pay(uid, coin, paid, RepayKind.BY_HAND, now_ms)
        wallet.keep_state(now_ms)
        return repayment

    def check_repayable(self, uid: str, coin: str) -> None:
        """Refuse an order that repays where nothing is owed of the coin that it receives, if the knob is set."""
        if self._knobs_of(uid).auto_repay_needs_debt and coin not in self._wallets[uid].debts():
            raise VenueError(Refusal.NO_LOAN)

    def repay_by_order(self, uid: str, coin: str, received: Decimal, now_ms: int) -> None:
        """Pay back the debt of a coin with what a fill has brought of it."""
        if self._knobs_of(uid).auto_repays:
            self.pay(uid, coin, received, RepayKind.BY_ORDER, now_ms)

    def pay(self, uid: str, coin: str, most: Decimal, kind: RepayKind, now_ms: int) -> None:
        """Pay back as much of a coin's debt as the free coins allow, up to an amount."""
        wallet = self._wallets[uid]
        free = wallet.balances().get(coin, NOTHING).available
        paid = min(most, free, wallet.debts().get(coin, NO_DEBT).total)
        if paid > ZERO:
            self._pay(uid, coin, paid, kind, now_ms)

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
            cost = min(round_up(EXACT.divide(paid * price, payment_price)), available)
            wallet.freeze(payment_coin, cost)
            wallet.spend(payment_coin, cost)
            wallet.add(coin, paid)
        else:
            paid = min(debt.total, available)
        if paid:
            self._repaid(uid, coin, paid, RepayKind.BY_HAND, now_ms)
        wallet.keep_state(now_ms)
        return paid

    def _pay(self, uid: str, coin: str, amount: Decimal, kind: RepayKind, now_ms: int) -> Repayment:
        repayment = self._repaid(uid, coin, amount, kind, now_ms)
        self._changes.add(uid, self._wallets[uid], ChangeKind.REPAY, "", coin, -amount, now_ms)
        return repayment

    def _repaid(self, uid: str, coin: str, amount: Decimal, kind: RepayKind, now_ms: int) -> Repayment:
        part = self._wallets[uid].repay(coin, amount)
        repayment = Repayment(self._next_id(), coin, amount, part.principal, part.interest, kind, now_ms)
        self._repayments[uid].append(repayment)
        return repayment

    # -- interest ---------------------------------------------------------------------------------------------------

    def charge(self, uid: str, now_ms: int) -> None:
        """Charge the interest of one period on every debt of an account now."""
        for coin, debt in self._wallets[uid].debts().items():
            self._charge(uid, coin, debt.principal, InterestKind.SCHEDULED, now_ms)
        self._wallets[uid].keep_state(now_ms)
        for observer in self._observers:
            observer(uid, now_ms)

    def next_charge_ms(self, uid: str, now_ms: int) -> int:
        """Return the time of the first charge on a debt that begins now, ms since the epoch."""
        period_ms = self.terms.period_ms
        on_clock = self._knobs_of(uid).interest_schedule is InterestSchedule.CLOCK
        return now_ms + period_ms - (now_ms % period_ms if on_clock else 0)

    def _charge_from(self, uid: str, coin: str, now_ms: int) -> None:
        """Charge interest for each full period from now on, as long as the debt lasts."""
        due_ms = self._due_ms[uid, coin] = self.next_charge_ms(uid, now_ms)
        self._at(due_ms, partial(self._charge_period, uid, coin))

    def _charge_period(self, uid: str, coin: str, due_ms: int) -> None:
        debt = self._wallets[uid].debts().get(coin)
        if debt is None or self._due_ms.get((uid, coin)) != due_ms:
            return
        self._charge_from(uid, coin, due_ms)
        self._charge(uid, coin, debt.principal, InterestKind.SCHEDULED, due_ms)
        self._wallets[uid].keep_state(due_ms)
        for observer in self._observers:
            observer(uid, due_ms)

    def _charge(self, uid: str, coin: str, principal: Decimal, kind: InterestKind, now_ms: int) -> None:
        amount = self.terms.hourly_interest(coin, principal)
        if amount:
            self._wallets[uid].charge(coin, amount)
            charged = Interest(self._next_id(), coin, amount, self.terms.rate(coin), kind, now_ms)
            self._interest[uid].append(charged)
            self._changes.add(uid, self._wallets[uid], ChangeKind.INTEREST, "", coin, -amount, now_ms)
