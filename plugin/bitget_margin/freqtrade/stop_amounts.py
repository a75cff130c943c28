"""Amounts of stops at the venue: coins of a trade that no resting order holds, and that the wallet has."""

from dataclasses import dataclass

from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.compat import Trade
from bitget_margin.freqtrade.holdings import Holdings
from bitget_margin.freqtrade.ladder_spec import REL_TOLERANCE, SELL
from bitget_margin.freqtrade.order_store import OrderStore
from bitget_margin.freqtrade.ports import MarketRules
from bitget_margin.freqtrade.resting_orders import RestingOrders
from bitget_margin.freqtrade.tracked_order import Origin, TrackedOrder
from bitget_margin.freqtrade.trade_rows import key_of


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAmounts:
    """The coins that stops cover, and those that they leave without one."""

    store: OrderStore
    resting: RestingOrders
    holdings: Holdings
    rules: MarketRules
    alerts: Alerts

    def target(self, trade: Trade, more: float = 0.0) -> float:
        """Return the coins of a trade that no order holds, in whole lots.

        :param more: coins that orders will take which the store does not count as open yet
        """
        exits = sum(row.safe_remaining for row in trade.open_orders if row.ft_order_side == trade.exit_side)
        left = trade_rows.remaining_amount(trade)
        return self.cut(trade.pair, left - self.resting.closing(trade) - exits - more)

    def left(self, trade: Trade) -> float:
        """Return the coins that a trade still has by its rows, in whole lots."""
        return self.cut(trade.pair, trade_rows.remaining_amount(trade))

    def cap(self, trade: Trade) -> float:
        """Return the most that a stop may have by the wallet: coins that no order of the bot holds; 0 if unknown."""
        coin = self.holdings.base_of(trade.pair)
        holding = self.holdings.read(coin)
        if holding is None:
            return 0.0
        orders = (*self.store.open(Origin.LADDER), *self.store.open(Origin.STOP))
        held = sum(order.remaining for order in orders if self._holds(order, trade, coin))
        return self.cut(trade.pair, holding.total - held)

    def cut(self, pair: str, amount: float) -> float:
        """Return an amount in whole lots."""
        return float(self.rules.amount_to_precision(pair, max(0.0, amount * (1 + REL_TOLERANCE))))

    def is_sellable(self, pair: str, amount: float, price: float) -> bool:
        """Whether the venue takes an order of this amount at this price."""
        limits = self.rules.markets[pair]["limits"]
        least, least_cost = limits["amount"]["min"] or 0.0, limits["cost"]["min"] or 0.0
        return 0 < amount >= least and amount * price >= least_cost

    def report_cover(self, trade: Trade, amount: float) -> None:
        """Report how much of a trade has a stop at the venue."""
        has = trade_rows.remaining_amount(trade)
        rest = max(0.0, has - amount)
        name = f"Stop-loss of trade {trade.id} on {trade.pair} at the venue"
        if self.cut(trade.pair, rest) <= 0:
            self.alerts.info(f"{name}: all of {has:.8g}.")
            return
        self.alerts.warn(
            f"{name}: {amount:.8g} of {has:.8g}. Resting orders hold the other {rest:.8g}, which have a stop-loss only "
            "while the bot runs.",
            f"cover {trade.id} {rest:.8g}",
        )

    def _holds(self, order: TrackedOrder, trade: Trade, coin: str) -> bool:
        """Whether an order holds coins that are not for the stop of this trade."""
        is_its_stop = order.origin is Origin.STOP and order.trade == key_of(trade)
        return order.side == SELL and self.holdings.base_of(order.pair) == coin and not is_its_stop
