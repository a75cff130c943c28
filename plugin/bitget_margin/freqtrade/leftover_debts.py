"""Debts that no open trade explains: they are paid back from coins that are free."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import ccxt

from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.compat import Trade
from bitget_margin.freqtrade.margin_account import MarginAccount
from bitget_margin.freqtrade.positions import MarginBooks, planned_coins, planned_debt

_CHECK_SECONDS: Final = 60.0
_STEPS: Final = 1e8
"""Number of the venue's smallest amounts in a coin."""


@dataclass(eq=False, kw_only=True)
class LeftoverDebts:
    """Pays back, on a classic account; what comes into a unified one pays its debts back by itself.

    :param api: returns the sync exchange object
    :param timeout_ms: returns the time limit of a request
    """

    account: MarginAccount
    api: Callable[[], Any]
    timeout_ms: Callable[[], float]
    alerts: Alerts
    clock: Callable[[], float] = time.monotonic
    _checked: float = field(default=float("-inf"), init=False)
    _open: int = field(default=0, init=False)
    """Number of open trades at the last check."""

    def check(self) -> None:
        """Pay leftover debts back: once a minute, and after a trade has ended.

        :raises FreqtradeException: the balance could not be read
        """
        count, now = len(Trade.get_trades_proxy(is_open=True)), self.clock()
        has_ended, self._open = count < self._open, count
        if self.account.is_unified() or not (has_ended or now - self._checked >= _CHECK_SECONDS):
            return
        self._checked = now
        books = self.account.fresh()
        for coin, owed in list(books.account.debt.items()):
            if owed > 0 and not self._is_explained(books, coin):
                self._repay(books, coin, owed)

    def _is_explained(self, books: MarginBooks, coin: str) -> bool:
        """Whether trades need a loan of a coin, or an entry that is under way may take one."""
        if coin == self.account.stake_coin:
            return planned_debt(books.trades) > 0 or any(trade.is_entering for trade in books.trades)
        entering = any(trade.is_entering for trade in books.trades if trade.base == coin)
        return entering or planned_coins(books.trades, coin) > 0

    def _repay(self, books: MarginBooks, coin: str, owed: float) -> None:
        amount = math.floor(min(owed, books.account.free.get(coin, 0.0)) * _STEPS) / _STEPS
        try:
            if amount > 0:
                self.api().repay_cross_margin(coin, amount, {"timeout": self.timeout_ms()})
                self.alerts.info(f"{amount:.8g} {coin} of debt that no trade needs were paid back.")
            if owed - amount > 1 / _STEPS and not books.trades:
                # It sells other coins of the account, which would be those of trades.
                self.api().privateMarginPostV2MarginCrossedAccountFlashRepay({"coin": coin})
                self.alerts.info(f"{owed - amount:.8g} {coin} of debt that no trade needs are paid by flash repayment.")
        except ccxt.BaseError as error:
            self.alerts.warn(f"{owed:.8g} {coin} of debt could not be paid back: {error}", f"debt {coin}")
        self.account.forget()
