"""Debts that the bot's trades have left: they are paid back from coins that are free.

Only debts of coins that trades of the bot have borrowed lately: a loan of the owner is none of its business.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import ccxt

from bitget_margin.adapter import fallback_markets
from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.compat import Trade
from bitget_margin.freqtrade.margin_account import MarginAccount
from bitget_margin.freqtrade.positions import AccountSnapshot, MarginBooks, TradePosition, position_of

_CHECK_SECONDS: Final = 60.0
_LATELY_SECONDS: Final = 3_600.0
"""Time after the last trade that has borrowed a coin within which its debt counts as left by it."""
_STEPS: Final = 1e8
"""Number of the venue's smallest amounts in a coin."""
_LESS_THAN_A_STEP: Final = 0.5 / _STEPS
_SMALL: Final = 0.01
"""Largest debt, as a share of the equity, that other coins pay back: interest and fees of trades, but no position."""
_INTEREST_OF_A_MOMENT: Final = 1.01
"""Share of a debt up to which it may have grown since it was read."""


@dataclass(eq=False, kw_only=True)
class LeftoverDebts:
    """Pays back what the venue has not been paid back by the exits themselves.

    :param api: returns the sync exchange object
    :param timeout_ms: returns the time limit of a request
    """

    account: MarginAccount
    api: Callable[[], Any]
    timeout_ms: Callable[[], float]
    alerts: Alerts
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _checked: float = field(default=float("-inf"), init=False)
    _borrowed: dict[str, float] = field(default_factory=dict, init=False)
    """Time at which a trade last explained a debt, by coin."""
    _explained: frozenset[str] = field(default=frozenset(), init=False)
    """Coins of which trades explained a debt at the last check."""
    _has_ended: bool = field(default=False, init=False)
    """Whether a trade that explained a debt has ended since the debts were last asked for."""
    _clear: dict[str, float] = field(default_factory=dict, init=False)
    """Time at which a coin was first seen without a debt, and without a trade that would explain one, by coin."""
    _is_first: bool = field(default=True, init=False)

    def check(self, *, may_ask: bool = True) -> None:
        """Pay debts back that are left: once a minute, and as soon as no trade explains one any more.

        :param may_ask: whether there is time for requests; where not, what the trades explain is noted all the same
        :raises FreqtradeException: the balance could not be read
        """
        now = self.clock()
        if self._is_first:
            self._borrowed = dict.fromkeys(self._borrowed_before_start(), now) | self._borrowed
            self._is_first = False
        explained = frozenset(self._coin_of(trade) for trade in self.account.positions() if _borrows(trade))
        self._has_ended |= bool(self._explained - explained)
        self._explained = explained
        self._borrowed |= dict.fromkeys(explained, now)
        for coin in explained:
            self._clear.pop(coin, None)
        left = {coin for coin, at in self._borrowed.items() if now - at < _LATELY_SECONDS} - explained
        if not may_ask or not left or not (self._has_ended or now - self._checked >= _CHECK_SECONDS):
            return
        self._checked, self._has_ended = now, False
        books = self.account.fresh()
        self.note_reading(books.account)
        for coin in sorted(left):
            owed = books.account.debt.get(coin, 0.0)
            if owed > 0:
                self._repay(books, coin, owed)

    def note_reading(self, account: AccountSnapshot) -> None:
        """Note which coins a reading, made for whatever purpose, shows as not owed any more."""
        now = self.clock()
        for coin in self._borrowed.keys() - self._explained:
            if account.debt.get(coin, 0.0) > 0:
                self._clear.pop(coin, None)
            elif now - self._clear.setdefault(coin, now) >= _CHECK_SECONDS:
                # What is owed from now on, no trade has left.
                del self._borrowed[coin], self._clear[coin]

    def note_loan(self, coin: str) -> None:
        """Note that an order of the bot may borrow a coin that its trades do not explain."""
        self._borrowed[coin] = self.clock()

    def _borrowed_before_start(self) -> set[str]:
        """Return the coins that trades have borrowed which ended in the hour before the start of the bot."""
        since = self.now() - timedelta(seconds=_LATELY_SECONDS)
        ended = Trade.get_trades_proxy(is_open=False, close_date=since)
        return {self._coin_of(position) for position in map(position_of, ended) if _borrows(position)}

    def _coin_of(self, trade: TradePosition) -> str:
        return trade.base if trade.is_short else self.account.stake_coin

    def _repay(self, books: MarginBooks, coin: str, owed: float) -> None:
        try:
            if self.account.is_unified():
                self._repay_unified(books, coin, owed)
            else:
                self._repay_classic(books, coin, owed)
        except ccxt.BaseError as error:
            self.alerts.warn(f"{owed:.8g} {coin} of debt could not be paid back: {error}", f"debt {coin}")
        self.account.forget()

    def _may_sell_others(self, books: MarginBooks, coin: str, amount: float) -> bool:
        """Whether other coins may pay a debt: a small one, while they are of no trade."""
        if books.trades:
            return False
        price = self.account.price(coin)
        if price is not None and amount * price <= books.equity() * _SMALL:
            return True
        self.alerts.warn(
            f"{amount:.8g} {coin} are owed that no trade of the bot needs, and too few {coin} are free. This is more "
            "than interest and fees, so no other coins are sold for it: pay it back, or buy the coins.",
            f"debt {coin}",
        )
        return False

    def _repay_classic(self, books: MarginBooks, coin: str, owed: float) -> None:
        amount = math.floor(min(owed, books.spare(coin)) * _STEPS) / _STEPS
        if amount > 0:
            self.api().repay_cross_margin(coin, amount, {"timeout": self.timeout_ms()})
            self.alerts.info(f"{amount:.8g} {coin} of debt that no trade needs any more were paid back.")
        rest = owed - amount
        if rest > _LESS_THAN_A_STEP and self._may_sell_others(books, coin, rest):
            # Without a coin, it would pay all debts of the account.
            named = {"coin": fallback_markets.coin_id(self.api(), coin)}
            self.api().privateMarginPostV2MarginCrossedAccountFlashRepay(named)
            self.alerts.info(f"{rest:.8g} {coin} of debt that no trade needs any more are paid by flash repayment.")

    def _repay_unified(self, books: MarginBooks, coin: str, owed: float) -> None:
        """Pay all of a debt back, which is the only way there: with the coin itself, or with the stake coin."""
        stake = self.account.stake_coin
        payment = coin if books.spare(coin) >= owed else stake
        if payment != coin and not self._may_sell_others(books, coin, owed):
            return
        params = {"paymentCoin": payment, "timeout": self.timeout_ms()}
        self.api().repay_cross_margin(coin, owed * _INTEREST_OF_A_MOMENT, params)
        self.alerts.info(f"{owed:.8g} {coin} of debt that no trade needs any more were paid back with {payment}.")


def _borrows(trade: TradePosition) -> bool:
    return trade.is_short or trade.leverage > 1
