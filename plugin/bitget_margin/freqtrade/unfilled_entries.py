"""Interest of entries that have borrowed and never filled: it is in the account, and in the books of no trade."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.client import epoch_ms
from bitget_margin.freqtrade.interest import CLOCK_SLACK_MS, Charge
from bitget_margin.freqtrade.trade_interest import TradeInterest

_CHECK_SECONDS: Final = 60.0
_SETTLED_MS: Final = 120_000
"""Time after which an entry without a trade has none: one without an answer is looked up before that."""
_GIVEN_UP_MS: Final = 900_000
"""Time after its end within which the interest of an entry is looked for; nobody says how late the venue shows it."""


@dataclass(frozen=True, slots=True)
class BorrowingEntry:
    """An entry that was sent with a loan, and its time, epoch ms."""

    pair: str
    coin: str
    at_ms: int


@dataclass(eq=False, kw_only=True)
class UnfilledEntries:
    """Looks for interest of entries without a trade, as long as the bot runs, and reports it once."""

    interest: TradeInterest
    alerts: Alerts
    clock: Callable[[], float] = time.monotonic
    epoch_ms: Callable[[], int] = epoch_ms
    _ends_ms: dict[BorrowingEntry, int | None] = field(default_factory=dict, init=False)
    """Time at which each entry was first seen without a trade; None before."""
    _reported: set[Charge] = field(default_factory=set, init=False)
    _at: float = field(default=float("-inf"), init=False)

    def note(self, pair: str, coin: str, at_ms: int) -> None:
        """Note an entry that is about to be sent with a loan."""
        self._ends_ms[BorrowingEntry(pair, coin, at_ms)] = None

    def check(self) -> None:
        """Report interest that no trade explains; once a minute, and only after entries without a trade.

        :raises ccxt.BaseError: the venue's records could not be read
        """
        if not self._ends_ms or self.clock() - self._at < _CHECK_SECONDS:
            return
        self._at, now_ms = self.clock(), self.epoch_ms()
        ended: dict[str, list[BorrowingEntry]] = {}
        for entry, end_ms in list(self._ends_ms.items()):
            trade = trade_rows.open_trade(entry.pair)
            if trade is not None and trade.nr_of_successful_entries > 0:
                del self._ends_ms[entry]  # its interest is that of the trade
            elif trade is None and now_ms - entry.at_ms >= _SETTLED_MS:
                self._ends_ms[entry] = end_ms or now_ms
                ended.setdefault(entry.coin, []).append(entry)
        for coin, entries in ended.items():
            self._look_for(coin, entries, now_ms)

    def _look_for(self, coin: str, entries: list[BorrowingEntry], now_ms: int) -> None:
        since_ms = min(entry.at_ms for entry in entries) - CLOCK_SLACK_MS
        charges = set(self.interest.unexplained(coin, since_ms)) - self._reported
        if charges:
            amount = sum(charge.amount for charge in charges)
            pairs = ", ".join(sorted({entry.pair for entry in entries}))
            self._reported |= charges
            self.alerts.warn(
                f"{amount:.8g} {coin} of interest belong to no trade: the venue has charged them for entries on "
                f"{pairs} that borrowed and did not fill. The account pays them; freqtrade's profit is without them."
            )
        for entry in entries:
            if charges or now_ms - (self._ends_ms[entry] or now_ms) >= _GIVEN_UP_MS:
                del self._ends_ms[entry]
