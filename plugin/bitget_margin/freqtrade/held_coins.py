"""Coins of a trade that its resting orders close, or may have closed: an exit leaves them alone.

An order that the last lookup has shown holds what is not filled. One without an answer, or that lookups miss, may rest,
or may have ended; the balance says which of its coins are still there, and free, or of a short still owed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bitget_margin.freqtrade.compat import Trade
from bitget_margin.freqtrade.holdings import RECHECK_SECONDS, Holding, Holdings
from bitget_margin.freqtrade.missed_lookups import MissedLookups
from bitget_margin.freqtrade.tracked_order import TrackedOrder
from bitget_margin.freqtrade.trade_coins import TradeCoins
from bitget_margin.own_command import SCRIPT


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldCoins:
    """The coins that exits leave alone."""

    holdings: Holdings
    missed: MissedLookups
    others: Callable[[Trade], Sequence[TrackedOrder]] = lambda _: ()
    """Returns the open orders of a trade that are no resting ones, such as its stops: they hold coins, too."""

    def shown(self, orders: Sequence[TrackedOrder]) -> float:
        """Return the coins that orders hold which the venue shows; no request is sent."""
        return sum(order.remaining for order in _closing(orders) if not self.is_in_doubt(order))

    def of(self, trade: Trade, orders: Sequence[TrackedOrder]) -> float:
        """Return the coins that the resting orders of a trade and its others hold, or may have closed.

        The balance is read where an order is in doubt.
        """
        orders = self.with_others(trade, orders)
        shown = self.shown(orders)
        doubtful = [order for order in _closing(orders) if self.is_in_doubt(order)]
        if not doubtful:
            return shown
        most = sum(order.remaining for order in doubtful)
        coins = TradeCoins(self.holdings, trade.pair, trade)
        holding = coins.read()
        if holding is None or coins.has_others(holding.total):
            # Coins of others hide a sale: an order that is not shown counts as filled.
            return shown + most
        return shown + min(most, self._resting(coins, doubtful, holding, shown) + self._closed(coins, holding, most))

    def with_others(self, trade: Trade, orders: Sequence[TrackedOrder]) -> list[TrackedOrder]:
        """Return the resting orders of a trade, and its others."""
        return [*orders, *self.others(trade)]

    def describe_doubt(self, trade: Trade, orders: Sequence[TrackedOrder]) -> str:
        """Return what to do about orders in doubt, as the end of a message; no request is sent."""
        count = sum(self.is_in_doubt(order) for order in _closing(orders))
        if not count:
            return ""
        which = f"{count} resting order{'s' if count > 1 else ''} that the venue does not show may have {_done(trade)}"
        return f": {which} the others. If that stays so, and none of them is on the venue: {_forget(trade)}"

    def is_in_doubt(self, order: TrackedOrder) -> bool:
        """Whether an order has no answer yet, or the last lookup has missed it."""
        return order.order_id is None or self.missed.has(order)

    def was_just_missed(self, order: TrackedOrder) -> bool:
        """Whether a lookup of a moment ago has missed an order."""
        return self.missed.has(order) and self.missed.age_seconds(order) < RECHECK_SECONDS

    def _resting(self, coins: TradeCoins, doubtful: Sequence[TrackedOrder], holding: Holding, shown: float) -> float:
        """Return the coins that orders in doubt may still hold.

        A classic account freezes those of sells. Else the lists decide: two complete ones that miss an order, which is
        not found by its id either, prove that it does not rest.
        """
        if coins.freezes:
            return max(0.0, holding.frozen - shown)
        return sum(order.remaining for order in doubtful if self.missed.seconds(order) < RECHECK_SECONDS)

    def _closed(self, coins: TradeCoins, holding: Holding, most: float) -> float:
        """Return the coins that the trades should have, and the wallet has not, or that are not owed any more."""
        if coins.shows(holding.total, coins.tolerance(most)):
            return 0.0
        return max(0.0, coins.booked() - holding.total)


def _done(trade: Trade) -> str:
    return "covered" if trade.is_short else "sold"


def _forget(trade: Trade) -> str:
    """Return the command that ends the doubt, by the operator's word."""
    # Not by the path of this program: the file system is not asked in an exit.
    return f"stop the bot and run `{SCRIPT} forget --config … --trade {trade.id}`"


def _closing(orders: Sequence[TrackedOrder]) -> list[TrackedOrder]:
    return [order for order in orders if order.closes and order.phase.open]
