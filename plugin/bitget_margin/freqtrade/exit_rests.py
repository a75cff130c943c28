"""Coins of full exits that could not be sold or covered with them: that follows later, with the same kind of order."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.compat import Trade
from bitget_margin.freqtrade.exit_amounts import ExitAmounts
from bitget_margin.freqtrade.held_coins import HeldCoins
from bitget_margin.freqtrade.order_store import OrderStore
from bitget_margin.freqtrade.tracked_order import TradeKey
from bitget_margin.freqtrade.trade_rows import key_of

MARKET: Final = "market"
SUFFIX: Final = " (rest)"
"""End of the reason of an exit that sells a rest: freqtrade does not exit twice for the same reason within a candle."""
_REASON: Final = "rest_of_exit"
_PAUSE_SECONDS: Final = 5.0
"""Pause after the first exit of a rest that sold nothing; each one is twice the one before."""
_LONGEST_PAUSE_SECONDS: Final = 300.0


@dataclass(slots=True)
class _Rest:
    reason: str
    ordertype: str
    tries: int = 0
    """Exits in a row that sold nothing."""
    at_seconds: float = 0.0
    """Time of the next exit."""


@dataclass(eq=False, kw_only=True)
class ExitRests:
    """Trades of which only a part could be sold."""

    store: OrderStore
    alerts: Alerts
    held: HeldCoins
    amounts: ExitAmounts
    clock: Callable[[], float] = time.monotonic
    _rests: dict[TradeKey, _Rest] = field(default_factory=dict, init=False)

    def __contains__(self, key: TradeKey) -> bool:
        return key in self._rests

    def ordertype(self, key: TradeKey, given: str) -> str:
        """Return the type of the next exit order of a trade: the rest of a market exit stays one."""
        rest = self._rests.get(key)
        return MARKET if rest is not None and rest.ordertype == MARKET else given

    def reason(self, trade: Trade) -> str | None:
        """Return the reason to sell the rest of a trade, as soon as a part of it is free; None otherwise."""
        rest = self._rests.get(key_of(trade))
        if rest is None or self.clock() < rest.at_seconds:
            return None
        free = trade_rows.remaining_amount(trade) - self.held.shown(
            self.held.with_others(trade, self.store.of_trade(key_of(trade)))
        )
        return f"{rest.reason}{SUFFIX}" if self.amounts.cut(trade, free) > 0 else None

    def remember(self, trade: Trade, reason: str, ordertype: str, sold: float) -> None:
        """Remember that an exit could not sell all.

        :param sold: what it sells
        """
        rest = self._rests.setdefault(key_of(trade), _Rest(reason.removesuffix(SUFFIX) or _REASON, ordertype))
        if ordertype == MARKET:
            rest.ordertype = MARKET  # a stop-loss makes the rest of an earlier limit exit urgent
        if sold > 0:
            rest.tries, rest.at_seconds = 0, 0.0
        else:
            pause = min(_PAUSE_SECONDS * 2**rest.tries, _LONGEST_PAUSE_SECONDS)
            rest.tries, rest.at_seconds = rest.tries + 1, self.clock() + pause
        why, done = "is not free. The free part", "sold"
        if trade.is_short:
            why, done = "may still be covered by resting orders, or is not owed. The other part", "covered"
        self.alerts.warn(
            f"Exit of trade {trade.id} on {trade.pair}: a part of the coins {why} is {done} now; the rest follows in "
            "the same way, as soon as it is free.",
            f"rest {trade.id}",
        )

    def forget(self, key: TradeKey) -> None:
        """Forget the rest of a trade that is sold, or has ended."""
        self._rests.pop(key, None)

    def sell(self, trade: Trade) -> None:
        """Sell all coins of a trade in every loop, as its last exit did; by market orders where that is not known."""
        exits = (row.order_type for row in reversed(trade.orders) if row.ft_order_side == trade.exit_side)
        ordertype = next((kind for kind in exits if kind), MARKET)
        self._rests.setdefault(key_of(trade), _Rest(trade.exit_reason or _REASON, ordertype))
