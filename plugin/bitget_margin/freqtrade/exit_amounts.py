"""Amounts of exits: the coins that a trade has, by its rows and the wallet, and those that an exit may close."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.compat import Trade
from bitget_margin.freqtrade.held_coins import HeldCoins
from bitget_margin.freqtrade.holdings import Holding, Holdings
from bitget_margin.freqtrade.ladder_spec import REL_TOLERANCE
from bitget_margin.freqtrade.order_store import OrderStore
from bitget_margin.freqtrade.ports import MarketRules
from bitget_margin.freqtrade.tracked_order import Phase, TrackedOrder
from bitget_margin.freqtrade.trade_coins import TradeCoins
from bitget_margin.freqtrade.trade_rows import key_of

_FRESH_SECONDS: Final = 2.0
"""Age up to which a free balance that freqtrade has read decides on an exit, if it was not read for this exit."""
_RECENT_SECONDS: Final = 60.0
"""Age up to which a reading raises the question whether coins are missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitAmounts:
    """The coins that an exit sells, or covers."""

    store: OrderStore
    holdings: Holdings
    held: HeldCoins
    rules: MarketRules

    def cut(self, trade: Trade, amount: float) -> float:
        """Return an amount in whole lots; one that is a rounding error below a lot counts as the lot."""
        return float(self.rules.amount_to_precision(trade.pair, max(0.0, amount * (1 + REL_TOLERANCE))))

    def booked(self, trade: Trade, orders: Sequence[TrackedOrder]) -> float:
        """Return the coins that a trade has, with the fills that could not be recorded in its rows."""
        return max(0.0, trade_rows.remaining_amount(trade) + trade_rows.unrecorded(trade, orders))

    def missing(self, trade: Trade, since: float | None = None, canceled: Collection[str] = ()) -> float:
        """Return the coins that the open trades should have, and the wallet has not; 0 where that is not known.

        Of a short, those that should be owed and are not.

        The balance that was read for the exit decides. Where there is none, it is read if an order has ended early, is
        in doubt or was forgotten. An older one does not know the last fills of resting orders: it counts for trades
        without any. Fills that could not be recorded explain what they have sold.

        :param since: begin of this exit, if a balance was read for it; None if none was
        :param canceled: client order ids of orders that this exit has canceled: they are in no doubt if they have ended
        """
        coins = TradeCoins(self.holdings, trade.pair, trade)
        orders = self.store.of_trade(key_of(trade))
        in_doubt = any(
            (ended_early(order) and order.client_id not in canceled)
            or _is_forgotten(order)
            or (order.phase.open and self.held.is_in_doubt(order))
            for order in orders
        )
        holding = None if since is None else coins.since(since)
        if holding is None and in_doubt:
            holding = coins.read()
        if holding is None and (in_doubt or not orders):
            holding = coins.last(_RECENT_SECONDS)
        if holding is None:
            return 0.0
        booked = coins.booked()
        missing = booked - holding.total + min(0.0, trade_rows.unrecorded(trade, orders))
        return missing if missing > coins.tolerance(booked) else 0.0

    def fitting(self, trade: Trade, since: float | None = None, canceled: Collection[str] = ()) -> float | None:
        """Return the amount that freqtrade may exit where it is less than that of the trade; None where it is not.

        freqtrade refuses an exit whose amount is more than 2 % above the wallet.
        """
        there = self.booked(trade, self.store.of_trade(key_of(trade))) - self.missing(trade, since, canceled)
        amount = self.cut(trade, there)
        return amount if 0 < amount < trade.amount * (1 - REL_TOLERANCE) else None

    def of_rows(self, trade: Trade) -> float:
        """Return the amount of a trade as freqtrade counts it by its rows: open exits are not off it yet."""
        return self.cut(trade, trade_rows.remaining_amount(trade) + trade_rows.closed_by_open_exits(trade))

    def sellable(
        self,
        trade: Trade,
        orders: Sequence[TrackedOrder],
        has: float,
        wanted: float,
        *,
        is_rest: bool,
        since: float | None = None,
    ) -> float:
        """Return the coins of a trade that an exit may close: not held, and free where that is not certain.

        A venue that lends would fill an order for more than is free, and nothing may be borrowed. A short covers no
        more than is owed; where that cannot be read, its rows decide.

        :param has: the coins that the trade has
        :param is_rest: whether an earlier exit of the trade could not sell all
        :param since: begin of this exit, if a balance was read for it; None if none was
        """
        held, coins = self.held.of(trade, orders), TradeCoins(self.holdings, trade.pair, trade)
        most = max(0.0, has - held)
        is_certain = coins.freezes and not is_rest and not any(_is_forgotten(order) for order in orders)
        if not held and is_certain and not self.holdings.has_positions:
            return most  # freqtrade itself exits no more than is in the wallet, but for positions
        needed = min(wanted, most)
        # What orders in doubt may have covered already is in `held`, and not owed any more.
        resting = self.held.shown(orders)
        holding = self._known(coins, since)
        if holding is None or coins.closable(needed, holding, resting) < needed:
            holding = coins.read()
        return most if holding is None else coins.closable(most, holding, resting)

    def owed(self, trade: Trade, since: float | None = None) -> float | None:
        """Return the coins that a short owes, with interest; None for a long, and where no fresh reading shows it."""
        coins = TradeCoins(self.holdings, trade.pair, trade)
        holding = self._known(coins, since) if coins.is_short else None
        return None if holding is None else holding.total

    def is_crumb(self, trade: Trade, amount: float, price: float) -> bool:
        """Whether an amount is too small to be sold or covered at this price, by amount or value."""
        limits = self.rules.markets[trade.pair]["limits"]
        return amount < (limits["amount"]["min"] or 0.0) or amount * price < (limits["cost"]["min"] or 0.0)

    @staticmethod
    def _known(coins: TradeCoins, since: float | None) -> Holding | None:
        """Return a fresh reading, or else one of this exit; None where there is none."""
        last = coins.last(_FRESH_SECONDS)
        return coins.since(since) if last is None and since is not None else last


def ended_early(order: TrackedOrder) -> bool:
    """Whether an order has ended before it was full: canceled, or with sums that come later."""
    return order.phase is Phase.ENDED and order.remaining > 0


def _is_forgotten(order: TrackedOrder) -> bool:
    """Whether an order is gone by the operator's word alone: it may have closed its coins, or still hold them."""
    return order.phase is Phase.FORGOTTEN and order.remaining > 0
