"""The resting orders of a bot: looked up, canceled, and recorded in the store and freqtrade's rows."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.client import Budget, CancelBatchResult, VenueClient, epoch_ms
from bitget_margin.freqtrade.compat import Trade
from bitget_margin.freqtrade.config import BotSettings
from bitget_margin.freqtrade.ladder_spec import SELL
from bitget_margin.freqtrade.order_store import CancelBatch, OrderStore
from bitget_margin.freqtrade.tracked_order import TrackedOrder, TradeKey
from bitget_margin.freqtrade.trade_rows import key_of


@dataclass(eq=False, kw_only=True)
class RestingOrders:
    """State of the resting orders, and the time that a loop may still spend on them.

    Called with the bot's lock held: freqtrade's second thread exits trades too.
    """

    store: OrderStore
    client: VenueClient
    alerts: Alerts
    settings: BotSettings
    clock: Callable[[], float] = time.monotonic
    epoch_ms: Callable[[], int] = epoch_ms
    unresolved: dict[TradeKey, float] = field(default_factory=dict, init=False)
    """Trades with an unproven cancel, and the time of the last try; every loop tries again."""
    _loop_began: float = field(default=0.0, init=False)
    _time_lost_ms: float = field(default=0.0, init=False)
    """Time that unproven cancels have taken in this loop."""

    def open_of(self, trade: Trade) -> list[TrackedOrder]:
        """Return the resting orders of a trade that may still trade."""
        return [order for order in self.store.of_trade(key_of(trade)) if order.phase.open]

    def selling(self, trade: Trade) -> float:
        """Return the coins of a trade that its resting orders may still sell."""
        return sum(held_by_sells(self.open_of(trade)))

    def begin_loop(self) -> None:
        """Give this loop the whole time again."""
        self._loop_began, self._time_lost_ms = self.clock(), 0.0

    def budget(self) -> Budget:
        """Return the time that an exit may spend: the configured wait, less the time that this loop has lost."""
        return Budget(self.settings.wait_ms - self._time_lost_ms, self.clock)

    def failed_this_loop(self, trade: Trade) -> bool:
        """Whether this loop has already tried to cancel the resting orders of a trade without proof."""
        return self.unresolved.get(key_of(trade), float("-inf")) >= self._loop_began

    def look_up(self, trade: Trade, orders: Sequence[TrackedOrder], budget: Budget) -> None:
        """Look up resting orders of a trade and record their fills.

        :raises ccxt.BaseError: no answer in time, or a refusal
        """
        viewed = self.client.view(trade.pair, orders, budget)
        self.record(trade, orders, [new or old for old, new in zip(orders, viewed, strict=True)])

    def cancel(
        self,
        trade: Trade | None,
        pair: str,
        orders: Sequence[TrackedOrder],
        budget: Budget,
        others: Sequence[str] = (),
    ) -> CancelBatchResult:
        """Cancel resting orders, and others by id, with one batch; record their fills, warn of unproven ends.

        :param trade: None where the trade has ended
        """
        began = self.clock()
        done = self.client.cancel(pair, orders, budget, others)
        self.record(trade, orders, done.orders, CancelBatch(pair, self.epoch_ms(), f"batch cancel: {done.summary}"))
        self._report_cancel(trade, pair, done)
        if done.unresolved:
            self._time_lost_ms += (self.clock() - began) * 1_000
            if trade is not None:
                self.unresolved[key_of(trade)] = self.clock()
        return done

    def record(
        self,
        trade: Trade | None,
        before: Sequence[TrackedOrder],
        after: Sequence[TrackedOrder],
        batch: CancelBatch | None = None,
    ) -> None:
        """Store changed orders and the batch that changed them, and write fills to freqtrade's rows."""
        self.store.update(zip(before, after, strict=True), batch)
        for old, new in zip(before, after, strict=True):
            if trade is not None and trade.is_open:
                trade_rows.record_fill(trade, new)
            elif new.filled > old.filled:
                self.alerts.warn(
                    f"Order {new.order_id} on {new.pair} filled {new.filled:.8g} {new.side} after its trade "
                    f"{new.trade_id} had ended: freqtrade does not count it. Look at the account.",
                )

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


def held_by_sells(orders: Iterable[TrackedOrder]) -> tuple[float, float]:
    """Return the coins that sell orders hold: those with an order id, and those without an answer."""
    known = unanswered = 0.0
    for order in orders:
        if order.side == SELL and order.order_id is not None:
            known += order.remaining
        elif order.side == SELL:
            unanswered += order.remaining
    return known, unanswered
