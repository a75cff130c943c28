"""The three points that an exit passes, in freqtrade's order.

1. `begin`: before freqtrade computes the amount. Fills of resting orders are recorded; otherwise freqtrade would refuse
   every exit of a trade whose resting orders have sold more than 2 % of its coins.
2. `confirm`: after the strategy's own confirmation. One batch cancel.
3. `amount`: as the order is placed. The same batch cancel for exits that skip the second point, and the last check of
   the amount that is left to sell.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import ccxt

from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.client import Budget, VenueClient
from bitget_margin.freqtrade.compat import InsufficientFundsError, Trade
from bitget_margin.freqtrade.config import BotSettings, CancelScope, PartialExits
from bitget_margin.freqtrade.holdings import Holdings
from bitget_margin.freqtrade.ladder_spec import REL_TOLERANCE
from bitget_margin.freqtrade.order_store import OrderStore
from bitget_margin.freqtrade.ports import MarketRules
from bitget_margin.freqtrade.resting_orders import RestingOrders, held_by_sells
from bitget_margin.freqtrade.tracked_order import Phase, TrackedOrder, TradeKey
from bitget_margin.freqtrade.trade_rows import key_of

_STALE_SECONDS: Final = 20.0
"""Age from which an exit counts as over, whatever its end was."""


@dataclass(slots=True)
class _Exit:
    """One exit of a trade that is under way."""

    budget: Budget
    at_seconds: float
    thread: int = field(default_factory=threading.get_ident)
    reason: str = ""
    cancel_sent: bool = False


@dataclass(eq=False, kw_only=True)
class Exits:
    """The exits of one bot.

    :param drop_waiting: gives up the ladder orders of a trade that wait to be placed again
    """

    resting: RestingOrders
    store: OrderStore
    client: VenueClient
    alerts: Alerts
    holdings: Holdings
    rules: MarketRules
    settings: BotSettings
    lock: threading.RLock
    drop_waiting: Callable[[Trade], None]
    clock: Callable[[], float] = time.monotonic
    _under_way: dict[TradeKey, _Exit] = field(default_factory=dict, init=False)
    _rest: dict[TradeKey, str] = field(default_factory=dict, init=False)
    """Exit reasons of the trades of which only the free part could be sold."""

    def begin(self, pair: str) -> None:
        """Record the fills of the resting orders of the trade on this pair."""
        with self.lock:
            trade_rows.refresh()
            trade = trade_rows.open_trade(pair)
            if trade is None:
                return
            exit_ = self._under_way[key_of(trade)] = _Exit(self.resting.budget(), self.clock())
            orders = self.resting.open_of(trade)
            if not orders:
                return
            try:
                # At most a third: the cancel, which follows, looks them up again.
                budget = Budget(self.settings.wait_ms / 3, self.clock)
                with exit_.budget:
                    self.resting.look_up(trade, orders, budget)
            except ccxt.BaseError as error:
                self.alerts.warn(
                    f"Exit of trade {trade.id} on {pair}: the fills of its resting orders could not be read ({error}). "
                    "The exit goes on; it sells no more than what is free.",
                )

    def confirm(self, given: Trade, reason: str) -> bool:
        """Cancel the resting orders; return False where an exit order has nothing to sell now."""
        with self.lock:
            key = key_of(given)
            trade = trade_rows.open_trades().get(key)
            if trade is None:
                return True
            exit_ = self._exit_of(trade)
            exit_.reason = reason
            self._cancel(trade, exit_)
            sold_out = trade_rows.remaining_amount(trade) == 0 and not trade.has_open_orders
            if sold_out and self.store.of_trade(key):
                self.alerts.info(f"Trade {trade.id} on {trade.pair} is sold out by its resting orders.")
                return False
            # An exit order for the free part is there; the rest has to wait until the resting orders are gone.
            return not (key in self._rest and trade.has_open_orders and self.resting.selling(trade))

    def amount(self, pair: str, amount: float) -> float:
        """Return the amount that an exit order may sell: coins of the trade that no other order holds.

        :raises InsufficientFundsError: nothing that the venue would accept
        """
        with self.lock:
            trade = trade_rows.open_trade(pair)
            if trade is None:
                return amount
            exit_ = self._exit_of(trade)
            self._under_way.pop(key_of(trade), None)
            orders = self.store.of_trade(key_of(trade))
            if not orders and self.settings.cancel_scope is CancelScope.TRADE:
                return amount
            partial = amount < trade.amount * (1 - REL_TOLERANCE)
            if not partial or self.settings.partial_exits is PartialExits.CANCEL:
                if self._cancel(trade, exit_):
                    orders = self.store.of_trade(key_of(trade))
                if any(order.phase is Phase.WAITING for order in orders):
                    self.drop_waiting(trade)
                    orders = self.store.of_trade(key_of(trade))
            most = trade_rows.remaining_amount(trade) if orders else amount
            selling = self._selling(trade, orders)
            market = self.rules.markets[pair]
            if selling:
                # Coins that resting orders may still sell would be sold twice where the wallet has other coins.
                most = max(0.0, min(trade_rows.remaining_amount(trade) - selling, self.rules.free(market["base"])))
            wanted = amount if amount <= most * (1 + REL_TOLERANCE) else most
            sold = self.rules.amount_to_precision(pair, wanted)
            if not partial:
                self._remember_rest(trade, exit_, is_held=selling > 0 and sold < amount * (1 - REL_TOLERANCE))
            least = market["limits"]["amount"]["min"] or 0.0
            if sold <= 0 or sold < least:
                held = f"resting orders hold the rest; {_advice(partial=partial)}" if selling else f"under {least:.8g}"
                raise InsufficientFundsError(
                    f"Exit of trade {trade.id} on {pair}: {most:.8g} of {amount:.8g} can be sold, {held}",
                )
            return float(sold)

    def rest_of(self, trade: Trade) -> str | None:
        """Return the reason to sell the rest of a trade, once no resting order holds it; None otherwise."""
        reason = self._rest.get(key_of(trade))
        if reason is None or self.resting.open_of(trade):
            return None
        # A reason of its own: freqtrade does not exit twice for the same one within a candle.
        return f"{reason} (rest)"

    def busy(self) -> set[TradeKey]:
        """Return the trades that another thread is exiting."""
        now, here = self.clock(), threading.get_ident()
        return {
            key
            for key, exit_ in list(self._under_way.items())
            if exit_.thread != here and now - exit_.at_seconds < _STALE_SECONDS
        }

    def _selling(self, trade: Trade, orders: Sequence[TrackedOrder]) -> float:
        """Return the coins of a trade that these resting orders may still sell.

        Orders without an answer may not be there at all. On a classic account whose coins are the bot's alone, they
        hold no more than what is frozen beside the orders that are known.
        """
        known, unanswered = held_by_sells(order for order in orders if order.phase.open)
        if not unanswered or not self.holdings.freezes():
            return known + unanswered
        coin = self.holdings.base_of(trade.pair)
        holding = self.holdings.read(coin)
        if holding is None or self.holdings.has_others(coin, holding.total):
            return known + unanswered
        return known + min(unanswered, max(0.0, holding.frozen - known))

    def _exit_of(self, trade: Trade) -> _Exit:
        known = self._under_way.get(key_of(trade))
        if known is not None and self.clock() - known.at_seconds < _STALE_SECONDS:
            return known
        return _Exit(self.resting.budget(), self.clock())

    def _cancel(self, trade: Trade, exit_: _Exit) -> bool:
        """Send the one batch of this exit, and return whether it was sent; the loop cancels what it leaves."""
        if exit_.cancel_sent or self.resting.failed_this_loop(trade):
            return False
        exit_.cancel_sent = True
        orders = self.resting.open_of(trade)
        others = self._others(trade, orders, exit_.budget)
        if orders or others:
            self.resting.cancel(trade, trade.pair, orders, exit_.budget, others)
        return bool(orders or others)

    def _others(self, trade: Trade, orders: list[TrackedOrder], budget: Budget) -> list[str]:
        """Return the ids of all other orders on the pair if they are to be canceled, without freqtrade's own."""
        if self.settings.cancel_scope is not CancelScope.PAIR:
            return []
        ours = {order.order_id for order in orders} | {row.order_id for row in trade.orders}
        try:
            return [order_id for order_id in self.client.open_ids(trade.pair, budget) if order_id not in ours]
        except ccxt.BaseError as error:
            self.alerts.warn(f"The open orders on {trade.pair} could not be listed ({error}).")
            return []

    def _remember_rest(self, trade: Trade, exit_: _Exit, *, is_held: bool) -> None:
        """Remember whether resting orders hold a part of the coins of a full exit, which is sold later."""
        if not is_held:
            self._rest.pop(key_of(trade), None)
            return
        self._rest[key_of(trade)] = exit_.reason or "rest_of_exit"
        self.alerts.warn(
            f"Exit of trade {trade.id} on {trade.pair}: resting orders that could not be canceled hold a part of the "
            "coins. The free part is sold now; the rest follows when they are gone.",
            f"rest {trade.id}",
        )


def _advice(*, partial: bool) -> str:
    if partial:
        return '"bitget_margin.partial_exits": "cancel" in the configuration cancels the ladder at partial exits too'
    return "nothing is borrowed; the loop cancels them again, and exits then"
