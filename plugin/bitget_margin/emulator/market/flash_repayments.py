"""Flash repayments: debts that are repaid with whatever other coins an account has."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum
from functools import partial

from bitget_margin.emulator.behaviour.knobs import Knobs
from bitget_margin.emulator.errors import Refusal, VenueError
from bitget_margin.emulator.market.balance_changes import BalanceChanges, ChangeKind
from bitget_margin.emulator.market.decimals import EXACT, ZERO, floor_to
from bitget_margin.emulator.market.loan_records import RepayKind
from bitget_margin.emulator.market.loan_terms import COIN_DECIMALS, round_up
from bitget_margin.emulator.market.loans import Loans
from bitget_margin.emulator.market.wallet import NO_DEBT, NOTHING, Wallet


class FlashStatus(StrEnum):
    """State of a flash repayment; only the name of the last one is documented."""

    PROCESSING = "PROCESSING"
    FAILED = "FAIL"
    FINISHED = "FINISH"


class FlashRepayments:
    """Flash repayments of all accounts.

    :param dollars: returns the price of a coin in US dollars, 0 if unknown
    :param next_id: returns a new id; ids grow with time
    :param at: schedules an action
    :param knobs_of: returns the knobs of an account
    """

    def __init__(
        self,
        wallets: Mapping[str, Wallet],
        loans: Loans,
        changes: BalanceChanges,
        dollars: Callable[[str], Decimal],
        next_id: Callable[[], str],
        at: Callable[[int, Callable[[int], object]], None],
        knobs_of: Callable[[str], Knobs],
    ) -> None:
        self._wallets = wallets
        self._loans = loans
        self._changes = changes
        self._dollars = dollars
        self._next_id = next_id
        self._at = at
        self._knobs_of = knobs_of
        self._statuses: dict[tuple[str, str], FlashStatus] = {}

    def begin(self, uid: str, coin: str | None, now_ms: int) -> str:
        """Accept a flash repayment of one coin's debt, or of all debts, and return its id; or refuse."""
        knobs, debts = self._knobs_of(uid), self._wallets[uid].debts()
        coins = list(debts) if coin is None else [coin]
        owed = sum((debts.get(name, NO_DEBT).total * self._dollars(name) for name in coins), ZERO)
        if not owed:
            raise VenueError(Refusal.NO_LOAN)
        if owed < knobs.flash_repay_min:
            raise VenueError(Refusal.REPAYMENT_TOO_SMALL)
        repay_id = self._next_id()
        self._statuses[uid, repay_id] = FlashStatus.PROCESSING
        execute = partial(self._execute, uid, repay_id, coins)
        if knobs.flash_repay_delay_ms:
            self._at(now_ms + knobs.flash_repay_delay_ms, execute)
        else:
            execute(now_ms)
        return repay_id

    def status(self, uid: str, repay_id: str) -> FlashStatus | None:
        """Return the state of a flash repayment, None if the account has none with this id."""
        return self._statuses.get((uid, repay_id))

    def _execute(self, uid: str, repay_id: str, coins: list[str], now_ms: int) -> None:
        wallet = self._wallets[uid]
        before = self._loans.owed(uid)
        for coin in coins:
            owed = wallet.debts().get(coin, NO_DEBT).total
            self._convert(uid, coin, owed - wallet.balances().get(coin, NOTHING).available, now_ms)
            self._loans.pay(uid, coin, owed, RepayKind.BY_HAND, now_ms)
        wallet.keep_state(now_ms)
        is_paid = self._loans.owed(uid) < before
        self._statuses[uid, repay_id] = FlashStatus.FINISHED if is_paid else FlashStatus.FAILED

    def _convert(self, uid: str, coin: str, missing: Decimal, now_ms: int) -> None:
        """Exchange other coins, the most valuable holding first, for as much of a coin as is missing."""
        wallet, price = self._wallets[uid], self._dollars(coin)
        kept = 1 - self._loans.terms.flash_repay_fee
        worth = {name: balance.available * self._dollars(name) for name, balance in wallet.balances().items()}
        for other in sorted(worth, key=worth.__getitem__, reverse=True):
            if other in wallet.debts() or not worth[other] or missing <= ZERO:
                continue
            unit = EXACT.divide(price, self._dollars(other) * kept)
            available = wallet.balances()[other].available
            bought = min(missing, floor_to(EXACT.divide(available, unit), COIN_DECIMALS))
            cost = min(round_up(bought * unit), available)
            wallet.freeze(other, cost)
            wallet.spend(other, cost)
            self._changes.add(uid, wallet, ChangeKind.EXCHANGE_OUT, "", other, -cost, now_ms)
            wallet.add(coin, bought)
            self._changes.add(uid, wallet, ChangeKind.EXCHANGE_IN, "", coin, bought, now_ms)
            missing -= bought
