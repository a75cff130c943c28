"""The three points that an exit passes, in freqtrade's order.

1. `begin`: before freqtrade computes the amount. Fills of resting orders are recorded; otherwise freqtrade would refuse
   every exit of a trade whose resting orders have sold more than 2 % of its coins. Where nobody can refuse the exit,
   the batch cancel shows them.
2. `confirm`: after the strategy's own confirmation. One batch cancel, if it has not been sent yet.
3. `place`: as the order is placed. The same batch cancel for exits that skip the second point, and the last check of
   the amount that is left to sell.

Nothing here holds an exit back: not a lookup, not a list, not the database. What is known decides the amount.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import ccxt
from sqlalchemy.exc import SQLAlchemyError

from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.budget import Budget
from bitget_margin.freqtrade.client import VenueClient
from bitget_margin.freqtrade.compat import InsufficientFundsError, TemporaryError, Trade
from bitget_margin.freqtrade.config import BotSettings, CancelScope, PartialExits
from bitget_margin.freqtrade.exit_amounts import ExitAmounts
from bitget_margin.freqtrade.exit_cancels import LEAST_SHARE, ExitCancel, ExitCancels
from bitget_margin.freqtrade.exit_fills import ExitFills, Reading
from bitget_margin.freqtrade.exit_names import ExitNames
from bitget_margin.freqtrade.exit_rests import SUFFIX, ExitRests
from bitget_margin.freqtrade.held_coins import HeldCoins
from bitget_margin.freqtrade.holdings import Holdings
from bitget_margin.freqtrade.ladder_spec import REL_TOLERANCE
from bitget_margin.freqtrade.order_store import OrderStore
from bitget_margin.freqtrade.ports import MarketRules
from bitget_margin.freqtrade.resting_orders import RestingOrders
from bitget_margin.freqtrade.tracked_order import Phase, TrackedOrder, TradeKey
from bitget_margin.freqtrade.trade_rows import key_of

_WALLET_SHARE: Final = 0.98
"""Share of a trade's amount down to which freqtrade takes what the wallet has for an exit of all."""
_STALE_SECONDS: Final = 20.0
"""Age from which an exit counts as over, whatever its end was."""


@dataclass(slots=True)
class _Exit:
    """One exit of a trade that is under way."""

    budget: Budget
    at_seconds: float
    reading: Reading
    thread: int = field(default_factory=threading.get_ident)
    reason: str = ""
    cancel: ExitCancel = field(default_factory=ExitCancel)
    lowered: tuple[float, float] | None = None
    """The amount of the trade by its rows, and the smaller one that freqtrade was given."""
    begun: tuple[float, float] | None = None
    """The amount that freqtrade was given, and the coins that the trade had then; None without such a point."""


@dataclass(frozen=True, slots=True)
class ExitOrder:
    """The order that an exit sends: amount in base coins of the position, and freqtrade's order type."""

    amount: float
    ordertype: str
    owed: float | None = None
    """Coins that the trade owes, of an order that covers all of a short, with interest; None where not known."""


@dataclass(eq=False, kw_only=True)
class Exits:
    """The exits of one bot.

    :param drop_waiting: gives up the ladder orders of a trade that wait to be placed again
    """

    resting: RestingOrders
    names: ExitNames
    store: OrderStore
    client: VenueClient
    alerts: Alerts
    holdings: Holdings
    held: HeldCoins
    amounts: ExitAmounts
    fills: ExitFills
    cancels: ExitCancels
    rests: ExitRests
    rules: MarketRules
    settings: BotSettings
    lock: threading.RLock
    drop_waiting: Callable[[Trade], None]
    clock: Callable[[], float] = time.monotonic
    _under_way: dict[TradeKey, _Exit] = field(default_factory=dict, init=False)

    # -- the three points ---------------------------------------------------------------------------------------------

    def begin(self, pair: str) -> None:
        """Record the fills of the resting orders of the trade on this pair.

        :raises TemporaryError: whether an earlier run of the bot has sent this exit is not known yet
        """
        with self.lock:
            trade_rows.refresh()
            trade = trade_rows.open_trade(pair)
            if trade is None:
                return
            self._restore_amount(trade)
            self.holdings.drop_ahead()
            exit_ = self._under_way[key_of(trade)] = self._new_exit()
            has_begun = self.cancels.begin(trade, exit_.cancel, exit_.budget)
            exit_.reading = self.fills.begin(trade, exit_.budget, exit_.cancel.change if has_begun else None)
            try:
                self.names.find(trade, exit_.budget)
            except TemporaryError:
                if has_begun:
                    self._record_fills(trade, exit_)
                raise
            self._record_fills(trade, exit_)
            self._fit_amount(trade, exit_)
            exit_.begun = trade.amount, self.amounts.booked(trade, self.store.of_trade(key_of(trade)))

    def confirm(self, given: Trade, reason: str) -> bool:
        """Cancel the resting orders; return False where an exit order has nothing to sell now."""
        with self.lock:
            key = key_of(given)
            trade = trade_rows.open_trades().get(key)
            if trade is None:
                return True
            exit_ = self._exit_of(trade)
            exit_.reason = reason
            self.cancels.send(trade, exit_.cancel, exit_.budget, exit_.reading)
            sold_out = trade_rows.remaining_amount(trade) == 0 and not trade.has_open_orders
            if sold_out and self.store.of_trade(key):
                self.alerts.info(f"Trade {trade.id} on {trade.pair} is sold out by its resting orders.")
                return False
            # An exit order for the free part is there; only another exit replaces it before the rest is free.
            waits = reason.endswith(SUFFIX) and trade.has_open_orders
            return not (waits and self.resting.closing(trade))

    def place(self, pair: str, amount: float, ordertype: str, rate: float) -> ExitOrder:
        """Return the exit order to send: coins of the trade that no other order holds, and that a short still owes.

        :raises InsufficientFundsError: nothing that the venue would accept
        """
        with self.lock:
            trade = trade_rows.open_trade(pair)
            if trade is None:
                # freqtrade sends it all the same where the order that it replaces turns out to be filled.
                raise InsufficientFundsError(f"Exit on {pair}: its trade has ended, and nothing is sent for it")
            exit_ = self._exit_of(trade)
            # Buys that were recorded since its begin make no partial exit of it: it sells them, too.
            full = min(trade.amount, exit_.begun[0] * _WALLET_SHARE) if exit_.begun else trade.amount
            partial = amount < full * (1 - REL_TOLERANCE)
            self._restore_amount(trade)
            self._under_way.pop(key_of(trade), None)
            ordertype = self.rests.ordertype(key_of(trade), ordertype)
            orders, wanted, most = self._amounts(trade, exit_, amount, partial=partial)
            if most < wanted * (1 - REL_TOLERANCE) and self._take_in_own_orders(trade, exit_):
                # They hold the coins: canceled with a batch of their own.
                exit_.cancel = ExitCancel()
                orders, wanted, most = self._amounts(trade, exit_, amount, partial=partial)
            if not partial and self._waits_too_long(exit_, wanted, most) and self._cancel_again(trade, exit_):
                orders, wanted, most = self._amounts(trade, exit_, amount, partial=partial)
            sold = self.amounts.cut(trade, min(wanted, most))
            everything = self.amounts.cut(trade, self.amounts.booked(trade, orders))
            is_all = sold >= everything * (1 - REL_TOLERANCE)
            if not partial and sold < wanted * (1 - REL_TOLERANCE):
                self.rests.remember(trade, exit_.reason, ordertype, sold)
            elif not partial:
                self.rests.forget(key_of(trade))
            self._refuse_crumb(trade, orders, sold, wanted, rate, partial=partial)
            return ExitOrder(sold, ordertype, self.amounts.owed(trade, self._since(exit_)) if is_all else None)

    def refused(self, pair: str) -> None:
        """Note that an exit was refused for want of coins: an order that is not known may hold them."""
        self.fills.refused(pair)

    def announce(self, trade: Trade | None) -> None:
        """Note that this thread exits all of a trade next, and that nobody is asked about it; None: it exits none."""
        self.cancels.announce(trade)

    # -- between exits ------------------------------------------------------------------------------------------------

    def restore_amounts(self) -> None:
        """Give trades whose exit came to nothing the amount of their rows again."""
        for key, trade in trade_rows.open_trades().items():
            if key in self._under_way and key not in self.busy():
                self._restore_amount(trade)

    def restore_amount(self, pair: str) -> None:
        """Give a trade the amount of its rows again: an order of it is canceled, and freqtrade books its fills."""
        with self.lock:
            trade = trade_rows.open_trade(pair)
            if trade is not None:
                self._restore_amount(trade)

    def busy(self) -> set[TradeKey]:
        """Return the trades that another thread is exiting."""
        now, here = self.clock(), threading.get_ident()
        return {
            key
            for key, exit_ in list(self._under_way.items())
            if exit_.thread != here and now - exit_.at_seconds < _STALE_SECONDS
        }

    # -- fills and amounts --------------------------------------------------------------------------------------------

    def _record_fills(self, trade: Trade, exit_: _Exit) -> None:
        """Record what the requests of this exit show; the exit goes on without it."""
        try:
            self.cancels.finish(trade, exit_.cancel)
            self.fills.record(trade, exit_.reading)
        except (ccxt.BaseError, SQLAlchemyError) as error:
            if isinstance(error, SQLAlchemyError):
                Trade.rollback()
            self.alerts.warn(
                f"Exit of trade {trade.id} on {trade.pair}: the fills of its resting orders could not be recorded "
                f"({error}). The exit goes on; it sells no more than what is there.",
            )

    def _fit_amount(self, trade: Trade, exit_: _Exit) -> None:
        """Lower the amount of a trade to what is there, for this exit alone."""
        fitting = self.fills.fitting(trade, exit_.reading)
        if fitting is None:
            return
        exit_.lowered, trade.amount, full = (trade.amount, fitting), fitting, trade.amount
        if fitting >= (full - trade_rows.closed_by_open_exits(trade)) * (1 - REL_TOLERANCE):
            return  # freqtrade counts the fills of an open exit once it has ended
        there, done = ("owed", "covered") if trade.is_short else ("in the wallet", "sold")
        self.alerts.warn(
            f"Exit of trade {trade.id} on {trade.pair}: {fitting:.8g} of its {full:.8g} coins are {there}, and "
            f"no order explains it. They are {done}; the trade stays open for the others.",
            f"missing coins {trade.id}",
        )

    def _restore_amount(self, trade: Trade) -> None:
        """Give a trade the amount of its rows again, unless a fill has changed it since."""
        exit_ = self._under_way.get(key_of(trade))
        if exit_ is not None and exit_.lowered is not None:
            full, lowered = exit_.lowered
            if trade.amount == lowered:
                # A fill that was recorded meanwhile may have made it the same amount.
                trade.amount = min(full, self.amounts.of_rows(trade))
            exit_.lowered = None

    def _orders_left(self, trade: Trade, exit_: _Exit, *, partial: bool) -> Sequence[TrackedOrder]:
        """Return the resting orders of a trade after the batch cancel of this exit."""
        orders = self.store.of_trade(key_of(trade))
        cancels = orders or self.settings.cancel_scope is not CancelScope.TRADE
        if cancels and (not partial or self.settings.partial_exits is PartialExits.CANCEL):
            if self.cancels.send(trade, exit_.cancel, exit_.budget, exit_.reading):
                orders = self.store.of_trade(key_of(trade))
            if any(order.phase is Phase.WAITING for order in orders):
                self.drop_waiting(trade)
                orders = self.store.of_trade(key_of(trade))
        return orders

    def _amounts(
        self, trade: Trade, exit_: _Exit, amount: float, *, partial: bool
    ) -> tuple[Sequence[TrackedOrder], float, float]:
        """Cancel the resting orders of a trade; return what is left, the coins to close, and those that may be."""
        orders = self._orders_left(trade, exit_, partial=partial)
        has = self.amounts.booked(trade, orders) if orders else amount
        if exit_.begun and not partial:
            amount += max(0.0, has - exit_.begun[1])
        wanted = self.amounts.cut(trade, min(amount, has))
        since, is_rest = self._since(exit_), key_of(trade) in self.rests
        most = self.amounts.sellable(trade, orders, has, wanted, is_rest=is_rest, since=since)
        return orders, wanted, most

    def _since(self, exit_: _Exit) -> float | None:
        return self.fills.since(exit_.reading)

    def _take_in_own_orders(self, trade: Trade, exit_: _Exit) -> bool:
        """Take in orders of the bot that hold the coins of a trade and are not known; return whether there are any."""
        if self.resting.open_of(trade):
            return False  # they hold the coins, and were looked up with all others
        try:
            self.resting.look_up(trade.pair, [], exit_.budget.at_least(self.client.pace.cancel_ms()))
        except ccxt.BaseError as error:
            self.alerts.warn(f"The open orders on {trade.pair} could not be listed ({error}).")
        return bool(self.resting.open_of(trade))

    def _waits_too_long(self, exit_: _Exit, wanted: float, most: float) -> bool:
        """Whether coins that are not free are worth a second cancel: they would wait until an order for less is booked.

        Most of the coins are; and so is any part where the cancel had too little time to be proven.
        """
        share = 1 - REL_TOLERANCE if self.cancels.was_cut_short(exit_.cancel) else LEAST_SHARE
        return most < wanted * share

    def _cancel_again(self, trade: Trade, exit_: _Exit) -> bool:
        """Cancel what holds coins of an exit once more.

        Not for a rest: where its orders cannot be canceled, the loop tries again, and other exits come first.
        """
        if key_of(trade) in self.rests or not self.resting.closing(trade):
            return False
        return self.cancels.repeat(trade, exit_.cancel, exit_.budget, exit_.reading)

    def _exit_of(self, trade: Trade) -> _Exit:
        known = self._under_way.get(key_of(trade))
        if known is not None and self.clock() - known.at_seconds < _STALE_SECONDS:
            return known
        return self._new_exit()

    def _new_exit(self) -> _Exit:
        budget, now = self.client.pace.exit_budget(), self.clock()
        return _Exit(budget, now, Reading(budget, now))

    # -- what is left over --------------------------------------------------------------------------------------------

    def _refuse_crumb(
        self, trade: Trade, orders: Sequence[TrackedOrder], sold: float, wanted: float, rate: float, *, partial: bool
    ) -> None:
        """Refuse an order below the minimum of the pair; end a trade of which nothing larger is left.

        :raises InsufficientFundsError: the order is below the minimum
        """
        least = self.rules.markets[trade.pair]["limits"]["amount"]["min"] or 0.0
        if sold > 0 and sold >= least and not (orders and self.amounts.is_crumb(trade, sold, rate)):
            return
        name, left = f"Exit of trade {trade.id} on {trade.pair}", trade_rows.remaining_amount(trade)
        done = "covered" if trade.is_short else "sold"
        if orders and not partial and left > 0 and self.amounts.is_crumb(trade, left, rate):
            trade_rows.end(trade, rate)
            self.rests.forget(key_of(trade))
            self.alerts.warn(
                f"{name}: {left:.8g} is left, which is less than the venue takes in one order. The trade has ended "
                "without it."
            )
            raise InsufficientFundsError(f"{name}: {left:.8g} is left, which is too little to be {done}")
        held = self.held.shown(orders)
        least_of = "less than the venue takes" + (", or no more is owed" if trade.is_short else "")
        why = (
            f"resting orders hold {held:.8g}; {_advice(partial=partial)}"
            if held
            else least_of + self.held.describe_doubt(trade, orders)
        )
        raise InsufficientFundsError(f"{name}: {sold:.8g} of {wanted:.8g} can be {done}, {why}")


def _advice(*, partial: bool) -> str:
    if partial:
        return '"bitget_margin.partial_exits": "cancel" in the configuration cancels the ladder at partial exits too'
    return "nothing is borrowed; the loop cancels them again, and exits then"
