"""freqtrade's own orders that got no answer: entries or exits, and the proof that one is not on the venue.

Another one may be sent then.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.client import epoch_ms
from bitget_margin.freqtrade.exit_names import BLOCKS_SECONDS
from bitget_margin.freqtrade.holdings import RECHECK_SECONDS, REL_TOLERANCE, Holdings
from bitget_margin.freqtrade.ladder_spec import BUY
from bitget_margin.freqtrade.missed_lookups import MissedLookups
from bitget_margin.freqtrade.ports import EntryTerms
from bitget_margin.freqtrade.tracked_order import TrackedOrder
from bitget_margin.freqtrade.trade_coins import TradeCoins

LONGEST_DOUBT_SECONDS: Final = 300.0
"""Time for which lookups have to miss an exit before the coins alone decide that it is not there."""


@dataclass(eq=False, kw_only=True)
class AbsentOrders:
    """Orders that lookups have missed, judged by their age and by the coins of their trades.

    :param entry_terms: returns the terms of an entry order by its client order id, None for any other order; None in
        spot mode, where each buy is an entry
    """

    missed: MissedLookups
    holdings: Holdings
    entry_terms: Callable[[str], EntryTerms | None] | None = None
    epoch_ms: Callable[[], int] = epoch_ms
    _before: dict[str, tuple[float | None, float]] = field(default_factory=dict, init=False)
    """Coins just before each exit was sent, and what the trades should have had of them; by client order id."""

    def is_entry(self, order: TrackedOrder) -> bool:
        """Whether an order is an entry; all other orders of freqtrade are exits."""
        # A late buy of a ladder, for which a trade is made, has no terms.
        if self.entry_terms is None or order.ladder:
            return order.side == BUY
        return self.terms_of(order) is not None

    def terms_of(self, order: TrackedOrder) -> EntryTerms | None:
        """Return the terms of an entry; None for a long without leverage, and for an exit."""
        return None if self.entry_terms is None else self.entry_terms(order.client_id)

    def note_exit(self, intent: TrackedOrder) -> None:
        """Note the coins of a trade before its exit is sent."""
        coins = self._coins_of(intent)
        self._before[intent.client_id] = coins.last_total(), coins.booked()

    def forget(self, intent: TrackedOrder) -> None:
        """Forget an order that is in no doubt any more."""
        self._before.pop(intent.client_id, None)

    def is_proven(self, intent: TrackedOrder, amount: float) -> bool:
        """Whether an order without an answer is proven not to be there, so that another one may be sent.

        Two lookups have missed it. An entry is old enough to be refused, besides. For an exit the balance decides:
        it has as many coins as before the exit, free, or owes as many. At once where all of them are there and the
        bot's on a classic account: should the order arrive late, it is refused for want of coins. Else the exit has to
        be as old as an entry. After minutes, enough coins that are free, or owed, decide, also for an exit that was
        accepted: no stop-loss is held back for ever.

        :param amount: amount of the order that is to be sent
        """
        if self.missed.seconds(intent) < RECHECK_SECONDS:
            return False
        is_old = self.epoch_ms() - intent.intended_ms >= BLOCKS_SECONDS * 1_000
        if self.is_entry(intent):
            return intent.order_id is None and is_old and self.missed.seconds(intent) >= BLOCKS_SECONDS
        coins = self._coins_of(intent)
        holding = coins.read()
        if holding is None or holding.free < amount * (1 - REL_TOLERANCE):
            return False
        if self.missed.seconds(intent) >= LONGEST_DOUBT_SECONDS:
            # Complete lists and lookups by id have missed it for minutes, and its coins are free, or owed.
            return True
        if intent.order_id is not None:
            return False
        before, booked = self._before.get(intent.client_id, (None, 0.0))
        missing = intent.amount * (0.5 if is_old else REL_TOLERANCE)
        if before is None:
            return is_old and coins.shows(holding.total, missing)
        alone = coins.freezes and not coins.has_others(max(before, holding.total))
        # What resting orders have closed since is no sign of this exit.
        before += coins.booked() - booked
        return (is_old or alone) and holding.total > before - missing

    def _coins_of(self, exit_: TrackedOrder) -> TradeCoins:
        trade = trade_rows.open_trade(exit_.pair)
        is_its_side = trade is not None and trade.exit_side == exit_.side
        return TradeCoins(self.holdings, exit_.pair, trade if is_its_side else None)
