"""The margin level of the account, as the venue computes it: 0 without debts, liquidated at 1.

https://www.bitget.com/api-doc/margin/cross/account/Get-Cross-Risk-Rate
https://www.bitget.com/api-doc/uta/account/Get-Account-Assets
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import ccxt

from bitget_margin.adapter.margin_level import WARNING_LEVEL
from bitget_margin.core.responses import decimal
from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.positions import MarginBooks

logger = logging.getLogger("bitget_margin")

_WARN_SHARE: Final = 0.8
"""Share of the venue's warning level at which the bot warns."""
_CHECK_SECONDS: Final = 60.0
_DIFFERENCE: Final = 0.05
"""Relative difference of the own and the venue's equity from which liquidation prices are not to be trusted."""


class _Reading(NamedTuple):
    level: float
    equity: float | None
    """Net worth in US dollars, which unified accounts show."""


@dataclass(eq=False, kw_only=True)
class MarginLevels:
    """Readings of the margin level.

    :param api: returns the sync exchange object
    :param timeout_ms: returns the time limit of a reading
    """

    api: Callable[[], Any]
    timeout_ms: Callable[[], float]
    alerts: Alerts
    clock: Callable[[], float] = time.monotonic
    last: float | None = field(default=None, init=False)
    """The last level that was read."""
    agrees: bool = field(default=True, init=False)
    """Whether the venue's net worth of the account is near the one that the bot computes."""
    _checked: float = field(default=float("-inf"), init=False)

    def read(self) -> float | None:
        """Return the level now; None where the venue does not tell it."""
        reading = self._read()
        self.last = None if reading is None else reading.level
        return self.last

    def check(self, books: MarginBooks) -> None:
        """Warn of a high level, and compare the net worth; once a minute, and only where something is owed."""
        if books.owed() <= 0:
            self.last, self.agrees = 0.0, True
            return
        if self.clock() - self._checked < _CHECK_SECONDS:
            return
        self._checked = self.clock()
        reading = self._read()
        if reading is None:
            return
        self.last = reading.level
        self._warn(reading.level)
        self._compare(reading, books)

    def _warn(self, level: float) -> None:
        about = "margin level"
        logger.info("The margin level is %.3f (the venue warns at %s, and liquidates at 1)", level, WARNING_LEVEL)
        if level < float(WARNING_LEVEL) * _WARN_SHARE:
            self.alerts.clear(about)
            return
        self.alerts.warn(
            f"The margin level of the account is {level:.3f}. The venue warns at {WARNING_LEVEL} and liquidates the whole "
            "account at 1: close or reduce trades, or add margin.",
            about,
        )

    def _compare(self, reading: _Reading, books: MarginBooks) -> None:
        if reading.equity is None:
            return
        own, venue = books.equity(), reading.equity
        self.agrees = abs(own - venue) <= _DIFFERENCE * max(abs(own), abs(venue))
        if not self.agrees:
            self.alerts.warn(
                f"The venue says that the account is worth {venue:.2f}, and the bot computes {own:.2f}: its liquidation "
                "prices are not updated until both agree. Look at the account.",
                "equity",
            )

    def _read(self) -> _Reading | None:
        try:
            found = self.api().fetch_cross_margin_level({"timeout": self.timeout_ms()})
        except ccxt.BaseError as error:
            logger.warning("The margin level of the account could not be read: %s", error)
            return None
        level, equity = found["marginLevel"], decimal(found["info"].get("accountEquity"))
        return None if level is None else _Reading(level, None if equity is None else float(equity))
