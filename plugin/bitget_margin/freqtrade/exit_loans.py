"""Loans of orders that close a position: they pay back, and borrow only where a cover lacks quote coins."""

from dataclasses import dataclass
from typing import Final

from bitget_margin.freqtrade.compat import Trade
from bitget_margin.freqtrade.entry_loans import LoanKind
from bitget_margin.freqtrade.margin_account import MarginAccount
from bitget_margin.freqtrade.trade_interest import borrows

_READING_SECONDS: Final = 10.0
"""Age up to which a reading of the account decides: freqtrade reads it before each exit."""


@dataclass(frozen=True, slots=True)
class ExitLoans:
    """Loan types of exits and resting orders by the last reading, without a request; None on a unified account.

    Nobody says what becomes of an order that is to repay where nothing is owed, so none is sent that way if a reading
    shows no debt.
    """

    account: MarginAccount

    def of_sale(self, trade: Trade | None) -> LoanKind | None:
        """Return the loan type of the exit of a long.

        Without a reading, only a trade that has borrowed repays. What an exit leaves is paid back later.
        """
        if self.account.is_unified():
            return None
        reading = self.account.last(_READING_SECONDS)
        if reading is None:
            owes = trade is not None and borrows(trade)
        else:
            owes = reading.debt.get(self.account.stake_coin, 0.0) > 0
        return _repaying(owes=owes)

    def of_cover(self, cost: float) -> LoanKind | None:
        """Return the loan type of a cover: it borrows quote coins unless a current reading shows enough of them.

        :param cost: quote coins that it costs at its limit
        """
        if self.account.is_unified():
            return None
        books = self.account.known(_READING_SECONDS)
        has_cash = books is not None and books.account.free.get(self.account.stake_coin, 0.0) >= cost
        return LoanKind.AUTO_REPAY if has_cash else LoanKind.AUTO_LOAN_AND_REPAY

    def of_resting(self, trade: Trade, base: str) -> LoanKind | None:
        """Return the loan type of the resting orders of a trade, which never borrow; None if it has not borrowed."""
        if self.account.is_unified() or not borrows(trade):
            return None
        books = self.account.known(_READING_SECONDS)
        coin = base if trade.is_short else self.account.stake_coin
        return _repaying(owes=books is None or books.account.debt.get(coin, 0.0) > 0)


def _repaying(*, owes: bool) -> LoanKind:
    return LoanKind.AUTO_REPAY if owes else LoanKind.NORMAL
