"""The margin level of the account, as the venue computes it: 0 without debts, liquidated at 1.

https://www.bitget.com/api-doc/margin/cross/account/Get-Cross-Risk-Rate
https://www.bitget.com/api-doc/uta/account/Get-Account-Assets
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import ccxt

from bitget_margin.adapter.margin_level import WARNING_LEVEL
from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.positions import EQUITY_TOLERANCE, MarginBooks

logger = logging.getLogger("bitget_margin")

_WARNING: Final = float(WARNING_LEVEL * Decimal("0.8"))
"""Level from which the bot warns: before the venue does."""
_ABOUT_LEVEL: Final = "margin level"
_ABOUT_WORTH: Final = "worth of the account"


@dataclass(eq=False, kw_only=True)
class MarginLevels:
    """Readings of the margin level.

    :param api: returns the sync exchange object
    :param timeout_ms: returns the time limit of a reading
    """

    api: Callable[[], Any]
    timeout_ms: Callable[[], float]
    alerts: Alerts
    last: float | None = field(default=None, init=False)
    """The last level that was read."""
    agrees: bool = field(default=True, init=False)
    """Whether the venue's net worth of the account is near the one that the bot computes."""

    def read(self) -> float | None:
        """Return the level now; None where the venue does not show it."""
        try:
            found = self.api().fetch_cross_margin_level({"timeout": self.timeout_ms()})
        except ccxt.BaseError as error:
            logger.warning("The margin level of the account could not be read: %s", error)
            return None
        level: float | None = found["marginLevel"]
        self.last = level
        return level

    def check(self, books: MarginBooks, worth: float | None) -> None:
        """Warn of a high level, and compare the worth of the account, where something is owed.

        :param worth: worth of the account by the venue's own net amounts, in the stake coin; None where not known
        """
        if books.owed() <= 0:
            self.last, self.agrees = 0.0, True
            return
        level = self.read()
        if level is not None:
            self._warn(level)
        if worth is not None:
            self._compare(worth, books.equity())

    def _warn(self, level: float) -> None:
        logger.info("The margin level is %.3f (the venue warns at %s, and liquidates at 1)", level, WARNING_LEVEL)
        if level < _WARNING:
            self.alerts.clear(_ABOUT_LEVEL)
            return
        self.alerts.warn(
            f"The margin level of the account is {level:.3f}. The venue warns at {WARNING_LEVEL} and liquidates the "
            "whole account at 1: close or reduce trades, or add margin.",
            _ABOUT_LEVEL,
        )

    def _compare(self, venue: float, own: float) -> None:
        self.agrees = abs(own - venue) <= EQUITY_TOLERANCE * max(abs(own), abs(venue))
        if self.agrees:
            self.alerts.clear(_ABOUT_WORTH)
            return
        self.alerts.warn(
            f"By the venue's own amounts the account is worth {venue:.2f}, and the bot computes {own:.2f}: its "
            "liquidation prices are not updated until both agree. Look at the account.",
            _ABOUT_WORTH,
        )
