"""`CrossedMarginMixin`: ladders for every trade, and exits that leave nothing behind.

hyperopt pickles this module by value: no lock, no session and no context variable may be a global here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from bitget_margin.freqtrade import runtime
from bitget_margin.freqtrade.compat import IStrategy, OperationalException, Trade, is_live, is_trading
from bitget_margin.freqtrade.config import NAME
from bitget_margin.freqtrade.hooks import wrap_hooks
from bitget_margin.freqtrade.order_store import Batch

logger = logging.getLogger("bitget_margin")


class CrossedMarginMixin(IStrategy):
    """Write it before IStrategy: `class MyStrategy(CrossedMarginMixin, IStrategy)`.

    When a trade exits, its resting orders are cancelled with one batch before the exit order is placed; what they
    filled is in freqtrade's own bookkeeping. Works with strategies that define `confirm_trade_exit`, `custom_exit`,
    `bot_loop_start` or `plot_annotations` themselves, with or without `super()`. In backtesting, hyperopt, dry-run and
    plots, ladders are not simulated.
    """

    # Trades are Any where strategies call: a type checker that reads freqtrade takes its Trade for another than ours.

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Wrap the hooks that the class has, its own or inherited ones."""
        super().__init_subclass__(**kwargs)
        wrap_hooks(cls)

    def place_resting_orders(
        self, trade: Any, orders: Iterable[Mapping[str, Any]], key: str = "entry"
    ) -> list[dict[str, Any]]:
        """Place a ladder of limit orders for an open trade, with one request.

        https://www.bitget.com/api-doc/margin/cross/trade/Cross-Batch-Order

        :param trade: the `Trade`, as freqtrade hands it to `order_filled` or any other callback
        :param orders: up to 50 dicts with `side` ('buy' or 'sell'), `price` (quote coins) and `amount` (base coins)
        :param key: the ladder's name; a second call with the same one places nothing, and returns the same orders
        :returns: ccxt's order structures, in the same order; a refused one has `status` 'rejected', one without an
            answer None, and one that was refused for the moment (funds that the balance shows late, too many
            requests): the loop places it again. Empty where orders are not real (dry-run, backtesting).
        :raises LadderRefused: a ValueError, before anything is sent: sells above what the trade has, buys above the
            free balance, an order below the venue's minimum, or something that is no order
        """
        exchange = self._crossed()
        if exchange is None:
            self._warn_simulated()
            return []
        placed: list[dict[str, Any]] = exchange.ladders.place(trade, orders, key)
        return placed

    def resting_orders(self, trade: Any) -> list[dict[str, Any]]:
        """Return all resting orders of a trade as ccxt's order structures, the ended ones too; asks nobody.

        As the last loop, or the last exit, saw them.
        """
        exchange = self._crossed()
        return [] if exchange is None else exchange.ladders.resting(trade)

    def ft_bot_start(self, **kwargs: Any) -> None:
        """Check that the bot trades on our exchange; then freqtrade's own start."""
        name = self.config.get("exchange", {}).get("name")
        if is_trading(self.config) and name != NAME:
            text = (
                f'{type(self).__name__} uses CrossedMarginMixin, and "exchange.name" is {name!r}: set it to '
                f"{NAME!r} and start with `bitget-margin freqtrade trade`."
            )
            if is_live(self.config):
                raise OperationalException(text)
            logger.warning(text)
        exchange = self._crossed()
        if exchange is not None:
            exchange.resting.alerts.send = lambda text: self.dp.send_msg(text, always_send=True)
        super().ft_bot_start(**kwargs)

    def ft_bot_cleanup(self) -> None:
        """Cancel the ladders where the user wants orders cancelled at the end; then freqtrade's own cleanup."""
        exchange = self._crossed()
        if exchange is not None and self.config.get("cancel_open_orders_on_exit"):
            exchange.resting.cancel_all_at_exit()
        super().ft_bot_cleanup()

    def _crossed(self) -> Any:
        """Return the exchange, if it is ours and trades with real orders."""
        return runtime.exchange() if is_live(self.config) else None

    def _warn_simulated(self) -> None:
        # Once in a process: hyperopt makes a new strategy for every epoch.
        if runtime.warn_once("ladders are not simulated"):
            logger.warning(
                "LADDERS ARE NOT SIMULATED: place_resting_orders does nothing in this run mode; only a live bot "
                "places them.",
            )

    # -- what the wrapped hooks do ------------------------------------------------------------------------------------

    def process_resting_orders(self) -> None:
        """Look at every resting order; called at the beginning of each loop."""
        self._for_the_loop("process_loop")

    def hand_over_ended_orders(self) -> None:
        """Hand the ends of resting orders to freqtrade; called once the strategy's own loop start is over."""
        self._for_the_loop("hand_over_ended")

    def _for_the_loop(self, step: str) -> None:
        exchange = self._crossed()
        if exchange is None:
            return
        try:
            getattr(exchange, step)()
        except Exception:
            Trade.rollback()
            logger.exception("The resting orders could not be looked after in this loop; the next one tries again.")

    def confirm_crossed_exit(self, trade: Trade, exit_reason: str) -> bool:
        """Cancel the resting orders of a trade that is about to exit."""
        exchange = self._crossed()
        return True if exchange is None else bool(exchange.exits.confirm(trade, exit_reason))

    def rest_of_exit(self, trade: Trade) -> str | None:
        """Return why a trade should exit again, of which only a part could be sold."""
        exchange = self._crossed()
        return None if exchange is None else exchange.exits.rest_of(trade)

    def batch_annotations(self, pair: str, start: datetime, end: datetime, dataframe: Any) -> list[dict[str, Any]]:
        """Return a pin on the chart for each batch cancel."""
        exchange = self._crossed()
        if exchange is None or dataframe.empty:
            return []
        begin_ms, end_ms = int(start.timestamp() * 1_000), int(end.timestamp() * 1_000)
        # The chart ends where its last candle begins: what is younger is pinned there.
        batches = exchange.resting.store.batches(pair, begin_ms)
        return [_pin(batch, min(batch.at_ms, end_ms), float(dataframe["close"].iloc[-1])) for batch in batches]


def _pin(batch: Batch, at_ms: int, price: float) -> dict[str, Any]:
    at = datetime.fromtimestamp(at_ms / 1_000, UTC)
    return {"type": "point", "x": at.isoformat(), "y": price, "label": batch.label, "shape": "pin"}
