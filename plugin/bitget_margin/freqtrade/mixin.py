"""Strategy mixin that places ladders of resting orders, and cancels them before every exit.

hyperopt pickles this module by value: no lock, no session and no context variable may be a global here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from bitget_margin.freqtrade import backtest_ladders, chart, runtime
from bitget_margin.freqtrade.candle_fills import CandlePrices
from bitget_margin.freqtrade.compat import IStrategy, OperationalException, Trade, is_live, is_simulated, is_trading
from bitget_margin.freqtrade.config import NAME
from bitget_margin.freqtrade.hooks import asks_nobody, wrap_hooks
from bitget_margin.freqtrade.ladder_spec import DEFAULT_KEY
from bitget_margin.freqtrade.tracked_order import Origin

if TYPE_CHECKING:
    from bitget_margin.freqtrade.backtest_ladders import BacktestLadders
    from bitget_margin.freqtrade.runtime import StrategyExchange

logger = logging.getLogger("bitget_margin")
_SHORT = "short"


class CrossedMarginMixin(IStrategy):
    """Resting orders for the trades of a strategy, which every exit cancels before it sells.

    Write it before IStrategy, and place a ladder once the entry has filled::

        class MyStrategy(CrossedMarginMixin, IStrategy):
            def order_filled(self, pair, trade, order, current_time, **kwargs):
                if order.ft_order_side == trade.entry_side:
                    sells = [
                        {"side": "sell", "price": trade.open_rate * up, "amount": trade.amount * 0.2}
                        for up in (1.01, 1.02, 1.03)
                    ]
                    self.place_resting_orders(trade, sells)

    - Fills of resting orders change the trade in the next loop, or at its exit: amount, fees, profit and messages.
      A ladder that sells all coins ends the trade.
    - Each exit cancels the resting orders of its trade with one batch, then sells the coins that are left. It sells no
      coins that a resting order may still sell; where a cancel is not confirmed in time, the free coins are sold at
      once, and the rest follows in a later loop, with the same kind of order.
    - `confirm_trade_exit` is asked for such a rest too; its reason is that of the exit, with " (rest)" at its end.
    - A resting buy that fills after the exit of its trade opens the trade again, and is sold in the next loop.
    - A restart, after a crash too, continues with the same resting orders. They are known by the database, which
      therefore belongs to one bot and one account.
    - The callbacks `confirm_trade_exit`, `custom_exit`, `bot_loop_start`, `adjust_order_price`, `adjust_entry_price`,
      `plot_annotations`, `leverage` and `custom_stake_amount` remain the strategy's own, with or without `super()`.
    - A short gets a leverage of one less than `max_leverage`, since it borrows all of its value.
    - Backtesting and hyperopt simulate ladders on their candles, a dry run by the order book.
    """

    # Trades are Any where strategies call: a type checker that reads freqtrade's sources has a Trade of its own.

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Wrap the callbacks that the class defines or inherits."""
        super().__init_subclass__(**kwargs)
        wrap_hooks(cls)

    def place_resting_orders(
        self, trade: Any, orders: Iterable[Mapping[str, Any]], key: str = DEFAULT_KEY
    ) -> list[dict[str, Any]]:
        """Place a ladder of limit orders for an open trade, with one request.

        https://www.bitget.com/api-doc/margin/cross/trade/Cross-Batch-Order

        :param trade: the `Trade`, as freqtrade passes it to `order_filled` or any other callback
        :param orders: up to 50 dicts (20 on a unified account) with `side` ('buy' or 'sell'), `price` (quote coins),
            and `amount` (base coins) or `share` (of the coins that the trade has now, such as 0.5)
        :param key: the name of the ladder; a second call with the same name places nothing, and returns the same orders
        :returns: ccxt's order structures, in the same order, with `status` 'open' where an order rests, 'rejected'
            where it was refused, and None where it is not decided yet: without a response, or rejected for a passing
            reason, such as a balance that lags or too many requests; the loop then looks it up or places it again.
            Empty on another exchange than `bitgetcross`
        :raises LadderRefused: a ValueError, raised before anything is sent: the sells exceed the coins of the trade,
            the buys exceed the free balance, an order is below the minimum of the pair, or an entry is not an order
        """
        simulated = self.simulated_ladders()
        if simulated is not None:
            return simulated.place(trade, orders, key)
        exchange = self._trading_exchange()
        if exchange is None:
            runtime.warn_once(f"NO LADDERS: place_resting_orders does nothing on another exchange than {NAME!r}.")
            return []
        return exchange.ladders.place(trade, orders, key)

    def replace_resting_orders(
        self, trade: Any, orders: Iterable[Mapping[str, Any]], key: str = DEFAULT_KEY
    ) -> list[dict[str, Any]]:
        """Change the ladder `key` of an open trade into these orders, with one cancel and one place request at most.

        https://www.bitget.com/api-doc/margin/cross/trade/Cross-Batch-Cancel-Order

        An order that rests already, with the side, price and remaining amount of one of these, stays as it is. All
        others are canceled first, and nothing is placed until each of them is proven to have ended. Coins that they
        have sold meanwhile are taken from the last sells. Without a ladder of that name, it is placed.

        :param trade: the `Trade`, as freqtrade passes it to any callback
        :param orders: as in `place_resting_orders`
        :param key: the name of the ladder
        :returns: ccxt's order structures of the ladder as it is wanted, without sells for which no coins are left.
            Empty where an order is not proven canceled: the loop cancels the resting orders of the trade until it is;
            call this again then, in a later loop
        :raises LadderRefused: a ValueError, raised before anything is sent, as in `place_resting_orders`; also while an
            order of the ladder has no response yet
        """
        simulated = self.simulated_ladders()
        if simulated is not None:
            return simulated.change(trade, orders, key)
        exchange = self._trading_exchange()
        return [] if exchange is None else exchange.ladders.change(trade, orders, key)

    def resting_orders(self, trade: Any) -> list[dict[str, Any]]:
        """Return all resting orders of a trade as ccxt's order structures, including those that have ended.

        They are as of the last loop or the last exit; nothing is requested.
        """
        simulated = self.simulated_ladders()
        if simulated is not None:
            return simulated.resting_of(trade)
        exchange = self._trading_exchange()
        return [] if exchange is None else exchange.ladders.resting_of(trade)

    def __init__(self, config: dict[str, Any]) -> None:
        runtime.note_mixin()
        super().__init__(config)

    def ft_stoploss_reached(self, *args: Any, **kwargs: Any) -> Any:
        """Return whether the price has reached the stop-loss, also where one waits at the venue.

        freqtrade would leave that to the venue, whose stop covers no coins that resting orders hold. An exit cancels it
        first, and sells what it has not sold.
        """
        types = self.order_types
        if not types.get("stoploss_on_exchange"):
            return super().ft_stoploss_reached(*args, **kwargs)
        self.order_types = {**types, "stoploss_on_exchange": False}
        try:
            return super().ft_stoploss_reached(*args, **kwargs)
        finally:
            self.order_types = types

    def ft_check_timed_out(self, trade: Any, order: Any, current_time: datetime) -> bool:
        """Return whether an open order has timed out; with this question, a candle of a backtest begins."""
        simulated = self.simulated_ladders()
        if simulated is not None:
            simulated.now = current_time
        return super().ft_check_timed_out(trade, order, current_time)

    def ft_bot_start(self, **kwargs: Any) -> None:
        """Check that the bot trades on `bitgetcross`, on a database of its own; then run freqtrade's own start."""
        name = self.config.get("exchange", {}).get("name")
        if is_trading(self.config) and name != NAME:
            text = (
                f'{type(self).__name__} uses CrossedMarginMixin, and "exchange.name" is {name!r}: set it to '
                f"{NAME!r} and start with `bitget-margin freqtrade trade`."
            )
            if is_live(self.config):
                raise OperationalException(text)
            logger.warning(text)
        running = runtime.current_exchange()
        if is_trading(self.config) and running is not None:
            try:
                running.check_database()
            except OperationalException:
                # freqtrade ends now, and would cancel orders that are not this bot's.
                self.config["cancel_open_orders_on_exit"] = False
                raise
        exchange = self._trading_exchange()
        if exchange is not None:
            exchange.alerts.send = lambda text: self.dp.send_msg(text, always_send=True)
            if is_live(self.config):
                exchange.unproven.guards_prices = True
                exchange.follow_wallets(self.wallets)
                exchange.switch.start(exchange.store.key)
                exchange.pushes.start()
            else:
                exchange.simulate_balances(self.wallets)
                if self.order_types.get("stoploss_on_exchange"):
                    # freqtrade simulates a stop over all coins of a trade, also those that resting orders sell.
                    self.order_types = {**self.order_types, "stoploss_on_exchange": False}
                    runtime.warn_once("A dry run has no stop-loss at the venue: the bot watches it itself.")
        super().ft_bot_start(**kwargs)

    def ft_bot_cleanup(self) -> None:
        """Cancel all resting orders if `cancel_open_orders_on_exit` is set; then run freqtrade's own cleanup."""
        exchange = self._trading_exchange()
        try:
            if exchange is not None and exchange.is_database_checked:
                if self.config.get("cancel_open_orders_on_exit"):
                    exchange.maintenance.cancel_all_at_exit()
                elif is_live(self.config):
                    exchange.maintenance.report_resting_at_exit()
            super().ft_bot_cleanup()
        finally:
            if exchange is not None:
                exchange.pushes.end()
                exchange.switch.end()

    def should_exit(
        self,
        trade: Any,
        rate: float,
        current_time: datetime,
        *,
        low: float | None = None,
        high: float | None = None,
        **kwargs: Any,
    ) -> list[Any]:
        """Return freqtrade's reasons to exit a trade; where none can be refused, the first request cancels its ladder.

        A strategy with a `confirm_trade_exit` of its own is asked first, as an exit order that is open already may
        make freqtrade exit later. In a backtest, the ladders of the trade are filled by the candle first.
        """
        reasons = partial(super().should_exit, trade, rate, current_time, low=low, high=high, **kwargs)
        simulated = self.simulated_ladders()
        if simulated is not None:
            candle = CandlePrices(current_time, rate, rate if high is None else high, rate if low is None else low)
            return simulated.exits(trade, candle, reasons)
        exits = reasons()
        exchange = self._trading_exchange()
        if exchange is not None:
            is_certain = bool(exits) and asks_nobody(self) and not trade.has_open_orders
            exchange.exits.announce(trade if is_certain else None)
        return exits

    def _trading_exchange(self) -> StrategyExchange | None:
        """Return the exchange `bitgetcross` of a bot; None where it trades on another one."""
        return runtime.current_exchange() if is_trading(self.config) else None

    def simulated_ladders(self) -> BacktestLadders | None:
        """Return the ladders of a backtest; None where freqtrade trades."""
        return backtest_ladders.of_strategy(self) if is_simulated(self.config) else None

    # -- called by the wrapped callbacks ------------------------------------------------------------------------------

    def process_resting_orders(self) -> None:
        """Look up every resting order and record its fills; the first step of each loop."""
        self._run_step(lambda exchange: exchange.process_loop())

    def hand_over_ended_orders(self) -> None:
        """Hand the resting orders that have ended to freqtrade; after the strategy's own `bot_loop_start`."""
        self._run_step(lambda exchange: exchange.hand_over_ended())

    def _run_step(self, step: Callable[[StrategyExchange], None]) -> None:
        """Run one step of the loop; an exception would end the bot with its positions open."""
        exchange = self._trading_exchange()
        if exchange is None:
            return
        try:
            step(exchange)
        except Exception:
            Trade.rollback()
            logger.exception("The resting orders could not be processed in this loop; the next one tries again.")

    def cancel_before_exit(self, trade: Trade, exit_reason: str) -> bool:
        """Cancel the resting orders of a trade that is about to exit; return whether an exit order is needed."""
        exchange = self._trading_exchange()
        return True if exchange is None else exchange.exits.confirm(trade, exit_reason)

    def reason_to_exit_again(self, trade: Trade) -> str | None:
        """Return the reason of an exit that sold a part only, once its rest can be sold; None otherwise."""
        exchange = self._trading_exchange()
        return None if exchange is None else exchange.rests.reason(trade)

    def price_of_entry(self, wanted: float | None, request: Mapping[str, Any]) -> float | None:
        """Return the price that an open entry gets: the current one until its order is proven to have ended.

        :param wanted: the strategy's price; None or 0 to cancel the order
        :param request: freqtrade's arguments of `adjust_order_price` or `adjust_entry_price`
        """
        exchange = self._trading_exchange()
        if exchange is None or not is_live(self.config):
            return wanted
        order, trade, pair = request["order"], request["trade"], request["pair"]
        current: float = request["current_order_rate"]
        if wanted != current and order.safe_filled:
            # As freqtrade itself: what has been bought by now may be too little to be sold.
            least = exchange.get_min_pair_stake_amount(pair, trade.open_rate, self.stoploss)
            if least and (trade.amount + order.safe_filled) * trade.open_rate < least:
                return current
        return exchange.unproven.price(order.order_id, pair, current, wanted)

    def leverage_of_entry(self, wanted: float, request: Mapping[str, Any]) -> float:
        """Return the leverage of an entry: a short borrows all of its value, so it gets one less than a long.

        :param request: freqtrade's arguments of `leverage`
        """
        if self.config.get("exchange", {}).get("name") != NAME:
            return wanted
        most = _highest_leverage(request["side"], request["max_leverage"])
        if wanted > most and is_trading(self.config):
            side, pair = request["side"], request["pair"]
            runtime.warn_once(
                f"The leverage of a {side} on {pair} is lowered to {most:g}, the highest of a {side}: the strategy "
                f"asks for more."
            )
        # freqtrade itself lowers that of a long.
        return max(1.0, min(wanted, most)) if request["side"] == _SHORT else wanted

    def refuses_entry(self, request: Mapping[str, Any]) -> bool:
        """Return whether a new trade may not be entered: a short with more leverage than `leverage` would give it.

        Entries that are forced with a leverage of their own do not ask for it.

        :param request: freqtrade's arguments of `custom_stake_amount`
        """
        exchange = self._trading_exchange()
        side, pair, leverage = request["side"], request["pair"], request["leverage"]
        if exchange is None or side != _SHORT:
            return False
        most = _highest_leverage(side, exchange.get_max_leverage(pair, request["proposed_stake"]))
        if leverage <= most:
            return False
        exchange.alerts.warn(
            f"The short on {pair} was not entered: its leverage would be {leverage:g}, and the highest of a short is "
            f"{most:g}, since it borrows all of its value. Nothing was placed."
        )
        return True

    def annotations(self, pair: str, start: datetime, end: datetime, dataframe: Any) -> list[dict[str, Any]]:
        """Return a line on the chart for each resting order, and a pin for each batch cancel."""
        exchange = self._trading_exchange()
        if exchange is None or dataframe.empty:
            return []
        begin_ms, end_ms = int(start.timestamp() * 1_000), int(end.timestamp() * 1_000)
        resting = (order for order in exchange.store.open(Origin.LADDER) if order.pair == pair)
        # The chart ends where its last candle begins.
        batches, price = exchange.store.batches(pair, begin_ms), float(dataframe["close"].iloc[-1])
        return [*chart.lines(resting, end), *chart.pins(batches, end_ms, price)]


def _highest_leverage(side: str, most: float) -> float:
    """Return the highest leverage of a trade on this side, where that of a long is `most`."""
    return max(1.0, most - 1) if side == _SHORT else most
