"""The steps of each loop of a leveraged bot over its margin account, none of which keeps another from running."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import ccxt

from bitget_margin.freqtrade.compat import FreqtradeException, Trade
from bitget_margin.freqtrade.leftover_debts import LeftoverDebts
from bitget_margin.freqtrade.margin_account import MarginAccount
from bitget_margin.freqtrade.margin_data import MarginData
from bitget_margin.freqtrade.margin_levels import MarginLevels
from bitget_margin.freqtrade.unfilled_entries import UnfilledEntries

logger = logging.getLogger("bitget_margin")

_READING_SECONDS: Final = 60.0
"""Age up to which the amounts of the account answer: orders end a reading at once, and prices are those of now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginLoop:
    """Leftover debts, the margin level, interest without a trade, and custom data of trades."""

    account: MarginAccount
    debts: LeftoverDebts
    levels: MarginLevels
    unfilled: UnfilledEntries
    data: MarginData

    def run(self) -> None:
        """Run all steps; the next loop tries again what has failed."""
        steps: tuple[Callable[[], object], ...] = (
            self.debts.check,
            self._check_level,
            self.unfilled.check,
            self.data.write,
        )
        for step in steps:
            try:
                step()
            except (FreqtradeException, ccxt.BaseError) as error:
                logger.warning("The margin account could not be looked at: %s", error)
            except Exception:
                Trade.rollback()
                logger.exception("A step over the margin account failed; the next loop tries again")

    def _check_level(self) -> None:
        self.levels.check(self.account.known(_READING_SECONDS) or self.account.fresh())
