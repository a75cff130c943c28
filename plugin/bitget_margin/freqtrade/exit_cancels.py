"""The batch cancel of an exit: sent once, and as early as it is certain that the exit goes on."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import ccxt

from bitget_margin.adapter.awaited_change import AwaitedChange
from bitget_margin.drivers.beside import Beside
from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.budget import Budget
from bitget_margin.freqtrade.client import CancelBatchResult, VenueClient
from bitget_margin.freqtrade.compat import Trade
from bitget_margin.freqtrade.config import BotSettings, CancelScope
from bitget_margin.freqtrade.exit_fills import ExitFills, Reading
from bitget_margin.freqtrade.hedged_cancel import HedgedCancel
from bitget_margin.freqtrade.holdings import Holdings
from bitget_margin.freqtrade.resting_orders import RestingOrders
from bitget_margin.freqtrade.tracked_order import TrackedOrder, TradeKey
from bitget_margin.freqtrade.trade_rows import key_of

_LATE_BALANCE_MS: Final = 250.0
"""Least time for which an exit waits, after its batch cancel, for a balance that is read beside it."""
_ANNOUNCED_SECONDS: Final = 1.0
"""Longest time between freqtrade's decision on an exit and its begin."""
LEAST_SHARE: Final = 0.5
"""Share of what an exit wants to sell: with less than that free, it cancels what holds the others once more."""
_SLOWED: Final = 2.0
"""Growth of the round trip within an exit from which on its cancel had too little time."""


@dataclass(slots=True)
class ExitCancel:
    """State of the batch cancel of one exit.

    :ivar round_trip_ms: the venue's round trip when the batch got its time
    :ivar orders: the orders of a batch that has been sent and whose result is not recorded yet
    :ivar change: what the requests of a batch that has begun change
    """

    is_sent: bool = False
    round_trip_ms: float = 0.0
    running: Beside[CancelBatchResult] | None = None
    orders: Sequence[TrackedOrder] = ()
    change: AwaitedChange = field(default_factory=AwaitedChange)


@dataclass(eq=False, kw_only=True)
class ExitCancels:
    """Batch cancels of the resting orders of trades that exit."""

    resting: RestingOrders
    client: VenueClient
    alerts: Alerts
    holdings: Holdings
    fills: ExitFills
    settings: BotSettings
    clock: Callable[[], float] = time.monotonic
    _announced: tuple[TradeKey, int, float] | None = field(default=None, init=False)
    """The trade whose exit comes next, the thread, and the time."""

    def announce(self, trade: Trade | None) -> None:
        """Note that this thread exits all of a trade next, and that nobody is asked about it; None: it exits none."""
        self._announced = None if trade is None else (key_of(trade), threading.get_ident(), self.clock())

    def begin(self, trade: Trade, cancel: ExitCancel, budget: Budget) -> bool:
        """Begin the batch of an exit that was announced; return whether it is sent.

        Its lookups show the fills, too. Others come first where orders are canceled that are not known yet.
        """
        announced, self._announced = self._announced, None
        if announced is None or announced[:2] != (key_of(trade), threading.get_ident()):
            return False
        orders = self.resting.open_of(trade)
        if (
            not orders
            or self.clock() - announced[2] > _ANNOUNCED_SECONDS
            or self.settings.cancel_scope is not CancelScope.TRADE
            or self.fills.needs_sweep(trade.pair)
            or self.resting.failed_this_loop(trade)
        ):
            return False
        hedged = HedgedCancel(self.client, trade.pair, orders, self._budget(budget), looks_last=True)
        self._mark_sent(cancel)
        cancel.orders, cancel.running = orders, Beside(cancel.change.made_here()(hedged.run))
        return True

    def finish(self, trade: Trade, cancel: ExitCancel) -> None:
        """Record the result of a batch that has begun, if there is one.

        :raises SQLAlchemyError: the fills could not be stored
        """
        running, cancel.running = cancel.running, None
        if running is not None:
            self.resting.record_cancel(trade, trade.pair, cancel.orders, running.result())

    def send(self, trade: Trade, cancel: ExitCancel, budget: Budget, reading: Reading) -> bool:
        """Send the batch of this exit if it has not been sent; the loop cancels what it leaves.

        :returns: whether there was something to cancel
        """
        if cancel.is_sent or self.resting.failed_this_loop(trade):
            return False
        self._mark_sent(cancel)
        orders, budget = self.resting.open_of(trade), self._budget(budget)
        others = self._others(trade, orders, budget)
        if orders or others:
            self._cancel(trade, orders, budget, reading, others)
        return bool(orders or others)

    def was_cut_short(self, cancel: ExitCancel) -> bool:
        """Whether the venue has become slow since the batch of this exit got its time: more would have proven it."""
        pace = self.client.pace
        return cancel.is_sent and pace.is_slow and pace.round_trip_ms >= _SLOWED * cancel.round_trip_ms

    def repeat(self, trade: Trade, cancel: ExitCancel, budget: Budget, reading: Reading) -> bool:
        """Cancel what the batch of this exit has left once more; return whether there was something to cancel."""
        orders = self.resting.open_of(trade)
        if not (cancel.is_sent and orders):
            return False
        self._cancel(trade, orders, self._budget(budget), reading, ())
        return True

    def _mark_sent(self, cancel: ExitCancel) -> None:
        cancel.is_sent, cancel.round_trip_ms = True, self.client.pace.round_trip_ms

    def _budget(self, budget: Budget) -> Budget:
        return budget.at_least(self.client.pace.cancel_ms())

    def _cancel(
        self, trade: Trade, orders: Sequence[TrackedOrder], budget: Budget, reading: Reading, others: Sequence[str]
    ) -> None:
        balance: Beside[None] | None = None
        change = AwaitedChange()
        if not self.holdings.freezes():
            # Nothing may be borrowed: a venue that lends is asked for what the cancel has set free, beside its proof.
            balance = self.holdings.read_beside(ahead=False, wait=partial(self.fills.wait_for_effect, change))
        with change.made_here():
            self.resting.cancel(trade, trade.pair, orders, budget, others, looks_last=True)
        # One that hangs is not waited for: it is read again, if it is needed at all.
        self.fills.await_balance(reading, balance, max(_LATE_BALANCE_MS, self.client.pace.round_trip_ms))

    def _others(self, trade: Trade, orders: Sequence[TrackedOrder], budget: Budget) -> list[str]:
        """Return the ids of all other orders on the pair if they are to be canceled, without freqtrade's own."""
        if self.settings.cancel_scope is not CancelScope.PAIR:
            return []
        ours = {order.order_id for order in orders} | {row.order_id for row in trade.orders}
        try:
            return [order_id for order_id in self.client.open_ids(trade.pair, budget) if order_id not in ours]
        except ccxt.BaseError as error:
            self.alerts.warn(f"The open orders on {trade.pair} could not be listed ({error}).")
            return []
