"""Fills of a trade's resting orders, and the balance, read side by side as an exit of it begins."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from bitget_margin.adapter.awaited_change import AwaitedChange
from bitget_margin.drivers.beside import Beside
from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.budget import Budget
from bitget_margin.freqtrade.client import VenueClient, ViewedOrders
from bitget_margin.freqtrade.compat import Trade
from bitget_margin.freqtrade.exit_amounts import ExitAmounts, ended_early
from bitget_margin.freqtrade.hedged_cancel import FIRST_LOOKUP_SECONDS
from bitget_margin.freqtrade.held_coins import HeldCoins
from bitget_margin.freqtrade.holdings import Holdings
from bitget_margin.freqtrade.order_store import OrderStore
from bitget_margin.freqtrade.resting_orders import RestingOrders
from bitget_margin.freqtrade.tracked_order import TrackedOrder
from bitget_margin.freqtrade.trade_rows import key_of

_GRACE_SECONDS: Final = 0.25
"""Least time for which an exit waits for a lookup that comes later than the balance."""
_SENT_SECONDS: Final = 1.0
"""Longest time that the balance waits for a cancel to be sent, which may wait for its rate window."""


@dataclass(slots=True)
class Reading:
    """Requests of one exit that have begun.

    :ivar orders: the resting orders that are looked up
    """

    budget: Budget
    at_seconds: float
    orders: Sequence[TrackedOrder] = ()
    view: Beside[ViewedOrders] | None = None
    balance: Beside[None] | None = None
    has_balance: bool = False
    """Whether the balance was read."""
    canceled: frozenset[str] = frozenset()
    """Client order ids of the orders that are canceled as the exit begins."""


@dataclass(eq=False, kw_only=True)
class ExitFills:
    """Lookups of the resting orders of a trade that is about to exit."""

    resting: RestingOrders
    store: OrderStore
    client: VenueClient
    holdings: Holdings
    held: HeldCoins
    amounts: ExitAmounts
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = time.sleep
    _refused: set[str] = field(default_factory=set, init=False)
    """Pairs whose last exit was refused for want of coins: the next one looks for other orders of the bot."""

    def begin(self, trade: Trade, budget: Budget, cancel: AwaitedChange | None = None) -> Reading:
        """Begin to look up the resting orders of a trade, and to read the balance that freqtrade asks for next.

        :param cancel: their batch cancel, which looks them up; None where none is under way
        """
        reading = Reading(budget, self.clock())
        orders = self.store.of_trade(key_of(trade))
        if cancel is not None:
            reading.canceled = frozenset(order.client_id for order in orders if order.phase.open)
            reading.balance = self.holdings.read_beside(ahead=True, wait=partial(self.wait_for_effect, cancel))
            return reading
        # An order that the lookup of this loop has missed is not shown a moment later either.
        reading.orders = [order for order in orders if order.phase.open and not self.held.was_just_missed(order)]
        if reading.orders or trade.pair in self._refused:
            pair, wanted, key = trade.pair, reading.orders, self.store.key()
            reading.view = Beside(lambda: self.client.view(pair, wanted, budget, key))
        if orders:
            reading.balance = self.holdings.read_beside(ahead=True)
        return reading

    def record(self, trade: Trade, reading: Reading) -> None:
        """Record the fills; look up the ended orders too where coins are missing from the wallet.

        :raises ccxt.BaseError: no answer in time, or a refusal
        :raises SQLAlchemyError: the fills could not be stored
        """
        self.await_balance(reading, reading.balance)
        trade_rows.record_fills(trade, self.store.of_trade(key_of(trade)))  # where an earlier try could not be stored
        if reading.view is not None and self._is_needed(trade, reading, reading.view):
            now = self.resting.seen(trade.pair, reading.orders, reading.view.result())
            self.resting.record(trade, reading.orders, now)
            self._refused.discard(trade.pair)
        ended = [order for order in self.store.of_trade(key_of(trade)) if ended_early(order)]
        if ended and self._are_missing(trade, reading):
            # The sums of an order may come later than its end.
            budget = reading.budget.at_least(self.client.pace.cancel_ms())
            self.resting.record(trade, ended, self.resting.look_up(trade.pair, ended, budget))

    def await_balance(self, reading: Reading, balance: Beside[None] | None, limit_ms: float | None = None) -> None:
        """Wait for a reading of the balance, no longer than for any query, or than a limit."""
        if balance is not None:
            reading.has_balance |= balance.ended((limit_ms or self.client.pace.read_ms()) / 1_000)

    def since(self, reading: Reading) -> float | None:
        """Return the begin of this exit if a balance was read for it; None where that is left to freqtrade."""
        return reading.at_seconds if reading.has_balance else None

    def fitting(self, trade: Trade, reading: Reading) -> float | None:
        """Return the amount that freqtrade may exit where it is less than that of the trade; None where it is not."""
        return self.amounts.fitting(trade, self.since(reading), reading.canceled)

    def wait_for_effect(self, cancel: AwaitedChange) -> None:
        """Wait until a balance shows what a cancel has set free, where loans are decided on it."""
        decides_on_loans = self.holdings.has_positions or not self.holdings.freezes()
        if decides_on_loans and cancel.wait(_SENT_SECONDS):
            self.sleep(min(FIRST_LOOKUP_SECONDS, self.client.pace.round_trip_ms / 1_000))

    def _are_missing(self, trade: Trade, reading: Reading) -> bool:
        return self.amounts.missing(trade, self.since(reading), reading.canceled) > 0

    def needs_sweep(self, pair: str) -> bool:
        """Whether the next exit on a pair looks for other orders of the bot."""
        return pair in self._refused

    def refused(self, pair: str) -> None:
        """Note that an exit was refused for want of coins: an order that is not known may hold them."""
        self._refused.add(pair)

    def _is_needed(self, trade: Trade, reading: Reading, view: Beside[ViewedOrders]) -> bool:
        """Whether an exit waits for the lookup of its resting orders: not if it is late, and no coins are missing.

        The batch cancel looks them up again, and shows what has been bought and sold.
        """
        if not reading.has_balance or trade.pair in self._refused:
            return True
        grace_seconds = max(_GRACE_SECONDS, self.client.pace.round_trip_ms / 2_000)
        return view.ended(grace_seconds) or self._are_missing(trade, reading)
