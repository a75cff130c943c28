"""The three points that an exit passes, in freqtrade's order.

1. `begin`: before freqtrade computes the amount. What resting orders have sold is booked, or freqtrade would refuse
   every exit of a trade that has sold more than 2 % of its coins behind its back.
2. `confirm`: after the strategy's own last word. One batch cancel.
3. `amount`: as the order is placed, for the exits that skip the second; and the last check of what is left to sell.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import ccxt

from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.client import Budget
from bitget_margin.freqtrade.compat import InsufficientFundsError, Trade
from bitget_margin.freqtrade.config import CancelScope, PartialExits
from bitget_margin.freqtrade.ladder_spec import SELL
from bitget_margin.freqtrade.trade_rows import key_of

if TYPE_CHECKING:
    from bitget_margin.freqtrade.exchange import Bitgetcross
    from bitget_margin.freqtrade.resting_orders import RestingOrders
    from bitget_margin.freqtrade.tracked_order import TrackedOrder, TradeKey

_GRAIN: Final = 1e-9
_STALE_SECONDS: Final = 20.0
"""An exit that began longer ago than this has ended, however it did."""


@dataclass(slots=True)
class _Exit:
    """One exit of a trade that is under way."""

    budget: Budget
    at_seconds: float
    thread: int = field(default_factory=threading.get_ident)
    reason: str = ""
    cancelled: bool = False


class Exits:
    """The exits of one bot."""

    def __init__(self, exchange: Bitgetcross, resting: RestingOrders) -> None:
        self._exchange = exchange
        self._resting = resting
        self._under_way: dict[TradeKey, _Exit] = {}
        self._rest: dict[TradeKey, str] = {}
        """Trades of which only the free part could be sold, and why the exit was."""

    def begin(self, pair: str) -> None:
        """Book what the resting orders of the trade on this pair have filled."""
        with self._resting.lock:
            trade_rows.refresh()
            trade = trade_rows.open_trade(pair)
            if trade is None:
                return
            exit_ = _Exit(self._resting.budget(), self._resting.seconds())
            self._under_way[key_of(trade)] = exit_
            rungs = self._resting.open_of(key_of(trade))
            if rungs:
                try:
                    # At most a third: the cancel, which follows, looks at them again.
                    budget = Budget(self._resting.settings.wait_ms / 3)
                    with exit_.budget:
                        self._resting.look(trade, rungs, budget)
                except ccxt.BaseError as error:
                    self._resting.alerts.warn(
                        f"Exit of trade {trade.id} on {pair}: the venue does not say what its resting orders have "
                        f"filled ({error}). The exit goes on; it sells no more than what is free.",
                    )

    def confirm(self, given: Trade, reason: str) -> bool:
        """Cancel the resting orders; return False where there is nothing that an exit order could do now."""
        with self._resting.lock:
            key = key_of(given)
            trade = trade_rows.open_trades().get(key)
            if trade is None:
                return True
            exit_ = self._exit(trade)
            exit_.reason = reason
            self._cancel(trade, exit_)
            if (
                self._resting.store.of_trade(key)
                and trade_rows.remaining_amount(trade) == 0
                and not trade.has_open_orders
            ):
                self._resting.alerts.info(f"Trade {trade.id} on {trade.pair} is sold out by its resting orders.")
                return False
            # An exit order for the free part is there; the rest has to wait until the resting orders are gone.
            return not (key in self._rest and trade.has_open_orders and self._resting.selling(trade))

    def amount(self, pair: str, amount: float) -> float:
        """Return what an exit order may sell: what the trade still has, and no more than what is free.

        :raises InsufficientFundsError: nothing that the venue would take
        """
        with self._resting.lock:
            trade = trade_rows.open_trade(pair)
            if trade is None:
                return amount
            exit_ = self._exit(trade)
            self._under_way.pop(key_of(trade), None)
            rungs = self._resting.store.of_trade(key_of(trade))
            if not rungs and self._resting.settings.cancel_scope is CancelScope.TRADE:
                return amount
            partial = amount < trade.amount * (1 - _GRAIN)
            if not partial or self._resting.settings.partial_exits is PartialExits.CANCEL:
                self._cancel(trade, exit_)
                self._exchange.ladders.drop_waiting(trade)
            most = trade_rows.remaining_amount(trade) if rungs else amount
            selling = self._selling(trade)
            if selling:
                # What resting orders may still sell is theirs: with other coins in the wallet it would be sold twice.
                free = self._exchange.free(self._exchange.markets[pair]["base"])
                most = max(0.0, min(trade_rows.remaining_amount(trade) - selling, free))
            wanted = amount if amount <= most * (1 + _GRAIN) else most
            sold = self._exchange.amount_to_precision(pair, wanted)
            self._remember_rest(trade, exit_, selling, short=sold < amount * (1 - _GRAIN), partial=partial)
            least = self._exchange.markets[pair]["limits"]["amount"]["min"] or 0.0
            if sold <= 0 or sold < least:
                held = f"resting orders hold the rest; {_advice(partial=partial)}" if selling else f"under {least:.8g}"
                raise InsufficientFundsError(
                    f"Exit of trade {trade.id} on {pair}: {most:.8g} of {amount:.8g} can be sold, {held}",
                )
            return float(sold)

    def _selling(self, trade: Trade) -> float:
        """Return the coins of a trade that resting orders may still sell.

        Orders without an answer may not be there at all. On a classic account whose coins are the bot's alone, they
        hold no more than what is frozen beside the orders that are known.
        """
        rungs = [rung for rung in self._resting.open_of(key_of(trade)) if rung.side == SELL]
        known = sum(rung.remaining for rung in rungs if rung.order_id is not None)
        unanswered = sum(rung.remaining for rung in rungs if rung.order_id is None)
        if not unanswered or not self._exchange.holdings.freezes():
            return known + unanswered
        coin = self._exchange.holdings.base_of(trade.pair)
        holding = self._exchange.holdings.read(coin)
        if holding is None or self._exchange.holdings.has_others(coin, holding.total):
            return known + unanswered
        return known + min(unanswered, max(0.0, holding.frozen - known))

    def rest_of(self, trade: Trade) -> str | None:
        """Return why a trade should exit, of which only a part could be sold, once nothing holds the rest any more."""
        reason = self._rest.get(key_of(trade))
        if reason is None or self._resting.open_of(key_of(trade)):
            return None
        # A reason of its own: freqtrade does not exit twice for the same one within a candle.
        return f"{reason} (rest)"

    def busy(self) -> dict[TradeKey, _Exit]:
        """Return the trades that are in the middle of an exit in another thread."""
        now, here = self._resting.seconds(), threading.get_ident()
        return {
            key: exit_
            for key, exit_ in list(self._under_way.items())
            if exit_.thread != here and now - exit_.at_seconds < _STALE_SECONDS
        }

    def _exit(self, trade: Trade) -> _Exit:
        known = self._under_way.get(key_of(trade))
        if known is not None and self._resting.seconds() - known.at_seconds < _STALE_SECONDS:
            return known
        return _Exit(self._resting.budget(), self._resting.seconds())

    def _cancel(self, trade: Trade, exit_: _Exit) -> None:
        """Send the one batch of this exit; what it leaves is the loop's."""
        if exit_.cancelled or self._resting.failed_this_loop(trade):
            return
        exit_.cancelled = True
        rungs = self._resting.open_of(key_of(trade))
        others = self._others(trade, rungs, exit_.budget)
        if not rungs and not others:
            return
        self._resting.cancel(trade, trade.pair, rungs, exit_.budget, others)

    def _others(self, trade: Trade, rungs: list[TrackedOrder], budget: Budget) -> list[str]:
        """Return the ids of everything else on the pair, where the user wants it gone; not freqtrade's own orders."""
        if self._resting.settings.cancel_scope is not CancelScope.PAIR:
            return []
        ours = {rung.order_id for rung in rungs} | {row.order_id for row in trade.orders}
        try:
            return [order_id for order_id in self._resting.client.open_ids(trade.pair, budget) if order_id not in ours]
        except ccxt.BaseError as error:
            self._resting.alerts.warn(f"The open orders on {trade.pair} could not be listed ({error}).")
            return []

    def _remember_rest(self, trade: Trade, exit_: _Exit, selling: float, *, short: bool, partial: bool) -> None:
        if partial or not (selling and short):
            if not partial:
                self._rest.pop(key_of(trade), None)
            return
        self._rest[key_of(trade)] = exit_.reason or "rest_of_exit"
        self._resting.alerts.warn(
            f"Exit of trade {trade.id} on {trade.pair}: resting orders that could not be cancelled hold a part of the "
            "coins. The free part is sold now; the rest follows when they are gone.",
            f"rest {trade.id}",
        )


def _advice(*, partial: bool) -> str:
    if partial:
        return '"bitget_margin.partial_exits": "cancel" in the configuration cancels the ladder at partial exits too'
    return "nothing is borrowed; the loop cancels them again, and exits then"
