"""Amounts of exits: the coins that a trade has, by its rows and the wallet, and those that an exit may sell."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.compat import Trade
from bitget_margin.freqtrade.held_coins import HeldCoins
from bitget_margin.freqtrade.holdings import Holdings
from bitget_margin.freqtrade.ladder_spec import REL_TOLERANCE
from bitget_margin.freqtrade.order_store import OrderStore
from bitget_margin.freqtrade.ports import MarketRules
from bitget_margin.freqtrade.tracked_order import Phase, TrackedOrder
from bitget_margin.freqtrade.trade_rows import key_of

_FRESH_SECONDS: Final = 2.0
"""Age up to which a free balance that freqtrade has read decides on an exit, if it was not read for this exit."""
_RECENT_SECONDS: Final = 60.0
"""Age up to which a reading raises the question whether coins are missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitAmounts:
    """The coins that an exit sells."""

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

        The balance that was read for the exit decides. Where there is none, it is read if an order has ended early or
        is in doubt. An older one does not know the last fills of resting orders: it counts for trades without any.
        Fills that could not be recorded explain what they have sold.

        :param since: begin of this exit, if a balance was read for it; None if none was
        :param canceled: client order ids of orders that this exit has canceled: they are in no doubt if they have ended
        """
        coin = self.holdings.base_of(trade.pair)
        orders = self.store.of_trade(key_of(trade))
        in_doubt = any(
            (ended_early(order) and order.client_id not in canceled)
            or (order.phase.open and self.held.is_in_doubt(order))
            for order in orders
        )
        holding = None if since is None else self.holdings.since(coin, since)
        if holding is None and in_doubt:
            holding = self.holdings.read(coin)
        if holding is None and (in_doubt or not orders):
            holding = self.holdings.last(coin, _RECENT_SECONDS)
        if holding is None:
            return 0.0
        booked = self.holdings.booked(coin)
        missing = booked - holding.total + min(0.0, trade_rows.unrecorded(trade, orders))
        return missing if missing > self.holdings.tolerance(booked) else 0.0

    def fitting(self, trade: Trade, since: float | None = None, canceled: Collection[str] = ()) -> float | None:
        """Return the amount that freqtrade may exit where it is less than that of the trade; None where it is not.

        freqtrade refuses an exit whose amount is more than 2 % above the wallet.
        """
        there = self.booked(trade, self.store.of_trade(key_of(trade))) - self.missing(trade, since, canceled)
        amount = self.cut(trade, there)
        return amount if 0 < amount < trade.amount * (1 - REL_TOLERANCE) else None

    def of_rows(self, trade: Trade) -> float:
        """Return the amount of a trade by its rows, in whole lots."""
        return self.cut(trade, trade_rows.remaining_amount(trade))

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
        """Return the coins of a trade that an exit may sell: not held, and free where that is not certain.

        A venue that lends would fill an order for more than is free, and nothing may be borrowed.

        :param has: the coins that the trade has
        :param is_rest: whether an earlier exit of the trade could not sell all
        :param since: begin of this exit, if a balance was read for it; None if none was
        """
        held = self.held.of(trade, orders)
        most = max(0.0, has - held)
        if not held and self.holdings.freezes() and not is_rest:
            return most
        free = self._free(trade, min(wanted, most), since)
        return most if free is None else min(most, free)

    def is_crumb(self, trade: Trade, amount: float, price: float) -> bool:
        """Whether an amount is too small to be sold at this price, by amount or value."""
        limits = self.rules.markets[trade.pair]["limits"]
        return amount < (limits["amount"]["min"] or 0.0) or amount * price < (limits["cost"]["min"] or 0.0)

    def _free(self, trade: Trade, wanted: float, since: float | None) -> float | None:
        """Return the free balance of the coin of a trade; None where it cannot be read."""
        coin = self.holdings.base_of(trade.pair)
        last = self.holdings.last(coin, _FRESH_SECONDS)
        if last is None and since is not None:
            last = self.holdings.since(coin, since)
        if last is not None and last.free >= wanted:
            return last.free
        now = self.holdings.read(coin)
        return None if now is None else now.free


def ended_early(order: TrackedOrder) -> bool:
    """Whether an order has ended before it was full: canceled, or with sums that come later."""
    return order.phase is Phase.ENDED and order.remaining > 0
