"""The resting orders of a bot: looked up, canceled, and recorded in the store and freqtrade's rows."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.budget import Budget
from bitget_margin.freqtrade.client import CancelBatchResult, VenueClient, ViewedOrders, epoch_ms
from bitget_margin.freqtrade.compat import Trade
from bitget_margin.freqtrade.hedged_cancel import HedgedCancel
from bitget_margin.freqtrade.holdings import RECHECK_SECONDS
from bitget_margin.freqtrade.missed_lookups import MissedLookups
from bitget_margin.freqtrade.order_store import CancelBatch, OrderStore
from bitget_margin.freqtrade.tracked_order import TrackedOrder, TradeKey
from bitget_margin.freqtrade.trade_rows import key_of


@dataclass(eq=False, kw_only=True)
class RestingOrders:
    """State of the resting orders.

    Called with the bot's lock held: freqtrade's second thread exits trades too.
    """

    missed: MissedLookups
    store: OrderStore
    client: VenueClient
    alerts: Alerts
    clock: Callable[[], float] = time.monotonic
    epoch_ms: Callable[[], int] = epoch_ms
    take_in: Callable[[str, Sequence[Mapping[str, Any]]], object] = lambda _pair, _rows: None
    """Takes in open orders of the bot that the store does not know; set once its manager is built."""
    changed: Callable[[TradeKey | None], object] = lambda _: None
    """Called with the trade whose resting orders have changed."""
    take_late_buy: Callable[[TrackedOrder], bool] = lambda _: False
    """Gives a buy that has filled after the end of its trade to a trade; returns whether there is one."""
    unresolved: dict[TradeKey, float] = field(default_factory=dict, init=False)
    """Trades with an unproven cancel, and the time of the last try; every loop tries again."""
    _loop_began: float = field(default=0.0, init=False)

    def open_of(self, trade: Trade) -> list[TrackedOrder]:
        """Return the resting orders of a trade that may still trade."""
        return [order for order in self.store.of_trade(key_of(trade)) if order.phase.open]

    def closing(self, trade: Trade) -> float:
        """Return the coins of a trade that its resting orders may still sell, or cover."""
        return sum(order.remaining for order in self.open_of(trade) if order.closes)

    def begin_loop(self) -> None:
        """Let this loop try again to cancel what earlier ones could not."""
        self._loop_began = self.clock()

    def failed_this_loop(self, trade: Trade) -> bool:
        """Whether this loop has already tried to cancel the resting orders of a trade without proof."""
        return self.unresolved.get(key_of(trade), float("-inf")) >= self._loop_began

    def look_up(self, pair: str, orders: Sequence[TrackedOrder], budget: Budget) -> list[TrackedOrder]:
        """Return orders on a pair as they are now, and take in what else the bot has resting there.

        An order that the venue does not show is returned as it was, and its miss is noted.

        :raises ccxt.BaseError: no answer in time, or a refusal
        """
        return self.seen(pair, orders, self.client.view(pair, orders, budget, self.store.key()))

    def seen(self, pair: str, orders: Sequence[TrackedOrder], viewed: ViewedOrders) -> list[TrackedOrder]:
        """Return orders as a lookup of theirs shows them, note what it misses, and take in what else it shows."""
        now = []
        for old, new in zip(orders, viewed.orders, strict=True):
            if old.client_id in viewed.missing:
                self.missed.note(old)
            elif new is not None:
                self.missed.clear(new)
            now.append(new or old)
        if viewed.own:
            self.take_in(pair, viewed.own)
        return now

    def cancel(
        self,
        trade: Trade | None,
        pair: str,
        orders: Sequence[TrackedOrder],
        budget: Budget,
        others: Sequence[str] = (),
        *,
        looks_last: bool = False,
    ) -> CancelBatchResult:
        """Cancel resting orders, and others by id, with one batch; record their fills, warn of unproven ends.

        :param trade: None where the trade has ended
        :param looks_last: whether there is time for one more lookup after the budget
        """
        if others:
            done = self.client.cancel(pair, orders, budget, others)
        else:
            done = HedgedCancel(self.client, pair, orders, budget, looks_last).run()
        self.record_cancel(trade, pair, orders, done)
        return done

    def record_cancel(
        self, trade: Trade | None, pair: str, orders: Sequence[TrackedOrder], done: CancelBatchResult
    ) -> None:
        """Record the result of a batch cancel of these orders, and warn of unproven ends."""
        for order in done.orders:
            if order.client_id in done.missing:
                self.missed.note(order, RECHECK_SECONDS)
            elif not order.phase.open:
                self.missed.clear(order)
        self.record(trade, orders, done.orders, CancelBatch(pair, self.epoch_ms(), f"batch cancel: {done.summary}"))
        self._report_cancel(trade, pair, done)
        if done.unresolved and trade is not None:
            self.unresolved[key_of(trade)] = self.clock()

    def record(
        self,
        trade: Trade | None,
        before: Sequence[TrackedOrder],
        after: Sequence[TrackedOrder],
        batch: CancelBatch | None = None,
    ) -> None:
        """Store changed orders and the batch that changed them, and write fills to freqtrade's rows."""
        self.store.update(zip(before, after, strict=True), batch)
        for changed in {new.trade for old, new in zip(before, after, strict=True) if new is not old}:
            self.changed(changed)
        if trade is not None and trade.is_open:
            trade_rows.record_fills(trade, after)
            return
        for old, new in zip(before, after, strict=True):
            if self._is_late(old, new) and (new.closes or not self.take_late_buy(new)):
                self.alerts.warn(
                    f"Order {new.order_id} on {new.pair} filled {new.filled:.8g} {new.side} after its trade "
                    f"{new.trade_id} had ended: freqtrade does not count it. Look at the account.",
                )

    @staticmethod
    def _is_late(old: TrackedOrder, new: TrackedOrder) -> bool:
        """Whether an order of an ended trade has fills that are in no row; those of sells and covers are told once.

        Buys that enlarge a trade are compared with the rows: a kill may have come between both writes.
        """
        return new.filled > old.filled if new.closes else not trade_rows.is_recorded(new)

    def _report_cancel(self, trade: Trade | None, pair: str, done: CancelBatchResult) -> None:
        """Log a proven cancel; warn of every order whose end is not proven."""
        owner = "an ended trade" if trade is None else f"trade {trade.id}"
        about = f"cancel {pair} {owner}"
        for result in done.foreign:
            if not result.outcome.ended:
                self.alerts.warn(
                    f"Order {result.id} on {pair}, which is none of this bot's (cancel_scope is 'pair'), is not proven "
                    f"canceled: {result.outcome.value} ({result.reason}). It is tried again at the next exit only.",
                )
        if not done.unresolved:
            self.alerts.clear(about)
            self.alerts.info(f"Resting orders of {owner} on {pair} canceled: {done.summary}.")
            return
        unproven = [order for order in done.orders if order.client_id in done.unresolved]
        names = "; ".join(f"{o.order_id or o.client_id} ({done.unresolved[o.client_id]})" for o in unproven[:3])
        self.alerts.warn(
            f"{len(unproven)} resting orders of {owner} on {pair} are not proven canceled: {names}. They may "
            "still trade; every loop cancels them again until the venue shows that they are gone.",
            about,
        )
