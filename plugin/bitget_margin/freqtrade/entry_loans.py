"""Loans of entries: what an entry may borrow, so that nothing is borrowed that the bot's own trades do not explain."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.compat import TemporaryError
from bitget_margin.freqtrade.config import LeverageSettings
from bitget_margin.freqtrade.margin_account import MarginAccount
from bitget_margin.freqtrade.margin_levels import MarginLevels
from bitget_margin.freqtrade.positions import MarginBooks, TradePosition, planned_coins, planned_debt

_SLACK: Final = 1.02
"""Share of a plan up to which debts may grow: fees, and prices that move while an order is placed."""
_ROUNDING: Final = 1e-9
_PAUSE_SECONDS: Final = 60.0
"""Pause of the entries on a pair after a loan was refused."""


class LoanKind(StrEnum):
    """The loan types of a classic account; orders of a unified one borrow and repay by themselves.

    https://www.bitget.com/api-doc/margin/cross/trade/Cross-Place-Order
    """

    NORMAL = "normal"
    AUTO_LOAN = "autoLoan"
    AUTO_REPAY = "autoRepay"
    AUTO_LOAN_AND_REPAY = "autoLoanAndRepay"


@dataclass(frozen=True, slots=True)
class EntryOrder:
    """An order that opens a position, or adds to one; the amount is in base coins, the price in quote coins."""

    pair: str
    base: str
    is_short: bool
    amount: float
    price: float
    leverage: float

    @property
    def planned(self) -> TradePosition:
        """The position that the order alone makes once it has filled."""
        stake = self.amount * self.price / self.leverage
        return TradePosition(self.pair, self.base, self.is_short, self.amount, self.price, stake, self.leverage)


@dataclass(frozen=True, slots=True)
class EntryLoan:
    """The answer for an entry: its loan type, and the base coins of the account before it, less its debt of them."""

    loan_type: LoanKind
    besides: float


@dataclass(eq=False, kw_only=True)
class EntryLoans:
    """Decides on the loans of entries."""

    account: MarginAccount
    levels: MarginLevels
    settings: LeverageSettings
    alerts: Alerts
    clock: Callable[[], float] = time.monotonic
    _refused: dict[str, float] = field(default_factory=dict, init=False)
    """Time of the last refusal of a loan, by pair."""

    def decide(self, entry: EntryOrder) -> EntryLoan:
        """Return the loan of an entry.

        :raises TemporaryError: it would borrow more than the leverage of the bot's trades explains, or bring the
            account too near to a liquidation; nothing is placed
        """
        books = self.account.fresh()
        net = books.account.net(entry.base)
        coin, needed = self.coin_of(entry), entry.amount * (1.0 if entry.is_short else entry.price)
        lacking = needed - books.account.free.get(coin, 0.0)
        if lacking <= 0:
            return EntryLoan(LoanKind.NORMAL, net)
        self._refuse_pause(entry)
        self._refuse_unexplained(entry, books, coin, lacking)
        self._refuse_risk(entry, books, lacking * (entry.price if entry.is_short else 1.0))
        return EntryLoan(LoanKind.AUTO_LOAN, net)

    def note_refusal(self, entry: EntryOrder, error: BaseException) -> None:
        """Report that the venue has refused an entry that borrows: the pair gets no other loan for a minute."""
        self._refused[entry.pair] = self.clock()
        self.alerts.warn(
            f"The venue has refused an entry on {entry.pair} that would have borrowed {self.coin_of(entry)}: {error}. "
            "Nothing was placed, and the pair gets no loan for a minute. If too little can be borrowed, take a smaller "
            "stake or less leverage, or wait until the venue lends more of the coin.",
            f"loan {entry.pair}",
        )

    def coin_of(self, entry: EntryOrder) -> str:
        """Return the coin that an entry borrows, if it lacks it."""
        return entry.base if entry.is_short else self.account.stake_coin

    def _refuse_pause(self, entry: EntryOrder) -> None:
        left = self._refused.get(entry.pair, float("-inf")) + _PAUSE_SECONDS - self.clock()
        if left > 0:
            raise TemporaryError(
                f"Entry on {entry.pair}: the venue has refused its loan; it is tried again in {left:.0f} s."
            )

    def _refuse_unexplained(self, entry: EntryOrder, books: MarginBooks, coin: str, lacking: float) -> None:
        owed = books.account.debt.get(coin, 0.0)
        if entry.is_short:
            planned = planned_coins(books.trades, coin) + entry.amount
        else:
            planned = planned_debt([*books.trades, entry.planned])
        if owed + lacking > planned * _SLACK + _ROUNDING:
            raise TemporaryError(
                f"Entry on {entry.pair}: it would borrow {lacking:.8g} {coin} on top of the {owed:.8g} that are owed, "
                f"and the leverage of this bot's trades explains {planned:.8g}. Nothing is placed: another program "
                "uses the account, or coins are missing."
            )

    def _refuse_risk(self, entry: EntryOrder, books: MarginBooks, borrowed: float) -> None:
        """Refuse an entry that would take the venue's own margin level above the configured one."""
        owed, equity = books.owed(), books.equity()
        level = self.levels.read()
        if owed > 0 and level is not None and level > 0:
            # The level grows with the debts, or slower, by either formula that the venue documents.
            risk = level * (owed + borrowed) / owed
        else:
            risk = (owed + borrowed) * self.settings.maintenance_rate / equity if equity > 0 else float("inf")
        if risk > self.settings.max_risk:
            raise TemporaryError(
                f"Entry on {entry.pair}: the margin level of the account would be {risk:.3f} (1 is liquidated), above "
                f'"bitget_margin.leverage.max_risk" {self.settings.max_risk:g}. Nothing is placed.'
            )
