"""Coins of a trade on the account, in its own direction: those that are there of a long, or owed of a short.

A short has sold coins that it owes. Its covers freeze quote coins, and what they buy is repaid. So what is owed takes
the place of what is there, and what resting covers are to buy that of what is frozen.
"""

from dataclasses import dataclass, replace

from bitget_margin.freqtrade.compat import Trade
from bitget_margin.freqtrade.holdings import RECENT_SECONDS, Holding, Holdings
from bitget_margin.freqtrade.positions import WHOLE_RATIO


@dataclass(frozen=True, slots=True)
class TradeCoins:
    """Balance readings of the coin of a trade, compared with the open trades."""

    holdings: Holdings
    pair: str
    trade: Trade | None = None
    """None for an order of no trade, which counts as one of a long."""

    @property
    def coin(self) -> str:
        """The base coin."""
        return self.holdings.base_of(self.pair)

    @property
    def is_short(self) -> bool:
        """Whether the coins are owed."""
        return self.trade is not None and bool(self.trade.is_short)

    @property
    def freezes(self) -> bool:
        """Whether the balance shows the coins that resting orders of the trade hold."""
        return not self.is_short and self.holdings.freezes()

    def read(self) -> Holding | None:
        """Return the coins now; None if there is no answer, or an empty one."""
        return self._directed(self.holdings.read(self.coin))

    def last(self, seconds: float) -> Holding | None:
        """Return the coins of freqtrade's last reading; None if that is older than these seconds."""
        return self._directed(self.holdings.last(self.coin, seconds))

    def since(self, at_seconds: float) -> Holding | None:
        """Return the coins of the last reading; None if that was asked for before this time."""
        return self._directed(self.holdings.since(self.coin, at_seconds))

    def last_total(self) -> float | None:
        """Return the coins that freqtrade read in the last minute; None if it did not."""
        if not self.is_short:
            return self.holdings.last_total(self.coin)
        holding = self.last(RECENT_SECONDS)
        return None if holding is None else holding.total

    def booked(self) -> float:
        """Return the coins that the open trades should have, or owe."""
        return self.holdings.booked(self.coin, is_short=self.is_short)

    def tolerance(self, amount: float) -> float:
        """Return the difference from an amount that is insignificant: interest and rounded fees for a short."""
        return amount * (1 - WHOLE_RATIO) if self.is_short else self.holdings.tolerance(amount)

    def has_others(self, total: float) -> bool:
        """Whether these are more than the coins of the open trades: not all of them are the bot's."""
        booked = self.booked()
        return total > booked + self.tolerance(booked)

    def shows(self, total: float, missing: float) -> bool:
        """Whether these are the coins of the open trades, less an amount smaller than `missing`."""
        return total > self.booked() - missing

    def closable(self, amount: float, holding: Holding, resting: float) -> float:
        """Return what an exit may close of an amount: of a long what is free, of a short what is still owed.

        What is owed may differ by interest and rounded fees: nearly all of the amount counts as all.

        :param resting: coins of the trade that orders which the venue shows are to close
        """
        if not self.is_short:
            return min(amount, holding.free)
        owed = max(0.0, holding.total - resting)
        return amount if owed >= amount * WHOLE_RATIO else owed

    def _directed(self, holding: Holding | None) -> Holding | None:
        if holding is None or self.trade is None or not self.is_short:
            return holding
        owed = max(0.0, self.holdings.besides(self.trade) - holding.net)
        return replace(holding, total=owed, free=owed, frozen=0.0)
