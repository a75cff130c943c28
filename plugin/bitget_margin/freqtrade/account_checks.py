"""A look at the account once a minute, beside the loop: its margin level, its worth, and the positions that are left."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import ccxt

from bitget_margin.drivers.beside import Beside
from bitget_margin.freqtrade.margin_account import MarginAccount
from bitget_margin.freqtrade.margin_levels import MarginLevels
from bitget_margin.freqtrade.positions import AccountSnapshot, MarginBooks, read_snapshot, venue_equity

logger = logging.getLogger("bitget_margin")

_CHECK_SECONDS: Final = 60.0


@dataclass(eq=False, kw_only=True)
class AccountChecks:
    """The last look, and the next one.

    :param api: returns the sync exchange object
    :param timeout_ms: returns the time limit of a reading
    """

    account: MarginAccount
    levels: MarginLevels
    api: Callable[[], Any]
    timeout_ms: Callable[[], float]
    clock: Callable[[], float] = time.monotonic
    worth: float | None = field(default=None, init=False)
    """Worth of the account by the venue's own net amounts; None where they could not be read."""
    _began: float = field(default=float("-inf"), init=False)
    _running: Beside[None] | None = field(default=None, init=False)
    _seen: AccountSnapshot | None = field(default=None, init=False)
    """What the last look has shown, until it is compared with the trades."""

    def begin(self) -> None:
        """Begin the next look if it is due, and the one before has ended."""
        now = self.clock()
        if now - self._began >= _CHECK_SECONDS and (self._running is None or self._running.ended(0)):
            self._began, self._running = now, Beside(self._look)

    def take_gone(self) -> frozenset[str]:
        """Return the pairs of which the last look has shown nothing any more, once: the venue may have liquidated them.

        freqtrade reads its positions twice an hour, and would go on with a trade that has no coins.
        """
        seen, self._seen = self._seen, None
        return frozenset() if seen is None else self._books(seen, with_trades=True).gone()

    def _look(self) -> None:
        try:
            balance = self.api().fetch_balance({"marginMode": "cross", "timeout": self.timeout_ms()})
        except ccxt.BaseError as error:
            logger.warning("The margin level of the account could not be looked at: %s", error)
            return
        unified, stake_coin = self.account.is_unified(), self.account.stake_coin
        snapshot = read_snapshot(balance, unified=unified)
        code_of = self.api().safe_currency_code
        self.worth = venue_equity(
            balance, unified=unified, stake_coin=stake_coin, price=self.account.price, code_of=code_of
        )
        # Without trades: their rows belong to the thread of the loop.
        self.levels.check(self._books(snapshot, with_trades=False))
        self._seen = snapshot

    def _books(self, snapshot: AccountSnapshot, *, with_trades: bool) -> MarginBooks:
        trades = self.account.positions() if with_trades else ()
        return MarginBooks(snapshot, trades, self.account.stake_coin, self.account.price)
