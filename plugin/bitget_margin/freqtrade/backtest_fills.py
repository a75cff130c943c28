"""Fills of the resting orders of a backtest within one candle, before freqtrade exits in it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from bitget_margin.freqtrade import candle_fills, simulated_rows
from bitget_margin.freqtrade.candle_fills import CandlePrices, FillRule
from bitget_margin.freqtrade.compat import FreqtradeOrder, Trade, lot_amount
from bitget_margin.freqtrade.ladder_spec import SELL
from bitget_margin.freqtrade.simulation_compat import BacktestStrategy, price_step
from bitget_margin.freqtrade.tracked_order import Phase
from bitget_margin.freqtrade.trade_ladders import TradeLadders

STOPS: Final = frozenset({"stop_loss", "trailing_stop_loss"})
"""freqtrade's kinds of exits at a stop."""
LIQUIDATION: Final = "liquidation"
"""The kind of exit for which freqtrade asks no strategy."""
_ROI: Final = "roi"


@dataclass(eq=False)
class BacktestFills:
    """Fills by candles."""

    strategy: BacktestStrategy
    rule: FillRule
    ending: FreqtradeOrder | None = None
    """The last row that was added to close the last coins of a trade."""

    def fill_candle(
        self, trade: Trade, ladders: TradeLadders, candle: CandlePrices, exits: Callable[[], list[Any]]
    ) -> Sequence[Any]:
        """Fill what a candle reaches before its first exit, or all of it without one; return the exits then.

        A fill may move the stop: the exits are evaluated again, from that fill on.

        :param exits: returns freqtrade's reasons for the trade as it is
        """
        self._fill(trade, ladders, candle, candle.open)
        found = [] if ladders.is_ending() else self._fill_way(trade, ladders, candle, exits)
        return [] if ladders.is_ending() else found

    def fill_after_refusal(
        self, trade: Trade, ladders: TradeLadders, candle: CandlePrices, others: Sequence[Any]
    ) -> None:
        """Fill what a candle reaches where its first exit was refused: before the next one, or all of it."""
        self._fill_way(trade, ladders, candle, lambda: others)

    def is_stop_reached(self, trade: Trade, candle: CandlePrices) -> bool:
        """Whether the stop of a trade, as it is now, lies within the reach of a candle."""
        return candle.low <= trade.stop_loss if trade.exit_side == SELL else candle.high >= trade.stop_loss

    def _fill_way(
        self, trade: Trade, ladders: TradeLadders, candle: CandlePrices, exits: Callable[[], Sequence[Any]]
    ) -> Sequence[Any]:
        """Fill what comes before the first exit, whose reasons are asked for again where a fill moves the stop."""
        found = exits()
        while not ladders.is_ending() and self._fill_before(trade, ladders, candle, found):
            found = exits()
        if not found and not ladders.is_ending():
            # What a stop is moved to by the profit counts from the next candle on: the low may have come before.
            self._fill(trade, ladders, candle, candle.extreme(trade.exit_side), trade.exit_side)
        return found

    def _fill_before(self, trade: Trade, ladders: TradeLadders, candle: CandlePrices, exits: Sequence[Any]) -> bool:
        """Fill the orders on the way to the first exit, or those that add to the position without one.

        :returns: whether a fill has moved the stop, before which the way ends
        """
        if exits:
            price, side = self._price_of(trade, candle, exits[0].exit_type.value), None
        else:
            price, side = candle.extreme(trade.entry_side), trade.entry_side
        return self._fill(trade, ladders, candle, price, side, until_stop_moves=True)

    def _fill(
        self,
        trade: Trade,
        ladders: TradeLadders,
        candle: CandlePrices,
        price: float,
        side: str | None = None,
        *,
        until_stop_moves: bool = False,
    ) -> bool:
        """Fill the orders that the price passes on its way from the open of a candle, in their order.

        :param side: of these orders alone
        :returns: whether a fill has moved the stop
        """
        step, stop = price_step(trade) if self.rule is FillRule.THROUGH else 0.0, trade.stop_loss
        due = [order for order in ladders.due(candle) if side in {None, order.side}]
        for order in candle_fills.reached(due, price, step):
            # The strategy, which is told of each fill, may have changed the ladder meanwhile.
            if ladders.is_ending() or not ladders.has(order):
                continue
            amount = order.amount if order.side == trade.entry_side else min(order.amount, trade.amount)
            ladders.update(replace(order, phase=Phase.ENDED, filled=amount, average=order.price))
            if order.side == trade.exit_side and lot_amount(trade, trade.amount - amount) <= 0:
                ladders.cancel()
                ladders.ending, self.ending = True, simulated_rows.end_trade(trade, order, candle)
                return False
            simulated_rows.fill(self.strategy, trade, order, amount, candle.at)
            if until_stop_moves and trade.stop_loss != stop:
                return True
        return False

    def _price_of(self, trade: Trade, candle: CandlePrices, kind: str) -> float:
        """Return the price at which freqtrade exits a trade in a candle, from the open if it is beyond."""
        rises = trade.exit_side == SELL
        if kind == _ROI:
            minutes = int((candle.at - trade.open_date_utc).total_seconds() // 60)
            _, roi = self.strategy.min_roi_reached_entry(trade, minutes, candle.at)
            if roi is None or roi == -1:
                return candle.open
            price = trade.calc_close_rate_for_roi(roi)
            return min(max(price, candle.open), candle.high) if rises else max(min(price, candle.open), candle.low)
        if kind not in {*STOPS, LIQUIDATION}:
            return candle.open  # a signal, which leaves with the open
        price = (trade.liquidation_price if kind == LIQUIDATION else None) or trade.stop_loss
        is_beyond = price > candle.high if rises else price < candle.low
        return candle.open if is_beyond else min(max(price, candle.low), candle.high)
