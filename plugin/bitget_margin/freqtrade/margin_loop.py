"""The steps of each loop of a leveraged bot over its margin account, none of which holds an exit up."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import ccxt

from bitget_margin.drivers.beside import Beside
from bitget_margin.freqtrade.budget import Pace
from bitget_margin.freqtrade.compat import FreqtradeException, Trade
from bitget_margin.freqtrade.leftover_debts import LeftoverDebts
from bitget_margin.freqtrade.margin_account import MarginAccount
from bitget_margin.freqtrade.margin_data import MarginData
from bitget_margin.freqtrade.margin_levels import MarginLevels
from bitget_margin.freqtrade.positions import AccountSnapshot, MarginBooks, read_snapshot, venue_equity
from bitget_margin.freqtrade.unfilled_entries import UnfilledEntries

logger = logging.getLogger("bitget_margin")

_CHECK_SECONDS: Final = 60.0
_SOON_SECONDS: Final = 5.0
_GROWTH: Final = 1.1
"""Growth of the debts, as a share of the equity, after which the level is read before its minute is over."""


@dataclass(eq=False, kw_only=True)
class MarginLoop:
    """Leftover debts, the margin level, interest without a trade, and custom data of trades.

    :param api: returns the sync exchange object
    :param read_positions: lets freqtrade read its wallets and positions anew
    """

    api: Callable[[], Any]
    read_positions: Callable[[], object]
    pace: Pace
    account: MarginAccount
    debts: LeftoverDebts
    levels: MarginLevels
    unfilled: UnfilledEntries
    data: MarginData
    clock: Callable[[], float] = time.monotonic
    _checked: float = field(default=float("-inf"), init=False)
    _share: float = field(default=0.0, init=False)
    """Debts as a share of the equity at the last check of the level."""
    _check: Beside[None] | None = field(default=None, init=False)
    _seen: AccountSnapshot | None = field(default=None, init=False)
    """What the last check has shown, until it is compared with the trades."""

    def run(self) -> None:
        """Run all steps; the next loop tries again what fails."""
        steps = [self._begin_check, self._use_check, self._check_debts, self._check_unfilled, self.data.write]
        for step in steps:
            try:
                step()
            except (FreqtradeException, ccxt.BaseError) as error:
                logger.warning("The margin account could not be looked at: %s", error)
            except Exception:
                Trade.rollback()
                logger.exception("A step over the margin account failed; the next loop tries again")

    def _check_debts(self) -> None:
        self.debts.check(may_ask=self._may_ask())

    def _check_unfilled(self) -> None:
        if self._may_ask():
            self.unfilled.check()

    def _may_ask(self) -> bool:
        """Whether there is time for requests: not if the venue is slow and a trade is open, whose exit may be due.

        Without a trade, a bot sends nearly nothing else: a venue that was slow once would count as slow for minutes.
        """
        return not (self.pace.is_slow and self.account.positions())

    def _begin_check(self) -> None:
        """Begin a check of the margin level: once a minute, or as soon as orders or prices have raised it."""
        now, share = self.clock(), self._owed_share()
        pause = _SOON_SECONDS if share > self._share * _GROWTH else _CHECK_SECONDS
        if now - self._checked < pause or not (self._check is None or self._check.ended(0)):
            return
        self._checked, self._share = now, share
        self._check = Beside(self._check_level)

    def _use_check(self) -> None:
        seen, self._seen = self._seen, None
        if seen is not None:
            self.debts.note_reading(seen)
            self._notice_gone(seen)

    def _notice_gone(self, seen: AccountSnapshot) -> None:
        """Let freqtrade look for what has closed a position of which the last check has shown nothing any more.

        The venue may have liquidated it. freqtrade reads its positions twice an hour, and would go on without coins.
        """
        books = MarginBooks(seen, self.account.positions(), self.account.stake_coin, self.account.price)
        if books.gone():
            self.read_positions()

    def _owed_share(self) -> float:
        """Return the debts as a share of the equity, by the amounts of the last reading and the prices of now."""
        books = self.account.remembered()
        owed = 0.0 if books is None else books.owed()
        if books is None or owed <= 0:
            return 0.0
        equity = books.equity()
        return owed / equity if equity > 0 else float("inf")

    def _check_level(self) -> None:
        """Read the account beside the loop, and compare it with its level and the venue's own amounts."""
        account, api = self.account, self.api()
        try:
            balance = api.fetch_balance({"marginMode": "cross", "timeout": self.pace.read_ms()})
        except ccxt.BaseError as error:
            logger.warning("The margin level of the account could not be looked at: %s", error)
            return
        # Asked for after the answer, which may have named another kind of account.
        unified, stake_coin, price = account.is_unified(), account.stake_coin, account.price
        snapshot = read_snapshot(balance, unified=unified)
        account.refresh_prices(snapshot.total)
        code_of = api.safe_currency_code
        worth = venue_equity(balance, unified=unified, stake_coin=stake_coin, price=price, code_of=code_of)
        # Without trades: their rows belong to the thread of the loop.
        self.levels.check(MarginBooks(snapshot, (), stake_coin, price), worth)
        self._seen = snapshot
