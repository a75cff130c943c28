"""Margin level and interest of open trades as custom data, for the REST interface and messages."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError

from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.compat import Trade
from bitget_margin.freqtrade.database import short_lock_wait
from bitget_margin.freqtrade.tracked_order import TradeKey
from bitget_margin.freqtrade.trade_interest import borrows

logger = logging.getLogger("bitget_margin")

LEVEL_KEY: Final = "margin_level"
"""Key of the margin level of the account, None while it is not known."""
INTEREST_KEY: Final = "interest"
"""Key of the interest of a trade so far, in the stake coin, as freqtrade has last noted it."""
_WRITE_SECONDS: Final = 60.0
_LEVEL_DECIMALS: Final = 3
_INTEREST_DECIMALS: Final = 8


@dataclass(eq=False, kw_only=True)
class MarginData:
    """Custom data of the trades that borrow; once a minute, and only where it has changed.

    The first level of a debt is written at once: it is read after the loop in which the trade was entered.

    :param level: returns the last margin level of the account that was read
    """

    level: Callable[[], float | None]
    clock: Callable[[], float] = time.monotonic
    _at: float = field(default=float("-inf"), init=False)
    _written: dict[TradeKey, dict[str, float]] = field(default_factory=dict, init=False)

    def write(self) -> None:
        """Write what has changed; what could not be written is written a minute later."""
        trades = {key: trade for key, trade in trade_rows.open_trades().items() if borrows(trade)}
        ended = self._written.keys() - trades.keys()
        level = self.level()
        # A level that is not known, as after a start, leaves the last one: freqtrade cannot read None after a number.
        shown = {} if level is None else {LEVEL_KEY: round(level, _LEVEL_DECIMALS)}
        is_first = any(shown.values()) and any(values.get(LEVEL_KEY) == 0 for values in self._written.values())
        is_due = is_first or self.clock() - self._at >= _WRITE_SECONDS
        if not ended and not (trades and is_due):
            return
        self._at = self.clock()
        try:
            for key, trade in trades.items():
                self._update(key, trade, {**shown, INTEREST_KEY: _interest(trade)})
            for key in ended:
                last = trade_rows.closed_trade(key)
                if last is not None:
                    self._update(key, last, {INTEREST_KEY: _interest(last)})
                del self._written[key]
        except SQLAlchemyError as error:
            Trade.rollback()
            logger.warning("The margin level could not be written to the database: %s", error)

    def _update(self, key: TradeKey, trade: Any, values: dict[str, float]) -> None:
        written = self._written.setdefault(key, {})
        for name, value in values.items():
            if name not in written or written[name] != value:
                with short_lock_wait(Trade.session.connection()):
                    trade.set_custom_data(name, value)
                written[name] = value


def _interest(trade: Trade) -> float:
    return round(-(trade.funding_fees or 0.0), _INTEREST_DECIMALS) + 0.0
